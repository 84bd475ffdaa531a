"""Is a mesh closed, and of how many shells? One cheap pass over its triangles, for every mesh that is sliced.

Closed: every directed edge a → b has one b → a. With two hashes u, v of a corner's position, ``u(a) v(b) - u(b) v(a)`` is the
opposite for the opposite edge, so its sum over all edges (modulo 2**64) is 0 for a closed mesh, and by chance once in 2**60
for another. Corners are equal where their coordinates are, as for the masks.

Where the running sum is 0 a body ends: that finds the bodies of a file that lists one after the other, for nothing. Shells,
triangles that hang together across edges, take a table of all edges and union-find: ten times as long.
"""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel

A, B, C, D = (np.uint64(k) for k in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93))
S1, S2 = np.uint64(32), np.uint64(29)
LOW = np.uint64(0xFFFFFFFF)
MINUS_ZERO, SHORT_MINUS_ZERO = np.uint64(1) << np.uint64(63), np.uint64(1) << np.uint64(31)


@helper
def _word(word):
    """Bits of a coordinate; -0 is 0."""
    return np.uint64(0) if word == MINUS_ZERO else word


@helper
def _hash(bits, v):
    """64-bit hash of a vertex."""
    k = _word(bits[v, 0]) * A
    k = ((k ^ (k >> S1)) + _word(bits[v, 1])) * B
    k = ((k ^ (k >> S2)) + _word(bits[v, 2])) * C
    return k ^ (k >> S1)


@helper
def _root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@helper
def _numbered(parent):
    """Put numbers in the order of their first members in the place of roots; return how many there are."""
    n = 0
    for i in range(parent.size):  # a root is the first of its group: what lies before is numbered already
        if parent[i] == i:
            parent[i] = n
            n += 1
        else:
            parent[i] = parent[parent[i]]
    return n


@helper
def _edges(ua, ub, uc):
    """Sum of the hashes of a triangle's edges."""
    va, vb, vc = ua * D, ub * D, uc * D
    va, vb, vc = va ^ (va >> S2), vb ^ (vb >> S2), vc ^ (vc >> S2)
    return ua * (vb - vc) + ub * (vc - va) + uc * (va - vb)


@helper
def _hash_short(bits, v):
    """64-bit hash of a vertex in single precision."""
    x, y, z = (np.uint64(bits[v, 0]), np.uint64(bits[v, 1]), np.uint64(bits[v, 2]))
    k = (np.uint64(0) if x == SHORT_MINUS_ZERO else x) * A
    k = ((k ^ (k >> S1)) + (np.uint64(0) if y == SHORT_MINUS_ZERO else y)) * B
    k = ((k ^ (k >> S2)) + (np.uint64(0) if z == SHORT_MINUS_ZERO else z)) * C
    return k ^ (k >> S1)


@kernel
def stretches_of_soup(corners, total):
    """Count the stretches of a soup of (3F, 3) float32 corners as `stretches` does; equal numbers are equal in µm too."""
    bits = corners.view(np.uint32)
    sum_ = np.uint64(0)
    n = 0
    for v in range(0, bits.shape[0], 3):
        sum_ += _edges(_hash_short(bits, v), _hash_short(bits, v + 1), _hash_short(bits, v + 2))
        n += sum_ == np.uint64(0)
    total[0] = sum_
    return n if sum_ == np.uint64(0) else n + 1


@kernel
def stretches(vertices, faces, label, total):
    """Part the triangles into stretches of the file that are closed, each for itself: files list one body after another.

    Parameters
    ----------
    vertices : (V, 3) float64; faces : (F, 3) int32
    label : (F,) int32
        Overwritten: number of each triangle's stretch.
    total : (1,) uint64
        Overwritten: 0 where the mesh is closed and consistent.

    Returns
    -------
    int
        Number of stretches.
    """
    bits = vertices.view(np.uint64)
    sum_ = np.uint64(0)
    n = 0
    for f in range(faces.shape[0]):
        label[f] = n
        sum_ += _edges(_hash(bits, faces[f, 0]), _hash(bits, faces[f, 1]), _hash(bits, faces[f, 2]))
        n += sum_ == np.uint64(0)
    total[0] = sum_
    return n if sum_ == np.uint64(0) else n + 1


@kernel
def shells(vertices, faces, keys, first, second, label, total):
    """Number the shells: triangles that hang together across edges of just two triangles.

    Parameters
    ----------
    vertices : (V, 3) float64; faces : (F, 3) int32
    keys : (2**b,) uint64; first : (2**b,) int32, all -1; second : (2**b,) int32
        Scratch, more than 3 F: a table of the edges and the triangles at each.
    label : (F,) int32
        Overwritten: number of each triangle's shell, in the order of their first triangles.
    total : (2,) uint64
        Overwritten: 0 where the mesh is closed and consistent; edges of more than two triangles, across which nothing was joined.

    Returns
    -------
    int
        Number of shells.
    """
    bits = vertices.view(np.uint64)
    mask = np.uint64(keys.size - 1)
    sum_, many = np.uint64(0), np.uint64(0)
    for f in range(faces.shape[0]):
        label[f] = f
        ua, ub, uc = _hash(bits, faces[f, 0]), _hash(bits, faces[f, 1]), _hash(bits, faces[f, 2])
        sum_ += _edges(ua, ub, uc)
        for p, q in ((ua, ub), (ub, uc), (uc, ua)):
            key = (p + q) * D ^ (p ^ q) * B
            at = (key >> S2) & mask
            while first[at] >= 0 and keys[at] != key:
                at = (at + np.uint64(1)) & mask
            if first[at] < 0:
                keys[at], first[at], second[at] = key, f, -1
            elif second[at] == -1:
                second[at] = f
            elif second[at] >= 0:
                second[at] = -2
                many += np.uint64(1)
    total[0], total[1] = sum_, many
    for i in range(first.size):
        if first[i] >= 0 and second[i] >= 0:
            a, b = _root(label, first[i]), _root(label, second[i])
            label[max(a, b)] = min(a, b)
    return _numbered(label)


@kernel
def measure(vertices, faces, label, centre, volume, area, box, widest, most):
    """Measure every shell.

    Parameters
    ----------
    vertices : (V, 3) float64; faces : (F, 3) int32
    label : (F,) int32
        Number of each triangle's shell, 0..n-1.
    centre : (3,) float64
        Volumes are summed as seen from here.
    volume, area : (n,) float64
        Overwritten: signed volume, positive where faces look outward; area of the surface.
    box : (n, 2, 3) float64
        Overwritten: lower and upper corner.
    widest : (n,) int32
        Overwritten: the largest triangle.
    most : (n,) float64
        Scratch.
    """
    for i in range(volume.size):
        volume[i], area[i], widest[i] = 0.0, 0.0, -1
        for k in range(3):
            box[i, 0, k], box[i, 1, k] = np.inf, -np.inf
    for f in range(faces.shape[0]):
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        i = label[f]
        for k in range(3):
            box[i, 0, k] = min(box[i, 0, k], min(a[k], min(b[k], c[k])))
            box[i, 1, k] = max(box[i, 1, k], max(a[k], max(b[k], c[k])))
        ax, ay, az = a[0] - centre[0], a[1] - centre[1], a[2] - centre[2]
        ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        wx, wy, wz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        volume[i] += (ax * nx + ay * ny + az * nz) / 6.0
        area[i] += 0.5 * np.sqrt(nx * nx + ny * ny + nz * nz)
        if widest[i] < 0 or nx * nx + ny * ny + nz * nz > most[i]:
            widest[i], most[i] = f, nx * nx + ny * ny + nz * nz


@kernel
def winding(vertices, faces, label, x, y, z, shell, box, begin, out):
    """Add to `out` how often each shell winds around each point.

    Parameters
    ----------
    vertices, faces, label
        As in `measure`.
    x, y, z : (P,) float64
        The points, cell by cell of a raster in x and y, row by row.
    shell : (P,) int32
        The shell each point is asked about.
    box : (2, 2) float64
        Lower corner of the raster; cells per unit in x and y.
    begin : (rows, columns + 1) int64
        The first point of each cell, and where the row ends.
    out : (P,) float64
        Added to: the signed number of faces above the point.
    """
    rows, columns = begin.shape[0], begin.shape[1] - 1
    for f in range(faces.shape[0]):
        i = label[f]
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        xl, xh = (min(a[0], min(b[0], c[0])) - box[0, 0]) * box[1, 0], (max(a[0], max(b[0], c[0])) - box[0, 0]) * box[1, 0]
        yl, yh = (min(a[1], min(b[1], c[1])) - box[0, 1]) * box[1, 1], (max(a[1], max(b[1], c[1])) - box[0, 1]) * box[1, 1]
        if not (xh >= 0.0 and yh >= 0.0 and xl < columns and yl < rows):
            continue
        left, right = np.int64(max(xl, 0.0)), np.int64(min(xh, columns - 1.0))
        top = max(a[2], max(b[2], c[2]))
        for row in range(np.int64(max(yl, 0.0)), np.int64(min(yh, rows - 1.0)) + 1):
            for p in range(begin[row, left], begin[row, right + 1]):
                if shell[p] != i or top < z[p]:
                    continue
                turn = 0
                for k in range(3):
                    s, t = (a, b) if k == 0 else (b, c) if k == 1 else (c, a)
                    if (s[1] > y[p]) != (t[1] > y[p]):  # the edge passes the point's y: from its lower end, so that neighbours agree
                        l0, l1, h0, h1 = (s[0], s[1], t[0], t[1]) if s[1] < t[1] else (t[0], t[1], s[0], s[1])
                        if l0 + (y[p] - l1) / (h1 - l1) * (h0 - l0) > x[p]:
                            turn += 1 if t[1] > s[1] else -1
                if turn != 0:
                    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
                    wx, wy, wz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
                    nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
                    if nz != 0.0 and a[2] - ((x[p] - a[0]) * nx + (y[p] - a[1]) * ny) / nz > z[p]:
                        out[p] += turn
