"""Exposure times of all layers from three numbers, as the printer derives them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

FEWEST, MOST = 2, 200  # fade layers the printer takes


@dataclass(frozen=True, slots=True)
class Fade:
    """Whole milliseconds of the first and the normal layers, and how many layers the time falls over."""

    first_ms: int
    normal_ms: int
    layers: int

    def times_s(self, n: int) -> np.ndarray:
        """Return the times of n layers, (n,) float64 [s].

        Notes
        -----
        Prusa's firmware: layer 0 is shown ``first``, layer i < layers - 1 ``trunc(first - i (first - normal) / (layers - 1))`` ms,
        the others ``normal``.
        """
        i = np.arange(n)
        loss = (self.first_ms - self.normal_ms) / (self.layers - 1)
        ms = np.where(i < self.layers - 1, np.trunc(self.first_ms - i * loss), self.normal_ms)
        return np.asarray(np.where(i == 0, self.first_ms, ms) / 1000.0)

    def elsewhere_s(self, n: int) -> np.ndarray:
        """Return the times that hosts of the other rule (Odyssey) derive: ``normal + (first - normal) (layers - i) / layers``."""
        share = np.maximum(self.layers - np.arange(n), 0) / self.layers
        return np.asarray((self.normal_ms + (self.first_ms - self.normal_ms) * share) / 1000.0)


def fade_over(wanted_s: np.ndarray) -> Fade:
    """Find the fade that gives every layer at least the time it wants, and the least too much in all.

    Parameters
    ----------
    wanted_s : (L,) float64
        Times [s]; nan for layers without light.

    Returns
    -------
    Fade
        Where the times are a linear fall over 2 to 200 layers followed by one time, exactly that one, within 1 ms.
    """
    lit = np.flatnonzero(np.isfinite(wanted_s))
    if not lit.size:
        return Fade(1000, 1000, FEWEST)
    wanted = np.ascontiguousarray(wanted_s[lit])
    best: tuple[float, float, float, int] | None = None
    for layers in range(FEWEST, max(FEWEST, min(MOST, len(wanted_s) + 1)) + 1):
        first, normal = _bounds(lit, wanted, layers)
        share = np.clip(lit / (layers - 1), 0.0, 1.0)
        excess = float(np.log((first * (1 - share) + normal * share) / wanted).sum())
        if best is None or excess < best[0] - 1e-9:
            best = (excess, first, normal, layers)
    assert best is not None
    return Fade(_up(best[1]), _up(best[2]), best[3])


def _bounds(lit: np.ndarray, wanted: np.ndarray, layers: int) -> tuple[float, float]:
    """Return the smallest first and normal time that cover all wanted ones with a fade over so many layers."""
    falling = lit < layers - 1
    rest = wanted[~falling]
    normal = float(rest.max()) if rest.size else float(wanted[falling].min())
    if not falling.any():
        return normal, normal
    share = lit[falling] / (layers - 1)
    first = float(((wanted[falling] - normal * share) / (1 - share)).max())
    return max(first, 1e-3), normal


def _up(time_s: float) -> int:
    """Round up to whole milliseconds; a sum of floats that misses one by a millionth counts as it."""
    return max(1, math.ceil(time_s * 1000.0 - 1e-6))
