"""A few holes of a large file, found and closed in blocks of its triangles: no vertices are made, joined or moved.

Every edge adds to one of many sums, by which way it is run through: where it has as many faces one way as the other nothing is left,
so only the sums of open edges are not 0, and a second look at what went into these few finds the edges.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pmsl.mesh.repair.fill_holes import close, loops_of
from pmsl.mesh.repair.welded_surface import Change, holes_closed
from pmsl.mesh.triangle_mesh import TriangleMesh
from pmsl.mesh.triangle_soup import Soup

BLOCK = 1 << 16  # triangles at a time
SUMS = 1 << 22
MOST_OPEN = 20_000  # edges; more are for the whole repair
MOST_AREA = 0.01  # of the surface of the box: what may be closed without looking at what it closes
FACTORS = tuple(np.uint64(k) for k in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93))
MINUS_ZERO = np.uint32(1 << 31)


def patched(solid: TriangleMesh, weld_um: float) -> tuple[Soup, Change] | None:
    """Close the holes of a solid `of_file`; `weld_um` is how far vertices may be joined.

    Returns
    -------
    Soup, Change
        All triangles of the file and those that close its holes; what was done.
    None
        There is more to repair than a few plain holes: too many or too large ones, edges of several faces, winding that differs,
        cracks.
    """
    _, _, factor = solid.triangles()
    rim = _open_edges(solid)
    if rim is None or len(rim) == 0:
        return None
    points, ids = np.unique(rim.reshape(-1, 3), axis=0, return_inverse=True)
    tail, head = ids.reshape(-1, 2).T
    if _cracked(np.multiply(points, factor, dtype=np.float64), tail, head, weld_um):
        return None
    loops = loops_of(np.stack([head, tail], axis=1))  # the missing faces run the other way
    faces, middles, areas = close(loops, np.multiply(points, factor, dtype=np.float64))
    size = np.diff(solid.bounds_um, axis=0)[0]
    if areas.sum() > MOST_AREA * 2 * (size[0] * size[1] + size[1] * size[2] + size[2] * size[0]):
        return None
    corners = np.concatenate([points, (middles / factor).astype(np.float32)])
    change = holes_closed(loops, faces, areas, corners.astype(np.float64) * factor)
    return Soup(np.concatenate([solid.triangles()[0], corners[faces].reshape(-1, 3)]), factor), change


def _cracked(points: np.ndarray, tail: np.ndarray, head: np.ndarray, weld_um: float) -> bool:
    """Tell whether ends of open edges lie within `weld_um` of others that are not theirs: such edges are to be joined, not closed."""
    from scipy.spatial import cKDTree

    near = cKDTree(points).query_pairs(weld_um, output_type="ndarray")
    sides = np.stack([np.minimum(tail, head), np.maximum(tail, head)], axis=1)
    n = len(points)
    return not np.isin(near[:, 0] * n + near[:, 1], sides[:, 0] * n + sides[:, 1]).all()


def _open_edges(solid: TriangleMesh) -> np.ndarray | None:
    """Return the ends of edges of one face, in the direction it runs: (n, 2, 3) float32; None where there are others that do not close."""
    sums = np.zeros(SUMS, np.uint64)
    for _, keys, forth in _edges(solid):
        place = (keys & np.uint64(SUMS - 1)).astype(np.int64)
        np.add.at(sums, place, np.where(forth, keys, np.uint64(0) - keys))
    left = sums != 0
    if left.sum() > MOST_OPEN:
        return None
    ends, sides, ways = [], [], []
    for corners, keys, forth in _edges(solid):
        which = np.flatnonzero(left[(keys & np.uint64(SUMS - 1)).astype(np.int64)])
        ends.append(np.stack([corners.reshape(-1, 3)[which], np.roll(corners, -1, axis=1).reshape(-1, 3)[which]], axis=1))
        sides.append(keys[which])
        ways.append(forth[which])
    found, side, way = np.concatenate(ends), np.concatenate(sides), np.concatenate(ways)
    _, group, many = np.unique(side, return_inverse=True, return_counts=True)
    net = np.bincount(group, np.where(way, 1, -1), len(many)).astype(int)
    if ((net != 0) & (many != 1)).any():
        return None
    rim: np.ndarray = found[(many == 1)[group]] + np.float32(0.0)  # -0 is 0
    return rim


def _edges(solid: TriangleMesh) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Yield blocks of triangles: corners (n, 3, 3) float32, and of every edge (3n,) a key without direction, and its direction."""
    for start in range(0, solid.n_faces, BLOCK):
        corners = solid.triangles(slice(start, min(start + BLOCK, solid.n_faces)))[0].reshape(-1, 3, 3)
        own = _hashes(corners)
        other = np.roll(own, -1, axis=1)
        keys = (own ^ other) * FACTORS[3]
        keys ^= own + other
        keys *= FACTORS[1]
        keys ^= keys >> np.uint64(31)
        yield corners, keys.ravel(), (own < other).ravel()


def _hashes(corners: np.ndarray) -> np.ndarray:
    """64-bit hash of every corner: (n, 3) uint64."""
    bits = corners.view(np.uint32)
    out = np.zeros(bits.shape[:2], np.uint64)
    for axis, factor in enumerate(FACTORS[:3]):
        word = bits[:, :, axis]
        out += np.where(word == MINUS_ZERO, np.uint32(0), word)
        out *= factor
        out ^= out >> np.uint64(32)
    return out
