"""What exposures of a layer that the stage shifts give a place of the plate together, at most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmsl.core.arrays import cut_out
from pmsl.core.mask import Window, in_field
from pmsl.job.layer_plan import Exposure

WHOLE_PX = 1e-6


def most_light(
    exposures: Sequence[Exposure], each: Sequence[float], pitch_um: tuple[float, float], light_of_level: np.ndarray, limit: float
) -> float:
    """Return the most that a place gets of exposures of one engine.

    Parameters
    ----------
    exposures : sequence of Exposure
        Each with its `offset_um`, where the lower corner of its frame is.
    each : sequence of float
        What a white pixel of each gives.
    pitch_um : (float, float)
    light_of_level : (256,) float64
        Light of every gray level relative to white.
    limit : float
        Where full frames that overlap cannot pass it, their grays are not looked at: the sum of white is returned.

    Notes
    -----
    Pixels of frames that do not lie on one grid overlap with up to four of another: the lightest of them counts.
    """
    shape = exposures[0].mask.shape
    at = np.array([e.offset_um for e in exposures]) / pitch_um  # (n, 2) [px], x and y
    white = np.array(each)
    most = _most_white(at, white, shape)
    if most <= limit:
        return most
    return max(_most_within(i, exposures, at, white, light_of_level) for i in range(len(exposures)))


def _most_white(at: np.ndarray, white: np.ndarray, shape: tuple[int, int]) -> float:
    """Return the most that full frames give a place: the lower corner of one along x and of one along y."""
    rows, cols = shape
    xs, ys = (np.unique(at[:, axis]) for axis in (0, 1))
    in_x = (at[:, 0] <= xs[:, None] + WHOLE_PX) & (xs[:, None] + WHOLE_PX < at[:, 0] + cols - WHOLE_PX)
    in_y = (at[:, 1] <= ys[:, None] + WHOLE_PX) & (ys[:, None] + WHOLE_PX < at[:, 1] + rows - WHOLE_PX)
    sums = (in_x * white) @ in_y.T.astype(np.float64)
    return float(sums.max())


def _most_within(i: int, exposures: Sequence[Exposure], at: np.ndarray, white: np.ndarray, light_of_level: np.ndarray) -> float:
    """Return the most that a pixel in the window of exposure i gets; of the others only what lies over it is looked at."""
    window = exposures[i].mask.window
    total = np.zeros((window.rows, window.cols))
    for j, e in enumerate(exposures):
        x, y = at[i] - at[j]
        down, across = _near(y), _near(x)
        shown = e.mask.window
        rows = _common(window.row0, window.rows, down, shown.row0, shown.rows)
        cols = _common(window.col0, window.cols, across, shown.col0, shown.cols)
        if not rows or not cols:
            continue
        seen = in_field(
            Window(rows.start + down[0], cols.start + across[0], len(rows) + len(down) - 1, len(cols) + len(across) - 1), e.mask.shape
        )
        light, shape = white[j] * light_of_level[e.mask.within(seen)], (len(rows), len(cols))
        here = slice(rows.start - window.row0, rows.stop - window.row0), slice(cols.start - window.col0, cols.stop - window.col0)
        total[here] += np.max(
            [cut_out(light, rows.start + r - seen.row0, cols.start + c - seen.col0, shape) for r in down for c in across], axis=0
        )
    return float(total.max(initial=0.0))


def _common(first: int, n: int, by: Sequence[int], other_first: int, other_n: int) -> range:
    """Return which of the pixels from `first` on, n of them, lie over pixels of another frame, `by` so many from here."""
    return range(max(first, other_first - by[-1]), min(first + n, other_first + other_n - by[0]))


def _near(px: float) -> list[int]:
    """Return the whole numbers of pixels that a pixel so far off lies across."""
    whole = round(px)
    return [whole] if abs(px - whole) <= WHOLE_PX else [int(np.floor(px)), int(np.floor(px)) + 1]
