"""Parts on the plate → parts in the picture: every point goes where the picture must have it to land where it is.

Heights stay. Edges that would bend are split, with both of their triangles, so that what a plane or a slab cuts of the warped mesh is
nowhere farther than `pmsl.profiles.distortion.field_map.CHORD_PX` from what it should be; masks are then as exact as of any mesh.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pmsl.core.parallel import blocks_of, in_blocks
from pmsl.mesh.part import IDENTITY, Part
from pmsl.mesh.repair.repair import mark_repaired
from pmsl.mesh.solid import Solid
from pmsl.mesh.warp.split_triangles import split
from pmsl.profiles.distortion.field_map import FieldMap


def warped_parts(parts: Sequence[Part], field_map: FieldMap | None, corner_um: tuple[float, float] = (0.0, 0.0)) -> tuple[Part, ...]:
    """Return parts as the picture must have them.

    Parameters
    ----------
    parts : sequence of Part
        On the plate, repaired.
    field_map : FieldMap or None
        None leaves them.
    corner_um : (float, float)
        Lower corner of the field on the plate.

    Returns
    -------
    tuple of Part
        Solids of their own, in field coordinates; those of copies are no longer the same.
    """
    if field_map is None:
        return tuple(parts)
    return tuple(_warped(part, field_map, np.array(corner_um)) for part in parts)


def _warped(part: Part, field_map: FieldMap, corner_um: np.ndarray) -> Part:
    solid = _warped_solid(part, part.solid, field_map, corner_um)
    regions = tuple(replace(region, solid=_warped_solid(part, region.solid, field_map, corner_um)) for region in part.regions)
    return replace(part, solid=solid, transform=IDENTITY, regions=regions)


def _warped_solid(part: Part, solid: Solid, field_map: FieldMap, corner_um: np.ndarray) -> Solid:
    """Warp a solid that stands where a part stands."""
    placed = part if solid is part.solid else replace(part, solid=solid)
    points_um, faces = placed.placed_um(), _faces(solid)
    if part.mirrored:
        faces = faces[:, ::-1]

    def is_long(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return field_map.bends(a[:, :2] - corner_um, b[:, :2] - corner_um)

    def has_long_edge(some: slice) -> np.ndarray:
        a, b, c = (points_um[faces[some, i]] for i in range(3))
        return np.asarray(is_long(a, b) | is_long(b, c) | is_long(c, a))

    long = np.concatenate(in_blocks(has_long_edge, len(faces)))
    pieces = split(points_um[faces[long]], is_long).reshape(-1, 3)
    vertices = np.concatenate([points_um, pieces])
    warp_blocks(vertices, field_map, corner_um)
    more = np.arange(len(points_um), len(vertices), dtype=np.int32).reshape(-1, 3)
    own = {name: getattr(solid, name) for name in ("source", "sha256", "unit", "findings", "repairs")}
    made = Solid(vertices_um=vertices, faces=np.ascontiguousarray(np.concatenate([faces[~long], more]), np.int32), **own)
    mark_repaired(made, solid.closed)
    return made


def warp_blocks(vertices: np.ndarray, field_map: FieldMap, corner_um: np.ndarray) -> None:
    """Move vertices (V, 3) [µm] in place, on all processors."""

    def move(some: slice) -> None:
        vertices[some, :2] = field_map.picture_um(vertices[some, :2] - corner_um) + corner_um

    in_blocks(move, len(vertices))


def _faces(solid: Solid) -> np.ndarray:
    return np.concatenate([solid.faces_of(some) for some in blocks_of(solid.n_faces)])
