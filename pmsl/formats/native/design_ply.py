"""A placed part as a binary PLY in µm, double precision: what later comparisons are made against."""

from __future__ import annotations

import re

import numpy as np

from pmsl.core.parallel import in_blocks
from pmsl.errors import JobError
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid

FACE = np.dtype([("n", "u1"), ("v", "<i4", 3)])


def ply_bytes(part: Part) -> bytearray:
    """Return the part in field coordinates [µm] as binary little-endian PLY (double vertices, int faces).

    Written where it stays, a block at a time: a large part has hundreds of megabytes of them.
    """
    solid = part.solid
    header = (
        "ply\nformat binary_little_endian 1.0\ncomment pmsl design, unit um\n"
        f"element vertex {solid.n_vertices}\nproperty double x\nproperty double y\nproperty double z\n"
        f"element face {solid.n_faces}\nproperty list uchar int vertex_indices\nend_header\n"
    ).encode()
    out = bytearray(len(header) + 24 * solid.n_vertices + FACE.itemsize * solid.n_faces)
    out[: len(header)] = header
    vertices = np.frombuffer(out, "<f8", 3 * solid.n_vertices, len(header)).reshape(-1, 3)
    faces = np.frombuffer(out, FACE, offset=len(header) + vertices.nbytes)

    def place(some: slice) -> None:
        vertices[some] = part.points_um(some)

    def turn(some: slice) -> None:
        faces["n"][some] = 3
        faces["v"][some] = solid.faces_of(some)[:, ::-1] if part.mirrored else solid.faces_of(some)

    in_blocks(place, len(vertices))
    in_blocks(turn, len(faces))
    return out


def solid_of(data: bytes, label: str, where: str) -> Solid:
    """Return the solid [µm] of the bytes that `ply_bytes` made.

    Raises
    ------
    JobError
        Not such bytes.
    """
    head, mark, body = data.partition(b"end_header\n")
    counts = re.search(rb"element vertex (\d+)\n.*element face (\d+)\n", head, re.DOTALL)
    if not (mark and counts and len(body) == 24 * int(counts[1]) + FACE.itemsize * int(counts[2])):
        raise JobError(f"{where}: not a design pmsl wrote; the job is damaged")
    vertices = np.frombuffer(body, "<f8", 3 * int(counts[1])).reshape(-1, 3)
    faces = np.frombuffer(body, FACE, offset=vertices.nbytes)["v"]
    return Solid.from_arrays(vertices, faces, source=label)
