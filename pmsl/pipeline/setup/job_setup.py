"""What comes before any layer: placed parts, grid, doses, findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pmsl.checks import mesh_findings, profile_fit
from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.correct.regions import RegionDoses
from pmsl.correct.uncurable_grays import GrayCheck
from pmsl.errors import ExposureError, MeshError, UsageError
from pmsl.exposure import Ladder, dose_ladder
from pmsl.exposure.height_limits import check_heights
from pmsl.mesh.alike import alike
from pmsl.mesh.part import Part, as_part
from pmsl.mesh.solid import Solid
from pmsl.optics import Projector, flat_field, psf_of
from pmsl.optics.grayscale import response
from pmsl.pipeline.request.profile_length_checks import check_units, unit_findings
from pmsl.pipeline.setup import lit_layers, part_heights
from pmsl.pipeline.setup.corrections import corrector_of
from pmsl.pipeline.setup.drawn_geometry import check_grown, check_inside, drawn_parts, offset_of
from pmsl.pipeline.setup.validation import check_corrections, check_wavelengths
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.placeholders import placeholders
from pmsl.profiles.process import LayerHeights
from pmsl.profiles.resin import of_first_engine
from pmsl.slicing.planes import slabs_lit, z_edges_um

if TYPE_CHECKING:
    from pmsl.correct import Corrector
    from pmsl.correct.flat_field import FlatFieldCompensation
    from pmsl.pipeline.setup.region_meshes import Modifiers
    from pmsl.slicing.offset import ContourOffset

MAX_SCALE = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class JobSetup:
    """What a job is made of before any layer.

    Attributes
    ----------
    parts : tuple of Part
        As the picture must have them: warped where the optics distort.
    design : tuple of Part
        As they are to stand on the plate.
    bounds_um : (2, 3) float64
        The design's box [µm].
    grid : Grid
    ladder : Ladder
        The dose of every layer.
    placeholders : tuple of str
        Values that nobody measured.
    findings : tuple of Finding
    regions : RegionDoses or None
        Gives pixels doses of their own; None where all get the same.
    grays : GrayCheck or None
        Looks for grays that cure nothing.
    corrector : Corrector or None
    offset : ContourOffset or None
        Moves contours; None where they stay.
    modifiers : Modifiers or None
        The regions that meshes draw.
    repair : str
        What was done about meshes.
    """

    parts: tuple[Part, ...]
    design: tuple[Part, ...]
    bounds_um: np.ndarray
    grid: Grid
    ladder: Ladder
    placeholders: tuple[str, ...]
    findings: tuple[Finding, ...]
    regions: RegionDoses | None = None
    grays: GrayCheck | None = None
    corrector: Corrector | None = None
    offset: ContourOffset | None = None
    modifiers: Modifiers | None = None
    repair: str = "auto"


def stages(
    parts: Sequence[Solid | Part],
    printer: Printer,
    resin: Resin,
    process: Process,
    bounds_um: np.ndarray | None = None,
    accept_uncalibrated: bool = False,
    repair: str = "auto",
    n_layers: int | None = None,
    weld_um: float | None = None,
    field: FlatFieldCompensation | None = None,
) -> JobSetup:
    """Find grid, doses and findings of parts where their coordinates are; nothing is moved.

    Parameters
    ----------
    parts : sequence of Solid or Part
    printer, resin, process : Printer, Resin, Process
    bounds_um : (2, 3) float64, optional
        Their box [µm], where it is known already.
    accept_uncalibrated, repair, weld_um
        As `prepare`.
    n_layers : int, optional
        Layers in all, where it is known already that none above has light. Left out: they end with the last one that is lit.
    field : FlatFieldCompensation, optional
        What evens the field in the frames; left out, what the printer and the process say.

    Returns
    -------
    JobSetup

    Raises
    ------
    MeshError
        No part, one that cannot be repaired, that lights no layer, or a part outside the field, below the plate or above the travel.
    ExposureError
        Doses the resin or the printer cannot have; wavelengths that differ; corrections that rest on what nobody gave.
    UsageError
        A part that asks for a dose that is none, or for a region that is none.
    """
    printer, resin = of_first_engine(printer, resin)
    given = [as_part(item) for item in parts]
    pieces = tuple(part.repaired(repair, weld_um, np.array(printer.optics.pitch_um.value)) for part in given)
    if any(a is not b for a, b in zip(given, pieces, strict=True)):
        bounds_um = None  # what was left out may have made the box
    if not pieces:
        raise MeshError("no part to print; give at least one mesh")
    check_units(printer, resin, process)
    check_wavelengths(printer, resin, process)
    _check_own_doses(pieces)
    boxes = np.array([p.bounds_um() for p in pieces])
    bounds = np.array([boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)]) if bounds_um is None else bounds_um
    slabs, height_plan = _grid(bounds, pieces, printer, process)
    design, pieces, drawn = pieces, *drawn_parts(pieces, bounds, printer)
    check_inside(bounds, drawn, slabs, printer)
    check_heights(slabs, printer, resin, process)
    grid = _lit(slabs, pieces, boxes, process, n_layers)
    offset = offset_of(process, grid, printer)
    if offset is not None:
        check_grown(drawn, grid, float(offset.distance_um.max()), "xy_offset_um", printer)
    field = _baked_field(printer, process) if field is None else field
    ladder = dose_ladder(grid, printer, resin, process, None if field is None else field.apply)
    modifiers = _modifiers(pieces, design, grid, printer, process, ladder.power, offset)
    missing = placeholders(printer, resin, ladder.power)
    if modifiers is not None:
        missing = tuple(dict.fromkeys([*missing, *modifiers.placeholders(printer, resin)]))
    check_corrections(printer, resin, process, missing, accept_uncalibrated)
    bulk = 1.0 if process.regions is None else process.regions.bulk
    least, most = (bulk * scale for scale in _scales(pieces, boxes, grid))
    gain = 1.0 if field is None else field.dose_factor
    if field is not None or (most != 1.0).any():
        ladder.check(most, gain)
    lowered: tuple[str, ...] = ()
    if modifiers is not None:
        before, least = ladder.weak(least), modifiers.checked(ladder, least, bulk, gain)
        lowered = modifiers.lowering(np.setdiff1d(ladder.weak(least), before))
    corrector = corrector_of(pieces, grid, printer, resin, process, ladder)
    findings = [f for solid in {id(p.solid): p.solid for p in design}.values() for f in solid.findings]
    findings += [] if modifiers is None else modifiers.findings()
    findings += profile_fit.profile_findings(printer, resin, missing)
    findings += profile_fit.dose_findings(resin, ladder.dose_mj_cm2)
    findings += profile_fit.exposure_findings(process, grid)
    findings += unit_findings(printer, process, grid)
    findings += _overlaps(design, boxes, grid)
    findings += mesh_findings.winding_findings(design)
    ends = (grid if n_layers is None else slabs).z_edges_um
    findings += part_heights.height_findings(boxes, grid, lambda z: slabs_lit(ends, z, process.coverage), n_layers is not None)
    flats = [design[i].solid.flat_heights_um(design[i].transform) for i, *_ in alike(design)]
    findings += part_heights.facet_findings(design, flats, grid)
    findings += height_plan
    findings += profile_fit.weak_findings(ladder.weak(least), least, lowered)
    if corrector is not None:
        findings += corrector.job_findings()
        return JobSetup(pieces, design, bounds, grid, ladder, missing, tuple(findings), corrector=corrector, repair=repair)
    if process.coverage == "volume":
        findings += part_heights.partial_slab_findings(design, grid)
    only, always = ({}, False) if modifiers is None else (modifiers.only, True)
    regions = RegionDoses.of(process.regions, grid, [p.dose_scale for p in pieces], only, always)
    if regions is not None:
        findings += _coarse(pieces, process, ladder)
    largest = (1.0 if regions is None else regions.most) * (1.0 if modifiers is None else modifiers.shares.largest)
    grays = _gray_check(grid, printer, process, ladder, largest)
    return JobSetup(pieces, design, bounds, grid, ladder, missing, tuple(findings), regions, grays, None, offset, modifiers, repair)


def _modifiers(
    pieces: Sequence[Part],
    design: Sequence[Part],
    grid: Grid,
    printer: Printer,
    process: Process,
    power: float,
    offset: ContourOffset | None,
) -> Modifiers | None:
    """Return the regions that meshes draw, None where there are none."""
    if not any(part.regions for part in pieces):
        return None
    from pmsl.pipeline.setup.region_meshes import Modifiers  # few jobs have any

    return Modifiers.of(pieces, grid, printer, process, power, offset, design)


def _overlaps(pieces: Sequence[Part], boxes: np.ndarray, grid: Grid) -> list[Finding]:
    if len(pieces) < 2:
        return []
    from pmsl.pipeline.plates.overlaps import overlap_findings

    return list(overlap_findings(pieces, boxes, grid))


def _coarse(pieces: Sequence[Part], process: Process, ladder: Ladder) -> list[Finding]:
    from pmsl.pipeline.setup.coarse_doses import coarse_findings  # few jobs have several doses

    return list(coarse_findings(pieces, process.regions, ladder))


def _grid(bounds_um: np.ndarray, parts: Sequence[Part], printer: Printer, process: Process) -> tuple[Grid, list[Finding]]:
    """Return the grid of the parts, and what heights that follow their geometry cannot meet."""
    top, findings = float(bounds_um[1, 2]), []
    if isinstance(process.layers, LayerHeights):
        from pmsl.pipeline.setup.geometry_heights import plan_findings, plan_heights  # most jobs have heights of their own

        plan = plan_heights(parts, top, printer, process.layers)
        z_edges, findings = plan.z_edges_um, list(plan_findings(plan, process.layers, bounds_um))
    else:
        z_edges = z_edges_um(top, process)
    grid = Grid(origin_um=(0.0, 0.0), pitch_um=printer.optics.pitch_um.value, shape=printer.field_px, z_edges_um=z_edges)
    return grid, findings


def _lit(grid: Grid, parts: Sequence[Part], boxes: np.ndarray, process: Process, n_layers: int | None) -> Grid:
    """Return the grid without the layers above the last one that is lit; refuse parts that light none."""
    if n_layers is None:
        lit_layers.check_parts(parts, boxes, grid, process)
        n_layers = lit_layers.layers_up_to_the_last_lit(parts, boxes, grid, process)
    if n_layers == 0:
        raise lit_layers.refuse_all_dark(parts, process)
    if n_layers == grid.n_layers:
        return grid
    return Grid(origin_um=grid.origin_um, pitch_um=grid.pitch_um, shape=grid.shape, z_edges_um=grid.z_edges_um[: n_layers + 1])


def _baked_field(printer: Printer, process: Process) -> FlatFieldCompensation | None:
    """Return what evens the field in the frames, None where they do not."""
    if process.evened != "baked":
        return None
    from pmsl.correct.flat_field import FlatFieldCompensation

    return FlatFieldCompensation.of(printer)


def _gray_check(grid: Grid, printer: Printer, process: Process, ladder: Ladder, scale: float) -> GrayCheck:
    """Return what looks for grays that never cure; an uneven field counts where nobody evens it. `scale` is the largest dose factor."""
    flat = None if process.evened is not None else flat_field(printer)
    projector = Projector(printer.field_px, psf_of(printer), flat)
    if process.unreachable == "lift" and ladder.cure.reciprocity != 1:
        raise ExposureError(
            f"unreachable is 'lift' and the resin's reciprocity {ladder.cure.reciprocity:g}: what a gray has to be raised to is "
            "reckoned for light that counts by its share of white; keep or drop such grays, or leave reciprocity out"
        )
    white = ladder.scaled(np.full(grid.n_layers, scale))
    return GrayCheck(process.unreachable, grid, projector, response(printer), ladder.cure.for_checks, white)


def _check_own_doses(parts: Sequence[Part]) -> None:
    """Refuse doses and regions of single parts that are not offered."""
    for part in parts:
        if not 0 < part.dose_scale <= MAX_SCALE:
            raise UsageError(
                f"part {part.label}: dose_scale is {part.dose_scale:g}; it must be above 0 and at most {MAX_SCALE:g} "
                "times the ordinary dose: leave out parts that are to get none"
            )
        if part.region != "bulk":
            raise UsageError(
                f"part {part.label}: region {part.region!r}: regions are found in the geometry ([regions] of the process); "
                "leave region at 'bulk' and give the part a dose_scale"
            )


def _scales(parts: Sequence[Part], boxes: np.ndarray, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the largest dose scale of the parts in the middle of each layer, 1 where there are none: 2 × (L,) float64."""
    least, most = np.full(grid.n_layers, np.inf), np.zeros(grid.n_layers)
    for part, (low, high) in zip(parts, boxes, strict=True):
        inside = (grid.mid_planes_um >= low[2]) & (grid.mid_planes_um <= high[2])
        least[inside], most[inside] = np.minimum(least[inside], part.dose_scale), np.maximum(most[inside], part.dose_scale)
    return np.where(most > 0, least, 1.0), np.where(most > 0, most, 1.0)
