"""Loops over edges that repair needs: faces turned to agree with their neighbours, holes closed with the least surface."""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel


@helper
def _root(parent, turn, i):
    """Return the root of i and whether i is turned against it."""
    turned = False
    while parent[i] != i:
        turned ^= turn[i]
        i = parent[i]
    return i, turned


@kernel
def agree(pairs, same_way, parent, size, turn):
    """Turn faces so that neighbours run through their common edge in opposite directions.

    Parameters
    ----------
    pairs : (P, 2) int64
        Faces on both sides of an edge.
    same_way : (P,) bool
        Both run through it in one direction: one of them must turn.
    parent, size : (F,) int32
        Overwritten: the patch of every face, as the number of one of its faces; faces of a patch that are turned.
    turn : (F,) bool
        Overwritten: whether a face turns. The fewer of each patch do.

    Returns
    -------
    int
        Edges at which the faces cannot agree: a surface of one side only.
    """
    for f in range(parent.size):
        parent[f], size[f], turn[f] = f, 1, False
    clashes = 0
    for i in range(pairs.shape[0]):
        a, turned_a = _root(parent, turn, pairs[i, 0])
        b, turned_b = _root(parent, turn, pairs[i, 1])
        differ = turned_a ^ turned_b ^ same_way[i]
        if a == b:
            clashes += differ
            continue
        if size[a] < size[b]:
            a, b = b, a
        parent[b] = a
        turn[b] = differ
        size[a] += size[b]
    for f in range(parent.size):
        root, turned = _root(parent, turn, f)
        size[f] = 2 * root + turned  # kept aside until all are known
    for f in range(parent.size):
        parent[f], turn[f] = size[f] >> 1, (size[f] & 1) == 1
    for f in range(parent.size):
        size[f] = 0
    for f in range(parent.size):
        size[parent[f]] += 1 if turn[f] else -1
    for f in range(parent.size):
        if size[parent[f]] > 0:  # most of its patch would turn: turn the others
            turn[f] = not turn[f]
    return clashes


@helper
def _area(a, b, c):
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    return 0.5 * np.sqrt(nx * nx + ny * ny + nz * nz)


@kernel
def least_surface(ring, cost, split, stack, triangles):
    """Close a ring of points with the triangles of the least total area, in O(n³) (Barequet and Sharir 1995).

    Parameters
    ----------
    ring : (n, 3) float64
    cost : (n, n) float64; split : (n, n) int32; stack : (2 n, 2) int32
        Scratch.
    triangles : (n - 2, 3) int32
        Overwritten: points of the ring, in its direction.

    Returns
    -------
    float
        The area.
    """
    n = ring.shape[0]
    for i in range(n - 1):
        cost[i, i + 1] = 0.0
    for wide in range(2, n):
        for i in range(n - wide):
            k = i + wide
            best, at = np.inf, i + 1
            for j in range(i + 1, k):
                c = cost[i, j] + cost[j, k] + _area(ring[i], ring[j], ring[k])
                if c < best:
                    best, at = c, j
            cost[i, k], split[i, k] = best, at
    m = 0
    depth = 0
    stack[0, 0], stack[0, 1] = 0, n - 1
    while depth >= 0:
        i, k = stack[depth, 0], stack[depth, 1]
        depth -= 1
        if k - i < 2:
            continue
        j = split[i, k]
        triangles[m, 0], triangles[m, 1], triangles[m, 2] = i, j, k
        m += 1
        stack[depth + 1, 0], stack[depth + 1, 1] = i, j
        stack[depth + 2, 0], stack[depth + 2, 1] = j, k
        depth += 2
    return cost[0, n - 1]
