"""Does a job fit a machine? Everything that can be known is held against everything, before the first light."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import size_text
from pmsl.core.parallel import default_threads, ordered_map
from pmsl.errors import HostError, JobError
from pmsl.formats.frames.device_frame import depth_levels, frame_shape
from pmsl.formats.frames.diamond_lattice import check_lit
from pmsl.host.machine.capabilities import is_real, layer_limit_s, provided_by
from pmsl.host.machine.machine_check import check_machine_parts
from pmsl.host.protocol import LightEngine, Shifting, Stage
from pmsl.host.record.mask_hashes import Digests, checked_plan
from pmsl.job.consistency import JobCheck
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.pauses import PAUSE
from pmsl.job.print_job import STAGE_ERROR, PrintJob
from pmsl.job.printer_optics import FIELD_DISTORTION
from pmsl.job.stage_way import StageWay
from pmsl.job.techniques import OF_THE_STAGE
from pmsl.profiles.printer import Diamond, XyStage

WAVELENGTH_SLACK_NM = 5.0  # half the width of an LED's line: its nominal and its measured wavelength differ by as much
SLACK = 1 + 1e-9
STEP_SLACK = 1.001  # steps that a position may be off
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
        Number of engines, shape, wavelength, calibration, homing, place, travel or step; an engine or a stage that lacks something.
    """
    if len(engines) != len(job.engines):
        raise HostError(f"the job has {len(job.engines)} light engine(s), the machine {len(engines)}; give one for each")
    moves = sorted(OF_THE_STAGE.intersection(job.requires))
    if moves:
        raise HostError(f"the job requires {', '.join(moves)}, which pmsl's player does not do; print it with a host that does")
    if job.drawn:
        raise HostError("the job is drawn by a laser and has no frames to play; give its vectors (--format cli) to the laser's controller")
    check_machine_parts(engines, stage)
    for i, engine in enumerate(engines):
        _check_engine(job, i, engine)
    real = any(map(is_real, engines))
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


def stage_way(job: PrintJob) -> StageWay:
    """Return where a job's host sends the xy stage and what it waits for then.

    Raises
    ------
    HostError
        The job asks its host to make up for errors of the stage, and its printer says nothing of them.
    """
    made_up = STAGE_ERROR in job.requires
    xy = job.printer.stage.xy
    if made_up and not isinstance(xy, XyStage):
        raise HostError(f"the job requires {STAGE_ERROR}, and its printer {job.printer.name} has no [stage.xy]; slice it again")
    return job.way or StageWay(xy=xy if isinstance(xy, XyStage) else None, made_up=made_up)


def number_of(value: Any, what: str) -> float:
    """Return what an engine or a stage states as a finite number; raises `HostError` where it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError) as err:
        raise HostError(f"{what} is {value!r}; expected a number") from err
    if not math.isfinite(number):
        raise HostError(f"{what} is {number}; expected a finite number")
    return number


def _check_engine(job: PrintJob, i: int, engine: LightEngine) -> None:
    made_for = job.engines[i]
    wanted = frame_shape(made_for.grid.shape, made_for.orientation)
    try:
        rows, cols = (int(n) for n in engine.shape)
    except (TypeError, ValueError) as err:
        raise HostError(f"engine {i} states the shape {engine.shape!r}; expected (rows, cols)") from err
    if (rows, cols) != wanted:
        raise HostError(
            f"engine {i} shows {size_text((rows, cols))} px, the job's frames are {size_text(wanted)} px; slice for this engine"
        )
    if not abs(number_of(engine.wavelength_nm, f"wavelength_nm of engine {i}") - made_for.wavelength_nm) <= WAVELENGTH_SLACK_NM:
        raise HostError(
            f"engine {i} has {engine.wavelength_nm:g} nm, the job is made for {made_for.wavelength_nm:g} nm "
            f"(limit: {WAVELENGTH_SLACK_NM:g} nm apart); the resin answers otherwise there, slice for this engine"
        )
    lacking = sorted(set(job.requires) - provided_by(engine) - {STAGE_ERROR, PAUSE, FIELD_DISTORTION})
    if lacking:
        raise HostError(
            f"the job requires {', '.join(lacking)}, which engine {i} does not say it provides: the light would be wrong; "
            "slice without it, or state it in the engine's `provides` where the engine does it"
        )
    if not 2 <= number_of(engine.levels, f"levels of engine {i}") <= 256:
        raise HostError(f"engine {i} states {engine.levels} gray levels; expected 2 to 256")
    limits = {"max_exposure_s": engine.max_exposure_s, "max_power": engine.max_power, "max_layer_s": layer_limit_s(engine)}
    for what, value in limits.items():
        if (value is not None or what != "max_layer_s") and not number_of(value, f"{what} of engine {i}") > 0:
            raise HostError(f"engine {i} states {what} = {value}; expected a finite limit above 0")


def _check_stage(job: PrintJob, stage: Stage) -> list[Finding]:
    if not stage.homed:
        raise HostError("the stage is not homed: it does not know how far the plate is from the exposure plane; home it first")
    step_um, travel_um = number_of(stage.step_um, "step_um of the stage"), number_of(stage.travel_um, "travel_um of the stage")
    where_um, off_um = number_of(stage.position_um, "position_um of the stage"), step_um * STEP_SLACK
    if not -off_um <= where_um <= travel_um + off_um:
        raise HostError(
            f"the stage says the plate stands {where_um:g} µm from the exposure plane, its travel is 0 to {travel_um:g} µm; home it again"
        )
    tops = np.concatenate([e.grid.z_edges_um[1:] for e in job.engines])
    thinnest = min(float(e.grid.thickness_um.min()) for e in job.engines)
    if not step_um > 0:
        raise HostError(f"the stage states step_um = {stage.step_um}; expected a length above 0")
    if stage.step_um > thinnest * SLACK:
        raise HostError(f"the stage's step is {stage.step_um:g} µm, the thinnest layer {thinnest:g} µm; choose thicker layers")
    if tops.max() > travel_um * SLACK:
        raise HostError(f"the job's planes reach {tops.max():g} µm, the stage's travel is {travel_um:g} µm; print a lower part")
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
    check: JobCheck,
    progress: Callable[[int, int], None] | None = None,
    threads: int | None = None,
) -> Digests:
    """Read, or slice, every layer once; hold it to all that `pmsl verify` does, then its grays and its limits against the machine.

    `check` is of the job, its header looked at already.

    Returns
    -------
    Digests
        What every frame has to be from now on.

    Raises
    ------
    JobError
        A file that is damaged or replaced, numbers that do not fit each other or the job's printer.
    HostError
        A layer the machine cannot play.
    """
    digests = Digests(job.n_layers, job.way)
    many = default_threads(threads)
    refuse_problems(job.prepared.get("file_problems", tuple)())
    files_of: Callable[[LayerPlan], list[str]] = job.prepared.get("layer_problems", lambda plan: [])

    def looked_at(k: int) -> tuple[LayerPlan, list[str]]:
        plan = checked_plan(job, k)
        return plan, [*check.layer(plan), *files_of(plan)]

    for plan, problems in ordered_map(looked_at, range(job.n_layers), many):
        refuse_problems(problems)
        check_plan(job, plan, engines, stage)
        digests.add(plan)
        if progress is not None:
            progress(plan.index + 1, job.n_layers)
    refuse_problems(check.end())
    return digests


def refuse_problems(problems: Iterable[str]) -> None:
    """Refuse to play what `pmsl verify` calls damaged; raises `JobError` with the first problem."""
    for problem in problems:
        raise JobError(f"{problem}; nothing is moved or lit: pmsl verify lists all that is wrong, copy or slice the job again")


def check_plan(job: PrintJob, plan: LayerPlan, engines: Sequence[LightEngine], stage: Stage) -> None:
    """Hold one layer against a machine, whose own limits hold whatever the job's printer allows; raises `HostError`."""
    highest = plan.z_top_um - plan.thickness_um + plan.motion.lift_um
    if not 0 <= plan.z_top_um <= max(highest, plan.z_top_um) <= stage.travel_um * SLACK:
        raise HostError(
            f"layer {plan.index}: the plate goes {max(highest, plan.z_top_um):g} µm from the exposure plane (lift included), "
            f"the stage's travel is {stage.travel_um:g} µm; print a lower part or lift less"
        )
    between = plan.squeeze is not None or plan.relift_after is not None
    if between or any(e.relift is not None or e.film_lift_um is not None for e in plan.exposures):
        raise HostError(f"layer {plan.index}: the plate is to be moved between its lights, which pmsl's player does not do")
    for j, exposure in enumerate(plan.exposures):
        where = f"layer {plan.index}, exposure {j}"
        if not 0 <= exposure.engine < len(engines):
            raise HostError(f"{where}: asks for engine {exposure.engine}, the machine has {len(engines)}")
        _check_exposure(job, exposure, engines[exposure.engine], where)
        if (*exposure.offset_um, exposure.focus_um) != UNMOVED and not isinstance(stage, Shifting):
            raise HostError(f"{where}: shifts image or focus, which this stage does not offer (it has no shift)")
    for i, engine in enumerate(engines):
        light_s, most_s = sum(e.repeat * e.time_s for e in plan.exposures if e.engine == i), layer_limit_s(engine)
        if most_s is not None and not light_s <= most_s * SLACK:
            raise HostError(f"layer {plan.index}: engine {i} would be lit for {light_s:g} s; it allows {most_s:g} s in one layer")


def _check_exposure(job: PrintJob, e: Exposure, engine: LightEngine, where: str) -> None:
    for what, unit, value, limit in (
        ("exposure time", " s", e.time_s, engine.max_exposure_s),
        ("power", "", e.power, engine.max_power),
    ):
        if not 0 < value <= limit * SLACK:
            raise HostError(f"{where}: {what} is {value:g}{unit}; the engine allows more than 0 and at most {limit:g}{unit}")
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
    seven = levels == 1 << 7  # those of print files, one level beside the even ones at most
    shown[list(depth_levels(7)) if seven else np.round(np.arange(levels) * 255 / (levels - 1)).astype(int)] = True
    return shown


def _finding(
    code: str,
    text: str,
    layers: tuple[int, int] | None = None,
    value: float | None = None,
    limit: float | None = None,
    unit: str | None = None,
) -> Finding:
    return Finding(code=code, severity="warning", message=text, layers=layers, value=value, limit=limit, unit=unit)
