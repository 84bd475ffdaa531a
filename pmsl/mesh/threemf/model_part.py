"""One 3MF model part: XML read as a stream of elements, numbers checked, nothing resolved yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO
from xml.parsers import expat

import numpy as np

from pmsl.mesh.readers.common import BadNumber, parse_floats
from pmsl.mesh.threemf.objects import Instance, Model, Object, ThreeMfError

# extensions that may be required without changing the shape of a mesh
KNOWN_EXTENSIONS = ("/core/", "/production/", "/material/", "/slice/", "/trianglesets/")
BEAMS = "/beamlattice/"

AT_ONCE = 3 << 14  # texts kept until they are made numbers
LONGEST_INDEX = 18  # digits
LONGEST_TRANSFORM = 4096  # characters
BLOCK_BYTES, LONGEST_TAG = 1 << 18, 1 << 20
MOST_NODES = 60_000  # objects, components and build items of a model part: each takes a hundred times its bytes in memory
FLAT = 1e-12  # determinant beside that of axes at right angles
MARKS = ("anti_overhang_mesh", "support_mesh", "infill_mesh", "cutting_mesh")  # metadata of objects that are no material (Cura)

START_PART = "/3dmodel"  # how the type of the relationship to the start part ends


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
    parser.CharacterDataHandler = reader.text
    parser.StartNamespaceDeclHandler = reader.namespace
    parser.StartDoctypeDeclHandler = refuse_doctype
    parse_xml(parser, stream, part)
    return reader.model


def parse_xml(parser: expat.XMLParserType, stream: IO[bytes], part: str) -> None:
    """Feed a parser; a tag that never ends is refused, as the parser would look through all of it again with every block.

    Raises
    ------
    Damage, xml.parsers.expat.ExpatError
    """
    read = 0
    while block := stream.read(BLOCK_BYTES):
        parser.Parse(block, False)
        read += len(block)
        if read - parser.CurrentByteIndex > LONGEST_TAG + BLOCK_BYTES:
            raise ThreeMfError(f"part {part!r} has a tag of more than {LONGEST_TAG} bytes")
    parser.Parse(b"", True)


def start_parts(text: bytes) -> list[str]:
    """Return what the relationships of a package name as start parts.

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
    parser.StartDoctypeDeclHandler = refuse_doctype
    parser.Parse(text, True)
    return targets


def _known(uri: str) -> bool:
    """Tell whether an extension leaves the shape of a mesh as it is, or is refused where it is used."""
    return BEAMS in uri or any(known in uri for known in KNOWN_EXTENSIONS)


def _flattens(matrix: np.ndarray) -> bool:
    """Tell whether a (3, 3) matrix leaves no volume, whatever its scale."""
    largest = np.abs(matrix).max(axis=1, keepdims=True)
    if not largest.all():
        return True
    rows = matrix / largest
    return bool(abs(np.linalg.det(rows)) <= FLAT * np.prod(np.linalg.norm(rows, axis=1)))


def refuse_doctype(*_: object) -> None:
    """Refuse a DOCTYPE: its entities can make any amount of text."""
    raise ThreeMfError("a part with a DOCTYPE, which 3MF forbids")


class _Reader:
    """Handlers of the XML stream; elements outside the core namespace are looked at only where they hold geometry."""

    def __init__(self, part: str) -> None:
        self.part = part
        self.model = Model()
        self.prefixes: dict[str, str] = {}
        self.core: str | None = None
        self.id = ""
        self.current: Object | None = None
        self.unknown: dict[str, str] = {}  # name of an element, its namespace
        self.nodes = 0
        self.metadata: tuple[str, list[str]] | None = None  # of an object: name, and text so far
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
            raise ThreeMfError(f"{self.part}: a <{name.rpartition(' ')[2]}> without {error}{self._where()}") from error

    def end(self, name: str) -> None:
        handler = self.ends.get(name)
        if handler is not None:
            handler()

    def _where(self) -> str:
        return f" in object {self.id!r}" if self.current is not None else ""

    def _root(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if local != "model":
            raise ThreeMfError(f"{self.part}: begins with <{local}>, not with <model>")
        self.core = f"{space} " if space else ""
        self.model.unit = attributes.get("unit", "")
        for prefix in attributes.get("requiredextensions", "").split():
            uri = self.prefixes.get(prefix, prefix)
            if not _known(uri):
                raise ThreeMfError(f"it requires the extension {uri!r}, which is not supported", "export it as plain triangles")
        recommended = (self.prefixes.get(prefix, prefix) for prefix in attributes.get("recommendedextensions", "").split())
        self.model.unknown = [uri for uri in recommended if not _known(uri)]
        starts = {
            "object": self._object,
            "vertex": self._vertex,
            "triangle": self._triangle,
            "component": self._component,
            "item": self._item,
            "metadata": self._metadata,
        }
        self.starts = {self.core + key: value for key, value in starts.items()}
        self.ends = {self.core + "object": self._close, self.core + "metadata": self._marked}

    def text(self, some: str) -> None:
        if self.metadata is not None:
            self.metadata[1].append(some)

    def _node(self) -> None:
        """Count what takes memory by itself."""
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise ThreeMfError(
                f"{self.part}: more than {MOST_NODES} objects, components and build items",
                "save copies as one mesh, or place them with --copies",
            )

    def _metadata(self, a: dict[str, str]) -> None:
        name = a.get("name", "").rpartition(":")[2]
        self.metadata = (name, []) if self.current is not None and name in MARKS else None

    def _marked(self) -> None:
        if self.current is not None and self.metadata is not None and "".join(self.metadata[1]).strip().lower() in ("true", "1"):
            self.current.mark = self.metadata[0]
        self.metadata = None

    def _object(self, a: dict[str, str]) -> None:
        self._node()
        self.id = a["id"]
        if self.id in self.model.objects:
            raise ThreeMfError(f"{self.part}: two objects of the number {self.id!r}")
        self.current = Object(kind=a.get("type", "model"), name=a.get("name", ""))
        self.unknown, self.coordinates, self.points, self.indices, self.triangles = {}, [], [], [], []
        if any(key.endswith("meshresolution") and value == "lowres" for key, value in a.items()):
            self.current.trouble = f"object {self.id!r} is a low-resolution stand-in for slices, which are not supported"

    def _vertex(self, a: dict[str, str]) -> None:
        self.coordinates += (a["x"], a["y"], a["z"])
        if len(self.coordinates) >= AT_ONCE:
            self._convert_points()

    def _triangle(self, a: dict[str, str]) -> None:
        self.indices += (a["v1"], a["v2"], a["v3"])
        if len(self.indices) >= AT_ONCE:
            self._convert_triangles()

    def _convert_points(self) -> None:
        """Make numbers of the texts read so far: texts take ten times the memory."""
        self.points.append(self._floats(self.coordinates, "coordinate").reshape(-1, 3))
        self.coordinates = []

    def _convert_triangles(self) -> None:
        for text in self.indices:
            if not text.isascii() or not text.strip().isdigit() or len(text) > LONGEST_INDEX:
                raise ThreeMfError(f"{self.part}: object {self.id!r} has the vertex index {text[:40]!r}; the file is damaged")
        self.triangles.append(np.array([int(text) for text in self.indices], np.int64).reshape(-1, 3))
        self.indices = []

    def _component(self, a: dict[str, str]) -> None:
        if self.current is not None:
            self.current.components.append(self._instance(a))

    def _item(self, a: dict[str, str]) -> None:
        if any(key.rpartition(" ")[2] == "printable" and value in ("0", "false") for key, value in a.items()):
            self._node()
            self.model.unprinted.append(a["objectid"])  # slicers keep objects that were switched off in the build
        else:
            self.model.items.append(self._instance(a))

    def _instance(self, a: dict[str, str]) -> Instance:
        self._node()
        path = next((value for key, value in a.items() if key.endswith(" path")), "")
        matrix = None
        if "transform" in a:
            if len(a["transform"]) > LONGEST_TRANSFORM:
                raise ThreeMfError(f"{self.part}: a transform of {len(a['transform'])} characters{self._where()}; it needs 12 numbers")
            values = self._floats(a["transform"].split(), "transform")
            if len(values) != 12:
                raise ThreeMfError(f"{self.part}: a transform of {len(values)} numbers{self._where()}; it needs 12")
            matrix = values.reshape(4, 3)
            if _flattens(matrix[:3]):
                raise ThreeMfError(f"{self.part}: a transform of object {a['objectid']!r} flattens it: its determinant is 0")
        return path, a["objectid"], matrix

    def _other(self, name: str, item: Object) -> None:
        local = name.rpartition(" ")[2]
        if local in ("beam", "ball"):
            item.trouble = f"object {self.id!r} is a beam lattice; beam lattice is not supported; turn the beams into triangles"
        if not self.core or not name.startswith(self.core):
            self.unknown[local] = name.rpartition(" ")[0]

    def _close(self) -> None:
        item = self.current
        if item is None:
            return
        if self.coordinates or self.indices or self.points or self.triangles:
            self._convert_points()
            self._convert_triangles()
            item.vertices = np.concatenate(self.points)
            item.faces = self._faces(len(item.vertices))
        if not len(item.faces) and not item.components and not item.trouble:
            found = f" (found: {', '.join(sorted(self.unknown))})" if self.unknown else ""
            item.trouble = f"object {self.id!r} has neither triangles nor components{found}"
        item.unread = tuple(local for local, uri in self.unknown.items() if not _known(uri))
        self.model.objects[self.id] = item
        self.current, self.points, self.triangles = None, [], []

    def _faces(self, count: int) -> np.ndarray:
        first = 0
        for block in self.triangles:
            wrong = np.flatnonzero((block >= count).any(axis=1))
            if len(wrong):
                at = int(wrong[0])
                raise ThreeMfError(f"{self.part}: triangle {first + at} of object {self.id!r} uses vertex {block[at].max()} of {count}")
            first += len(block)
        return np.concatenate([block.astype(np.int32) for block in self.triangles])

    def _floats(self, texts: list[str], what: str) -> np.ndarray:
        try:
            return parse_floats([t.strip().encode("utf-8", "replace") for t in texts])
        except BadNumber as error:
            raise ThreeMfError(f"{self.part}: {what} {error}{self._where()}") from error
