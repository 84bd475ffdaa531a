"""Is a mesh closed, and of how many shells? One cheap pass over its triangles, for every mesh that is sliced.

Closed: every directed edge a → b has one b → a. With two hashes u, v of a corner's position, ``u(a) v(b) - u(b) v(a)`` is the
opposite for the opposite edge, so its sum over all edges (modulo 2**64) is 0 for a closed mesh, and by chance once in 2**60
for another. Corners are equal where their coordinates are, as for the masks.

Where the running sum is 0 a body ends: that finds the bodies of a file that lists one after the other, for nothing. Shells,
triangles that hang together across edges, take a table of all edges and union-find: ten times as long.
"""

import numpy as np

from pmsl.kernels._jit import helper, kernel

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


@helper
def _hash_of(vertices, bits, v):
    """64-bit hash of a vertex of either precision."""
    k = (np.uint64(bits[v, 0]) if vertices[v, 0] != 0.0 else np.uint64(0)) * A  # -0 is 0
    k = ((k ^ (k >> S1)) + (np.uint64(bits[v, 1]) if vertices[v, 1] != 0.0 else np.uint64(0))) * B
    k = ((k ^ (k >> S2)) + (np.uint64(bits[v, 2]) if vertices[v, 2] != 0.0 else np.uint64(0))) * C
    return k ^ (k >> S1)


@kernel
def groups(vertices, bits, faces, table, hashes, label, size):
    """Number the groups of triangles that hang together by corners, a third as long as `shells` takes; and measure each triangle.

    Parameters
    ----------
    vertices : (V, 3) float32 or float64
    bits : (V, 3) uint32 or uint64
        The same memory.
    faces : (F, 3) int32
        (0, 3) where each three vertices are a triangle.
    table : (2**b,) uint64, all 0
        Scratch: half of the hash of each position, and a triangle at it, counted from 1.
    hashes : (3n,) uint64
        Scratch for n triangles at a time: memory is asked for all of them before it is waited for.
    label : (F,) int32
        Overwritten: number of each triangle's group, in the order of their first triangles.
    size : (F,) float32
        Overwritten: the triangle's area, twice and squared.

    Returns
    -------
    int
        Number of groups; 0 where there are more positions than the table has room for. Positions count as one by 32 bits of a hash and
        a place in the table: what that joins by chance is next to none.
    """
    soup, mask, n = faces.shape[0] == 0, np.uint64(table.size - 1), hashes.size // 3
    left, ahead = table.size - 1, np.uint64(0)
    for begin in range(0, label.size, n):
        end = min(begin + n, label.size)
        for f in range(begin, end):
            a, b, c = (3 * f, 3 * f + 1, 3 * f + 2) if soup else (np.int64(faces[f, 0]), np.int64(faces[f, 1]), np.int64(faces[f, 2]))
            ha, hb, hc = _hash_of(vertices, bits, a), _hash_of(vertices, bits, b), _hash_of(vertices, bits, c)
            at = 3 * (f - begin)
            hashes[at], hashes[at + 1], hashes[at + 2] = ha, hb, hc
            ahead += table[ha & mask] + table[hb & mask] + table[hc & mask]
            ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
            wx, wy, wz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
            nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
            size[f] = nx * nx + ny * ny + nz * nz
        for f in range(begin, end):
            label[f] = f
            root = np.int64(f)
            for k in range(3):
                key = hashes[3 * (f - begin) + k]
                at, half = key & mask, key >> S1
                while table[at] != 0 and table[at] >> S1 != half:
                    at = (at + np.uint64(1)) & mask
                if table[at] == 0:
                    if left == 0:
                        return 0
                    left -= 1
                else:
                    other = np.int64(_root(label, np.int64(table[at] & LOW) - 1))
                    label[max(root, other)] = min(root, other)
                    root = min(root, other)
                table[at] = half << S1 | np.uint64(root + 1)
    hashes[0] = ahead
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
def winding(vertices, faces, label, x, y, z, shell, out):
    """Add to `out` how often each shell winds around each point.

    Parameters
    ----------
    vertices, faces, label
        As in `measure`.
    x, y, z : (P,) float64, x in order
        The points.
    shell : (P,) int32
        The shell each point is asked about.
    out : (P,) float64
        Added to: the signed number of faces above the point.
    """
    for f in range(faces.shape[0]):
        i = label[f]
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        low, high = min(a[0], min(b[0], c[0])), max(a[0], max(b[0], c[0]))
        begin, end = 0, x.size
        while begin < end:
            middle = (begin + end) // 2
            if x[middle] < low:
                begin = middle + 1
            else:
                end = middle
        for p in range(begin, x.size):
            if x[p] > high:
                break
            if shell[p] != i or max(a[2], max(b[2], c[2])) < z[p]:
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
