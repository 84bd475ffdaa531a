"""What a user should know about a job before light: Findings on profiles, heights and facets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from msgspec import UNSET

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.mesh.part import Part
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.placeholders import placeholders as placeholders
from pmsl.slicing.boundary_defects import Defects, OffsetLoss

WAVELENGTH_SLACK_NM = 7.5
HEIGHT_SLACK = 1e-3  # of a layer
DOUBTFUL = 0.1  # share of a layer's area that missing walls may hold, above which nobody can know what was meant
SLACK_UM = 1e-3  # a nanometre
MOST_NAMED = 5  # regions in a message


def profile_findings(printer: Printer, resin: Resin, missing: Sequence[str]) -> Iterator[Finding]:
    """Yield what does not fit between printer and resin, and that the dose is not calibrated."""
    if missing:
        yield Finding(
            code="not-calibrated",
            severity="warning",
            message=f"placeholder values for {', '.join(missing)}: masks are exact, "
            "but times and doses are a guess until these are measured",
        )
    if wavelengths_differ(printer, resin):
        ours, theirs = printer.optics.wavelength_nm.value, resin.resin.wavelength_nm.value
        yield Finding(
            code="wavelength-mismatch",
            severity="warning",
            message=f"resin {resin.name} was characterised at {theirs:g} nm, printer {printer.name} exposes at {ours:g} nm: "
            "its Dp and Ec do not hold; choose a resin measured at that wavelength",
            value=ours,
            limit=theirs,
            unit="nm",
        )


def wavelengths_differ(printer: Printer, resin: Resin) -> bool:
    """Tell whether the resin was characterised at another wavelength than the printer exposes with."""
    return abs(printer.optics.wavelength_nm.value - resin.resin.wavelength_nm.value) > WAVELENGTH_SLACK_NM


def dose_findings(resin: Resin, doses_mj_cm2: np.ndarray) -> Iterator[Finding]:
    """Yield the layers whose white dose the resin's working curve was not measured with; doses (L,) [mJ/cm²]."""
    if resin.resin.dose_range_mj_cm2 is None:
        return
    low, high = resin.resin.dose_range_mj_cm2.value
    for outside, worst, limit in ((doses_mj_cm2 < low, np.min, low), (doses_mj_cm2 > high, np.max, high)):
        if outside.any():
            layers = np.flatnonzero(outside)
            yield Finding(
                code="dose-outside-measured",
                severity="warning",
                message=f"resin {resin.name} was measured from {low:g} to {high:g} mJ/cm²; the white dose of these layers lies outside, "
                "where its Dp and Ec are a guess; measure the working curve there, or change layer_um or dose factors",
                layers=(int(layers[0]), int(layers[-1])),
                value=float(worst(doses_mj_cm2)),
                limit=limit,
                unit="mJ/cm²",
            )


def exposure_findings(process: Process, grid: Grid) -> Iterator[Finding]:
    """Yield that layers of several heights get one dose, for the process says a time instead of a margin."""
    low, high = float(grid.thickness_um.min()), float(grid.thickness_um.max())
    if process.exposure_s is not UNSET and high - low > SLACK_UM:
        yield Finding(
            code="one-exposure-for-heights",
            severity="info",
            message=f"exposure_s = {process.exposure_s:g} s is the same for layers of {low:g} to {high:g} µm: thin ones are cured deeper "
            "into what lies below; give margin_um instead, or leave both out, and doses follow the heights",
            value=low,
            limit=high,
            unit="µm",
        )


def winding_findings(parts: Sequence[Part]) -> Iterator[Finding]:
    """Yield the parts whose faces look inward, of copies the first: they are turned, so that parts unite."""
    seen: dict[int, Part] = {}
    for part in parts:
        seen.setdefault(id(part.solid), part)
    for part in seen.values():
        if part.solid.inside_out:
            yield Finding(
                code="inside-out",
                severity="warning",
                message=f"{part.label or part.solid.source}: its faces look inward; they were turned, the solid is what they enclose",
            )


def weak_findings(weak: np.ndarray, factors: np.ndarray, regions: Sequence[str] = ()) -> Iterator[Finding]:
    """Yield that dose factors leave layers (`weak`, their numbers) below Ec at their far face when shown by themselves.

    `regions` are labels of those without which they would not be.
    """
    if len(weak):
        raised = "the dose scale of the part or the factor of bulk"
        if regions:
            more = f" and {len(regions) - MOST_NAMED} more" if len(regions) > MOST_NAMED else ""
            raised = f"the dose_scale of region{'s' * (len(regions) > 1)} {', '.join(regions[:MOST_NAMED])}{more}"
        yield Finding(
            code="weak-layers",
            severity="warning",
            message=f"dose factors leave {len(weak)} layers below Ec at their far face: they hold to the layer before only by the light "
            f"of the layers after them; raise {raised}, or margin_um",
            layers=(int(weak.min()), int(weak.max())),
            value=float(factors[weak].min()),
            limit=1.0,
            unit="of the ordinary dose",
        )


UNITED = "their union is printed, exactly"
WOUND = (
    "they are printed as they wind (--repair none): solid is where the windings add up to other than 0, so that what two cavities "
    "enclose both is solid too; --repair auto unites them"
)


def layer_findings(defects: Defects, grid: Grid, k: int, repair: str = "auto") -> Iterator[Finding]:
    """Yield what is doubtful about the boundary of layer k: rows that did not close, cells where shells overlap.

    `repair` is what was done about the meshes, as `pmsl.mesh.repair.repair.repaired` takes it.
    """
    if defects.rows:
        low = np.array([defects.first_col, defects.first_row]) * grid.pitch_um + grid.origin_um
        high = np.array([defects.last_col + 1, defects.last_row + 1]) * grid.pitch_um + grid.origin_um
        z_low, z_high = grid.z_edges_um[k : k + 2].tolist()
        yield Finding(
            code="open-rows",
            severity="error" if defects.doubtful > DOUBTFUL else "warning",
            message=f"the mesh is open or its faces are inconsistent: {defects.rows} pixel rows whose boundary does not close were closed "
            f"inside this box, by the shortest way; walls missing there may hold {100 * defects.doubtful:.2g} % of the layer's area (an "
            f"error above {100 * DOUBTFUL:g} %); repair the mesh",
            layers=(k, k),
            box_um=((*low.tolist(), z_low), (*high.tolist(), z_high)),
            value=float(defects.rows),
            limit=0.0,
            unit="rows",
        )
    yield from _lost_findings(defects.lost, grid, k)
    if defects.overlap:
        yield Finding(
            code="overlap-united",
            severity="info",
            message=f"shells overlap, coincide or look inward in {defects.overlap} pixels of a layer: "
            f"{WOUND if repair == 'none' else UNITED}",
            layers=(k, k),
            value=float(defects.overlap),
            limit=0.0,
            unit="px",
        )
    if defects.shared:
        thickness = float(grid.thickness_um[k])
        yield Finding(
            code="shared-voxels",
            severity="info",
            message=f"the boundaries of overlapping shells share {defects.shared} pixels of a layer: their grays are integrals over "
            f"64 planes, off by {defects.excess_px * grid.pixel_um2 * thickness:.3g} µm³ in all at most; they are exact where a mesh of "
            "the union can be made: no shell is open or folds over (up to 3 million triangles)",
            layers=(k, k),
            value=defects.excess_px * grid.pixel_um2 * thickness,
            limit=0.0,
            unit="µm³",
        )


LOST = {
    "wall": ("wall-vanished", "walls or necks thinner than twice the offset are gone", "make them thicker, or xy_offset_um smaller"),
    "gap": ("gap-closed", "gaps, holes or channels narrower than twice the offset are closed", "widen them, or make xy_offset_um smaller"),
}


def _lost_findings(lost: Sequence[OffsetLoss], grid: Grid, k: int) -> Iterator[Finding]:
    """Yield what an offset of the contours took from layer k: one finding a kind, around all places, naming the largest."""
    for kind, (code, what, remedy) in LOST.items():
        places = [place for place in lost if place.kind == kind]
        if not places:
            continue
        largest = max(places, key=lambda place: place.area_px)
        boxes = np.array([place.box_px for place in places])
        low, high = (end * grid.pitch_um + grid.origin_um for end in (boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)))
        x, y = ((np.array(largest.box_px[:2]) + largest.box_px[2:]) / 2 * grid.pitch_um + grid.origin_um).tolist()
        z_low, z_high = grid.z_edges_um[k : k + 2].tolist()
        area = sum(place.area_px for place in places) * grid.pixel_um2
        yield Finding(
            code=code,
            severity="warning",
            message=f"the offset of contours: {what}, at {len(places)} {'place' if len(places) == 1 else 'places'} of a layer, the largest "
            f"of {largest.area_px * grid.pixel_um2:.4g} µm² around x {x:.6g}, y {y:.6g} µm; {remedy}",
            layers=(k, k),
            box_um=((*low.tolist(), z_low), (*high.tolist(), z_high)),
            value=area,
            limit=0.0,
            unit="µm²",
        )
