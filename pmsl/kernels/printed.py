"""Cure front × design → what is printed of each voxel, and how that compares: one pass over a layer.

Inside a pixel the front is taken as a plane through its middle with the slope of its neighbours; the printed share of a voxel and the
printed area at a depth are then closed forms. Across a fall as steep as `steep` the border between the pixels is the edge.
"""

import numpy as np

from pmsl.kernels._jit import helper, kernel, routine

FLAT = 1e-3  # slopes below this a pixel are none
INTERSECTION, UNION, PRINTED, DESIGN, VOID_SOLID, VOID_GELLED = 0, 1, 2, 3, 4, 5
BIN = 17  # bits of a float32 below its histogram bin: 64 bins an octave
ROOF, BOTTOM, WEIGHT, CURED, GELLED, SHARE, OPEN, LOOSE, SEEN = 0, 1, 2, 3, 4, 5, 6, 7, 8  # fields of a record of `columns`


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
def slope(before, here, behind, steep):
    """Slope of the front between two neighbours; one beyond a step does not count."""
    if abs(before - here) > steep:
        before = here
    if abs(behind - here) > steep:
        behind = here
    return 0.5 * (behind - before)


@routine
def _record(rec, here, half, a, b, design, z_top, height):
    """Add what is cured of a lit void voxel to the record of its column."""
    cured = min(max(here, 0.0), 1.0) * height
    rec[CURED] += cured
    rec[GELLED] += min(max(half, 0.0), 1.0) * height
    if cured > 0.0 and rec[BOTTOM] <= z_top + 1e-6 * height:
        rec[BOTTOM] = min(rec[BOTTOM], z_top - cured)
    void = 1.0 - design
    rec[OPEN] = max(rec[OPEN], min(void, 1.0 - area_above(here - 0.5, a, b)))
    rec[LOOSE] = max(rec[LOOSE], min(void, 1.0 - area_above(half - 0.5, a, b)))
    rec[SEEN] += height


@helper
def _nothing_around(front, r, c):
    """Tell whether nothing is cured in the eight neighbours."""
    for i in range(max(r - 1, 0), min(r + 2, front.shape[0])):
        for j in range(max(c - 1, 0), min(c + 2, front.shape[1])):
            if front[i, j] > 0.0:
                return False
    return True


@helper
def _count(bins, bits, n):
    """Count a dose n times by the bits of its float32."""
    if bits > 0:
        bins[bits >> BIN] += n


@routine
def _span(
    r, begin, end, design, front, half, shift, bits, steep, z_top, height, sums, bins, slot, records, low, lost_row, lost_col, n
):
    """Compare the pixels [begin, end) of row r, all of one design share, count doses in `bins`; return the count of missing pixels."""
    rows, cols = front.shape
    line, under, over = front[r], front[max(r - 1, 0)], front[min(r + 1, rows - 1)]
    doses = bits[r]
    whole, inter, union, printed = 0, 0.0, 0.0, 0.0
    equal, dose = 0, 0
    left, here = line[max(begin - 1, 0)], line[begin]
    for c in range(begin, end):
        right = line[min(c + 1, cols - 1)]
        below, above = under[c], over[c]
        if doses[c] == dose:
            equal += 1
        else:
            if bins.size:
                _count(bins, dose, equal)
            equal, dose = 1, doses[c]
        if here >= 1.0 and left >= 1.0 and right >= 1.0 and below >= 1.0 and above >= 1.0:
            whole += 1
            if design == 1.0:
                left, here = here, right
                continue
            share = 1.0
        else:
            if 0.0 < here < 1.0:
                low[r, c] = z_top - here * height
            if here <= 0.0 and left <= 0.0 and right <= 0.0 and below <= 0.0 and above <= 0.0:
                share = 0.0
                if design >= 0.5 and _nothing_around(front, r, c):
                    lost_row[n], lost_col[n] = r, c
                    n += 1
            else:
                share = mean_thickness(here, slope(left, here, right, steep), slope(below, here, above, steep))
                inter += min(share, design)
                union += max(share, design) - design
                printed += share
        if design < 1.0:
            gelled = half[r, c] if half.size else here + shift
            if gelled > 0.0:
                sums[VOID_SOLID] += max(share - design, 0.0)
                sums[VOID_GELLED] += min(gelled, 1.0) * (1.0 - design)
                if slot[r, c] >= 0:
                    a, b = slope(left, here, right, steep), slope(below, here, above, steep)
                    _record(records[slot[r, c]], here, gelled, a, b, design, z_top, height)
        left, here = here, right
    if bins.size:
        _count(bins, dose, equal)
    sums[INTERSECTION] += inter + whole * design
    sums[UNION] += union + whole * (1.0 - design) + design * (end - begin)
    sums[PRINTED] += printed + whole
    sums[DESIGN] += design * (end - begin)
    return n


@kernel
def compare(
    front, half, shift, bits, steep, z_top, height, row_start, col, length, level, row0, col0,
    sums, solid, void, slot, records, low, lost_row, lost_col,
):  # fmt: skip
    """Compare one layer with its design.

    Parameters
    ----------
    front : (R, C) float32
        Cured thickness in slabs, gone on beyond the slab; see `dose`.
    half : (R, C) float32, or (0, 0)
        The same for half the threshold; without it that is ``front + shift``.
    shift : float
    bits : (R, C) int32
        The bits of the float32 dose at the exposure plane.
    steep : float
        Difference of the front between neighbours from which on the border between them is the edge.
    z_top, height : float
        Exposure plane and thickness.
    row_start : (n_rows + 1,) int64; col, length : (N,) int32; level : (N,) uint16
        Runs of the design's volume coverage, columns of the grid.
    row0, col0 : int
        Row of the window of the first run row; column of the window of the grid's column 0.
    sums : (6,) float64
        Added into, in voxels: intersection, union, printed, design, printed outside the design, gelled void.
    solid, void : (16320,) int64
        Doses counted by the upper bits of their float32 in pixels that are wholly solid, wholly void.
    slot : (R, C) int32; records : (K, 9) float64
        Void below a roof: which record, or -1; see `columns`.
    low : (R, C) float32
        Overwritten where a slab is partly cured: its lower end.
    lost_row, lost_col : (R * C,) int32
        Overwritten: pixels at least half design in which, and around which, nothing is cured.

    Returns
    -------
    int
        How many these are.
    """
    rows, cols = front.shape
    n = 0
    neither = solid[:0]
    for r in range(rows):
        done = 0
        k = r - row0
        if 0 <= k < row_start.size - 1:
            for i in range(row_start[k], row_start[k + 1]):
                begin = min(max(col[i] + col0, 0), cols)
                end = min(max(col[i] + col0 + length[i], 0), cols)
                if begin > done:
                    n = _span(
                        r, done, begin, 0.0, front, half, shift, bits, steep, z_top, height,
                        sums, void, slot, records, low, lost_row, lost_col, n,
                    )  # fmt: skip
                if end > begin:
                    n = _span(
                        r, begin, end, level[i] / 65535.0, front, half, shift, bits, steep, z_top, height,
                        sums, solid if level[i] == 65535 else neither, slot, records, low, lost_row, lost_col, n,
                    )  # fmt: skip
                done = end
        if cols > done:
            n = _span(
                r, done, cols, 0.0, front, half, shift, bits, steep, z_top, height,
                sums, void, slot, records, low, lost_row, lost_col, n,
            )  # fmt: skip
    return n
