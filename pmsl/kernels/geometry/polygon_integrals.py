"""Planar pieces inside one row → `cover` and `area` of the voxels they pass. Helpers of `volume`, which says what these are."""

import numpy as np

from pmsl.kernels._compiler.jit import helper, routine
from pmsl.kernels.raster.cell_bits import AREA, COVER, touch

TINY = 2.0**-200  # narrower triangles have no width; their slopes would overflow


@routine
def _spread(x0, x1, x2, a, row, cols, cells, bits):
    """Add a triangle of projected area `a`, however many columns it passes."""
    low, high = min(x0, min(x1, x2)), max(x0, max(x1, x2))
    mid = max(min(x0, x1), min(max(x0, x1), x2))
    if high <= 0.0:  # left of the window: covers the row from its first voxel on
        cells[row, 0, COVER] -= a
        cells[row, 0, AREA] -= a
        touch(bits, row, 0)
        return
    if low >= cols or high - low < TINY:
        c = np.int64(min(max(low, 0.0), float(cols)))
        cells[row, c, COVER] -= a
        if c < cols:  # right of the window only the row sum needs it
            cells[row, c, AREA] -= a * (c + 1 - low)
            touch(bits, row, c)
        return
    mid = low if mid - low < TINY else high if high - mid < TINY else mid
    peak = 2.0 * a / (high - low)
    rise = peak / (mid - low) if mid > low else 0.0
    fall = peak / (high - mid) if high > mid else 0.0
    rest = a
    left, density = low, 0.0 if mid > low else peak
    if low < 0.0:
        density = rise * -low if mid >= 0.0 else fall * high
        outside = 0.5 * density * -low if mid >= 0.0 else a - 0.5 * density * high
        cells[row, 0, COVER] -= outside
        cells[row, 0, AREA] -= outside
        rest -= outside
        left = 0.0
        touch(bits, row, 0)
    c = np.int64(left)
    while c < cols:
        right = min(high, c + 1.0)
        cover, moment = 0.0, 0.0
        if left < mid and mid < right:
            width = mid - left
            cover = 0.5 * (density + peak) * width
            moment = cover * (c + 1 - mid) + width * width * (density / 3.0 + peak / 6.0)
            left, density = mid, peak
        after = rise * (right - low) if right <= mid else fall * (high - right)
        width = right - left
        part = 0.5 * (density + after) * width
        cover += part
        cells[row, c, AREA] -= moment + part * (c + 1 - right) + width * width * (density / 3.0 + after / 6.0)
        touch(bits, row, c)
        if right >= high:
            cells[row, c, COVER] -= rest
            return
        cells[row, c, COVER] -= cover
        rest -= cover
        left, density = right, after
        c += 1
    cells[row, cols, COVER] -= rest


@helper
def _two(p, first, last, c, row, cells, bits):
    """Add a polygon that lies in columns c and c + 1: a triangle is parted by the share beyond its nearest corner."""
    at = c + 1.0
    x0, y0, z0 = p[first, 0] - at, p[first, 1], p[first, 2]
    x1, y1, z1 = p[first + 1, 0] - at, p[first + 1, 1] - y0, p[first + 1, 2] - z0
    area, moment, left, left_moment = 0.0, 0.0, 0.0, 0.0
    for i in range(first + 2, last):
        x2, y2, z2 = p[i, 0] - at, p[i, 1] - y0, p[i, 2] - z0
        a = 0.5 * (y1 * z2 - y2 * z1)
        low, high = min(x0, min(x1, x2)), max(x0, max(x1, x2))
        mid = max(min(x0, x1), min(max(x0, x1), x2))
        m = a * (x0 + x1 + x2)
        area += a
        moment += m
        if high <= 0.0:
            left += a
            left_moment += m
        elif low < 0.0 and mid >= 0.0:
            share = a * (low / (mid - low)) * (low / (high - low))
            left += share
            left_moment += share * low
        elif low < 0.0:
            share = a * (high / (high - mid)) * (high / (high - low))
            left += a - share
            left_moment += m - share * high
        x1, y1, z1 = x2, y2, z2
    cells[row, c, COVER] -= left
    cells[row, c, AREA] += left_moment / 3.0
    cells[row, c + 1, COVER] -= area - left
    cells[row, c + 1, AREA] -= area - left - (moment - left_moment) / 3.0
    touch(bits, row, c)
    touch(bits, row, c + 1)


@helper
def add(p, first, last, row, cols, cells, bits):
    """Add the polygon p[first:last] inside one row."""
    low = high = p[first, 0]
    for i in range(first + 1, last):
        x = p[i, 0]
        low, high = min(low, x), max(high, x)
    c = np.int64(min(max(low, -1.0), float(cols)))
    if low >= 0.0 and high <= c + 2 and c + 1 < cols and high > c + 1:
        _two(p, first, last, c, row, cells, bits)
        return
    x0, y0, z0 = p[first, 0], p[first, 1], p[first, 2]
    x1, y1, z1 = p[first + 1, 0], p[first + 1, 1] - y0, p[first + 1, 2] - z0
    single = low >= 0.0 and high <= c + 1 and c < cols
    area, moment = 0.0, 0.0
    for i in range(first + 2, last):
        x2, y2, z2 = p[i, 0], p[i, 1] - y0, p[i, 2] - z0
        a = 0.5 * (y1 * z2 - y2 * z1)
        if single:
            area += a
            moment += a * (c + 1 - (x0 + x1 + x2) / 3.0)
        elif a != 0.0:
            _spread(x0, x1, x2, a, row, cols, cells, bits)
        x1, y1, z1 = x2, y2, z2
    if single:
        cells[row, c, COVER] -= area
        cells[row, c, AREA] -= moment
        touch(bits, row, c)
