"""How long does a binary STL of 1.31 million triangles take to load, hash included?

Beside it in the same turn: numpy reading the same bytes raw, and SHA-256 of those bytes in memory. The file is in the
system's page cache (the first call, timed apart, may find it cold). Peak memory is of a process of its own; the mapped
file counts in it. The error is the largest difference to the file's own float32 records, in µm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import meshes
import numpy as np
from measure import in_turn, process, python, seconds

import pmsl

IMPORT = "import sys, numpy, pmsl.mesh"


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a mesh."""
    for mesh in (meshes.ellipsoid80k(), meshes.ellipsoid1300k()):
        yield _row(mesh, quick)


def _row(mesh: meshes.Mesh, quick: bool) -> dict[str, Any]:
    path = mesh.path
    assert path is not None
    first = seconds(lambda: pmsl.load_solid(path))
    data = path.read_bytes()
    calls = [lambda: pmsl.load_solid(path), lambda: np.fromfile(path, np.uint8), lambda: hashlib.sha256(data).digest()]
    loaded, raw, hashed = in_turn(calls, 3 if quick else 9)
    empty = process(python("-c", IMPORT))
    full = process(python("-c", f"{IMPORT}; pmsl.load_solid(sys.argv[1])", str(path)))
    solid = pmsl.load_solid(path)
    vertices, faces, _ = solid.triangles()
    arrays = (vertices.nbytes + faces.nbytes) / 2**20
    return {
        "mesh": mesh.name,
        "triangles": solid.n_faces,
        "file MiB": len(data) / 2**20,
        "first ms": first * 1e3,
        "load ms": loaded * 1e3,
        "raw read ms": raw * 1e3,
        "sha256 ms": hashed * 1e3,
        "load/read": loaded / raw,
        "load/sha256": loaded / hashed,
        "peak MiB": full.peak_mib,
        "imports MiB": empty.peak_mib,
        "arrays MiB": arrays,
        "ERROR µm": _error(solid, data),
        "ERROR sha256": "none" if solid.sha256 == hashlib.sha256(data).hexdigest() else "WRONG",
    }


def _error(solid: pmsl.Solid, data: bytes) -> float:
    records = np.frombuffer(data, meshes.RECORD, offset=84)["corners"].astype(np.float64) * 1000.0
    return float(np.abs(solid.vertices_um[solid.faces] - records).max())
