"""Sections of a job without a design: where its masks are half as light as the lightest pixel of a layer.

Boundaries run between the middles of pixels, where the level, taken as linear from one to the next, is the half (marching squares): with
gray rims they are right to a tenth of a pixel, else to half of one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pmsl.checks.light.layer_stream import check_exposures
from pmsl.core.arrays import cut_out
from pmsl.core.grid import Grid
from pmsl.core.mask import Window, around
from pmsl.job.print_job import PrintJob

LAYERS = 16  # that are kept
BOTTOM, RIGHT, TOP, LEFT = range(4)  # sides of a square between four middles
SIDES = {  # by which corners are solid, counted from the lower left against the clock: where the boundary enters, where it leaves
    0b0001: [(BOTTOM, LEFT)],
    0b0010: [(RIGHT, BOTTOM)],
    0b0011: [(RIGHT, LEFT)],
    0b0100: [(TOP, RIGHT)],
    0b0101: [(BOTTOM, LEFT), (TOP, RIGHT)],
    0b0110: [(TOP, BOTTOM)],
    0b0111: [(TOP, LEFT)],
    0b1000: [(LEFT, TOP)],
    0b1001: [(BOTTOM, TOP)],
    0b1010: [(RIGHT, BOTTOM), (LEFT, TOP)],
    0b1011: [(RIGHT, TOP)],
    0b1100: [(LEFT, RIGHT)],
    0b1101: [(BOTTOM, RIGHT)],
    0b1110: [(LEFT, BOTTOM)],
}
JOINED = {0b0101: [(BOTTOM, RIGHT), (TOP, LEFT)], 0b1010: [(LEFT, BOTTOM), (RIGHT, TOP)]}  # where two solid corners are one piece


class _Layer(NamedTuple):
    """Levels of a layer within a window, and from which on a pixel is solid."""

    window: Window
    level: np.ndarray
    half: float


class PixelSections:
    """Sections of a job by its masks.

    Parameters
    ----------
    job : PrintJob
        What it shows with another engine, or with an offset, is refused when it is asked for: `NotCheckedError`.
    """

    def __init__(self, job: PrintJob) -> None:
        self._job = job
        self._layer = lru_cache(LAYERS)(self._read)

    @property
    def grid(self) -> Grid:
        """The grid of the job."""
        return self._job.grid

    @property
    def step_um(self) -> float:
        """How far from its place a boundary may be [µm]: a pixel."""
        return float(self.grid.pitch_um.max())

    def window(self, k: int) -> Window:
        """Return what holds all that is lit of layer k."""
        return self._layer(k).window

    def segments_um(self, k: int) -> np.ndarray:
        """Return the boundary of layer k: (S, 4) float64, x0, y0, x1, y1 with solid on the left [µm]."""
        window, level, half = self._layer(k)
        segments = half_level_segments(np.pad(level, 1), half) + np.tile((window.col0 - 1.0, window.row0 - 1.0), 2)
        return np.ascontiguousarray(segments * np.tile(self.grid.pitch_um, 2) + np.tile(self.grid.origin_um, 2))

    def normals(self, k: int, segments_um: np.ndarray) -> np.ndarray:
        """Return the normals at the segments of layer k, whose walls are upright: (S, 3) float64, as `Sections` has them."""
        out = np.zeros((len(segments_um), 3))
        dx, dy = segments_um[:, 2] - segments_um[:, 0], segments_um[:, 3] - segments_um[:, 1]
        out[:, 0], out[:, 1] = -dy, dx
        out /= np.hypot(dx, dy)[:, None]
        return out

    def over_nothing(self, k: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the pixels of layer k over none of the layer below, two triangles a run: (T, 6) float64 [µm], and (T,) int32 pieces."""
        from scipy import ndimage

        here, below = self._layer(k), self._layer(k - 1)
        new = here.level >= here.half
        new &= ~_within(below, here.window)
        label, _ = ndimage.label(new, np.ones((3, 3)))
        edges = np.diff(np.pad(new, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        row, col = np.nonzero(edges > 0)
        end = np.nonzero(edges < 0)[1]
        (x0, y0), (px, py) = self.grid.origin_um.tolist(), self.grid.pitch_um.tolist()
        west, east = (x0 + (c + here.window.col0) * px for c in (col, end))
        south = y0 + (row + here.window.row0) * py
        north = south + py
        triangles = np.stack([west, south, east, south, east, north, west, south, east, north, west, north], axis=1).reshape(-1, 6)
        return triangles, np.repeat(label[row, col], 2).astype(np.int32)

    def _read(self, k: int) -> _Layer:
        plan = self._job.bare(k)
        check_exposures(plan)
        window = around([e.mask.window for e in plan.exposures])
        level = np.zeros((window.rows, window.cols), np.uint8)
        for e in plan.exposures if window.rows else ():
            np.maximum(level, e.mask.within(window, np.uint8), out=level)
        return _Layer(window, level, max((int(level.max(initial=0)) + 1) // 2, 1) - 0.5)


def _within(layer: _Layer, window: Window) -> np.ndarray:
    """Return which pixels of a window are solid in a layer."""
    row0, col0 = window.row0 - layer.window.row0, window.col0 - layer.window.col0
    return cut_out(layer.level, row0, col0, (window.rows, window.cols)) >= layer.half


def half_level_segments(level: np.ndarray, half: float) -> np.ndarray:
    """Return the boundary of what is at least half lit: (S, 4) float64, x0, y0, x1, y1 [px], solid on the left.

    Parameters
    ----------
    level : (rows, cols) uint8
        With a rim of zeros; the middle of pixel (r, c) is at (c + 0.5, r + 0.5).
    half : float
        No level is equal to it.
    """
    lit = level >= half
    code = lit[:-1, :-1] | lit[:-1, 1:].astype(np.uint8) << 1 | lit[1:, 1:].astype(np.uint8) << 2 | lit[1:, :-1].astype(np.uint8) << 3
    row, col = np.nonzero((code != 0) & (code != 15))
    kind = code[row, col]
    a, b, c, d = (level[row + i, col + j].astype(float) for i, j in ((0, 0), (0, 1), (1, 1), (1, 0)))
    with np.errstate(divide="ignore", invalid="ignore"):
        along = [(half - p) / (q - p) for p, q in ((a, b), (b, c), (d, c), (a, d))]
    x = [col + along[BOTTOM], col + 1.0, col + along[TOP], col + 0.0]
    y = [row + 0.0, row + along[RIGHT], row + 1.0, row + along[LEFT]]
    joined = a + b + c + d >= 4 * half
    out = []
    for which, sides in SIDES.items():
        for more, chosen in ((False, sides), (True, JOINED.get(which, sides))):
            at = np.flatnonzero((kind == which) & (joined == more))
            out += [np.stack([x[s][at], y[s][at], x[t][at], y[t][at]], axis=1) for s, t in chosen]
    return np.concatenate(out) + 0.5
