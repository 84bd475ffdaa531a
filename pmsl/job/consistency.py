"""Do the numbers of a job fit each other and its printer's limits? What `verify` lists; a host holds a job to it before it moves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Protocol

import msgspec
import numpy as np

from pmsl.core.mask import around
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.job.shifted_light import most_light
from pmsl.job.stage_way import StagePlace
from pmsl.profiles import Motion, Printer
from pmsl.profiles.placeholders import placeholders
from pmsl.profiles.response import response

PLANE_SLACK_UM = 1e-6
DOSE_SLACK = 1e-9  # share
TIME_SLACK = 1e-6  # share: sums of many layers
LIMIT_SLACK = 1 + 1e-9
MOST_REPEATS = 10_000  # of one image in one layer
MOST_WAIT_S = 1e6  # as of a motion
MOST_SHIFT_UM = 1e6  # of image or focus
MOST_KNOWN = 4096  # exposures whose numbers are remembered as looked at


class ExposureNumbers(Protocol):
    """The numbers of an exposure, as `Exposure` has them and as a file states them."""

    @property
    def time_s(self) -> float: ...  # noqa: D102
    @property
    def dose_mj_cm2(self) -> float: ...  # noqa: D102
    @property
    def power(self) -> float: ...  # noqa: D102
    @property
    def engine(self) -> int: ...  # noqa: D102
    @property
    def offset_um(self) -> tuple[float, float]: ...  # noqa: D102
    @property
    def focus_um(self) -> float: ...  # noqa: D102
    @property
    def repeat(self) -> int: ...  # noqa: D102
    @property
    def wait_before_s(self) -> float: ...  # noqa: D102
    @property
    def wait_after_s(self) -> float: ...  # noqa: D102


def limit_problems(e: ExposureNumbers, printers: Sequence[Printer]) -> Iterator[str]:
    """Yield where an exposure, its repeats counted, asks for what its printer never gives; numbers that are not finite included.

    Parameters
    ----------
    e : ExposureNumbers
    printers : sequence of Printer
        The printer with each of the job's engines alone.
    """
    known = 0 <= e.engine < len(printers)
    if not known:
        yield f"names engine {e.engine}, an engine the job does not have"
    printer = printers[e.engine if known else 0]
    limits = printer.limits
    if e.power not in [s.power for s in printer.optics.settings]:
        yield f"power {e.power:g} is no light setting of printer {printer.name}"
    if not 1 <= e.repeat <= MOST_REPEATS:
        yield f"repeat is {e.repeat}; expected 1 to {MOST_REPEATS}"
        return
    for what, value, limit in (
        ("time_s", e.time_s, limits.max_exposure_s.value),
        ("dose_mj_cm2", e.dose_mj_cm2, limits.max_dose_mj_cm2.value),
        ("power", e.power, limits.max_power.value),
    ):
        often = e.repeat if what != "power" else 1
        if not value > 0:
            yield f"{what} is {value:g}; expected more than 0"
        elif not value * often <= limit * LIMIT_SLACK:
            shown = f"{value:g}" if often == 1 else f"{value:g}, shown {often} times {value * often:g}"
            yield f"{what} is {shown}, the limit of printer {printer.name} {limit:g}"
    for what, value, low, high in (
        ("wait_before_s", e.wait_before_s, 0.0, MOST_WAIT_S),
        ("wait_after_s", e.wait_after_s, 0.0, MOST_WAIT_S),
        *((name, um, -MOST_SHIFT_UM, MOST_SHIFT_UM) for name, um in zip(("offset_um",) * 2, e.offset_um, strict=True)),
        ("focus_um", e.focus_um, -MOST_SHIFT_UM, MOST_SHIFT_UM),
    ):
        if not low <= value <= high:
            yield f"{what} is {value:g}; expected {low:g} to {high:g}"


def sum_problem(exposures: Sequence[Exposure], printer: Printer, light_of_level: np.ndarray) -> str | None:
    """Say where the exposures of a layer together give a pixel more than the printer's limits allow one; None where they do not.

    Parameters
    ----------
    exposures : sequence of Exposure
        Of one layer, each within the limits by itself.
    printer : Printer
    light_of_level : (256,) float64
        Irradiance of every gray level relative to white (`pmsl.profiles.response`).

    Notes
    -----
    Time is that of white light that gives the same: a pixel of half the irradiance counts half. What different engines give is not added.
    """
    limits = printer.limits
    for what, unit, limit, each in (
        ("time", "s of white", limits.max_exposure_s.value, [e.repeat * e.time_s for e in exposures]),
        ("dose", "mJ/cm²", limits.max_dose_mj_cm2.value, [e.repeat * e.dose_mj_cm2 for e in exposures]),
    ):
        if sum(each) <= limit * LIMIT_SLACK:
            continue
        for engine in sorted({e.engine for e in exposures}):
            of_engine = [(e, value) for e, value in zip(exposures, each, strict=True) if e.engine == engine]
            if len({e.offset_um for e, _ in of_engine}) > 1:
                shown, of_white = [e for e, _ in of_engine], [value for _, value in of_engine]
                most = most_light(shown, of_white, printer.optics.pitch_um.value, light_of_level, limit * LIMIT_SLACK)
            else:
                most = _most_in_place(of_engine, light_of_level)
            if not most <= limit * LIMIT_SLACK:
                return (
                    f"its {len(exposures)} exposures together give a pixel {most:.4g} {unit}, the limit of printer {printer.name} "
                    f"in {what} is {limit:g}"
                )
    return None


def _most_in_place(shown: Sequence[tuple[Exposure, float]], light_of_level: np.ndarray) -> float:
    """Return the most that a pixel gets of exposures in one place, each with what white gives."""
    window = around(e.mask.window for e, _ in shown)
    total = np.zeros((window.rows, window.cols))
    for e, value in shown:
        total += value * light_of_level[e.mask.within(window)]
    return float(total.max(initial=0.0))


@lru_cache(maxsize=64)
def motion_problem(motion: Motion) -> str | None:
    """Say which number of a motion is none, or beyond what a motion may have; None where all are sound."""
    try:
        msgspec.convert(msgspec.to_builtins(motion), Motion)
    except msgspec.ValidationError as err:
        return f"motion: {err}"
    name = next((name for name in motion.__struct_fields__ if not math.isfinite(getattr(motion, name))), None)
    return None if name is None else f"motion.{name} is {getattr(motion, name)}; expected a finite number"


def plane_problems(job: PrintJob) -> Iterator[str]:
    """Yield where the planes of a job's engines do not rise from the plate, differ, or lie beyond the printer's travel."""
    edges = job.grid.z_edges_um
    for i, engine in enumerate(job.engines):
        if engine.grid.n_layers != job.n_layers:
            yield f"engine {i} has planes for {engine.grid.n_layers} layers, the job has {job.n_layers}"
        elif np.abs(engine.grid.z_edges_um - edges).max() > PLANE_SLACK_UM:
            yield f"engine {i}: its z_edges_um are not those of engine 0, and the plate has one place for each layer"
    if abs(edges[0]) > PLANE_SLACK_UM:
        yield f"z_edges_um begin at {edges[0]:g} µm; the first layer begins on the plate, at 0"
    travel_um = job.printer.stage.travel_um.value
    if edges[-2] >= travel_um + PLANE_SLACK_UM:  # the last slab may begin in the part and end above it
        yield f"z_edges_um reach {edges[-1]:g} µm, the travel of printer {job.printer.name} is {travel_um:g} µm"


def hidden_placeholders(job: PrintJob, lights: set[tuple[int, float]]) -> list[str]:
    """Return the placeholder values that light of these (engine, setting) rests on, of a job that says it is calibrated: none may."""
    if not job.calibrated:
        return []
    named = list[str]()
    for engine, power in sorted(lights):
        printer = job.printer_of(engine)
        if power in [s.power for s in printer.optics.settings]:
            named += placeholders(printer, job.resin_of(engine), power)
    return list(dict.fromkeys(named))


class JobCheck:
    """Holds a job against itself, layer by layer.

    Parameters
    ----------
    job : PrintJob
    """

    def __init__(self, job: PrintJob) -> None:
        self._job = job
        self._printers = [job.printer_of(i) for i in range(len(job.engines))]
        settings = [(i, s) for i, printer in enumerate(self._printers) for s in printer.optics.settings]
        self._irradiance = {(i, s.power): s.irradiance_mw_cm2.value for i, s in settings}
        self._edges_um: list[float] = job.grid.z_edges_um.tolist()
        self._duration_s = np.full(job.n_layers, np.nan)
        self._way = job.way
        self._ends: list[tuple[StagePlace, StagePlace] | None] = [None] * job.n_layers
        self._known: dict[tuple[object, ...], tuple[list[str], bool]] = {}  # by the numbers of an exposure: most layers have the same
        self._lights = {light: hidden_placeholders(job, {light}) for light in self._irradiance}

    @cached_property
    def _light_of_level(self) -> list[np.ndarray]:
        return [response(printer) for printer in self._printers]

    def header(self) -> Iterator[str]:
        """Yield what is wrong before any layer is looked at."""
        for i in range(len(self._printers) if self._job.printer.several else 1):
            (rows, cols), shape = self._printers[i].field_px, self._job.engines[i].grid.shape
            if shape != (rows, cols):
                yield f"engine {i}: its grid is {shape[1]}x{shape[0]} px, the field of printer {self._job.printer.name} {cols}x{rows}"
        yield from plane_problems(self._job)
        for i, engine in enumerate(self._job.engines):
            if not (math.isfinite(engine.wavelength_nm) and engine.wavelength_nm > 0):
                yield f"engine {i}: wavelength_nm is {engine.wavelength_nm}; expected a finite number above 0"

    def layer(self, plan: LayerPlan) -> list[str]:
        """Return what is wrong with a layer, one line each; layers may come in any order, from any thread."""
        k, edges, out = plan.index, self._edges_um, list[str]()
        if not (
            0 <= k < len(edges) - 1
            and abs(plan.z_top_um - edges[k + 1]) <= PLANE_SLACK_UM
            and abs(plan.thickness_um - (edges[k + 1] - edges[k])) <= PLANE_SLACK_UM
        ):
            out.append(f"layer {k}: z_top_um {plan.z_top_um} and thickness_um {plan.thickness_um} do not fit the grid's slabs")
        motion = motion_problem(plan.motion)
        out += [] if motion is None else [f"layer {k}: {motion}"]
        sound = motion is None
        for j, e in enumerate(plan.exposures):
            problems, within = self._light_problems(e)
            where = f"layer {k}" if len(plan.exposures) == 1 else f"layer {k}, exposure {j}"
            out += [f"{where}: {problem}" for problem in problems]
            sound = sound and within
        if sound:
            out += [f"layer {k}: {problem}" for problem in self._sum_problems(plan.exposures)]
            self._duration_s[k : k + 1] = plan.duration_s
            if self._way is not None and 0 <= k < len(self._ends):
                self._duration_s[k] += self._way.inside_s(plan.exposures)
                self._ends[k] = self._way.ends(plan.exposures)
        return out

    def _sum_problems(self, exposures: Sequence[Exposure]) -> Iterator[str]:
        """Yield where the exposures of a layer together pass the limits, engine by engine."""
        for i, printer in enumerate(self._printers if len(exposures) > 1 else ()):
            own = exposures if len(self._printers) == 1 else [e for e in exposures if e.engine == i]
            total = sum_problem(own, printer, self._light_of_level[i]) if len(own) > 1 else None
            if total is not None:
                yield total

    def _light_problems(self, e: Exposure) -> tuple[list[str], bool]:
        """Return what is wrong with the numbers of an exposure, and whether they are within the limits."""
        numbers = (e.time_s, e.dose_mj_cm2, e.power, e.engine, *e.offset_um, e.focus_um, e.repeat, e.wait_before_s, e.wait_after_s)
        key = (*numbers, e.drawing is not None)
        known = self._known.get(key)
        if known is None:
            beyond = list(limit_problems(e, self._printers))
            known = [*beyond, *self._dose_problems(e)], not beyond
            if len(self._known) < MOST_KNOWN:
                self._known[key] = known
        return known

    def _dose_problems(self, e: Exposure) -> Iterator[str]:
        light = e.engine, e.power
        if light not in self._irradiance:
            return
        white = e.time_s * self._irradiance[light]
        if e.drawing is None and not abs(white - e.dose_mj_cm2) <= DOSE_SLACK * e.dose_mj_cm2:
            yield f"dose_mj_cm2 {e.dose_mj_cm2:g} is not time_s × irradiance, {white:g}"
        for name in self._lights[light]:
            yield f"its dose rests on {name}, a placeholder, and the job says it is calibrated"

    def end(self) -> Iterator[str]:
        """Yield what is wrong with the sum of all layers, where a file states it and every layer could be read."""
        stated_s, time_s = self._job.prepared.get("stated_time_s"), float(self._duration_s.sum())
        if stated_s is None or np.isnan(self._duration_s).any():
            return
        if self._way is not None:
            lit = [ends for ends in self._ends if ends is not None]
            before = [None, *(last for _, last in lit)]
            time_s += sum(self._way.between_s(a, first) for a, (first, _) in zip(before, lit, strict=False))
        if not abs(time_s - stated_s) <= TIME_SLACK * time_s:
            yield f"estimate: print_time_s is {stated_s:g}, the layers take {time_s:g}"
