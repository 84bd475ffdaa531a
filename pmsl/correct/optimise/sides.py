"""Points well inside and well outside of a contour: where nothing may stay liquid, and nothing may cure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pmsl.core.mask import Window
from pmsl.correct.solver.accumulated_dose import Above
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.contact_layers import PointCells
from pmsl.correct.solver.influence_rows import Pixels, Spot
from pmsl.correct.solver.layer_problem import FREE, DoseConstraints, from_above, seen

INSIDE, OUTSIDE = 1.1, 0.88  # of Ec: what such points get at least and at most
SURE = 0.03  # of Ec: a point that is nearer to it than that may have others beside it beyond it
PER_PX = 4  # points along each axis
WEIGHT = 0.1  # of each


def inside_of(segments: np.ndarray, window: Window) -> np.ndarray:
    """Tell which points of a raster, `PER_PX` a pixel along each axis, segments enclose: (PER_PX rows, PER_PX cols) bool.

    Parameters
    ----------
    segments : (N, 4) float64
        x0, y0, x1, y1 [px], solid on the left; closed lines.
    window : Window
    """
    x0, y0, x1, y1 = (PER_PX * (segments - np.tile((window.col0, window.row0), 2))).T
    low, high = (np.ceil(f(y0, y1) - 0.5).astype(np.int64) for f in (np.minimum, np.maximum))
    many = high - low  # lines of the raster that a segment crosses, half open
    which = np.repeat(np.arange(len(many)), many)
    line = np.arange(len(which)) - np.repeat(np.cumsum(many) - many, many) + low[which]
    share = (line + 0.5 - y0[which]) / (y1 - y0)[which]
    col = np.maximum(np.ceil(x0[which] + share * (x1 - x0)[which] - 0.5), 0.0).astype(np.int64)
    rows, cols = PER_PX * window.rows, PER_PX * window.cols
    there = (line >= 0) & (line < rows) & (col < cols)
    turns = np.zeros((rows, cols), np.int8)
    np.add.at(turns, (line[there], col[there]), np.where(y1 > y0, -1, 1).astype(np.int8)[which[there]])
    return np.asarray(np.cumsum(turns, axis=1, dtype=np.int8, out=turns) > 0)


def well(inside: np.ndarray, row: np.ndarray, col: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tell of points of a raster whether they and their neighbours, corners too, are all inside, or all outside: (M,) and (M,) bool."""
    rows, cols = inside.shape
    total = np.zeros(len(row), np.int64)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            total += inside[np.clip(row + down, 0, rows - 1), np.clip(col + right, 0, cols - 1)]
    return total == 9, total == 0


class StartingLight(NamedTuple):
    """Light of pixels (P + 1,) [mJ/cm²] where those that may change are dark, and where they are white."""

    least: np.ndarray
    most: np.ndarray

    @classmethod
    def of(cls, light: np.ndarray, white: np.ndarray, free: np.ndarray) -> StartingLight:
        """Take the light to begin with, white doses, and the numbers of pixels that may change."""
        least, most = light.copy(), light.copy()
        least[free], most[free] = 0.0, white[free]
        return cls(least, most)


@dataclass(frozen=True, slots=True, eq=False)
class SidePoints:
    """Points on either side, and what they see.

    Attributes
    ----------
    weights, index : (M, J) float64 and int32
        Of pixels, as `Spot.rows` gives them.
    given : (M,) float64
        Dose from the layers above half-way up the slab [mJ/cm²].
    inside : (M,) bool
    cell : (M,) int64
        Number of the pixel each lies in.
    """

    weights: np.ndarray
    index: np.ndarray
    given: np.ndarray
    inside: np.ndarray
    cell: np.ndarray

    @classmethod
    def of(
        cls, k: int, segments: np.ndarray, wanted: np.ndarray, start: StartingLight, above: Above, law: Law, spot: Spot, pixels: Pixels
    ) -> SidePoints:
        """Find those in `wanted` (P + 1,) bool pixels that some light of the pixels that may change would put on the wrong side."""
        window, number = pixels.window, np.flatnonzero(wanted[:-1])
        part = np.arange(PER_PX**2)
        row = ((pixels.row[number] - window.row0) * PER_PX)[:, None] + part // PER_PX
        col = ((pixels.col[number] - window.col0) * PER_PX)[:, None] + part % PER_PX
        row, col, cell = row.ravel(), col.ravel(), np.repeat(number, len(part))
        inside, outside = well(inside_of(segments, window), row, col)
        at = (np.stack([row, col], axis=1) + 0.5) / PER_PX + (window.row0, window.col0)
        kept = inside | outside
        at, inside, cell = at[kept], inside[kept], cell[kept]
        weights, index = spot.rows(at, pixels)
        depth = 0.5 * float(law.z_edges_um[k + 1] - law.z_edges_um[k])
        given = from_above(weights, index, above, depth, PointCells(k, cell))
        least, most = (law.effective_mj_cm2(depth, seen(weights, index, light), given) for light in (start.least, start.most))
        threshold = law.threshold_mj_cm2
        kept = np.where(inside, least < INSIDE * threshold, most > OUTSIDE * threshold) & (most > least)
        return cls(weights[kept], index[kept], given[kept], inside[kept], cell[kept])

    def asking(self, k: int, law: Law) -> DoseConstraints:
        """Ask for enough inside, for little outside."""
        depth = 0.5 * float(law.z_edges_um[k + 1] - law.z_edges_um[k])
        least, most = law.own_mj_cm2(depth, self.given, np.where(self.inside, INSIDE, OUTSIDE))
        low, high = np.where(self.inside, least, -FREE), np.where(self.inside, FREE, most)
        return DoseConstraints.asking(self.weights, self.index, low, high, 1.0 / WEIGHT)

    def stray(self, k: int, light: np.ndarray, law: Law) -> np.ndarray:
        """Tell which points are liquid inside or solid outside, or nearly so, where pixels are so light (P + 1,) [mJ/cm²]: (M,) bool."""
        depth = 0.5 * float(law.z_edges_um[k + 1] - law.z_edges_um[k])
        dose = law.effective_mj_cm2(depth, seen(self.weights, self.index, light), self.given)
        relative = dose / law.threshold_mj_cm2
        return np.where(self.inside, relative < 1.0 + SURE, relative >= 1.0 - SURE)
