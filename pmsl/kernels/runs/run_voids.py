"""Gaps between runs of solid pixels, and the voids they make through the layers.

Gaps of a layer that share an edge, and those of neighbouring layers that overlap, are one void. Void 0 is the outside: what is not between
two runs of a row is outside, and so is what touches that.
"""

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.runs.connected_components import find, join
from pmsl.kernels.runs.run_bodies import root_of

PARENT, ROW0, COL0, ROW1, COL1, FIRST, LAST, NOW, TOP, PLATE = range(10)
FIELDS = 10


@helper
def _outer(start, col, end, r, first, last):
    """Tell whether columns [first, last) of a row reach out of what is between its runs."""
    if r < 0 or r >= start.size - 1 or start[r] == start[r + 1]:
        return True
    return first < col[start[r]] or last > end[start[r + 1] - 1]


@helper
def _gaps(start, col, end, gap_start, gap_col, gap_end, of):
    """Find the gaps between the runs of each row and join those of neighbouring rows; return how many."""
    n = 0
    for r in range(start.size - 1):
        gap_start[r] = n
        for i in range(start[r], start[r + 1] - 1):
            if end[i] < col[i + 1]:
                gap_col[n] = end[i]
                gap_end[n] = col[i + 1]
                of[n] = n
                n += 1
        if r == 0:
            continue
        above = gap_start[r - 1]
        for i in range(gap_start[r], n):
            while above < gap_start[r] and gap_end[above] <= gap_col[i]:
                above += 1
            j = above
            while j < gap_start[r] and gap_col[j] < gap_end[i]:
                join(of, j, i)
                j += 1
    gap_start[start.size - 1] = n
    return n


@helper
def _same(voids, a, b):
    """Make two voids one, named by the lower number; return it."""
    a, b = root_of(voids, a), root_of(voids, b)
    if a == b:
        return a
    a, b = min(a, b), max(a, b)
    voids[PARENT, b] = a
    for field in (ROW0, COL0, FIRST):
        voids[field, a] = min(voids[field, a], voids[field, b])
    for field in (ROW1, COL1, LAST, TOP, PLATE):
        voids[field, a] = max(voids[field, a], voids[field, b])
    return a


@kernel
def enclosed(start, col, end, gap_start, gap_col, gap_end, label, area, box):
    """Number the areas of a layer that solid pixels enclose.

    Parameters
    ----------
    start : (rows + 1,) int64; col, end : (N,) int32
        Maximal runs of solid pixels.
    gap_start : (rows + 1,) int64; gap_col, gap_end : (N,) int32
        Overwritten: the gaps between them.
    label : (N,) int64
        Overwritten: the area of each gap; -1 for those that are outside.
    area : (N,) int64
        Overwritten: pixels of each area, in the order of their first gaps.
    box : (4, N) int64
        Overwritten: first row and column of each area, one past its last row and column.

    Returns
    -------
    int
        Number of gaps; areas are numbered without one between, up to the largest label.
    """
    n = _gaps(start, col, end, gap_start, gap_col, gap_end, label)
    for i in range(n):
        area[i] = 0
    for r in range(start.size - 1):
        for i in range(gap_start[r], gap_start[r + 1]):
            outside = _outer(start, col, end, r - 1, gap_col[i], gap_end[i]) or _outer(start, col, end, r + 1, gap_col[i], gap_end[i])
            if outside:
                area[find(label, i)] = -1
    many = 0
    for i in range(n):  # a root comes before all others of its area
        root = find(label, i) if label[i] >= 0 else i
        if root != i:
            continue
        if area[i] < 0:
            label[i] = -1
        else:
            label[i] = -2 - many
            area[many] = 0
            many += 1
    for i in range(n):
        j = i
        while label[j] >= 0:
            j = label[j]
        label[i] = label[j] if label[j] < 0 else label[i]
    for a in range(many):
        box[0, a], box[1, a], box[2, a], box[3, a] = 1 << 40, 1 << 40, -1, -1
    for r in range(start.size - 1):
        for i in range(gap_start[r], gap_start[r + 1]):
            label[i] = -1 if label[i] == -1 else -2 - label[i]
            a = label[i]
            if a >= 0:
                area[a] += gap_end[i] - gap_col[i]
                box[0, a], box[1, a] = min(box[0, a], r), min(box[1, a], gap_col[i])
                box[2, a], box[3, a] = max(box[2, a], r + 1), max(box[3, a], gap_end[i])
    return n


@kernel
def fill(
    start, col, end, gap_start, gap_col, gap_end, label, void, last_start, last_col, last_end, last_gap_start, last_gap_col, last_gap_end,
    last_void, layer, height, voids, volume, count, out_void,
):  # fmt: skip
    """Find the voids that the gaps of the next layer from the plate up belong to.

    Parameters
    ----------
    start : (rows + 1,) int64; col, end : (N,) int32
        Maximal runs of solid pixels.
    gap_start : (rows + 1,) int64; gap_col, gap_end : (G,) int32; label : (G,) int64
        The gaps and the areas they are in, as `enclosed` leaves them.
    void : (A,) int64
        Scratch: one an area.
    last_start, last_col, last_end, last_gap_start, last_gap_col, last_gap_end, last_void
        Runs, gaps and voids of the layer below.
    layer : int
    height : float
        Of a pixel's volume.
    voids : (FIELDS, V) int64; volume : (V,) float64
        Added to; V is at least ``count[0] + A``.
    count : (1,) int64
        Number of voids so far, added to.
    out_void : (G,) int64
        Overwritten: the void of each gap.
    """
    for a in range(void.size):
        void[a] = -1
    for r in range(start.size - 1):
        j = last_gap_start[r]
        for i in range(gap_start[r], gap_start[r + 1]):
            own, first, last = label[i], gap_col[i], gap_end[i]
            if own >= 0 and layer > 0 and _outer(last_start, last_col, last_end, r, first, last):
                void[own] = 0 if void[own] < 0 else _same(voids, 0, void[own])
            while j < last_gap_start[r + 1] and last_gap_end[j] <= first:
                j += 1
            m = j
            while m < last_gap_start[r + 1] and last_gap_col[m] < last:
                if own < 0:
                    _same(voids, 0, last_void[m])
                else:
                    void[own] = root_of(voids, last_void[m]) if void[own] < 0 else _same(voids, void[own], last_void[m])
                m += 1
        for i in range(last_gap_start[r], last_gap_start[r + 1]):
            if last_void[i] > 0 and _outer(start, col, end, r, last_gap_col[i], last_gap_end[i]):
                _same(voids, 0, last_void[i])
    _number(label, void, layer, gap_start, gap_col, gap_end, height, voids, volume, count, out_void)


@helper
def _number(label, void, layer, gap_start, gap_col, gap_end, height, voids, volume, count, out_void):
    """Number the voids of a layer's gaps, and add up what they hold."""
    many = count[0]
    for a in range(void.size):
        if void[a] < 0:
            void[a] = many
            voids[PARENT, many] = many
            voids[ROW0, many], voids[COL0, many], voids[ROW1, many], voids[COL1, many] = 1 << 40, 1 << 40, -1, -1
            voids[FIRST, many], voids[LAST, many], voids[NOW, many], voids[TOP, many] = layer, layer, 0, 0
            voids[PLATE, many] = 1 if layer == 0 else 0
            volume[many] = 0.0
            many += 1
    count[0] = many
    for r in range(gap_start.size - 1):
        for i in range(gap_start[r], gap_start[r + 1]):
            v = root_of(voids, void[label[i]]) if label[i] >= 0 else 0
            out_void[i] = v
            if v > 0:
                pixels = gap_end[i] - gap_col[i]
                voids[NOW, v] += pixels
                volume[v] += pixels * height
                voids[ROW0, v] = min(voids[ROW0, v], r)
                voids[ROW1, v] = max(voids[ROW1, v], r + 1)
                voids[COL0, v] = min(voids[COL0, v], gap_col[i])
                voids[COL1, v] = max(voids[COL1, v], gap_end[i])
                voids[LAST, v] = layer
    for i in range(out_void.size):
        v = out_void[i]
        voids[TOP, v] = max(voids[TOP, v], voids[NOW, v])
        voids[NOW, v] = 0


@kernel
def overlaps(start, col, end, label, other_start, other_col, other_end, other_label, out):
    """List what labelled runs share with others: label, other label and pixels of every pair of runs that overlap.

    Parameters
    ----------
    start : (rows + 1,) int64; col, end : (N,) int32; label : (N,) int64
        Runs with a label below 0 are left out.
    other_start, other_col, other_end, other_label
        The same of M others; all of them count.
    out : (3, N + M) int64
        Overwritten.

    Returns
    -------
    int
        Number of pairs.
    """
    n = 0
    for r in range(start.size - 1):
        j = other_start[r]
        for i in range(start[r], start[r + 1]):
            while j < other_start[r + 1] and other_end[j] <= col[i]:
                j += 1
            m = j
            while m < other_start[r + 1] and other_col[m] < end[i]:
                if label[i] >= 0:
                    out[0, n], out[1, n] = label[i], other_label[m]
                    out[2, n] = min(end[i], other_end[m]) - max(col[i], other_col[m])
                    n += 1
                m += 1
    return n
