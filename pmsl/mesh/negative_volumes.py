"""Negative volumes: closed meshes taken away from others, exactly, by manifold3d."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.part import Part, Solid
from pmsl.errors import MeshError
from pmsl.mesh.boolean import MOST, united
from pmsl.mesh.boxtree import BoxTree
from pmsl.mesh.reading import brief
from pmsl.mesh.shells import shells_of
from pmsl.mesh.topology import join_vertices

if TYPE_CHECKING:
    from manifold3d import Manifold

ROUNDING = 2e-6  # of the extent: what single precision leaves between corners that are meant to be one


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A mesh with a name for messages: vertices (V, 3) float64 [µm], faces (F, 3) int32."""

    name: str
    vertices_um: np.ndarray
    faces: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Difference:
    """What is left, and how it came about.

    Attributes
    ----------
    vertices_um : (V, 3) float64
    faces : (F, 3) int32
        None where nothing is left.
    before_um3, after_um3 : float
        Volume without and with the negative ones; what several bodies share counts for each.
    findings : tuple of Finding
        What was mended first.
    repairs : tuple of str
        The same in words for the job.
    """

    vertices_um: np.ndarray
    faces: np.ndarray
    before_um3: float
    after_um3: float
    findings: tuple[Finding, ...]
    repairs: tuple[str, ...]


def subtracted(positive: Sequence[Body], negative: Sequence[Body]) -> Difference:
    """Return the union of bodies less the union of others; bodies of which no union can be made stay several.

    Parameters
    ----------
    positive, negative : sequence of Body
        At least one each. What is not closed is repaired first, as `Solid.repaired` does.

    Returns
    -------
    Difference

    Raises
    ------
    MeshError
        manifold3d is missing; a body cannot be closed, or no union can be made of it; the message has its name.
    """
    try:
        from manifold3d import Manifold, OpType
    except ImportError:
        name = (*negative, *positive)[0].name
        raise MeshError(f"{name}: to subtract it takes manifold3d (pip install manifold3d); or subtract it in the slicer") from None

    parts, holes = [_repaired(body) for body in positive], [_repaired(body) for body in negative]
    bodies = _manifolds(parts)
    hole = Manifold.batch_boolean(_manifolds(holes), OpType.Add)
    left = [body - hole for body in bodies]
    meshes = [body.to_mesh64() for body in left]
    starts = np.cumsum([0] + [len(mesh.vert_properties) for mesh in meshes])
    return Difference(
        vertices_um=np.concatenate([np.asarray(mesh.vert_properties)[:, :3] for mesh in meshes]),
        faces=np.concatenate(
            [np.asarray(mesh.tri_verts).astype(np.int32) + np.int32(n) for mesh, n in zip(meshes, starts[:-1], strict=True)]
        ),
        before_um3=sum(float(body.volume()) for body in bodies),
        after_um3=sum(float(body.volume()) for body in left),
        findings=tuple(finding for solid in (*parts, *holes) for finding in solid.findings),
        repairs=tuple(f"{solid.source}: {text}" for solid in (*parts, *holes) for text in solid.repairs),
    )


def _repaired(body: Body) -> Solid:
    """Return a body as a closed solid."""
    solid = Solid.from_arrays(body.vertices_um, body.faces, source=body.name)
    try:
        return solid.repaired()
    except MeshError as error:
        why = brief(str(error).removeprefix(f"{body.name}: "))
        raise MeshError(f"{body.name}: only closed volumes can be subtracted, or subtracted from. {why}") from error


def _manifolds(solids: Sequence[Solid]) -> list[Manifold]:
    """Return the union of solids; each as it is where shells pass through themselves by no more than rounding of corners makes them.

    manifold3d believes that no body passes through itself: by more, and what it returns is wrong.
    """
    count = sum(solid.n_faces for solid in solids)
    if count > MOST:
        raise MeshError(
            f"{solids[0].source}: {count} triangles; at most {MOST} can be subtracted, or subtracted from: "
            "reduce the mesh, or subtract it in the program that made it"
        )
    depths = [_crossing_depth(solid) for solid in solids]
    whole = None if any(depths) else united([Part(solid=solid, label=solid.source) for solid in solids])
    out = []
    for solid, depth in zip(solids, depths, strict=True) if whole is None else [(whole, 0.0)]:
        body = _manifold(solid) if depth <= ROUNDING else None
        if body is None:
            raise MeshError(
                f"{solid.source}: encloses no volume, or passes through itself: what is inside cannot be known, which subtracting "
                "needs; mend it in the program that made it"
            )
        out.append(body)
    return out


def _crossing_depth(solid: Solid) -> float:
    """Return how deep triangles of one shell reach through others, as a share of the extent; infinite where there are too many."""
    ids, points = join_vertices(solid.vertices_um)
    corners = ids[solid.faces].astype(np.int32)
    a, b, c = corners.T
    corners = corners[(a != b) & (b != c) & (c != a)]
    label, every = shells_of(points, corners, len(corners)).label, np.arange(len(corners))
    crossings = BoxTree.of(points, corners, every).crossed_by(every, label, other=False)
    pairs = crossings.pairs[label[crossings.pairs[:, 0]] == label[crossings.pairs[:, 1]]]
    if crossings.count > len(crossings.pairs) or not crossings.complete:
        return np.inf
    if len(pairs) == 0:
        return 0.0
    extent = float((points.max(axis=0) - points.min(axis=0)).max())
    one, other = points[corners[pairs[:, 0]]], points[corners[pairs[:, 1]]]
    depth = np.minimum(_reach(one, other), _reach(other, one)).max()
    return max(float(depth) / extent, 1e-300)


def _reach(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return how far triangles (n, 3, 3) reach to the side of the planes of others where they reach less [µm]."""
    normal = np.cross(other[:, 1] - other[:, 0], other[:, 2] - other[:, 0])
    length = np.linalg.norm(normal, axis=1)
    side = np.einsum("nij,nj->ni", one - other[:, :1], normal / np.where(length > 0, length, 1.0)[:, None])
    reach: np.ndarray = np.minimum(np.maximum(side.max(axis=1), 0.0), np.maximum(-side.min(axis=1), 0.0))
    return reach


def _manifold(solid: Solid) -> Manifold | None:
    """Return a closed solid as manifold3d has it, None where edges of it have more than two faces or it encloses nothing."""
    from manifold3d import Error, Manifold, Mesh64

    ids, points = join_vertices(solid.vertices_um)
    for vertices, faces in ((solid.vertices_um, solid.faces), (points, ids[solid.faces])):
        body = Manifold(Mesh64(np.array(vertices, order="C"), faces.astype(np.uint64)))  # a copy, which it may write to
        if body.status() == Error.NoError and body.volume() < 0:
            body = Manifold(Mesh64(np.array(vertices, order="C"), faces[:, ::-1].astype(np.uint64)))
        if body.status() == Error.NoError and body.volume() > 0:
            return body
    return None
