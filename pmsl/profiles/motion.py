"""The move before each layer, and how long it takes."""

from __future__ import annotations

import math
from typing import Annotated

from msgspec import Meta
from msgspec.structs import force_setattr

from pmsl.profiles.tables.strict_struct import Strict

Rate = Annotated[float, Meta(ge=1e-3, le=1e9)]  # µm/s or µm/s²
Wait = Annotated[float, Meta(ge=0, le=1e6)]
Lift = Annotated[float, Meta(ge=0, le=1e7)]
Rates = Annotated[tuple[Rate, ...], Meta(min_length=1, max_length=10_000)]
Waits = Annotated[tuple[Wait, ...], Meta(min_length=1, max_length=10_000)]
Lifts = Annotated[tuple[Lift, ...], Meta(min_length=1, max_length=10_000)]


def move_time_s(distance_um: float, speed_um_s: float, accel_um_s2: float) -> float:
    """Time of a move that starts and ends at rest, with constant acceleration up to the speed (trapezoid, or triangle if short)."""
    if distance_um <= 0.0:
        return 0.0
    if distance_um >= speed_um_s**2 / accel_um_s2:
        return distance_um / speed_um_s + speed_um_s / accel_um_s2
    return 2.0 * math.sqrt(distance_um / accel_um_s2)


class Motion(Strict, frozen=True, kw_only=True):
    """The move before one layer: lift away from the light, wait, come back, settle; the keys of `MotionSchedule`, one number each.

    Attributes
    ----------
    lift_um : float
    lift_um_s, lift_um_s2, retract_um_s, retract_um_s2 : float
    wait_before_lift_s, wait_top_s, settle_s : float
    """

    lift_um: Lift = 1000.0
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


class MotionSchedule(Strict, frozen=True, kw_only=True):
    """The move before each layer's exposures: lift away from the light, wait, come back, settle.

    Any value may be a list for the first layers (from version 2): entry k is of the move before layer k, which parts layer k - 1 from
    what it hangs on; the last entry goes on for all layers after.

    Attributes
    ----------
    lift_um : float or tuple of float
        Height of the lift.
    lift_um_s : float or tuple of float
        Speed upward.
    lift_um_s2 : float or tuple of float
        Acceleration upward.
    retract_um_s : float or tuple of float
        Speed downward.
    retract_um_s2 : float or tuple of float
        Acceleration downward.
    wait_before_lift_s : float or tuple of float
        Wait after the light, before the lift.
    wait_top_s : float or tuple of float
        Wait at the top.
    settle_s : float or tuple of float
        Wait after the move, before the light.
    """

    lift_um: Lift | Lifts = 1000.0
    lift_um_s: Rate | Rates = 2000.0
    lift_um_s2: Rate | Rates = 20000.0
    retract_um_s: Rate | Rates = 2000.0
    retract_um_s2: Rate | Rates = 20000.0
    wait_before_lift_s: Wait | Waits = 0.0
    wait_top_s: Wait | Waits = 0.0
    settle_s: Wait | Waits = 1.0

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, tuple) and len(set(value)) == 1:  # says no more than a number
                force_setattr(self, name, value[0])

    @classmethod
    def of(cls, motion: Motion) -> MotionSchedule:
        """Return the schedule of one motion for all layers.

        Parameters
        ----------
        motion : Motion
            The move of every layer.
        """
        return cls(**{name: getattr(motion, name) for name in cls.__struct_fields__})

    def own_version(self) -> int:
        """Return 2 where a value is a list."""
        return 1 if self.first_layers == 0 else 2

    @property
    def first_layers(self) -> int:
        """Number of layers before the first from which on nothing changes."""
        values = (getattr(self, name) for name in self.__struct_fields__)
        return max(len(value) - 1 if isinstance(value, tuple) else 0 for value in values)

    def at(self, k: int) -> Motion:
        """Return the move before layer k.

        Parameters
        ----------
        k : int
            The layer, from 0 at the plate.
        """
        values = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return Motion(**{name: v[min(k, len(v) - 1)] if isinstance(v, tuple) else v for name, v in values})

    @property
    def last(self) -> Motion:
        """The move that goes on."""
        return self.at(self.first_layers)

    @property
    def highest_um(self) -> float:
        """Largest lift [µm]."""
        return max(self.lift_um) if isinstance(self.lift_um, tuple) else self.lift_um

    def duration_s(self, n_layers: int) -> float:
        """Time that the moves of so many layers take, waits included [s].

        Parameters
        ----------
        n_layers : int
            How many layers, from the plate.
        """
        first = min(self.first_layers, n_layers)
        return sum(self.at(k).duration_s for k in range(first)) + (n_layers - first) * self.last.duration_s
