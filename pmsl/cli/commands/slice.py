"""``pmsl slice``: meshes into a print job."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from pmsl.cli import options
from pmsl.cli.terminal import compiler_notice, layer_progress, print_json, print_line, say, say_findings
from pmsl.core.measure_text import clock, size_mm
from pmsl.errors import FindingsError
from pmsl.pipeline.request.request_fields import request_fields

if TYPE_CHECKING:
    from pmsl.job.print_job import PrintJob
    from pmsl.pipeline.slice_jobs import SlicedJob
    from pmsl.pipeline.slice_request import SliceRequest

WORST = 3  # findings of a code that are printed
MESHES, OUT = (request_fields()[name] for name in ("meshes", "out"))


@click.command("slice")
@click.argument("meshes", nargs=-1, required=True, type=options.FILE, metavar=MESHES.metavar, help=MESHES.text)
@click.option("-o", "--out", required=True, type=options.FILE, metavar=OUT.metavar, help=OUT.text)
@options.option("format")
@options.profiles
@options.options("fields", "coverage", "unreachable", "irradiance", "unit", "repair", "weld_um")
@options.options("at", "rotate", "scale", "keep_place", "copies", "spacing_um", "pack", "plates")
@options.doses
@options.options("engine")
@options.options("threads", "processes", "scheduler", "depth", "dose", "no_design", "correct", "accept_uncalibrated", "png", "preview")
@options.options("pause", "no_checks", "fail_on", "force", "lossy")
@options.json
def slice_command(meshes: tuple[str, ...], as_json: bool, **settings: Any) -> None:
    """Slice meshes into a print job: gray masks, exposure times, motion."""
    from pmsl.files.output_file import check_new_file
    from pmsl.pipeline import slice_jobs
    from pmsl.pipeline.slice_request import SliceRequest
    from pmsl.pipeline.two_photon.light_of_request import asks_for_two_photon

    request = SliceRequest(meshes=list(meshes), **settings)
    if asks_for_two_photon(request):
        from pmsl.cli.two_photon_facts import slice_voxels  # few jobs are

        slice_voxels(request, as_json)
        return
    began = time.perf_counter()
    slice_jobs.check(request)
    if request.defaults_used() and not as_json:
        say(request.defaults_used())
    done: list[SlicedJob] = []
    try:
        with compiler_notice(frames=True), slice_jobs.workers_of(request) as workers:
            ready = slice_jobs.prepare_jobs(request)
            for one in ready if not as_json else ():
                _show_memory(one.job)
            for one in ready:
                with layer_progress("slicing" if len(ready) == 1 else f"slicing {Path(one.out).name}", as_json) as progress:
                    done.append(msgspec.structs.replace(one, written=slice_jobs.write_job(request, one, progress, workers=workers)))
            if request.preview is not None:
                from pmsl.report import contact_sheet

                check_new_file(request.preview, request.force, "--preview")  # it may have come meanwhile
                contact_sheet(ready[0].job, request.preview)
    except FindingsError as err:
        if as_json:
            print_json({"job": None, "error": str(err), "findings": [f.as_dict() for f in err.findings]})
        say_findings(err.findings, WORST)
        raise
    _print_written(request, done, time.perf_counter() - began, as_json)


def _show_memory(job: PrintJob) -> None:
    """Show, before anything is corrected, what a memory that the resin does not state would change."""
    from pmsl.cli.correction_facts import print_errors
    from pmsl.pipeline.planner import first_findings

    found = first_findings(job)
    if found:
        print_line(f"resin {job.resin.name} states no memory; the first layers, corrected as if it were enclosed:")
        print_errors(job, found)


def _print_written(request: SliceRequest, done: list[SlicedJob], seconds: float, as_json: bool) -> None:
    """Say what was written."""
    from pmsl.cli.correction_facts import print_errors
    from pmsl.cli.light_facts import light_facts, light_lines
    from pmsl.cli.region_facts import print_regions
    from pmsl.job.pauses import without_pauses

    if as_json:
        jobs, took = [_facts(request, made) for made in done], {"seconds": round(seconds, 3)}
        print_json({**jobs[0], **took} if request.plates is None else {"jobs": jobs, **took})
        return
    for made in done:
        assert made.written is not None
        say_findings(made.written.findings, WORST)
        e, placed, out = made.written.estimate, made.placed, made.out
        moved = f"; {placed.how}"
        if placed.shift_um:
            moved += f", shifted by ({placed.shift_um[0]:.3g}, {placed.shift_um[1]:.3g}) µm"
        print_line(f"{out}: {made.job.n_layers} layers, {size_mm(*placed.bounds_um)}{moved}")
        end = f", sliced in {seconds:.1f} s" if made is done[-1] else ""
        if made is done[0]:
            for line in light_lines(light_facts(made.job)):
                print_line(line)
        print_errors(made.job, made.written.findings)
        print_regions(made.job)
        print_line(f"{out}: print time {clock(e.print_time_s)}{without_pauses(made.job.pauses)}, resin {e.resin_ml * 1000:.4g} µl{end}")


def _facts(request: SliceRequest, made: SlicedJob) -> dict[str, Any]:
    """Return what ``--json`` says of a job."""
    from pmsl.cli.job_facts import job_facts

    assert made.written is not None
    facts = job_facts(made.job, made.written.findings, made.written.estimate)
    return {"job": made.out, "format": request.chosen_format().name, **facts}
