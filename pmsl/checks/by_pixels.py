"""The checks by design of a job that holds none: on its masks, to one pixel."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pmsl.checks.by_design import edge_reach_um, narrow_findings, overhang_findings
from pmsl.checks.design_limits import DesignLimits
from pmsl.checks.pixel_sections import PixelSections
from pmsl.core.finding import Finding
from pmsl.core.mask import around
from pmsl.job.print_job import PrintJob
from pmsl.slicing.overhangs import overhangs_of
from pmsl.slicing.thin_places import thin_places_of

SAID = "; measured by pixels, to one pixel, for the job holds no design"


def pixel_findings(job: PrintJob, threads: int = 1) -> tuple[Finding, ...]:
    """Find what of a job's masks is too narrow, reaches too far over nothing, or lies at the field's edge.

    Parameters
    ----------
    job : PrintJob
        A pixel counts as solid where it is at least half as light as the lightest of its layer, in any exposure. Walls and gaps less than
        three layers high are left out: masks do not tell how steep a surface is.
    threads : int
        Layers looked at a time; the findings do not depend on it.

    Raises
    ------
    NotCheckedError
        Exposures of another engine or with an offset.
    JobError
        A damaged job.
    """
    limits, sections = DesignLimits.of(job), PixelSections(job)
    walls, gaps = thin_places_of(sections, limits.min_wall_um, limits.min_gap_um, False, threads)
    found = [
        *narrow_findings("thin-wall", walls, limits.min_wall_um, limits),
        *narrow_findings("thin-gap", gaps, limits.min_gap_um, limits),
        *overhang_findings(overhangs_of(sections, threads) if job.n_layers > 1 else [], limits),
        *_near_edge(job, sections),
    ]
    return tuple(msgspec.structs.replace(finding, message=finding.message + SAID) for finding in found)


def _near_edge(job: PrintJob, sections: PixelSections) -> Iterator[Finding]:
    """Yield that lit pixels lie so near to the field's edge that some of their light falls off it."""
    grid = job.grid
    rows, cols = grid.shape
    (x0, y0), (px, py) = grid.origin_um.tolist(), grid.pitch_um.tolist()
    limit = edge_reach_um(job)

    def gap_um(row0: int, col0: int, row1: int, col1: int) -> float:
        return float(min(row0 * py, col0 * px, (rows - row1) * py, (cols - col1) * px))

    windows = [sections.window(k) for k in range(job.n_layers)]
    near = [k for k, w in enumerate(windows) if w.rows and gap_um(w.row0, w.col0, w.row0 + w.rows, w.col0 + w.cols) < limit - 1e-6]
    if not near:
        return
    row0, col0, high, wide = around([windows[k] for k in near])
    gap = gap_um(row0, col0, row0 + high, col0 + wide)
    z = grid.z_edges_um.tolist()
    yield Finding(
        code="near-edge",
        severity="info",
        message=f"lit pixels lie {gap:.4g} µm from the field's edge: walls there lack the light of pixels beyond, within {limit:.3g} µm; "
        "move the part inward where its walls matter",
        layers=(near[0], near[-1]),
        box_um=((x0 + col0 * px, y0 + row0 * py, z[near[0]]), (x0 + (col0 + wide) * px, y0 + (row0 + high) * py, z[near[-1] + 1])),
        value=gap,
        limit=limit,
        unit="µm",
    )
