"""Negative volumes: closed meshes taken away from others, exactly, by manifold3d."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pmsl.core.finding import Finding
from pmsl.errors import MeshError
from pmsl.mesh.part import Part
from pmsl.mesh.readers.common import brief
from pmsl.mesh.shells.boolean import MOST, manifolds_of
from pmsl.mesh.shells.manifolds import arrays_of
from pmsl.mesh.solid import Solid

if TYPE_CHECKING:
    from manifold3d import Manifold


INWARD = ("repaired-shells", "repaired-cavities")


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
        Volume without and with the negative ones.
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
    """Return the union of bodies less the union of others.

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
        A body cannot be closed, or no manifold can be made of it; the message has its name.
    """
    from manifold3d import Manifold, OpType

    parts, holes = _parts(positive), [_repaired(body) for body in negative]
    whole, hole = (Manifold.batch_boolean(_manifolds(solids), OpType.Add) for solids in (parts, holes))
    left = whole - hole
    vertices, faces = arrays_of(left)
    return Difference(
        vertices_um=vertices,
        faces=faces,
        before_um3=float(whole.volume()),
        after_um3=float(left.volume()),
        findings=tuple(finding for solid in (*parts, *holes) for finding in solid.findings),
        repairs=tuple(f"{solid.source}: {text}" for solid in (*parts, *holes) for text in solid.repairs),
    )


def _parts(bodies: Sequence[Body]) -> list[Solid]:
    """Return positive bodies as closed solids; as one where a shell looks inward, which may be a cavity of another, or of several."""
    solids = [_repaired(body) for body in bodies]
    inward = any(solid.inside_out or any(f.code in INWARD for f in solid.findings) for solid in solids)
    if len(bodies) == 1 or not inward:
        return solids
    starts = np.cumsum([0, *(len(body.vertices_um) for body in bodies[:-1])])
    vertices = np.concatenate([body.vertices_um for body in bodies])
    faces = np.concatenate([body.faces + np.int32(n) for body, n in zip(bodies, starts, strict=True)])
    return [_repaired(Body(", ".join(body.name for body in bodies), vertices, faces))]


def _repaired(body: Body) -> Solid:
    """Return a body as a closed solid."""
    solid = Solid.from_arrays(body.vertices_um, body.faces, source=body.name)
    try:
        return solid.repaired()
    except MeshError as error:
        why = brief(str(error).removeprefix(f"{body.name}: "))
        raise MeshError(f"{body.name}: only closed volumes can be subtracted, or subtracted from. {why}") from error


def _manifolds(solids: Sequence[Solid]) -> list[Manifold]:
    """Return closed solids as manifold3d has them."""
    count = sum(solid.n_faces for solid in solids)
    if count > MOST:
        raise MeshError(
            f"{solids[0].source}: {count} triangles; at most {MOST} can be subtracted, or subtracted from: "
            "reduce the mesh, or subtract it in the program that made it"
        )
    out: list[Manifold] = []
    for solid in solids:
        bodies = manifolds_of(Part(solid=solid, label=solid.source))
        if not bodies:
            raise MeshError(
                f"{solid.source}: encloses no volume, or passes through itself: what is inside cannot be known, which subtracting "
                "needs; mend it in the program that made it"
            )
        out += bodies
    return out
