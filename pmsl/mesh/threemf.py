"""3MF: a zip of XML model parts; objects, components and build items with their transforms.

Read by us because trimesh loses geometry without a word: of two build items with one part number it
keeps one, objects of one number in two model parts run together, build items of other model parts and
undefined objects vanish.
"""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from contextlib import suppress
from io import BytesIO
from xml.parsers.expat import ExpatError

import numpy as np

from pmsl.core.finding import Finding
from pmsl.errors import MeshError
from pmsl.mesh.reading import RawMesh, brief, scale
from pmsl.mesh.threemf_model import Damage, Model, Object, parse_model, start_part

UNITS_3MF: dict[str, tuple[str, float]] = {
    "micron": ("um", 1.0),
    "millimeter": ("mm", 1e3),
    "centimeter": ("cm", 1e4),
    "meter": ("m", 1e6),
    "inch": ("inch", 25400.0),
    "foot": ("foot", 304800.0),
}
LIMIT = 200_000_000  # triangles after unfolding; a few lines of nested components can ask for any number
SOLID_TYPES = ("model", "solidsupport")
RELATIONSHIPS, MOST_RELATIONSHIPS = "_rels/.rels", 1 << 20
FREE_BYTES, RATIO, MOST_BYTES = 1 << 26, 64, 1 << 32  # a model part may unpack to so many, or times what it takes, up to an end
Key = tuple[str, str]  # model part, object id


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
        Vertices per instance as in the file, transformed; the winding is turned where a transform mirrors.

    Raises
    ------
    MeshError
        A damaged archive, a model that is not well-formed or not complete, or geometry that is not triangles (beam lattices).
    """
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            package = _Package(archive)
            with np.errstate(over="ignore", invalid="ignore"):  # what is no number any more is refused by `load_solid`
                vertices, faces, left_out = _unfold(package)
            unused = package.unused()
    except (Damage, ExpatError) as error:
        raise MeshError(f"{name}: {brief(error)}; export it again") from error
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, RuntimeError, LookupError, ValueError) as error:
        raise MeshError(f"{name}: the archive is damaged or not a 3MF ({brief(error)}); export or copy it again") from error
    used, factor = UNITS_3MF[package.unit]
    return RawMesh(vertices_um=scale(vertices, factor), faces=faces, unit=used, findings=_findings(name, unit, used, left_out, unused))


def _findings(name: str, given: str, used: str, left_out: int, unused: int) -> tuple[Finding, ...]:
    found = []
    if used != given:
        message = f"{name}: the file gives its unit as {used}, which wins over {given!r}"
        found.append(Finding(code="unit-from-file", severity="info", message=message))
    if left_out:
        message = f"{name}: {left_out} build items are support or surface objects, or marked as not printed; they were left out"
        found.append(Finding(code="objects-left-out", severity="warning", message=message, value=float(left_out), unit="items"))
    if unused:
        message = f"{name}: {unused} objects of the file are not in its build; they are not printed"
        found.append(Finding(code="objects-not-built", severity="info", message=message, value=float(unused), unit="objects"))
    return tuple(found)


class _Package:
    """The archive: model parts parsed when first needed."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.names = {n.lower().lstrip("/"): n for n in archive.namelist()}
        self.models: dict[str, Model] = {}
        self.used: set[Key] = set()
        self.root = self._root()
        self.unit = self.model(self.root).unit or "millimeter"
        if self.unit not in UNITS_3MF:
            raise Damage(f"unit {self.unit!r} is not one of {', '.join(UNITS_3MF)}")

    def _root(self) -> str:
        """Return the start part: what the package relationships name, else the usual place."""
        named = start_part(self._read(RELATIONSHIPS)) if RELATIONSHIPS in self.names else None
        return _part(named) if named else "3d/3dmodel.model"

    def _read(self, part: str) -> bytes:
        self._check_size(part, MOST_RELATIONSHIPS)
        return self.archive.read(self.names[part])

    def _check_size(self, part: str, most: int) -> None:
        """Refuse what unpacks to more than a part of that packed size may have; `zipfile` reads no further than the size it is told."""
        size = self.archive.getinfo(self.names[part]).file_size
        if size > most:
            raise Damage(f"part {part!r} unpacks to {size} bytes, at most {most} are read of one that is packed like this")

    def model(self, part: str) -> Model:
        if part not in self.models:
            if part not in self.names:
                raise Damage(f"the archive has no 3D model part {part!r}")
            packed = self.archive.getinfo(self.names[part]).compress_size
            self._check_size(part, min(max(FREE_BYTES, RATIO * packed), MOST_BYTES))
            with self.archive.open(self.names[part]) as stream:  # reading to the end checks the CRC
                self.models[part] = parse_model(stream, part)
            own = self.models[part].unit
            if part != getattr(self, "root", part) and own and own != self.unit:
                raise Damage(f"model part {part!r} is in {own}, the main part in {self.unit}")
        return self.models[part]

    def object(self, key: Key) -> Object:
        self.used.add(key)
        found = self.model(key[0]).objects.get(key[1])
        if found is None:
            raise Damage(f"object {key[1]!r} of model part {key[0]!r} is used but not defined")
        if found.trouble and found.kind in SOLID_TYPES:
            raise Damage(found.trouble)
        return found

    def unused(self) -> int:
        """Count the objects with triangles, of the parts that were read, that no build item leads to."""
        return sum(
            len(o.faces) > 0 and (part, number) not in self.used for part, m in self.models.items() for number, o in m.objects.items()
        )


def _part(path: str) -> str:
    return posixpath.normpath(path.lower()).lstrip("/")


def _unfold(package: _Package) -> tuple[np.ndarray, np.ndarray, int]:
    """Return all build items as one mesh in file units, and how many items are no solids."""
    root = package.model(package.root)
    if not root.items:
        switched_off = f"; {root.unprinted} are marked as not printed" if root.unprinted else ""
        raise Damage(f"nothing to build: the model has no build items{switched_off}")
    counts: dict[Key, int] = {}
    items = [((_part(path) if path else package.root, number), matrix) for path, number, matrix in root.items]
    solids = [(key, matrix) for key, matrix in items if package.object(key).kind in SOLID_TYPES]
    for key, _ in items:
        if package.object(key).kind not in SOLID_TYPES:
            with suppress(Damage):  # what is left out need not be whole, but what it is made of is in the build
                _count(package, key, {}, ())
    total = sum(_count(package, key, counts, ()) for key, _ in solids)
    if total == 0:
        raise Damage("no triangle in its build items")
    if total > LIMIT:
        raise Damage(f"{total} triangles after its components are unfolded; the limit is {LIMIT}")
    vertices: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    for key, matrix in solids:
        _place(package, key, matrix, counts, vertices, faces)
    starts = np.cumsum([0] + [len(v) for v in vertices])
    if starts[-1] > np.iinfo(np.int32).max:
        raise Damage(f"{starts[-1]} vertices after its components are unfolded; too many")
    joined = np.concatenate([f + np.int32(s) for f, s in zip(faces, starts[:-1], strict=True)])
    return np.concatenate(vertices), joined, len(items) - len(solids) + root.unprinted


def _count(package: _Package, key: Key, counts: dict[Key, int], above: tuple[Key, ...]) -> int:
    """Return the triangles below an object, each object visited once."""
    if key in above or len(above) > 100:
        raise Damage(f"object {key[1]!r} contains itself or is nested too deep")
    if key not in counts:
        item = package.object(key)
        below = [_count(package, _below(key, path, number), counts, (*above, key)) for path, number, _ in item.components]
        counts[key] = len(item.faces) + sum(below)
    return counts[key]


def _below(key: Key, path: str, number: str) -> Key:
    return (_part(path) if path else key[0], number)


def _place(
    package: _Package, key: Key, matrix: np.ndarray | None, counts: dict[Key, int], vertices: list[np.ndarray], faces: list[np.ndarray]
) -> None:
    """Append the meshes below an object, placed by `matrix` ((4, 3), row vectors; None leaves them)."""
    if counts[key] == 0:
        return
    item = package.object(key)
    if len(item.faces):
        mirrors = matrix is not None and np.linalg.det(matrix[:3]) < 0
        vertices.append(_transform(item.vertices, matrix))
        faces.append(item.faces[:, ::-1] if mirrors else item.faces)
    for path, number, own in item.components:
        _place(package, _below(key, path, number), _chain(own, matrix), counts, vertices, faces)


def _chain(inner: np.ndarray | None, outer: np.ndarray | None) -> np.ndarray | None:
    """Return the matrix that applies `inner`, then `outer`."""
    if inner is None or outer is None:
        return outer if inner is None else inner
    chained: np.ndarray = inner[:, :1] * outer[0] + inner[:, 1:2] * outer[1] + inner[:, 2:] * outer[2]  # no BLAS: same bits everywhere
    chained[3] += outer[3]
    return chained


def _transform(v: np.ndarray, m: np.ndarray | None) -> np.ndarray:
    """Apply a (4, 3) matrix to row vectors, written out so that equal vertices stay equal bit for bit."""
    if m is None:
        return v
    return np.stack([v[:, 0] * m[0, j] + v[:, 1] * m[1, j] + v[:, 2] * m[2, j] + m[3, j] for j in range(3)], axis=1)
