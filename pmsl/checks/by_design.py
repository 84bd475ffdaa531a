"""The checks of a job by design, on exact sections of its parts: the same at any pitch, pixels and light do not count.

Widths of walls and gaps, overhangs, and parts so near to the field's edge that their light falls off it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pmsl.checks.design_limits import DesignLimits, sigma_um
from pmsl.checks.places import worst
from pmsl.core.finding import Finding
from pmsl.job.print_job import PrintJob
from pmsl.masks.union_check import overlaps
from pmsl.mesh.part import Part
from pmsl.slicing.overhangs import Overhang, overhangs
from pmsl.slicing.plane_index import index_crossings
from pmsl.slicing.thin_places import ThinPlace, thin_places

MOST = 50  # findings of a code and severity; more are counted
MOST_BOXES = 2000  # parts of which every two are compared
EDGE_SIGMAS = 3.0

NARROW = {
    "thin-wall": ("a wall is", "it may not cure, or tear off", "make it wider, or choose finer pixels"),
    "thin-gap": ("a gap is", "it may close", "make it wider, or choose finer pixels"),
}


def design_findings(job: PrintJob, threads: int = 1) -> tuple[Finding, ...]:
    """Find what of a job's design is too narrow, reaches too far over nothing, or lies at the field's edge.

    Parameters
    ----------
    job : PrintJob
        With its design; of one without, `by_pixels.pixel_findings` finds what masks show.
    threads : int
        Layers cut at a time; the findings do not depend on it.
    """
    parts = job.design
    limits = DesignLimits.of(job)
    index = index_crossings(parts, job.grid)
    walls, gaps = thin_places(parts, job.grid, limits.min_wall_um, limits.min_gap_um, may_overlap(parts), threads, index)
    return (
        *narrow_findings("thin-wall", walls, limits.min_wall_um, limits),
        *narrow_findings("thin-gap", gaps, limits.min_gap_um, limits),
        *overhang_findings(overhangs(parts, job.grid, threads, index), limits),
        *near_edge_findings(job, parts),
    )


def may_overlap(parts: Sequence[Part]) -> bool:
    """Tell whether parts, or shells of one, share volume, or may.

    Parameters
    ----------
    parts : sequence of Part
    """
    boxes = np.array([part.bounds_um() for part in parts])
    if len(parts) > MOST_BOXES:
        return True
    low, high = boxes[:, 0], boxes[:, 1]
    meets = (low[:, None] < high[None]).all(axis=2) & (low[None] < high[:, None]).all(axis=2)
    if np.triu(meets, 1).any():
        return True
    return any(overlaps(solid) for solid in {id(part.solid): part.solid for part in parts}.values())


def narrow_findings(code: str, places: Sequence[ThinPlace], limit_um: float, limits: DesignLimits) -> list[Finding]:
    """Say which walls or gaps are too narrow, the narrowest of many.

    Parameters
    ----------
    code : {"thin-wall", "thin-gap"}
    places : sequence of ThinPlace
    limit_um : float
    limits : DesignLimits
        What the limit comes from.
    """
    what, why, remedy = NARROW[code]
    return worst(
        [
            Finding(
                code=code,
                severity="warning",
                message=f"{what} {place.width_um:.4g} µm wide at its narrowest, below {limit_um:.4g} µm with light that blurs by "
                f"{limits.blur_um:.3g} µm {why}; {remedy}",
                layers=place.layers,
                box_um=place.box_um,
                value=place.width_um,
                limit=limit_um,
                unit="µm",
            )
            for place in places
        ],
        lambda finding: finding.value or 0.0,
        MOST,
    )


def overhang_findings(places: Sequence[Overhang], limits: DesignLimits) -> list[Finding]:
    """Say what reaches far over nothing, the farthest of many.

    Parameters
    ----------
    places : sequence of Overhang
    limits : DesignLimits
    """
    found = []
    for place in places:
        too_far = place.reach_um > limits.max_overhang_um
        remedy = "support it, or turn the part" if too_far else "it prints without supports where the resin is stiff enough"
        found.append(
            Finding(
                code="overhang",
                severity="warning" if too_far else "info",
                message=f"a ledge or bridge reaches up to {place.reach_um:.4g} µm over nothing; {remedy}",
                layers=place.layers,
                box_um=place.box_um,
                value=place.reach_um,
                limit=limits.max_overhang_um,
                unit="µm",
            )
        )
    kinds = [f for f in found if f.severity == "warning"], [f for f in found if f.severity == "info"]
    return [f for kind in kinds for f in worst(kind, lambda finding: -(finding.value or 0.0), MOST)]


def edge_reach_um(job: PrintJob) -> float:
    """Return how far from the field's edge walls lack light of pixels beyond [µm].

    Parameters
    ----------
    job : PrintJob
    """
    return EDGE_SIGMAS * sigma_um(job) + float(job.grid.pitch_um.max())


def near_edge_findings(job: PrintJob, parts: Sequence[Part]) -> Iterator[Finding]:
    """Yield that parts lie so near to the field's edge that some of their light falls off it.

    Parameters
    ----------
    job : PrintJob
    parts : sequence of Part
    """
    grid = job.grid
    limit = edge_reach_um(job)
    end = grid.origin_um + grid.pitch_um * np.array(grid.shape[::-1])
    boxes = np.array([part.bounds_um() for part in parts])
    gaps = np.minimum(boxes[:, 0, :2] - grid.origin_um, end - boxes[:, 1, :2]).min(axis=1)
    near = np.flatnonzero(gaps < limit - 1e-6)
    if not len(near):
        return
    i = int(near[np.argmin(gaps[near])])
    name = parts[i].label or parts[i].solid.source
    more = f" (and {len(near) - 1} other parts)" if len(near) > 1 else ""
    low, high = boxes[i].tolist()
    yield Finding(
        code="near-edge",
        severity="info",
        message=f"{name} lies {gaps[i]:.4g} µm from the field's edge{more}: its walls there lack the light of pixels beyond, within "
        f"{limit:.3g} µm; move it inward where its walls matter",
        layers=(grid.layer_of(max(low[2], float(grid.z_edges_um[0]))), grid.n_layers - 1),
        box_um=(tuple(low), tuple(high)),
        value=float(gaps[i]),
        limit=limit,
        unit="µm",
    )
