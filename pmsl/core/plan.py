"""LayerPlan: one motion, then a list of exposures."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from pmsl.core.finding import Finding
from pmsl.core.mask import LayerMask


def move_time_s(distance_um: float, speed_um_s: float, accel_um_s2: float) -> float:
    """Time of a move that starts and ends at rest, with constant acceleration up to the speed (trapezoid, or triangle if short)."""
    if distance_um <= 0.0:
        return 0.0
    if distance_um >= speed_um_s**2 / accel_um_s2:
        return distance_um / speed_um_s + speed_um_s / accel_um_s2
    return 2.0 * math.sqrt(distance_um / accel_um_s2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Motion:
    """The move before a layer's exposures: wait, lift, wait, come back, settle."""

    lift_um: float
    lift_um_s: float
    lift_um_s2: float
    retract_um_s: float
    retract_um_s2: float
    wait_before_lift_s: float
    wait_top_s: float
    settle_s: float

    @property
    def duration_s(self) -> float:
        """Time the motion takes, waits included [s]; the few µm of the layer itself are not counted."""
        up = move_time_s(self.lift_um, self.lift_um_s, self.lift_um_s2)
        down = move_time_s(self.lift_um, self.retract_um_s, self.retract_um_s2)
        return self.wait_before_lift_s + up + self.wait_top_s + down + self.settle_s


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exposure:
    """One image shown once (or `repeat` times).

    Attributes
    ----------
    mask : LayerMask
        What is shown.
    time_s : float
        How long [s].
    dose_mj_cm2 : float
        What a full-white pixel receives in that time [mJ/cm²].
    power : float
        Light setting of the engine.
    engine : int
        Number of the engine in the job.
    offset_um : (float, float)
        Stage offset (x, y) [µm].
    focus_um : float
        Focus offset [µm].
    repeat : int
        How many times it is shown.
    wait_before_s, wait_after_s : float
        Dark time around it [s].
    """

    mask: LayerMask
    time_s: float
    dose_mj_cm2: float
    power: float
    engine: int = 0
    offset_um: tuple[float, float] = (0.0, 0.0)
    focus_um: float = 0.0
    repeat: int = 1
    wait_before_s: float = 0.0
    wait_after_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """Time it takes, waits and repeats included [s]."""
        return self.repeat * (self.wait_before_s + self.time_s + self.wait_after_s)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerPlan:
    """What happens for one layer; an empty layer has a motion and no exposure.

    Attributes
    ----------
    index : int
    z_top_um : float
        From the plate to the exposure plane [µm].
    thickness_um : float
    motion : Motion
        Comes before the exposures.
    exposures : tuple of Exposure
    findings : tuple of Finding
        What was noticed while the layer was made.
    """

    index: int
    z_top_um: float
    thickness_um: float
    motion: Motion
    exposures: tuple[Exposure, ...]
    findings: tuple[Finding, ...] = field(default=())

    @property
    def duration_s(self) -> float:
        """Time the layer takes, motion included [s]."""
        return self.motion.duration_s + sum(e.duration_s for e in self.exposures)
