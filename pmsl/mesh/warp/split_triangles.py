"""Triangles whose edges are too long, split at the middles of these: both triangles of an edge split it alike, and stay joined."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

IsLong = Callable[[np.ndarray, np.ndarray], np.ndarray]  # of both ends of edges, (n, 3) each: (n,) bool, the same either way round
NEXT = np.array([1, 2, 0])


def split(corners: np.ndarray, is_long: IsLong) -> np.ndarray:
    """Split triangles until none has a long edge.

    Parameters
    ----------
    corners : (n, 3, 3) float64
        Corner by corner, in any unit.
    is_long : callable
        Tells which edges are to be split, from their ends alone.

    Returns
    -------
    (m, 3, 3) float64
        Wound as before; those that were not split first.
    """
    done = []
    while len(corners):
        long = np.stack([is_long(corners[:, i], corners[:, NEXT[i]]) for i in range(3)], axis=1)
        many = long.sum(axis=1)
        done.append(corners[many == 0])
        corners = np.concatenate([_split_once(corners[many == n], long[many == n], n) for n in (1, 2, 3)])
    return np.concatenate(done) if done else corners


def _split_once(corners: np.ndarray, long: np.ndarray, many: int) -> np.ndarray:
    """Split triangles of which `many` edges are long: (n, 3, 3) → (n · (many + 1), 3, 3)."""
    if len(corners) == 0 or many == 3:
        first = np.zeros(len(corners), int)
    elif many == 1:
        first = long.argmax(axis=1)  # edge 0 of the turned triangle is the long one
    else:
        first = NEXT[(~long).argmax(axis=1)]  # edges 0 and 1 are
    turned = np.take_along_axis(corners, ((first[:, None] + np.arange(3)) % 3)[:, :, None], axis=1)
    a, b, c = turned[:, 0], turned[:, 1], turned[:, 2]
    ab, bc, ca = 0.5 * (a + b), 0.5 * (b + c), 0.5 * (c + a)
    pieces = {
        1: [(a, ab, c), (ab, b, c)],
        2: [(ab, b, bc), (a, ab, bc), (a, bc, c)],
        3: [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)],
    }[many]
    return np.concatenate([np.stack(piece, axis=1) for piece in pieces])
