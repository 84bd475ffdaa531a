"""How long does the whole way take: `python -m pmsl slice`, STL to a job on disk?

Whole processes with a warm kernel cache, default threads; medians, and the shortest and longest run. Beside it: writing
the same bytes to the same number of files. The error holds the frames on disk against the sum of the mesh's sections
(cut in plain numpy) times the layer height; 8-bit rounding is in it.
"""

from __future__ import annotations

import io
import json
import shutil
import statistics
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import exact
import meshes
import numpy as np
from measure import median_process, pmsl
from PIL import Image

from pmsl.mesh import load_solid
from pmsl.mesh.part import Part

W1 = ("--printer", "pmsl-10um", "--resin", "pr48-405")


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a job."""
    small, large, chip = meshes.ellipsoid80k(), meshes.ellipsoid1300k(), meshes.chip()
    jobs = [
        ("W1 folder, no design", small, (*W1, "--no-design"), "job"),
        ("W1 folder, design", small, W1, "job"),
        ("W1 zip, no design", small, (*W1, "--no-design"), "job.zip"),
        ("W1 one thread, no design", small, (*W1, "--no-design", "--threads", "1"), "job"),
        ("W1 folder, no design", large, (*W1, "--no-design"), "job"),
        ("defaults, folder", chip, (), "job"),
        ("defaults, zip", chip, (), "job.zip"),
    ]
    for what, mesh, options, out in jobs:
        if mesh.path is None:
            yield {"skipped": f"{mesh.name}: {mesh.skipped}"}
            continue
        with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
            yield _row(what, mesh, options, Path(scratch) / out, 2 if quick else 5)


def _row(what: str, mesh: meshes.Mesh, options: tuple[str, ...], out: Path, repeats: int) -> dict[str, Any]:
    def command() -> list[str]:
        shutil.rmtree(out, ignore_errors=True)
        out.unlink(missing_ok=True)
        return pmsl("slice", str(mesh.path), "-o", str(out), *options)

    ran, shortest, longest = median_process(command, repeats)
    files = job_files(out)
    layers = len(json.loads(files["job.json"])["layers"])
    on_disk = [out.read_bytes()] if out.is_file() else list(files.values())
    limit = statistics.median(seconds_to_write(on_disk, out.parent / f"limit{i}") for i in range(repeats))
    return {
        "job": what,
        "part": mesh.name,
        "layers": layers,
        "wall s": ran.wall_s,
        "min s": shortest,
        "max s": longest,
        "layers/s": layers / ran.wall_s,
        "CPU s": ran.cpu_s,
        "peak MiB": ran.peak_mib,
        "files": len(on_disk),
        "written MB": sum(map(len, on_disk)) / 1e6,
        "same bytes s": limit,
        "wall/bytes": ran.wall_s / limit,
        "ERROR volume": volume_error(files, mesh),
    }


def job_files(job: Path) -> dict[str, bytes]:
    """Return every file of a job folder or zip."""
    if job.is_dir():
        return {p.relative_to(job).as_posix(): p.read_bytes() for p in job.rglob("*") if p.is_file()}
    with zipfile.ZipFile(job) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def seconds_to_write(contents: list[bytes], folder: Path) -> float:
    """Return the wall time of writing contents to files of a new folder: the limit of anything that ends in files."""
    folder.mkdir()
    began = time.perf_counter()
    for i, data in enumerate(contents):
        (folder / f"{i:05d}").write_bytes(data)
    return time.perf_counter() - began


def volume_error(files: dict[str, bytes], mesh: meshes.Mesh) -> float:
    """Return the relative difference of the lit volume to the mesh's sections times the layer height."""
    job = json.loads(files["job.json"])
    grid = job["engines"][0]["grid"]
    edges = np.array(grid["z_edges_um"])
    placed = Part(solid=load_solid(str(mesh.path)), transform=np.array(job["provenance"]["inputs"][0]["transform"]).reshape(4, 4))
    wanted = exact.section_areas(exact.triangles_um([placed]), 0.5 * (edges[:-1] + edges[1:])) @ np.diff(edges)
    lit = sum(h * _lit_px(files, layer) for h, layer in zip(np.diff(edges), job["layers"], strict=True))
    return float(abs(lit * grid["pitch_um"][0] * grid["pitch_um"][1] / wanted - 1.0))


def _lit_px(files: dict[str, bytes], layer: dict[str, Any]) -> float:
    frames = (np.array(Image.open(io.BytesIO(files[e["frame"]]))) for e in layer["exposures"])
    return sum(float(f.sum(dtype=np.int64)) / 255.0 for f in frames)
