"""How the heights of parts fit the slabs: tops and horizontal facets off the slab planes, a gap above the plate, slabs partly filled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from pmsl.checks.profile_fit import HEIGHT_SLACK, SLACK_UM
from pmsl.core.arrays import distinct
from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.mesh.alike import alike
from pmsl.mesh.part import Part

MEET_PLANES = "a layer height that divides the heights, or layers = [[count, um], …] in the process, meets them"


def height_findings(boxes_um: np.ndarray, grid: Grid, slabs_lit: Callable[[float], int], shortened: bool = False) -> Iterator[Finding]:
    """Yield the rounding of the parts' tops to the slabs, and a gap between parts and plate.

    `boxes_um` (P, 2, 3) are those of the parts [µm], `slabs_lit` tells how many slabs a height [µm] lights. Where a
    job is `shortened`, tops above it are not spoken of: no height of layers meets them.
    """
    reached = boxes_um
    if shortened:
        reached = boxes_um[np.array([slabs_lit(float(z)) <= grid.n_layers for z in boxes_um[:, 1, 2]], dtype=bool)]
    if len(reached):
        yield from _rounded_tops(reached, grid, slabs_lit)
    bottom = float(boxes_um[:, 0, 2].min())
    if bottom > SLACK_UM:
        low, high = boxes_um[:, 0].min(axis=0), boxes_um[:, 1].max(axis=0)
        yield Finding(
            code="gap-above-plate",
            severity="warning",
            message=f"the lowest point is {bottom:.6g} µm above the plate: nothing joins the part to it; place it on the plate",
            layers=(0, max(grid.layer_of(bottom) - 1, 0)),
            box_um=((*low[:2].tolist(), 0.0), (*high[:2].tolist(), bottom)),
            value=bottom,
            limit=0.0,
            unit="µm",
        )


def _rounded_tops(boxes_um: np.ndarray, grid: Grid, slabs_lit: Callable[[float], int]) -> Iterator[Finding]:
    """Yield that tops of parts lie off the slab planes; the highest of them is named, of others how many and how far."""
    tops, which = distinct(boxes_um[:, 1, 2])
    lit = np.array([min(slabs_lit(float(top)), grid.n_layers) for top in tops])
    made, last = grid.z_edges_um[lit], np.maximum(lit - 1, 0)
    (off,) = np.nonzero(np.abs(made - tops) > HEIGHT_SLACK * grid.thickness_um[last])
    if len(off) == 0:
        return
    i, others = int(off[-1]), off[:-1]
    low, high = boxes_um[int(np.argmax(which == i))].tolist()
    more = f"; of {len(others)} other tops up to {np.abs(made - tops)[others].max():.6g} µm are rounded off or up" if len(others) else ""
    yield Finding(
        code="top-rounded",
        severity="info",
        message=f"the part is {tops[i]:.6g} µm high, the layers that reach it make {made[i]:.6g} µm{more}; {MEET_PLANES}",
        layers=(int(last[off].min()), int(last[off].max())),
        box_um=((*low[:2], min(high[2], float(made[i]))), (*high[:2], max(high[2], float(made[i])))),
        value=float(made[i] - tops[i]),
        limit=0.0,
        unit="µm",
    )


def facet_findings(parts: Sequence[Part], flat_heights_um: Sequence[np.ndarray], grid: Grid) -> Iterator[Finding]:
    """Yield horizontal facets that lie inside a slab, or above the last: their surface moves to a slab plane.

    `flat_heights_um` are those of the first part of every group of `alike` (`TriangleMesh.flat_heights_um`).
    """
    edges = np.append(grid.z_edges_um, grid.z_edges_um[-1] + grid.thickness_um[-1])
    above, off, heights, boxes = [], [], [], []
    for z in flat_heights_um:
        z = z[(z > edges[0]) & (z < edges[-1])]
        k = np.clip(np.searchsorted(edges, z), 1, grid.n_layers + 1)
        moved = np.minimum(edges[k] - z, z - edges[k - 1])
        inside = moved > HEIGHT_SLACK * (edges[k] - edges[k - 1])
        above.append(np.minimum(k[inside], grid.n_layers))
        off.append(moved[inside])
        heights.append(z[inside])
    if sum(map(len, heights)) == 0:
        return
    for group, z in zip(alike(parts), heights, strict=True):
        boxes += [parts[i].bounds_um()[:, :2] for i in group] if len(z) else []
    levels = distinct(np.round(np.concatenate(heights), 3))[0]
    shown = ", ".join(f"{z:.6g}" for z in levels[:4]) + (", …" if len(levels) > 4 else "")
    low, high = np.min(boxes, axis=0)[0].tolist(), np.max(boxes, axis=0)[1].tolist()
    slabs = np.concatenate(above)
    yield Finding(
        code="facets-off-planes",
        severity="info",
        message=f"horizontal surfaces at {len(levels)} heights lie inside a slab ({shown} µm): "
        f"each moves to the slab plane its layer's middle decides; {MEET_PLANES}",
        layers=(int(slabs.min()) - 1, int(slabs.max()) - 1),
        box_um=((*low, float(levels[0])), (*high, float(levels[-1]))),
        value=float(np.concatenate(off).max()),
        limit=0.0,
        unit="µm",
    )


def partial_slab_findings(parts: Sequence[Part], grid: Grid) -> Iterator[Finding]:
    """Yield that volume coverage with plain gray under-exposes slabs which surfaces facing the light leave partly filled."""
    from pmsl.kernels.mesh import mesh_stats

    layers = np.array([grid.n_layers, -1], np.int64)
    n = 0
    for group in alike(parts):
        part = parts[group[0]]
        turned = part.mirrored != part.solid.inside_out
        n += len(group) * mesh_stats.count_partial(*part.solid.triangles(), part.transform, turned, grid.z_edges_um, layers)
    if n:
        yield Finding(
            code="partial-slabs",
            severity="warning",
            message=f"{n} triangles that face the light leave slabs partly filled: with plain gray such a slab is under-exposed "
            "and cures as a floating film, it does not become thinner; coverage 'area' has no such slabs",
            layers=(int(layers[0]), int(layers[1])),
            value=float(n),
            limit=0.0,
            unit="triangles",
        )
