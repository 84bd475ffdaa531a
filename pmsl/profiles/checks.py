"""Limits of what is checked before light: the table `[checks]` of a process."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from pmsl.profiles.tables.strict_struct import Strict

Area = Annotated[float, Meta(gt=0, le=1e12)]
Volume = Annotated[float, Meta(gt=0, le=1e18)]
Length = Annotated[float, Meta(gt=0, le=1e6)]


class ProcessChecks(Strict, frozen=True, kw_only=True):
    """What findings of checks are held against.

    Attributes
    ----------
    min_joint_um2 : float, e.g. 400.0
        A smaller contact does not hold a body [µm²]; left out: a pixel.
    min_void_um3 : float, e.g. 1e6
        Smaller voids that keep resin are not named [µm³]; left out: two by two pixels, two layers high.
    vent_um : float, e.g. 500.0
        Diameter of an opening that lets resin in while a layer is lifted from the window; left out: 500 µm.
    min_cup_um2 : float, e.g. 2e5
        Smaller areas between walls do not hold a part to the window by suction [µm²]; left out: the area of a vent.
    min_cup_um : float, e.g. 500.0
        Lower walls do not; left out: 500 µm.
    min_wall_um : float, e.g. 8.0
        Narrower walls are named [µm]; left out: the least line that the printer's light resolves at the dose, a pixel at least.
    min_gap_um : float, e.g. 8.0
        Narrower gaps and channels are named [µm]; left out: the least slit.
    max_overhang_um : float, e.g. 1000.0
        Ledges and bridges that reach farther over nothing are warned of [µm]; left out: 1000 µm.
    """

    min_joint_um2: Area | UnsetType = UNSET
    min_void_um3: Volume | UnsetType = UNSET
    vent_um: Length | UnsetType = UNSET
    min_cup_um2: Area | UnsetType = UNSET
    min_cup_um: Length | UnsetType = UNSET
    min_wall_um: Length | UnsetType = UNSET
    min_gap_um: Length | UnsetType = UNSET
    max_overhang_um: Length | UnsetType = UNSET
