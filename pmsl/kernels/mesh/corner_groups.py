"""Groups of triangles that hang together by corners, in a third of the time that shells, which hang together by edges, take.

Corners are one where their positions are, to the bit. Positions count as one by 32 bits of a hash and a place in a table: what that
joins by chance is next to none. Looking at the corners of the triangles just before, instead of in the table, took longer.
"""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.mesh.watertight import _numbered, _root

A, B, C = (np.uint64(k) for k in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))
S1, S2 = np.uint64(32), np.uint64(29)
LOW = np.uint64(0xFFFFFFFF)
FULL = 13  # sixteenths of a table that are filled at most


@helper
def _hash(vertices, bits, v):
    """64-bit hash of a vertex of either precision."""
    k = (np.uint64(bits[v, 0]) if vertices[v, 0] != 0.0 else np.uint64(0)) * A  # -0 is 0
    k = ((k ^ (k >> S1)) + (np.uint64(bits[v, 1]) if vertices[v, 1] != 0.0 else np.uint64(0))) * B
    k = ((k ^ (k >> S2)) + (np.uint64(bits[v, 2]) if vertices[v, 2] != 0.0 else np.uint64(0))) * C
    return k ^ (k >> S1)


@kernel
def sizes(vertices, faces, size):
    """Measure triangles: `size` (F,) float32 becomes the area of each, twice and squared; `faces` is (0, 3) for a soup."""
    soup = faces.shape[0] == 0
    for f in range(size.size):
        a, b, c = (3 * f, 3 * f + 1, 3 * f + 2) if soup else (np.int64(faces[f, 0]), np.int64(faces[f, 1]), np.int64(faces[f, 2]))
        ux, uy, uz = vertices[b, 0] - vertices[a, 0], vertices[b, 1] - vertices[a, 1], vertices[b, 2] - vertices[a, 2]
        wx, wy, wz = vertices[c, 0] - vertices[a, 0], vertices[c, 1] - vertices[a, 1], vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        size[f] = nx * nx + ny * ny + nz * nz


@kernel
def of_soup(corners, bits, table, hashes, label):
    """Number the groups of a soup.

    Parameters
    ----------
    corners : (3F, 3) float32 or float64
    bits : (3F, 3) uint32 or uint64
        The same memory.
    table : (2**b,) uint64, all 0
        Scratch: half of the hash of each position, and a triangle at it, counted from 1.
    hashes : (3n,) uint64
        Scratch for n triangles at a time: memory is asked for all of them before it is waited for.
    label : (F,) int32
        Overwritten: number of each triangle's group, in the order of their first triangles.

    Returns
    -------
    int
        Number of groups; 0 where there are more positions than the table has room for.
    """
    mask, n = np.uint64(table.size - 1), hashes.size // 3
    left, ahead = FULL * table.size // 16, np.uint64(0)
    for begin in range(0, label.size, n):
        end = min(begin + n, label.size)
        for f in range(begin, end):
            ha, hb, hc = _hash(corners, bits, 3 * f), _hash(corners, bits, 3 * f + 1), _hash(corners, bits, 3 * f + 2)
            at = 3 * (f - begin)
            hashes[at], hashes[at + 1], hashes[at + 2] = ha, hb, hc
            ahead += table[ha & mask] + table[hb & mask] + table[hc & mask]
        for f in range(begin, end):
            label[f] = f
            root = np.int64(f)
            for k in range(3 * (f - begin), 3 * (f - begin) + 3):
                at, half = hashes[k] & mask, hashes[k] >> S1
                while table[at] != 0 and table[at] >> S1 != half:
                    at = (at + np.uint64(1)) & mask
                if table[at] == 0:
                    if left == 0:
                        return 0
                    left -= 1
                    table[at] = half << S1 | np.uint64(root + 1)
                else:
                    seen = _root(label, np.int64(table[at] & LOW) - 1)
                    if seen != root:
                        label[max(root, seen)] = min(root, seen)
                        root = min(root, seen)
    hashes[0] = ahead
    return _numbered(label)


@kernel
def of_indexed(vertices, bits, faces, table, hashes, parent, number, label):
    """Number the groups of a mesh with indices: each position is looked for once a vertex, not once a corner.

    Parameters
    ----------
    vertices : (V, 3) float64; bits : (V, 3) uint64, the same memory
    faces : (F, 3) int32
    table, hashes, label
        As in `of_soup`, for vertices; `hashes` of any length.
    parent, number : (V,) int32
        Scratch.

    Returns
    -------
    int
        As `of_soup`.
    """
    mask, n = np.uint64(table.size - 1), hashes.size
    left, ahead = FULL * table.size // 16, np.uint64(0)
    for begin in range(0, parent.size, n):
        end = min(begin + n, parent.size)
        for v in range(begin, end):
            hashes[v - begin] = _hash(vertices, bits, v)
            ahead += table[hashes[v - begin] & mask]
        for v in range(begin, end):
            number[v], key = -1, hashes[v - begin]
            at, half = key & mask, key >> S1
            while table[at] != 0 and table[at] >> S1 != half:
                at = (at + np.uint64(1)) & mask
            if table[at] != 0:
                parent[v] = np.int64(table[at] & LOW) - 1
            elif left == 0:
                return 0
            else:
                left -= 1
                parent[v], table[at] = v, half << S1 | np.uint64(v + 1)
    hashes[0] = ahead
    for f in range(label.size):
        a, b, c = np.int64(faces[f, 0]), np.int64(faces[f, 1]), np.int64(faces[f, 2])
        ra, rb, rc = _root(parent, a), _root(parent, b), _root(parent, c)
        low = min(ra, min(rb, rc))
        parent[ra], parent[rb], parent[rc] = low, low, low
    count = 0
    for f in range(label.size):
        root = _root(parent, np.int64(faces[f, 0]))
        if number[root] < 0:
            number[root] = count
            count += 1
        label[f] = number[root]
    return count
