"""Layers one after another, made on several threads, to whatever a format writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

import msgspec

from pmsl.core.finding import Finding
from pmsl.core.job import Meter, PrintJob
from pmsl.core.parallel import ordered_map
from pmsl.core.plan import LayerPlan
from pmsl.errors import JobError
from pmsl.formats.contract import VerifyOptions, WriteOptions, Written

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

    Returns
    -------
    Written
    """
    meter, found, any_light, run = Meter(job.grid), list(job.findings), False, job.in_order()

    def layer(k: int) -> tuple[LayerPlan, T, tuple[float, float], bool]:
        plan = run.plan(k)
        made, cost, lit = make(plan), meter.cost(plan), bool(plan.exposures)
        return plan if masks else replace(plan, exposures=()), made, cost, lit

    for done, (plan, made, cost, lit) in enumerate(ordered_map(layer, range(job.n_layers), options.threads), 1):
        store(plan, made)
        run.passed(plan.index)
        meter.add(*cost)
        found.extend(plan.findings)
        any_light = any_light or lit
        if options.progress is not None:
            options.progress(done, job.n_layers)
    found.extend(run.findings())
    found.extend(notes())
    if not any_light:
        found.append(NOTHING)
    findings = merged(found)
    if options.accept is not None:
        options.accept(findings)
    return Written(findings, job.known_estimate or meter.estimate(), job.n_layers)


SCATTERED = {"unreachable-gray": 64, "narrow-edges": 64, "missed-edges": 64}  # layers apart that are joined


def merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Join findings of the same kind on neighbouring layers into one: a range of layers, the box around all, the largest value.

    What comes and goes from layer to layer (`SCATTERED`) is one finding over gaps too, or hundreds would hide the others.
    """
    out: list[Finding] = []
    open_ranges: dict[tuple[str, str], int] = {}
    for f in findings:
        at = open_ranges.get((f.code, f.severity), -1)
        last = out[at].layers if at >= 0 else None
        if f.layers is not None and last is not None and 1 <= f.layers[0] - last[1] <= SCATTERED.get(f.code, 1):
            worse = f.value is not None and (out[at].value or 0.0) < f.value
            base = f if worse else out[at]
            out[at] = msgspec.structs.replace(base, layers=(last[0], f.layers[1]), box_um=_both(out[at].box_um, f.box_um))
        else:
            open_ranges[(f.code, f.severity)] = len(out)
            out.append(f)
    return tuple(out)


def _both(a: Box | None, b: Box | None) -> Box | None:
    """Return the box around two boxes; None where one has none."""
    if a is None or b is None:
        return None
    return tuple(map(min, a[0], b[0])), tuple(map(max, a[1], b[1]))


def problems(job: PrintJob, options: VerifyOptions, look: Callable[[LayerPlan], list[str]] | None = None) -> Iterator[str]:
    """Read every layer of a job and yield what cannot be read, or what `look` finds in a plan."""

    def layer(k: int) -> list[str]:
        try:
            plan = job.bare(k)
        except JobError as err:
            return [str(err)]
        return [] if look is None else look(plan)

    for k, wrong in enumerate(ordered_map(layer, range(job.n_layers), options.threads)):
        yield from wrong
        if options.progress is not None:
            options.progress(k + 1, job.n_layers)
