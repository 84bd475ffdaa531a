"""How long a machine takes between the exposures of a job beside their waits: ways of the stage along x and y, and changes of engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from pmsl.job.layer_plan import Exposure
from pmsl.profiles import Printer
from pmsl.profiles.printer import XyStage

SENT_DIGITS = 6  # of where the stage is sent [µm]


class StagePlace(NamedTuple):
    """Where the stage is sent for an exposure [µm], and which engine shows it."""

    x_um: float
    y_um: float
    engine: int


class StageWay(msgspec.Struct, frozen=True, kw_only=True):
    """What changes of place and of engine take.

    Attributes
    ----------
    xy : XyStage or None
        The stage along x and y, where the printer has one.
    made_up : bool
        Whether its errors are made up for by where it is sent.
    settles_s : tuple of float
        Wait after a change to or from each engine of the job [s].
    """

    xy: XyStage | None
    made_up: bool
    settles_s: tuple[float, ...] = ()

    @classmethod
    def of(cls, printer: Printer, made_up: bool, engines: Sequence[str] = ()) -> StageWay | None:
        """Return that of a printer, None where nothing that it states takes time.

        Parameters
        ----------
        printer : Printer
        made_up : bool
            As the attribute.
        engines : sequence of str
            Names of the engines of a job.
        """
        xy = printer.stage.xy
        stage = xy if isinstance(xy, XyStage) else None
        settles = tuple(map(printer.engine_settle_s, engines)) if len(engines) > 1 else ()
        if not any(settles) and (stage is None or not (stage.moves or stage.rests_s)):
            return None
        return cls(xy=stage, made_up=made_up, settles_s=settles)

    def settle_s(self, a: int | None, b: int) -> float:
        """Return what is waited for after a change from engine a to engine b [s]; None of the first exposure."""
        return max(self.settles_s[a], self.settles_s[b]) if a not in (None, b) and a is not None and self.settles_s else 0.0

    def place(self, e: Exposure) -> StagePlace:
        """Return where the stage is sent for an exposure."""
        x, y = e.offset_um
        if self.made_up and self.xy is not None:
            x, y = (round(um, SENT_DIGITS) for um in self.xy.sent_um(x, y))
        return StagePlace(x, y, e.engine)

    def between_s(self, a: StagePlace | None, b: StagePlace) -> float:
        """Return what lies between exposures at two places [s]; None of the first exposure of a job, whose way nobody knows."""
        seconds = 0.0
        if self.xy is not None and (a is None or a[:2] != b[:2]):
            seconds += self.xy.rests_s + (0.0 if a is None else self.xy.way_s(float(np.hypot(b.x_um - a.x_um, b.y_um - a.y_um))))
        return seconds + self.settle_s(None if a is None else a.engine, b.engine)

    def inside_s(self, exposures: Sequence[Exposure]) -> float:
        """Return what lies between the exposures of a layer [s]."""
        places = list(map(self.place, exposures))
        return sum(self.between_s(a, b) for a, b in zip(places, places[1:], strict=False))

    def ends(self, exposures: Sequence[Exposure]) -> tuple[StagePlace, StagePlace] | None:
        """Return the first and the last place of a layer; None of a dark one."""
        return (self.place(exposures[0]), self.place(exposures[-1])) if exposures else None
