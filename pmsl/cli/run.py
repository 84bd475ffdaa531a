"""``pmsl slice`` and ``pmsl warmup``: the commands that make something."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

from pmsl import pipeline
from pmsl.cli.light import light_facts, light_lines
from pmsl.cli.regions import print_regions
from pmsl.cli.show import clock, compiler_notice, layer_progress, say_findings, size_mm
from pmsl.cli.terminal import print_json, print_line, say
from pmsl.errors import FindingsError
from pmsl.outfile import check_new_file
from pmsl.pipeline.slice_jobs import Sliced, check, prepare_jobs, workers_of, write_job
from pmsl.pipeline.slice_request import SliceRequest


def slice_job(request: SliceRequest, *, as_json: bool) -> None:
    """``pmsl slice``: run a request, draw its preview, tell; several jobs where plates are filled."""
    began = time.perf_counter()
    check(request)
    if request.defaults_used() and not as_json:
        say(request.defaults_used())
    done: list[Sliced] = []
    try:
        with compiler_notice(), workers_of(request) as crew:
            ready = prepare_jobs(request)
            for one in ready:
                with layer_progress("slicing" if len(ready) == 1 else f"slicing {Path(one.out).name}", as_json) as progress:
                    done.append(dataclasses.replace(one, written=write_job(request, one, progress, crew=crew)))
            if request.preview is not None:
                from pmsl.report import contact_sheet

                check_new_file(request.preview, request.force, "--preview")  # it may have come meanwhile
                contact_sheet(ready[0].job, request.preview)
    except FindingsError as err:
        if as_json:
            print_json({"job": None, "error": str(err), "findings": [f.as_dict() for f in err.findings]})
        say_findings(err.findings)
        raise
    _tell(request, done, time.perf_counter() - began, as_json)


def _tell(request: SliceRequest, done: list[Sliced], seconds: float, as_json: bool) -> None:
    """Say what was written."""
    if as_json:
        jobs, took = [_facts(request, made) for made in done], {"seconds": round(seconds, 3)}
        print_json({**jobs[0], **took} if request.plates is None else {"jobs": jobs, **took})
        return
    for made in done:
        assert made.written is not None
        say_findings(made.written.findings)
        e, placed, out = made.written.estimate, made.placed, made.out
        moved = f"; {placed.how}"
        if placed.shift_um:
            moved += f", shifted by ({placed.shift_um[0]:.3g}, {placed.shift_um[1]:.3g}) µm"
        print_line(f"{out}: {made.job.n_layers} layers, {size_mm(*placed.bounds_um)}{moved}")
        end = f", sliced in {seconds:.1f} s" if made is done[-1] else ""
        if made is done[0]:
            for line in light_lines(light_facts(made.job)):
                print_line(line)
        print_regions(made.job)
        print_line(f"{out}: print time {clock(e.print_time_s)}, resin {e.resin_ml * 1000:.4g} µl{end}")


def _facts(request: SliceRequest, made: Sliced) -> dict[str, Any]:
    """Return what ``--json`` says of a job."""
    from pmsl.cli.look import job_facts

    assert made.written is not None
    facts = job_facts(made.job, made.written.findings, made.written.estimate)
    return {"job": made.out, "format": request.chosen_format().name, **facts}


def warmup() -> None:
    """``pmsl warmup``."""
    from pmsl.predict.warm import warmup as warm_predictions

    began = time.perf_counter()
    with compiler_notice():
        pipeline.warmup()
        warm_predictions()
    print_line(f"kernels ready in {time.perf_counter() - began:.1f} s")
