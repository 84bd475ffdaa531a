"""Pixels in which the cure front is uneven: what is printed of each, held against the design; the second pass of `compare_voxels`.

Between points of a pixel where the front is known, in a cell, it is taken as a plane at the mean height of the parabolas through them; the
share of a cell that is printed between two depths, and the printed area at one, are then closed forms. Of each such piece of a voxel
that is designed in part and printed in part the smaller share is what both have: a sixty-fourth of a voxel holds excess or lack, not both.
"""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel, routine
from pmsl.kernels.compare.compare_voxels import INTERSECTION, LOOSE, OPEN, PRINTED, UNION, VOID_SOLID

FLAT = 1e-3  # slopes below this a cell are none
DEEP = 23.0  # times `shift` below the slab, 1e-7 of the threshold: what the front does there does not matter


@helper
def _ramp(u):
    """First integral of ``clamp(u, 0, 1)``."""
    return 0.0 if u <= 0.0 else 0.5 * u * u if u < 1.0 else u - 0.5


@helper
def _bowl(u):
    """Second integral of ``clamp(u, 0, 1)``."""
    return 0.0 if u <= 0.0 else u * u * u / 6.0 if u < 1.0 else 0.5 * u * u - 0.5 * u + 1.0 / 6.0


@helper
def mean_thickness(u, a, b):
    """Mean of ``clamp(u + a x + b y, 0, 1)`` over the unit square around 0."""
    a, b = max(abs(a), abs(b)), min(abs(a), abs(b))
    if a < FLAT:
        return min(max(u, 0.0), 1.0)
    if b < FLAT:
        return (_ramp(u + 0.5 * a) - _ramp(u - 0.5 * a)) / a
    p, q = 0.5 * (a + b), 0.5 * (a - b)
    return (_bowl(u + p) - _bowl(u + q) - _bowl(u - q) + _bowl(u - p)) / (a * b)


@helper
def area_above(u, a, b):
    """Area of the unit square around 0 where ``u + a x + b y`` is above 0."""
    a, b = max(abs(a), abs(b)), min(abs(a), abs(b))
    if a < FLAT:
        return 1.0 if u > 0.0 else 0.0
    if b < FLAT:
        return (max(u + 0.5 * a, 0.0) - max(u - 0.5 * a, 0.0)) / a
    p, q = 0.5 * (a + b), 0.5 * (a - b)
    return 0.5 * (max(u + p, 0.0) ** 2 - max(u + q, 0.0) ** 2 - max(u - q, 0.0) ** 2 + max(u - p, 0.0) ** 2) / (a * b)


@helper
def _excess(u, a, b):
    """Mean of ``max(u + a x + b y, 0)`` over the unit square around 0; ``a >= b >= 0``."""
    if a < FLAT:
        return max(u, 0.0)
    if b < FLAT:
        return 0.5 * (max(u + 0.5 * a, 0.0) ** 2 - max(u - 0.5 * a, 0.0) ** 2) / a
    p, q = 0.5 * (a + b), 0.5 * (a - b)
    return (max(u + p, 0.0) ** 3 - max(u + q, 0.0) ** 3 - max(u - q, 0.0) ** 3 + max(u - p, 0.0) ** 3) / (6.0 * a * b)


@helper
def _levels(inside, n, floor, corners):
    """Floor the front at the points of a pixel; write into `corners` what their means over cells are those of parabolas of."""
    for at in range(n * n):
        inside[at] = max(inside[at], floor)
    for i in range(n):
        for j in range(n):
            bend = 0.0
            if n > 2:
                at = min(max(i, 1), n - 2) * n + j
                bend = inside[at - n] - 2.0 * inside[at] + inside[at + n]
                at = i * n + min(max(j, 1), n - 2)
                bend += inside[at - 1] - 2.0 * inside[at] + inside[at + 1]
            corners[i * n + j] = inside[i * n + j] - bend / 12.0


@helper
def _plane(inside, corners, at, n):
    """Front in the middle of a cell, and its steeper and its gentler slope."""
    here = 0.25 * (corners[at] + corners[at + 1] + corners[at + n] + corners[at + n + 1])
    p, q, v, w = inside[at], inside[at + 1], inside[at + n], inside[at + n + 1]
    x, y = 0.5 * abs(v + w - p - q), 0.5 * abs(q + w - p - v)
    return here, max(x, y), min(x, y)


@routine
def _shares(inside, n, more, floor, areas, corners, found):
    """Write of a pixel: its share that is printed, and if asked for the parts of its area that are solid and gelled half way up."""
    _levels(inside, n, floor, corners)
    share, solid, gelled = 0.0, 0.0, 0.0
    for i in range(n - 1):
        for j in range(n - 1):
            here, a, b = _plane(inside, corners, i * n + j, n)
            half = 0.5 * (a + b)
            if here - half >= 1.0:
                share += 1.0
            elif here + half > 0.0:
                share += _excess(here, a, b) - _excess(here - 1.0, a, b)
            if areas:
                solid += area_above(here - 0.5, a, b)
                gelled += area_above(here + more - 0.5, a, b)
    cells = float((n - 1) * (n - 1))
    found[0], found[1], found[2], found[3] = min(share / cells, 1.0), solid / cells, gelled / cells, areas


@kernel
def compare_edges(inside, which, found, corners, n, edge, edge_design, front, half, held, shift, sums, slot, records, partly):
    """Add the listed pixels, from points inside them, but what those have in common with the design that are both a part of the voxel.

    Parameters
    ----------
    inside : (U, n * n) float32
        The front at n × n even points of a pixel from border to border, rows first; changed where it is far below the slab.
    which : (E,) int32
        The row of `inside` of each pixel, new ones in turn; with `half` each has its own.
    found : (U, 4) float64
        Overwritten: printed share of the pixel, of its area half way up what is solid and what is gelled, and whether these were asked for.
    corners : (n * n,) float64
        Scratch.
    n : int
        At least 2; between four points the front is a plane.
    edge, edge_design, front, half, held, shift, sums, slot, records
        As of ``compare_voxels.compare``.
    partly : (E,) int64
        Overwritten as far as there are any: which of the pixels are left to `common`.

    Returns
    -------
    int
        How many are.
    """
    done, left = 0, 0
    floor = -DEEP * shift
    for e in range(which.size):
        r, c, design = edge[0, e], edge[1, e], np.float64(edge_design[e])
        u, areas = which[e], slot[edge[0, e], edge[1, e]] >= 0 and edge_design[e] < 1.0
        if u == done or (areas and found[u, 3] == 0.0):
            more = half[held[r], c] - front[held[r], c] if half.size else shift
            _shares(inside[u], n, more, floor, areas, corners, found[u])
            done = max(done, u + 1)
        share, solid, gelled = found[u, 0], found[u, 1], found[u, 2]
        if edge[2, e]:
            sums[PRINTED] += share
            if 0.0 < design < 1.0 and 0.0 < share < 1.0:
                partly[left] = e
                left += 1
            else:
                sums[INTERSECTION] += share * design
                sums[UNION] += share - share * design
                sums[VOID_SOLID] += share - share * design
        if areas:
            rec = records[slot[r, c]]
            rec[OPEN] = max(rec[OPEN], min(1.0 - design, 1.0 - solid))
            rec[LOOSE] = max(rec[LOOSE], min(1.0 - design, 1.0 - gelled))
    return left


@routine
def _split(inside, n, corners, depths, pieces):
    """Write the share of every cell that is printed between two depths."""
    _levels(inside, n, -np.inf, corners)
    cells, ranges = (n - 1) * (n - 1), depths.size - 1
    for i in range(n - 1):
        for j in range(n - 1):
            here, a, b = _plane(inside, corners, i * n + j, n)
            cell, half = i * (n - 1) + j, 0.5 * (a + b)
            if here - half >= 1.0 or here + half <= 0.0:
                for s in range(ranges):
                    pieces[s * cells + cell] = 1.0 if here > 0.0 else 0.0
                continue
            above = _excess(here, a, b)
            for s in range(ranges):
                under = _excess(here - depths[s + 1], a, b)
                pieces[s * cells + cell] = min(max((above - under) / (depths[s + 1] - depths[s]), 0.0), 1.0)
                above = under


@kernel
def common(inside, which, found, corners, n, edge_design, partly, designed, depths, plane, pieces, sums):
    """Add what printed and designed have in common in the pixels that `compare_edges` left.

    Parameters
    ----------
    inside, which, found, corners, n, edge_design, sums
        As of `compare_edges`, after it.
    partly : (B,) int64
    designed : (B, P, (n - 1)²) float32
        Designed share of their cells.
    depths : (S + 1,) float64; plane : (S,) int32
        From 0 to 1, and which of the P planes of `designed` holds between two of them.
    pieces : (S * (n - 1)²,) float64
        Scratch.
    """
    cells, last = (n - 1) * (n - 1), -1
    for b in range(partly.size):
        u, design = which[partly[b]], np.float64(edge_design[partly[b]])
        if u != last:
            _split(inside[u], n, corners, depths, pieces)
            last = u
        total = 0.0
        for s in range(plane.size):
            part = 0.0
            for cell in range(cells):
                part += min(pieces[s * cells + cell], np.float64(designed[b, plane[s], cell]))
            total += part * (depths[s + 1] - depths[s])
        share = found[u, 0]
        both = min(total / cells, share, design)
        sums[INTERSECTION] += both
        sums[UNION] += share - both
        sums[VOID_SOLID] += share - both
