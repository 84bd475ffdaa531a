"""What the lit pixels of a layer are as a shape: pieces, their areas, edges, and what lies over nothing; in runs, row by row."""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.runs.connected_components import join

PIECES, PIXELS, LARGEST, SMALLEST, ROW0, COL0, ROW1, COL1, ALONG, ACROSS, RISING, FALLING = range(12)
FACTS = 12


@kernel
def solid_runs(row_start, col, length, level, out_start, out_col, out_end):
    """List the runs of pixels that are at least half as light as the lightest.

    Parameters
    ----------
    row_start : (rows + 1,) int64; col, length : (R,) int32; level : (R,) uint8
        Maximal runs.
    out_start : (rows + 1,) int64; out_col, out_end : (R,) int32
        Overwritten: maximal runs, first column and one past the last.

    Returns
    -------
    int
        Number of runs.
    """
    lightest = np.int64(0)
    for i in range(level.size):
        lightest = max(lightest, np.int64(level[i]))
    least = (lightest + 1) // 2
    n = 0
    out_start[0] = 0
    for r in range(row_start.size - 1):
        begin = n
        for i in range(row_start[r], row_start[r + 1]):
            if level[i] < least:
                continue
            if n > begin and out_end[n - 1] == col[i]:
                out_end[n - 1] = col[i] + length[i]
            else:
                out_col[n] = col[i]
                out_end[n] = col[i] + length[i]
                n += 1
        out_start[r + 1] = n
    return n


@kernel
def unite(start_a, col_a, end_a, row_a, start_b, col_b, end_b, row_b, start, col, end, row0):
    """Unite two sets of runs.

    Parameters
    ----------
    start_a : (rows + 1,) int64; col_a, end_a : (N,) int32; row_a : int
        Maximal runs, and the row of the grid their rows begin with; so the other set, b.
    start : (rows + 1,) int64; col, end : (N + M,) int32
        Overwritten: maximal runs.
    row0 : int
        The row of the grid that `start` begins with; it holds both.

    Returns
    -------
    int
        Number of runs.
    """
    n = 0
    start[0] = 0
    for r in range(start.size - 1):
        ra, rb = r + row0 - row_a, r + row0 - row_b
        i, i_end, j, j_end = 0, 0, 0, 0
        if 0 <= ra < start_a.size - 1:
            i, i_end = start_a[ra], start_a[ra + 1]
        if 0 <= rb < start_b.size - 1:
            j, j_end = start_b[rb], start_b[rb + 1]
        begin = n
        while i < i_end or j < j_end:
            if j == j_end or (i < i_end and col_a[i] <= col_b[j]):
                c, e = col_a[i], end_a[i]
                i += 1
            else:
                c, e = col_b[j], end_b[j]
                j += 1
            if n > begin and c <= end[n - 1]:
                end[n - 1] = max(end[n - 1], e)
            else:
                col[n], end[n] = c, e
                n += 1
        start[r + 1] = n
    return n


@helper
def shared(c, e, other_c, other_e):
    """How many pixels two runs share."""
    return max(min(e, other_e) - max(c, other_c), 0)


@helper
def alike(col, end, a, b, n):
    """Whether n runs from a on are those from b on."""
    for i in range(n):  # noqa: SIM110
        if col[a + i] != col[b + i] or end[a + i] != end[b + i]:
            return False
    return True


@kernel
def measure(start, col, end, row0, parent, area, facts):
    """Find the pieces of a set of pixels, corners hold them together, and how often lines through it pass its edge.

    Parameters
    ----------
    start : (rows + 1,) int64; col, end : (N,) int32
        Maximal runs.
    row0 : int
        The row of the grid that `start` begins with.
    parent, area : (N,) int64
        Scratch.
    facts : (12,) int64
        Overwritten: number of pieces; pixels, and of the largest and smallest piece; box: first row and column, one past the last;
        edges passed along rows, along columns, and along both diagonals, of which the first rises in row and column.
    """
    facts[:] = 0
    parent[:] = -1  # of runs that stand for themselves: in rows that differ from the row before
    first, last, left, right = np.int64(-1), np.int64(-1), np.int64(1) << 62, np.int64(0)
    a, b, begin, below = np.int64(0), np.int64(0), np.int64(0), np.int64(0)  # runs of the row before, where these stand, its pixels
    total, straight, rising, falling = np.int64(0), np.int64(0), np.int64(0), np.int64(0)  # shared with the row before, so shifted
    for r in range(start.size - 1):
        c, e = start[r], start[r + 1]
        n = e - c
        if n == 0:
            a, b = c, c
            continue
        if first < 0:
            first = r
        last = r
        if n == b - a and alike(col, end, begin, c, n):
            for i in range(n):
                area[begin + i] += end[c + i] - col[c + i]
            straight += below
            rising += below - n
            falling += below - n
            total += below
            a, b = c, e
            continue
        left, right = min(left, np.int64(col[c])), max(right, np.int64(end[e - 1]))
        j, j_end = begin, begin + (b - a)
        below = 0
        for i in range(c, e):
            parent[i] = i
            area[i] = end[i] - col[i]
            below += area[i]
            while j < j_end and end[j] < col[i]:
                j += 1
            m = j
            while m < j_end and col[m] <= end[i]:
                join(parent, m, i)
                straight += shared(col[i], end[i], col[m], end[m])
                rising += shared(col[i], end[i], col[m] + 1, end[m] + 1)
                falling += shared(col[i], end[i], col[m] - 1, end[m] - 1)
                m += 1
        total += below
        a, b, begin = c, e, c
    if first < 0:
        return
    smallest = np.int64(1) << 62
    for i in range(col.size - 1, -1, -1):  # a parent comes before what belongs to it
        if parent[i] < 0:
            continue
        if parent[i] != i:
            area[parent[i]] += area[i]
            continue
        facts[PIECES] += 1
        facts[LARGEST] = max(facts[LARGEST], area[i])
        smallest = min(smallest, area[i])
    facts[SMALLEST] = smallest
    facts[PIXELS] = total
    facts[ROW0], facts[COL0], facts[ROW1], facts[COL1] = row0 + first, left, row0 + last + 1, right
    facts[ALONG] = 2 * col.size
    facts[ACROSS], facts[RISING], facts[FALLING] = 2 * (total - straight), 2 * (total - rising), 2 * (total - falling)


@kernel
def pixels_outside(start_a, col_a, end_a, row_a, start_b, col_b, end_b, row_b):
    """Count the pixels of one set of runs that are not in another.

    Parameters
    ----------
    start_a : (rows + 1,) int64; col_a, end_a : (N,) int32; row_a : int
        Maximal runs, and the row of the grid their rows begin with; so the other set, b.

    Returns
    -------
    int
    """
    outside = np.int64(0)
    for r in range(start_a.size - 1):
        rb = r + row_a - row_b
        j, j_end = 0, 0
        if 0 <= rb < start_b.size - 1:
            j, j_end = start_b[rb], start_b[rb + 1]
        for i in range(start_a[r], start_a[r + 1]):
            outside += end_a[i] - col_a[i]
            while j < j_end and end_b[j] <= col_a[i]:
                j += 1
            m = j
            while m < j_end and col_b[m] < end_a[i]:
                outside -= shared(col_a[i], end_a[i], col_b[m], end_b[m])
                m += 1
    return outside
