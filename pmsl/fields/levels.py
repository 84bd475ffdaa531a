"""Gray levels of fields that overlap, rounded together, so that their light adds up as it was meant to within half a level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmsl.optics.grayscale import levels_of

TRIES = (0, 1, -1, 2, -2)  # levels around the nearest that all fields but the last may have
CLOSER = 1e-9  # of white: what another level must gain


def shared_levels(
    doses: Sequence[np.ndarray], gains: Sequence[np.ndarray | float], response: np.ndarray, spent: float = 0.0
) -> list[np.ndarray]:
    """Return the levels of fields whose light falls on the same pixels.

    Parameters
    ----------
    doses : sequence of ndarray of float
        What each is to give, above 0, relative to white where the field is 1; in the order in which roundings are handed on.
    gains : sequence of ndarray or float
        Light of white in each, relative to that: the flat field there.
    response : (256,) float64
        Light of every level.
    spent : float
        What of each is lost, in the same unit: the induction dose. What is left adds up as it was meant to.

    Returns
    -------
    list of ndarray of uint8
        Those around the nearest whose light adds up best: what one field is rounded by the next makes up for.
    """
    wanted = [np.maximum(dose - spent, 0.0) for dose in doses]
    return _together(doses, wanted, gains, response, spent, np.zeros(np.shape(doses[0])))[0]


def _together(
    doses: Sequence[np.ndarray],
    wanted: Sequence[np.ndarray],
    gains: Sequence[np.ndarray | float],
    response: np.ndarray,
    spent: float,
    owed: np.ndarray,
) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the levels, and by how much what they leave misses `wanted` and what is `owed`."""
    want = wanted[0] + owed
    last = len(doses) == 1
    nearest = _nearest(np.where(want > 0, want + spent, np.minimum(doses[0], spent)) / gains[0], response)
    best: list[np.ndarray] = []
    missed = np.full(nearest.shape, np.inf)
    for by in (0,) if last else TRIES:
        level = np.clip(nearest.astype(np.int16) + by, 0, len(response) - 1).astype(np.uint8)
        rest = want - np.maximum(response[level] * gains[0] - spent, 0.0)
        others, off = ([], np.abs(rest)) if last else _together(doses[1:], wanted[1:], gains[1:], response, spent, rest)
        closer = off < missed - CLOSER
        found = [level, *others]
        best = [np.where(closer, new, old) for new, old in zip(found, best or found, strict=True)]
        missed = np.where(closer, off, missed)
    return best, missed


def _nearest(light: np.ndarray, response: np.ndarray) -> np.ndarray:
    return levels_of(np.clip(light, 0.0, 1.0), response)
