"""Folded maps: a row that is the same as the one before is not written; ``held[r]`` tells which row holds row r.

Straight walls along y, plain areas and the dark make most rows of many parts the same to the last bit.
"""

from pmsl.kernels._compiler.jit import helper, kernel


@helper
def same_runs(row_start, col, length, level, k):
    """Tell whether row k has the runs of the row before it; rows beyond the first and the last have none."""
    rows = row_start.size - 1
    begin, end = (row_start[k], row_start[k + 1]) if 0 <= k < rows else (0, 0)
    before, last = (row_start[k - 1], row_start[k]) if 0 < k <= rows else (0, 0)
    if end - begin != last - before:
        return False
    for i in range(end - begin):
        a, b = begin + i, before + i
        if col[a] != col[b] or length[a] != length[b] or level[a] != level[b]:
            return False
    return True


@kernel
def unfold(values, held):
    """Write every row.

    Parameters
    ----------
    values : (R, C) float32
        Changed.
    held : (R,) int32
        Overwritten: every row holds itself.
    """
    for r in range(held.size):
        if held[r] != r:
            for c in range(values.shape[1]):
                values[r, c] = values[held[r], c]
            held[r] = r
