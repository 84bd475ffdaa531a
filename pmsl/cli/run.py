"""``pmsl slice`` and ``pmsl warmup``: the commands that make something."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Literal

from pmsl import pipeline
from pmsl.cli.look import job_facts
from pmsl.cli.show import clock, compiler_notice, layer_progress, plain, print_json, say, say_findings, size_mm
from pmsl.core.finding import Severity
from pmsl.errors import FindingsError, OutputError, UsageError
from pmsl.formats import registry
from pmsl.formats.target import check_target
from pmsl.mesh import load_solid
from pmsl.pipeline.wishes import Wishes


def slice_job(
    meshes: list[str],
    out: str,
    wishes: Wishes,
    *,
    format: str | None,
    threads: int | None,
    depth: int | None,
    dose: bool,
    design: bool,
    accept_uncalibrated: bool,
    png: Literal["fast", "small"],
    preview: str | None,
    fail_on: Severity,
    repair: str,
    force: bool,
    lossy: bool,
    as_json: bool,
) -> None:
    """``pmsl slice``: load, place, prepare, write, preview."""
    began = time.perf_counter()
    target = Path(out)
    chosen = registry.find(registry.choose(target, format))
    check_target(target, force, chosen.foreign)
    if preview is not None:
        _check_preview(Path(preview), target)
    printer, resin, process = wishes.profiles()
    placement = wishes.placement()
    if wishes.defaults_used() and not as_json:
        say(wishes.defaults_used())
    solids = [load_solid(mesh, wishes.unit) for mesh in meshes]
    try:
        with compiler_notice():
            solids = [solid.repaired(repair) for solid in solids]
            placed = pipeline.place_for(solids, printer, resin, **placement)
            job = pipeline.prepare(placed, printer, resin, process, accept_uncalibrated=accept_uncalibrated, repair=repair)
            if depth is not None:
                job = pipeline.with_depth(job, depth)
            with layer_progress("slicing", as_json) as progress:
                written = pipeline.write(
                    job,
                    target,
                    format=format,
                    dose=dose,
                    design=design,
                    png=png,
                    threads=threads,
                    force=force,
                    lossy=lossy,
                    progress=progress,
                    fail_on=fail_on,
                )
            if preview is not None:
                from pmsl.report import contact_sheet

                contact_sheet(job, preview)
    except FindingsError as err:
        if as_json:
            print_json({"job": None, "error": str(err), "findings": [f.as_dict() for f in err.findings]})
        say_findings(err.findings)
        raise
    seconds = time.perf_counter() - began
    if as_json:
        print_json(
            {"job": plain(out), "format": chosen.name, **job_facts(job, written.findings, written.estimate), "seconds": round(seconds, 3)}
        )
        return
    say_findings(written.findings)
    e = written.estimate
    moved = f"; {placed.how}, shifted by ({placed.shift_um[0]:.3g}, {placed.shift_um[1]:.3g}) µm" if placed.shift_um else f"; {placed.how}"
    print(f"{out}: {job.n_layers} layers, {size_mm(*placed.bounds_um)}{moved}")
    print(f"{out}: print time {clock(e.print_time_s)}, resin {e.resin_ml * 1000:.4g} µl, sliced in {seconds:.1f} s")


def _check_preview(path: Path, target: Path) -> None:
    if path.suffix.lower() != ".png":
        raise UsageError(f"--preview {path}: the name must end in .png")
    where, job = path.absolute(), target.absolute()
    if where == job or job in where.parents:
        raise UsageError(f"--preview {path}: lies inside the job {target}; choose a name outside it")
    if not os.path.isdir(where.parent) or os.path.isdir(where) or not os.access(where.parent, os.W_OK):
        raise OutputError(f"--preview {path}: cannot be written there; choose a folder that exists and is writable")


def warmup() -> None:
    """``pmsl warmup``."""
    from pmsl.predict.warm import warmup as warm_predictions

    began = time.perf_counter()
    with compiler_notice():
        pipeline.warmup()
        warm_predictions()
    print(f"kernels ready in {time.perf_counter() - began:.1f} s")
