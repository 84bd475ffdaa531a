"""A placed part as a binary PLY in µm, double precision: what later comparisons are made against."""

from __future__ import annotations

import re

import numpy as np

from pmsl.core.part import Part, Solid
from pmsl.errors import JobError

FACE = np.dtype([("n", "u1"), ("v", "<i4", 3)])


def ply_bytes(part: Part) -> bytes:
    """Return the part in field coordinates [µm] as binary little-endian PLY (double vertices, int faces)."""
    vertices = part.placed_um().astype("<f8", copy=False)
    faces = np.zeros(len(part.solid.faces), FACE)
    faces["n"] = 3
    faces["v"] = part.solid.faces[:, ::-1] if part.mirrored else part.solid.faces
    header = (
        "ply\nformat binary_little_endian 1.0\ncomment pmsl design, unit um\n"
        f"element vertex {len(vertices)}\nproperty double x\nproperty double y\nproperty double z\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    return header.encode() + vertices.tobytes() + faces.tobytes()


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
