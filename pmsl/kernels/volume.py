"""Triangles → exact volume coverage of voxels (pixel × slab), row by row.

`area` one dimension up. Each triangle is cut to its slab, its pixel rows, its columns. A planar piece inside one voxel
adds its area projected along x (signed, on the yz plane) to the `cover` of everything to its right and the first moment
of that projection, the volume between the piece and the voxel's right side, to its own voxel. Walking a row to the right,
``sum(cover of voxels behind) + area`` is the winding-weighted volume fraction, in closed form: no sub-slices.
Coordinates: x and y in pixels of the window, z in slabs (0..1 inside the slab at hand).
A cut point is computed from the edge's lower end along the cut axis, so both triangles of an edge get the same bits.
Tried and rejected: finishing what lies in one voxel before the sweep (0..15 % faster, within the noise on curved parts).
The sweep at the end is that of `area`, written again: numba's cache does not see helpers in another file.
"""

import numpy as np

from pmsl.kernels._jit import helper, kernel

DEBRUIJN = np.uint64(0x03F79D71B4CB0A89)
LOWEST_BIT = np.zeros(64, dtype=np.int64)
for _bit in range(64):
    LOWEST_BIT[(int(DEBRUIJN) << _bit & 0xFFFFFFFFFFFFFFFF) >> 58] = _bit
ONE = np.uint64(1)
COVER, AREA = 0, 1
MOST = 10  # corners; a triangle cut by six planes has at most nine
SPARE = 3  # slots of the pool that the cuts use
SNAP = 2.0**-40  # a row sum nearer to an integer than this is that integer
LEAK = 2.0**-30  # a row that ends further from zero than this is not closed


@helper
def _split(pool, source, n, axis, at, low, high):
    """Split convex polygon `source` at ``coordinate[axis] = at`` into slots `low` and `high`; return their corner counts."""
    n_low, n_high = 0, 0
    if n > MOST:  # rounding made it bend back and forth; the row sum will tell
        return 0, 0
    j = n - 1
    b = pool[source, j, axis]
    for i in range(n):  # the edge from corner j to corner i, then corner i
        a, before = pool[source, i, axis], b
        b = a
        if (before < at and a > at) or (before > at and a < at):
            p, q = (j, i) if before < a else (i, j)
            t = (at - pool[source, p, axis]) / (pool[source, q, axis] - pool[source, p, axis])
            for k in range(3):
                value = pool[source, p, k] + t * (pool[source, q, k] - pool[source, p, k])
                pool[low, n_low, k] = value
                pool[high, n_high, k] = value
            pool[low, n_low, axis] = at
            pool[high, n_high, axis] = at
            n_low += 1
            n_high += 1
        for k in range(3):  # written in any case, counted where it belongs
            pool[low, n_low, k] = pool[source, i, k]
            pool[high, n_high, k] = pool[source, i, k]
        n_low += a <= at
        n_high += a >= at
        j = i
    return n_low, n_high


@helper
def _extent(pool, slot, n, axis):
    low = high = pool[slot, 0, axis]
    for i in range(1, n):
        value = pool[slot, i, axis]
        low = value if value < low else low
        high = value if value > high else high
    return low, high


@helper
def _copy(pool, source, n, target):
    for i in range(n):
        for k in range(3):
            pool[target, i, k] = pool[source, i, k]


@helper
def _projected(pool, slot, n, column):
    """Area of the polygon's projection along x, and its first moment about x = column."""
    area, moment = 0.0, 0.0
    x0, y0, z0 = pool[slot, 0, 0] - column, pool[slot, 0, 1], pool[slot, 0, 2]
    x1, y1, z1 = pool[slot, 1, 0] - column, pool[slot, 1, 1] - y0, pool[slot, 1, 2] - z0
    for i in range(2, n):
        x2, y2, z2 = pool[slot, i, 0] - column, pool[slot, i, 1] - y0, pool[slot, i, 2] - z0
        part = y1 * z2 - y2 * z1
        area += part
        moment += part * (x0 + x1 + x2)
        x1, y1, z1 = x2, y2, z2
    return 0.5 * area, moment / 6.0


@helper
def _add(pool, slot, n, cols, cells, bits, spare, other):
    """Add a polygon inside one row: cut it at the columns it passes. Uses up `slot`, `spare` and `other`."""
    low, high = _extent(pool, slot, n, 0)
    if low < 0.0:  # left of the window: covers the row from its first voxel on
        n_left, n = _split(pool, slot, n, 0, 0.0, spare, other)
        area, _ = _projected(pool, spare, n_left, 0.0)
        cells[0, COVER] -= area
        cells[0, AREA] -= area
        bits[0] |= ONE
        if n < 3:
            return
        slot, other = other, slot
        low = 0.0
    c = np.int64(min(low, float(cols)))
    while c < cols and high > c + 1:
        n_left, n = _split(pool, slot, n, 0, c + 1.0, spare, other)
        if n_left >= 3:
            area, moment = _projected(pool, spare, n_left, float(c))
            cells[c, COVER] -= area
            cells[c, AREA] -= area - moment
            bits[c >> 6] |= ONE << np.uint64(c & 63)
        slot, other = other, slot
        c += 1
    if n < 3:
        return
    area, moment = _projected(pool, slot, n, float(c))
    cells[c, COVER] -= area
    if c < cols:  # right of the window only the row sum needs it
        cells[c, AREA] -= area - moment
        bits[c >> 6] |= ONE << np.uint64(c & 63)


@helper
def _slab(corners, picked, n, slab, rows, pool, sizes, row_begin, order):
    """Cut the picked triangles to the slab and order what is left by first row; return the rows they reach.

    Triangle m goes to slot m + SPARE. What has no projection along x bounds nothing there and is left out.
    """
    top, bottom = rows, 0
    for r in range(rows + 2):
        row_begin[r] = 0
    z_low, scale = slab[0], slab[1] - slab[0]
    for m in range(n):
        sizes[m] = 0
        t, slot = picked[m], m + SPARE
        for k in range(3):
            pool[slot, k, 0] = corners[t, 3 * k]
            pool[slot, k, 1] = corners[t, 3 * k + 1]
            pool[slot, k, 2] = (corners[t, 3 * k + 2] - z_low) / scale
        u1, v1 = corners[t, 4] - corners[t, 1], corners[t, 5] - corners[t, 2]
        u2, v2 = corners[t, 7] - corners[t, 1], corners[t, 8] - corners[t, 2]
        if u1 * v2 == u2 * v1:
            continue
        size = 3
        low, high = _extent(pool, slot, size, 2)
        if low < 0.0:
            _, size = _split(pool, slot, size, 2, 0.0, 0, 1)
            _copy(pool, 1, size, slot)
        if high > 1.0 and size >= 3:
            size, _ = _split(pool, slot, size, 2, 1.0, 0, 1)
            _copy(pool, 0, size, slot)
        if size < 3:
            continue
        low, high = _extent(pool, slot, size, 1)
        if high <= 0.0 or low >= rows:
            continue
        if low < 0.0:
            _, size = _split(pool, slot, size, 1, 0.0, 0, 1)
            _copy(pool, 1, size, slot)
            low = 0.0
        sizes[m] = size
        row = np.int64(low)
        row_begin[row + 2] += 1
        top = min(top, row)
        bottom = max(bottom, np.int64(np.ceil(min(high, float(rows)))))
    for r in range(rows):
        row_begin[r + 2] += row_begin[r + 1]
    for m in range(n):
        if sizes[m] >= 3:
            low, _ = _extent(pool, m + SPARE, sizes[m], 1)
            row = np.int64(low) + 1
            order[row_begin[row]] = m
            row_begin[row] += 1
    return top, bottom


@helper
def _row(r, cols, pool, sizes, row_begin, order, live, n_live, cells, bits):
    """Add the part of every polygon inside row r; what lies above stays in its slot and in `live`."""
    kept = 0
    begin, end = row_begin[r], row_begin[r + 1]
    for j in range(n_live + end - begin):
        m = live[j] if j < n_live else order[begin + j - n_live]
        slot, size = m + SPARE, sizes[m]
        _, high = _extent(pool, slot, size, 1)
        if high > r + 1.0:
            n_low, n_high = _split(pool, slot, size, 1, r + 1.0, 2, 0)
            _copy(pool, 0, n_high, slot)
            sizes[m] = n_high
            if n_high >= 3:
                live[kept] = m
                kept += 1
            if n_low >= 3:
                _add(pool, 2, n_low, cols, cells, bits, 0, 1)
        else:
            _add(pool, slot, size, cols, cells, bits, 0, 1)
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
def runs(corners, picked, n, slab, rows, cols, pool, sizes, row_begin, order, live, cells, bits, row_start, col, length, level, leaks):
    """Turn the triangles of one slab into runs of 16-bit volume coverage.

    Parameters
    ----------
    corners : (M, 9) float64 [px, px, z]
        Triangles, counter-clockwise seen from outside.
    picked : (P,) int32; n : int
        Which of them touch the slab, and how many.
    slab : (2,) float64
        Its lower and upper edge.
    rows, cols : int
        Size of the window.
    pool : (P + 3, 16, 3) float64; sizes, order, live : (P,) int32; row_begin : (rows + 2,) int64
        Scratch.
    cells : (cols + 1, 2) float64, all 0; bits : (cols // 64 + 1,) uint64, all 0
        Scratch, handed back as it came.
    row_start, col, length, level, leaks
        Overwritten, as in ``area.runs``.

    Returns
    -------
    first, last, count : int
        As in ``area.runs``.
    """
    leaks[0], leaks[1], leaks[2] = 0, -1, -1
    top, bottom = _slab(corners, picked, n, slab, rows, pool, sizes, row_begin, order)
    count = 0
    n_live = 0
    for r in range(top, bottom):
        row_start[r] = count
        run_begin = count
        n_live = _row(r, cols, pool, sizes, row_begin, order, live, n_live, cells, bits)
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
def dense(corners, picked, n, slab, pool, sizes, row_begin, order, live, cells, bits, out):
    """Write the volume coverage of one slab, not quantised, into `out` (rows, cols) float64, which must come as zeros.

    The other parameters are those of `runs`. Returns the number of rows that did not close.
    """
    rows, cols = out.shape
    top, bottom = _slab(corners, picked, n, slab, rows, pool, sizes, row_begin, order)
    leaks = 0
    n_live = 0
    for r in range(top, bottom):
        n_live = _row(r, cols, pool, sizes, row_begin, order, live, n_live, cells, bits)
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
