"""How a `SliceRequest` becomes jobs on disk: check, load, repair, place, prepare, depth, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import msgspec
import numpy as np

from pmsl.errors import UsageError
from pmsl.fields.on_plate import on_plate
from pmsl.files.output_file import check_new_file
from pmsl.formats.container.atomic_write import check_target
from pmsl.formats.protocol import Format, LayerWorkers, Written
from pmsl.job.print_job import PrintJob
from pmsl.mesh import load_solid
from pmsl.mesh.part import Part
from pmsl.mesh.placing.placement import Placed
from pmsl.mesh.repair.repair import repaired
from pmsl.mesh.solid import Solid
from pmsl.pipeline.io import check_spreads, write_options
from pmsl.pipeline.planner import prepare
from pmsl.pipeline.request import option_parsing
from pmsl.pipeline.request.region_file import dressed
from pmsl.pipeline.slice_request import SliceRequest


class SlicedJob(msgspec.Struct, frozen=True, eq=False):
    """What came of a request: the job, how its parts were placed, how long each layer's ordinary dose takes, and, once it is on disk,
    what the writer says. `out` is its target where that is not the request's: plates are numbered.
    """

    job: PrintJob
    placed: Placed
    times_s: np.ndarray
    written: Written | None = None
    out: str = ""


def check(request: SliceRequest) -> None:
    """Refuse a request whose target or preview cannot be written, or whose options do not go together, before any work.

    Raises
    ------
    UsageError, OutputError
    """
    target, chosen, layout = Path(request.out), request.chosen_format(), request.layout()
    request.dose_scales()
    request.engines()
    request.region_tables()
    if request.pause:
        from pmsl.pipeline.setup.pauses import check_pauses  # few jobs have any

        check_pauses(request.pause)
    if request.fields is not None:
        from pmsl.pipeline.field_plates import check_request  # few jobs have several

        check_request(request)
    if layout.plates is None:
        check_target(target, request.force, chosen.foreign)
    if request.processes is not None or request.scheduler is not None:
        _check_workers(request, chosen)
    if request.preview is not None:
        if layout.plates is not None:
            raise UsageError(f"--preview {request.preview}: shows one job; leave it out with --plates, or pack one field without")
        _check_preview(Path(request.preview), target, request.force)


def workers_of(request: SliceRequest) -> AbstractContextManager[LayerWorkers | None]:
    """Return the processes that make the layers of a request, for a ``with`` block; None where threads of this one do."""
    from pmsl.pipeline.workers import workers_of

    return workers_of(request.processes, request.scheduler) or nullcontext()


def prepare_job(request: SliceRequest, loaded: Mapping[str, Solid] | None = None) -> SlicedJob:
    """Load, repair, place and prepare one job; layers are not made yet.

    Parameters
    ----------
    request : SliceRequest
    loaded : mapping of str to Solid, optional
        Meshes by path that are loaded, and repaired as the request says, already.

    Raises
    ------
    PmslError
        As `load_solid`, `place_for` and `prepare`; or the request fills plates (`prepare_jobs`).
    """
    if request.plates is not None:
        raise UsageError(f"--plates {request.plates}: several jobs come of this order; leave it out where one is expected")
    return prepare_jobs(request, loaded)[0]


def prepare_jobs(request: SliceRequest, loaded: Mapping[str, Solid] | None = None) -> list[SlicedJob]:
    """Load, repair and place the parts of a request, and prepare the job of each field they fill; layers are not made yet.

    Parameters
    ----------
    request : SliceRequest
    loaded : mapping of str to Solid, optional
        As of `prepare_job`.

    Raises
    ------
    PmslError
        As `load_solid`, `PlateLayout.placed` and `prepare`; a target of a plate cannot be written.
    """
    printer, resin, process = request.profiles()
    layout, fields = request.layout(), option_parsing.fields(request.fields)
    parts = _parts(request, request.weld_within_um(printer), loaded or {})
    if fields is None:
        plates = layout.placed(parts, printer, resin)
    else:
        from pmsl.pipeline.field_plates import check_request, placed_on_fields  # few jobs have several

        check_request(request)
        plates, fields = placed_on_fields(layout, parts, printer, resin, process, fields)
    names = layout.names(Path(request.out), len(plates))
    for name in names if layout.plates is not None else ():
        check_target(name, request.force, request.chosen_format().foreign)
    out = []
    for name, placed in zip(names, plates, strict=True):
        accept, repair, weld_um = request.accept_uncalibrated, request.repair, request.weld_um
        job = prepare(placed, printer, resin, process, accept_uncalibrated=accept, repair=repair, weld_um=weld_um, fields=fields)
        if request.preview is not None and fields is not None:
            on_plate(job)  # or say why there is no picture of it, before any layer
        times_s = job.layer_source.times_s
        assert times_s is not None  # of parts and profiles it is known
        _check_engines(request, job)
        job = _paused(_shallower(job, request.depth), request.pause)
        out.append(SlicedJob(job, placed, times_s, out=request.out if layout.plates is None else str(name)))
    return out


def _check_engines(request: SliceRequest, job: PrintJob) -> None:
    """Refuse what is not offered for a job of several light engines."""
    if request.preview is not None and not job.one_grid:
        raise UsageError("--preview: not offered for a job of several light engines, whose pixels differ; leave it out")
    if request.dose and len(job.engines) > 1:
        raise UsageError("--dose: not offered for a job of several light engines: a dose map has one engine's pixels and wavelength")
    if (request.processes is not None or request.scheduler is not None) and len(job.engines) > 1:
        option = "--processes" if request.processes is not None else "--scheduler"
        raise UsageError(f"{option}: not offered for a job of several light engines; leave it out, threads make its layers")


def _parts(request: SliceRequest, weld_um: float, known: Mapping[str, Solid]) -> list[Solid | Part]:
    """Load and repair meshes that are not known, each once, and those of regions; with their doses, not yet placed."""
    scales = request.dose_scales()
    tables = request.region_tables()
    loaded = dict(known)

    def load(mesh: str) -> Solid:
        if mesh not in loaded:
            loaded[mesh] = repaired(load_solid(mesh, request.unit), request.repair, weld_um)
        return loaded[mesh]

    return dressed([load(mesh) for mesh in request.meshes], scales, tables, load, request.engines())


def _paused(job: PrintJob, pauses: Sequence[str]) -> PrintJob:
    """Return a job that waits for the operator where it was asked for."""
    if not pauses:
        return job
    from pmsl.pipeline.setup.pauses import with_pauses

    return with_pauses(job, pauses)


def _shallower(job: PrintJob, bits: int | None) -> PrintJob:
    """Return a job of so few grays as were asked for."""
    if bits is None:
        return job
    from pmsl.pipeline.setup.bit_depth import with_depth

    return with_depth(job, bits)


def write_job(
    request: SliceRequest,
    ready: SlicedJob,
    progress: Callable[[int, int], None] | None = None,
    accept: bool = False,
    workers: LayerWorkers | None = None,
    checks: bool = True,
) -> Written:
    """Write what `prepare_job` made, complete or absent, as the request says; with `accept` whatever is found, with `workers` by others.

    Without `checks` nothing is looked at by dose, whatever the request says.

    Raises
    ------
    PmslError
        As `write`.
    """
    target, chosen = Path(ready.out or request.out), request.chosen_format()
    if workers is not None:
        check_spreads(chosen)
    options = write_options(
        ready.job,
        target,
        dose=request.dose,
        design=not request.no_design,
        png=request.png,
        threads=request.threads,
        force=request.force,
        lossy=request.lossy,
        progress=progress,
        fail_on=None if accept else request.fail_on,
        workers=workers,
        checks=checks and not request.no_checks,
        facts=not request.no_checks,
    )
    return chosen.write(ready.job, target, options)


def slice_job(request: SliceRequest, progress: Callable[[int, int], None] | None = None) -> SlicedJob:
    """Do what `pmsl slice` does: the one way from a request to a job on disk. The preview is left to the caller.

    Parameters
    ----------
    request : SliceRequest
    progress : callable, optional
        Called with (layers done, layers in all).

    Raises
    ------
    PmslError
    """
    check(request)
    with workers_of(request) as workers:
        ready = prepare_job(request)
        written = write_job(request, ready, progress, workers=workers)
    return msgspec.structs.replace(ready, written=written)


def _check_workers(request: SliceRequest, chosen: Format) -> None:
    """Refuse workers that cannot make the layers."""
    if request.threads is not None:
        option = "--processes" if request.scheduler is None else "--scheduler"
        raise UsageError(f"--threads and {option} exclude each other: layers are made by threads of this process, or by others")
    check_spreads(chosen)
    workers_of(request)


def _check_preview(path: Path, target: Path, force: bool) -> None:
    if path.suffix.lower() != ".png":
        raise UsageError(f"--preview {path}: the name must end in .png")
    where, job = path.absolute(), target.absolute()
    if where == job or job in where.parents:
        raise UsageError(f"--preview {path}: lies inside the job {target}; choose a name outside it")
    check_new_file(path, force, "--preview")
