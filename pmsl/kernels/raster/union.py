"""Directed segments of a layer where shells overlap → the touched cells of their union, exact in pixels they share.

The running sum of `area` weighs every region by its winding number. Where that is 0 or 1 everywhere the sum is the
covered area; where it is not, clipping the sum to 1 is wrong in pixels that hold regions of different windings. Here each
pixel row is swept along x. Between two events (an end of a segment, a crossing of two) the segments that cross the row
have one order in y; going up through them from the row's lower edge gives the winding between each two, and the covered
height is linear in x. So a pixel's coverage is a sum of trapezoids, in closed form, whatever lies over what.

The winding on the row's lower edge changes where a segment leaves through it. Going up through a segment that runs
toward +x the winding grows by one, for solid is on its left.
"""

from typing import NamedTuple

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel, routine
from pmsl.kernels.raster.cell_bits import AREA, COVER
from pmsl.kernels.raster.row_events import DROP, FOOT, SIGN, START, X0, X1, Y0, Y1, pieces_of_row, sort_events

SAME = 2.0**-44  # segments nearer than this at one end do not cross [px]
LEAK = 2.0**-30  # as in `pmsl.kernels.raster.cells_to_runs`


@helper
def _height_at(p, x):
    if x <= p[X0]:
        return p[Y0]
    if x >= p[X1]:
        return p[Y1]
    return p[Y0] + (x - p[X0]) / (p[X1] - p[X0]) * (p[Y1] - p[Y0])


@helper
def _sort_active(active, n, piece, left, right, x0, x1):
    """Order the active pieces by height in the middle of [x0, x1]; write their heights at both ends."""
    for i in range(n):
        a = active[i]
        y0, y1 = _height_at(piece[a], x0), _height_at(piece[a], x1)
        j = i
        while j > 0 and left[j - 1] + right[j - 1] > y0 + y1:
            active[j], left[j], right[j] = active[j - 1], left[j - 1], right[j - 1]
            j -= 1
        active[j], left[j], right[j] = a, y0, y1


@helper
def _crossing(n, left, right, x0, x1):
    """Return where in ]x0, x1[ two neighbours cross, or x1."""
    for i in range(n - 1):
        a, b = left[i + 1] - left[i], right[i + 1] - right[i]
        if (a < -SAME and b > SAME) or (a > SAME and b < -SAME):
            x = x0 + (x1 - x0) * (a / (a - b))
            if x0 < x < x1:
                return x
    return x1


@helper
def _covered(active, n, piece, y, winding):
    """Covered height of the row, where the active pieces lie at heights `y`, in order."""
    total, below = 0.0, 0.0
    for i in range(n):
        at = min(max(y[i], below), 1.0)
        if winding != 0.0:
            total += at - below
        below = at
        winding += piece[active[i], SIGN]
    if winding != 0.0:
        total += 1.0 - below
    return total


@helper
def _flush(cell, value, total, after, count, col, sums):
    """Append the cell with its coverage; the row's sum is `total` before it and `after` behind it."""
    if count < col.size:
        col[count] = cell
        sums[count, COVER] = after - total
        sums[count, AREA] = value - total
    return count + 1


@helper
def _spread(x0, x1, h0, h1, flat, cols, cell, value, total, count, col, sums):
    """Add the strip [x0, x1) whose covered height goes from h0 to h1; return the cell in work, its coverage, the row's sum, the count."""
    slope = (h1 - h0) / (x1 - x0)
    at = x0
    while True:
        right = min(x1, cell + 1.0)
        if right > at:
            value += (right - at) * (h0 + (0.5 * (at + right) - x0) * slope)
            at = right
        if at < cell + 1.0:
            return cell, value, total, count
        after = h0 if flat else total
        count = _flush(cell, min(value, 1.0), total, after, count, col, sums)
        total = after
        cell = np.int64(x1) if flat else cell + 1
        at = max(at, float(cell))
        value = 0.0
        if flat:
            value = h0 * (x1 - cell)
            return cell, value, total, count
        if cell >= cols or at >= x1:
            return cell, value, total, count


@routine
def _row(segments, live, n_live, r, cols, piece, x, what, active, left, right, cuts, count, col, sums):
    """Write the cells of the union in row r; return their count and the sum left of the window's right edge, 2 where the row is open."""
    n = pieces_of_row(segments, live, n_live, r, piece, x, what)
    sort_events(x, what, n)
    winding, n_active, total = 0.0, 0, 0.0
    cell, value = np.int64(-1), 0.0
    i = 0
    while i < n:
        at = x[i]
        if at >= cols:
            break
        while i < n and x[i] == at:
            m, kind = what[i] >> 2, what[i] & 3
            if kind == FOOT:
                winding += piece[m, DROP]
            elif kind == START:
                active[n_active] = m
                n_active += 1
            else:
                j = 0
                while active[j] != m:
                    j += 1
                n_active -= 1
                for k in range(j, n_active):
                    active[k] = active[k + 1]
            i += 1
        if i == n:
            break
        until = min(x[i], float(cols))
        if until <= 0.0:
            continue
        begin = max(at, 0.0)
        if cell < 0:
            cell = np.int64(begin)
        depth = 0
        cuts[0] = until
        while depth >= 0:
            end = cuts[depth]
            _sort_active(active, n_active, piece, left, right, begin, end)
            cut = _crossing(n_active, left, right, begin, end)
            if cut < end and depth + 1 < cuts.size:
                depth += 1
                cuts[depth] = cut
                continue
            h0, h1 = _covered(active, n_active, piece, left, winding), _covered(active, n_active, piece, right, winding)
            cell, value, total, count = _spread(begin, end, h0, h1, n_active == 0, cols, cell, value, total, count, col, sums)
            begin = end
            depth -= 1
    inside = i == n  # no event beyond the window
    if cell >= 0 and cell < cols:
        after = 1.0 if winding != 0.0 else 0.0
        count = _flush(cell, min(value, 1.0), total, after, count, col, sums)
        total = after
    return count, 2.0 if inside and (winding != 0.0 or n_active > 0) else total


@helper
def _by_row(segments, n, rows, row_begin, order):
    """List the segments by the first row they enter."""
    for r in range(rows + 2):
        row_begin[r] = 0
    for i in range(n):
        low, high = min(segments[i, 1], segments[i, 3]), max(segments[i, 1], segments[i, 3])
        if high > 0.0 and low < rows:
            row_begin[np.int64(max(low, 0.0)) + 2] += 1
    for r in range(rows):
        row_begin[r + 2] += row_begin[r + 1]
    for i in range(n):
        low, high = min(segments[i, 1], segments[i, 3]), max(segments[i, 1], segments[i, 3])
        if high > 0.0 and low < rows:
            row = np.int64(max(low, 0.0)) + 1
            order[row_begin[row]] = i
            row_begin[row] += 1


class UnionArrays(NamedTuple):
    """The arguments of `cells` by name, in its order: shapes and kinds stand there."""

    segments: np.ndarray
    n: int
    rows: int
    cols: int
    first: int
    last: int
    plain_start: np.ndarray
    plain_col: np.ndarray
    plain_sums: np.ndarray
    plain_beyond: np.ndarray
    row_begin: np.ndarray
    order: np.ndarray
    live: np.ndarray
    piece: np.ndarray
    x: np.ndarray
    what: np.ndarray
    active: np.ndarray
    left: np.ndarray
    right: np.ndarray
    cuts: np.ndarray
    start: np.ndarray
    col: np.ndarray
    sums: np.ndarray
    beyond: np.ndarray


@kernel
def cells(
    segments, n, rows, cols, first, last, plain_start, plain_col, plain_sums, plain_beyond,
    row_begin, order, live, piece, x, what, active, left, right, cuts, start, col, sums, beyond,
):  # fmt: skip
    """Find the touched cells of the union of the shells of one layer.

    Parameters
    ----------
    segments : (S, 4) float64 [px]
        x0, y0, x1, y1, solid on the left.
    n : int
        How many of them count.
    rows, cols : int
        Size of the window.
    first, last : int
        Rows [first, last) that hold touched cells.
    plain_start : (rows + 1,) int64; plain_col : (M,) int32; plain_sums : (M, 2) float64; plain_beyond : (rows,) float64
        The cells of ``area.cells``; taken as they are in rows that do not close.
    row_begin : (rows + 2,) int64; order, live : (S,) int32; piece : (S, 6) float64; x : (3 S,) float64; what : (3 S,) int64
        Scratch.
    active : (S,) int64; left, right : (S,) float64; cuts : (C,) float64
        Scratch; C - 1 is how many crossings between two events are taken apart at a time.
    start : (rows + 1,) int64; col : (N,) int32; sums : (N, 2) float64; beyond : (rows,) float64
        Overwritten, as in ``area.cells``: the running sum is 0 or 1 between cells.

    Returns
    -------
    int
        Number of cells. Where it exceeds N the cells beyond N were not written: call again with more room.
    """
    _by_row(segments, n, rows, row_begin, order)
    count = 0
    n_live = 0
    for r in range(rows):
        if r >= last:
            break
        for j in range(row_begin[r], row_begin[r + 1]):
            live[n_live] = order[j]
            n_live += 1
        if r >= first:
            start[r] = count
            end = plain_beyond[r]
            for i in range(plain_start[r], plain_start[r + 1]):
                end += plain_sums[i, COVER]
            began = count
            total = 2.0
            if abs(end) <= LEAK:
                count, total = _row(segments, live, n_live, r, cols, piece, x, what, active, left, right, cuts, count, col, sums)
            beyond[r] = -total
            if total == 2.0:
                count = began
                beyond[r] = plain_beyond[r]
                for i in range(plain_start[r], plain_start[r + 1]):
                    if count < col.size:
                        col[count] = plain_col[i]
                        sums[count, COVER], sums[count, AREA] = plain_sums[i, COVER], plain_sums[i, AREA]
                    count += 1
        kept = 0
        for j in range(n_live):
            s = segments[live[j]]
            if max(s[1], s[3]) > r + 1:
                live[kept] = live[j]
                kept += 1
        n_live = kept
    if last > first:
        start[last] = count
    return count
