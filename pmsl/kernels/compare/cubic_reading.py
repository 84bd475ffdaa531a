"""Values between samples, by the cubic through four of them each way."""

import math

from pmsl.kernels._compiler.jit import helper, kernel


@helper
def _weight(i, t):
    """Weight of sample i - 1 of four at t, from the second of them on: Lagrange's."""
    if i == 0:
        return -t * (t - 1.0) * (t - 2.0) / 6.0
    if i == 1:
        return (t + 1.0) * (t - 1.0) * (t - 2.0) / 2.0
    if i == 2:
        return -(t + 1.0) * t * (t - 2.0) / 2.0
    return (t + 1.0) * t * (t - 1.0) / 6.0


@kernel
def cubic(values, low, high, places, out):
    """Overwrite ``out[n]`` with what values clipped to `low` and `high` are at a place.

    Parameters
    ----------
    values : (R, C) float64
        Sample (0, 0) at (0, 0); the border's go on outside.
    low, high : float
    places : (N, 2) float64
        Row and column.
    out : (N,) float64
    """
    rows, cols = values.shape
    for n in range(places.shape[0]):
        row, col = math.floor(places[n, 0]), math.floor(places[n, 1])
        y, x = places[n, 0] - row, places[n, 1] - col
        total = 0.0
        for i in range(4):
            r = min(max(int(row) + i - 1, 0), rows - 1)
            along = 0.0
            for j in range(4):
                c = min(max(int(col) + j - 1, 0), cols - 1)
                along += _weight(j, x) * min(max(values[r, c], low), high)
            total += _weight(i, y) * along
        out[n] = total
