"""Who shares an edge with whom: grouping of equal rows, edges, bodies. Sorting only, so millions of faces take seconds."""

from __future__ import annotations

import msgspec
import numpy as np

from pmsl.core.arrays import linked_groups

MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))

JOIN_UM = 1e-6


class Edges(msgspec.Struct, frozen=True):
    """The undirected edges of a mesh.

    Attributes
    ----------
    low, high : (E,) int64
        Vertex ids, ``low < high``.
    count : (E,) int64
        Faces at the edge.
    askew : (E,) bool
        Faces run through it more often one way than the other (an odd face left over does not count).
    net : (E,) int64
        By how many more faces run through it from `low` to `high` than back.
    pairs : (P, 2) int64
        Faces on both sides of every edge of exactly two faces.
    same_way : (P,) bool
        Both of these run through it in one direction.
    """

    low: np.ndarray
    high: np.ndarray
    count: np.ndarray
    askew: np.ndarray
    net: np.ndarray
    pairs: np.ndarray
    same_way: np.ndarray


def group_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give equal rows one number.

    Parameters
    ----------
    rows : (N, 3) ndarray of int64

    Returns
    -------
    ids : (N,) int64
        Number of each row's group.
    first : (n,) int64
        One row of each group.
    """
    keys = _mix(rows)
    order = np.argsort(keys)
    keys = keys[order]
    differs = _steps(rows, order)
    if (differs & (keys[1:] == keys[:-1])).any():  # two rows with one key: sort by the rows themselves
        order = np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))
        differs = _steps(rows, order)
    starts = np.concatenate([np.ones(min(len(rows), 1), dtype=bool), differs])
    ids = np.empty(len(rows), dtype=np.int64)
    ids[order] = np.cumsum(starts) - 1
    return ids, order[starts]


def join_vertices(vertices_um: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give vertices of one position one number; a picometre counts as none.

    Parameters
    ----------
    vertices_um : (V, 3) float64

    Returns
    -------
    ids : (V,) int64
        Number of each vertex's position.
    points_um : (n, 3) float64
        The positions: those of one vertex each.
    """
    size = float(np.abs(vertices_um).max()) or 1.0
    step = max(min(JOIN_UM, 1e-10 * size), 1e-15 * size)  # also for a wrong unit; and within int64
    ids, first = group_rows(np.rint(vertices_um / step).astype(np.int64))
    return ids, vertices_um[first]


def _steps(rows: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Tell where a row differs from the one before it in `order`."""
    differs = np.zeros(max(len(rows) - 1, 0), dtype=bool)
    for column in rows.T:
        values = column[order]
        differs |= values[1:] != values[:-1]
    return differs


def _mix(rows: np.ndarray) -> np.ndarray:
    """Return a 64-bit key of each row; equal rows have equal keys, others hardly ever."""
    keys = np.zeros(len(rows), dtype=np.uint64)
    for column, factor in enumerate(MIX):
        keys ^= rows[:, column].astype(np.uint64)
        keys *= factor
        keys ^= keys >> np.uint64(29)
    return keys


def edges_of(corners: np.ndarray, points: int) -> Edges:
    """Return the edges of triangles.

    Parameters
    ----------
    corners : (F, 3) int64
        Vertex ids, three different ones per face.
    points : int
        Ids run below this.

    Returns
    -------
    Edges
    """
    tail, head = corners.T.ravel(), np.roll(corners, -1, axis=1).T.ravel()
    keys = np.minimum(tail, head) * points + np.maximum(tail, head)
    keys, order = _sorted(keys, points * points)
    way = np.where(tail < head, np.int8(1), np.int8(-1))[order]
    face = order % max(len(corners), 1)  # columns lie one after the other
    start = np.flatnonzero(np.concatenate([np.ones(min(len(keys), 1), dtype=bool), keys[1:] != keys[:-1]]))
    count = np.diff(np.append(start, len(keys)))
    net = np.add.reduceat(way, start, dtype=np.int64) if len(start) else np.zeros(0, dtype=np.int64)
    two = start[count == 2]
    return Edges(
        low=keys[start] // max(points, 1),
        high=keys[start] % max(points, 1),
        count=count,
        askew=np.abs(net) > count % 2,
        net=net,
        pairs=np.stack([face[two], face[two + 1]], axis=1),
        same_way=net[count == 2] != 0,
    )


def _sorted(keys: np.ndarray, below: int) -> tuple[np.ndarray, np.ndarray]:
    """Sort numbers in 0..below - 1, and tell where each was, equal ones as they came.

    Where number and place fit into one word, words are sorted in place of places: a tenth of the time.
    """
    bits = max(len(keys) - 1, 1).bit_length()
    if max(below - 1, 1).bit_length() + bits > 64:
        order = np.argsort(keys, kind="stable")
        return keys[order], order
    words = np.sort(keys.astype(np.uint64) << np.uint64(bits) | np.arange(len(keys), dtype=np.uint64))
    return (words >> np.uint64(bits)).astype(np.int64), (words & np.uint64((1 << bits) - 1)).astype(np.int64)


def body_count(edges: Edges, faces: int) -> int:
    """Return how many groups of faces hang together across edges of exactly two faces."""
    return linked_groups(edges.pairs, faces)[0]


def _oriented_ids(corners: np.ndarray) -> np.ndarray:
    """Give faces of the same corners that look the same way one number: (F,) int64."""
    rolled = (np.argmin(corners, axis=1)[:, None] + np.arange(3)) % 3
    return group_rows(np.take_along_axis(corners, rolled, axis=1).astype(np.int64))[0]


def without_copies(corners: np.ndarray, points: int) -> np.ndarray:
    """Return which faces stay where copies of faces, that look the same way, are left out: (F,) bool.

    All stay where the mesh is not closed without them.
    """
    ids = _oriented_ids(corners)
    stays = np.zeros(len(corners), bool)
    stays[np.unique(ids, return_index=True)[1]] = True
    return stays if is_closed(corners[stays], points) else np.ones(len(corners), bool)


def is_closed(corners: np.ndarray, points: int) -> bool:
    """Tell whether every edge of the faces (F, 3) has as many faces one way as the other."""
    tail, head = corners.T.ravel().astype(np.int64), np.roll(corners, -1, axis=1).T.ravel().astype(np.int64)
    _, edge = np.unique(np.minimum(tail, head) * points + np.maximum(tail, head), return_inverse=True)
    return not np.bincount(edge, np.where(tail < head, 1, -1)).any()
