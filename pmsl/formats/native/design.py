"""A placed part as a binary PLY in µm, double precision: what later comparisons are made against."""

from __future__ import annotations

import numpy as np

from pmsl.core.part import Part


def ply_bytes(part: Part) -> bytes:
    """Return the part in field coordinates [µm] as binary little-endian PLY (double vertices, int faces)."""
    vertices = part.placed_um().astype("<f8", copy=False)
    faces = np.zeros(len(part.solid.faces), np.dtype([("n", "u1"), ("v", "<i4", 3)]))
    faces["n"] = 3
    faces["v"] = part.solid.faces[:, ::-1] if part.mirrored else part.solid.faces
    header = (
        "ply\nformat binary_little_endian 1.0\ncomment pmsl design, unit um\n"
        f"element vertex {len(vertices)}\nproperty double x\nproperty double y\nproperty double z\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    return header.encode() + vertices.tobytes() + faces.tobytes()
