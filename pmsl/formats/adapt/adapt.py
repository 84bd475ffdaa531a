"""Make a job one that a target can hold exactly: refuse what it cannot, or, when losses are allowed, do it and say so.

The fitted job is lazy as the first one is; what is lost in a layer is among that layer's findings.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.mask import LayerMask
from pmsl.formats.adapt.capability import NEVER, Capability, check_holds, check_layers, check_pitch, check_size, loss, refusal
from pmsl.formats.adapt.exposure_rules import TIME_SLACK_S, Rule, longest
from pmsl.formats.adapt.last_lit_layer import up_to_the_last_lit
from pmsl.formats.adapt.merge_exposures import folded, scaled
from pmsl.formats.adapt.pad_field import moved, padded, padding
from pmsl.formats.frames import device_frame
from pmsl.formats.frames.frame_runs import relevelled
from pmsl.formats.incomplete_job import PITCH
from pmsl.formats.protocol import WriteOptions
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.layer_source import MappedLayers
from pmsl.job.print_job import PrintJob
from pmsl.profiles import Motion

STEP_OF_TIME = 1e-6  # of a step: what products of floats may miss a multiple by
DITHERED = 16  # devices with as many levels or fewer get dithered frames
NEUTRAL = {"offset_um": (0.0, 0.0), "focus_um": 0.0, "repeat": 1, "wait_before_s": 0.0, "wait_after_s": 0.0}


@dataclass(frozen=True, slots=True)
class _Limits:
    """What every layer is held against."""

    target: Capability
    name: str
    options: WriteOptions
    shift: tuple[int, int] | None  # rows, columns a mask moves in the padded grid
    shape: tuple[int, int]
    given_s: np.ndarray | None  # time every layer gets, its dose folded into gray
    power: float  # the light setting of the job


def fit(job: PrintJob, target: Capability, name: str, options: WriteOptions, rule: Rule | None = None) -> PrintJob:
    """Return the job that is written for a target.

    Parameters
    ----------
    job : PrintJob
    target : Capability
    name : str
        Of the format, for messages.
    options : WriteOptions
        `lossy`, `response`, `dose_of`.
    rule : callable, optional
        For ``per_layer_exposure = "rule"``: from the times wanted ((L,) float64 [s], nan for layers without light) to those the
        format's rule gives, none of them shorter than wanted. Asked beforehand only with `options.lossy`, for every layer must be
        made for it: doses are then folded into gray where the rule gives more. Otherwise a writer asks
        `exposure_rules.check_times` when it has seen all layers. Left out, for ``"none"``, it is `exposure_rules.longest`.

    Returns
    -------
    PrintJob
        Every layer within the target's limits, up to the last that its grays leave lit. Its findings, and those of its layers, say
        what was lost.

    Raises
    ------
    TargetError
        Something the target cannot hold; while layers are made, too.
    UsageError
        Dose maps are asked for and the target has no place for them.
    """
    check_holds(job, target, name, options.dose_of is not None)
    check_layers(job.grid, target, name)
    found: list[Finding] = list(_unknown_pitch(job, target, name, options.lossy))
    check_pitch(job.grid, target, name)
    engine = job.engines[0]
    turn = target.orientation or engine.orientation
    found.extend(_left_to_host(job, target, name))
    shift, grid = None, engine.grid
    if check_size(device_frame.frame_shape(grid.shape, turn), target, name, options.lossy, turn.row[1] == "x"):
        assert target.exact_size is not None
        grid, shift = padded(engine.grid, device_frame.frame_shape(target.exact_size, turn))
        found.append(padding(engine.grid, grid, shift, name))
    given_s = _rule_times(job, target, options, rule or longest) if options.lossy else None
    limits = _Limits(target, name, options, shift, grid.shape, given_s, _power(job))
    first = dataclasses.replace(engine, grid=grid, orientation=turn)
    fitted = dataclasses.replace(
        job,
        engines=(first, *(dataclasses.replace(e, orientation=target.orientation or e.orientation) for e in job.engines[1:])),
        plan_layer=MappedLayers(job.layer_source, lambda plan: _fitted(plan, job, limits)),
        findings=(*job.findings, *found),
        known_estimate=None if options.lossy else job.known_estimate,
    )
    if given_s is None and (target.gray_map is None or not options.lossy):
        return fitted
    return up_to_the_last_lit(fitted, f"what they show is black in the grays of {name}; use more grays, or make the feature wider")


def _power(job: PrintJob) -> float:
    """Return the light setting of the job."""
    return job.process.power if job.process.power is not None else job.printer.optics.settings[0].power


def _unknown_pitch(job: PrintJob, target: Capability, name: str, lossy: bool) -> Iterator[Finding]:
    """Refuse to make a fact of a pitch that only stands in for one that nobody said; with `lossy` say so."""
    if PITCH not in job.placeholders or "unknown_pitch" in target.holds:
        return
    stand_in = f"{job.grid.pitch_um[0]:g} × {job.grid.pitch_um[1]:g} µm"
    if not lossy:
        advice = "say it with --pitch-um or --printer, or pass --lossy to write what stands in for it"
        raise refusal(name, "pixel pitch", "not known", f"known: {name} files state it as a fact", advice, must="must be")
    yield loss("pitch_um", f"nobody said the pixel pitch: {stand_in}, which only stand in for it, were written as a fact")


def _left_to_host(job: PrintJob, target: Capability, name: str) -> Iterator[Finding]:
    """Say what is not in the file and has to be set at the machine."""
    missing = [word for word in ("motion", "power") if word not in target.holds]
    if missing:
        lift = "speeds of the stage" if "lift" in target.holds else "lift and waits"
        what = {"motion": lift, "power": f"the light setting (power {_power(job):g})"}
        text = " and ".join(what[word] for word in missing)
        yield Finding(code="left-to-host", severity="info", message=f"{name} has no place for {text}: set them at the machine")


def _rule_times(job: PrintJob, target: Capability, options: WriteOptions, rule: Rule) -> np.ndarray | None:
    """Return the times all layers get, where the target cannot give each its own; none where it can."""
    if target.per_layer_exposure == "free":
        return None
    wanted = np.full(job.n_layers, np.nan)
    for k, plan in enumerate(job.layers()):
        one = _as_one(plan, target, options)
        wanted[k] = np.nan if one is None else one.time_s * (1 if "repeat" in target.holds else one.repeat)
    return rule(wanted)


def _as_one(plan: LayerPlan, target: Capability, options: WriteOptions) -> Exposure | None:
    """Return the one exposure a layer has in the target, if any."""
    if not plan.exposures:
        return None
    return folded(plan, options.response) if len(plan.exposures) > 1 and not target.multi_exposure else plan.exposures[0]


def _fitted(plan: LayerPlan, job: PrintJob, limits: _Limits) -> LayerPlan:
    """Return one layer as the target holds it."""
    target, lossy, k, name = limits.target, limits.options.lossy, plan.index, limits.name
    found: list[Finding] = []
    exposures = plan.exposures
    if len(exposures) > 1 and not target.multi_exposure:
        if not lossy:
            advice = "choose another format, or pass --lossy to fold them into one gray mask"
            raise refusal(name, "exposures", len(exposures), 1, advice, f"layer {k}: ")
        exposures = (folded(plan, limits.options.response),)
        found.append(
            loss("exposures", "the exposures of a layer were folded into one: their doses are in its grays", k, len(plan.exposures), 1)
        )
    motion = _motion(plan.motion, job.process.motion.last, k, limits, found)
    out = tuple(_exposure(_neutral(e, k, limits, found), k, limits, found) for e in exposures)
    lit = tuple(e for e in out if not e.mask.black_at_8_bit)
    return dataclasses.replace(plan, motion=motion, exposures=lit, findings=(*plan.findings, *found))


def _motion(own: Motion, common: Motion, k: int, limits: _Limits, found: list[Finding]) -> Motion:
    """Return a layer's motion as the target holds it: values that it has no place for in single layers are those of all."""
    target = limits.target
    held = target.moves_by_layer if "motion" in target.holds else frozenset()
    held = held & target.first_move if k == 0 else held
    lost = [name for name in own.__struct_fields__ if name not in held and getattr(own, name) != getattr(common, name)]
    if not lost:
        return own
    value = ", ".join(f"{name} = {getattr(own, name):g}" for name in lost)
    _lose(limits, "motion", f"of its own ({value})", f"that of all layers ({', '.join(lost)})", k, found)
    changes = {name: getattr(common, name) for name in lost}
    return msgspec.structs.replace(own, **changes)


def _lose(limits: _Limits, field: str, value: object, limit: object, k: int, found: list[Finding]) -> None:
    """Note that a value of a field is dropped, or refuse it."""
    if not limits.options.lossy:
        advice = "choose another format, or pass --lossy to leave it out"
        raise refusal(limits.name, field, value, limit, advice, f"layer {k}: ", "must equal")
    found.append(loss(field, f"{limits.name} has no place for {field} {value}: it was left out", k))


def _exposure(e: Exposure, k: int, limits: _Limits, found: list[Finding]) -> Exposure:
    """Return one exposure as the target holds it."""
    if limits.given_s is not None:
        e = _adapt_time(e, float(limits.given_s[k]), k, limits, found)
    e = _split(e, k, limits, found)
    mask = e.mask if limits.shift is None else moved(e.mask, limits.shift, limits.shape, limits.name)
    mask = _in_levels(mask, k, limits, found)
    time_s = _time(e, k, limits, found)
    return dataclasses.replace(e, mask=mask, time_s=time_s, dose_mj_cm2=e.dose_mj_cm2 * (time_s / e.time_s))


def _adapt_time(e: Exposure, given_s: float, k: int, limits: _Limits, found: list[Finding]) -> Exposure:
    """Show an exposure as long as the format's rule has it, its dose in its grays."""
    off = abs(given_s - e.time_s)
    if off > TIME_SLACK_S:
        found.append(loss("time_s", f"shown {given_s:.6g} s, as the format's rule has it: the dose is in the grays", k, given_s, e.time_s))
    elif off > 1e-9:
        message = "exposure times are rounded as the format has them"
        found.append(
            Finding(code="times-rounded", severity="info", message=message, layers=(k, k), value=off, limit=TIME_SLACK_S, unit="s")
        )
    return scaled(e, given_s, limits.options.response)


def _split(e: Exposure, k: int, limits: _Limits, found: list[Finding]) -> Exposure:
    """Show an exposure that is too long for the target several times, where it can repeat one."""
    most = limits.target.exposure_max_s
    if e.time_s <= most or not limits.options.lossy or "repeat" not in limits.target.holds:
        return e
    n = math.ceil(e.time_s / most)
    found.append(loss("repeat", f"an exposure of {e.time_s:.6g} s was split into {n} equal ones", k, e.time_s, most))
    return dataclasses.replace(e, repeat=e.repeat * n, time_s=e.time_s / n, dose_mj_cm2=e.dose_mj_cm2 / n)


def _neutral(e: Exposure, k: int, limits: _Limits, found: list[Finding]) -> Exposure:
    """Take out what the target has no place for; repeats of an exposure become a longer one."""
    holds = limits.target.holds
    if "power" not in holds and e.power != limits.power:
        value = f"{limits.power:g} in all layers, set at the machine"
        raise refusal(limits.name, "power", f"{e.power:g}", value, NEVER, f"layer {k}: ", "must equal")
    for field, neutral in NEUTRAL.items():
        value = getattr(e, field)
        if field in holds or value == neutral:
            continue
        if field == "offset_um":
            raise refusal(limits.name, field, value, neutral, NEVER, f"layer {k}: ", "must equal")
        _lose(limits, field, value, neutral, k, found)
        more = {"time_s": e.time_s * e.repeat, "dose_mj_cm2": e.dose_mj_cm2 * e.repeat} if field == "repeat" else {}
        changes: dict[str, Any] = {field: neutral, **more}
        e = dataclasses.replace(e, **changes)
    return e


def _in_levels(mask: LayerMask, k: int, limits: _Limits, found: list[Finding]) -> LayerMask:
    """Take the grays to those the target has."""
    kept = limits.target.gray_map
    if kept is None:
        return mask
    lacking = np.ones(256, bool)
    lacking[list(kept)] = False
    values = mask.runs_8bit().value
    if not lacking[values].any():
        return mask
    other = np.unique(values[lacking[values]])
    dithered = limits.target.gray_levels <= DITHERED
    if not limits.options.lossy:
        depth = limits.target.gray_levels.bit_length() - 1
        option = f"--depth {depth} or --lossy" if device_frame.depth_levels(depth) == kept else "--lossy"
        advice = f"choose another format, or pass {option} to {'dither' if dithered else 'take the nearest'}"
        levels = f"one of {limits.target.gray_levels} levels"
        raise refusal(limits.name, "gray", f"{other[0]} of 255", levels, advice, f"layer {k}: ", "must be")
    how = "dithered to" if dithered else "taken to the nearest of"
    found.append(loss("gray", f"grays were {how} {limits.target.gray_levels} levels", k, float(other.size), limits.target.gray_levels))
    response = limits.options.response
    if dithered:
        return LayerMask.from_dense(mask.index, device_frame.quantised(mask.dense(np.uint8), kept, response, dithered))
    return relevelled(mask, device_frame.quantised(np.arange(256, dtype=np.uint8)[None], kept, response)[0])


def _time(e: Exposure, k: int, limits: _Limits, found: list[Finding]) -> float:
    """Hold a time against the target's bounds and step."""
    target, where = limits.target, f"layer {k}: "
    step, time_s = target.exposure_step_s, e.time_s
    if step is not None:
        whole = round(time_s / step) * step
        if abs(whole - time_s) > STEP_OF_TIME * step:
            if not limits.options.lossy:
                advice = "choose another format, or pass --lossy to round it"
                raise refusal(limits.name, "time_s", f"{time_s:.9g} s", f"a multiple of {step:g} s", advice, where, "must be")
            found.append(loss("time_step_s", f"a time was rounded to a multiple of {step:g} s", k, abs(whole - time_s), step))
        time_s = whole
    if not target.exposure_min_s <= time_s <= target.exposure_max_s:
        limit = f"{target.exposure_min_s:g} to {target.exposure_max_s:g} s"
        advice = "change the light setting or the dose, or choose another format"
        if time_s > target.exposure_max_s and "repeat" in target.holds:
            advice += ", or pass --lossy to show it in equal parts"
        raise refusal(limits.name, "time_s", f"{time_s:.6g} s", limit, advice, where)
    return time_s
