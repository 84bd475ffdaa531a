"""What a job may ask of its host beside lighting masks and moving the plate for each new layer.

Layers and exposures hold it, and a job names in `requires` which of these it uses: a format that has no place for one refuses the job.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta
from msgspec.structs import replace

from pmsl.profiles import Motion
from pmsl.profiles.tables.strict_struct import Strict

FLAT_FIELD_BY_EXPOSURE = "flat-field-by-exposure"  # beside "flat-field-by-host": exposures say themselves whether it is theirs
FILM = "print-on-film"
RELIFT = "lift-between-exposures"
SQUEEZE = "squeeze-resin"
VACUUM = "vacuum"
DRAWN = "drawn-by-laser"  # lines, no pictures: none of the techniques below, which a host of pictures may know
OF_THE_STAGE = frozenset({FILM, RELIFT, SQUEEZE, VACUUM})
TECHNIQUES = OF_THE_STAGE | {FLAT_FIELD_BY_EXPOSURE}

MOST_LIFTS = 1000  # of the plate, between two exposures
NotNegative = Annotated[float, Meta(ge=0, le=1e9)]
Times = Annotated[int, Meta(ge=1, le=1000)]


class Squeeze(Strict, frozen=True, kw_only=True):
    """When the plate has come back it is pressed toward the window: how often, with what force [N], for how long each time [s]."""

    count: Times
    force_n: NotNegative
    time_s: NotNegative

    @property
    def duration_s(self) -> float:
        """Time it takes at least [s]; how long the force is waited for is not known."""
        return self.count * self.time_s


class Lift(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """The plate is lifted and comes back to the same plane."""

    motion: Motion
    squeeze: Squeeze | None = None

    @property
    def duration_s(self) -> float:
        """Time it takes [s]."""
        return self.motion.duration_s + (0.0 if self.squeeze is None else self.squeeze.duration_s)


class Relift(Strict, frozen=True, kw_only=True, omit_defaults=True):
    """The plate is lifted and comes back to the same plane: a layer of 0 µm; `before` are others that come before it, first to last."""

    motion: Motion
    squeeze: Squeeze | None = None
    before: Annotated[tuple[Lift, ...], Meta(max_length=MOST_LIFTS)] = ()

    @property
    def duration_s(self) -> float:
        """Time it takes, and those before it [s]."""
        return sum(lift.duration_s for lift in self.lifts)

    @property
    def lifts(self) -> tuple[Lift, ...]:
        """All lifts, first to last."""
        return (*self.before, Lift(motion=self.motion, squeeze=self.squeeze))


def in_turn(first: Relift | None, second: Relift | None) -> Relift | None:
    """Return one after the other as one.

    Parameters
    ----------
    first, second : Relift, optional
    """
    if first is None or second is None:
        return first or second
    return replace(second, before=(*first.lifts, *second.before))


class Vacuum(Strict, frozen=True, kw_only=True):
    """The chamber is evacuated before the print begins: to what pressure [Pa], and how long it is then waited [s]."""

    pressure_pa: NotNegative
    wait_s: NotNegative
