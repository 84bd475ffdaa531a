"""Triangles → exact volume coverage of voxels (pixel × slab), row by row.

`area` one dimension up. Each triangle is cut to its slab, its pixel rows, its columns. A planar piece inside one voxel
adds its area projected along x (signed, on the yz plane) to the `cover` of everything to its right and the first moment
of that projection, the volume between the piece and the voxel's right side, to its own voxel. Walking a row to the right,
``sum(cover of voxels behind) + area`` is the winding-weighted volume fraction, in closed form: no sub-slices.
Coordinates: x and y in pixels of the window, z in slabs (0..1 inside the slab at hand).
A cut point is computed from the edge's lower end along the cut axis, so both triangles of an edge get the same bits.
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
CORNERS = 12  # a triangle cut by six planes has at most nine
SNAP = 2.0**-40  # a row sum nearer to an integer than this is that integer
LEAK = 2.0**-30  # a row that ends further from zero than this is not closed


@helper
def _split(polygon, n, axis, at, low, high):
    """Split a convex polygon at ``coordinate[axis] = at`` into `low` and `high`; return their corner counts."""
    n_low, n_high = 0, 0
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        a, b = polygon[i, axis], polygon[j, axis]
        if a <= at:
            low[n_low, 0], low[n_low, 1], low[n_low, 2] = polygon[i, 0], polygon[i, 1], polygon[i, 2]
            n_low += 1
        if a >= at:
            high[n_high, 0], high[n_high, 1], high[n_high, 2] = polygon[i, 0], polygon[i, 1], polygon[i, 2]
            n_high += 1
        if (a < at and b > at) or (a > at and b < at):
            p, q = (i, j) if a < b else (j, i)
            t = (at - polygon[p, axis]) / (polygon[q, axis] - polygon[p, axis])
            for k in range(3):
                value = polygon[p, k] + t * (polygon[q, k] - polygon[p, k])
                low[n_low, k] = value
                high[n_high, k] = value
            low[n_low, axis] = at
            high[n_high, axis] = at
            n_low += 1
            n_high += 1
    return n_low, n_high


@helper
def _range(polygon, n, axis):
    low, high = polygon[0, axis], polygon[0, axis]
    for i in range(1, n):
        low, high = min(low, polygon[i, axis]), max(high, polygon[i, axis])
    return low, high


@helper
def _projected(polygon, n, column):
    """Area of the polygon's projection along x, and its first moment about x = column."""
    area, moment = 0.0, 0.0
    x0, y0, z0 = polygon[0, 0], polygon[0, 1], polygon[0, 2]
    for i in range(1, n - 1):
        part = (polygon[i, 1] - y0) * (polygon[i + 1, 2] - z0) - (polygon[i + 1, 1] - y0) * (polygon[i, 2] - z0)
        area += 0.5 * part
        moment += part * ((x0 - column) + (polygon[i, 0] - column) + (polygon[i + 1, 0] - column)) / 6.0
    return area, moment


@helper
def _add(polygon, n, cols, cells, bits, spare, other):
    """Add a polygon inside one row: cut it at the columns it passes."""
    low, high = _range(polygon, n, 0)
    if low < 0.0:  # left of the window: covers the row from its first voxel on
        n_left, n = _split(polygon, n, 0, 0.0, spare, other)
        area, _ = _projected(spare, n_left, 0.0)
        cells[0, COVER] -= area
        cells[0, AREA] -= area
        bits[0] |= ONE
        if n < 3:
            return
        polygon, other = other, polygon
        low = 0.0
    c = np.int64(min(low, float(cols)))
    while c < cols and high > c + 1:
        n_left, n = _split(polygon, n, 0, c + 1.0, spare, other)
        if n_left >= 3:
            area, moment = _projected(spare, n_left, float(c))
            cells[c, COVER] -= area
            cells[c, AREA] -= area - moment
            bits[c >> 6] |= ONE << np.uint64(c & 63)
        polygon, other = other, polygon
        c += 1
    if n < 3:
        return
    area, moment = _projected(polygon, n, float(c))
    cells[c, COVER] -= area
    if c < cols:  # right of the window only the row sum needs it
        cells[c, AREA] -= area - moment
        bits[c >> 6] |= ONE << np.uint64(c & 63)


@helper
def _slab(corners, picked, n, z_low, z_high, rows, polygons, sizes, row_begin, order, spare, other):
    """Cut the picked triangles to the slab and order what is left by first row; return the rows they reach."""
    top, bottom = rows, 0
    for r in range(rows + 2):
        row_begin[r] = 0
    thickness = z_high - z_low
    for m in range(n):
        sizes[m] = 0
        polygon = polygons[m]
        for k in range(3):
            polygon[k, 0] = corners[picked[m], 3 * k]
            polygon[k, 1] = corners[picked[m], 3 * k + 1]
            polygon[k, 2] = (corners[picked[m], 3 * k + 2] - z_low) / thickness
        size = 3
        low, high = _range(polygon, size, 2)
        if low < 0.0:
            _, size = _split(polygon, size, 2, 0.0, spare, other)
            for i in range(size):
                polygon[i, 0], polygon[i, 1], polygon[i, 2] = other[i, 0], other[i, 1], other[i, 2]
        if high > 1.0:
            size, _ = _split(polygon, size, 2, 1.0, other, spare)
            for i in range(size):
                polygon[i, 0], polygon[i, 1], polygon[i, 2] = other[i, 0], other[i, 1], other[i, 2]
        if size < 3:
            continue
        low, high = _range(polygon, size, 1)
        if high <= 0.0 or low >= rows:
            continue
        if low < 0.0:
            _, size = _split(polygon, size, 1, 0.0, spare, other)
            for i in range(size):
                polygon[i, 0], polygon[i, 1], polygon[i, 2] = other[i, 0], other[i, 1], other[i, 2]
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
            low, _ = _range(polygons[m], sizes[m], 1)
            row = np.int64(low) + 1
            order[row_begin[row]] = m
            row_begin[row] += 1
    return top, bottom


@helper
def _row(r, cols, polygons, sizes, row_begin, order, live, n_live, cells, bits, spare, other, third):
    """Add the part of every polygon inside row r; what lies above stays in its place and in `live`."""
    kept = 0
    begin, end = row_begin[r], row_begin[r + 1]
    for j in range(n_live + end - begin):
        m = live[j] if j < n_live else order[begin + j - n_live]
        polygon, size = polygons[m], sizes[m]
        _, high = _range(polygon, size, 1)
        if high > r + 1.0:
            n_low, n_high = _split(polygon, size, 1, r + 1.0, third, spare)
            for i in range(n_high):
                polygon[i, 0], polygon[i, 1], polygon[i, 2] = spare[i, 0], spare[i, 1], spare[i, 2]
            sizes[m] = n_high
            if n_high >= 3:
                live[kept] = m
                kept += 1
            if n_low >= 3:
                _add(third, n_low, cols, cells, bits, spare, other)
        else:
            _add(polygon, size, cols, cells, bits, spare, other)
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
def runs(
    corners,
    picked,
    n,
    z_low,
    z_high,
    rows,
    cols,
    polygons,
    sizes,
    row_begin,
    order,
    live,
    cells,
    bits,
    row_start,
    col,
    length,
    level,
    leaks,
):
    """Turn the triangles of one slab into runs of 16-bit volume coverage.

    Parameters
    ----------
    corners : (M, 9) float64 [px, px, z]
        Triangles, counter-clockwise seen from outside.
    picked : (P,) int32; n : int
        Which of them touch the slab, and how many.
    z_low, z_high : float
        The slab.
    rows, cols : int
        Size of the window.
    polygons : (P, 12, 3) float64; sizes, order, live : (P,) int32; row_begin : (rows + 2,) int64
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
    spare, other, third = np.zeros((CORNERS, 3)), np.zeros((CORNERS, 3)), np.zeros((CORNERS, 3))
    top, bottom = _slab(corners, picked, n, z_low, z_high, rows, polygons, sizes, row_begin, order, spare, other)
    count = 0
    n_live = 0
    for r in range(top, bottom):
        row_start[r] = count
        run_begin = count
        n_live = _row(r, cols, polygons, sizes, row_begin, order, live, n_live, cells, bits, spare, other, third)
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
def dense(corners, picked, n, z_low, z_high, polygons, sizes, row_begin, order, live, cells, bits, out):
    """Write the volume coverage of one slab, not quantised, into `out` (rows, cols) float64, which must come as zeros.

    The other parameters are those of `runs`. Returns the number of rows that did not close.
    """
    rows, cols = out.shape
    spare, other, third = np.zeros((CORNERS, 3)), np.zeros((CORNERS, 3)), np.zeros((CORNERS, 3))
    top, bottom = _slab(corners, picked, n, z_low, z_high, rows, polygons, sizes, row_begin, order, spare, other)
    leaks = 0
    n_live = 0
    for r in range(top, bottom):
        n_live = _row(r, cols, polygons, sizes, row_begin, order, live, n_live, cells, bits, spare, other, third)
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
