"""Shells of a mesh as manifolds of manifold3d, and back. A shell that passes through itself becomes several that do not.

manifold3d is exact to rounding, but believes that no body passes through itself. Such a body is cut by planes until no piece does:
the branches that overlap come apart where the cut removes what joins them. The union of the pieces is what the body encloses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pmsl.mesh.boxtree import BoxTree

if TYPE_CHECKING:
    from manifold3d import Manifold

MOST_CUTS = 4000  # of one shell
SMALLEST = 2.0**-24  # of the shell's extent: pieces no longer cut


def manifold_of(points: np.ndarray, corners: np.ndarray) -> Manifold | None:
    """Make a manifold of a closed surface that looks outward; None where that cannot be had.

    Parameters
    ----------
    points : (n, 3) float64
    corners : (F, 3) int
        May pass through itself: then what it encloses, once.
    """
    from manifold3d import Error, Manifold, Mesh64

    used, ids = np.unique(corners, return_inverse=True)
    body = Manifold(Mesh64(np.ascontiguousarray(points[used]), ids.reshape(-1, 3).astype(np.uint64)))
    if body.status() != Error.NoError:
        return None
    tree = BoxTree.of(points, corners, np.arange(len(corners)))
    if not _crosses(tree, len(corners)):
        return body
    return _untangled(body)


def arrays_of(body: Manifold) -> tuple[np.ndarray, np.ndarray]:
    """Return the points (n, 3) float64 and the faces (F, 3) int32 of a manifold."""
    mesh = body.to_mesh64()
    return np.asarray(mesh.vert_properties)[:, :3].copy(), np.asarray(mesh.tri_verts).astype(np.int32)


def _crosses(tree: BoxTree, n: int) -> bool:
    crossings = tree.crossed_by(np.arange(n), np.zeros(n, np.int32), other=False)
    return crossings.count > 0 or not crossings.complete


def _untangled(body: Manifold) -> Manifold | None:
    """Unite the pieces of a body that passes through itself, cut until none does."""
    from manifold3d import Manifold, OpType

    extent = _longest(body)[1]
    work, whole, cuts = [body], [], 0
    while work:
        for piece in work.pop().decompose():
            points, faces = arrays_of(piece)
            if len(faces) == 0 or not _crosses(BoxTree.of(points, faces, np.arange(len(faces))), len(faces)):
                whole.append(piece if piece.volume() >= 0 else _turned(points, faces))
                continue
            axis, length, middle = _longest(piece)
            cuts += 1
            if cuts > MOST_CUTS or length < SMALLEST * extent:
                return None
            normal = np.zeros(3)
            normal[axis] = 1.0
            work += piece.split_by_plane(tuple(normal), middle)
    return Manifold.batch_boolean(whole, OpType.Add)


def _turned(points: np.ndarray, faces: np.ndarray) -> Manifold:
    """Where a surface folds over, a piece looks inward: it encloses all the same."""
    from manifold3d import Manifold, Mesh64

    return Manifold(Mesh64(points, np.ascontiguousarray(faces[:, ::-1]).astype(np.uint64)))


def _longest(body: Manifold) -> tuple[int, float, float]:
    """Return the axis of the longest side of a body's box, its length and a place near its middle that no corner is likely to be at."""
    box = np.array(body.bounding_box())
    low, high = box[:3], box[3:]
    axis = int(np.argmax(high - low))
    return axis, float((high - low)[axis]), float(low[axis] + 0.4871 * (high - low)[axis])
