"""3MF: a zip of XML model parts; objects, components and build items with their transforms.

    archive ──► Package ──► Build ──► one mesh
      model parts ─┘          └── volumes of slicer projects: parts less negative volumes

Read by us because trimesh loses geometry without a word: of two build items with one part number it
keeps one, objects of one number in two model parts run together, build items of other model parts and
undefined objects vanish.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from xml.parsers.expat import ExpatError

import numpy as np

from pmsl.core.finding import Finding
from pmsl.errors import MeshError
from pmsl.mesh.readers.common import RawMesh, brief
from pmsl.mesh.threemf.build import Build, in_words
from pmsl.mesh.threemf.objects import ThreeMfError
from pmsl.mesh.threemf.package import UNITS_3MF, Package
from pmsl.mesh.threemf.project_volumes import listed


def read_3mf(data: bytes, name: str, unit: str) -> RawMesh:
    """Read a 3MF file: every build item, placed by its transform.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        Name used in messages.
    unit : str
        What the caller expects; the unit in the file wins.

    Returns
    -------
    RawMesh
        Vertices per instance as in the file, transformed; the winding is turned where a transform mirrors. Objects of type support,
        surface and other, and volumes of slicer projects that are no material, are left out; negative volumes are subtracted.

    Raises
    ------
    MeshError
        A damaged archive, a model or side file that is not well-formed or not complete, geometry that is not triangles (beam
        lattices), more instances than `pmsl.mesh.threemf.build.MOST_INSTANCES`, or nothing to print.
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            package = Package(archive)
            used, factor = UNITS_3MF[package.unit]
            build = Build(package, name, factor)
            with np.errstate(over="ignore", invalid="ignore"):  # what is no number any more is refused by `load_solid`
                vertices, faces = build.unfold()
            findings = tuple(_findings(build, unit, used))
    except ThreeMfError as error:
        raise MeshError(f"{name}: {brief(error)}; {error.remedy}") from error
    except ExpatError as error:
        raise MeshError(f"{name}: {brief(error)}; export it again") from error
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, LookupError, ValueError) as error:
        raise MeshError(f"{name}: the archive is damaged or not a 3MF ({brief(error)}); export or copy it again") from error
    return RawMesh(vertices_um=vertices, faces=faces, unit=used, findings=findings, repairs=tuple(build.repairs))


def _findings(build: Build, given: str, used: str) -> Iterator[Finding]:
    """Yield what a user has to know of the file: above all what of it is not printed."""
    package, name = build.package, build.name
    if used != given:
        yield Finding(
            code="unit-from-file", severity="info", message=f"{name}: the file gives its unit as {used}, which wins over {given!r}"
        )
    for left_out, code, what in (
        (build.left_out, "objects-left-out", "objects"),
        (build.volumes_left_out, "volumes-left-out", "volumes"),
    ):
        if total := sum(left_out.values()):
            message = f"{name}: {what} that are not printed were left out: {in_words(left_out)}"
            yield Finding(code=code, severity="warning", message=message, value=float(total), unit=what)
    if total := sum(build.repeated.values()):
        message = f"{name}: {total} objects lie where the same one lies already ({listed(list(build.repeated))}); each is printed once"
        yield Finding(code="repeated-objects", severity="warning", message=message, value=float(total), unit="objects")
    yield from build.findings
    if build.solid_supports:
        message = f"{name}: {build.solid_supports} objects of type solidsupport are printed like the model"
        yield Finding(code="solid-supports", severity="info", message=message, value=float(build.solid_supports), unit="objects")
    if unused := package.unused():
        message = f"{name}: {unused} objects of the file are not in its build; they are not printed"
        yield Finding(code="objects-not-built", severity="info", message=message, value=float(unused), unit="objects")
    yield from _unread(package, name)


def _unread(package: Package, name: str) -> Iterator[Finding]:
    """Yield what the file names and pmsl does not read."""
    settings = package.unread()
    if settings:
        message = (
            f"{name}: the slicer project's {listed(settings, quoted=True)} are not read; make them part of the mesh if they are needed"
        )
        yield Finding(code="project-settings", severity="warning", message=message)
    if package.project.plates > 1:
        message = f"{name}: the slicer project has {package.project.plates} plates; the objects of all are read, where they lie"
        yield Finding(code="project-plates", severity="info", message=message, value=float(package.project.plates), unit="plates")
    if len(package.starts) > 1:
        message = f"{name}: the archive names {len(package.starts)} start parts; only the first, {package.root!r}, was read"
        yield Finding(code="start-parts", severity="warning", message=message, value=float(len(package.starts)), unit="parts")
    elif parts := package.parts_unread():
        message = f"{name}: nothing leads to {len(parts)} model parts ({listed(parts)}); they are not printed"
        yield Finding(code="parts-not-built", severity="info", message=message, value=float(len(parts)), unit="parts")
    elements = sorted({e for key in package.used for e in package.model(key[0]).objects[key[1]].unread})
    unknown = sorted({uri for model in package.models.values() for uri in model.unknown})
    if elements or unknown:
        what = " and ".join(
            text for text in (elements and f"elements {listed(elements)}", unknown and f"extensions {listed(unknown)}") if text
        )
        message = f"{name}: {what} are not read; if they change the shape, export plain triangles"
        yield Finding(code="extensions-not-read", severity="warning", message=message)
