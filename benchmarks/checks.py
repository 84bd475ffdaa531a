"""What does `pmsl check` cost beside slicing, and what does the look that `pmsl slice` takes by itself?

Whole processes with a warm kernel cache, in turn, medians of CPU seconds: `slice --no-checks`, `slice`, `check`. At most 1 is the aim for
the median of check / slice, and memory of a few layers. Parts larger than the field are made to fit it, and 3 mm high at most. The last
table has parts that grow: CPU per layer and cell should not.
"""

from __future__ import annotations

import json
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import meshes
import numpy as np
from measure import Process, pmsl, process, python

SAMPLES = Path(__file__).resolve().parents[1] / "sample_meshes"
TEN = ("--printer", "pmsl-10um")
FIT_MM, HIGH_MM = (18.0, 10.0), 3.0
CHECK = "from pmsl.cli.app import main; main()"  # which ends with 0 whatever is found
RATIOS = ("check/slice", "check/bare", "slice/bare")  # `slice` as it is by default; bare without its own checks
SHARED = (
    "3dbenchy_single_part.3mf",
    "ball_bearing_16_bodies.STL",
    "bridge_grid_cube_80_holes.stl",
    "cam_part_130k_triangles.3mf",
    "fresnel_lens_25mm.3mf",
    "gyroid_sphere_5mm_1M08_triangles_binary.ply",
    "koala_scan_remeshed.obj",
    "lattice_octet_like_shear_unit_inside_out.stl",
    "menger_sponge.stl",
    "metric_thread_M3_bolt_nut_washer.stl",
    "microfluidic_embedded_mixer_chip.stl",
    "microfluidic_flushing_interface_32_channels.stl",
    "microfluidic_spheroid_trap_chip.stl",
    "msla_exposure_calibration_part_3.stl",
    "nested_shell_cavity_ascii.stl",
    "text_hello_world_ascii.stl",
    "tpms_voxel_lattice_5x4x3_cells.stl",
)


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a part, the medians, then parts that grow."""
    repeats, ratios = 1 if quick else 3, list[dict[str, Any]]()
    samples = sorted(SAMPLES.glob("*.stl"))
    cases: list[tuple[Path, tuple[str, ...]]] = [(path, ()) for path in (samples[:3] if quick else samples)]
    ellipsoid = meshes.ellipsoid80k().path
    if ellipsoid is not None and not quick:
        cases.append((ellipsoid, TEN))
        cases.append((SAMPLES / "gyroid_lattice.stl", (*TEN, "--layer-um", "5")))
    for name in SHARED[:2] if quick else SHARED:
        path = meshes.SHARED / name
        if path.exists():
            cases.append((path, _fitted(path)))
        else:
            yield {"skipped": f"no {name} in {meshes.SHARED}"}
    for path, options in cases:
        row = _row(path, options, repeats)
        ratios.append(row)
        yield row
    for what, middle in (("median", statistics.median), ("largest", max)):
        yield {"table": f"{what} of the ratios"} | {name: middle(row[name] for row in ratios) for name in RATIOS}
    yield from _growing(quick)


def _fitted(path: Path) -> tuple[str, ...]:
    """Return the options with which a mesh lies in the field of the printer of 10 µm."""
    told = process(pmsl("info", str(path), "--json", *TEN, "--scale", "1e-3")).output
    x, y, z = (size * 1e-3 for size in json.loads(told[told.index("{") :])["size_um"])
    factor = min(1.0, FIT_MM[0] / x, FIT_MM[1] / y, HIGH_MM / z)
    return (*TEN, "--scale", f"{factor:.6g}")


def _row(path: Path, options: tuple[str, ...], repeats: int) -> dict[str, Any]:
    ran: dict[str, list[Process]] = {"bare": [], "slice": [], "check": []}
    for _ in range(repeats):
        for kind, more in (("bare", ("--no-checks",)), ("slice", ())):
            with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
                ran[kind].append(process(pmsl("slice", str(path), "-o", str(Path(scratch) / "job"), "--no-design", *options, *more)))
        ran["check"].append(_checked(path, options))
    cpu = {kind: statistics.median(run.cpu_s or float("nan") for run in some) for kind, some in ran.items()}
    row: dict[str, Any] = {"part": path.stem, "options": " ".join(options)}
    row |= {f"{kind} CPU s": cpu[kind] for kind in cpu}
    row |= {name: cpu[one] / cpu[other] for name in RATIOS for one, other in [name.split("/")]}
    row["peak MiB"] = max(run.peak_mib or float("nan") for run in ran["check"])
    row["bare MiB"] = max(run.peak_mib or float("nan") for run in ran["bare"])
    return row | {"findings": _codes(ran["check"][-1].output)}


def _checked(path: Path, options: tuple[str, ...]) -> Process:
    return process(python("-c", CHECK, "check", str(path), *options, "--json"))


def _codes(output: str) -> str:
    found = Counter(f["code"] for f in json.loads(output[output.index("{") : output.rindex("}") + 1])["findings"])
    return ", ".join(f"{many} {code}" for code, many in sorted(found.items())) or "none"


def _growing(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield lattices of struts and comb-like bridges with ever more of them."""
    for cells in (4, 8) if quick else (5, 10, 22):
        path = meshes.folder() / f"lattice{cells}.stl"
        if not path.exists():
            meshes.write_corners(path, strut_lattice(cells))
        ran = _checked(path, TEN)
        many = cells**3
        yield {
            "table": "lattices of struts",
            "cells": many,
            "check CPU s": ran.cpu_s,
            "CPU ms/cell": 1e3 * (ran.cpu_s or float("nan")) / many,
            "peak MiB": ran.peak_mib,
            "findings": _codes(ran.output),
        }


def strut_lattice(cells: int, cell_mm: float = 0.1, strut_mm: float = 0.03) -> np.ndarray:
    """Return the triangles (F, 3, 3) of a cubic lattice as one surface: voxels of a strut's width, faces between solid and air."""
    n = round(cell_mm / strut_mm)
    size = cells * n + 1
    at = np.arange(size) % n == 0
    x, y, z = np.meshgrid(at, at, at, indexing="ij")
    solid = (x.astype(int) + y + z) >= 2
    return _faces(np.pad(solid, 1)) * strut_mm


def _faces(solid: np.ndarray) -> np.ndarray:
    corners = []
    for axis in range(3):
        for side in (0, 1):
            other = np.roll(solid, 1 - 2 * side, axis=axis)
            at = np.argwhere(solid & ~other).astype(float)
            u, v = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
            low = at + side * np.eye(3)[axis]
            quad = np.stack([low, low + u, low + u + v, low + v], axis=1)
            quad = quad if side else quad[:, ::-1]
            corners += [quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]]
    return np.concatenate(corners)
