"""Does a job fit a machine? Everything that can be known is held against everything, before the first light."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.job import PrintJob
from pmsl.core.parallel import default_threads, ordered_map
from pmsl.core.plan import Exposure, LayerPlan
from pmsl.errors import HostError
from pmsl.formats.diamond import check_lit
from pmsl.formats.frames import frame_shape
from pmsl.host.digests import Digests
from pmsl.host.feed import checked_plan
from pmsl.host.protocol import LightEngine, Shifting, Stage
from pmsl.profiles.printer import Diamond

WAVELENGTH_SLACK_NM = 5.0  # half the width of an LED's line: its nominal and its measured wavelength differ by as much
SLACK = 1 + 1e-9
UNMOVED = (0.0, 0.0, 0.0)


def check_machine(job: PrintJob, engines: Sequence[LightEngine], stage: Stage, accept_uncalibrated: bool) -> list[Finding]:
    """Hold a job's header against a machine.

    Returns
    -------
    list of Finding
        What does not stop the print: a stage whose steps do not meet the layers, an uncalibrated job that was accepted.

    Raises
    ------
    HostError
        Number of engines, shape, wavelength, calibration, homing, travel or step.
    """
    if len(engines) != len(job.engines):
        raise HostError(f"the job has {len(job.engines)} light engine(s), the machine {len(engines)}; give one for each")
    for i, engine in enumerate(engines):
        _check_engine(job, i, engine)
    real = any(getattr(engine, "real", True) is not False for engine in engines)
    found = []
    if real and not job.calibrated:
        values = ", ".join(job.placeholders)
        if not accept_uncalibrated:
            raise HostError(
                f"the job is not calibrated: its doses rest on placeholders ({values}), so its times mean little on a real engine; "
                "measure them, or accept_uncalibrated=True (--accept-uncalibrated)"
            )
        found.append(_finding("uncalibrated-print", f"printed although its doses rest on placeholders: {values}"))
    return found + _check_stage(job, stage)


def _check_engine(job: PrintJob, i: int, engine: LightEngine) -> None:
    made_for = job.engines[i]
    wanted = frame_shape(made_for.grid.shape, made_for.orientation)
    if tuple(engine.shape) != wanted:
        raise HostError(f"engine {i} shows {_size(engine.shape)} px, the job's frames are {_size(wanted)} px; slice for this engine")
    if not abs(engine.wavelength_nm - made_for.wavelength_nm) <= WAVELENGTH_SLACK_NM:
        raise HostError(
            f"engine {i} has {engine.wavelength_nm:g} nm, the job is made for {made_for.wavelength_nm:g} nm "
            f"(limit: {WAVELENGTH_SLACK_NM:g} nm apart); the resin answers otherwise there, slice for this engine"
        )
    lacking = sorted(set(job.requires) - set(getattr(engine, "provides", ())))
    if lacking:
        raise HostError(
            f"the job requires {', '.join(lacking)}, which engine {i} does not say it provides: the light would be wrong; "
            "slice without it, or state it in the engine's `provides` where the engine does it"
        )
    if not 2 <= engine.levels <= 256:
        raise HostError(f"engine {i} states {engine.levels} gray levels; expected 2 to 256")
    for what, value in (("max_exposure_s", engine.max_exposure_s), ("max_power", engine.max_power)):
        if not (math.isfinite(value) and value > 0):
            raise HostError(f"engine {i} states {what} = {value}; expected a finite limit above 0")


def _check_stage(job: PrintJob, stage: Stage) -> list[Finding]:
    if not stage.homed:
        raise HostError("the stage is not homed: it does not know how far the plate is from the exposure plane; home it first")
    tops = np.concatenate([e.grid.z_edges_um[1:] for e in job.engines])
    thinnest = min(float(e.grid.thickness_um.min()) for e in job.engines)
    if not (math.isfinite(stage.step_um) and stage.step_um > 0):
        raise HostError(f"the stage states step_um = {stage.step_um}; expected a length above 0")
    if stage.step_um > thinnest * SLACK:
        raise HostError(f"the stage's step is {stage.step_um:g} µm, the thinnest layer {thinnest:g} µm; choose thicker layers")
    off = np.abs(tops - np.round(tops / stage.step_um) * stage.step_um)
    if off.max() <= 1e-6:
        return []
    k = int(off.argmax()) % job.n_layers
    text = "layers do not end on whole steps of the stage: their planes are this far off, and do not add up"
    return [_finding("stage-steps", text, (k, k), float(off.max()), stage.step_um, "µm")]


def walk(
    job: PrintJob,
    engines: Sequence[LightEngine],
    stage: Stage,
    progress: Callable[[int, int], None] | None = None,
    threads: int | None = None,
) -> Digests:
    """Read, or slice, every layer once; hold its hashes, its grays and its limits against job and machine.

    Returns
    -------
    Digests
        What every frame has to be from now on.

    Raises
    ------
    JobError
        A frame that is damaged or replaced.
    HostError
        A layer the machine cannot play.
    """
    digests = Digests(job.n_layers)
    many = default_threads() if threads is None else threads
    for plan in ordered_map(lambda k: checked_plan(job, k), range(job.n_layers), many):
        check_plan(job, plan, engines, stage)
        digests.add(plan)
        if progress is not None:
            progress(plan.index + 1, job.n_layers)
    return digests


def check_plan(job: PrintJob, plan: LayerPlan, engines: Sequence[LightEngine], stage: Stage) -> None:
    """Hold one layer against machine and printer profile; raises `HostError` where it does not fit."""
    highest = plan.z_top_um - plan.thickness_um + plan.motion.lift_um
    if not 0 <= plan.z_top_um <= max(highest, plan.z_top_um) <= stage.travel_um * SLACK:
        raise HostError(
            f"layer {plan.index}: the plate goes {max(highest, plan.z_top_um):g} µm from the exposure plane (lift included), "
            f"the stage's travel is {stage.travel_um:g} µm; print a lower part or lift less"
        )
    for j, exposure in enumerate(plan.exposures):
        where = f"layer {plan.index}, exposure {j}"
        if not 0 <= exposure.engine < len(engines):
            raise HostError(f"{where}: asks for engine {exposure.engine}, the machine has {len(engines)}")
        _check_exposure(job, exposure, engines[exposure.engine], where)
        if (*exposure.offset_um, exposure.focus_um) != UNMOVED and not isinstance(stage, Shifting):
            raise HostError(f"{where}: shifts image or focus, which this stage does not offer (it has no shift)")


def _check_exposure(job: PrintJob, e: Exposure, engine: LightEngine, where: str) -> None:
    limits = job.printer.limits
    for what, unit, value, limit, whose in (
        ("exposure time", " s", e.time_s, engine.max_exposure_s, "the engine"),
        ("exposure time", " s", e.time_s, limits.max_exposure_s.value, f"printer {job.printer.name}"),
        ("power", "", e.power, engine.max_power, "the engine"),
        ("power", "", e.power, limits.max_power.value, f"printer {job.printer.name}"),
        ("white dose", " mJ/cm²", e.dose_mj_cm2, limits.max_dose_mj_cm2.value, f"printer {job.printer.name}"),
    ):
        if not 0 < value <= limit * SLACK:
            raise HostError(f"{where}: {what} is {value:g}{unit}; {whose} allows more than 0 and at most {limit:g}{unit}")
    lattice = job.engines[e.engine].orientation
    if isinstance(lattice, Diamond):
        check_lit(e.mask, lattice)
    lacking = ~shown_by(engine.levels)[e.mask.runs_8bit().value]
    if lacking.any():
        level = int(e.mask.runs_8bit().value[lacking][0])
        raise HostError(
            f"{where}: has gray level {level} of 255, which an engine of {engine.levels} levels cannot show; "
            "pmsl convert --depth BITS, or pmsl.pipeline.with_depth, makes the job one that it can"
        )


@cache
def shown_by(levels: int) -> np.ndarray:
    """Return which of the 8-bit levels an engine of so many evenly spaced levels shows: (256,) bool."""
    shown = np.zeros(256, np.bool_)
    shown[np.round(np.arange(levels) * 255 / (levels - 1)).astype(int)] = True
    return shown


def _size(shape: Sequence[int]) -> str:
    return f"{shape[1]} × {shape[0]}"


def _finding(
    code: str,
    text: str,
    layers: tuple[int, int] | None = None,
    value: float | None = None,
    limit: float | None = None,
    unit: str | None = None,
) -> Finding:
    return Finding(code=code, severity="warning", message=text, layers=layers, value=value, limit=limit, unit=unit)
