"""3MF files and slicer projects, built in memory for tests. Lengths are µm."""

from __future__ import annotations

import io
import zipfile
from itertools import pairwise
from xml.sax.saxutils import escape

import numpy as np
from solids import box

CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"
QUOTE = {'"': "&quot;"}
RANGES = "Metadata/Slic3r_PE_model.config"  # the side file that names volumes by their triangles
PARTS = "Metadata/model_settings.config"  # the one that names them as components


def mesh_xml(*solids) -> str:
    """One mesh of several solids, one after the other."""
    points, faces, first = [], [], 0
    for solid in solids:
        points += [f'<vertex x="{x!r}" y="{y!r}" z="{z!r}"/>' for x, y, z in solid.vertices_um.tolist()]
        faces += [f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in (solid.faces + first).tolist()]
        first += len(solid.vertices_um)
    return f"<mesh><vertices>{''.join(points)}</vertices><triangles>{''.join(faces)}</triangles></mesh>"


def components(*references) -> str:
    """Components: each a number, or (number, attributes)."""
    pairs = [r if isinstance(r, tuple) else (r, "") for r in references]
    return "<components>" + "".join(f'<component objectid="{n}" {more}/>' for n, more in pairs) + "</components>"


def obj(number, content, more="") -> str:
    """An object: a mesh or components."""
    return f'<object id="{number}" {more}>{content}</object>'


def model(resources, build='<item objectid="1"/>', head='unit="micron"') -> str:
    inner = f"<resources>{resources}</resources><build>{build}</build>"
    return f'<?xml version="1.0"?><model {head} xmlns="{CORE}" xmlns:p="{PRODUCTION}">{inner}</model>'


def move(x=0.0, y=0.0, z=0.0, scale=(1.0, 1.0, 1.0)) -> str:
    """A transform that scales (mirrors, where below 0) and moves."""
    a, b, c = scale
    return f'transform="{a} 0 0 0 {b} 0 0 0 {c} {x} {y} {z}"'


PACKAGE = {
    "[Content_Types].xml": '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>',
    "_rels/.rels": '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r0" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel" Target="/3D/3dmodel.model"/>'
    "</Relationships>",
}


def write(path, main, parts=None):
    """Write a package with this main part, and others by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**PACKAGE, "3D/3dmodel.model": main, **(parts or {})}.items():
            archive.writestr(name, text)
    path.write_bytes(buffer.getvalue())
    return path


def ranges(*volumes, number=1, more="") -> str:
    """A side file that gives volumes of one object by triangles: (type, name, count of triangles)."""
    ends = np.cumsum([0] + [count for *_, count in volumes])
    text = "".join(
        f'<volume firstid="{a}" lastid="{b - 1}"><metadata type="volume" key="name" value="{escape(name, QUOTE)}"/>'
        f'<metadata type="volume" key="volume_type" value="{kind}"/>'
        '<metadata type="volume" key="matrix" value="9 0 0 5 0 9 0 5 0 0 9 5 0 0 0 1"/>'  # how it came to its place: not to be applied
        '<mesh edges_fixed="0" degenerate_facets="0" facets_removed="0" facets_reversed="0" backwards_edges="0"/></volume>'
        for (kind, name, _), (a, b) in zip(volumes, pairwise(ends.tolist()), strict=True)
    )
    head = f'<object id="{number}" instances_count="1"><metadata type="object" key="name" value="thing"/>'
    return f'<?xml version="1.0"?>\n<config>{head}{more}{text}</object></config>'


def settings(*parts, number=9, more="", after="") -> str:
    """A side file that gives parts of one object by their numbers: (number, subtype, name)."""
    text = "".join(
        f'<part id="{n}" subtype="{kind}"><metadata key="name" value="{escape(name, QUOTE)}"/>'
        '<metadata key="matrix" value="9 0 0 5 0 9 0 5 0 0 9 5 0 0 0 1"/>'
        '<metadata key="extruder" value="2"/><mesh_stat edges_fixed="0" backwards_edges="0"/></part>'
        for n, kind, name in parts
    )
    head = f'<object id="{number}"><metadata key="name" value="thing"/><metadata key="extruder" value="1"/>'
    return f'<?xml version="1.0"?><config>{head}{more}{text}</object>{after}</config>'


def ranged_project(path, volumes, build='<item objectid="1"/>', more=""):
    """Write a project of one object: (type, name, solid)."""
    main = model(obj(1, mesh_xml(*(solid for *_, solid in volumes))), build)
    return write(path, main, {RANGES: ranges(*((kind, name, len(solid.faces)) for kind, name, solid in volumes), more=more)})


KINDS = {
    "ModelPart": "normal_part",
    "NegativeVolume": "negative_part",
    "ParameterModifier": "modifier_part",
    "SupportEnforcer": "support_enforcer",
    "SupportBlocker": "support_blocker",
}


def parts_project(path, volumes, build='<item objectid="9"/>', more=""):
    """Write the same project as components, in a model part of their own, as its slicers do: what is no part is of type other."""
    meshes = "".join(
        obj(n, mesh_xml(solid), f'type="{"model" if kind == "ModelPart" else "other"}"') for n, (kind, _, solid) in enumerate(volumes, 1)
    )
    inner = [(n, 'p:path="/3D/Objects/object_1.model"') for n in range(1, len(volumes) + 1)]
    side = settings(*((n, KINDS[kind], name) for n, (kind, name, _) in enumerate(volumes, 1)), more=more)
    return write(path, model(obj(9, components(*inner)), build), {"3D/Objects/object_1.model": model(meshes, ""), PARTS: side})


def cubes(*boxes):
    """Boxes from (low, high)."""
    return [box(low, high) for low, high in boxes]
