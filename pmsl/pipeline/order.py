"""What `pmsl slice` is asked for, as one struct, and how it is carried out: load, repair, place, prepare, depth, write.

The fields have the names of the options. A job of a batch has the same ones: an option that gets a field here is a key there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from msgspec import Meta

from pmsl.core.finding import Severity
from pmsl.core.job import PrintJob
from pmsl.core.part import Part, Solid
from pmsl.errors import UsageError
from pmsl.formats import registry
from pmsl.formats.contract import Crew, Format, Written
from pmsl.formats.target import check_target
from pmsl.mesh import load_solid
from pmsl.mesh.place import Placed
from pmsl.outfile import check_new_file
from pmsl.pipeline.doors import check_spreads, write
from pmsl.pipeline.planner import prepare
from pmsl.pipeline.regionfile import RegionTable, dose_scales, dressed, regions_wanted
from pmsl.pipeline.wishes import Wishes
from pmsl.profiles.process import Unreachable
from pmsl.profiles.strict import Strict


class Order(Strict, frozen=True, kw_only=True):
    """One job to be sliced: meshes, target, and the options of `pmsl slice` as they are typed.

    `values` are values of the profiles by dotted name, ``{"resin.dp_um": 40}`` (`pmsl.profiles.change`).
    """

    SINCE: ClassVar[dict[str, int]] = dict.fromkeys(  # version of batch files that has the key
        ("exposure_s", "bottom_dose_factors", "xy_offset_um", "bottom_xy_offset_um", "dose_scale", "region", "regions", "weld_um"), 2
    )

    meshes: Annotated[list[str], Meta(min_length=1)]
    out: str
    format: str | None = None
    printer: str | None = None
    resin: str | None = None
    process: str | None = None
    layer_um: float | None = None
    exposure_s: float | None = None
    bottom_dose_factors: str | None = None
    xy_offset_um: float | None = None
    bottom_xy_offset_um: float | None = None
    pitch_um: str | None = None
    field: str | None = None
    coverage: Literal["area", "volume"] | None = None
    unreachable: Unreachable | None = None
    irradiance: float | None = None
    unit: Literal["um", "mm", "cm", "m", "inch"] = "mm"
    repair: Literal["auto", "none", "strict"] = "auto"
    weld_um: float | None = None
    at: str | None = None
    rotate: str | None = None
    scale: str | None = None
    keep_place: bool = False
    copies: str | None = None
    spacing_um: str | None = None
    pack: float | None = None
    plates: Annotated[int, Meta(ge=1)] | None = None
    dose_scale: str | None = None
    region: list[str | RegionTable] = []
    regions: str | None = None
    threads: Annotated[int, Meta(ge=1)] | None = None
    processes: Annotated[int, Meta(ge=1)] | None = None
    scheduler: str | None = None
    depth: Annotated[int, Meta(ge=1, le=8)] | None = None
    dose: bool = False
    no_design: bool = False
    correct: str | None = None
    accept_uncalibrated: bool = False
    png: Literal["fast", "small"] = "fast"
    preview: str | None = None
    fail_on: Severity = "error"
    force: bool = False
    lossy: bool = False
    values: dict[str, Any] = {}

    def wishes(self) -> Wishes:
        """Return the options of profiles and placement."""
        return Wishes(**{f.name: getattr(self, f.name) for f in dataclasses.fields(Wishes)})

    def chosen_format(self) -> Format:
        """Return the format it is written in; raises `UsageError` where there is none."""
        return registry.find(registry.choose(Path(self.out), self.format))


@dataclass(frozen=True, slots=True, eq=False)
class Sliced:
    """What came of an order: the job, how its parts were placed, how long each layer's ordinary dose takes, and, once it is on disk,
    what the writer says. `out` is its target where that is not the order's: plates are numbered.
    """

    job: PrintJob
    placed: Placed
    times_s: np.ndarray
    written: Written | None = None
    out: str = ""


def check(order: Order) -> None:
    """Refuse an order whose target or preview cannot be written, or whose options do not go together, before any work.

    Raises
    ------
    UsageError, OutputError
    """
    target, chosen, layout = Path(order.out), order.chosen_format(), order.wishes().layout()
    dose_scales(order.dose_scale, len(order.meshes))
    regions_wanted(order.region, order.regions)
    if layout.plates is None:
        check_target(target, order.force, chosen.foreign)
    if order.processes is not None or order.scheduler is not None:
        _check_workers(order, chosen)
    if order.preview is not None:
        if layout.plates is not None:
            raise UsageError(f"--preview {order.preview}: shows one job; leave it out with --plates, or pack one field without")
        _check_preview(Path(order.preview), target, order.force)


def workers_of(order: Order) -> AbstractContextManager[Crew | None]:
    """Return the processes that make the layers of an order, for a ``with`` block; None where threads of this one do."""
    from pmsl.pipeline.crew import crew_of

    return crew_of(order.processes, order.scheduler) or nullcontext()


def made_ready(order: Order) -> Sliced:
    """Load, repair, place and prepare one job; layers are not made yet.

    Raises
    ------
    PmslError
        As `load_solid`, `place_for` and `prepare`; or the order fills plates (`all_ready`).
    """
    if order.plates is not None:
        raise UsageError(f"--plates {order.plates}: several jobs come of this order; leave it out where one is expected")
    return all_ready(order)[0]


def all_ready(order: Order) -> list[Sliced]:
    """Load, repair and place the parts of an order, and prepare the job of each field they fill; layers are not made yet.

    Raises
    ------
    PmslError
        As `load_solid`, `Layout.placed` and `prepare`; a target of a plate cannot be written.
    """
    wishes = order.wishes()
    printer, resin, process = wishes.profiles()
    layout = wishes.layout()
    plates = layout.placed(_parts(order, wishes.weld_within_um(printer)), printer, resin)
    names = layout.names(Path(order.out), len(plates))
    for name in names if layout.plates is not None else ():
        check_target(name, order.force, order.chosen_format().foreign)
    out = []
    for name, placed in zip(names, plates, strict=True):
        accept = order.accept_uncalibrated
        job = prepare(placed, printer, resin, process, accept_uncalibrated=accept, repair=order.repair, weld_um=order.weld_um)
        times_s = job.plan_layer.times_s  # type: ignore[attr-defined]
        out.append(Sliced(_shallower(job, order.depth), placed, times_s, out=order.out if layout.plates is None else str(name)))
    return out


def _parts(order: Order, weld_um: float) -> list[Solid | Part]:
    """Load and repair meshes, each once, and those of regions; with their doses, not yet placed."""
    scales = dose_scales(order.dose_scale, len(order.meshes))
    tables = regions_wanted(order.region, order.regions)
    loaded: dict[str, Solid] = {}

    def load(mesh: str) -> Solid:
        if mesh not in loaded:
            loaded[mesh] = load_solid(mesh, order.unit).repaired(order.repair, weld_um)
        return loaded[mesh]

    return dressed([load(mesh) for mesh in order.meshes], scales, tables, load)


def _shallower(job: PrintJob, bits: int | None) -> PrintJob:
    """Return a job of so few grays as were asked for."""
    if bits is None:
        return job
    from pmsl.pipeline.depth import with_depth

    return with_depth(job, bits)


def put_on_disk(
    order: Order,
    ready: Sliced,
    progress: Callable[[int, int], None] | None = None,
    accept: bool = False,
    crew: Crew | None = None,
) -> Written:
    """Write what `made_ready` made, complete or absent, as the order says; with `accept` whatever is found, with `crew` by others.

    Raises
    ------
    PmslError
        As `write`.
    """
    return write(
        ready.job,
        ready.out or order.out,
        format=order.format,
        dose=order.dose,
        design=not order.no_design,
        png=order.png,
        threads=order.threads,
        force=order.force,
        lossy=order.lossy,
        progress=progress,
        fail_on=None if accept else order.fail_on,
        crew=crew,
    )


def carry_out(order: Order, progress: Callable[[int, int], None] | None = None) -> Sliced:
    """Do what `pmsl slice` does: the one way from an order to a job on disk. The preview is left to the caller.

    Parameters
    ----------
    order : Order
    progress : callable, optional
        Called with (layers done, layers in all).

    Raises
    ------
    PmslError
    """
    check(order)
    with workers_of(order) as crew:
        ready = made_ready(order)
        written = put_on_disk(order, ready, progress, crew=crew)
    return dataclasses.replace(ready, written=written)


def _check_workers(order: Order, chosen: Format) -> None:
    """Refuse workers that cannot make the layers."""
    if order.threads is not None:
        option = "--processes" if order.scheduler is None else "--scheduler"
        raise UsageError(f"--threads and {option} exclude each other: layers are made by threads of this process, or by others")
    check_spreads(chosen)
    workers_of(order)


def _check_preview(path: Path, target: Path, force: bool) -> None:
    if path.suffix.lower() != ".png":
        raise UsageError(f"--preview {path}: the name must end in .png")
    where, job = path.absolute(), target.absolute()
    if where == job or job in where.parents:
        raise UsageError(f"--preview {path}: lies inside the job {target}; choose a name outside it")
    check_new_file(path, force, "--preview")
