"""What does exact volume coverage of one slab cost beside area coverage, and how exact is it?

The same parts, pixels and layers as area_coverage, one thread, both modes in turn. The error is the covered volume, before
rounding, against the signed volume of the mesh; for area mode that is the mid-slab rule's own difference, not an error. Parts
with overlapping shells or open edges have no volume to compare with and show none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from area_coverage import PARTS, grid_of, placed
from measure import in_turn

from pmsl import Grid
from pmsl.masks import MaskMaker


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a part."""
    for mesh in PARTS:
        if mesh().path is None:
            yield {"skipped": f"{mesh().name}: {mesh().skipped}"}
        else:
            yield {"table": "volume beside area, a layer"} | _cost(mesh().name, placed(mesh()), quick)


def _cost(name: str, part: Any, quick: bool) -> dict[str, Any]:
    grid = _to_the_top(grid_of(part), float(part.bounds_um[1, 2]))
    makers = [MaskMaker(part.parts, grid, mode) for mode in ("area", "volume")]
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


def _to_the_top(grid: Grid, top_um: float) -> Grid:
    """Raise the last edge to the part's top, which rounding of the file may leave a hair above it."""
    edges = np.append(grid.z_edges_um[:-1], max(top_um, float(grid.z_edges_um[-1])))
    return Grid(origin_um=grid.origin_um, pitch_um=grid.pitch_um, shape=grid.shape, z_edges_um=edges)


def _mesh_volume_um3(part: Any) -> float:
    """Signed volume of the placed mesh; 0 where health says that it is no closed solid."""
    health = part.parts[0].solid.health
    scale = float(np.linalg.det(part.parts[0].transform[:3, :3]))
    return health.volume_um3 * scale if health.watertight and health.winding_consistent else 0.0


def _covered_um3(maker: MaskMaker, grid: Grid, quick: bool) -> float:
    if quick:
        return 0.0
    return float(sum(maker.coverage(k).sum() * t for k, t in enumerate(grid.thickness_um))) * grid.pixel_um2
