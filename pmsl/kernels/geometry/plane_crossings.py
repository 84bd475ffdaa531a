"""Triangles × horizontal planes → directed segments, any plane in any order.

A vertex is above plane z iff its z >= the plane's (half-open: no degenerate case), so a triangle crosses
plane k iff z_min < z_k <= z_max: a range first..last of planes. The index is an interval tree over the plane
numbers laid out in arrays: a triangle whose range holds more than one plane belongs to the node whose middle
plane is the dyadic one inside the range (the highest bit where first and last differ). A query walks one node
a level, log2(planes) of them, and in each reads only triangles that do cross. Memory is O(triangles), a query
costs its output, and no state is kept between layers.
Tried and rejected: an active set swept upward (no random access, tests misses); a list a layer (memory).
"""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.mesh.triangles import count, placed, vertex_of


@helper
def planes_up_to(planes, z, guess):
    """Count planes <= z; `guess` is tried first because layers are mostly even."""
    n = planes.size
    if 0 < guess < n and planes[guess - 1] <= z < planes[guess]:
        return guess
    low, high = 0, n
    while low < high:
        middle = (low + high) >> 1
        if planes[middle] <= z:
            low = middle + 1
        else:
            high = middle
    return low


@helper
def _reach(vertices, faces, factor, i, transform):
    """Lowest and highest point of a placed triangle."""
    z0 = placed(vertices[vertex_of(faces, i, 0)], factor, transform, 2)
    z1 = placed(vertices[vertex_of(faces, i, 1)], factor, transform, 2)
    z2 = placed(vertices[vertex_of(faces, i, 2)], factor, transform, 2)
    return min(z0, z1, z2), max(z0, z1, z2)


@kernel
def plane_ranges(vertices, faces, factor, transform, planes, first, last):
    """Find the planes each triangle crosses.

    Parameters
    ----------
    vertices : (V, 3) float64 or float32
    faces : (F, 3) int32
        Or (0, 3): vertices 3i, 3i + 1 and 3i + 2 are triangle i.
    factor : float
        Applied to the vertices first, in double precision.
    transform : (4, 4) float64
        Applied to the vertices then.
    planes : (L,) float64, strictly increasing
    first, last : (F,) int32
        Overwritten; ``first > last`` where no plane is crossed.

    Returns
    -------
    int
        How many triangles cross a plane.
    """
    n = planes.size
    step = (planes[n - 1] - planes[0]) / max(n - 1, 1)
    inverse = 1.0 / step if step > 0.0 else 0.0
    crossing = 0
    for i in range(count(vertices, faces)):
        low, high = _reach(vertices, faces, factor, i, transform)
        guess = min(max((low - planes[0]) * inverse, -1.0), float(n))
        a = planes_up_to(planes, low, np.int64(guess) + 1)
        guess = min(max((high - planes[0]) * inverse, -1.0), float(n))
        b = planes_up_to(planes, high, np.int64(guess) + 1) - 1
        first[i] = a
        last[i] = b
        if a <= b:
            crossing += 1
    return crossing


@kernel
def slab_ranges(vertices, faces, factor, transform, edges, first, last):
    """Find the slabs each triangle reaches into.

    Parameters
    ----------
    vertices, faces, factor, transform
        As in `plane_ranges`.
    edges : (L + 1,) float64, strictly increasing
    first, last : (F,) int32
        Overwritten; ``first > last`` where no slab is touched. A horizontal triangle on an edge touches both slabs.

    Returns
    -------
    int
        How many triangles touch a slab.
    """
    n = edges.size - 1
    inverse = n / (edges[n] - edges[0])
    touching = 0
    for i in range(count(vertices, faces)):
        low, high = _reach(vertices, faces, factor, i, transform)
        guess = min(max((low - edges[0]) * inverse, -1.0), float(n))
        a = planes_up_to(edges, low, np.int64(guess) + 1) - 1
        guess = min(max((high - edges[0]) * inverse, -1.0), float(n))
        b = planes_up_to(edges, high, np.int64(guess) + 1) - 1
        if low == high and a > 0 and edges[a] == low:
            a -= 1
        if low < high and b >= 0 and edges[b] == high:
            b -= 1
        if b < 0 or a >= n:
            first[i], last[i] = 0, -1
            continue
        first[i], last[i] = max(a, 0), min(b, n - 1)
        touching += 1
    return touching


@helper
def _level(first, last):
    """Level of the node that holds a range: the number of low bits in which its ends differ."""
    level = 0
    differ = first ^ last
    while differ:
        differ >>= 1
        level += 1
    return level


@kernel
def slots_of(first, last, width, start, start_last, slots, first_sorted, last_sorted, by_last):
    """Order triangles by (node, first), and those places by (node, last downward); equals stay in order.

    The nodes of a level lie side by side, so (level, first) is that order, and (level, last with the bits below the level
    turned over) the other: one counting sort each.

    Parameters
    ----------
    first, last : (M,) int32, ``first <= last < width``
    width : int
        A power of two; level l has room for that many planes.
    start, start_last : (levels * width + 1,) int32
        Overwritten; `start` with where each (level, first) begins.
    slots, first_sorted, last_sorted, by_last : (M,) int32
        Overwritten: place of each triangle, the ranges in that order, the places in the other.
    """
    start[:] = 0
    start_last[:] = 0
    for i in range(first.size):
        level = _level(first[i], last[i])
        start[level * width + first[i] + 1] += 1
        start_last[level * width + (last[i] ^ ((1 << level) - 1)) + 1] += 1
    for key in range(start.size - 1):
        start[key + 1] += start[key]
        start_last[key + 1] += start_last[key]
    for i in range(first.size):
        level = _level(first[i], last[i])
        key = level * width + first[i]
        slot = start[key]
        start[key] = slot + 1
        slots[i] = slot
        first_sorted[slot] = first[i]
        last_sorted[slot] = last[i]
        key = level * width + (last[i] ^ ((1 << level) - 1))
        by_last[start_last[key]] = slot
        start_last[key] += 1
    for key in range(start.size - 1, 0, -1):
        start[key] = start[key - 1]
    start[0] = 0


@kernel
def gather(vertices, faces, factor, transform, origin, pitch, turned, picked, slots, corners):
    """Place the picked triangles and write the corners of each into its slot.

    Tried and rejected: slots in order, triangles read wherever they are; four times as long for 3 M triangles (reads wait, writes do not).

    Parameters
    ----------
    vertices, faces, factor, transform
        As in `plane_ranges`.
    origin, pitch : (2,) float64
        Then x and y become ``(x - origin) / pitch``; z stays.
    turned : bool
        Swap two corners of each, for a transform that mirrors.
    picked : (M,) int32
        Which triangles; (0,) for every one.
    slots : (M,) int32
        Row of `corners` each goes to.
    corners : (N, 9) float64
        Overwritten in those rows.
    """
    for i in range(slots.size):
        m = slots[i]
        triangle = np.int64(picked[i]) if picked.size > 0 else i
        for corner in range(3):
            v = vertices[vertex_of(faces, triangle, 2 - corner if turned else corner)]
            corners[m, 3 * corner] = (placed(v, factor, transform, 0) - origin[0]) / pitch[0]
            corners[m, 3 * corner + 1] = (placed(v, factor, transform, 1) - origin[1]) / pitch[1]
            corners[m, 3 * corner + 2] = placed(v, factor, transform, 2)


@helper
def _cross(ax, ay, az, bx, by, bz, z):
    """Point where edge ab meets plane z, computed from the lower end so that both faces get the same bits."""
    if az > bz:
        ax, ay, az, bx, by, bz = bx, by, bz, ax, ay, az
    t = (z - az) / (bz - az)
    return ax + t * (bx - ax), ay + t * (by - ay)


@helper
def _cut(t, z, segments, n):
    """Write the segment of triangle `t` (9 numbers) in plane z, solid on its left."""
    above0, above1, above2 = t[2] >= z, t[5] >= z, t[8] >= z
    # turn the triangle until its odd corner (the only one above, or below) comes first
    if above1 == above2:
        i, j, k, up = 0, 3, 6, above0
    elif above2 == above0:
        i, j, k, up = 3, 6, 0, above1
    else:
        i, j, k, up = 6, 0, 3, above2
    px, py = _cross(t[i], t[i + 1], t[i + 2], t[j], t[j + 1], t[j + 2], z)
    qx, qy = _cross(t[i], t[i + 1], t[i + 2], t[k], t[k + 1], t[k + 2], z)
    if up:
        segments[n, 0], segments[n, 1], segments[n, 2], segments[n, 3] = px, py, qx, qy
    else:
        segments[n, 0], segments[n, 1], segments[n, 2], segments[n, 3] = qx, qy, px, py


@kernel
def cut_layer(k, z, corners, first, last, by_last, node_start, level_start, segments):
    """Cut every triangle that crosses plane k.

    Parameters
    ----------
    k : int
        Number of the plane.
    z : float
        Its height.
    corners : (M, 9) float64
        Triangles ordered by (node, first).
    first, last : (M,) int32
        Plane ranges in that order.
    by_last : (M,) int32
        Positions ordered by (node, last downward).
    node_start : (nodes + 1,) int64
    level_start : (levels,) int64
    segments : (S, 4) float64
        Overwritten with x0, y0, x1, y1: solid on the left of each.

    Returns
    -------
    int
        Number of segments; where it exceeds S only the first S were written.
    """
    n = 0
    room = segments.shape[0]
    for level in range(level_start.size):
        node = level_start[level] + (k >> level)
        begin, end = node_start[node], node_start[node + 1]
        middle = ((k >> level) << level) + ((1 << level) >> 1)
        if k < middle:
            for i in range(begin, end):
                if first[i] > k:
                    break
                if n < room:
                    _cut(corners[i], z, segments, n)
                n += 1
        else:
            for j in range(begin, end):
                i = by_last[j]
                if last[i] < k:
                    break
                if n < room:
                    _cut(corners[i], z, segments, n)
                n += 1
    return n


@kernel
def pick_layer(k, first, last, by_last, node_start, level_start, picked):
    """List the triangles whose range holds layer k; the walk of `cut_layer`.

    Parameters
    ----------
    k, first, last, by_last, node_start, level_start
        As in `cut_layer`.
    picked : (P,) int32
        Overwritten: rows of the index.

    Returns
    -------
    int
        How many they are; where it exceeds P only the first P were written.
    """
    n = 0
    for level in range(level_start.size):
        node = level_start[level] + (k >> level)
        middle = ((k >> level) << level) + ((1 << level) >> 1)
        for j in range(node_start[node], node_start[node + 1]):
            i = j if k < middle else by_last[j]
            if (first[i] > k) if k < middle else (last[i] < k):
                break
            if n < picked.size:
                picked[n] = i
            n += 1
    return n
