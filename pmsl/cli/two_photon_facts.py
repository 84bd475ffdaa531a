"""What ``pmsl slice`` does and says where its profiles write with two photons."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pmsl.cli.terminal import compiler_notice, layer_progress, print_json, print_line, say_findings
from pmsl.core.measure_text import clock, size_mm
from pmsl.errors import FindingsError

if TYPE_CHECKING:
    from pmsl.pipeline.slice_request import SliceRequest
    from pmsl.pipeline.two_photon.slice_two_photon import SlicedTwoPhoton

WORST = 3  # findings of a code that are printed


def slice_voxels(request: SliceRequest, as_json: bool) -> None:
    """Slice a request into a job of two-photon writing, and say what was written."""
    from pmsl.files.output_file import check_new_file
    from pmsl.pipeline.two_photon.slice_two_photon import slice_two_photon

    began = time.perf_counter()
    if request.preview is not None:
        check_new_file(request.preview, request.force, "--preview")
    try:
        with compiler_notice(frames=True), layer_progress("slicing", as_json) as progress:
            made = slice_two_photon(request, progress)
    except FindingsError as err:
        if as_json:
            print_json({"job": None, "error": str(err), "findings": [f.as_dict() for f in err.findings]})
        say_findings(err.findings, WORST)
        raise
    if request.preview is not None:
        from pmsl.report.block_picture import block_picture

        block_picture(made.job, request.preview)
    seconds = time.perf_counter() - began
    if as_json:
        print_json({**_facts(request, made), "seconds": round(seconds, 3)})
        return
    _print(request, made, seconds)


def _facts(request: SliceRequest, made: SlicedTwoPhoton) -> dict[str, Any]:
    job, estimate = made.job, made.written.estimate
    columns, rows = _lattice(made)
    return {
        "job": request.out,
        "format": request.chosen_format().name,
        "layers": job.n_layers,
        "voxels": [*job.grid.shape, job.n_layers],
        "pitch_um": [*job.grid.pitch_um.tolist(), job.process.two_photon.slice_um],
        "blocks": [columns, rows],
        "block_um": job.blocks[0].side_um,
        "block_pitch_um": list(job.block_pitch_um),
        "power_mw": [float(job.powers_mw.min()), float(job.powers_mw.max())],
        "threshold_mw": job.response.threshold_mw,
        "burn_mw": job.response.burn_mw,
        "voxel_um": list(job.voxel_um),
        "printer": job.printer.name,
        "resin": job.resin.name,
        "process": job.process.name,
        "calibrated": job.calibrated,
        "placeholders": list(job.placeholders),
        "print_time_s": estimate.print_time_s,
        "resin_ml": estimate.resin_ml,
        "findings": [f.as_dict() for f in made.written.findings],
    }


def _print(request: SliceRequest, made: SlicedTwoPhoton, seconds: float) -> None:
    job, e, out = made.job, made.written.estimate, request.out
    say_findings(made.written.findings, WORST)
    moved = f"; {made.placed.how}"
    print_line(f"{out}: {job.n_layers} slices, {size_mm(*made.placed.bounds_um)}{moved}")
    low, high = float(job.powers_mw.min()), float(job.powers_mw.max())
    power = f"{low:.4g}" if low == high else f"{low:.4g} to {high:.4g}"
    print_line(
        f"power {power} mW (cures above {job.response.threshold_mw:.4g}, burns from {job.response.burn_mw:.4g}), "
        f"a line cures {job.voxel_um[0]:.3g} µm wide, {job.voxel_um[1]:.3g} µm high"
    )
    columns, rows = _lattice(made)
    apart = "" if len(job.blocks) == 1 else f", {job.block_pitch_um[0]:g} × {job.block_pitch_um[1]:g} µm apart"
    print_line(f"{columns} × {rows} blocks of {job.blocks[0].side_um:g} µm{apart}")
    print_line(f"{out}: drawn for {clock(e.print_time_s)}, moves left out; resin {e.resin_ml * 1e6:.4g} nl; sliced in {seconds:.1f} s")


def _lattice(made: SlicedTwoPhoton) -> tuple[int, int]:
    """Return how many columns and rows of blocks there are."""
    return 1 + max(block.column for block in made.job.blocks), 1 + max(block.row for block in made.job.blocks)
