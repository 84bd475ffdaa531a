"""Process: layer heights, coverage, dose ladder and motion. Choices, not measurements: plain values."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from msgspec import Meta

from pmsl.profiles.printer import Positive
from pmsl.profiles.strict import Strict

NotNegative = Annotated[float, Meta(ge=0)]
Rate = Annotated[float, Meta(ge=1e-3, le=1e9)]  # µm/s or µm/s²
Wait = Annotated[float, Meta(ge=0, le=1e6)]
Height = Annotated[float, Meta(gt=0, le=100_000)]
Correction = Literal["edges", "printthrough", "flatfield"]


def move_time_s(distance_um: float, speed_um_s: float, accel_um_s2: float) -> float:
    """Time of a move that starts and ends at rest, with constant acceleration up to the speed (trapezoid, or triangle if short)."""
    if distance_um <= 0.0:
        return 0.0
    if distance_um >= speed_um_s**2 / accel_um_s2:
        return distance_um / speed_um_s + speed_um_s / accel_um_s2
    return 2.0 * math.sqrt(distance_um / accel_um_s2)


class Motion(Strict, frozen=True, kw_only=True):
    """The move before each layer: lift away from the light, wait, come back, settle."""

    lift_um: Annotated[float, Meta(ge=0, le=1e7)] = 1000.0
    lift_um_s: Rate = 2000.0
    lift_um_s2: Rate = 20000.0
    retract_um_s: Rate = 2000.0
    retract_um_s2: Rate = 20000.0
    wait_before_lift_s: Wait = 0.0
    wait_top_s: Wait = 0.0
    settle_s: Wait = 1.0

    @property
    def duration_s(self) -> float:
        """Time the motion takes, waits included [s]; the few µm of the layer itself are not counted."""
        up = move_time_s(self.lift_um, self.lift_um_s, self.lift_um_s2)
        down = move_time_s(self.lift_um, self.retract_um_s, self.retract_um_s2)
        return self.wait_before_lift_s + up + self.wait_top_s + down + self.settle_s


class Process(Strict, frozen=True, kw_only=True):
    """How a part is printed, schema ``pmsl.process/1``.

    `layers`, a list of [count, um] from the plate up, replaces `layer_um`; the last height goes on to the top of
    the part. `coverage` is what a pixel's gray means: the covered area in the middle of the slab, or the covered volume
    of the slab. `margin_um` is how far beyond the layer's far face its white dose still cures (default Dp·ln 1.5).
    `power` picks a light setting of the printer (default: its first). `corrections` choose the light so that side walls (edges) and
    faces that look at the plate (printthrough) land where they were drawn, and even out the field (flatfield); none by default.
    """

    schema: Literal["pmsl.process/1"]
    name: str
    description: str
    layer_um: Height = 10.0
    layers: Annotated[list[tuple[Annotated[int, Meta(ge=1)], Height]], Meta(min_length=1)] | None = None
    coverage: Literal["area", "volume"] = "area"
    margin_um: NotNegative | None = None
    bottom_dose_factors: tuple[Positive, ...] = (10.0, 5.0, 2.5)
    power: Positive | None = None
    corrections: tuple[Correction, ...] = ()
    motion: Motion = Motion()

    def __post_init__(self) -> None:
        for name in self.corrections:
            if self.corrections.count(name) > 1:
                raise ValueError(f"corrections name {name!r} {self.corrections.count(name)} times; each is applied once")
