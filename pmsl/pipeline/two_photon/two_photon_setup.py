"""Parts and two-photon profiles → TwoPhotonJob, whose slices are made when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pmsl.checks import mesh_findings
from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.cure.two_photon import TwoPhotonResponse, base_factor
from pmsl.errors import MeshError
from pmsl.fields.writing_blocks import writing_blocks
from pmsl.job.two_photon_job import TwoPhotonJob
from pmsl.masks import masks_of
from pmsl.mesh.part import Part, as_part
from pmsl.mesh.placing.placement import Placed, place
from pmsl.mesh.solid import Solid
from pmsl.pipeline.setup.part_records import provenance_of, record_of_part
from pmsl.pipeline.two_photon.scan_lines import written_slices
from pmsl.pipeline.two_photon.two_photon_limits import (
    block_side_um,
    check_height,
    check_powers,
    check_profiles,
    check_travel,
    placeholders_of,
    window_findings,
)
from pmsl.profiles import TwoPhotonPrinter, TwoPhotonProcess, TwoPhotonResin
from pmsl.profiles.find import find_two_photon_printer, find_two_photon_process, find_two_photon_resin
from pmsl.slicing.planes import MAX_LAYERS, SLACK

ON_LATTICE = 1e-6  # of a voxel: what coordinates may miss the lattice by


def place_two_photon(
    solids: Sequence[Solid | Part], printer: TwoPhotonPrinter, resin: TwoPhotonResin, process: TwoPhotonProcess, **placement: Any
) -> Placed:
    """Place meshes on what a two-photon writer reaches, as `pmsl.place` does in a field.

    Parameters
    ----------
    solids : sequence of Solid or Part
    printer, resin, process : TwoPhotonPrinter, TwoPhotonResin, TwoPhotonProcess
    **placement
        `at_um`, `rotate_deg`, `scale`, `keep_place` of `pmsl.place`; without a place the group is in the middle, its lower corner on the
        lattice of voxels.

    Raises
    ------
    UsageError, MeshError
        As `pmsl.place`.
    """
    hatch = np.full(2, process.two_photon.hatch_um)
    travel = printer.stage.travel_um.value if process.two_photon.z_drive == "stage" else math.inf  # the piezo's says more
    shrinkage = resin.two_photon.shrinkage.value
    return place(solids, np.array(printer.plate_um), hatch, travel, shrinkage=shrinkage, **placement)


def prepare_two_photon(
    parts: Sequence[Solid | Part] | Placed,
    printer: TwoPhotonPrinter | str | Path,
    resin: TwoPhotonResin | str | Path,
    process: TwoPhotonProcess | str | Path = "two-photon",
    *,
    repair: str = "auto",
    weld_um: float | None = None,
) -> TwoPhotonJob:
    """Make a job of two-photon writing of parts where their coordinates are (µm, substrate at z = 0); nothing is moved.

    Parameters
    ----------
    parts : sequence of Solid or Part, or Placed
        United where they overlap.
    printer, resin, process : profile, library name, or path of a TOML file
        Each with a table ``[two_photon]``.
    repair : {"auto", "none", "strict"}
        What is done about meshes that are open, doubled or look inward.
    weld_um : float, optional
        How far vertices at open edges of a mesh may be joined [µm]; by default a twentieth of the hatch.

    Returns
    -------
    TwoPhotonJob
        Lazy: masks and lines of a slice are made when they are asked for.

    Raises
    ------
    ProfileError, ExposureError
        Profiles that do not go together: a block larger than the field, power above the laser's or below what cures.
    MeshError
        No part, one that cannot be repaired, one below the substrate or higher than what moves the focus.
    """
    printer = printer if isinstance(printer, TwoPhotonPrinter) else find_two_photon_printer(printer)
    resin = resin if isinstance(resin, TwoPhotonResin) else find_two_photon_resin(resin)
    process = process if isinstance(process, TwoPhotonProcess) else find_two_photon_process(process)
    check_profiles(printer, resin, process)
    scan, window = process.two_photon, resin.two_photon
    placed = parts if isinstance(parts, Placed) else None
    pieces = _pieces(parts.parts if isinstance(parts, Placed) else parts, scan.hatch_um, repair, weld_um)
    boxes = np.array([part.bounds_um() for part in pieces])
    bounds = np.array([boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)])
    grid = _grid(bounds, scan.hatch_um, scan.slice_um)
    check_height(float(grid.z_edges_um[-1]), printer, process)
    highest, speed = window.highest_mw, window.speed_um_s.value
    response = TwoPhotonResponse.at_speed(window.threshold_mw.value, highest, window.order, speed, scan.speed_um_s)
    factors = [base_factor(scan.base_dose_factors, z) for z in grid.mid_planes_um.tolist()]
    powers = np.array([response.scaled_mw(scan.power_mw, factor) for factor in factors])
    check_powers(powers, response, printer, process)
    spot = printer.two_photon.spot_um.value
    widths = np.array([response.voxel_um(power, spot)[0] for power in powers.tolist()])
    reach = scan.seam_reach_um * np.array([[-1.0], [1.0]])  # blocks hold the part wherever their seams are
    blocks, pitch = writing_blocks(bounds[:, :2] + reach, block_side_um(printer, process), scan.overlap_um, printer.step_um)
    check_travel(blocks, printer)
    missing = placeholders_of(printer, resin)
    masks = masks_of(pieces, grid, "volume", "none")

    def coverage(k: int) -> tuple[LayerMask, tuple[Finding, ...]]:
        mask, defects = masks.mask_and_defects(k)
        return mask, tuple(mesh_findings.layer_findings(defects, grid, k, repair))

    return TwoPhotonJob(
        printer=printer,
        resin=resin,
        process=process,
        provenance=provenance_of(pieces, placed, window.shrinkage.value),
        parts=tuple(map(record_of_part, pieces)),
        design=pieces,
        grid=grid,
        blocks=blocks,
        block_pitch_um=pitch,
        powers_mw=powers,
        voxel_um=response.voxel_um(scan.power_mw, spot),
        response=response,
        findings=(*_mesh_findings(pieces), *_not_calibrated(missing), *window_findings(powers, response, printer, process)),
        placeholders=missing,
        coverage=coverage,
        draw=partial(written_slices, pieces, grid, blocks, scan, powers, widths),
    )


def _pieces(parts: Sequence[Solid | Part], hatch_um: float, repair: str, weld_um: float | None) -> tuple[Part, ...]:
    """Return the parts, repaired; refuse none, and what asks for light of its own."""
    pieces = tuple(as_part(item).repaired(repair, weld_um, np.full(2, hatch_um)) for item in parts)
    if not pieces:
        raise MeshError("no part to write; give at least one mesh")
    for part in pieces:
        if part.dose_scale != 1.0 or part.regions:
            raise MeshError(
                f"part {part.label}: has doses of its own, which two-photon jobs do not offer; leave dose_scale and regions out"
            )
    return pieces


def _grid(bounds_um: np.ndarray, hatch_um: float, slice_um: float) -> Grid:
    """Return voxels around a box, on the lattice of the hatch, up to the last slice the box enters."""
    if bounds_um[0, 2] < -ON_LATTICE:
        raise MeshError(f"parts reach {-bounds_um[0, 2]:.6g} µm below the substrate (z = 0); place them first")
    low = np.floor(bounds_um[0, :2] / hatch_um + ON_LATTICE)
    high = np.ceil(bounds_um[1, :2] / hatch_um - ON_LATTICE)
    cols, rows = (max(1, int(n)) for n in (high - low).tolist())
    n = max(1, math.ceil(float(bounds_um[1, 2]) / slice_um - SLACK))
    if n > MAX_LAYERS:
        raise MeshError(f"slices of {slice_um:g} µm make {n} of a part {bounds_um[1, 2]:.6g} µm high; limit {MAX_LAYERS}; check --unit")
    return Grid(origin_um=low * hatch_um, pitch_um=(hatch_um, hatch_um), shape=(rows, cols), z_edges_um=slice_um * np.arange(n + 1))


def _mesh_findings(pieces: Sequence[Part]) -> list[Finding]:
    found = [f for solid in {id(p.solid): p.solid for p in pieces}.values() for f in solid.findings]
    return [*found, *mesh_findings.winding_findings(pieces)]


def _not_calibrated(missing: Sequence[str]) -> list[Finding]:
    if not missing:
        return []
    message = f"placeholder values for {', '.join(missing)}: voxels and lines are exact, but powers are a guess until these are measured"
    return [Finding(code="not-calibrated", severity="warning", message=message)]
