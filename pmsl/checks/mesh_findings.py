"""What is doubtful about meshes and their layers: faces that look inward, boundaries that do not close, what an offset removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.mesh.part import Part
from pmsl.slicing.boundary_defects import Defects, OffsetLoss

DOUBTFUL = 0.1  # share of a layer's area that missing walls may hold, above which nobody can know what was meant


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
