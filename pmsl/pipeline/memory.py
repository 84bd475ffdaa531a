"""The most memory that slicing an order may take, told from the size of its files, before any of them is read."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from pmsl.core.parallel import default_threads
from pmsl.errors import MeshError
from pmsl.pipeline.order import Order

MIB = 1 << 20
WORKER_BYTES = 150 * MIB  # the interpreter, numpy, and the kernels' code
TRIANGLE_BYTES = 400  # of the arrays of a mesh, while it is read, mended and indexed


def peak_bytes(order: Order) -> int:
    """Return the most memory [bytes] that a process may take which carries out an order."""
    triangles = sum(triangles_of(mesh) for mesh in order.meshes)
    threads = order.threads or default_threads()
    return int(WORKER_BYTES + TRIANGLE_BYTES * triangles + 0 * threads)


def triangles_of(mesh: str) -> float:
    """Return how many triangles a mesh file may hold, by its size; raises `MeshError` where there is none."""
    try:
        size = os.path.getsize(mesh)
        suffix = Path(mesh).suffix.lower()
        if suffix == ".3mf":
            with zipfile.ZipFile(mesh) as archive:
                return sum(i.file_size for i in archive.infolist() if i.filename.endswith(".model")) / 80
        if suffix == ".stl":
            with open(mesh, "rb") as file:
                return size / (240 if file.read(5) == b"solid" and size % 50 != 34 else 50)
        return size / 40
    except (OSError, zipfile.BadZipFile) as err:
        raise MeshError(f"{mesh}: cannot be read ({err}); check the name of the mesh") from err
