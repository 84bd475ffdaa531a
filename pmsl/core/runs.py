"""Runs of equal pixels: found in rows, painted back, in plain numpy, so that a host that only plays a job loads no compiler.

Rows are laid one after another with one black byte before each. Then no run reaches from a row into the next, and one
comparison of neighbours finds all edges of many rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

BAND = 1 << 19  # bytes compared at a time: they stay in the processor's cache
SQUARE = 64


class Runs(NamedTuple):
    """Maximal runs of equal, non-black pixels.

    `row_start` (rows + 1,) int64 has one entry a row of the mask's window, `col` (n,) int32 is a column of the
    grid, `length` (n,) int32, `value` (n,) uint16 (65535 is full) or uint8 (255 is full).
    """

    row_start: np.ndarray
    col: np.ndarray
    length: np.ndarray
    value: np.ndarray


def runs_of_band(band: np.ndarray, col0: int = 0) -> Runs:
    """Find the runs of a few rows.

    Parameters
    ----------
    band : (rows, 1 + cols) uint8 or uint16, contiguous
        The first column is black.
    col0 : int
        Column of the grid the second column is.
    """
    lit = np.flatnonzero(band.max(axis=1, initial=0))  # black rows above and below are the most of many frames
    if not lit.size:
        none = np.zeros(0, np.int32)
        return Runs(np.zeros(len(band) + 1, np.int64), none, none, np.zeros(0, band.dtype))
    first, last = int(lit[0]), int(lit[-1]) + 1
    found = _runs_of_rows(band[first:last], col0)
    ends = np.full(len(band) + 1, found.row_start[-1])
    ends[:first] = 0
    ends[first : last + 1] = found.row_start
    return found._replace(row_start=ends)


def _runs_of_rows(band: np.ndarray, col0: int) -> Runs:
    rows, stride = band.shape
    flat = band.reshape(-1)
    edge = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    value = flat[edge]
    lit = value != 0
    start, length = edge[lit], np.diff(edge, append=flat.size)[lit]
    row_start = np.searchsorted(start, np.arange(rows + 1) * stride)
    col = start - np.repeat(np.arange(rows) * stride + (1 - col0), np.diff(row_start))
    return Runs(row_start, col.astype(np.int32), length.astype(np.int32), value[lit])


def joined(bands: Iterable[Runs]) -> Runs:
    """Put the runs of bands of rows that follow each other together."""
    parts = list(bands)
    counts = np.concatenate([np.zeros(1, np.int64), *(np.diff(p.row_start) for p in parts)])
    return Runs(np.cumsum(counts), *(np.concatenate(column) for column in list(zip(*parts, strict=True))[1:]))


def runs_of(levels: np.ndarray, window: tuple[int, int, int, int]) -> Runs:
    """Find the maximal non-black runs of a dense frame inside `window` (row0, col0, rows, cols), a band of rows at a time."""
    row0, col0, rows, cols = window
    if rows == 0:
        none = np.zeros(0, np.int32)
        return Runs(np.zeros(1, np.int64), none, none, np.zeros(0, levels.dtype))
    upright = levels.strides[1] == levels.itemsize
    many = min(rows, max(1 if upright else SQUARE, BAND // ((cols + 1) * levels.itemsize)))
    width = cols if upright else 4 * SQUARE  # a transposed frame is copied by squares: each line of memory is fetched once
    buffer = np.zeros((many, cols + 1), levels.dtype)
    bands = []
    for first in range(row0, row0 + rows, many):
        band = buffer[: min(many, row0 + rows - first)]
        for c in range(0, cols, width):
            band[:, 1 + c : 1 + c + width] = levels[first : first + len(band), col0 + c : min(col0 + c + width, col0 + cols)]
        bands.append(runs_of_band(band, col0))
    return joined(bands)


def painted(runs: Runs, value: np.ndarray, row0: int, shape: tuple[int, int]) -> np.ndarray:
    """Paint runs whose first row is `row0` into a new black frame.

    Parameters
    ----------
    runs : Runs
    value : (n,) ndarray
        What each run is painted with.
    row0 : int
    shape : (int, int)
        (rows, cols) of the frame.

    Returns
    -------
    (rows, cols) ndarray of value's dtype
    """
    rows, cols = shape
    line = (row0 + np.arange(len(runs.row_start) - 1)) * cols
    start = np.repeat(line, np.diff(runs.row_start)) + runs.col
    edge = np.zeros(2 * len(start) + 2, np.int64)  # black and lit take turns; a black stretch may be empty
    edge[1:-1:2], edge[2:-1:2], edge[-1] = start, start + runs.length, rows * cols
    turn = np.zeros(2 * len(start) + 1, value.dtype)
    turn[1::2] = value
    return np.repeat(turn, np.diff(edge)).reshape(shape)


def clipped(runs: Runs, row0: int, window: tuple[int, int, int, int]) -> Runs:
    """Return what lies inside `window` (row0, col0, rows, cols) of runs whose first row is `row0`; columns count from the window's."""
    top, left, rows, cols = window
    at = np.clip(np.arange(top, top + rows + 1) - row0, 0, len(runs.row_start) - 1)
    ends = runs.row_start[at]
    some = slice(int(ends[0]), int(ends[-1]))
    first = np.maximum(runs.col[some] - np.int32(left), np.int32(0))
    end = np.minimum(runs.col[some] + runs.length[some] - np.int32(left), np.int32(cols))
    inside = end > first
    if inside.all():
        return Runs(ends - ends[0], first, end - first, runs.value[some])
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(inside)])
    return Runs(before[ends - ends[0]], first[inside], (end - first)[inside], runs.value[some][inside])


def column_sums(runs: Runs, cols: int) -> np.ndarray:
    """Return the sum of the levels of every column: (cols,) int64. It goes up where a run begins and down where it ends."""
    step: Any = np.zeros(cols + 1, np.int64)
    level = runs.value.astype(np.int64)
    np.add.at(step, runs.col, level)
    np.subtract.at(step, runs.col + runs.length, level)
    return np.asarray(np.cumsum(step[:-1]))
