"""Parts → Contours: the rings in which planes cut them, for those who want vectors (masks never need rings)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmsl.core.contours import Contours
from pmsl.core.grid import Grid
from pmsl.errors import MeshError
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid
from pmsl.slicing.plane_index import index_crossings


def slice_contours(parts: Sequence[Solid | Part], grid: Grid) -> Contours:
    """Cut parts at the middle plane of every slab.

    Parameters
    ----------
    parts : sequence of Solid or Part
    grid : Grid
        Its slabs give the planes; its pixels do not matter to the result beyond rounding.

    Returns
    -------
    Contours
        Solid on the left of every ring.

    Raises
    ------
    MeshError
        The mesh is open: a boundary does not close.

    Notes
    -----
    Both triangles of an edge give the same crossing point bit for bit, so rings are linked by equal points.
    """
    index = index_crossings(parts, grid)
    scratch = np.zeros((1024, 4))
    rings: list[np.ndarray] = []
    layer_start = [0]
    for k in range(grid.n_layers):
        scratch, n = index.segments(k, scratch)
        for ring in link(scratch[:n], k):
            rings.append(ring * grid.pitch_um + grid.origin_um)
        layer_start.append(len(rings))
    ring_start = np.cumsum([0, *(len(r) for r in rings)]).astype(np.int64)
    xy = np.concatenate(rings) if rings else np.zeros((0, 2))
    return Contours(xy, ring_start, np.array(layer_start, np.int64), grid.mid_planes_um)


def link(segments: np.ndarray, k: int) -> list[np.ndarray]:
    """Link directed segments into rings by equal end points; zero-length ones are dropped.

    Parameters
    ----------
    segments : (S, 4) float64
        x0, y0, x1, y1.
    k : int
        Layer, for the error.

    Raises
    ------
    MeshError
        A boundary does not close.
    """
    from pmsl.kernels.geometry import ring_links

    segments = segments[(segments[:, :2] != segments[:, 2:]).any(axis=1)] + 0.0  # + 0.0: no negative zeros
    n = len(segments)
    number, points = _numbered(segments.reshape(2 * n, 2)[:, 0], segments.reshape(2 * n, 2)[:, 1])
    begins, ends = np.ascontiguousarray(number[::2]), np.ascontiguousarray(number[1::2])
    order, ring_start = np.empty(n, np.int64), np.empty(n + 1, np.int64)
    rings = ring_links.follow(begins, ends, np.empty(points, np.int64), np.empty(n, np.int64), order, ring_start)
    if rings < 0:
        x, y = segments[-1 - rings, 2:]
        raise MeshError(
            f"layer {k}: the boundary ends at pixel ({x:.3f}, {y:.3f}); the mesh is open there: close it before asking for contours"
        )
    return np.split(segments[order, :2], ring_start[1:rings]) if rings else []


def _numbered(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, int]:
    """Number points, equal ones alike; return (N,) int64 and how many differ."""
    by_place = np.lexsort((y, x))
    differs = np.ones(len(x), bool)
    differs[1:] = (np.diff(x[by_place]) != 0) | (np.diff(y[by_place]) != 0)
    number = np.empty(len(x), np.int64)
    number[by_place] = np.cumsum(differs) - 1
    return number, int(differs.sum())
