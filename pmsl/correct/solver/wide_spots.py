"""Spots that no few pixels hold: light that scatters on its way down, and tails that light the whole field.

A point of either sees, beside the pixels around it as a layer shows them, further *views* of the layers above: rows have columns for those
behind the columns of the pixels, and what gathers light (`Above`) holds a number for each pixel and view.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import Window
from pmsl.correct.solver.attenuation import WITHOUT, Law
from pmsl.correct.solver.influence_rows import Depth, Pixels, Spot
from pmsl.errors import ExposureError
from pmsl.kernels.light import psf_rows
from pmsl.optics import Gaussian, Lorentzian, Psf, spread
from pmsl.optics.far_light import FAR_PX, far_light, near_share

VIEWS = 6  # widths of scattered light, between which it is interpolated
DEEP = 6.0  # longest decays: light from further up scatters as from there


@dataclass(frozen=True, slots=True, eq=False)
class ScatteredSpot(Spot):
    """A Gaussian whose variance grows with the way down, `variance_px2` (y, x) for a µm; views are that far further up, `ways_um` (V,).

    The light of a layer is taken as the polynomial through its views: what comes from a layer `u` above sees `shares(u)` of each.
    """

    variance_px2: tuple[float, float] = (0.0, 0.0)
    ways_um: np.ndarray | None = None

    @classmethod
    def widening(cls, psf: Gaussian, law: Law, grid: Grid) -> ScatteredSpot:
        """Take a spot whose light scatters in a resin."""
        px, py = grid.pitch_um.tolist()
        variance = law.scatter_um / py**2, law.scatter_um / px**2
        deepest = DEEP * float(law.lengths_um.max())
        ways = 0.5 * deepest * (1.0 - np.cos(np.pi * np.arange(VIEWS) / (VIEWS - 1)))
        y, x = (4.0 * math.sqrt(s * s + v * deepest) for s, v in zip(psf.sigma_px, variance, strict=True))
        return cls(psf, (y, x), variance, ways)

    @property
    def around_middle(self) -> tuple[int, int]:
        """How many pixels the pixel of a point sees on either side."""
        y, x = (max(1, math.ceil(r)) for r in self.reach_px)
        return y, x

    @property
    def taps(self) -> tuple[int, int]:
        """How many pixels a point sees, along y and x."""
        down, across = self.around_middle
        return 2 * down + 1, 2 * across + 1

    def shares(self, up_um: float) -> np.ndarray:
        """Return by how much each view counts of light from so far above: (V,) float64."""
        assert self.ways_um is not None
        u = min(up_um, float(self.ways_um[-1]))
        apart = self.ways_um[:, None] - self.ways_um[None, :]
        np.fill_diagonal(apart, 1.0)
        top = np.where(np.eye(VIEWS, dtype=bool), 1.0, u - self.ways_um[None, :])
        return np.asarray((top / apart).prod(axis=1))

    def views(self, own: np.ndarray, up_um: float) -> np.ndarray:
        """Return what points see of a layer that far above."""
        return np.outer(self.shares(up_um), own).reshape(-1)

    def rows(self, at_px: np.ndarray, pixels: Pixels, depth_um: Depth = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights and numbers of the pixels around points (y, x) so far below the plane, and of their views."""
        assert isinstance(self.psf, Gaussian) and self.ways_um is not None
        first = np.floor(at_px).astype(np.int64) - self.around_middle
        near, taps, n = self._numbers(first, self.taps, pixels), self.taps, len(pixels.row) + 1
        depth = np.broadcast_to(np.asarray(depth_um, np.float64), (len(at_px),))
        from_first = np.ascontiguousarray(at_px - first - 0.5, np.float64)
        weights, index = np.empty((len(at_px), VIEWS * near.shape[1])), np.empty((len(at_px), VIEWS * near.shape[1]), np.int32)
        for view, way in enumerate(self.ways_um.tolist()):
            sigma = np.sqrt(np.square(self.psf.sigma_px) + np.outer(depth + way, self.variance_px2))
            out, here = np.empty(near.shape), slice(view * near.shape[1], (view + 1) * near.shape[1])
            psf_rows.weights(from_first, *taps, sigma, np.full(2, self.psf.mirror_px), np.empty(max(taps)), out)
            weights[:, here], index[:, here] = out, near + np.int32(view * n)
        return weights, index

    def middles(self, row: np.ndarray, col: np.ndarray, pixels: Pixels, depth_um: Depth = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return the same of the middles of pixels."""
        return self.rows(np.stack([row + 0.5, col + 0.5], axis=1), pixels, depth_um)


@dataclass(frozen=True, slots=True, eq=False)
class TailedSpot(Spot):
    """A Lorentzian: pixels near by are told apart, the light of all others is one view, read between the middles of pixels."""

    @property
    def around_middle(self) -> tuple[int, int]:
        """How many pixels the pixel of a point sees on either side."""
        return math.ceil(FAR_PX), math.ceil(FAR_PX)

    @property
    def taps(self) -> tuple[int, int]:
        """How many pixels a point sees, along y and x."""
        return 2 * math.ceil(FAR_PX) + 1, 2 * math.ceil(FAR_PX) + 1

    @property
    def lights_all(self) -> bool:
        """Whether light comes from the whole field."""
        return True

    def rows(self, at_px: np.ndarray, pixels: Pixels, depth_um: Depth = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights and numbers of the pixels around points (y, x), and of four whose middles see what is farther."""
        first = np.floor(at_px).astype(np.int64) - self.around_middle
        near, n = self._numbers(first, self.taps, pixels), len(pixels.row) + 1
        apart = [(at_px - first - 0.5)[:, i, None] - np.arange(self.taps[i])[None, :] for i in (0, 1)]
        shown = self.psf.patches(*apart) * near_share(*apart)  # type: ignore[union-attr]
        cell = np.floor(at_px - 0.5).astype(np.int64)
        part = at_px - 0.5 - cell
        around = self._numbers(cell, (2, 2), pixels) + np.int32(n)
        sides = [np.stack([1.0 - part[:, i], part[:, i]], axis=1) for i in (0, 1)]
        far = (sides[0][:, :, None] * sides[1][:, None, :]).reshape(len(at_px), 4)
        return np.concatenate([shown.reshape(near.shape), far], axis=1), np.concatenate([near, around], axis=1)

    def middles(self, row: np.ndarray, col: np.ndarray, pixels: Pixels, depth_um: Depth = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Return the same of the middles of pixels."""
        return self.rows(np.stack([row + 0.5, col + 0.5], axis=1), pixels)

    def far(self, light: np.ndarray, source: Window, pixels: Pixels) -> np.ndarray:
        """Return what the middles of the numbered pixels see of pixels farther away, (P + 1,), of light in a window."""
        assert isinstance(self.psf, Lorentzian)
        seen = far_light(light, source, pixels.window, self.psf)
        return np.append(seen[pixels.row - pixels.window.row0, pixels.col - pixels.window.col0], 0.0)

    def all_light(self, light: np.ndarray, source: Window, pixels: Pixels) -> np.ndarray:
        """Return all that the middles of the numbered pixels see of light in a window: (P,)."""
        seen = spread(light, source, pixels.window, self.psf, (0.0, 0.0))
        return np.asarray(seen[pixels.row - pixels.window.row0, pixels.col - pixels.window.col0])


def spot_of(psf: Psf, law: Law, grid: Grid, robust: bool) -> Spot:
    """Return the spot that corrections reckon with.

    Parameters
    ----------
    psf : Psf
        Of the printer.
    law : Law
    grid : Grid
    robust : bool
        Whether the light is chosen for several resins at once.

    Raises
    ------
    ExposureError
        Scatter with another spot than a Gaussian, or with a constant tail; a Lorentzian with scatter, induction or another memory than
        enclosed; either of them with a robust choice.
    """
    if law.scatter_um > 0:
        _check(
            f"scatter_um = {law.scatter_um:g}",
            {
                "a psf that is no Gaussian": not isinstance(psf, Gaussian),
                "a constant tail": not np.isfinite(law.lengths_um).all(),
                "a robust choice": robust,
            },
        )
        assert isinstance(psf, Gaussian)
        return ScatteredSpot.widening(psf, law, grid)
    if isinstance(psf, Lorentzian):
        _check(
            "a psf of kind 'lorentzian'",
            {
                f"memory = {law.memory!r}": law.memory != "enclosed",
                f"induction_mj_cm2 = {law.induction_mj_cm2:g}": law.induction_mj_cm2 > 0,
                "a robust choice": robust,
            },
        )
        return TailedSpot(psf, (float(math.ceil(FAR_PX)), float(math.ceil(FAR_PX))))
    return Spot.of(psf)


def _check(what: str, beside: dict[str, bool]) -> None:
    for other, there in beside.items():
        if there:
            raise ExposureError(f"corrections reckon with {what}, but not beside {other}; leave one of the two out, or {WITHOUT}")
