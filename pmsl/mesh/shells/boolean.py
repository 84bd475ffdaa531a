"""Bodies that overlap made one by manifold3d."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pmsl.mesh.part import Part
from pmsl.mesh.shells.manifolds import arrays_of, manifold_of
from pmsl.mesh.shells.shells import OUTWARD, TURN, inward, measures_of, shells_of
from pmsl.mesh.solid import Solid
from pmsl.mesh.topology import group_rows, join_vertices

if TYPE_CHECKING:
    from manifold3d import Manifold

MOST = 3_000_000  # triangles: more would take minutes and many times the memory of the file


def united(parts: Sequence[Part]) -> Solid | None:
    """Return the union of parts as one solid, in field coordinates.

    Parameters
    ----------
    parts : sequence of Part
        Closed, as `Part.repaired` gives them.

    Returns
    -------
    Solid or None
        None where a part is open, passes through itself in a way that cuts do not undo, or there are more than `MOST` triangles.
    """
    if sum(part.solid.n_faces for part in parts) > MOST:
        return None
    from manifold3d import Manifold, OpType

    bodies: list[Manifold] = []
    for part in parts:
        some = manifolds_of(part)
        if some is None:
            return None
        bodies += some
    points, faces = arrays_of(Manifold.batch_boolean(bodies, OpType.Add))
    return Solid.from_arrays(points, faces, source="union") if len(faces) else None


def shell_ranges(parts: Sequence[Part]) -> np.ndarray:
    """Return the lowest and the highest z of every shell of parts, in field coordinates: (n, 2) float64 [µm]."""
    ranges = []
    for part in parts:
        points, faces = part.placed_um(), part.solid.faces
        ranges.append(measures_of(points, faces, shells_of(points, faces, len(faces))).box_um[:, :, 2])
    return np.concatenate(ranges)


def manifolds_of(part: Part) -> list[Manifold] | None:
    """Make each outward shell of a repaired part, with the cavities in it, a manifold; None where that cannot be had of one."""
    ids, points = join_vertices(part.placed_um())
    corners = _once(ids[part.solid.faces].astype(np.int32), points)
    shells = shells_of(points, corners, len(corners))
    if not shells.closed:
        return None
    m = measures_of(points, corners, shells)
    looks, holder = inward(points, corners, shells, m)
    if (looks == TURN).any():
        return None
    out = []
    for shell in np.flatnonzero((looks == OUTWARD) & ~m.hollow):
        faces = corners[(shells.label == shell) | (holder == shell)[shells.label]]
        body = manifold_of(points, faces[:, ::-1] if m.turned else faces)
        if body is None:
            return None
        out.append(body)
    return out


def _once(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Leave out faces that use a vertex twice, and copies of faces where the rest is closed without them."""
    a, b, c = corners.T
    corners = corners[(a != b) & (b != c) & (c != a)]
    ids, _ = group_rows(np.sort(corners, axis=1).astype(np.int64))
    once = corners[np.unique(ids, return_index=True)[1]]
    return once if len(once) < len(corners) and shells_of(points, once).closed else corners
