"""What does exact volume coverage cost beside area coverage, of one slab and of a whole run, and how exact is it?

Slabs: the same parts, pixels and layers as area_coverage, one thread, both modes in turn. Whole runs: `pmsl slice`, STL to a job on
disk, the meshes of peers.py, 500 layers of 1920 × 1080 px, both modes in turn, medians of the pairwise ratios. The error is the covered
volume, before rounding, against the signed volume of the mesh; for area mode that is the mid-slab rule's own difference, not an error.
Parts with overlapping shells or open edges have no volume to compare with and show none.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import meshes
import numpy as np
from area_coverage import PARTS, grid_of, placed
from measure import in_turn, process
from peer_tools import PMSL, PMSL_VOLUME, WORKS, Work
from peers import LARGE, MESHES, median

from pmsl import Grid
from pmsl.masks import AreaMasks, masks_of


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a part."""
    for mesh in PARTS:
        if mesh().path is None:
            yield {"skipped": f"{mesh().name}: {mesh().skipped}"}
        else:
            yield {"table": "volume beside area, a layer"} | _cost(mesh().name, placed(mesh()), quick)
    for name in ("ellipsoid5k",) if quick else LARGE:
        if MESHES[name]().path is None:
            yield {"skipped": f"{name}: {MESHES[name]().skipped}"}
        else:
            yield _whole(MESHES[name](), *((WORKS["W0"], 1) if quick else (WORKS["W1"], 5)))


def _cost(name: str, part: Any, quick: bool) -> dict[str, Any]:
    grid = _to_the_top(grid_of(part), float(part.bounds_um[1, 2]))
    makers = [masks_of(part.parts, grid, mode) for mode in ("area", "volume")]
    chosen = range(0, grid.n_layers, 25 if quick else 5)
    for maker in makers:
        maker.mask(0)
    ms = [1000 * t / len(chosen) for t in in_turn([lambda m=m: [m.mask(k) for k in chosen] for m in makers], 3)]
    exact = _mesh_volume_um3(part)
    errors = [abs(_covered_um3(m, grid, quick) - exact) / exact if exact else None for m in makers]
    return {
        "part": name,
        "layers": grid.n_layers,
        "area ms": ms[0],
        "volume ms": ms[1],
        "volume/area": ms[1] / ms[0],
        "area mid-slab difference": None if quick else errors[0],
        "ERROR volume": None if quick else errors[1],
    }


def _whole(mesh: meshes.Mesh, work: Work, pairs: int) -> dict[str, Any]:
    """Slice a mesh in both modes, in turn."""
    assert mesh.path is not None
    with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
        ran = [
            [process(tool.command(work, mesh.path, Path(scratch) / f"{turn}-{i}.zip")) for i, tool in enumerate((PMSL, PMSL_VOLUME))]
            for turn in range(pairs)
        ]
    area, volume = zip(*ran, strict=True)
    cpu = [v.cpu_s / a.cpu_s for a, v in ran if a.cpu_s and v.cpu_s]
    return {
        "table": f"volume beside area, whole runs of {work.layers} layers",
        "part": mesh.name,
        "area s": statistics.median(a.wall_s for a in area),
        "volume s": statistics.median(v.wall_s for v in volume),
        "wall ratio": statistics.median(v.wall_s / a.wall_s for a, v in ran),
        "CPU ratio": statistics.median(cpu) if cpu else None,
        "area MiB": median(a.peak_mib for a in area),
        "volume MiB": median(v.peak_mib for v in volume),
    }


def _to_the_top(grid: Grid, top_um: float) -> Grid:
    """Raise the last edge to the part's top, which rounding of the file may leave a hair above it."""
    edges = np.append(grid.z_edges_um[:-1], max(top_um, float(grid.z_edges_um[-1])))
    return Grid(origin_um=grid.origin_um, pitch_um=grid.pitch_um, shape=grid.shape, z_edges_um=edges)


def _mesh_volume_um3(part: Any) -> float:
    """Signed volume of the placed mesh; 0 where health says that it is no closed solid."""
    health = part.parts[0].solid.health
    scale = float(np.linalg.det(part.parts[0].transform[:3, :3]))
    return health.volume_um3 * scale if health.watertight and health.winding_consistent else 0.0


def _covered_um3(maker: AreaMasks, grid: Grid, quick: bool) -> float:
    if quick:
        return 0.0
    return float(sum(maker.coverage(k).sum() * t for k, t in enumerate(grid.thickness_um))) * grid.pixel_um2
