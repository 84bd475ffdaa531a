"""The layers of a page: heights, exposures with their times and doses, facts; and their frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from pmsl.core.mask import Window, around
from pmsl.core.parallel import ordered_map
from pmsl.errors import ExposureError
from pmsl.exposure.dose import irradiance_mw_cm2
from pmsl.fields.added_fields import layer_added
from pmsl.job.layer_facts import FactsOfLayers, Measured, measured
from pmsl.job.layer_plan import Exposure, LayerFacts, LayerPlan
from pmsl.job.meter import Meter
from pmsl.job.print_job import Estimate, PrintJob
from pmsl.report.page.field_plan import with_corners
from pmsl.report.page.frame_store import FrameStore, window_levels


class _EncodedLayer(NamedTuple):
    plan: LayerPlan
    frames: list[tuple[Window, bytes]]
    measured: Measured | None


def doses_known(job: PrintJob) -> bool:
    """Tell whether doses are known: not of a file whose irradiance only stands in for one that it does not say."""
    return not any(f.code == "partial-file" for f in job.findings)


def white_mj_cm2(job: PrintJob, exposure: Exposure) -> float | None:
    """Return the dose of a white pixel as the dose map has it, repeats counted [mJ/cm²]; None where the irradiance is not known."""
    if (exposure.engine != 0 and not job.printer.several) or not doses_known(job):  # of a file the profile's light is the first engine's
        return None
    try:
        return exposure.time_s * exposure.repeat * irradiance_mw_cm2(job.printer_of(exposure.engine), exposure.power)
    except ExposureError:
        return None


def exposure_facts(job: PrintJob, exposure: Exposure, frame: int | None) -> dict[str, Any]:
    """Return what a page says of an exposure; values that are the ordinary ones are left out.

    Parameters
    ----------
    job : PrintJob
    exposure : Exposure
    frame : int or None
        Number of its frame in the page.
    """
    ordinary: dict[str, Any] = {
        "engine": 0, "offset_um": (0.0, 0.0), "focus_um": 0.0, "repeat": 1, "wait_before_s": 0.0, "wait_after_s": 0.0, "film_lift_um": None
    }  # fmt: skip
    facts: dict[str, Any] = {"time_s": exposure.time_s, "power": exposure.power, "white": white_mj_cm2(job, exposure)}
    if frame is not None:
        facts["frame"] = frame
    for name, value in ordinary.items():
        if getattr(exposure, name) != value:
            facts[name] = getattr(exposure, name)
    if exposure.relift is not None:
        facts["relift"] = msgspec.to_builtins(exposure.relift)
    return facts


def white_of_layer(exposures: Sequence[dict[str, Any]]) -> float | None:
    """Return the white dose of the first engine's exposures of one field, of several the most [mJ/cm²]; None where it is not known.

    Parameters
    ----------
    exposures : sequence of dict
        As `exposure_facts` and `with_corners` say them.
    """
    fields: dict[tuple[float, ...], float] = {}
    for e in exposures:
        if e.get("engine") or e["white"] is None:
            return None
        field = tuple(e.get("corner_um", ()))
        fields[field] = fields.get(field, 0.0) + e["white"]
    return max(fields.values(), default=0.0)


def layer_row(plan: LayerPlan, facts: LayerFacts | None, meter: Meter, exposures: list[dict[str, Any]]) -> dict[str, Any]:
    """Return exposures, their dose, time [s] and facts of a layer; of one without facts, the area that its largest mask covers [µm²]."""
    time_s, resin_um3, *_ = meter.cost(plan)
    known = {} if facts is None else msgspec.to_builtins(facts)
    own = {"time_s": time_s, "dose": white_of_layer(exposures), "exposures": exposures}
    return {"area_um2": resin_um3 / plan.thickness_um} | known | own


def layer_table(
    job: PrintJob, store: FrameStore, threads: int, progress: Callable[[int, int], None] | None = None
) -> tuple[list[dict[str, Any]], Estimate]:
    """Return what a page says of every layer, and time and resin of all; put the frames into `store`.

    Parameters
    ----------
    job : PrintJob
    store : FrameStore
    threads : int
    progress : callable, optional
        Called with (layers done, layers in all).
    """
    meter, below = job.meter(), FactsOfLayers(job.engines[0].grid, job.printer)
    stated = job.n_layers > 0 and job.bare(0).facts is not None

    def make(k: int) -> _EncodedLayer:
        plan = job.bare(k)
        shape = None if stated else measured(layer_added(job, plan), job.engines[0].grid)
        return _EncodedLayer(plan, [window_levels(e.mask) for e in plan.exposures], shape)

    rows: list[dict[str, Any]] = []
    for plan, frames, one in ordered_map(make, range(job.n_layers), threads):
        shown = [exposure_facts(job, e, store.add(*frame)) for e, frame in zip(plan.exposures, frames, strict=True)]
        store.lit = around((store.lit, *(e.mask.window for e in plan.exposures)))
        facts = plan.facts if stated else below.add(plan.index, one)
        rows.append(layer_row(plan, facts, meter, with_corners(job, plan, shown)))
        meter.add(*meter.cost(plan))
        if progress is not None:
            progress(plan.index + 1, job.n_layers)
    return rows, job.known_estimate or meter.estimate()
