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
    """Link directed segments into rings by equal end points; zero-length ones are dropped."""
    segments = segments[(segments[:, :2] != segments[:, 2:]).any(axis=1)] + 0.0  # + 0.0: no negative zeros
    leaving: dict[bytes, list[int]] = {}
    for i, segment in enumerate(segments):
        leaving.setdefault(segment[:2].tobytes(), []).append(i)
    rings = []
    for start in list(leaving):
        while leaving[start]:
            ring: list[np.ndarray] = []
            point = start
            while not ring or point != start:
                if not leaving.get(point):
                    x, y = np.frombuffer(point)
                    raise MeshError(
                        f"layer {k}: the boundary ends at pixel ({x:.3f}, {y:.3f}); the mesh is open there: "
                        "close it before asking for contours"
                    )
                i = leaving[point].pop()
                ring.append(segments[i, :2])
                point = segments[i, 2:].tobytes()
            rings.append(np.array(ring))
    return rings
