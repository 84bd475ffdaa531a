"""3MF slice stack (core 1.3, slice extension 1.0.2): the parts' mesh, and for every slab the polygons in its middle; mm.

Polygons are closed; the positive fill rule makes solid what has a winding number above 0, as `Contours` have it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pmsl.core.contours import Contours
from pmsl.errors import JobError
from pmsl.formats.container.containers import ZIP_DATE, ZipSource
from pmsl.formats.contourfiles.xml_stream import Collector, parse
from pmsl.formats.protocol import FileSignature, WriteOptions
from pmsl.job.print_job import PrintJob
from pmsl.version import __version__

MODEL = "3D/3dmodel.model"
CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
SLICE = "http://schemas.microsoft.com/3dmanufacturing/slice/2015/07"
FILES = {
    "[Content_Types].xml": '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>',
    "_rels/.rels": '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Target="/{MODEL}" Id="rel0" Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>',
}
MANY = 4096  # lines written at a time


def recognises(seen: FileSignature) -> bool:
    """Tell by the model in the package."""
    return MODEL in seen.names


def write_draft(job: PrintJob, path: Path, options: WriteOptions) -> None:
    """Write the package; the model goes through the compressor piece by piece."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, text in FILES.items():
            package.writestr(_entry(name), text)
        with package.open(_entry(MODEL), "w", force_zip64=True) as raw, io.TextIOWrapper(raw, "ascii", newline="\n") as file:
            for lines in _model(job, options):
                file.write(lines)


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, ZIP_DATE)
    info.create_system, info.external_attr, info.compress_type = 3, 0o644 << 16, zipfile.ZIP_DEFLATED
    return info


def _model(job: PrintJob, options: WriteOptions) -> Iterator[str]:
    """Yield the model's XML: the slices first, for what refers to them must come later."""
    low = "" if options.with_design else ' requiredextensions="s"'
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<model unit="millimeter" xml:lang="en-US" xmlns="{CORE}" xmlns:s="{SLICE}"{low}>\n'
    yield f'<metadata name="Application">pmsl {__version__}</metadata>\n<resources>\n<s:slicestack id="1" zbottom="0">\n'
    yield from _slices(job, options)
    resolution = "fullres" if options.with_design else "lowres"
    yield f'</s:slicestack>\n<object id="2" type="model" s:slicestackid="1" s:meshresolution="{resolution}">\n<mesh>\n<vertices>\n'
    vertices, faces = _mesh(job) if options.with_design else _box(job)
    for first in range(0, len(vertices), MANY):
        rows = (vertices[first : first + MANY] * 1e-3).tolist()
        yield "".join(f'<vertex x="{x:.9g}" y="{y:.9g}" z="{z:.9g}"/>\n' for x, y, z in rows)
    yield "</vertices>\n<triangles>\n"
    for first in range(0, len(faces), MANY):
        yield "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>\n' for a, b, c in faces[first : first + MANY].tolist())
    yield '</triangles>\n</mesh>\n</object>\n</resources>\n<build>\n<item objectid="2"/>\n</build>\n</model>\n'


def _slices(job: PrintJob, options: WriteOptions) -> Iterator[str]:
    assert options.contours_of is not None
    k = 0
    for block in options.contours_of(job):
        for i in range(block.n_layers):
            yield f'<s:slice ztop="{float(job.grid.z_edges_um[k + 1]) * 1e-3:.9g}">\n{_polygons(block.rings(i))}</s:slice>\n'
            k += 1
            if options.progress is not None:
                options.progress(k, job.n_layers)


def _polygons(rings: list[np.ndarray]) -> str:
    """Return vertices and polygons of a slice; nothing but its height is left of an empty one."""
    if not rings:
        return ""
    points = (np.concatenate(rings) * 1e-3).tolist()
    out = ["<s:vertices>\n", *(f'<s:vertex x="{x:.9g}" y="{y:.9g}"/>\n' for x, y in points), "</s:vertices>\n"]
    first = 0
    for ring in rings:
        last = first + len(ring)
        out.append(f'<s:polygon startv="{first}">')
        out += [f'<s:segment v2="{v}"/>' for v in (*range(first + 1, last), first)]
        out.append("</s:polygon>\n")
        first = last
    return "".join(out)


def _mesh(job: PrintJob) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices [µm] and faces of all placed parts, solid inside; equal corners are one, faces without area are left out."""
    vertices, faces, n = [], [], 0
    for part in job.design:
        corners, same = np.unique(part.placed_um(), axis=0, return_inverse=True)
        found = same.reshape(-1)[part.solid.faces[:, ::-1] if part.mirrored else part.solid.faces]
        a, b, c = found.T
        vertices.append(corners)
        faces.append(found[(a != b) & (b != c) & (c != a)] + n)
        n += len(corners)
    return np.concatenate(vertices), np.concatenate(faces)


def _box(job: PrintJob) -> tuple[np.ndarray, np.ndarray]:
    """Return the box of all parts: what stands for the mesh where it is left out."""
    low = np.min([p.bounds_um[0] for p in job.parts], axis=0)
    high = np.max([p.bounds_um[1] for p in job.parts], axis=0)
    corners = np.array([[low[0], low[1]], [high[0], low[1]], [high[0], high[1]], [low[0], high[1]]])
    vertices = np.vstack([np.column_stack([corners, np.full(4, z)]) for z in (low[2], high[2])])
    sides = [f for i in range(4) for f in ([i, (i + 1) % 4, i + 4], [(i + 1) % 4, (i + 1) % 4 + 4, i + 4])]
    return vertices, np.array([[0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7], *sides])


def has_slices(path: Path) -> bool:
    """Tell whether a file is a package with a slice stack; what cannot be read has none."""
    return b"slicestack" in _model_of(path)


def stands_in(path: Path) -> bool:
    """Tell whether the mesh of a package only stands for its slices."""
    return b'meshresolution="lowres"' in _model_of(path)


def _model_of(path: Path) -> bytes:
    try:
        return ZipSource(path).read(MODEL)
    except JobError:
        return b""


def read_contours(path: Path) -> Contours:
    """Read the first slice stack of a package; polygons must be closed."""
    found = _Finder()
    parse(ZipSource(path).read(MODEL), found.start, found.end, str(path))
    if not found.seen:
        raise JobError(f"{path}: a 3MF file without a slice stack; it is a mesh: slice it")
    return found.layers.contours(str(path))


class _Finder:
    """Collects the slices of the first stack."""

    def __init__(self) -> None:
        self.layers = Collector()
        self.seen = self._inside = False
        self._unit = 1e3
        self._top_um = 0.0
        self._points: list[tuple[float, float]] = []
        self._order: list[int] = []
        self._rings: list[list[int]] = []

    def start(self, name: str, attributes: dict[str, Any]) -> None:
        """Take what an element says."""
        if name == "model" and attributes.get("unit", "millimeter") != "millimeter":
            raise ValueError(f"its unit is {attributes['unit']}, not millimeter")
        if name == "slicestack":
            self._inside, self.seen = not self.seen, True
        if not self._inside:
            return
        if name == "slice":
            self._top_um = round(float(attributes["ztop"]) * self._unit, 6)
            self._points, self._rings = [], []
        elif name == "vertex":
            self._points.append((float(attributes["x"]), float(attributes["y"])))
        elif name == "polygon":
            self._order = [int(attributes["startv"])]
        elif name == "segment":
            self._order.append(int(attributes["v2"]))

    def end(self, name: str) -> None:
        """Close a polygon, a slice or the stack."""
        if not self._inside:
            return
        if name == "polygon":
            if self._order[-1] != self._order[0] or min(self._order) < 0 or max(self._order) >= len(self._points):
                raise ValueError("a polygon is open, or names a vertex that is not there")
            self._rings.append(self._order[:-1])
        elif name == "slice":
            points = np.array(self._points, np.float64).reshape(-1, 2) * self._unit
            self.layers.layer([points[ring] for ring in self._rings], self._top_um)
        elif name == "slicestack":
            self._inside = False
