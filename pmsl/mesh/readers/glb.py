"""GLB, binary glTF 2.0: checked here, decoded and placed by trimesh.

trimesh leaves out without a word what it does not know: fans, nodes that hang on cameras, meshes of numbers that are none, what a mesh
has of sparse values, morphs, skins and extensions. So the part of the file that says what lies where is read against a schema, held
against the data, and written anew with nothing else in it: one mesh a primitive, one piece of data an array.

    chunks ──► Gltf (msgspec) ──► Layout: what the scene shows ──► a plain GLB ──► trimesh ──► instances, one mesh
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from pmsl.core.finding import Finding
from pmsl.errors import MeshError
from pmsl.mesh.readers.common import UNITS_UM, RawMesh, brief
from pmsl.mesh.readers.gltf_layout import GltfError, GltfLayout
from pmsl.mesh.readers.gltf_schema import Gltf
from pmsl.mesh.trimesh_exchange import arrays_of, read_with_trimesh

MAGIC, JSON, BIN = b"glTF", b"JSON", b"BIN\0"
MOST_JSON_BYTES = 64 << 20


def read_glb(data: bytes, name: str, unit: str) -> RawMesh:
    """Read a GLB file: every triangle of its scene, placed by the transforms of the nodes above it.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        Name used in messages.
    unit : str
        What the caller expects; glTF is in metres, which wins.

    Returns
    -------
    RawMesh
        Coordinates as in the file, so that its y stays y, though viewers of glTF show y upward.

    Raises
    ------
    MeshError
        A damaged file, data outside the file, geometry that is not plain triangles (compressed, morphed, skinned, fans), more
        instances or triangles than there may be, or nothing to print.
    """
    head, binary = _chunks(data, name)
    try:
        layout = GltfLayout(msgspec.json.decode(head, type=Gltf), len(binary), name)
    except (msgspec.DecodeError, RecursionError) as error:  # a ValidationError is one
        raise MeshError(f"{name}: its description of the scene is damaged ({brief(error)}); export it again") from error
    except GltfError as error:
        raise MeshError(f"{name}: {brief(error)}; {error.remedy}") from error
    scene = arrays_of(read_with_trimesh(_plain(layout, binary), "glb", name), name, UNITS_UM["m"])
    if scene.n_triangles != layout.n_triangles:
        raise MeshError(f"{name}: {scene.n_triangles} triangles were read of the {layout.n_triangles} of its scene; export it again")
    findings = tuple(_findings(layout, name, unit, scene.repeated))
    return RawMesh(vertices_um=scene.vertices, faces=scene.faces, unit="m", findings=findings)


def _chunks(data: bytes, name: str) -> tuple[bytes, memoryview]:
    """Return the JSON and the binary chunk."""
    if data[:4] != MAGIC or len(data) < 20:
        raise MeshError(f"{name}: is not a binary glTF file, which begins with 'glTF'; export it again as GLB")
    version, length = struct.unpack_from("<2I", data, 4)
    if version != 2:
        raise MeshError(f"{name}: is glTF {version}; version 2 is read, export it again as GLB 2.0")
    if length > len(data):
        raise MeshError(f"{name}: says it has {length} bytes, and has {len(data)}; it is cut short, copy it again")
    found: dict[bytes, memoryview] = {}
    at, view = 12, memoryview(data)[:length]
    while at + 8 <= length:
        size, kind = struct.unpack_from("<I", data, at)[0], data[at + 4 : at + 8]
        if size > length - at - 8:
            raise MeshError(f"{name}: its chunk at byte {at} has {size} bytes, and {length - at - 8} are left; export or copy it again")
        found.setdefault(kind, view[at + 8 : at + 8 + size])
        at += 8 + size
    head = found.get(JSON)
    if head is None or len(head) > MOST_JSON_BYTES:
        what = "has no JSON chunk" if head is None else f"describes its scene in {len(head)} bytes; at most {MOST_JSON_BYTES} are read"
        raise MeshError(f"{name}: {what}; export it again")
    return bytes(head), found.get(BIN, memoryview(b""))


def _plain(layout: GltfLayout, binary: memoryview) -> bytes:
    """Return a GLB of what the scene shows and nothing else."""
    pieces: list[bytes | memoryview] = []
    views: list[dict[str, int]] = []
    at = 0
    for first, size, stride in layout.pieces:
        padded = -(-size // 4) * 4
        pieces += [binary[first : first + size], bytes(padded - size)]
        views.append({"buffer": 0, "byteOffset": at, "byteLength": size} | ({"byteStride": stride} if stride else {}))
        at += padded
    tree: dict[str, Any] = layout.tree() | {"bufferViews": views, "buffers": [{"byteLength": at}]}
    head = msgspec.json.encode(tree)
    head += b" " * (-len(head) % 4)
    length = 12 + 8 + len(head) + 8 + at
    return b"".join([MAGIC, struct.pack("<2I", 2, length), struct.pack("<I", len(head)), JSON, head, struct.pack("<I", at), BIN, *pieces])


def _findings(layout: GltfLayout, name: str, given: str, repeated: int) -> Iterator[Finding]:
    """Yield what a user has to know of the file: above all what of it is not printed."""
    if given != "m":
        message = f"{name}: the numbers of glTF are metres, which wins over {given!r}"
        yield Finding(code="unit-from-file", severity="info", message=message)
    message = f"{name}: coordinates are kept as they are; if it was made with y upward, as glTF wants it, --rotate 90,0,0 sets it up"
    yield Finding(code="y-up", severity="info", message=message)
    if layout.left_out:
        message = f"{name}: primitives that are not triangles were left out: {_in_words(layout.left_out)}"
        total = float(sum(layout.left_out.values()))
        yield Finding(code="objects-left-out", severity="warning", message=message, value=total, unit="objects")
    if repeated:
        message = f"{name}: {repeated} meshes lie where the same one lies already; each is printed once"
        yield Finding(code="repeated-objects", severity="warning", message=message, value=float(repeated), unit="objects")
    if layout.unused:
        message = f"{name}: {layout.unused} meshes of the file are not in its scene; they are not printed"
        yield Finding(code="objects-not-built", severity="info", message=message, value=float(layout.unused), unit="objects")
    if layout.extensions:
        message = f"{name}: extensions {', '.join(layout.extensions)} are not read; if they change the shape, export plain triangles"
        yield Finding(code="extensions-not-read", severity="warning", message=message)


def _in_words(kinds: Counter[str]) -> str:
    return ", ".join(f"{count} × {kind}" for kind, count in kinds.items())
