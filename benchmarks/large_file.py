"""Does a binary STL of 10 million triangles (500 MB) load, and slice, in less memory than four times its size?

Loading is a process of its own for every tool: wall time with its imports, which stand beside it, and peak memory, in which mapped
pages of the file count. pmsl hashes the file and checks every number on the way. trimesh joins vertices unless told not to; numpy-stl
makes normals unless told not to. Slicing is the whole command, 100 layers of 1920 x 1080 pixels, of one sound body and of files that
cost more: two bodies that overlap, and a body without one of its faces. The error is the lit volume against the mesh's own sections
in plain numpy (none where bodies overlap: their sections add up).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import end_to_end
import meshes
import numpy as np
from measure import Process, median_of, pmsl, process, python

AROUND, ACROSS = 2500, 2000  # quads of a torus; two triangles each
QUICK = 10  # times fewer each way
BLOCK = 50  # rings of quads made at a time
MIDDLE_MM, RADIUS_MM, TUBE_MM = (9.6, 5.4), 3.6, 1.4
FIELD = ("--printer", "pmsl-10um", "--resin", "pr48-405", "--layer-um", "28", "--keep-place", "--no-design")
SLICES = (("torus", "area"), ("torus", "volume"), ("two bodies", "area"), ("two bodies", "volume"), ("a face missing", "area"))
LIMIT = 4.0  # times the size of the file
LOADERS: dict[str, tuple[str, str, str]] = {  # name: module, what loads, what says how much: triangles, low, high
    "pmsl": ("pmsl.mesh", "s = pmsl.mesh.load_solid(sys.argv[1])", "s.n_faces, *(s.bounds_um / 1000).ravel()"),
    "trimesh": ("trimesh", "m = trimesh.load_mesh(sys.argv[1])", "len(m.faces), *m.bounds.ravel()"),
    "trimesh, process=False": ("trimesh", "m = trimesh.load_mesh(sys.argv[1], process=False)", "len(m.faces), *m.bounds.ravel()"),
    "numpy-stl": ("stl.mesh", "m = stl.mesh.Mesh.from_file(sys.argv[1])", "len(m.vectors), *m.min_, *m.max_"),
    "numpy-stl, calculate_normals=False": (
        "stl.mesh",
        "m = stl.mesh.Mesh.from_file(sys.argv[1], calculate_normals=False)",
        "len(m.vectors), *m.min_, *m.max_",
    ),
}
PACKAGES = {"pmsl.mesh": "pmsl", "trimesh": "trimesh", "stl.mesh": "numpy-stl"}


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a tool that loads, then a row a file that is sliced."""
    whole = _file("torus", quick)
    for name in LOADERS:
        module = LOADERS[name][0]
        if find_spec(module.partition(".")[0]) is None:
            yield {"skipped": f"{name}: {PACKAGES[module]} not installed"}
        else:
            yield _loaded(name, whole, 1 if quick else 3)
    for kind, coverage in SLICES:
        yield _sliced(kind, _file(kind, quick), coverage)


def _loaded(name: str, path: Path, repeats: int) -> dict[str, Any]:
    module, load, tell = LOADERS[name]
    empty = process(python("-c", f"import sys, {module}"))
    code = f"import sys, {module}; {load}; print({tell})"
    try:
        ran = median_of([process(python("-c", code, str(path))) for _ in range(repeats)])
    except RuntimeError as failed:
        return {"table": "load", "tool": name, "note": str(failed).strip().splitlines()[-1][:120]}
    count, *box = (float(word) for word in ran.output.replace("np.float32(", "").replace("np.float64(", "").replace(")", "").split())
    size = path.stat().st_size
    wanted = [*(c - RADIUS_MM - TUBE_MM for c in MIDDLE_MM), 0.0, *(c + RADIUS_MM + TUBE_MM for c in MIDDLE_MM), 2 * TUBE_MM]
    return {
        "table": "load",
        "tool": name,
        "version": metadata.version(PACKAGES[module]),
        "triangles": int(count),
        "file MiB": size / 2**20,
        "load s": ran.wall_s,
        "imports s": empty.wall_s,
        "CPU s": ran.cpu_s,
        **_memory(ran, size),
        "ERROR box µm": 1000.0 * float(np.abs(np.array(box) - wanted).max()),
    }


def _sliced(kind: str, path: Path, coverage: str) -> dict[str, Any]:
    size = path.stat().st_size
    with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
        out = Path(scratch) / "job"
        ran = process(pmsl("slice", str(path), "-o", str(out), *FIELD, "--coverage", coverage))
        files = end_to_end.job_files(out)
    return {
        "table": "pmsl slice",
        "mesh": kind,
        "coverage": coverage,
        "triangles": (size - 84) // 50,
        "file MiB": size / 2**20,
        "wall s": ran.wall_s,
        "CPU s": ran.cpu_s,
        **_memory(ran, size),
        "limit": LIMIT,
        "ERROR volume": None if kind == "two bodies" else end_to_end.volume_error(files, meshes.Mesh(kind, path)),
    }


def _memory(ran: Process, size: int) -> dict[str, Any]:
    return {"peak MiB": ran.peak_mib, "peak/file": ran.peak_mib * 2**20 / size if ran.peak_mib else None}


def _file(kind: str, quick: bool) -> Path:
    """Make a file on first use; the two bodies have a fifth of the triangles in a second torus that crosses the first."""
    many = (AROUND // QUICK, ACROSS // QUICK) if quick else (AROUND, ACROSS)
    path = meshes.folder() / f"large-{kind.replace(' ', '-')}-{2 * many[0] * many[1]}.stl"
    if path.exists():
        return path
    if kind == "two bodies":
        blocks = _torus((many[0] * 4 // 5, many[1]), 0.0) + _torus((many[0] // 5, many[1]), 0.3)
    else:
        blocks = _torus(many, 0.0)
    if kind == "a face missing":
        first = blocks[0]
        blocks[0] = lambda: np.delete(first(), 7, axis=0)
    meshes.write_corners(path, *blocks)
    return path


def _torus(many: tuple[int, int], aside_mm: float) -> list[Callable[[], np.ndarray]]:
    """Return what makes a torus that lies on z = 0, a few rings of quads at a time: corners (F, 3, 3) [mm]."""
    around, across = many
    return [partial(_rings, many, aside_mm, range(start, min(start + BLOCK, around))) for start in range(0, around, BLOCK)]


def _rings(many: tuple[int, int], aside_mm: float, which: range) -> np.ndarray:
    around, across = many
    i = np.arange(which.start, which.stop + 1) % around  # the last ring is the first one, to the bit
    j = np.arange(across + 1) % across
    u, v = 2 * np.pi * i[:, None] / around, 2 * np.pi * j / across
    reach = RADIUS_MM + TUBE_MM * np.cos(v)
    x, y = MIDDLE_MM[0] + aside_mm + reach * np.cos(u), MIDDLE_MM[1] + reach * np.sin(u)
    z = np.broadcast_to(TUBE_MM * (1 + np.sin(v)), x.shape)
    p = np.stack([x, y, z], axis=2).astype(np.float32)
    a, b, c, d = p[:-1, :-1], p[1:, :-1], p[1:, 1:], p[:-1, 1:]
    return np.concatenate([np.stack(t, axis=2).reshape(-1, 3, 3) for t in ((a, b, c), (a, c, d))])
