"""Jobs to disk and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pmsl import exposure, slicing
from pmsl.core.finding import Finding, Severity, reaches
from pmsl.core.grid import Grid
from pmsl.core.parallel import default_threads
from pmsl.errors import FindingsError, JobError, UsageError
from pmsl.formats import registry
from pmsl.formats.adapt.panel import Panel
from pmsl.formats.protocol import Format, LayerWorkers, SpreadFormat, VerifyOptions, WriteOptions, Written
from pmsl.job.print_job import PrintJob
from pmsl.optics.grayscale import response
from pmsl.pipeline.setup.drawn_geometry import offset_of
from pmsl.pipeline.workers import workers_of
from pmsl.profiles import Printer

if TYPE_CHECKING:
    from pmsl.core.contours import Contours
    from pmsl.job.dose_map import DoseMap
    from pmsl.job.layer_plan import LayerPlan

CONTOUR_LAYERS = 128  # layers cut at a time


def write(
    job: PrintJob,
    path: str | Path,
    *,
    format: str | None = None,
    dose: bool = False,
    design: bool = True,
    png: Literal["fast", "small"] = "fast",
    threads: int | None = None,
    force: bool = False,
    lossy: bool = False,
    progress: Callable[[int, int], None] | None = None,
    fail_on: Severity | None = "error",
    processes: int | None = None,
    scheduler: str | None = None,
    workers: LayerWorkers | None = None,
    facts: bool = True,
    checks: bool = False,
) -> Written:
    """Write a job to a file of any format, complete or absent, the same bytes for any `threads`, `processes` and `scheduler`.

    Parameters
    ----------
    job : PrintJob
    path : str or Path
    format : str, optional
        Name of the format; left out, by suffix. A folder, or a zip where the path ends in ``.zip``, is native.
    dose : bool
        Also write the dose map of every layer.
    design : bool
        Also store the placed parts.
    png : {"fast", "small"}
        How long to look for short files; the pixels are the same. The bytes of small ones may depend on the version of zlib.
    threads : int, optional
        Layers made at a time (default: one a processor).
    force : bool
        Replace a job of the same format, or an empty folder.
    lossy : bool
        Do what the format cannot hold exactly as well as it can, and list it among the findings, instead of refusing it.
    progress : callable, optional
        Called with (layers done, layers in all).
    fail_on : {"info", "warning", "error"}, optional
        Findings at or above this severity stop the job; nothing is left. With None none does.
    processes : int, optional
        Make the layers in so many processes on this machine instead of on threads of this one; native jobs only.
    scheduler : str, optional
        Make them on a Dask cluster: the address of its scheduler, or ``"local"`` for `processes` workers on this machine. The folder
        the job is written to must be one that all workers see, under the same name.
    workers : LayerWorkers, optional
        Workers that are there already, for several jobs: what `pmsl.pipeline.workers_of` gives, in a ``with`` block.
    facts : bool
        Measure every layer, and say so in a native job (`pmsl.job.layer_facts`).
    checks : bool
        Look for bodies in mid-air, trapped resin and suction while layers go by (`pmsl.checks.while_written`).

    Returns
    -------
    Written

    Raises
    ------
    FindingsError
        Findings at or above `fail_on`.
    TargetError
        The format cannot hold the job.
    UsageError, OutputError
        The target exists, or cannot be written; an option that is none.
    WorkerError
        Processes that make layers are lost again and again, or a scheduler does not answer.
    """
    chosen = registry.find(registry.choose(Path(path), format))
    own = workers_of(processes, scheduler)
    if own is not None or workers is not None:
        check_spreads(chosen)
    accepted = partial(write_options, job, path, fail_on=fail_on, checks=checks, facts=facts, progress=progress)
    options = accepted(dose=dose, design=design, png=png, threads=threads, force=force, lossy=lossy)
    with nullcontext(workers) if own is None else own as started:
        return chosen.write(job, Path(path), replace(options, workers=started))


def write_options(
    job: PrintJob,
    path: str | Path,
    *,
    dose: bool,
    design: bool,
    png: str,
    threads: int | None,
    force: bool,
    lossy: bool,
    progress: Callable[[int, int], None] | None,
    fail_on: Severity | None,
    workers: LayerWorkers | None = None,
    facts: bool = True,
    checks: bool = False,
) -> WriteOptions:
    """Return what a format is asked for, in the words of `write`; refuse a job of which too much is found before any layer.

    Raises
    ------
    FindingsError
        Findings of `job` at or above `fail_on`.
    UsageError
        An option that is none.
    """
    if png not in ("fast", "small"):
        raise UsageError(f"png is {png!r}; choose 'fast' or 'small'")

    def accept(findings: tuple[Finding, ...]) -> None:
        if fail_on is not None:
            refuse_findings(findings, fail_on, str(Path(path)))

    accept(job.findings)
    many = default_threads(threads)
    return WriteOptions(
        response=response(job.printer),
        dose_of=exposure.dose_map if dose else None,
        contours_of=contours_of,
        with_design=design,
        small=png == "small",
        facts=facts,
        threads=many,
        force=force,
        lossy=lossy,
        progress=progress,
        accept=accept,
        workers=workers,
        watch=import_module("pmsl.checks.while_written").WrittenJobChecks(job, many) if checks else None,  # loads kernels
    )


def refuse_findings(findings: tuple[Finding, ...], fail_on: Severity, target: str) -> None:
    """Refuse to write a target where findings reach a severity; raises `FindingsError`."""
    if reaches(findings, fail_on):
        raise FindingsError(f"{target}: not written: there are findings at or above --fail-on {fail_on}", findings)


def check_spreads(format: Format) -> None:
    """Refuse to have the layers of a format made by other processes that takes them in one.

    Parameters
    ----------
    format : Format

    Raises
    ------
    UsageError
        It is no `SpreadFormat`.
    """
    if not (isinstance(format, SpreadFormat) and format.spreads):
        raise UsageError(
            f"format {format.name}: its layers are made in one process; write a native job (a folder or .zip) with --processes or "
            "--scheduler, then `pmsl convert` it"
        )


def read(
    path: str | Path,
    format: str | None = None,
    *,
    printer: Printer | None = None,
    pitch_um: float | tuple[float, float] | None = None,
    field: tuple[int, int] | None = None,
) -> PrintJob:
    """Read a job from disk, of the format its content shows or of the one named.

    Parameters
    ----------
    path : str or Path
    format : str, optional
    printer : Printer, optional
        The printer a file was made for, where files of its format may not say its pixels: their pitch, number, and how frames lie.
    pitch_um : float or (float, float), optional
        Pixel pitch, or (x, y) [µm]; instead of the printer's.
    field : (int, int), optional
        (rows, cols) of a frame; instead of the printer's.

    Returns
    -------
    PrintJob
        Where nobody says the pitch, it is among the job's `placeholders`.

    Raises
    ------
    JobError
        Damaged, too new, or of no known format.
    UsageError
        Pixels are given for a file that states its own, or others.
    """
    chosen, panel = _format_of(Path(path), format), _panel(printer, pitch_um, field)
    job = registry.read(chosen, Path(path), panel)
    job.prepared.setdefault("dose_of", _dose_of)  # for whoever holds its files against its light
    job.prepared.setdefault("file_problems", lambda: chosen.verify(Path(path), VerifyOptions(dose_of=_dose_of, panel=panel)))
    return job


def _dose_of(job: PrintJob, plan: LayerPlan) -> DoseMap:
    """Return `pmsl.dose_map`, loaded when it is asked for."""
    return exposure.dose_map(job, plan)


def verify(
    path: str | Path,
    progress: Callable[[int, int], None] | None = None,
    threads: int | None = None,
    format: str | None = None,
    *,
    printer: Printer | None = None,
    pitch_um: float | tuple[float, float] | None = None,
    field: tuple[int, int] | None = None,
) -> list[str]:
    """Check a job on disk from end to end, dose maps included.

    Parameters
    ----------
    path : str or Path
        A job folder or file of any format.
    progress : callable, optional
        Called with (layers done, layers in all).
    threads : int, optional
        Layers read at a time (default: one a processor); the answer does not depend on it.
    format : str, optional
        Name of the format (default: told by content).
    printer, pitch_um, field
        As for `read`: what panel the frames of a file are for that does not say it; pitch [µm], field (rows, cols).

    Returns
    -------
    list of str
        What is wrong, one line each; empty for a sound job. Damage is returned, not raised.

    Raises
    ------
    JobError
        No job of a known format at all.
    UsageError
        A format that is none, a pitch that is none, a panel for a file that states its own.
    """
    chosen, panel = _format_of(Path(path), format), _panel(printer, pitch_um, field)
    registry.check_uses_panel(chosen, Path(path), panel)
    many = default_threads(threads)
    try:
        return chosen.verify(Path(path), VerifyOptions(dose_of=exposure.dose_map, progress=progress, threads=many, panel=panel))
    except JobError as err:
        return [str(err)]


def _panel(printer: Printer | None, pitch_um: float | tuple[float, float] | None, field: tuple[int, int] | None) -> Panel | None:
    if pitch_um is not None:
        pitch_um = (float(pitch_um),) * 2 if isinstance(pitch_um, (int, float)) else (float(pitch_um[0]), float(pitch_um[1]))
        if not all(math.isfinite(p) and p > 0 for p in pitch_um):
            raise UsageError(f"pitch_um is {pitch_um}; expected finite numbers above 0 µm")
    return Panel.of(printer, pitch_um, field)


def contours_of(job: PrintJob) -> Iterator[Contours]:
    """Yield the rings in which the middle planes of the slabs cut the parts of a job, moved as its process says, some layers at a time.

    Raises
    ------
    JobError
        The job was written without its parts.
    MeshError
        A part is open.
    """
    parts, grid, offset = job.design, job.grid, offset_of(job.process, job.grid)
    if not parts:
        raise JobError("the job holds no placed parts (it was written with --no-design, or read from a file without them), so no contours")
    for first in range(0, grid.n_layers, CONTOUR_LAYERS):
        edges = grid.z_edges_um[first : first + CONTOUR_LAYERS + 1]
        block = Grid(origin_um=grid.origin_um, pitch_um=grid.pitch_um, shape=grid.shape, z_edges_um=edges)
        contours = slicing.slice_contours(parts, block)
        yield contours if offset is None else offset.contours(contours, first, grid.origin_um)


def _format_of(path: Path, name: str | None) -> Format:
    return registry.recognise(path) if name is None else registry.find(name)
