"""Segments of a section by the square cells they pass."""

from __future__ import annotations

import numpy as np


def corners_of(*segments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and the upper corner of the box around segments: (2,) float64 each.

    Parameters
    ----------
    *segments : (S, 2 n) float64
        x and y in turn, as of both ends of a segment, or three corners of a triangle; at least one in all.
    """
    columns = [[column for some in segments if len(some) for column in some.T[axis::2]] for axis in (0, 1)]
    low, high = ([fold([fold(c) for c in both]) for both in columns] for fold in (np.min, np.max))  # along x and y: a tenth of both at once
    return np.array(low), np.array(high)


def cells_of(segments: np.ndarray, x_low: float, y_low: float, cell: float, cols: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Enter segments into cells: where the entries of each cell begin, (rows · cols + 1,) int64, and the segments of each, (E,) int32.

    Parameters
    ----------
    segments : (S, 4) float64
        x0, y0, x1, y1.
    x_low, y_low : float
        Lower corner of the first cell.
    cell : float
        Side of a cell.
    cols, rows : int
        How many there are; the outermost hold what lies beyond.
    """
    from pmsl.kernels.geometry import facing_segments

    lengths = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    start = np.empty(rows * cols + 1, np.int64)
    owners = np.empty(len(segments) + int(np.ceil(2 * lengths / cell).sum()), np.int32)
    facing_segments.enter(segments, x_low, y_low, cell, cols, start, owners)
    return start, owners
