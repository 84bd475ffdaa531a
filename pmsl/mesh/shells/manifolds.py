"""Shells of a mesh as manifolds of manifold3d, and back. A shell that passes through itself becomes several that do not.

manifold3d is exact to rounding, but believes that no body passes through itself. Such a body is cut by planes until no piece does:
the branches that overlap come apart where the cut removes what joins them. The union of the pieces is what the body encloses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pmsl.mesh.box_tree import BoxTree
from pmsl.mesh.shells.winding import largest, winding_at

if TYPE_CHECKING:
    from manifold3d import Manifold

MOST_CUTS = 500  # of one shell
SMALLEST = 2.0**-20  # of the shell's extent: pieces no longer cut
ROUNDING = 2e-6  # of the extent: crossings no deeper than this are what coordinates in single precision leave
SAMPLES = 256  # faces of a body that are looked at from both sides
INSET = 1e-7  # of the extent: from how far
SHARED = 1e-9  # of their volume: what pieces that look inward may share by rounding
FOLDED = 0.1  # of their area: what may lie in folds where corners were joined


def manifold_of(points: np.ndarray, corners: np.ndarray, slack_um: float = 0.0) -> Manifold | None:
    """Make a manifold of a closed surface that looks outward; None where that cannot be had.

    Parameters
    ----------
    points : (n, 3) float64
    corners : (F, 3) int
        May pass through itself: then what it encloses, once.
    slack_um : float
        Crossings no deeper than this are left: what joined corners and closed cracks leave [µm].
    """
    from manifold3d import Error, Manifold, Mesh64

    used, ids = np.unique(corners, return_inverse=True)
    own, faces = np.ascontiguousarray(points[used]), ids.reshape(-1, 3)
    body = Manifold(Mesh64(own, faces.astype(np.uint64)))
    if body.status() != Error.NoError:
        return None
    extent = float(np.ptp(own, axis=0).max())
    return body if is_simple(own, faces.astype(np.int32), extent, slack_um) else _untangled(body, extent)


def is_simple(points: np.ndarray, faces: np.ndarray, extent_um: float, slack_um: float = 0.0) -> bool:
    """Tell whether a closed surface does not pass through itself, but for rounding, nor winds twice around a place.

    Parameters
    ----------
    points : (n, 3) float64
    faces : (F, 3) int32
    extent_um : float
        What rounding is held against [µm].
    slack_um : float
        How deep it may pass through itself all the same [µm].
    """
    within_um = max(ROUNDING * extent_um, slack_um)
    return crossing_depth_um(points, faces) <= within_um and _winds_once(points, faces, FOLDED if slack_um > 0 else 0.0)


def crossing_depth_um(points: np.ndarray, faces: np.ndarray) -> float:
    """Return how deep triangles reach through others [µm], 0 where none do; infinite where there are too many to tell."""
    crossings = BoxTree.of(points, faces, np.arange(len(faces))).crossed_by(
        np.arange(len(faces)), np.zeros(len(faces), np.int32), other=False
    )
    if crossings.count > len(crossings.pairs) or not crossings.complete:
        return np.inf
    if crossings.count == 0:
        return 0.0
    one, other = (points[faces[crossings.pairs[:, i]]] for i in range(2))
    return float(np.minimum(_reach_um(one, other), _reach_um(other, one)).max())


def _reach_um(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return how far triangles (n, 3, 3) reach to the side of the planes of others where they reach less: (n,) float64."""
    normal = np.cross(other[:, 1] - other[:, 0], other[:, 2] - other[:, 0])
    length = np.linalg.norm(normal, axis=1)
    side = np.einsum("nij,nj->ni", one - other[:, :1], normal / np.where(length > 0, length, 1.0)[:, None])
    reach: np.ndarray = np.minimum(np.maximum(side.max(axis=1), 0.0), np.maximum(-side.min(axis=1), 0.0))
    return reach


def _winds_once(points: np.ndarray, faces: np.ndarray, folded: float) -> bool:
    """Tell whether the largest faces have what is enclosed once on one side and nothing on the other: sheets may lie on one another.

    A share `folded` of their area need not.
    """
    _, middle, normal, size = largest(points[faces], SAMPLES)
    step = INSET * float(np.ptp(points, axis=0).max()) * normal
    behind, before = (winding_at(points, faces, middle + sign * step) for sign in (-1, 1))
    odd = (np.abs(behind - before) != 1) | ((behind != 0) & (before != 0))
    return bool(size[odd].sum() <= folded * size.sum())


def arrays_of(body: Manifold) -> tuple[np.ndarray, np.ndarray]:
    """Return the points (n, 3) float64 and the faces (F, 3) int32 of a manifold."""
    mesh = body.to_mesh64()
    return np.asarray(mesh.vert_properties)[:, :3].copy(), np.asarray(mesh.tri_verts).astype(np.int32)


def _untangled(body: Manifold, extent_um: float) -> Manifold | None:
    """Unite the pieces of a body that passes through itself, cut until none does."""
    outward: list[Manifold] = []
    inward: list[Manifold] = []
    work, cuts = [body], 0
    while work:
        for piece in work.pop().decompose():
            points, faces = arrays_of(piece)
            if len(faces) == 0 or is_simple(points, faces, extent_um):
                (outward if piece.volume() >= 0 else inward).append(piece if piece.volume() >= 0 else _turned(points, faces))
                continue
            axis, length, middle = _longest(piece)
            cuts += 1
            if cuts > MOST_CUTS or length < SMALLEST * extent_um:
                return None
            normal = np.zeros(3)
            normal[axis] = 1.0
            work += piece.split_by_plane(tuple(normal), middle)
    return _enclosed(outward, inward)


def _enclosed(outward: list[Manifold], inward: list[Manifold]) -> Manifold | None:
    """Return where bodies, and what looks inward (turned here), wind other than 0 times; None where inward ones overlap.

    What looks inward is a cavity where it lies in one body, and a fold that encloses all the same where it lies in none.
    """
    from manifold3d import Manifold, OpType

    whole = Manifold.batch_boolean(outward, OpType.Add)
    if not inward:
        return whole
    hollow = Manifold.batch_boolean(inward, OpType.Add)
    if hollow.volume() < (1 - SHARED) * sum(piece.volume() for piece in inward):
        return None
    once, twice = Manifold(), Manifold()
    for body in outward:
        within = body ^ hollow
        once, twice = once + within, twice + (once ^ within)
    return (whole - hollow) + (hollow - whole) + twice


def _turned(points: np.ndarray, faces: np.ndarray) -> Manifold:
    """Return a piece that looks inward, turned."""
    from manifold3d import Manifold, Mesh64

    return Manifold(Mesh64(points, np.ascontiguousarray(faces[:, ::-1]).astype(np.uint64)))


def _longest(body: Manifold) -> tuple[int, float, float]:
    """Return the axis of the longest side of a body's box, its length and a place near its middle that no corner is likely to be at."""
    box = np.array(body.bounding_box())
    low, high = box[:3], box[3:]
    axis = int(np.argmax(high - low))
    return axis, float((high - low)[axis]), float(low[axis] + 0.4871 * (high - low)[axis])
