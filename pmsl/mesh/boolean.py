"""Bodies that overlap made one by manifold3d, where it is installed (extra ``repair``)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmsl.core.part import Part, Solid
from pmsl.mesh.boxtree import BoxTree
from pmsl.mesh.shells import OUTWARD, TURN, inward, measures_of, shells_of
from pmsl.mesh.topology import group_rows, join_vertices

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
        None where manifold3d is not installed or cannot do it: a part is open, a single body passes through itself, or there are more
        than `MOST` triangles.
    """
    if sum(part.solid.n_faces for part in parts) > MOST:
        return None
    try:
        from manifold3d import Manifold, OpType
    except ImportError:
        return None
    bodies = []
    for part in parts:
        found = _bodies(part)
        if found is None:
            return None
        bodies += found
    whole = Manifold.batch_boolean(bodies, OpType.Add)
    made = whole.to_mesh64()
    faces = np.asarray(made.tri_verts).astype(np.int32)
    if len(faces) == 0:
        return None
    return Solid.from_arrays(np.asarray(made.vert_properties)[:, :3], faces, source="union")


def _bodies(part: Part) -> list | None:
    """Make each outward shell with the cavities in it a manifold; None where one is none."""
    from manifold3d import Error, Manifold, Mesh64

    ids, points = join_vertices(part.placed_um())
    corners = _once(ids[part.solid.faces].astype(np.int32), points)
    shells = shells_of(points, corners, len(corners))
    if not shells.closed:
        return None
    m = measures_of(points, corners, shells)
    looks, holder = inward(points, corners, shells, m)
    every = np.arange(len(corners))
    crossings = BoxTree.of(points, corners, every).crossed_by(every, shells.label, other=False)
    own = shells.label[crossings.pairs]
    if (looks == TURN).any() or not crossings.complete or (own[:, 0] == own[:, 1]).any():
        return None
    out = []
    for shell in np.flatnonzero((looks == OUTWARD) & ~m.hollow):
        faces = corners[(shells.label == shell) | (holder == shell)[shells.label]]
        used, numbers = np.unique(faces[:, ::-1] if m.turned else faces, return_inverse=True)
        body = Manifold(Mesh64(points[used], numbers.reshape(-1, 3).astype(np.uint64)))
        if body.status() != Error.NoError:
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
