"""The work of `repair`, on a mesh that needs it: holes closed, the surface put together anew, sheets left out, shells turned."""

from __future__ import annotations

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.core.finding import Finding
from pmsl.errors import MeshError
from pmsl.mesh.repair.fill_holes_large import patched
from pmsl.mesh.repair.open_sheets import drop_sheets
from pmsl.mesh.repair.orientation import box_of, oriented_faces
from pmsl.mesh.repair.welded_surface import Change, Surface
from pmsl.mesh.shells.interleaved import hidden
from pmsl.mesh.shells.shells import FEW, Measures, Shells, arrays_of, known_boxes_um, known_shells, measures_of, one_closed_body, shells_of
from pmsl.mesh.triangle_mesh import TriangleMesh

MOST_LOOKED_FOR = 2_000_000  # triangles whose shells are looked for where a hole was closed: of more that takes too much memory


def mended(solid: TriangleMesh, weld_um: float) -> TriangleMesh:
    """Repair a mesh whose edges do not all meet in pairs; vertices are joined within `weld_um`."""
    return (_patched(solid, weld_um) if solid.of_file and solid.n_faces > FEW else None) or _rebuilt(solid, weld_um)


def oriented(solid: TriangleMesh, vertices: np.ndarray, faces: np.ndarray, shells: Shells, m: Measures) -> TriangleMesh:
    """Return a closed mesh whose cavities lie apart, with the shells turned that look inward and are no cavities."""
    vertices, faces, changes = oriented_faces(vertices, faces, shells, m, solid.source)
    return _changed_mesh(solid, vertices, faces, changes) if changes else solid


def without_double_faces(solid: TriangleMesh, shells: Shells, m: Measures, weld_um: float) -> TriangleMesh:
    """Repair a closed mesh with faces that look both ways; sheets, or slivers next to nothing thin, may be all there is."""
    try:
        return mended(solid, weld_um)
    except MeshError:
        return solid if m.hollow.all() else _without_sheets(solid, shells, m)


def _without_sheets(solid: TriangleMesh, shells: Shells, m: Measures) -> TriangleMesh:
    """Leave out closed shells that enclose nothing, although they are large: none of them would print."""
    faces = solid.faces[~m.hollow[shells.label]]
    box = m.box_um[m.hollow & (m.area_um2 > 0)]
    low, high = box[:, 0].min(axis=0), box[:, 1].max(axis=0)
    text = "look both ways and enclose no volume; left out"
    sheets = Change("sheets", len(solid.faces) - len(faces), "faces", (tuple(low.tolist()), tuple(high.tolist())), text)
    shells = shells_of(solid.vertices_um, faces)
    m = measures_of(solid.vertices_um, faces, shells)
    vertices, faces, changes = oriented_faces(solid.vertices_um, faces, shells, m, solid.source)
    return _changed_mesh(solid, vertices, faces, [sheets, *changes])


def without_inverse_copies(
    solid: TriangleMesh, vertices: np.ndarray, faces: np.ndarray, shells: Shells, m: Measures, copies: np.ndarray
) -> TriangleMesh:
    """Leave out shells that repeat another one inside out: what both enclose is a body, whose faces look both ways."""
    stays = ~copies[shells.label]
    box = box_of(np.stack([m.box_um[copies, 0].min(axis=0), m.box_um[copies, 1].max(axis=0)]))
    change = Change("duplicate-faces", int((~stays).sum()), "faces", box, "repeat another face; taken out")
    rest = shells_of(vertices, faces[stays], len(faces))
    vertices, faces, changes = oriented_faces(vertices, faces[stays], rest, measures_of(vertices, faces[stays], rest), solid.source)
    return _changed_mesh(solid, vertices, faces, [change, *changes])


def _patched(solid: TriangleMesh, weld_um: float) -> TriangleMesh | None:
    """Close a few holes of a large file; None where that does not make it whole."""
    found = patched(solid, weld_um)
    if found is None:
        return None
    soup, change = found
    findings, repairs = _findings_and_repairs(solid.source, [change])
    facts = {"source": solid.source, "sha256": solid.sha256, "unit": solid.unit}
    whole = type(solid).of_soup(soup, **facts, findings=(*solid.findings, *findings), repairs=repairs)
    looked_for = whole.n_faces <= MOST_LOOKED_FOR or hidden(whole)  # what was missing hides where one shell of the file ends
    if one_closed_body(whole) and not looked_for:
        return whole
    vertices, faces = arrays_of(whole)
    shells = known_shells(whole, (vertices, faces), len(faces) if looked_for else FEW)
    m = measures_of(vertices, faces, shells)
    if not shells.closed or m.hollow.any():
        return None
    known_boxes_um(whole, m)
    return oriented(whole, vertices, faces, shells, m)


def _rebuilt(solid: TriangleMesh, weld_um: float) -> TriangleMesh:
    """Join vertices, take out copies, turn faces, close holes."""
    surface = Surface.of(solid)
    surface.drop_duplicates()
    cracked = surface.weld(weld_um)
    if cracked:
        surface.drop_duplicates()
    surface.agree()
    surface.close_holes()
    if len(surface.corners) == 0:
        raise MeshError(f"{solid.source}: no triangle has an area; nothing to print. Export the mesh again")
    shells = shells_of(surface.points, surface.faces(), len(surface.corners))
    drop_sheets(surface, shells, solid.source, weld_um)
    faces = surface.faces()
    shells = shells_of(surface.points, faces, len(faces))
    m = measures_of(surface.points, faces, shells)
    points, faces, changes = oriented_faces(surface.points, faces, shells, m, solid.source, weld_um if cracked else 0.0)
    changes = [*surface.changes, *changes]
    return _changed_mesh(solid, points, faces, changes) if changes else solid  # vertices a picometre apart: nothing that shows


def _changed_mesh(solid: TriangleMesh, vertices: np.ndarray, faces: np.ndarray, changes: list[Change]) -> TriangleMesh:
    findings, repairs = _findings_and_repairs(solid.source, changes)
    vertices, faces = np.array(vertices, np.float64, order="C"), np.array(faces, np.int32, order="C")
    return type(solid)(
        vertices_um=frozen(vertices),
        faces=frozen(faces),
        source=solid.source,
        sha256=solid.sha256,
        unit=solid.unit,
        findings=(*solid.findings, *findings),
        repairs=(*solid.repairs, *repairs),
    )


def _findings_and_repairs(source: str, changes: list[Change]) -> tuple[list[Finding], tuple[str, ...]]:
    """Put changes into findings, and into words for the job."""
    findings = [
        Finding(
            code=f"repaired-{c.code}",
            severity="warning",
            message=f"{source}: {c.count} {c.unit} {c.text}",
            box_um=c.box_um,
            value=float(c.count),
            limit=0.0,
            unit=c.unit,
        )
        for c in changes
    ]
    return findings, tuple(f"{c.count} {c.unit} {c.text}" for c in changes)
