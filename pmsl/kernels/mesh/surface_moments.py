"""Share and height of the surface in touched columns, taken out of the sums of a sided sweep."""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel

NOTHING = 2.0**-36  # a smaller share of a pixel is rounding


@helper
def mean_height(sums, i, side, low, high):
    """Return the mean height of the surface of a side in a column that has some."""
    return low + min(max(sums[i, side + 1] / sums[i, side], 0.0), 1.0) * (high - low)


@kernel
def extract_columns(start, col, length, sums, low, high, row_out, col_out, share, height):
    """Take out the columns of a slab that hold surface facing down or up.

    Parameters
    ----------
    start : (R + 1,) int64; col, length : (N,) int32
        Entries of every row: first column, and how many from there on.
    sums : (N, 4) float64
        Area facing down and its moment of z within the slab (0 to 1), the same facing up.
    low, high : float
        Heights of the slab's faces.
    row_out, col_out : (P,) int32, P columns in all
        Overwritten.
    share, height : (2, P) float64
        Overwritten: area facing down and up, and its mean height; not a number where there is none.

    Returns
    -------
    int
        How many columns were written.
    """
    n = 0
    for r in range(start.size - 1):
        for i in range(start[r], start[r + 1]):
            if not (sums[i, 0] > NOTHING or sums[i, 2] > NOTHING):
                continue
            for c in range(col[i], col[i] + length[i]):
                row_out[n], col_out[n] = r, c
                for side in range(2):
                    share[side, n], height[side, n] = 0.0, np.nan
                    if sums[i, 2 * side] > NOTHING:
                        share[side, n], height[side, n] = sums[i, 2 * side], mean_height(sums, i, 2 * side, low, high)
                n += 1
    return n
