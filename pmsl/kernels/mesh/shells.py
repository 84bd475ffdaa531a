"""Triangles that hang together by equal corners → shells (hashing and union-find).

Corners are equal where their 64-bit hashes are: by chance, two of a million different ones are once in 10**7 meshes.
A small table of corners seen lately comes before that of all, which does not fit the cache: more than half the corners are in it.
"""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.mesh.watertight import _numbered, _root, _word

FAR = np.uint64(20)  # bits of a hash that place it in the small table


@helper
def _hash(bits, m, k, group):
    """64-bit hash of a corner, never 0."""
    key = np.uint64(group)
    for a in range(3):
        key = (key ^ _word(bits[m, k + a])) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    return key if key else np.uint64(1)


@helper
def _join(parent, m, other):
    """Let two triangles belong to one shell; its root is its first triangle."""
    if parent[m] != parent[other]:
        a, b = _root(parent, m), _root(parent, other)
        parent[max(a, b)] = min(a, b)


@kernel
def label(corners, group, keys, first, late_keys, late, labels):
    """Number the shells of a set of triangles.

    Parameters
    ----------
    corners : (M, 9) float64
        Three corners each.
    group : (M,) int32
        Triangles of different groups never hang together, whatever their corners.
    keys : (2**b,) uint64, all 0; first : (2**b,) int32
        Scratch: a table of the corners, and the triangle each was seen in first.
    late_keys : (2**c,) uint64, all 0; late : (2**c,) int32
        Scratch: the same of corners seen lately, c at most `FAR`.
    labels : (M,) int32
        Overwritten with 0..n-1, in the order of the shells' first triangles.

    Returns
    -------
    int
        n; -1 where the table is too small for so many different corners.
    """
    mask, late_mask = np.uint64(keys.size - 1), np.uint64(late_keys.size - 1)
    left = keys.size - keys.size // 4
    bits = corners.view(np.uint64)
    for m in range(labels.size):
        labels[m] = m
        for k in range(0, 9, 3):
            key = _hash(bits, m, k, group[m])
            near = key & late_mask
            other = late[near]
            late[near] = m
            if late_keys[near] == key:
                _join(labels, m, other)
                continue
            late_keys[near] = key
            at = (key >> FAR) & mask
            while keys[at] != 0 and keys[at] != key:
                at = (at + np.uint64(1)) & mask
            if keys[at] == 0:
                keys[at], first[at] = key, m
                left -= 1
            else:
                _join(labels, m, first[at])
        if left < 3:
            return -1
    return _numbered(labels)
