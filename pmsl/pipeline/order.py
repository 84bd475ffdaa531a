"""What `pmsl slice` is asked for, as one struct, and how it is carried out: load, repair, place, prepare, depth, write.

The fields have the names of the options. A job of a batch has the same ones: an option that gets a field here is a key there.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta

from pmsl.core.finding import Severity
from pmsl.core.job import PrintJob
from pmsl.errors import OutputError, UsageError
from pmsl.formats import registry
from pmsl.formats.contract import Format, Written
from pmsl.formats.target import check_target
from pmsl.mesh import load_solid
from pmsl.mesh.place import Placed
from pmsl.pipeline.depth import with_depth
from pmsl.pipeline.doors import write
from pmsl.pipeline.planner import prepare
from pmsl.pipeline.start import place_for
from pmsl.pipeline.wishes import Wishes
from pmsl.profiles.process import Unreachable
from pmsl.profiles.strict import Strict


class Order(Strict, frozen=True, kw_only=True):
    """One job to be sliced: meshes, target, and the options of `pmsl slice` as they are typed.

    `values` are values of the profiles by dotted name, ``{"resin.dp_um": 40}`` (`pmsl.profiles.change`).
    """

    meshes: Annotated[list[str], Meta(min_length=1)]
    out: str
    format: str | None = None
    printer: str | None = None
    resin: str | None = None
    process: str | None = None
    layer_um: float | None = None
    pitch_um: str | None = None
    field: str | None = None
    coverage: Literal["area", "volume"] | None = None
    unreachable: Unreachable | None = None
    irradiance: float | None = None
    unit: Literal["um", "mm", "cm", "m", "inch"] = "mm"
    repair: Literal["auto", "none", "strict"] = "auto"
    at: str | None = None
    rotate: str | None = None
    scale: str | None = None
    keep_place: bool = False
    threads: Annotated[int, Meta(ge=1)] | None = None
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
    what the writer says.
    """

    job: PrintJob
    placed: Placed
    times_s: np.ndarray
    written: Written | None = None


def check(order: Order) -> None:
    """Refuse an order whose target or preview cannot be written, before any work.

    Raises
    ------
    UsageError, OutputError
    """
    target = Path(order.out)
    check_target(target, order.force, order.chosen_format().foreign)
    if order.preview is not None:
        _check_preview(Path(order.preview), target)


def made_ready(order: Order) -> Sliced:
    """Load, repair, place and prepare; layers are not made yet.

    Raises
    ------
    PmslError
        As `load_solid`, `place_for` and `prepare`.
    """
    wishes = order.wishes()
    printer, resin, process = wishes.profiles()
    placement = wishes.placement()
    solids = [load_solid(mesh, order.unit) for mesh in order.meshes]
    solids = [solid.repaired(order.repair) for solid in solids]
    placed = place_for(solids, printer, resin, **placement)
    job = prepare(placed, printer, resin, process, accept_uncalibrated=order.accept_uncalibrated, repair=order.repair)
    times_s = job.plan_layer.times_s  # type: ignore[attr-defined]
    return Sliced(job if order.depth is None else with_depth(job, order.depth), placed, times_s)


def put_on_disk(order: Order, ready: Sliced, progress: Callable[[int, int], None] | None = None, accept: bool = False) -> Written:
    """Write what `made_ready` made, complete or absent, as the order says; with `accept` whatever is found.

    Raises
    ------
    PmslError
        As `write`.
    """
    return write(
        ready.job,
        order.out,
        format=order.format,
        dose=order.dose,
        design=not order.no_design,
        png=order.png,
        threads=order.threads,
        force=order.force,
        lossy=order.lossy,
        progress=progress,
        fail_on=None if accept else order.fail_on,
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
    ready = made_ready(order)
    written = put_on_disk(order, ready, progress)
    return dataclasses.replace(ready, written=written)


def _check_preview(path: Path, target: Path) -> None:
    if path.suffix.lower() != ".png":
        raise UsageError(f"--preview {path}: the name must end in .png")
    where, job = path.absolute(), target.absolute()
    if where == job or job in where.parents:
        raise UsageError(f"--preview {path}: lies inside the job {target}; choose a name outside it")
    if not os.path.isdir(where.parent) or os.path.isdir(where) or not os.access(where.parent, os.W_OK):
        raise OutputError(f"--preview {path}: cannot be written there; choose a folder that exists and is writable")
