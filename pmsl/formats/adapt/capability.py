"""What a file format or printer can hold, and what of a job it cannot."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid, size_text
from pmsl.errors import TargetError, UsageError
from pmsl.job.pauses import PAUSE
from pmsl.job.print_job import FLAT_FIELD_BY_HOST, PrintJob
from pmsl.job.printer_optics import FIELD_DISTORTION
from pmsl.job.techniques import DRAWN, TECHNIQUES
from pmsl.profiles.printer import Orientation
from pmsl.profiles.process import Motion

STEP_SLACK = 1e-6  # of a step: what sums of floats may miss a multiple by
PITCH_SLACK = 1e-6
FIELDS = frozenset(
    {"engine", "offset_um", "focus_um", "repeat", "wait_before_s", "wait_after_s", "power", "motion", "lift", "lattice", "dose_maps"}
    | {"unknown_pitch", FLAT_FIELD_BY_HOST}
    | TECHNIQUES
)
MOVES = frozenset(Motion.__struct_fields__)
NEVER = "choose another format, or slice again with what this one can hold"


class Capability(msgspec.Struct, frozen=True, kw_only=True):
    """What a target can hold; the default holds everything a job has.

    Attributes
    ----------
    min_layer_um : float
        Thinnest layer; a thinner one is always refused.
    layer_step_um : float, optional
        Layer heights are multiples of it; others are always refused, for rounding them would scale the part.
    variable_layers : {"free", "first", "none"}
        Whether layers may have any height each, the first one its own, or all the same.
    gray_levels : int
    gray_map : tuple of int, optional
        The 8-bit level that each code of the file stands for, ascending from 0; left out: all 256.
    multi_exposure : bool
        Whether a layer may have several exposures.
    per_layer_exposure : {"free", "rule", "none"}
        Exposure times a layer: any, those that a rule of the format gives (an argument of `adapt.fit`), or one for all.
    exposure_min_s, exposure_max_s : float
        Bounds of an exposure time [s].
    exposure_step_s : float, optional
        Times are multiples of it; a time that is rounded to one is a loss. Floats of 32 bits count as exact.
    image_mode : str
        As Pillow calls it.
    exact_size, max_size : (int, int), optional
        (rows, cols) every frame must have, or may have at most.
    exact_pitch_um : (float, float), optional
        Pixel pitch (x, y); another is always refused, for it would scale the part.
    orientation : Orientation, optional
        How the target wants frames turned; left out, the job's own is kept, and recorded.
    needs_thumbnail : bool
    name_rules : str
        What must hold for the file's name, in words.
    holds : frozenset of str
        Of `FIELDS` those that the file has a place for ("lift": of a motion only its lift and waits; "unknown_pitch": that it need not
        state a pitch; what a job requires of its host: that the file can ask for it). A job that leaves an exposure's field at its
        neutral value needs none.
    moves_by_layer, first_move : frozenset of str
        Of `MOVES`, the fields of a motion, those that each layer may have of its own, and of them those that the move before the
        first may; they count only where the file holds motions.
    """

    min_layer_um: float = 0.0
    layer_step_um: float | None = None
    variable_layers: Literal["free", "first", "none"] = "free"
    gray_levels: int = 256
    gray_map: tuple[int, ...] | None = None
    multi_exposure: bool = True
    per_layer_exposure: Literal["free", "rule", "none"] = "free"
    exposure_min_s: float = 0.0
    exposure_max_s: float = float("inf")
    exposure_step_s: float | None = None
    image_mode: str = "L"
    exact_size: tuple[int, int] | None = None
    max_size: tuple[int, int] | None = None
    exact_pitch_um: tuple[float, float] | None = None
    orientation: Orientation | None = None
    needs_thumbnail: bool = False
    name_rules: str = ""
    holds: frozenset[str] = FIELDS
    moves_by_layer: frozenset[str] = MOVES
    first_move: frozenset[str] = MOVES


def refusal(
    name: str, field: str, value: Any, limit: Any, advice: str, where: str = "", must: Literal["", "must equal", "must be"] = ""
) -> TargetError:
    """Return the error that a target cannot hold `value` of `field`, of the whole job or where `where` says.

    `limit` is a bound; with `must` it is the one value, or the only kind of value, that the target can hold.
    """
    rule = f"it {must} {limit}" if must else f"the limit is {limit}"
    return TargetError(f"{name} cannot hold this job: {where}{field} is {value}, {rule}; {advice}", field, value, limit)


def loss(field: str, message: str, layer: int | None = None, value: float | None = None, limit: float | None = None) -> Finding:
    """Return the finding that says what ``--lossy`` did."""
    layers = None if layer is None else (layer, layer)
    return Finding(code=f"lossy-{field.replace('_', '-')}", severity="warning", message=message, layers=layers, value=value, limit=limit)


def check_holds(job: PrintJob, target: Capability, name: str, dose_maps: bool) -> None:
    """Refuse a job that has what a target has no place for; `dose_maps` says whether these are asked for.

    Raises
    ------
    TargetError, UsageError
    """
    if dose_maps and "dose_maps" not in target.holds:
        raise UsageError(f"--dose: {name} holds no dose maps; leave it out, or write a native job beside")
    if len(job.engines) > 1 and "engine" not in target.holds:
        raise refusal(name, "light engines", len(job.engines), 1, NEVER)
    for e in job.engines:
        if e.orientation.lattice != "orthogonal" and "lattice" not in target.holds:
            advice = "write a native job, whose frames are the device's own"
            raise refusal(name, "lattice", e.orientation.lattice, "orthogonal", advice, must="must equal")
    check_pauses(job, target, name)
    if job.drawn and DRAWN not in target.holds:
        advice = "write its lines as cli, svg or 3mf-slices, or the job itself as a native one"
        raise refusal(name, "technique", "a laser that draws", "pictures", advice, must="must be")
    for ability in (name for name in job.requires if name != FIELD_DISTORTION):  # of frames, which hold it already
        if ability not in target.holds:
            raise refusal(name, "requires", ability, "nothing that a host does by itself", NEVER, must="must be")


def check_pauses(job: PrintJob, target: Capability, name: str) -> None:
    """Refuse pauses that a target has no place for, lossy or not: a print that goes on without what they ask for is another part.

    Raises
    ------
    TargetError
    """
    if job.pauses and PAUSE not in target.holds:
        first = job.pauses[0]
        advice = "write a native job, which pmsl play stops in, or slice without the pause"
        raise refusal(name, "pause", repr(first.message), "none", advice, f"before layer {first.before_layer}: ", must="must be")


def check_layers(grid: Grid, target: Capability, name: str) -> None:
    """Refuse layer heights the target would print as others; no ``--lossy`` lets them pass.

    Raises
    ------
    TargetError
        A layer below the floor, off the step, or of another height than its neighbours where they must be the same.
    """
    heights = grid.thickness_um
    thin = heights < target.min_layer_um * (1 - 1e-9)
    if thin.any():
        k = int(np.argmax(thin))
        raise refusal(name, "layer height", f"{heights[k]:g} µm", f"at least {target.min_layer_um:g} µm", NEVER, f"layer {k}: ")
    if target.layer_step_um is not None:
        steps = heights / target.layer_step_um
        off = np.abs(steps - np.round(steps)) > STEP_SLACK
        if off.any():
            k = int(np.argmax(off))
            step = f"a multiple of {target.layer_step_um:g} µm"
            raise refusal(name, "layer height", f"{heights[k]:g} µm", step, NEVER, f"layer {k}: ", "must be")
    free = {"free": len(heights), "first": 1, "none": 0}[target.variable_layers]
    rest = heights[free:]
    uneven = np.abs(rest - rest[0]) > 1e-6 if rest.size else np.zeros(0, bool)
    if uneven.any():
        k = free + int(np.argmax(uneven))
        limit = f"{rest[0]:g} µm, as layer {free}" + (" (only the first may differ)" if free else "")
        raise refusal(name, "layer height", f"{heights[k]:g} µm", limit, NEVER, f"layer {k}: ", "must equal")


def check_pitch(grid: Grid, target: Capability, name: str) -> None:
    """Refuse a pixel pitch that is not the target's: the part would be printed at another scale."""
    if target.exact_pitch_um is None:
        return
    pitch, wanted = grid.pitch_um, np.array(target.exact_pitch_um)
    if (np.abs(pitch / wanted - 1) > PITCH_SLACK).any():
        text = f"{pitch[0]:g} × {pitch[1]:g} µm"
        scale = " × ".join(f"{s:.4g}" for s in (wanted / pitch))
        limit = f"{wanted[0]:g} × {wanted[1]:g} µm"
        advice = f"the part would be printed {scale} times as large; slice it at the target's pitch"
        raise refusal(name, "pixel pitch", text, limit, advice, must="must equal")


def check_size(shape: tuple[int, int], target: Capability, name: str, lossy: bool, turned: bool = False) -> bool:
    """Tell whether frames of `shape` must be padded or cropped; refuse them where they may not be.

    Messages say sizes as ``--field`` takes them: those of the field, whose rows are columns of frames that are `turned`.

    Raises
    ------
    TargetError
        Larger than the target holds; or not of its exact size, and not `lossy`.
    """
    step = -1 if turned else 1
    size = f"{size_text(shape[::step])} px"
    if target.max_size is not None and (shape[0] > target.max_size[0] or shape[1] > target.max_size[1]):
        raise refusal(name, "frame size", size, f"at most {size_text(target.max_size[::step])} px", NEVER)
    if target.exact_size is None or shape == target.exact_size:
        return False
    if not lossy:
        field = size_text(target.exact_size[::step])
        advice = f"slice with --field {field}, or pass --lossy to put the frames in its middle (padded with black, cut where all is black)"
        raise refusal(name, "frame size", size, f"{field} px", advice, must="must equal")
    return True
