"""Does the peak memory of a slice grow with the number of layers, or with the pixels of a wide field?

The same part at 250 to 10 000 layers (the layer height shrinks), each a process of its own: memory that is bounded by a few
layers stays level, but for the list of layers in job.json. Then the same part at 625 million pixels a layer, where a
dense frame would take 625 MB, sliced and verified. The error column is the lit volume against the mesh's sections, as in
end_to_end.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import end_to_end
import meshes
from measure import pmsl, process

ARRAYS = 72 + 12 + 72  # bytes a triangle: vertices, faces, the index


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a number of layers, then the wide field."""
    yield from _layers(quick)
    for mesh in (meshes.ellipsoid80k(),) if quick else (meshes.ellipsoid80k(), meshes.ellipsoid1300k()):
        yield from _wide(mesh, 2 if quick else 50)


def _wide(mesh: meshes.Mesh, layers: int) -> Iterator[dict[str, Any]]:
    assert mesh.path is not None
    size = mesh.path.stat().st_size
    with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
        out = str(Path(scratch) / "job")
        field = ("--field", "25000x25000", "--pitch-um", "0.768", "--resin", "pr48-405", "--printer", "pmsl-10um")
        slim = ("--no-design", "--layer-um", "100", "--scale", f"1,1,{layers / 50}")
        for what, command in (("slice", pmsl("slice", str(mesh.path), "-o", out, *field, *slim)), ("verify", pmsl("verify", out))):
            ran = process(command)
            arrays = size / 50 * ARRAYS / 2**20 if what == "slice" else 0.0
            yield {
                "table": "25 000 x 25 000 pixels",
                "part": mesh.name,
                "command": what,
                "layers": layers,
                "wall s": ran.wall_s,
                "peak MiB": ran.peak_mib,
                "mesh arrays MiB": arrays,
                "peak less mesh": ran.peak_mib - arrays if ran.peak_mib else None,
            }


def _layers(quick: bool) -> Iterator[dict[str, Any]]:
    mesh = meshes.ellipsoid80k()
    base: float | None = None
    for layers in (250, 500) if quick else (250, 500, 1000, 2000, 10000):
        with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
            out = Path(scratch) / "job"
            options = (*end_to_end.W1, "--no-design", "--layer-um", str(5000.0 / layers))
            ran = process(pmsl("slice", str(mesh.path), "-o", str(out), *options))
            base = base or ran.peak_mib
            files = end_to_end.job_files(out)
            yield {
                "table": "layers",
                "part": mesh.name,
                "layers": layers,
                "wall s": ran.wall_s,
                "peak MiB": ran.peak_mib,
                "peak/first": ran.peak_mib / base if ran.peak_mib and base else None,
                "job.json MB": len(files["job.json"]) / 1e6,
                "ERROR volume": end_to_end.volume_error(files, mesh),
            }
