"""One 3MF model part: XML read as a stream of elements, numbers checked, nothing resolved yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

import numpy as np

from pmsl.mesh.reading import BadNumber, parse_floats

# extensions that may be required without changing the shape of a mesh
KNOWN_EXTENSIONS = ("/core/", "/production/", "/material/", "/slice/", "/trianglesets/")

AT_ONCE = 3 << 14  # texts kept until they are made numbers
LONGEST_INDEX = 18  # digits

Instance = tuple[str, str, np.ndarray | None]  # model part ("" is the same one), object id, (4, 3) matrix
START_PART = "/3dmodel"  # how the type of the relationship to the start part ends


class Damage(ValueError):
    """What is wrong with a 3MF file; `read_3mf` adds the file name."""


@dataclass(slots=True)
class Object:
    """A mesh, or components of other objects."""

    kind: str = "model"
    vertices: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    faces: np.ndarray = field(default_factory=lambda: np.empty((0, 3), dtype=np.int32))
    components: list[Instance] = field(default_factory=list)
    trouble: str = ""  # why it cannot be built; told only when it is used


@dataclass(slots=True)
class Model:
    """Unit ("" when not said), objects by id, build items."""

    unit: str = ""
    objects: dict[str, Object] = field(default_factory=dict)
    items: list[Instance] = field(default_factory=list)
    unprinted: int = 0  # build items marked as not to be printed


def parse_model(stream: IO[bytes], part: str) -> Model:
    """Parse one model part.

    Parameters
    ----------
    stream : binary file
    part : str
        Name used in messages.

    Returns
    -------
    Model

    Raises
    ------
    Damage, xml.parsers.expat.ExpatError
    """
    reader = _Reader(part)
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartNamespaceDeclHandler = reader.namespace
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.ParseFile(stream)
    return reader.model


def start_part(text: bytes) -> str | None:
    """Return what the relationships of a package name as the start part, None where they name none.

    Raises
    ------
    Damage, xml.parsers.expat.ExpatError
    """
    targets: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        kind = attributes.get("Type", "")
        if name.rpartition(" ")[2] == "Relationship" and kind.endswith(START_PART) and "Target" in attributes:
            targets.append(attributes["Target"])

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.Parse(text, True)
    return targets[0] if targets else None


def _refuse_doctype(*_: object) -> None:
    raise Damage("a part with a DOCTYPE, which 3MF forbids")


class _Reader:
    """Handlers of the XML stream; elements outside the core namespace are looked at only where they hold geometry."""

    def __init__(self, part: str) -> None:
        self.part = part
        self.model = Model()
        self.prefixes: dict[str, str] = {}
        self.core: str | None = None
        self.id = ""
        self.current: Object | None = None
        self.unknown: list[str] = []
        self.coordinates: list[str] = []
        self.points: list[np.ndarray] = []
        self.indices: list[str] = []
        self.triangles: list[np.ndarray] = []
        self.starts: dict[str, Callable[[dict[str, str]], None]] = {}
        self.ends: dict[str, Callable[[], None]] = {}

    def namespace(self, prefix: str | None, uri: str) -> None:
        self.prefixes[prefix or ""] = uri

    def start(self, name: str, attributes: dict[str, str]) -> None:
        handler = self.starts.get(name)
        try:
            if handler is not None:
                handler(attributes)
            elif self.core is None:
                self._root(name, attributes)
            elif self.current is not None:
                self._other(name, self.current)
        except KeyError as error:
            raise Damage(f"{self.part}: a <{name.rpartition(' ')[2]}> without {error}{self._where()}") from error

    def end(self, name: str) -> None:
        handler = self.ends.get(name)
        if handler is not None:
            handler()

    def _where(self) -> str:
        return f" in object {self.id!r}" if self.current is not None else ""

    def _root(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if local != "model":
            raise Damage(f"{self.part}: begins with <{local}>, not with <model>")
        self.core = f"{space} " if space else ""
        self.model.unit = attributes.get("unit", "")
        for prefix in attributes.get("requiredextensions", "").split():
            uri = self.prefixes.get(prefix, prefix)
            if "/beamlattice/" not in uri and not any(k in uri for k in KNOWN_EXTENSIONS):
                raise Damage(f"it requires the extension {uri!r}, which is not supported; export it as plain triangles")
        starts = {
            "object": self._object,
            "vertex": self._vertex,
            "triangle": self._triangle,
            "component": self._component,
            "item": self._item,
        }
        self.starts = {self.core + key: value for key, value in starts.items()}
        self.ends = {self.core + "object": self._close}

    def _object(self, a: dict[str, str]) -> None:
        self.id = a["id"]
        if self.id in self.model.objects:
            raise Damage(f"{self.part}: two objects of the number {self.id!r}")
        self.current = Object(kind=a.get("type", "model"))
        self.unknown, self.coordinates, self.points, self.indices, self.triangles = [], [], [], [], []
        if any(key.endswith("meshresolution") and value == "lowres" for key, value in a.items()):
            self.current.trouble = f"object {self.id!r} is a low-resolution stand-in for slices, which are not supported"

    def _vertex(self, a: dict[str, str]) -> None:
        self.coordinates += (a["x"], a["y"], a["z"])
        if len(self.coordinates) >= AT_ONCE:
            self._take_points()

    def _triangle(self, a: dict[str, str]) -> None:
        self.indices += (a["v1"], a["v2"], a["v3"])
        if len(self.indices) >= AT_ONCE:
            self._take_triangles()

    def _take_points(self) -> None:
        """Make numbers of the texts read so far: texts take ten times the memory."""
        self.points.append(self._floats(self.coordinates, "coordinate").reshape(-1, 3))
        self.coordinates = []

    def _take_triangles(self) -> None:
        for text in self.indices:
            if not text.isascii() or not text.strip().isdigit() or len(text) > LONGEST_INDEX:
                raise Damage(f"{self.part}: object {self.id!r} has the vertex index {text[:40]!r}; the file is damaged")
        self.triangles.append(np.array([int(text) for text in self.indices], np.int64).reshape(-1, 3))
        self.indices = []

    def _component(self, a: dict[str, str]) -> None:
        if self.current is not None:
            self.current.components.append(self._instance(a))

    def _item(self, a: dict[str, str]) -> None:
        if any(key.rpartition(" ")[2] == "printable" and value in ("0", "false") for key, value in a.items()):
            self.model.unprinted += 1  # slicers keep objects that were switched off in the build
        else:
            self.model.items.append(self._instance(a))

    def _instance(self, a: dict[str, str]) -> Instance:
        path = next((value for key, value in a.items() if key.endswith(" path")), "")
        matrix = None
        if "transform" in a:
            values = self._floats(a["transform"].split(), "transform")
            if len(values) != 12:
                raise Damage(f"{self.part}: a transform of {len(values)} numbers{self._where()}; it needs 12")
            matrix = values.reshape(4, 3)
        return path, a["objectid"], matrix

    def _other(self, name: str, item: Object) -> None:
        local = name.rpartition(" ")[2]
        if local in ("beam", "ball"):
            item.trouble = f"object {self.id!r} is a beam lattice; beam lattice is not supported; turn the beams into triangles"
        if not self.core or not name.startswith(self.core):
            self.unknown.append(local)

    def _close(self) -> None:
        item = self.current
        if item is None:
            return
        self._take_points()
        self._take_triangles()
        item.vertices = np.concatenate(self.points)
        item.faces = self._faces(len(item.vertices))
        if not len(item.faces) and not item.components and not item.trouble:
            found = f" (found: {', '.join(sorted(set(self.unknown)))})" if self.unknown else ""
            item.trouble = f"object {self.id!r} has neither triangles nor components{found}"
        self.model.objects[self.id] = item
        self.current, self.points, self.triangles = None, [], []

    def _faces(self, count: int) -> np.ndarray:
        first = 0
        for block in self.triangles:
            wrong = np.flatnonzero((block >= count).any(axis=1))
            if len(wrong):
                at = int(wrong[0])
                raise Damage(f"{self.part}: triangle {first + at} of object {self.id!r} uses vertex {block[at].max()} of {count}")
            first += len(block)
        return np.concatenate([block.astype(np.int32) for block in self.triangles])

    def _floats(self, texts: list[str], what: str) -> np.ndarray:
        try:
            return parse_floats([t.strip().encode("utf-8", "replace") for t in texts])
        except BadNumber as error:
            raise Damage(f"{self.part}: {what} {error}{self._where()}") from error
