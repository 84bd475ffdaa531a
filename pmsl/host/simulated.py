"""A machine that is not there: it integrates the light it is given, keeps its own time, and takes no real time."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.core.runs import runs_of
from pmsl.errors import HostError, UsageError
from pmsl.formats.frames.device_frame import frame_shape, mask_of_runs
from pmsl.job.dose_map import DoseMap
from pmsl.job.layer_plan import Exposure, LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.profiles.motion import move_time_s
from pmsl.profiles.printer import XyStage

STEP_UM = 1e-3


class SimulatedClock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def now_s(self) -> float:
        """Return the time since the clock was made [s]."""
        return self._now_s

    def wait(self, seconds: float, cancelled: threading.Event) -> None:
        """Let time pass.

        Parameters
        ----------
        seconds : float
            How long [s].
        cancelled : threading.Event
            No time passes once it is set.
        """
        if seconds > 0 and not cancelled.is_set():
            self._now_s += seconds


class SimulatedStage:
    """A stage that moves as its speeds say, in steps of a nanometre.

    Parameters
    ----------
    clock : SimulatedClock
    travel_um : float
    on_move : callable, optional
        Called before every move.
    """

    def __init__(self, clock: SimulatedClock, travel_um: float, on_move: Callable[[], None] | None = None) -> None:
        self._clock, self._on_move = clock, on_move
        self.travel_um = travel_um
        self.step_um = STEP_UM
        self.homed = True
        self.position_um = 0.0

    def move(self, distance_um: float, speed_um_s: float, accel_um_s2: float) -> float:
        """Be there, and let the time of the way pass.

        Parameters
        ----------
        distance_um : float
            From 0 to `travel_um` [µm].
        speed_um_s, accel_um_s2 : float
            Largest on the way [µm/s], [µm/s²].

        Returns
        -------
        float
            `distance_um`.

        Raises
        ------
        HostError
            Out of reach.
        """
        if not 0 <= distance_um <= self.travel_um * (1 + 1e-9):
            raise HostError(f"stage: asked for {distance_um:g} µm; it reaches from 0 to {self.travel_um:g} µm")
        if self._on_move is not None:
            self._on_move()
        self._clock.wait(move_time_s(abs(distance_um - self.position_um), speed_um_s, accel_um_s2), _NEVER)
        self.position_um = distance_um
        return distance_um

    def stop(self) -> None:
        """It rests already."""


class SimulatedXyStage(SimulatedStage):
    """A stage that also moves along x and y, within what a printer's `[stage.xy]` says; `shifted_um` is where it is (x, y, focus)."""

    def __init__(self, clock: SimulatedClock, travel_um: float, xy: XyStage, on_move: Callable[[], None] | None = None) -> None:
        super().__init__(clock, travel_um, on_move)
        self._xy = xy
        self._low, self._high = [0.0, 0.0], [0.0, 0.0]
        self.shifted_um = (0.0, 0.0, 0.0)
        self._began = False

    def shift(self, x_um: float, y_um: float, focus_um: float) -> None:
        """Be there, and let the time of the way pass, as the printer says it; the first way, from where nobody knows, takes none.

        Parameters
        ----------
        x_um, y_um, focus_um : float
            From where they are unshifted [µm].

        Raises
        ------
        HostError
            Places further apart than its travel.
        """
        for axis, um in enumerate((x_um, y_um)):
            low, high = min(self._low[axis], um), max(self._high[axis], um)
            travel_um = self._xy.travel_um.value[axis]
            if high - low > travel_um * (1 + 1e-9):
                raise HostError(f"stage: asked for places {high - low:g} µm apart along {'xy'[axis]}; its travel is {travel_um:g} µm")
            self._low[axis], self._high[axis] = low, high
        if self._began:
            self._clock.wait(self._xy.way_s(math.hypot(x_um - self.shifted_um[0], y_um - self.shifted_um[1])), _NEVER)
        self.shifted_um, self._began = (x_um, y_um, focus_um), True


class SimulatedEngine:
    """An engine as the job's printer profile describes it; what it shows is added up as dose.

    Parameters
    ----------
    job : PrintJob
        Gives frame shape, wavelength, limits, irradiance, gray response and flat field.
    number : int
        Number of the engine in the job.
    clock : SimulatedClock, optional
        Time passes while it is lit.
    """

    def __init__(self, job: PrintJob, number: int = 0, clock: SimulatedClock | None = None) -> None:
        if not 0 <= number < len(job.engines):
            raise UsageError(f"engine {number}: the job has engines 0..{len(job.engines) - 1}")
        self._job, self._engine, self._printer = job, job.engines[number], job.printer_of(number)
        self._clock = SimulatedClock() if clock is None else clock
        self._orientation = self._engine.orientation
        self.shape = frame_shape(self._engine.grid.shape, self._orientation)
        self.wavelength_nm = self._engine.wavelength_nm
        self.levels = 256
        self.max_exposure_s = job.printer.limits.max_exposure_s.value
        self.max_power = job.printer.limits.max_power.value
        self.real = False
        self.provides = job.requires  # its dose is that of a host which does all of it
        self._loaded: LayerMask | None = None
        self._given: list[Exposure] = []

    def load(self, frame: np.ndarray) -> None:
        """Keep what a frame shows.

        Parameters
        ----------
        frame : (rows, cols) uint8

        Raises
        ------
        HostError
            Another shape or type.
        """
        self._loaded = None
        if frame.shape != self.shape or frame.dtype != np.uint8:
            raise HostError(f"engine: was given a frame {frame.shape} of {frame.dtype}; it shows {self.shape} of uint8")
        self._loaded = mask_of_runs(runs_of(frame, (0, 0, *self.shape)), 0, self.shape, self._orientation)

    def expose(self, time_s: float, power: float) -> float:
        """Add the frame's light to the dose.

        Parameters
        ----------
        time_s : float
            Above 0, at most `max_exposure_s` [s].
        power : float
            Above 0, at most `max_power`.

        Returns
        -------
        float
            `time_s`.

        Raises
        ------
        HostError
            No frame is loaded; a time or a power that is none.
        """
        if self._loaded is None:
            raise HostError("engine: asked for light, but no frame is loaded")
        if not 0 < time_s <= self.max_exposure_s * (1 + 1e-9):
            raise HostError(f"engine: asked for {time_s:g} s; expected more than 0 and at most {self.max_exposure_s:g} s")
        if not 0 < power <= self.max_power * (1 + 1e-9):
            raise HostError(f"engine: asked for power {power:g}; expected more than 0 and at most {self.max_power:g}")
        self._given.append(Exposure(mask=self._loaded, time_s=time_s, dose_mj_cm2=0.0, power=power))
        self._clock.wait(time_s, _NEVER)
        return time_s

    def dark(self) -> None:
        """It is dark already."""

    def clear(self) -> None:
        """Forget the light that was given."""
        self._given.clear()

    def dose(self, index: int = 0) -> DoseMap:
        """Return the dose of all light since the last `clear`; in a `Simulation` also since the plate last moved.

        Parameters
        ----------
        index : int
            Layer number the map is to carry.

        Returns
        -------
        DoseMap
            At the mirror: what `pmsl.dose_map` gives for the frames, times and light settings the engine was given.
        """
        from pmsl.exposure import dose_map

        plan = LayerPlan(index=index, z_top_um=0.0, thickness_um=0.0, motion=self._job.process.motion.last, exposures=tuple(self._given))
        return dose_map(replace(self._job, engines=(self._engine,), printer=self._printer), plan)


class Simulation:
    """A whole machine for a job: `engine` (or `engines`), `stage` and `clock`, to be handed to `pmsl.host.play`.

    Light is added up for one exposure plane at a time: when the plate moves the engines forget what they gave before.

    Parameters
    ----------
    job : PrintJob
    """

    def __init__(self, job: PrintJob) -> None:
        self.clock = SimulatedClock()
        self.engines = tuple(SimulatedEngine(job, i, self.clock) for i in range(len(job.engines)))
        travel_um = job.printer.stage.travel_um.value + job.process.motion.highest_um
        xy = job.printer.stage.xy
        if job.tiles is not None and isinstance(xy, XyStage):
            self.stage: SimulatedStage = SimulatedXyStage(self.clock, travel_um, xy, self._forget)
        else:
            self.stage = SimulatedStage(self.clock, travel_um, self._forget)

    @property
    def engine(self) -> SimulatedEngine:
        """The first engine."""
        return self.engines[0]

    def _forget(self) -> None:
        for engine in self.engines:
            engine.clear()


_NEVER = threading.Event()
