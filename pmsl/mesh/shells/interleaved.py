"""Shells of a large closed mesh that the file does not list one after the other, and that winding alone does not print right.

Shells by their edges take as long as slicing some layers. Groups of triangles by their corners take a third of that; a shell that shares
no corner with others is one, so that an inward one among them is seen without fail. One that shares corners is seen by a look at both
sides of some triangles.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from pmsl.core.parallel import blocks_of, call_each, in_blocks
from pmsl.mesh.shells.shells import Shells, arrays_of, measures_of, one_closed_body, shells_of
from pmsl.mesh.shells.winding import largest, winding_at
from pmsl.mesh.triangle_mesh import TriangleMesh

SAMPLES = 256  # triangles evenly over the file, and as many of the largest: a shell of few has large ones
TOGETHER = 64  # triangles whose corners are looked up at a time
INSET = 1e-6  # of the extent: how far beside the surface


def hidden(solid: TriangleMesh) -> bool:
    """Tell whether a large closed mesh may have cavities that meet, or lie across bodies, where `shells_of` finds stretches of the file.

    A group of triangles that looks inward, in a stretch with others, is enough; or a triangle without material behind it, or with less
    than none before it.
    """
    if solid.results.hides_shells is None:
        solid.results.hides_shells = _shows_hidden(solid)
    return solid.results.hides_shells


def groups_of(solid: TriangleMesh) -> tuple[int, np.ndarray]:
    """Find groups of triangles that hang together by corners: how many, and the number of every triangle's group, (F,) int32."""
    from pmsl.kernels.mesh import corner_groups

    vertices, faces, _ = solid.triangles()
    n, most = solid.n_faces, solid.n_faces if solid.of_file else len(vertices)
    label, hashes = np.empty(n, np.int32), np.empty(3 * TOGETHER, np.uint64)
    bits = vertices.view(np.uint32 if vertices.dtype == np.float32 else np.uint64)
    room, count = 1 << int((0.7 if solid.of_file else 1.4) * most).bit_length(), 0
    while count == 0:  # a closed mesh has about half as many positions as triangles
        table = np.zeros(room, np.uint64)
        if solid.of_file:
            count = int(corner_groups.of_soup(vertices, bits, table, hashes, label))
        else:
            count = int(corner_groups.of_indexed(vertices, bits, faces, table, hashes, *np.empty((2, most), np.int32), label))
        room *= 2
    return count, label


def sizes_of(solid: TriangleMesh) -> np.ndarray:
    """Return a measure of every triangle, (F,) float32, larger for a larger one."""
    from pmsl.kernels.mesh import corner_groups

    size = np.empty(solid.n_faces, np.float32)
    call_each(corner_groups.sizes, ((*solid.triangles(some)[:2], size[some]) for some in blocks_of(solid.n_faces)))
    return size


def _shows_hidden(solid: TriangleMesh) -> bool:
    with ThreadPoolExecutor(1) as beside:  # finding groups waits for memory most of the time
        groups = beside.submit(groups_of, solid)
        if _winds_wrong(solid, sizes_of(solid)):
            return True
        return groups.result()[0] > 1 and _inward_among(solid, *groups.result())


def _inward_among(solid: TriangleMesh, count: int, label: np.ndarray) -> bool:
    """Tell whether a group that looks inward lies in one stretch of the file with others."""
    stretch = _stretches(solid)
    begins = np.flatnonzero(np.concatenate([[True], (label[1:] != label[:-1]) | (stretch[1:] != stretch[:-1])]))
    pairs = np.unique(np.stack([stretch[begins], label[begins]]), axis=1)
    among = pairs[1, np.bincount(pairs[0])[pairs[0]] > 1]
    if len(among) == 0:
        return False
    m = measures_of(*arrays_of(solid), Shells(True, count, label))
    return bool(((m.volume_um3 < 0) & ~m.hollow)[among].any())


def _stretches(solid: TriangleMesh) -> np.ndarray:
    """Number the closed stretches of the file: (F,) int32."""
    if one_closed_body(solid):
        return np.zeros(solid.n_faces, np.int32)
    return (solid.results.shells or shells_of(*arrays_of(solid))).label


def _winds_wrong(solid: TriangleMesh, size: np.ndarray) -> bool:
    """Tell whether some triangle has no material behind it, or less than none before it."""
    n = solid.n_faces
    few = min(SAMPLES, n)
    which = np.unique(np.concatenate([np.linspace(0, n - 1, SAMPLES).astype(np.int64), np.argpartition(size, n - few)[n - few :]]))
    corners = np.stack([solid.points_um(solid.faces_of(slice(f, f + 1))[0]) for f in which.tolist()])
    _, middle, normal, _ = largest(corners, len(corners))
    step = INSET * float(np.ptp(solid.bounds_um, axis=0).max()) * (-normal if solid.inside_out else normal)
    at = np.concatenate([middle - step, middle + step])
    winding = np.sum(in_blocks(lambda some: winding_at(*_block(solid, some), at), n), axis=0) * (-1 if solid.inside_out else 1)
    return bool((winding[: len(step)] <= 0).any() or (winding[len(step) :] < 0).any())


def _block(solid: TriangleMesh, some: slice) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertices and the faces of a block of triangles; those of a soup are made anew."""
    if not solid.of_file:
        return solid.vertices_um, solid.faces[some]
    points = solid.points_um(slice(3 * some.start, 3 * some.stop))
    return points, np.arange(len(points), dtype=np.int32).reshape(-1, 3)
