"""Directed segments → exact area coverage of pixels, row by row.

Each segment adds, in every pixel row it passes, its height to the `cover` of the cells it is in and the part of
that height's strip to the right of it inside the cell to their `area`. Walking a row to the right,
``sum(cover of cells behind) + area`` is the winding-weighted coverage of a cell, exact up to rounding; between
touched cells it is a constant integer, so a row costs its boundary. The sum starts anew in every row and is set to
the integer it is within 2**-40 of, so nothing creeps along a row.
Coordinates are in pixels of the window: column c is [c, c+1), row r is [r, r+1).
Rejected: one difference buffer (cover and area merged): its row sum is not exactly conserved.
"""

import numpy as np

from pmsl.kernels._jit import helper, kernel

DEBRUIJN = np.uint64(0x03F79D71B4CB0A89)
LOWEST_BIT = np.zeros(64, dtype=np.int64)
for _bit in range(64):
    LOWEST_BIT[(int(DEBRUIJN) << _bit & 0xFFFFFFFFFFFFFFFF) >> 58] = _bit
ONE = np.uint64(1)
COVER, AREA = 0, 1
SNAP = 2.0**-40  # a row sum nearer to an integer than this is that integer
TINY = 2.0**-200  # lower edges hold no area; their slopes would overflow
LEAK = 2.0**-30  # a row that ends further from zero than this is not closed


@helper
def _add(cells, bits, cols, xa, xb, s):
    """Add a piece inside one row: height `s` (signed), spread evenly over x from xa to xb."""
    low, high = min(xa, xb), max(xa, xb)
    if low < 0.0 or high >= cols:
        if high <= 0.0:  # left of the window: covers the row from its first cell on
            cells[0, COVER] += s
            cells[0, AREA] += s
            bits[0] |= np.uint64(1)
            return
        if low >= cols:  # right of the window: only the row sum needs it
            cells[cols, COVER] += s
            return
        rate = s / (high - low) if high > low else 0.0
        if low < 0.0:
            outside = rate * -low
            cells[0, COVER] += outside
            cells[0, AREA] += outside
            s -= outside
            low = 0.0
        if high > cols:
            outside = rate * (high - cols)
            cells[cols, COVER] += outside
            s -= outside
            high = float(cols)
    c = np.int64(low)
    bits[c >> 6] |= ONE << np.uint64(c & 63)
    if high <= c + 1:
        cells[c, COVER] += s
        cells[c, AREA] += s * (c + 1 - 0.5 * (low + high))
        return
    end = np.int64(high)
    if end == high:
        end -= 1
    slope = s / (high - low)
    width = c + 1 - low
    part = slope * width
    cells[c, COVER] += part
    cells[c, AREA] += part * 0.5 * width
    rest = s - part
    for inner in range(c + 1, end):
        cells[inner, COVER] += slope
        cells[inner, AREA] += slope * 0.5
        rest -= slope
        bits[inner >> 6] |= ONE << np.uint64(inner & 63)
    cells[end, COVER] += rest
    cells[end, AREA] += rest * (1.0 - 0.5 * (high - end))
    bits[end >> 6] |= ONE << np.uint64(end & 63)


@helper
def _sort(segments, n, rows, row_begin, edges):
    """Order the segments by the first row they enter, lower end first; return that range of rows.

    An edge is x and y of its lower end, then of its upper end, its slope, and its sign: -1 upward, +1 downward.
    """
    top, bottom = rows, 0
    for r in range(rows + 2):
        row_begin[r] = 0
    for i in range(n):
        low, high = min(segments[i, 1], segments[i, 3]), max(segments[i, 1], segments[i, 3])
        if high - low < TINY or high <= 0.0 or low >= rows:
            continue
        row = np.int64(max(low, 0.0))
        row_begin[row + 2] += 1
        top = min(top, row)
        bottom = max(bottom, min(np.int64(np.ceil(high)), rows))
    for r in range(rows):
        row_begin[r + 2] += row_begin[r + 1]
    for i in range(n):
        x0, y0, x1, y1 = segments[i, 0], segments[i, 1], segments[i, 2], segments[i, 3]
        sign = -1.0
        if y0 > y1:  # always from the lower end: the reversed edge of a neighbour cancels bit for bit
            x0, y0, x1, y1 = x1, y1, x0, y0
            sign = 1.0
        if y1 - y0 < TINY or y1 <= 0.0 or y0 >= rows:
            continue
        row = np.int64(max(y0, 0.0)) + 1
        e = edges[row_begin[row]]
        row_begin[row] += 1
        e[0], e[1], e[2], e[3], e[4], e[5] = x0, y0, x1, y1, (x1 - x0) / (y1 - y0), sign
    return top, bottom


@helper
def _row(r, cols, row_begin, edges, live, n_live, cells, bits):
    """Add every edge of row r; keep those that go on in `live` and return how many they are."""
    kept = 0
    begin, end = row_begin[r], row_begin[r + 1]
    for j in range(n_live + end - begin):
        i = live[j] if j < n_live else begin + j - n_live
        e = edges[i]
        x0, y0, y1, slope = e[0], e[1], e[3], e[4]
        low, high = max(y0, float(r)), min(y1, r + 1.0)
        xa = x0 + (low - y0) * slope
        xb = x0 + (high - y0) * slope if high < y1 else e[2]
        _add(cells, bits, cols, xa, xb, e[5] * (high - low))
        if y1 > r + 1.0:
            live[kept] = i
            kept += 1
    return kept


@helper
def _settle(total):
    nearest = np.floor(total + 0.5)
    return nearest if abs(total - nearest) < SNAP else total


@helper
def _level(coverage):
    """16-bit level of a coverage, by way of the grid of 2**-32 that keeps ties of rounding in place."""
    snapped = np.floor(min(abs(coverage), 1.0) * 4294967296.0 + 0.5) / 4294967296.0
    return np.uint16(np.floor(65535.0 * snapped + 0.5))


@helper
def _put(n, begin, end, value, run_begin, col, length, level):
    """Append [begin, end) at `value`, joined to the run before where that is the same; return the run count."""
    if value == 0 or end <= begin:
        return n
    if n > run_begin and n <= col.size and level[n - 1] == value and col[n - 1] + length[n - 1] == begin:
        length[n - 1] += end - begin
        return n
    if n < col.size:
        col[n] = begin
        length[n] = end - begin
        level[n] = value
    return n + 1


@kernel
def runs(segments, n, rows, cols, row_begin, edges, live, cells, bits, row_start, col, length, level, leaks):
    """Turn the segments of one layer into runs of 16-bit coverage.

    Parameters
    ----------
    segments : (S, 4) float64 [px]
        x0, y0, x1, y1, solid on the left.
    n : int
        How many of them count.
    rows, cols : int
        Size of the window.
    row_begin : (rows + 2,) int64; edges : (S, 6) float64; live : (S,) int32
        Scratch.
    cells : (cols + 1, 2) float64, all 0; bits : (cols // 64 + 1,) uint64, all 0
        Scratch, handed back as it came: `cover` and `area` of the row's cells, the last for what lies right of
        the window, and a bit for each touched one.
    row_start : (rows + 1,) int64
        Overwritten for the returned rows: first run of each, and one past the last.
    col, length : (R,) int32; level : (R,) uint16
        Overwritten: maximal runs that are not black.
    leaks : (3,) int64
        Overwritten: number of rows that did not close, the first, the last.

    Returns
    -------
    first, last, count : int
        The rows [first, last) that may hold runs, and the number of runs. Where count exceeds R
        the runs beyond R were not written: call again with more room.
    """
    leaks[0], leaks[1], leaks[2] = 0, -1, -1
    top, bottom = _sort(segments, n, rows, row_begin, edges)
    count = 0
    n_live = 0
    for r in range(top, bottom):
        row_start[r] = count
        run_begin = count
        n_live = _row(r, cols, row_begin, edges, live, n_live, cells, bits)
        total = 0.0
        last = 0
        for w in range(bits.size):
            word = bits[w]
            bits[w] = np.uint64(0)
            while word:
                lowest = word & (~word + ONE)
                word ^= lowest
                c = (w << 6) + LOWEST_BIT[(lowest * DEBRUIJN) >> np.uint64(58)]
                count = _put(count, last, c, _level(total), run_begin, col, length, level)
                count = _put(count, c, c + 1, _level(total + cells[c, AREA]), run_begin, col, length, level)
                total = _settle(total + cells[c, COVER])
                cells[c, COVER] = 0.0
                cells[c, AREA] = 0.0
                last = c + 1
        if abs(total + cells[cols, COVER]) > LEAK:  # not closed: nothing is lit beyond the row's last crossing
            leaks[0] += 1
            leaks[1] = r if leaks[1] < 0 else leaks[1]
            leaks[2] = r
        else:
            count = _put(count, last, cols, _level(total), run_begin, col, length, level)
        cells[cols, COVER] = 0.0
    if bottom > top:
        row_start[bottom] = count
    return top, max(top, bottom), count


@kernel
def dense(segments, n, row_begin, edges, live, cells, bits, out):
    """Write the coverage of one layer, not quantised.

    Parameters
    ----------
    segments, n, row_begin, edges, live, cells, bits
        As in `runs`.
    out : (rows, cols) float64
        Overwritten where the layer is not empty; must come as zeros.

    Returns
    -------
    int
        Number of rows that did not close.
    """
    rows, cols = out.shape
    leaks = 0
    n_live = 0
    top, bottom = _sort(segments, n, rows, row_begin, edges)
    for r in range(top, bottom):
        n_live = _row(r, cols, row_begin, edges, live, n_live, cells, bits)
        for w in range(bits.size):
            bits[w] = np.uint64(0)
        total = 0.0
        end = 0
        for c in range(cols):
            if cells[c, COVER] != 0.0 or cells[c, AREA] != 0.0:
                end = c + 1
            out[r, c] = min(abs(total + cells[c, AREA]), 1.0)
            total = _settle(total + cells[c, COVER])
            cells[c, COVER] = 0.0
            cells[c, AREA] = 0.0
        if abs(total + cells[cols, COVER]) > LEAK:
            leaks += 1
            out[r, end:] = 0.0
        cells[cols, COVER] = 0.0
    return leaks
