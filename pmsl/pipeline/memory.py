"""The most memory that slicing an order takes, told from the size of its files, before any of them is read.

Measured: a process with its kernels, and what a triangle and a pixel of the field add to it (`benchmarks/predicted_cost.py`
holds this against real processes). A mesh that has to be mended takes several times what a sound one takes, and nobody knows
which it is before it is read: `most_bytes` assumes the first, `likely_bytes` knows.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from pmsl.core.parallel import default_threads
from pmsl.errors import MeshError
from pmsl.formats import registry
from pmsl.pipeline.order import Order, Sliced

MIB = 1 << 20
WORKER_BYTES = 100 * MIB  # the interpreter, numpy, and the kernels' code
MENDED, SOUND, OTHER_THREADS, IN_VOLUME, DESIGN = 620, 45, 65, 45, 25  # bytes a triangle
CORRECTED, DOSE, PRINTERS_FILE = 60, 4, 20  # bytes a pixel of the field
TEXT_BYTES = {".stl": 240, ".obj": 40, ".ply": 19, ".3mf": 80}  # of a file, a triangle: the least that is met


def most_bytes(order: Order) -> int:
    """Return the most memory [bytes] that a process may take which carries an order out, whatever its meshes need.

    Raises
    ------
    PmslError
        A mesh that is not there, a profile or option that is none.
    """
    triangles = sum(triangles_of(mesh) for mesh in order.meshes)
    return _bytes(order, triangles, mended=order.repair != "none")


def likely_bytes(order: Order, ready: Sliced) -> int:
    """Return the memory [bytes] that a process takes which carries an order out, whose meshes are loaded."""
    triangles = sum(part.solid.n_faces for part in ready.job.design)
    return _bytes(order, triangles, mended=any(made.repairs for made in ready.job.provenance.inputs))


def _bytes(order: Order, triangles: float, mended: bool) -> int:
    printer, _, process = order.wishes().profiles()
    threads = order.threads or default_threads()
    rows, cols = printer.field_px
    triangle = SOUND + (threads > 1) * OTHER_THREADS + (process.coverage == "volume") * IN_VOLUME + (not order.no_design) * DESIGN
    pixel = CORRECTED * bool(process.corrections) + DOSE * order.dose * (2 if threads == 1 else 2 * threads + 2)
    if registry.choose(Path(order.out), order.format) != "native":
        pixel += PRINTERS_FILE
    return int(WORKER_BYTES + triangles * (MENDED if mended else triangle) + pixel * rows * cols)


def triangles_of(mesh: str) -> float:
    """Return how many triangles a mesh file may hold, by its size; raises `MeshError` where there is none."""
    suffix = Path(mesh).suffix.lower()
    try:
        size = os.path.getsize(mesh)
        if suffix == ".3mf":
            with zipfile.ZipFile(mesh) as archive:
                size = sum(i.file_size for i in archive.infolist() if i.filename.endswith(".model"))
        elif suffix == ".stl":
            with open(mesh, "rb") as file:
                head = file.read(84)
            if len(head) == 84 and 84 + 50 * int.from_bytes(head[80:], "little") == size or not head.startswith(b"solid"):
                return max(size - 84, 0) / 50
    except (OSError, zipfile.BadZipFile) as err:
        raise MeshError(f"{mesh}: cannot be read ({getattr(err, 'strerror', None) or err}); check the name of the mesh") from err
    return size / TEXT_BYTES.get(suffix, 40)
