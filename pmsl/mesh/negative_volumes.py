"""Negative volumes: closed meshes taken away from others, exactly, by manifold3d."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.part import Part, Solid
from pmsl.errors import MeshError
from pmsl.mesh.boolean import MOST, united
from pmsl.mesh.reading import brief


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
        manifold3d is missing; a body cannot be closed, or no union can be made of it; the message has its name.
    """
    try:
        from manifold3d import Manifold, Mesh64, OpType
    except ImportError:
        name = (*negative, *positive)[0].name
        raise MeshError(f"{name}: to subtract it takes manifold3d (pip install manifold3d); or subtract it in the slicer") from None

    wholes = [_repaired(body) for body in (*positive, *negative)]
    both = []
    for group in (wholes[: len(positive)], wholes[len(positive) :]):
        whole = _union(group)
        both.append(Manifold(Mesh64(np.array(whole.vertices_um, order="C"), whole.faces.astype(np.uint64))))  # a copy it may write to
    left = Manifold.batch_boolean(both, OpType.Subtract)
    made = left.to_mesh64()
    return Difference(
        vertices_um=np.array(made.vert_properties, np.float64)[:, :3].copy(),
        faces=np.asarray(made.tri_verts).astype(np.int32),
        before_um3=float(both[0].volume()),
        after_um3=float(left.volume()),
        findings=tuple(finding for solid in wholes for finding in solid.findings),
        repairs=tuple(f"{solid.source}: {text}" for solid in wholes for text in solid.repairs),
    )


def _repaired(body: Body) -> Solid:
    """Return a body as a closed solid."""
    solid = Solid.from_arrays(body.vertices_um, body.faces, source=body.name)
    try:
        return solid.repaired()
    except MeshError as error:
        why = brief(str(error).removeprefix(f"{body.name}: "))
        raise MeshError(f"{body.name}: only closed volumes can be subtracted, or subtracted from. {why}") from error


def _union(solids: Sequence[Solid]) -> Solid:
    """Return the union of solids."""
    whole = united([Part(solid=solid, label=solid.source) for solid in solids])
    if whole is not None:
        return whole
    if sum(solid.n_faces for solid in solids) > MOST:
        raise MeshError(
            f"{solids[0].source}: {sum(solid.n_faces for solid in solids)} triangles; at most {MOST} can be subtracted, or subtracted "
            "from: reduce the mesh, or subtract it in the program that made it"
        )
    culprit = next((solid for solid in solids if united([Part(solid=solid)]) is None), solids[0])
    raise MeshError(
        f"{culprit.source}: encloses no volume, or passes through itself: what is inside cannot be known, which subtracting needs; "
        "mend it in the program that made it"
    )
