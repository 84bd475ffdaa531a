"""``pmsl slice`` and ``pmsl warmup``: the commands that make something."""

from __future__ import annotations

import os
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pmsl import pipeline
from pmsl.cli.look import job_facts
from pmsl.cli.show import clock, compiler_notice, layer_progress, plain, print_json, say, say_findings, size_mm
from pmsl.core.finding import Severity
from pmsl.core.job import PrintJob
from pmsl.core.part import Solid
from pmsl.errors import FindingsError, OutputError, UsageError
from pmsl.formats import registry
from pmsl.formats.contract import Crew, Format, Written
from pmsl.formats.target import check_target
from pmsl.mesh import load_solid
from pmsl.mesh.place import Placed
from pmsl.pipeline.wishes import Wishes


def slice_job(
    meshes: list[str],
    out: str,
    wishes: Wishes,
    *,
    format: str | None,
    threads: int | None,
    processes: int | None,
    scheduler: str | None,
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
    """``pmsl slice``: load, place, prepare, write, preview; several jobs where plates are filled."""
    began = time.perf_counter()
    target = Path(out)
    chosen = registry.find(registry.choose(target, format))
    layout = wishes.layout()
    if layout.plates is None:
        check_target(target, force, chosen.foreign)
    crew = _crew(threads, processes, scheduler, chosen)
    if preview is not None:
        _check_preview(Path(preview), target, layout.plates)
    printer, resin, process = wishes.profiles()
    if wishes.defaults_used() and not as_json:
        say(wishes.defaults_used())
    done = []
    try:
        with compiler_notice(), crew or nullcontext() as workers:
            solids = [solid.repaired(repair) for solid in _loaded(meshes, wishes.unit)]
            plates = layout.placed(solids, printer, resin)
            names = layout.names(target, len(plates))
            for name in names:
                check_target(name, force, chosen.foreign)
            jobs = []
            for placed in plates:  # all are made ready before the first is written
                job = pipeline.prepare(placed, printer, resin, process, accept_uncalibrated=accept_uncalibrated, repair=repair)
                jobs.append(job if depth is None else pipeline.with_depth(job, depth))
            for name, placed, job in zip(names, plates, jobs, strict=True):
                with layer_progress("slicing" if len(names) == 1 else f"slicing {name.name}", as_json) as progress:
                    written = pipeline.write(
                        job,
                        name,
                        format=format,
                        dose=dose,
                        design=design,
                        png=png,
                        threads=threads,
                        force=force,
                        lossy=lossy,
                        progress=progress,
                        fail_on=fail_on,
                        crew=workers,
                    )
                done.append(_Sliced(plain(str(name)) if layout.plates else plain(out), chosen.name, job, placed, written))
            if preview is not None:
                from pmsl.report import contact_sheet

                contact_sheet(jobs[0], preview)
    except FindingsError as err:
        if as_json:
            print_json({"job": None, "error": str(err), "findings": [f.as_dict() for f in err.findings]})
        say_findings(err.findings)
        raise
    _tell(done, layout.plates is not None, time.perf_counter() - began, as_json)


@dataclass(frozen=True, slots=True)
class _Sliced:
    """A job that was written."""

    name: str
    format: str
    job: PrintJob
    placed: Placed
    written: Written

    def facts(self) -> dict[str, Any]:
        """Return what ``--json`` says of it."""
        return {"job": self.name, "format": self.format, **job_facts(self.job, self.written.findings, self.written.estimate)}

    def say(self) -> None:
        """Print what a person wants to know of it."""
        say_findings(self.written.findings)
        placed, e = self.placed, self.written.estimate
        moved = f"; {placed.how}"
        if placed.shift_um:
            moved += f", shifted by ({placed.shift_um[0]:.3g}, {placed.shift_um[1]:.3g}) µm"
        print(f"{self.name}: {self.job.n_layers} layers, {size_mm(*placed.bounds_um)}{moved}")
        print(f"{self.name}: print time {clock(e.print_time_s)}, resin {e.resin_ml * 1000:.4g} µl", end="")


def _tell(done: list[_Sliced], plates: bool, seconds: float, as_json: bool) -> None:
    """Say what was written."""
    if as_json:
        took = {"seconds": round(seconds, 3)}
        print_json({"jobs": [sliced.facts() for sliced in done], **took} if plates else {**done[0].facts(), **took})
        return
    for sliced in done:
        sliced.say()
        print(f", sliced in {seconds:.1f} s" if sliced is done[-1] else "")


def _crew(threads: int | None, processes: int | None, scheduler: str | None, chosen: Format) -> AbstractContextManager[Crew] | None:
    """Return the processes that make the layers, or None where threads of this one do."""
    if processes is None and scheduler is None:
        return None
    if threads is not None:
        option = "--processes" if scheduler is None else "--scheduler"
        raise UsageError(f"--threads and {option} exclude each other: layers are made by threads of this process, or by others")
    pipeline.check_spreads(chosen)
    return pipeline.crew_of(processes, scheduler)


def _loaded(meshes: list[str], unit: str) -> list[Solid]:
    """Load the meshes, one that is named several times once."""
    loaded = {mesh: load_solid(mesh, unit) for mesh in dict.fromkeys(meshes)}
    return [loaded[mesh] for mesh in meshes]


def _check_preview(path: Path, target: Path, plates: int | None) -> None:
    if plates is not None:
        raise UsageError(f"--preview {path}: shows one job; leave it out with --plates, or pack one field without")
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
