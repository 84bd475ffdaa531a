"""Triangles that hang together by equal corners → shells (hashing and union-find)."""

import numpy as np

from pmsl.kernels._jit import helper, kernel


@helper
def _root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel
def label(corners, group, table, parent, labels):
    """Number the shells of a set of triangles.

    Parameters
    ----------
    corners : (M, 9) float64
        Three corners each.
    group : (M,) int32
        Triangles of different groups never hang together, whatever their corners.
    table : (2**b,) int32, 2**b > 3 M
        Scratch: first corner seen with a hash.
    parent : (M,) int32
        Scratch.
    labels : (M,) int32
        Overwritten with 0..n-1.

    Returns
    -------
    int
        n.
    """
    n = labels.size
    mask = np.uint64(table.size - 1)
    for i in range(table.size):
        table[i] = -1
    for m in range(n):
        parent[m] = m
    bits = corners.view(np.uint64)
    for m in range(n):
        for k in range(0, 9, 3):
            key = np.uint64(group[m])
            for a in range(3):
                word = bits[m, k + a]
                if word == np.uint64(1) << np.uint64(63):  # -0 is 0
                    word = np.uint64(0)
                key = (key ^ word) * np.uint64(0x9E3779B97F4A7C15)
                key ^= key >> np.uint64(29)
            at = key & mask
            while table[at] >= 0:
                other = table[at] // 3
                j = 3 * (table[at] % 3)
                t = corners[other]
                if t[j] == corners[m, k] and t[j + 1] == corners[m, k + 1] and t[j + 2] == corners[m, k + 2] and group[other] == group[m]:
                    a, b = _root(parent, m), _root(parent, other)
                    parent[max(a, b)] = min(a, b)
                    break
                at = (at + np.uint64(1)) & mask
            else:
                table[at] = 3 * m + k // 3
    count = 0
    for m in range(n):
        root = _root(parent, m)
        if root == m:  # the root is the first triangle of its shell
            labels[m] = count
            count += 1
        else:
            labels[m] = labels[root]
    return count
