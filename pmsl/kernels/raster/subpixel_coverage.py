"""Runs of a grid some times finer → coverage inside single pixels."""

from pmsl.kernels._compiler.jit import kernel


@kernel
def shares(rows, cols, row_start, col, length, level, row0, col0, begin, plane, out):
    """Write the coverage of the cells of some pixels.

    Parameters
    ----------
    rows, cols : (N,) int32
        The pixels, row by row; columns rise in a row.
    row_start : (n_rows + 1,) int64; col, length : (M,) int32; level : (M,) uint16
        Runs of cells, n of a pixel along each axis.
    row0, col0 : int
        Row of cells of the first run row, counted from the first row of pixels; column of cells there that run column 0 is.
    begin : (n,) int64
        Scratch.
    plane : int
    out : (N, P, n * n) float32
        ``out[:, plane]`` is overwritten where there is a run, rows of cells first; elsewhere it stays.
    """
    n = begin.size
    last = -1
    for e in range(rows.size):
        r, c = rows[e], cols[e]
        for i in range(n):
            k = r * n + i - row0
            if k < 0 or k >= row_start.size - 1:
                continue
            at = row_start[k] if r != last else begin[i]
            end = row_start[k + 1]
            for j in range(n):
                x = c * n + j - col0
                while at < end and col[at] + length[at] <= x:
                    at += 1
                if at < end and col[at] <= x:
                    out[e, plane, i * n + j] = level[at] / 65535.0
            begin[i] = at
        last = r
