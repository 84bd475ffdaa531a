"""Runs of a mask: to 8 bit, to means of rectangles. Columns are absolute, rows count from the mask's window."""

import numpy as np

from pmsl.kernels._compiler.jit import kernel


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


@kernel
def facts(row_start, col, length, level, found):
    """Find what a mask tells of its runs.

    Parameters
    ----------
    row_start : (n_rows + 1,) int64; col, length : (R,) int32; level : (R,) uint16
        At least one run.
    found : (5,) int64
        Overwritten: first row that holds a run and one past the last, first column and one past the last, sum of all levels.
    """
    top, bottom = 0, row_start.size - 1
    while row_start[top + 1] == row_start[top]:
        top += 1
    while row_start[bottom - 1] == row_start[bottom]:
        bottom -= 1
    left, right, total = np.int64(col[0]), 0, 0
    for i in range(row_start[top], row_start[bottom]):
        left = min(left, np.int64(col[i]))
        right = max(right, np.int64(col[i]) + length[i])
        total += np.int64(length[i]) * level[i]
    found[0], found[1], found[2], found[3], found[4] = top, bottom, left, right, total


@kernel
def shrink(row_start, col, length, level, row0, low_row, high_row, low_col, high_col, work, out):
    """Mean level of the pixels of every rectangle ``low_row[r]..high_row[r] x low_col[c]..high_col[c]``, rounded half up.

    Parameters
    ----------
    row_start : (n_rows + 1,) int64; col, length : (R,) int32; level : (R,) uint8
    row0 : int
        Grid row of the first run row.
    low_row, high_row : (rows,) int64; low_col, high_col : (cols,) int64
        Half-open ranges of the grid, none of them empty; columns ascend.
    work : (2, W + 1) int64
        Scratch; W is at least ``high_col[-1] - low_col[0]``.
    out : (rows, cols) uint8
        Overwritten.
    """
    left, width = low_col[0], high_col[-1] - low_col[0]
    step, total = work[0], work[1]  # total: of all columns before one
    total[0] = 0
    for r in range(out.shape[0]):
        step[:] = 0  # how the sum of a column differs from that of the column before
        for k in range(max(low_row[r] - row0, 0), min(high_row[r] - row0, row_start.size - 1)):
            for i in range(row_start[k], row_start[k + 1]):
                begin, end = col[i] - left, col[i] + length[i] - left
                step[min(max(begin, 0), width)] += level[i]
                step[min(max(end, 0), width)] -= level[i]
        height = 0
        for c in range(width):
            height += step[c]
            total[c + 1] = total[c] + height
        for c in range(out.shape[1]):
            area = (high_row[r] - low_row[r]) * (high_col[c] - low_col[c])
            out[r, c] = (2 * (total[high_col[c] - left] - total[low_col[c] - left]) + area) // (2 * area)
