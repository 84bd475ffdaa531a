"""Pairs of triangles that pass through one another, found in a tree of boxes.

Two triangles cross where an edge of one passes from one side of the other's plane to the other, through the triangle.
Sides are signs of determinants, taken only where they are beyond rounding (Shewchuk's bound): a corner that rounding cannot
tell from the plane lies on it and crosses nothing. So neighbours and faces that touch do not cross, and what is reported does. Not
seen are surfaces all whose edges pass exactly through edges of the other, unless that is asked for.
"""

from typing import NamedTuple

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel, routine

LEAF = 4  # triangles
ERROR = 8.0 * 2.0**-52


@routine
def _side(a, b, c, d):
    """Side of the plane abc that d is on: 1, -1, or 0 where rounding cannot tell."""
    adx, ady, adz = a[0] - d[0], a[1] - d[1], a[2] - d[2]
    bdx, bdy, bdz = b[0] - d[0], b[1] - d[1], b[2] - d[2]
    cdx, cdy, cdz = c[0] - d[0], c[1] - d[1], c[2] - d[2]
    p, q = bdx * cdy, cdx * bdy
    r, s = cdx * ady, adx * cdy
    t, u = adx * bdy, bdx * ady
    det = adz * (p - q) + bdz * (r - s) + cdz * (t - u)
    bound = ERROR * (abs(adz) * (abs(p) + abs(q)) + abs(bdz) * (abs(r) + abs(s)) + abs(cdz) * (abs(t) + abs(u)))
    if det > bound:
        return 1
    return -1 if det < -bound else 0


@helper
def _edge_through(p, q, a, b, c, sp, sq, rim):
    """Tell whether edge pq, whose ends are on sides sp and sq of abc, passes through it."""
    if sp * sq >= 0:
        return False
    s, t, u = _side(p, q, a, b), _side(p, q, b, c), _side(p, q, c, a)
    if rim:
        return (s >= 0 and t >= 0 and u >= 0) or (s <= 0 and t <= 0 and u <= 0)
    return s == t and t == u and s != 0


@routine
def _half(a, b, c, p, q, r, rim):
    """Tell whether an edge of pqr passes through abc."""
    sp, sq, sr = _side(a, b, c, p), _side(a, b, c, q), _side(a, b, c, r)
    if sp >= 0 and sq >= 0 and sr >= 0 or sp <= 0 and sq <= 0 and sr <= 0:
        return False
    return (
        _edge_through(p, q, a, b, c, sp, sq, rim) or _edge_through(q, r, a, b, c, sq, sr, rim) or _edge_through(r, p, a, b, c, sr, sp, rim)
    )


@helper
def _touch(p, q, r, low, high, k):
    """Tell whether a triangle at most touches a range along axis k."""
    return min(p[k], min(q[k], r[k])) >= high or max(p[k], max(q[k], r[k])) <= low


@kernel
def tree(vertices, faces, order, boxes):
    """Build a complete binary tree of boxes over triangles, `LEAF` to a leaf.

    Parameters
    ----------
    vertices : (V, 3) float64; faces : (F, 3) int32
    order : (n,) int32
        Triangles of the tree, neighbours near one another.
    boxes : (2 L, 6) float64, L a power of two with L * LEAF >= n
        Overwritten: lower and upper corner of node i; its children are 2 i and 2 i + 1, leaves begin at L, the root is 1.
    """
    leaves = boxes.shape[0] // 2
    for i in range(boxes.shape[0]):
        for k in range(3):
            boxes[i, k], boxes[i, 3 + k] = np.inf, -np.inf
    for j in range(order.size):
        b = boxes[leaves + j // LEAF]
        for i in range(3):
            v = vertices[faces[order[j], i]]
            for k in range(3):
                b[k], b[3 + k] = min(b[k], v[k]), max(b[3 + k], v[k])
    for i in range(leaves - 1, 0, -1):
        for k in range(3):
            boxes[i, k] = min(boxes[2 * i, k], boxes[2 * i + 1, k])
            boxes[i, 3 + k] = max(boxes[2 * i, 3 + k], boxes[2 * i + 1, 3 + k])


class TrianglePairArrays(NamedTuple):
    """The arguments of `find` by name, in its order: shapes and kinds stand there."""

    vertices: np.ndarray
    faces: np.ndarray
    label: np.ndarray
    asked: np.ndarray
    order: np.ndarray
    boxes: np.ndarray
    other: int
    rim: int
    stack: np.ndarray
    most: int
    pairs: np.ndarray
    box: np.ndarray
    counts: np.ndarray


@kernel
def find(vertices, faces, label, asked, order, boxes, other, rim, stack, most, pairs, box, counts):
    """Find triangles of the tree that those of `asked` pass through.

    Parameters
    ----------
    vertices, faces, order, boxes
        As in `tree`.
    label : (F,) int32
        Shell of every triangle.
    asked : (m,) int32
        Triangles to ask for. A pair is reported once where both are asked for.
    other : int
        1: only triangles of different shells.
    rim : int
        1: an edge through the rim of a triangle counts, although surfaces may only touch there.
    stack : (128,) int64
        Scratch.
    most : int
        Pairs that are tested at most.
    pairs : (P, 2) int32
        Overwritten: the first pairs found.
    box : (2, 3) float64
        Widened to hold where the boxes of triangles that cross meet.
    counts : (2,) int64
        Overwritten: pairs that cross, pairs tested.
    """
    leaves = boxes.shape[0] // 2
    counts[0], counts[1] = 0, 0
    for i in range(asked.size):
        f = asked[i]
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        x0, x1 = min(a[0], min(b[0], c[0])), max(a[0], max(b[0], c[0]))
        y0, y1 = min(a[1], min(b[1], c[1])), max(a[1], max(b[1], c[1]))
        z0, z1 = min(a[2], min(b[2], c[2])), max(a[2], max(b[2], c[2]))
        depth = 0
        stack[0] = 1
        while depth >= 0:
            node = stack[depth]
            depth -= 1
            n = boxes[node]
            if n[0] > x1 or n[3] < x0 or n[1] > y1 or n[4] < y0 or n[2] > z1 or n[5] < z0:
                continue
            # through the rim aside, what only touches the box passes through nothing in it: walls along the axes have few pairs left
            if not rim and (n[0] >= x1 or n[3] <= x0 or n[1] >= y1 or n[4] <= y0 or n[2] >= z1 or n[5] <= z0):
                continue
            if node < leaves:
                stack[depth + 1], stack[depth + 2] = 2 * node, 2 * node + 1
                depth += 2
                continue
            for j in range((node - leaves) * LEAF, min((node - leaves + 1) * LEAF, order.size)):
                g = order[j]
                if g == f or (other and label[f] == label[g]) or (not other and g < f):
                    continue
                p, q, r = vertices[faces[g, 0]], vertices[faces[g, 1]], vertices[faces[g, 2]]
                if min(p[0], min(q[0], r[0])) > x1 or max(p[0], max(q[0], r[0])) < x0:
                    continue
                if min(p[1], min(q[1], r[1])) > y1 or max(p[1], max(q[1], r[1])) < y0:
                    continue
                if min(p[2], min(q[2], r[2])) > z1 or max(p[2], max(q[2], r[2])) < z0:
                    continue
                if not rim and _touch(p, q, r, x0, x1, 0) + _touch(p, q, r, y0, y1, 1) + _touch(p, q, r, z0, z1, 2):
                    continue
                counts[1] += 1
                if _half(a, b, c, p, q, r, rim) or _half(p, q, r, a, b, c, rim):
                    if counts[0] < pairs.shape[0]:
                        pairs[counts[0], 0], pairs[counts[0], 1] = f, g
                    counts[0] += 1
                    for k in range(3):
                        low = max(min(a[k], min(b[k], c[k])), min(p[k], min(q[k], r[k])))
                        high = min(max(a[k], max(b[k], c[k])), max(p[k], max(q[k], r[k])))
                        box[0, k], box[1, k] = min(box[0, k], low), max(box[1, k], high)
        if counts[1] >= most:
            return
