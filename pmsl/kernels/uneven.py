"""Pixels in which the cure front is uneven: what is printed of each, and how that compares with the design; the second pass of `printed`.

Between points of a pixel where the front is known it is taken as a plane; the printed share of a voxel and the printed area at a depth
are then closed forms.
"""

import numpy as np

from pmsl.kernels._jit import helper, kernel
from pmsl.kernels.printed import INTERSECTION, LOOSE, OPEN, PRINTED, UNION, VOID_SOLID

FLAT = 1e-3  # slopes below this a pixel are none


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
def _shares(inside, n, more, found):
    """Write of a pixel: its share that is printed, the parts of its area that are solid and gelled half way up."""
    share, solid, gelled = 0.0, 0.0, 0.0
    for i in range(n - 1):
        for j in range(n - 1):
            at = i * n + j
            p, q, v, w = inside[at], inside[at + 1], inside[at + n], inside[at + n + 1]
            here = 0.25 * (p + q + v + w)
            a, b = 0.5 * (v + w - p - q), 0.5 * (q + w - p - v)
            share += mean_thickness(here, a, b)
            solid += area_above(here - 0.5, a, b)
            gelled += area_above(here + more - 0.5, a, b)
    cells = float((n - 1) * (n - 1))
    found[0], found[1], found[2] = share / cells, solid / cells, gelled / cells


@kernel
def compare_edges(inside, which, found, n, edge, edge_design, front, half, held, shift, sums, slot, records):
    """Add the listed pixels, from points inside them.

    Parameters
    ----------
    inside : (U, n * n) float32
        The front at n × n even points of a pixel from border to border, rows first.
    which : (E,) int32
        The row of `inside` of each pixel, new ones in turn; with `half` each has its own.
    found : (U, 3) float64
        Scratch.
    n : int
        At least 2; between four points the front is a plane.
    edge, edge_design, front, half, held, shift, sums, slot, records
        As of ``printed.compare``.
    """
    done = 0
    for e in range(which.size):
        r, c, design = edge[0, e], edge[1, e], np.float64(edge_design[e])
        u = which[e]
        if u == done:
            _shares(inside[u], n, half[held[r], c] - front[held[r], c] if half.size else shift, found[u])
            done += 1
        share, solid, gelled = found[u, 0], found[u, 1], found[u, 2]
        if edge[2, e]:
            sums[INTERSECTION] += min(share, design)
            sums[UNION] += max(share, design) - design
            sums[PRINTED] += share
            sums[VOID_SOLID] += max(share - design, 0.0)
        if slot[r, c] >= 0 and design < 1.0:
            rec = records[slot[r, c]]
            rec[OPEN] = max(rec[OPEN], min(1.0 - design, 1.0 - solid))
            rec[LOOSE] = max(rec[LOOSE], min(1.0 - design, 1.0 - gelled))
