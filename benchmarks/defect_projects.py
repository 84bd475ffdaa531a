"""3MF files that name what is no material: volumes of slicer projects, objects of other types. Each is one object of several meshes."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

CORE = 'xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02"'
TYPES = "http://schemas.openxmlformats.org/package/2006"
START = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"
PACKAGE = {
    "[Content_Types].xml": f'<?xml version="1.0" encoding="UTF-8"?><Types xmlns="{TYPES}/content-types">'
    f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>',
    "_rels/.rels": f'<?xml version="1.0" encoding="UTF-8"?><Relationships xmlns="{TYPES}/relationships">'
    f'<Relationship Target="/3D/3dmodel.model" Id="rel-1" Type="{START}"/></Relationships>',
}
# how one family calls volumes, and the other
PART_NAMES = {
    "ModelPart": "normal_part",
    "NegativeVolume": "negative_part",
    "ParameterModifier": "modifier_part",
    "SupportBlocker": "support_blocker",
    "SupportEnforcer": "support_enforcer",
}
Volumes = Sequence[tuple[str, np.ndarray]]  # what each is for, its corners (F, 3, 3) [mm]


def triangle_ranges(path: Path, volumes: Volumes) -> None:
    """Write a project as PrusaSlicer and SuperSlicer do: one mesh, volumes by their triangles."""
    ends = np.cumsum([0] + [len(corners) for _, corners in volumes])
    text = "".join(
        f'<volume firstid="{first}" lastid="{last - 1}"><metadata type="volume" key="name" value="{kind}"/>'
        f'<metadata type="volume" key="volume_type" value="{kind}"/></volume>'
        for (kind, _), first, last in zip(volumes, ends[:-1], ends[1:], strict=True)
    )
    objects = f'<object id="1" type="model">{_mesh(np.concatenate([corners for _, corners in volumes]))}</object>'
    _write(path, objects, 1, {"Metadata/Slic3r_PE_model.config": f'<config><object id="1" instances_count="1">{text}</object></config>'})


def component_parts(path: Path, volumes: Volumes) -> None:
    """Write a project as Bambu Studio and OrcaSlicer do: a component for each volume, those that are no material of type other."""
    text = "".join(
        f'<part id="{n}" subtype="{PART_NAMES[kind]}"><metadata key="name" value="{kind}"/></part>'
        for n, (kind, _) in enumerate(volumes, 1)
    )
    objects, number = _components(volumes)
    _write(path, objects, number, {"Metadata/model_settings.config": f'<config><object id="{number}">{text}</object></config>'})


def other_types(path: Path, volumes: Volumes) -> None:
    """Write plain 3MF: components, those that are no material of type other, and nothing that says more."""
    objects, number = _components(volumes)
    _write(path, objects, number, {})


def _components(volumes: Volumes) -> tuple[str, int]:
    objects = "".join(
        f'<object id="{n}" type="{"model" if kind == "ModelPart" else "other"}">{_mesh(corners)}</object>'
        for n, (kind, corners) in enumerate(volumes, 1)
    )
    number = len(volumes) + 1
    references = "".join(f'<component objectid="{n}"/>' for n in range(1, number))
    return objects + f'<object id="{number}" type="model"><components>{references}</components></object>', number


def _mesh(corners: np.ndarray) -> str:
    """Write a mesh with joined vertices, rounded to float32 as the STL files of the other rows are."""
    points, ids = np.unique(corners.reshape(-1, 3).astype(np.float32), axis=0, return_inverse=True)
    vertices = "".join(f'<vertex x="{x!r}" y="{y!r}" z="{z!r}"/>' for x, y, z in points.astype(np.float64).tolist())
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in ids.reshape(-1, 3).tolist())
    return f"<mesh><vertices>{vertices}</vertices><triangles>{triangles}</triangles></mesh>"


def _write(path: Path, objects: str, number: int, more: dict[str, str]) -> None:
    model = f'<?xml version="1.0" encoding="UTF-8"?><model unit="millimeter" {CORE}><resources>{objects}</resources>'
    model += f'<build><item objectid="{number}"/></build></model>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {**PACKAGE, "3D/3dmodel.model": model, **more}.items():
            archive.writestr(name, text)


Writer = Callable[[Path, Volumes], None]
