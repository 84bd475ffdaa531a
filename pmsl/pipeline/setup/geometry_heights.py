"""Layer heights that follow the geometry of parts: what the parts have of facets and slopes, and what no height can meet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import UNSET

from pmsl.core.finding import Finding
from pmsl.core.parallel import blocks_of, call_each
from pmsl.mesh.alike import alike
from pmsl.mesh.part import Part
from pmsl.profiles import Printer
from pmsl.profiles.process import LayerHeights
from pmsl.slicing.layer_heights import STEP_UM, HeightPlan, heights_from_geometry

SHOWN = 4


def plan_heights(parts: Sequence[Part], top_um: float, printer: Printer, heights: LayerHeights) -> HeightPlan:
    """Choose the slab edges of parts from their facets and slopes.

    Parameters
    ----------
    parts : sequence of Part
        Repaired.
    top_um : float
        Height of their highest point [µm].
    printer : Printer
        Whose stage's step heights are multiples of.
    heights : LayerHeights
        Bounds and stair.

    Returns
    -------
    HeightPlan

    Raises
    ------
    ProfileError
        No height within the bounds is a multiple of the step.
    """
    step = STEP_UM if printer.stage.step_um is UNSET else printer.stage.step_um.value
    stair = heights.highest_stair_um
    facets, slopes = [np.zeros(0)], [np.zeros((0, 3))]
    for i, *_ in alike(parts):
        facets.append(parts[i].solid.flat_heights_um(parts[i].transform))
        slopes.append(_slopes(parts[i], stair / heights.max_um))
    return heights_from_geometry(top_um, np.concatenate(facets), np.concatenate(slopes), heights.min_um, heights.max_um, stair, step)


def plan_findings(plan: HeightPlan, heights: LayerHeights, bounds_um: np.ndarray) -> Iterator[Finding]:
    """Yield facets that get no plane of their own, and stairs higher than asked.

    Parameters
    ----------
    plan : HeightPlan
    heights : LayerHeights
    bounds_um : (2, 3) float64
        Box of the parts [µm].
    """
    edges, n = plan.z_edges_um, len(plan.z_edges_um) - 1
    low, high = bounds_um[0, :2].tolist(), bounds_um[1, :2].tolist()
    if len(missed := plan.missed_um):
        shown = ", ".join(f"{z:.6g}" for z in missed[:SHOWN]) + (", …" if len(missed) > SHOWN else "")
        slabs = np.clip(np.searchsorted(edges, missed) - 1, 0, n - 1)
        moved = np.minimum(missed - edges[slabs], edges[slabs + 1] - missed)
        yield Finding(
            code="facets-too-near",
            severity="warning",
            message=f"horizontal surfaces at {len(missed)} heights ({shown} µm) get no plane of their own: no heights from "
            f"{heights.min_um:g} to {heights.max_um:g} µm meet them and their neighbours; each moves to the nearest plane; lower min_um",
            layers=(int(slabs.min()), int(slabs.max())),
            box_um=((*low, float(missed[0])), (*high, float(missed[-1]))),
            value=float(moved.max()),
            limit=0.0,
            unit="µm",
        )
    if plan.stair_um:
        yield Finding(
            code="stairs-high",
            severity="info",
            message=f"slopes that look at the light get stairs of up to {plan.stair_um:.4g} µm, {heights.highest_stair_um:g} µm was asked: "
            f"layers are at least {heights.min_um:g} µm thick and end on facets; lower min_um",
            layers=(0, n - 1),
            box_um=((*low, 0.0), (*high, float(edges[-1]))),
            value=plan.stair_um,
            limit=heights.highest_stair_um,
            unit="µm",
        )


def _slopes(part: Part, least: float) -> np.ndarray:
    """Return the part's light-facing slopes whose normal's z component is `least` or more: (S, 3) float64."""
    from pmsl.kernels.mesh import mesh_stats

    solid, turned = part.solid, part.mirrored != part.solid.inside_out
    blocks, out = blocks_of(solid.n_faces), np.empty((solid.n_faces, 3))
    counts = call_each(
        mesh_stats.light_facing_slopes, ((*solid.triangles(some), part.transform, turned, least, out[some]) for some in blocks)
    )
    return np.concatenate([out[some][:n] for some, n in zip(blocks, counts, strict=True)])
