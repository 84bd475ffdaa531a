"""Bodies that grow layer by layer, as runs of solid pixels: which of them hang together, and since when.

Pixels of a layer that share an edge or a corner are one piece; pieces of neighbouring layers that overlap are one body. Body 0 is what
stands on the plate.
"""

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.runs.connected_components import find, join

PARENT, LINK, LINKED, BORN, BORN_PX, ROW0, COL0, ROW1, COL1, FIRST, LAST, HELD = range(12)
FIELDS = 12
CORNER = 1e-6  # what the least contact counts for [px]
HALF = 0.5  # of its area: what rests on so much stands, however thin it is


@helper
def root_of(bodies, i):
    """Return the body that a number stands for now."""
    while bodies[PARENT, i] != i:
        bodies[PARENT, i] = bodies[PARENT, bodies[PARENT, i]]
        i = bodies[PARENT, i]
    return i


@helper
def _unite(bodies, a, b, k):
    """Make two bodies one, named by the older; return its number."""
    a, b = root_of(bodies, a), root_of(bodies, b)
    if a == b:
        return a
    a, b = min(a, b), max(a, b)
    bodies[PARENT, b] = a
    bodies[LINK, b] = a
    bodies[LINKED, b] = k
    for field in (ROW0, COL0, FIRST):
        bodies[field, a] = min(bodies[field, a], bodies[field, b])
    for field in (ROW1, COL1, LAST):
        bodies[field, a] = max(bodies[field, a], bodies[field, b])
    return a


@helper
def _meet(
    col, end, begin, stop, of, other_col, other_end, other_body, o_begin, o_stop, near, weight, edge, contact, area, body, bodies, k,
    least,
):  # fmt: skip
    """Add up what runs of a row share with others (`least` below 0), or unite those that share `least`."""
    j = o_begin
    for i in range(begin, stop):
        while j < o_stop and other_end[j] + near <= col[i]:
            j += 1
        m, own = j, of[i]
        while m < o_stop and other_col[m] - near < end[i]:
            if least < 0.0:
                shared = min(end[i], other_end[m]) - max(col[i], other_col[m])
                contact[own] += max(shared, 0) * weight + edge + CORNER
            elif contact[own] >= min(least, HALF * area[own]):
                body[own] = root_of(bodies, other_body[m]) if body[own] < 0 else _unite(bodies, body[own], other_body[m], k)
            m += 1


@kernel
def grow(
    start, col, end, of, same_start, same_col, same_end, same_body, below_start, below_col, below_end, below_body,
    above_start, above_col, above_end, above_body, layer, k, side_row, side_col, least, contact, body, bodies, count, out_body,
):  # fmt: skip
    """Join pixels that became solid to the bodies they touch; what touches none of them enough is a new body.

    Parameters
    ----------
    start : (rows + 1,) int64; col, end : (N,) int32
        Maximal runs of a layer that became solid.
    of : (N,) int64
        Overwritten: scratch.
    same_start, same_col, same_end, same_body
        What of the layer was solid already: runs and (M,) int64 the bodies they belong to; below and above the same of the layers beside.
    layer, k : int
        The layer, and the one whose exposure made it solid.
    side_row, side_col : float
        What an edge between pixels of two rows, or of one, counts for [px].
    least : float
        From so much on [px], above 0, a contact joins, and so does one of half of what touches.
    contact : (N,) float64; body : (N,) int64
        Scratch.
    bodies : (FIELDS, B) int64
        Added to; B is at least ``count[0] + N``.
    count : (1,) int64
        Number of bodies so far, added to.
    out_body : (N,) int64
        Overwritten: the body of each run.
    """
    rows = start.size - 1
    for i in range(col.size):
        of[i] = i
        contact[i] = 0.0
        body[i] = -1
        out_body[i] = 0  # pixels of the piece, until bodies are known
    for r in range(1, rows):
        above = start[r - 1]
        for i in range(start[r], start[r + 1]):
            while above < start[r] and end[above] < col[i]:
                above += 1
            j = above
            while j < start[r] and col[j] <= end[i]:
                join(of, j, i)
                j += 1
    for i in range(col.size):
        of[i] = find(of, i)
        out_body[of[i]] += end[i] - col[i]
        if layer == 0:
            body[of[i]] = 0
            contact[of[i]] += least
    for step in range(2):
        need = -1.0 if step == 0 else least
        for r in range(rows):
            a, b = start[r], start[r + 1]
            if a == b:
                continue
            _meet(col, end, a, b, of, below_col, below_end, below_body, below_start[r], below_start[r + 1], 0, 1.0, 0.0, contact, out_body,
                  body, bodies, k, need)  # fmt: skip
            if above_col.size > 0:
                _meet(col, end, a, b, of, above_col, above_end, above_body, above_start[r], above_start[r + 1], 0, 1.0, 0.0, contact,
                      out_body, body, bodies, k, need)  # fmt: skip
            for q in range(max(r - 1, 0), min(r + 2, rows) if same_col.size > 0 else 0):
                weight, edge = (0.0, side_col) if q == r else (side_row, 0.0)
                _meet(col, end, a, b, of, same_col, same_end, same_body, same_start[q], same_start[q + 1], 1, weight, edge, contact,
                      out_body, body, bodies, k, need)  # fmt: skip
    n = count[0]
    for r in range(rows):
        for i in range(start[r], start[r + 1]):
            own = of[i]
            if body[own] < 0:
                body[own] = n
                bodies[PARENT, n] = n
                bodies[LINK, n] = -1
                bodies[LINKED, n] = -1
                bodies[BORN, n] = k
                bodies[BORN_PX, n] = 0
                bodies[HELD, n] = contact[own] > 0.0
                bodies[ROW0, n], bodies[COL0, n], bodies[ROW1, n], bodies[COL1, n] = r, col[i], r + 1, end[i]
                bodies[FIRST, n], bodies[LAST, n] = layer, layer
                n += 1
            b = root_of(bodies, body[own])
            out_body[i] = b
            bodies[ROW0, b] = min(bodies[ROW0, b], r)
            bodies[COL0, b] = min(bodies[COL0, b], col[i])
            bodies[ROW1, b] = max(bodies[ROW1, b], r + 1)
            bodies[COL1, b] = max(bodies[COL1, b], end[i])
            bodies[FIRST, b] = min(bodies[FIRST, b], layer)
            bodies[LAST, b] = max(bodies[LAST, b], layer)
            if bodies[BORN, b] == k and layer == k:
                bodies[BORN_PX, b] += end[i] - col[i]
    count[0] = n


@kernel
def merge(start, col, end, body, more_start, more_col, more_end, more_body, out_start, out_col, out_end, out_body):
    """Lay two lists of runs that do not overlap together, row by row; runs are not joined.

    Parameters
    ----------
    start : (rows + 1,) int64; col, end : (N,) int32; body : (N,) int64
    more_start, more_col, more_end, more_body
        The same of M other runs.
    out_start : (rows + 1,) int64; out_col, out_end : (N + M,) int32; out_body : (N + M,) int64
        Overwritten.
    """
    n = 0
    for r in range(start.size - 1):
        out_start[r] = n
        i, j = start[r], more_start[r]
        while i < start[r + 1] or j < more_start[r + 1]:
            if j == more_start[r + 1] or (i < start[r + 1] and col[i] < more_col[j]):
                out_col[n], out_end[n], out_body[n] = col[i], end[i], body[i]
                i += 1
            else:
                out_col[n], out_end[n], out_body[n] = more_col[j], more_end[j], more_body[j]
                j += 1
            n += 1
    out_start[start.size - 1] = n
