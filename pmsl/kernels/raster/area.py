"""Directed segments → the pixels they touch, with what exact area coverage needs, row by row.

Each segment adds, in every pixel row it passes, its height to the `cover` of the cells it is in and the part of
that height's strip to the right of it inside the cell to their `area`. Walking a row to the right,
``sum(cover of cells behind) + area`` is the winding-weighted coverage of a cell, exact up to rounding; between
touched cells it is constant, so a row costs its boundary. `cells_to_runs` does that walk.
Coordinates are in pixels of the window: column c is [c, c+1), row r is [r, r+1).
Rejected: one difference buffer (cover and area merged): its row sum is not exactly conserved. Bands of 32 rows
without a list of live edges: cells leave the first cache, 0.9..1.35 of the time, mostly slower. Segments ordered by
number, edges made row by row: 1.0..1.2. One or two cells of a piece without a branch: 1.2..1.3, neighbours wait for each other.
"""

from typing import NamedTuple

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.raster.cell_bits import AREA, COVER, ONE, lowest

TINY = 2.0**-200  # lower edges hold no area; their slopes would overflow


@helper
def add_piece(line, bits, cols, xa, xb, s):
    """Add a piece inside one row: height `s` (signed), spread evenly over x from xa to xb."""
    low, high = min(xa, xb), max(xa, xb)
    if low < 0.0 or high >= cols:
        if high <= 0.0:  # left of the window: covers the row from its first cell on
            line[0, COVER] += s
            line[0, AREA] += s
            bits[0] |= ONE
            return
        if low >= cols:  # right of the window: only the row sum needs it
            line[cols, COVER] += s
            return
        rate = s / (high - low) if high > low else 0.0
        if low < 0.0:
            outside = rate * -low
            line[0, COVER] += outside
            line[0, AREA] += outside
            s -= outside
            low = 0.0
        if high > cols:
            outside = rate * (high - cols)
            line[cols, COVER] += outside
            s -= outside
            high = float(cols)
    c = np.int64(low)
    bits[c >> 6] |= ONE << np.uint64(c & 63)
    if high <= c + 1:
        line[c, COVER] += s
        line[c, AREA] += s * (c + 1 - 0.5 * (low + high))
        return
    end = np.int64(high)
    if end == high:
        end -= 1
    slope = s / (high - low)
    width = c + 1 - low
    part = slope * width
    line[c, COVER] += part
    line[c, AREA] += part * 0.5 * width
    rest = s - part
    for inner in range(c + 1, end):
        line[inner, COVER] += slope
        line[inner, AREA] += slope * 0.5
        rest -= slope
        bits[inner >> 6] |= ONE << np.uint64(inner & 63)
    line[end, COVER] += rest
    line[end, AREA] += rest * (1.0 - 0.5 * (high - end))
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
def _row(r, cols, row_begin, edges, live, n_live, line, bits):
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
        add_piece(line, bits, cols, xa, xb, e[5] * (high - low))
        if y1 > r + 1.0:
            live[kept] = i
            kept += 1
    return kept


class AreaSweepArrays(NamedTuple):
    """The arguments of `cells` by name, in its order: shapes and kinds stand there."""

    segments: np.ndarray
    n: int
    rows: int
    cols: int
    row_begin: np.ndarray
    edges: np.ndarray
    live: np.ndarray
    line: np.ndarray
    bits: np.ndarray
    row_start: np.ndarray
    col: np.ndarray
    sums: np.ndarray
    beyond: np.ndarray


@kernel
def cells(segments, n, rows, cols, row_begin, edges, live, line, bits, row_start, col, sums, beyond):
    """Find the pixels that the segments of one layer touch.

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
    line : (cols + 1, 2) float64, all 0; bits : (cols // 64 + 1,) uint64, all 0
        Scratch, handed back as it came: `cover` and `area` of the row's cells, the last for what lies right of
        the window, and a bit for each touched one.
    row_start : (rows + 1,) int64
        Overwritten for the returned rows: first touched cell of each, and one past the last.
    col : (N,) int32; sums : (N, 2) float64
        Overwritten: column of each touched cell, its cover and its area.
    beyond : (rows,) float64
        Overwritten for the returned rows: cover right of the window.

    Returns
    -------
    first, last, count : int
        The rows [first, last) that hold touched cells, and their number. Where count exceeds N the cells
        beyond N were not written: call again with more room.
    """
    top, bottom = _sort(segments, n, rows, row_begin, edges)
    count = 0
    n_live = 0
    for r in range(top, bottom):
        row_start[r] = count
        n_live = _row(r, cols, row_begin, edges, live, n_live, line, bits)
        for w in range(bits.size):
            word = bits[w]
            bits[w] = np.uint64(0)
            while word:
                c = (w << 6) + lowest(word)
                word &= word - ONE
                if count < col.size:
                    col[count] = c
                    sums[count, COVER] = line[c, COVER]
                    sums[count, AREA] = line[c, AREA]
                count += 1
                line[c, COVER] = 0.0
                line[c, AREA] = 0.0
        beyond[r] = line[cols, COVER]
        line[cols, COVER] = 0.0
    if bottom > top:
        row_start[bottom] = count
    return top, max(top, bottom), count
