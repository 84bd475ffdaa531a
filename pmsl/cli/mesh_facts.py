"""What ``pmsl check`` and ``pmsl info`` say of a mesh: its health, what repair does about it, the volume that is printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pmsl.core.finding import Finding
from pmsl.errors import MeshError
from pmsl.mesh.solid import Solid


@dataclass(frozen=True, slots=True)
class Examined:
    """A mesh looked over.

    Attributes
    ----------
    solid, printed : Solid
        As the file has it; as it is printed, the same where nothing is changed or repair refuses it.
    refusal : MeshError or None
        Why it is not printed.
    volume_um3 : float
        What is printed, bodies that overlap counted once [µm³].
    findings : tuple of Finding
        Of reading, of the surface, of repair.
    """

    solid: Solid
    printed: Solid
    refusal: MeshError | None
    volume_um3: float
    findings: tuple[Finding, ...]


def examined(solid: Solid, repair: str, weld_um: float) -> Examined:
    """Look a mesh over; repair it as asked. A refusal is told, not raised, for the mesh itself is readable."""
    from pmsl.pipeline.plates.union_volume import united_volume_um3

    printed, refusal = solid, None
    try:
        printed = solid.repaired(repair, weld_um)
    except MeshError as err:
        refusal = err
    found = [*solid.findings, *solid.health.findings, *printed.findings[len(solid.findings) :]]
    if refusal is not None and "no-solid" not in [f.code for f in found]:
        found.append(Finding(code="refused", severity="error", message=str(refusal)))
    volume = united_volume_um3(printed) if refusal is None else solid.health.volume_um3
    return Examined(solid, printed, refusal, volume, tuple(found))


def mesh_facts(found: Examined) -> dict[str, Any]:
    """Return what a program wants to know about a mesh, ready for JSON."""
    solid, health = found.solid, found.solid.health
    return {
        "mesh": solid.source,
        "triangles": len(solid.faces),
        "unit": solid.unit,
        "bounds_um": solid.bounds_um.tolist(),
        "size_um": (solid.bounds_um[1] - solid.bounds_um[0]).tolist(),
        "volume_um3": found.volume_um3,
        "watertight": health.watertight,
        "winding_consistent": health.winding_consistent,
        "bodies": health.bodies,
        "sha256": solid.sha256,
        "repairs": list(found.printed.repairs),
        "findings": [f.as_dict() for f in found.findings],
    }
