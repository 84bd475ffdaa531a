"""Runs of a mask: to 8 bit. Columns are absolute, rows count from the mask's window."""

import numpy as np

from pmsl.kernels._jit import kernel


@kernel
def to_8bit(row_start, col, length, level, row_start8, col8, length8, level8):
    """Quantise runs to 8 bit, u8 = (u16 + 128) // 257, and join what became equal.

    Parameters
    ----------
    row_start : (n_rows + 1,) int64; col, length : (R,) int32; level : (R,) uint16
    row_start8 : (n_rows + 1,) int64; col8, length8 : (R,) int32; level8 : (R,) uint8
        Overwritten: maximal runs that are not black.

    Returns
    -------
    int
        Number of 8-bit runs.
    """
    n = 0
    row_start8[0] = 0
    for r in range(row_start.size - 1):
        begin = n
        for i in range(row_start[r], row_start[r + 1]):
            value = np.uint8((np.uint32(level[i]) + 128) // 257)
            if value == 0:
                continue
            if n > begin and level8[n - 1] == value and col8[n - 1] + length8[n - 1] == col[i]:
                length8[n - 1] += length[i]
            else:
                col8[n] = col[i]
                length8[n] = length[i]
                level8[n] = value
                n += 1
        row_start8[r + 1] = n
    return n
