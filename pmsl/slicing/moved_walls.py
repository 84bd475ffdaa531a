"""Upright walls around contours that are moved: what a plane through a slab cuts of them is the moved contour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmsl.core.contours import Contours
from pmsl.core.grid import Grid
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid
from pmsl.slicing.contours import slice_contours
from pmsl.slicing.offset import ContourOffset


def walls(parts: Sequence[Part], grid: Grid, layers: range, offset: ContourOffset) -> Solid | None:
    """Return walls around the moved contours of parts.

    Parameters
    ----------
    parts : sequence of Part
        Closed; united where they overlap.
    grid : Grid
    layers : range
        Slabs that get walls.
    offset : ContourOffset
        How far contours are moved.

    Returns
    -------
    Solid or None
        As high as their slabs, without lids: for areas in middle planes. None where no middle plane meets a part.

    Raises
    ------
    MeshError
        A part is open.
    """
    edges = grid.z_edges_um[layers.start : layers.stop + 1]
    if len(edges) < 2:
        return None
    slabs = Grid(origin_um=grid.origin_um, pitch_um=grid.pitch_um, shape=grid.shape, z_edges_um=edges)
    return _walls(offset.contours(slice_contours(parts, slabs), layers.start, grid.origin_um), edges)


def _walls(contours: Contours, edges_um: np.ndarray) -> Solid | None:
    """Make walls as high as their slab of the rings of every layer."""
    vertices, faces, count = [], [], 0
    for k in range(contours.n_layers):
        for xy in contours.rings(k):
            n = len(xy)
            low, high = (np.column_stack([xy, np.full(n, z)]) for z in edges_um[k : k + 2])
            here = np.arange(n) + count
            after = np.roll(here, -1)
            vertices += [low, high]
            faces += [np.column_stack([here, after, after + n]), np.column_stack([here, after + n, here + n])]
            count += 2 * n
    if not faces:
        return None
    return Solid.from_arrays(np.concatenate(vertices), np.concatenate(faces), source="walls")
