"""OFF, ASCII: read by trimesh, after what it would lose without a word is refused: lines cut short, and vertices of four numbers."""

from __future__ import annotations

import re

from pmsl.errors import MeshError
from pmsl.mesh.readers.common import UNITS_UM, RawMesh, plain_text, scale
from pmsl.mesh.trimesh_exchange import arrays_of, read_with_trimesh

_HEADER = re.compile(rb"(ST)?(C)?(N)?OFF(?![A-Za-z])\s*")  # texture, colour, normal; not 4OFF and nOFF, of other dimensions
_COMMENT = re.compile(rb"#[^\n]*")


def read_off(data: bytes, name: str, unit: str) -> RawMesh:
    """Read an OFF file.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        Name used in messages.
    unit : str
        What its numbers mean.

    Returns
    -------
    RawMesh
        Polygons split into triangles around their first corner; normals, colours and texture coordinates are not read.

    Raises
    ------
    MeshError
        Binary, of another dimension, cut short, or with a line that is not what the counts promise.
    """
    text, n_vertices, n_triangles = _checked(plain_text(data, name), name)
    mesh = arrays_of(read_with_trimesh(text, "off", name), name)
    if (len(mesh.vertices), len(mesh.faces)) != (n_vertices, n_triangles):
        raise MeshError(
            f"{name}: {len(mesh.vertices)} vertices and {len(mesh.faces)} triangles were read of {n_vertices} and {n_triangles}; "
            "export it again"
        )
    return RawMesh(vertices_um=scale(mesh.vertices, UNITS_UM[unit]), faces=mesh.faces, unit=unit)


def _checked(text: bytes, name: str) -> tuple[bytes, int, int]:
    """Return the text with its polygons as triangles, how many vertices it has, and how many triangles."""
    text = _COMMENT.sub(b"", text).lstrip()
    header = _HEADER.match(text)
    if header is None:
        raise MeshError(f"{name}: does not begin with OFF, COFF or NOFF; export it again as OFF")
    lines = [line for line in text[header.end() :].split(b"\n") if not line.isspace() and line]
    counts = lines[0].split() if lines else []
    if len(counts) < 2 or not all(word.isdigit() and len(word) < 12 for word in counts[:2]):
        kind = "a binary OFF, which is not read" if counts[:1] == [b"BINARY"] else "without its line of counts (vertices, faces, edges)"
        raise MeshError(f"{name}: is {kind}; export it again as text")
    n_vertices, n_faces = int(counts[0]), int(counts[1])
    if len(lines) < 1 + n_vertices + n_faces:
        raise MeshError(f"{name}: has {len(lines) - 1} lines for {n_vertices} vertices and {n_faces} faces; it is cut short, copy it again")
    triangles = [t for i, line in enumerate(lines[1 + n_vertices : 1 + n_vertices + n_faces]) for t in _triangles(line, i, name)]
    for i, line in enumerate(lines[1 : 1 + n_vertices]):
        if len(line.split(None, 3)) < 3 or b"_" in line:
            raise MeshError(f"{name}: vertex {i} is {_quoted(line)}, not three numbers on a line; export it again")
    head = b"OFF\n%d %d 0" % (n_vertices, len(triangles))
    return b"\n".join([head, *lines[1 : 1 + n_vertices], *triangles, b""]), n_vertices, len(triangles)


def _triangles(line: bytes, index: int, name: str) -> list[bytes]:
    """Return the lines of a face's triangles, all around its first corner; trimesh fails where polygons have more than four."""
    words = line.split()
    count = int(words[0]) if words[0].isdigit() and len(words[0]) < 12 else 0
    if count < 3 or len(words) <= count or not all(word.isdigit() for word in words[1 : count + 1]):
        raise MeshError(
            f"{name}: face {index} is {_quoted(line)}, not a count of three or more and as many indices on a line; export it again"
        )
    return [b"3 %b %b %b" % (words[1], words[i], words[i + 1]) for i in range(2, count)]


def _quoted(line: bytes) -> str:
    return repr(line[:60].decode("utf-8", "backslashreplace").strip())
