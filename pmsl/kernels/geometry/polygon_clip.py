"""A triangle cut to its slab, then row by row along its two chains of edges. Helpers of `volume`.

A polygon is an array of corners (x, y, z), convex, walked in the triangle's own sense. A cut point is computed from the
edge's lower end along the cut axis, so both triangles of an edge get the same bits.
"""

from pmsl.kernels._compiler.jit import helper, routine

MIDDLE = 8  # a polygon inside one row lies around here: left chain downward, right chain upward
ROOM = 18  # corners it may take
RIGHT, LEFT, FIRST, LAST = 0, 1, 2, 3  # state of a walk: last corner passed on either chain, extent of the polygon in the row


@helper
def cut(p, i, j, axis, at, out, n):
    """Write the point of edge ij of `p` where coordinate `axis` is `at`."""
    if p[i, axis] > p[j, axis]:
        i, j = j, i
    t = (at - p[i, axis]) / (p[j, axis] - p[i, axis])
    out[n, 0] = p[i, 0] + t * (p[j, 0] - p[i, 0])
    out[n, 1] = at if axis == 1 else p[i, 1] + t * (p[j, 1] - p[i, 1])
    out[n, 2] = at if axis == 2 else p[i, 2] + t * (p[j, 2] - p[i, 2])


@helper
def copy(p, i, out, n):
    """Write corner i of `p` as corner n of `out`."""
    out[n, 0], out[n, 1], out[n, 2] = p[i, 0], p[i, 1], p[i, 2]


@routine
def slab(t, z_low, scale, corners, out):
    """Cut a triangle (9 numbers) to the slab; return the number of corners."""
    for k in range(3):
        corners[k, 0] = t[3 * k]
        corners[k, 1] = t[3 * k + 1]
        corners[k, 2] = (t[3 * k + 2] - z_low) / scale
    n = 0
    for i in range(3):
        j = i + 1 if i < 2 else 0
        a, b = corners[i, 2], corners[j, 2]
        if a >= 0.0 and a <= 1.0:
            copy(corners, i, out, n)
            n += 1
        if a < b:
            if a < 0.0 and b > 0.0:
                cut(corners, i, j, 2, 0.0, out, n)
                n += 1
            if a < 1.0 and b > 1.0:
                cut(corners, i, j, 2, 1.0, out, n)
                n += 1
        else:
            if a > 1.0 and b < 1.0:
                cut(corners, i, j, 2, 1.0, out, n)
                n += 1
            if a > 0.0 and b < 0.0:
                cut(corners, i, j, 2, 0.0, out, n)
                n += 1
    return n


@routine
def enter(p, size, at, y, forward, out, n):
    """Walk a chain from corner `at` up to height y and write where it passes; return the last corner below."""
    k = at
    for _ in range(size):
        k = (at + 1 if at + 1 < size else 0) if forward else (at - 1 if at > 0 else size - 1)
        if p[k, 1] > y:
            break
        at = k
    cut(p, at, k, 1, y, out, n)
    return at


@routine
def start(p, size, low, at, row, walk, out):
    """Begin the walk at corner `at`, the lowest, at height `low`, or at the first `row` where it starts below."""
    walk[RIGHT], walk[LEFT], walk[FIRST], walk[LAST] = at, at, MIDDLE, MIDDLE + 1
    if low < row:
        walk[RIGHT] = enter(p, size, at, row, True, out, MIDDLE)
        walk[LEFT] = enter(p, size, at, row, False, out, MIDDLE - 1)
        walk[FIRST] = MIDDLE - 1
    else:
        copy(p, at, out, MIDDLE)


@helper
def finish(p, size, walk, out):
    """Write all that is left of the polygon."""
    k = walk[RIGHT] + 1 if walk[RIGHT] + 1 < size else 0
    while k != walk[LEFT]:
        copy(p, k, out, walk[LAST])
        walk[LAST] += 1
        k = k + 1 if k + 1 < size else 0


@helper
def up_to(p, size, y, walk, out):
    """Write what lies below height y."""
    right, left, first, last = walk[RIGHT], walk[LEFT], walk[FIRST], walk[LAST]
    k = right + 1 if right + 1 < size else 0
    for _ in range(size):
        if p[k, 1] > y:
            break
        copy(p, k, out, last)
        last += 1
        right = k
        k = right + 1 if right + 1 < size else 0
    cut(p, right, k, 1, y, out, last)
    k = left - 1 if left > 0 else size - 1
    for _ in range(size):
        if p[k, 1] > y:
            break
        first -= 1
        copy(p, k, out, first)
        left = k
        k = left - 1 if left > 0 else size - 1
    cut(p, left, k, 1, y, out, first - 1)
    walk[RIGHT], walk[LEFT], walk[FIRST], walk[LAST] = right, left, first - 1, last + 1


@helper
def onward(walk, out):
    """Make the upper cut the lower one of the next row."""
    x, y, z = out[walk[LAST] - 1, 0], out[walk[LAST] - 1, 1], out[walk[LAST] - 1, 2]
    copy(out, walk[FIRST], out, MIDDLE - 1)
    out[MIDDLE, 0], out[MIDDLE, 1], out[MIDDLE, 2] = x, y, z
    walk[FIRST], walk[LAST] = MIDDLE - 1, MIDDLE + 1
