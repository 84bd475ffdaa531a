"""Layers one after another, made on several threads, to whatever a format writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from pmsl.core.finding import Finding, PredictedErrors
from pmsl.core.parallel import ordered_map
from pmsl.errors import JobError
from pmsl.formats.protocol import VerifyOptions, WriteOptions, Written
from pmsl.job.consistency import JobCheck
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.meter import LayerCost
from pmsl.job.print_job import PrintJob

T = TypeVar("T")
Box = tuple[tuple[float, ...], tuple[float, ...]]

NOTHING = Finding(
    code="nothing-printed",
    severity="error",
    message="no layer of the job is lit: the part is thinner than its layers or smaller than a pixel's lowest level; "
    "check unit, scale and layer height",
)


def written(
    job: PrintJob,
    options: WriteOptions,
    make: Callable[[LayerPlan], T],
    store: Callable[[LayerPlan, T], object],
    notes: Callable[[], Iterable[Finding]] = tuple,
    masks: bool = True,
    make_all: Callable[[Sequence[LayerPlan]], list[T]] | None = None,
) -> Written:
    """Make every layer and store it, and let `options.accept` see all findings.

    Parameters
    ----------
    job : PrintJob
    options : WriteOptions
        Its threads, progress and accept.
    make : callable
        Encodes a layer; called from several threads at once.
    store : callable
        Keeps what `make` returned; called in order of layers, from the calling thread.
    notes : callable, optional
        Gives what else is to be found when all layers are stored; may refuse the job.
    masks : bool
        Whether `store` needs the exposures; they take memory until their turn comes.
    make_all : callable, optional
        Encodes some layers at once, where that is faster than one by one.

    Returns
    -------
    Written
    """
    tally, run, meter = JobTally(job, options), job.layer_source.in_order(job.n_layers), job.meter()

    watch = options.watch

    def done(plan: LayerPlan, made: T) -> tuple[LayerPlan, T, LayerCost, bool, Any]:
        cost, lit, seen = meter.cost(plan), bool(plan.exposures), None if watch is None else watch.seen(plan)
        return plan if masks else replace(plan, exposures=()), made, cost, lit, seen

    def layers(block: list[int]) -> list[tuple[LayerPlan, T, LayerCost, bool, Any]]:
        plans = run.plans(block)
        return list(map(done, plans, map(make, plans) if make_all is None else make_all(plans)))

    for plan, made, cost, lit, seen in ordered_map(lambda k: layers([k])[0], range(job.n_layers), options.threads, layers):
        store(plan, made)
        run.passed(plan.index)
        tally.add(cost, plan.findings, lit)
        if watch is not None:
            watch.add(seen)
    tally.found.extend(run.findings())
    tally.found.extend(notes())
    return tally.written()


class JobTally:
    """What a job turns out to be while its layers go by, from the plate up; `found` are the findings so far."""

    def __init__(self, job: PrintJob, options: WriteOptions) -> None:
        self._job, self._options = job, options
        self._meter, self._done, self._any_light = job.meter(), 0, False
        self.found = list(job.findings)

    def add(self, cost: LayerCost, findings: Iterable[Finding], lit: bool) -> None:
        """Count the next layer: its cost as `Meter.cost` gives it, its findings, whether it has any light."""
        self._meter.add(*cost)
        self.found.extend(findings)
        self._any_light = self._any_light or lit
        self._done += 1
        if self._options.progress is not None:
            self._options.progress(self._done, self._job.n_layers)

    def written(self) -> Written:
        """Return what it is when all layers were counted, and let `options.accept` see all findings."""
        findings = merged([*self.found, *(() if self._any_light else (NOTHING,))])
        if self._options.watch is not None:
            findings = (*findings, *self._options.watch.findings())
        if self._options.accept is not None:
            self._options.accept(findings)
        return Written(findings, self._job.known_estimate or self._meter.estimate(), self._job.n_layers)


SCATTERED = {"unreachable-gray": 64, "narrow-edges": 64, "missed-edges": 64}  # layers apart that are joined


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Join findings of the same kind on neighbouring layers into one: a range of layers, the box around all, the value farthest from 0.

    What comes and goes from layer to layer (`SCATTERED`) is one finding over gaps too, or hundreds would hide the others.
    """
    out: list[Finding] = []
    open_ranges: dict[tuple[str, str], int] = {}
    for f in findings:
        at = open_ranges.get((f.code, f.severity), -1)
        last = out[at].layers if at >= 0 else None
        if f.layers is not None and last is not None and 1 <= f.layers[0] - last[1] <= SCATTERED.get(f.code, 1):
            worse = f.value is not None and abs(out[at].value or 0.0) < abs(f.value)
            base = f if worse else out[at]
            both = {"box_um": _both(out[at].box_um, f.box_um), "predicted": _predicted(out[at], f)}
            out[at] = msgspec.structs.replace(base, layers=(last[0], f.layers[1]), **both)
        else:
            open_ranges[(f.code, f.severity)] = len(out)
            out.append(f)
    return tuple(out)


def _predicted(a: Finding, b: Finding) -> PredictedErrors | msgspec.UnsetType:
    """Return what is predicted of the layers of both; nothing where one has none."""
    if isinstance(a.predicted, msgspec.UnsetType) or isinstance(b.predicted, msgspec.UnsetType):
        return msgspec.UNSET
    return a.predicted.joined(b.predicted)


def _both(a: Box | None, b: Box | None) -> Box | None:
    """Return the box around two boxes; None where one has none."""
    if a is None or b is None:
        return None
    return tuple(map(min, a[0], b[0])), tuple(map(max, a[1], b[1]))


def problems(job: PrintJob, options: VerifyOptions, look: Callable[[LayerPlan], list[str]] | None = None) -> Iterator[str]:
    """Read every layer of a job; yield what cannot be read, numbers that do not fit (`JobCheck`), and what `look` finds in a plan."""
    check = JobCheck(job)
    yield from check.header()

    def layer(k: int) -> list[str]:
        try:
            plan = job.bare(k)
        except JobError as err:
            return [str(err)]
        return [*check.layer(plan), *(() if look is None else look(plan))]

    for k, wrong in enumerate(ordered_map(layer, range(job.n_layers), options.threads)):
        yield from wrong
        if options.progress is not None:
            options.progress(k + 1, job.n_layers)
    yield from check.end()
