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
from pmsl.errors import MeshError, why_unread
from pmsl.formats import registry
from pmsl.pipeline.slice_jobs import SlicedJob
from pmsl.pipeline.slice_request import SliceRequest

MIB = 1 << 20
WORKER_BYTES, THREAD_BYTES = 95 * MIB, 2 * MIB  # the interpreter, numpy, the kernels' code; and each thread
COMPILER_BYTES = 120 * MIB  # where kernels are not in the cache yet
SLACK = 1.1
SOUND, MENDED = 41, 620  # bytes a triangle
VOLUME, DESIGN, ZIPPED_DESIGN = 110, 88, 155  # and these added
DOSE, CORRECTED = 11, 10  # bytes a pixel of the field, for each thread
FILES = {"sl1": 6, "sl1-prusa": 6, "sl1s-prusa": 6, "ome-zarr": 3, "native": 0}  # the same, others 1
TEXT_BYTES = {".stl": 240, ".obj": 40, ".ply": 19, ".3mf": 80, ".off": 20, ".glb": 12}  # of a file, a triangle: the least that is met
TRIMESH_BYTES, READ_BY_TRIMESH = 80 * MIB, {".off": 850, ".glb": 160}  # itself, and what a triangle takes while it reads


def most_bytes(request: SliceRequest) -> int:
    """Return the most memory [bytes] that a process may take which carries an order out, whatever its meshes need.

    Raises
    ------
    PmslError
        A mesh that is not there, a profile or option that is none.
    """
    regions = {table.mesh for table in request.region_tables()}
    triangles = sum(triangles_of(mesh) for mesh in (*request.meshes, *regions))
    return int(SLACK * _bytes(request, triangles, mended=request.repair != "none")) + COMPILER_BYTES


def likely_bytes(request: SliceRequest, ready: SlicedJob) -> int:
    """Return the memory [bytes] that a process takes which carries an order out, whose meshes are loaded."""
    triangles = sum(part.solid.n_faces for part in ready.job.design)
    return _bytes(request, triangles, mended=any(made.repairs for made in ready.job.provenance.inputs))


def _bytes(request: SliceRequest, triangles: float, mended: bool) -> int:
    printer, _, process = request.profiles()
    threads, form = request.threads or default_threads(), registry.choose(Path(request.out), request.format)
    rows, cols = printer.field_px
    triangle = MENDED if mended else SOUND
    if process.coverage == "volume":
        triangle = max(triangle, SOUND + VOLUME)
    if form == "native" and not request.no_design:
        triangle = max(triangle, SOUND + (ZIPPED_DESIGN if request.out.lower().endswith(".zip") else DESIGN))
    by_trimesh = [READ_BY_TRIMESH[suffix] for suffix in {Path(mesh).suffix.lower() for mesh in request.meshes} & READ_BY_TRIMESH.keys()]
    triangle = max([triangle, *by_trimesh])
    pixel = FILES.get(form, 1) + DOSE * request.dose + CORRECTED * bool(process.corrections)
    fixed = WORKER_BYTES + THREAD_BYTES * threads + TRIMESH_BYTES * bool(by_trimesh)
    return int(fixed + triangle * triangles + pixel * threads * rows * cols)


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
        raise MeshError(f"{mesh}: cannot be read ({why_unread(err)}); check the name of the mesh") from err
    return size / TEXT_BYTES.get(suffix, 40)
