"""Cure front × design → what is printed of each voxel, and how that compares: one pass over a layer; `compare_subpixel` makes a second."""

from typing import NamedTuple

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.compare.row_dedup import same_runs
from pmsl.kernels.solve.pixel_flags import DARK, RECALLED, THROUGH, beyond, calm_blocks, note, one_dose

INTERSECTION, UNION, PRINTED, DESIGN, VOID_SOLID, VOID_GELLED = 0, 1, 2, 3, 4, 5  # sums
LOST, EDGES = 0, 1  # counts
SLIVER = 1e-3  # of a voxel: less of a design, or less of a void, is none
NEARLY = 0.45  # of `shift`: how much below the threshold the middles of pixels may be around a point that is printed between them
BIN = 17  # bits of a float32 below its histogram bin: 64 bins an octave
ROOF, BOTTOM, WEIGHT, CURED, GELLED, SHARE, OPEN, LOOSE, SEEN = 0, 1, 2, 3, 4, 5, 6, 7, 8  # fields of a record of `columns`


@helper
def _light(rec, here, half, z_top, height):
    """Add what is cured of a lit void voxel to the record of its column."""
    cured = min(max(here, 0.0), 1.0) * height
    rec[CURED] += cured
    rec[GELLED] += min(max(half, 0.0), 1.0) * height
    rec[SEEN] += height
    if cured > 0.0 and rec[BOTTOM] <= z_top + 1e-6 * height:
        rec[BOTTOM] = min(rec[BOTTOM], z_top - cured)


@helper
def _nothing_around(front, held, r, c):
    """Tell whether nothing is cured in the eight neighbours."""
    for i in range(max(r - 1, 0), min(r + 2, front.shape[0])):
        for j in range(max(c - 1, 0), min(c + 2, front.shape[1])):
            if front[held[i], j] > 0.0:
                return False
    return True


@helper
def _all_around(front, held, r, c):
    """Tell whether the eight neighbours are cured through."""
    for i in range(max(r - 1, 0), min(r + 2, front.shape[0])):
        for j in range(max(c - 1, 0), min(c + 2, front.shape[1])):
            if front[held[i], j] < 1.0:
                return False
    return True


@helper
def _list_missing(missing, counts, r, c, share):
    """List a pixel with its share, negative for what is filled."""
    n = counts[LOST]
    missing[0, n], missing[1, n], missing[2, n] = r, c, np.int32(65535.0 * share)
    counts[LOST] += 1


@helper
def _count(bins, bits, n):
    """Count a dose n times by the bits of its float32."""
    if bits > 0:
        bins[bits >> BIN] += n


@helper
def _span(
    r, times, begin, end, design, front, half, held, states, eight, calm, calm_dose, shift, bits, z_top, height,
    sums, bins, slot, records, low, lost, edge, edge_design, counts,
):  # fmt: skip
    """Compare the pixels [begin, end) of row r, all of one design share, and count doses in `bins`; edges are only listed.

    All counts `times`, for as many rows that are like it.
    """
    rows, cols = front.shape
    line, under, over = front[held[r]], front[held[max(r - 1, 0)]], front[held[min(r + 1, rows - 1)]]
    doses = bits[held[r]]
    whole, equal, dose = 0, 0, 0
    kind = THROUGH if design == 1.0 else DARK
    last = min(end, cols - 1) - 8 if design == 0.0 or design == 1.0 else 0  # where eight pixels may begin
    c = begin - 1
    while c + 1 < end:
        c += 1
        width, one, first = 0, False, 0
        if c % 8 == 0 and 0 < c <= last:
            if c % RECALLED == 0 and c + RECALLED - 8 <= last and calm[c // RECALLED] == 1 + kind:
                width, one, first = RECALLED, True, calm_dose[c // RECALLED]
            else:
                width = beyond(eight, states, max(r - 1, 0), r, min(r + 1, rows - 1), c, kind, c + 8 <= last)
                one, first = width > 0 and one_dose(eight, r, c, width), doses[c]
        if width > 0:
            if one:
                if first != dose:
                    _count(bins, dose, equal * times)
                    equal, dose = 0, first
                equal += width
            else:
                for i in range(c, c + width):
                    if doses[i] != dose:
                        _count(bins, dose, equal * times)
                        equal, dose = 0, doses[i]
                    equal += 1
            whole += width if design == 1.0 else 0
            c += width - 1
            continue
        left, here, right = line[max(c - 1, 0)], line[c], line[min(c + 1, cols - 1)]
        below, above = under[c], over[c]
        if doses[c] == dose:
            equal += 1
        else:
            if bins.size:
                _count(bins, dose, equal * times)
            equal, dose = 1, doses[c]
        uneven = False
        if here >= 1.0 and left >= 1.0 and right >= 1.0 and below >= 1.0 and above >= 1.0:
            whole += 1
            if design == 1.0:
                continue
            if design <= 1.0 - SLIVER and _all_around(front, held, r, c):
                _list_missing(lost, counts, r, c, design - 1.0)
        elif here <= 0.0 and left <= 0.0 and right <= 0.0 and below <= 0.0 and above <= 0.0:
            if design >= SLIVER and _nothing_around(front, held, r, c):
                _list_missing(lost, counts, r, c, design)
            if max(here, left, right, below, above) > -NEARLY * shift:
                uneven = here != left or here != right or here != below or here != above
        else:
            if 0.0 < here < 1.0:
                for i in range(times):
                    low[r + i, c] = z_top - here * height
            uneven = here != left or here != right or here != below or here != above or 0.0 < design < 1.0
            if not uneven:
                sums[INTERSECTION] += times * (here * design)
                sums[UNION] += times * (here - here * design)
                sums[PRINTED] += times * here
                sums[VOID_SOLID] += times * (here - here * design)
        listed = uneven
        if design < 1.0:
            gelled = half[held[r], c] if half.size else here + shift
            if gelled > 0.0:
                sums[VOID_GELLED] += times * (min(gelled, 1.0) * (1.0 - design))
                for i in range(times):
                    if slot[r + i, c] >= 0:
                        rec = records[slot[r + i, c]]
                        _light(rec, here, gelled, z_top, height)
                        if uneven or here != left or here != right or here != below or here != above:
                            listed = True  # of all rows: without a record it adds nothing
                        else:
                            rec[OPEN] = max(rec[OPEN], 1.0 - design if here < 0.5 else 0.0)
                            rec[LOOSE] = max(rec[LOOSE], 1.0 - design if gelled < 0.5 else 0.0)
        if listed:
            n = counts[EDGES]
            edge[0, n], edge[1, n], edge[2, n] = r, c, uneven
            edge_design[n] = design
            counts[EDGES] += 1
    if bins.size:
        _count(bins, dose, equal * times)
    sums[INTERSECTION] += times * (whole * design)
    sums[UNION] += times * (whole * (1.0 - design) + design * (end - begin))
    sums[PRINTED] += times * whole
    sums[DESIGN] += times * (design * (end - begin))
    sums[VOID_SOLID] += times * (whole * (1.0 - design))


@helper
def _alike(r, held, row_start, col, length, level, row0):
    """Count the rows from r on that look like row r: they, their neighbours and designs are the same; records may differ."""
    rows, end = held.size, r + 1
    if r == 0 or end >= rows or held[r] != held[r - 1] or held[end] != held[r]:
        return 1
    while end + 1 < rows and held[end + 1] == held[r] and same_runs(row_start, col, length, level, end - row0):
        end += 1
    return end - r


@helper
def _repeat(lost, edge, edge_design, counts, first_lost, first_edge, times):
    """List once more for each of the next rows what was listed of a row."""
    pixels, edges = counts[LOST] - first_lost, counts[EDGES] - first_edge
    for i in range(1, times):
        for j in range(first_lost, first_lost + pixels):
            to = j + i * pixels
            lost[0, to], lost[1, to], lost[2, to] = lost[0, j] + i, lost[1, j], lost[2, j]
        for j in range(first_edge, first_edge + edges):
            to = j + i * edges
            edge[0, to], edge[1, to], edge[2, to], edge_design[to] = edge[0, j] + i, edge[1, j], edge[2, j], edge_design[j]
    counts[LOST] += (times - 1) * pixels
    counts[EDGES] += (times - 1) * edges


class VoxelComparisonArrays(NamedTuple):
    """The arguments of `compare` by name, in its order: shapes and kinds stand there."""

    front: np.ndarray
    half: np.ndarray
    held: np.ndarray
    states: np.ndarray
    eight: np.ndarray
    steady: np.ndarray
    calm: np.ndarray
    calm_dose: np.ndarray
    shift: float
    bits: np.ndarray
    recalled: np.ndarray
    z_top: float
    height: float
    row_start: np.ndarray
    col: np.ndarray
    length: np.ndarray
    level: np.ndarray
    row0: int
    col0: int
    sums: np.ndarray
    solid: np.ndarray
    void: np.ndarray
    slot: np.ndarray
    records: np.ndarray
    low: np.ndarray
    lost: np.ndarray
    edge: np.ndarray
    edge_design: np.ndarray
    counts: np.ndarray


@kernel
def compare(
    front, half, held, states, eight, steady, calm, calm_dose, shift, bits, recalled, z_top, height, row_start, col, length, level,
    row0, col0, sums, solid, void, slot, records, low, lost, edge, edge_design, counts,
):  # fmt: skip
    """Compare one layer with its design, but for pixels that ``compare_subpixel.compare_edges`` looks into, which are listed.

    Those are the ones where the front is uneven, or printed and designed are both a part of the voxel.

    Parameters
    ----------
    front : (R, C) float32
        Cured thickness in slabs, gone on beyond the slab; see `dose`.
    half : (R, C) float32, or (0, 0)
        The same for half the threshold; without it that is ``front + shift``.
    held : (R,) int32
        Which row of these maps and of `bits` holds each, see `pmsl.kernels.compare.row_dedup`.
    states : (3, 3, S) uint8, S >= C; eight : (3, 3, S / 8) uint64
        Scratch, and the same memory eight bytes at a time.
    steady, calm, calm_dose : (ceil(C / 32),) int32
        Scratch; see `calm_blocks`.
    shift : float
    bits : (R, C) int32
        The bits of the float32 dose at the exposure plane.
    recalled : (R, ceil(C / 32)) uint8, or (0, 0)
        Blocks in which front and dose are those of the row above; see `pmsl.kernels.light.blur_reuse`.
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
    lost : (3, R * C) int32
        Overwritten: rows and columns of pixels with some design in which, and around which, nothing is cured, and their design of 65535;
        of pixels with some void in which, and around which, all is cured, with their void below 0.
    edge : (3, R * C) int32; edge_design : (R * C,) float32
        Overwritten: rows and columns of uneven pixels, whether their share is still to be added, and their design share.
    counts : (2,) int64
        Overwritten: lengths of these two lists.
    """
    rows, cols = front.shape
    counts[LOST], counts[EDGES] = 0, 0
    neither = solid[:0]
    steady[:] = 0
    calm[:] = 0
    note(0, front, half, shift, bits, held, states, recalled, steady)
    times = 1
    for r in range(rows):
        if times > 1:  # a row like the last one that was looked at: its notes are the same too
            times -= 1
            continue
        if r + 1 < rows:
            note(r + 1, front, half, shift, bits, held, states, recalled, steady)
        calm_blocks(r, rows, bits, held, states, eight, recalled, steady, calm, calm_dose)
        times = _alike(r, held, row_start, col, length, level, row0)
        first_lost, first_edge = counts[LOST], counts[EDGES]
        k = r - row0
        i, last = (row_start[k], row_start[k + 1]) if 0 <= k < row_start.size - 1 else (0, 0)
        done = 0
        while i < last or done < cols:
            begin, end, design, bins = done, cols, 0.0, void
            if i < last:
                end = min(max(col[i] + col0, 0), cols)
            if i < last and end <= done:
                begin, end = end, min(max(col[i] + col0 + length[i], 0), cols)
                design, bins = level[i] / 65535.0, solid if level[i] == 65535 else neither
                i += 1
            done = end
            if end > begin:  # the one place it is called from: inlined, for most runs are a pixel and it has many arguments
                _span(
                    r, times, begin, end, design, front, half, held, states, eight, calm, calm_dose, shift, bits, z_top, height,
                    sums, bins, slot, records, low, lost, edge, edge_design, counts,
                )  # fmt: skip
        _repeat(lost, edge, edge_design, counts, first_lost, first_edge, times)
