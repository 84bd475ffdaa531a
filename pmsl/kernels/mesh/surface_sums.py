"""Planar pieces → height and share of the surface in each column of a slab. Helpers of `volume`.

A piece's area projected along z, up- and down-facing apart, is spread over x as a roof with its corners' x as feet and
ridge; its moment of z is integrated by Simpson's rule, which is exact for the quadratic at hand. Of a flat piece only
the boundary is looked at, as `area` does.
"""

import numpy as np

from pmsl.kernels._compiler.jit import helper, routine
from pmsl.kernels.raster.area import add_piece
from pmsl.kernels.raster.cell_bits import touch

TINY = 2.0**-200  # narrower triangles have no width; their slopes would overflow


@helper
def faces(t, slab):
    """Side of the surface a triangle adds to (0 faces down, 2 up), or -1: a flat one on a slab plane belongs where its solid is."""
    up = (t[3] - t[0]) * (t[7] - t[1]) - (t[6] - t[0]) * (t[4] - t[1])
    side = 2 if up > 0.0 else 0 if up < 0.0 else -1
    if t[2] == t[5] and t[5] == t[8] and t[2] == (slab[0] if side == 2 else slab[1]):
        return -1
    return side


@helper
def strip(x0, x1, x2, z0, z1, z2, b, side, row, cols, sides, bits):
    """Add a triangle of area `b` projected along z to the surface of the columns it passes: share, and moment of z."""
    if x0 > x1:
        x0, z0, x1, z1 = x1, z1, x0, z0
    if x1 > x2:
        x1, z1, x2, z2 = x2, z2, x1, z1
    if x0 > x1:
        x0, z0, x1, z1 = x1, z1, x0, z0
    c = np.int64(min(max(x0, -1.0), float(cols)))
    if x2 - x0 < TINY or (x0 >= 0.0 and x2 <= c + 1):
        if x0 >= 0.0 and c < cols:
            sides[row, c, side] += b
            sides[row, c, side + 1] += b * (z0 + z1 + z2) / 3.0
            touch(bits, row, c)
        return
    peak = 2.0 * b / (x2 - x0)
    c = max(c, 0)
    while c < cols and c < x2:
        left, right = max(x0, float(c)), min(x2, c + 1.0)
        for half in range(2):  # the rising side of the roof, then the falling one
            p, q = (left, min(right, x1)) if half == 0 else (max(left, x1), right)
            if p >= q:
                continue
            foot, z_foot, span = (x0, z0, x1 - x0) if half == 0 else (x2, z2, x1 - x2)
            share, height = 0.0, 0.0
            for k in range(3):
                x = p + 0.5 * k * (q - p)
                u = (x - foot) / span
                z = 0.5 * (z0 + (z2 - z0) * ((x - x0) / (x2 - x0)) + z_foot + (z1 - z_foot) * u)
                weight = (4.0 if k == 1 else 1.0) * u
                share += weight
                height += weight * z
            scale = peak * (q - p) / 6.0
            sides[row, c, side] += scale * share
            sides[row, c, side + 1] += scale * height
            touch(bits, row, c)
        c += 1


@routine
def add(p, first, last, side, row, cols, sides, bits):
    """Add the polygon p[first:last] inside one row to the up-facing (side 2) or down-facing (side 0) surface."""
    x0, y0 = p[first, 0], p[first, 1]
    sign = 0.5 if side == 2 else -0.5
    for i in range(first + 1, last - 1):
        b = sign * ((p[i, 0] - x0) * (p[i + 1, 1] - y0) - (p[i + 1, 0] - x0) * (p[i, 1] - y0))
        if b != 0.0:
            strip(x0, p[i, 0], p[i + 1, 0], p[first, 2], p[i, 2], p[i + 1, 2], b, side, row, cols, sides, bits)


@routine
def add_flat(p, first, last, side, row, cols, flat, bits):
    """Add the flat polygon p[first:last] inside one row: cover and area of its share and of its moment of z, from its edges.

    The edges that two triangles share cancel to the last bit, for both have the same cut points.
    """
    sign, z, before = 1.0 if side == 0 else -1.0, p[first, 2], last - 1
    for i in range(first, last):
        s = sign * (p[i, 1] - p[before, 1])
        if s != 0.0:
            add_piece(flat[side, row], bits[row], cols, p[before, 0], p[i, 0], s)
            add_piece(flat[side + 1, row], bits[row], cols, p[before, 0], p[i, 0], s * z)
        before = i
