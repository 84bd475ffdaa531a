"""The plate's way from layer to layer, and the waits between."""

from __future__ import annotations

import threading

from pmsl.errors import HostError
from pmsl.host.control.light_control import Cancelled
from pmsl.host.machine.compatibility import STEP_SLACK, UNMOVED, number_of
from pmsl.host.protocol import Clock, Shifting, Stage
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.stage_way import StageWay

PLAIN = StageWay(xy=None, made_up=False)


class StageControl:
    """A stage, asked for planes of a job, and never believed without looking.

    Parameters
    ----------
    stage : Stage
    clock : Clock
    cancelled : threading.Event
        Ends every wait.
    way : StageWay
        Where it is sent along x and y, and what is waited for then.
    """

    def __init__(self, stage: Stage, clock: Clock, cancelled: threading.Event, way: StageWay = PLAIN) -> None:
        self.stage = stage
        self._way = way
        self._engine: int | None = None
        self._clock = clock
        self._cancelled = cancelled
        self._shifted: tuple[float, float, float] | None = None
        self._reached_um: float | None = None  # where the last move ended

    def to_layer(self, plan: LayerPlan) -> None:
        """Lift, wait, come to the layer's exposure plane, settle.

        The lift ends `lift_um` above the plane of the layer below, wherever the plate is now: a print that goes on in
        the middle moves as one that was never interrupted. A plate that is higher already is not lifted.
        """
        m, where = plan.motion, f"layer {plan.index}"
        self.lift(plan)
        self.rest(m.wait_top_s)
        self._go(plan.z_top_um, m.retract_um_s, m.retract_um_s2, where)
        self.rest(m.settle_s)

    def lift(self, plan: LayerPlan) -> None:
        """Make the first part of the move before a layer."""
        m, where = plan.motion, f"layer {plan.index}"
        above_um = plan.z_top_um - plan.thickness_um + m.lift_um
        self.rest(m.wait_before_lift_s)
        if self.position_um(where) < above_um:
            self._go(above_um, m.lift_um_s, m.lift_um_s2, where)

    def let_go(self) -> None:
        """Let the operator move plate and picture: wherever they are afterwards, the next move begins there."""
        self._reached_um, self._shifted = None, None

    def rest(self, seconds: float) -> None:
        """Wait, dark and at rest."""
        self._clock.wait(seconds, self._cancelled)
        if self._cancelled.is_set():
            raise Cancelled

    def shift(self, e: Exposure) -> None:
        """Shift image and focus where the exposure asks for it, and back where it does not."""
        x, y, engine = self._way.place(e)
        wanted = (x, y, e.focus_um)
        if (settle_s := self._way.settle_s(self._engine, engine)) > 0:
            self.rest(settle_s)
        self._engine = engine
        if isinstance(self.stage, Shifting):
            if wanted != self._shifted:
                moved = self._shifted is None or wanted[:2] != self._shifted[:2]
                self.stage.shift(*wanted)
                self._shifted = wanted
                if moved and self._way.xy is not None:
                    self.rest(self._way.xy.rests_s)
        elif wanted != UNMOVED:
            raise HostError("the exposure shifts image or focus, which this stage does not offer (it has no shift)")

    def check_homed(self, where: str) -> None:
        """Refuse a stage that was lost."""
        try:
            homed = self.stage.homed
        except Exception as err:
            raise HostError(
                f"{where}: the stage was lost ({type(err).__name__}: {err}); it stays dark, home it and go on from the record"
            ) from err
        if not homed:
            raise HostError(f"{where}: the stage lost its place; it stays dark, home it and go on from the record")

    def stop(self) -> None:
        """Bring the plate to rest."""
        try:
            self.stage.stop()
        except Exception as err:
            raise HostError(f"the stage did not stop ({type(err).__name__}: {err}); stop it by hand") from err

    def position_um(self, where: str) -> float:
        """Ask where the plate is [µm]; refuse a place that is none, or not where the last move ended."""
        self.check_homed(where)
        try:
            position = self.stage.position_um
        except Exception as err:
            raise HostError(f"{where}: the stage was lost ({type(err).__name__}: {err}); it stays dark") from err
        position_um = number_of(position, f"{where}: it stays dark: position_um of the stage")
        if self._reached_um is not None and not abs(position_um - self._reached_um) <= self._limit_um:
            raise HostError(
                f"{where}: the stage says it stands at {position_um:g} µm, its last move ended at {self._reached_um:g} µm "
                f"(limit: one step, {self.stage.step_um:g} µm); it stays dark, home it and go on from the record"
            )
        return position_um

    @property
    def _limit_um(self) -> float:
        return self.stage.step_um * STEP_SLACK

    def _go(self, distance_um: float, speed_um_s: float, accel_um_s2: float, where: str) -> None:
        """Move, and see that the plate got there."""
        self._reached_um = None
        try:
            reached = self.stage.move(distance_um, speed_um_s, accel_um_s2)
        except Exception as err:
            if self._cancelled.is_set():
                raise Cancelled from err
            raise HostError(
                f"{where}: the stage failed on its way to {distance_um:g} µm ({type(err).__name__}: {err}); it stays dark"
            ) from err
        if self._cancelled.is_set():
            raise Cancelled
        self.check_homed(where)
        reached_um = number_of(reached, f"{where}: it stays dark: the distance that the stage's move returned")
        if not abs(reached_um - distance_um) <= self._limit_um:
            raise HostError(
                f"{where}: the stage stands {reached_um:g} µm from the exposure plane, not {distance_um:g} µm "
                f"(limit: one step, {self.stage.step_um:g} µm); it stays dark, home it and go on from the record"
            )
        self._reached_um = reached_um
        self.position_um(where)
