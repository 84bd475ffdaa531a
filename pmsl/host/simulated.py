"""A machine that is not there: it integrates the light it is given, keeps its own time, and takes no real time."""

from __future__ import annotations

import threading

import numpy as np

from pmsl.core.dose import DoseMap
from pmsl.core.job import PrintJob
from pmsl.core.mask import EMPTY, Window
from pmsl.errors import HostError, UsageError
from pmsl.formats.frames import frame_shape, turn_back
from pmsl.profiles.process import move_time_s

STEP_UM = 1e-3


class SimulatedClock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def now_s(self) -> float:
        """Return the time since the clock was made [s]."""
        return self._now_s

    def wait(self, seconds: float, cancelled: threading.Event) -> None:
        """Let time pass."""
        if seconds > 0 and not cancelled.is_set():
            self._now_s += seconds


class SimulatedStage:
    """A stage that moves as its speeds say, in steps of a nanometre.

    Parameters
    ----------
    clock : SimulatedClock
    travel_um : float
    """

    def __init__(self, clock: SimulatedClock, travel_um: float) -> None:
        self._clock = clock
        self.travel_um = travel_um
        self.step_um = STEP_UM
        self.homed = True
        self.position_um = 0.0

    def move(self, distance_um: float, speed_um_s: float, accel_um_s2: float) -> float:
        """Be there, and let the time of the way pass."""
        if not 0 <= distance_um <= self.travel_um * (1 + 1e-9):
            raise HostError(f"stage: asked for {distance_um:g} µm; it reaches from 0 to {self.travel_um:g} µm")
        self._clock.wait(move_time_s(abs(distance_um - self.position_um), speed_um_s, accel_um_s2), _NEVER)
        self.position_um = distance_um
        return distance_um

    def stop(self) -> None:
        """It rests already."""


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
        self._job, self._engine = job, job.engines[number]
        self._clock = SimulatedClock() if clock is None else clock
        self._orientation = self._engine.orientation
        self.shape = frame_shape(self._engine.grid.shape, self._orientation)
        self.wavelength_nm = self._engine.wavelength_nm
        self.levels = 256
        self.max_exposure_s = job.printer.limits.max_exposure_s.value
        self.max_power = job.printer.limits.max_power.value
        self.real = False
        self._loaded: tuple[Window, np.ndarray] | None = None
        self._given: list[tuple[Window, np.ndarray, float, float]] = []

    def load(self, frame: np.ndarray) -> None:
        """Keep the lit part of a frame."""
        self._loaded = None
        if frame.shape != self.shape or frame.dtype != np.uint8:
            raise HostError(f"engine: was given a frame {frame.shape} of {frame.dtype}; it shows {self.shape} of uint8")
        self._loaded = _lit_part(turn_back(frame, self._orientation))

    def expose(self, time_s: float, power: float) -> float:
        """Add the frame's light to the dose."""
        if self._loaded is None:
            raise HostError("engine: asked for light, but no frame is loaded")
        if not 0 < time_s <= self.max_exposure_s * (1 + 1e-9):
            raise HostError(f"engine: asked for {time_s:g} s; expected more than 0 and at most {self.max_exposure_s:g} s")
        self._given.append((*self._loaded, time_s, power))
        self._clock.wait(time_s, _NEVER)
        return time_s

    def dark(self) -> None:
        """It is dark already."""

    def clear(self) -> None:
        """Forget the light that was given."""
        self._given.clear()

    def dose(self, index: int = 0) -> DoseMap:
        """Return the dose of all light since the last `clear`.

        Parameters
        ----------
        index : int
            Layer number the map is to carry.

        Returns
        -------
        DoseMap
            ``at="mirror"``: Σ time × irradiance × response of the level × flat field [mJ/cm²], as `pmsl.dose_map` gives it
            for the layer's plan.
        """
        from pmsl.exposure.dose import irradiance_mw_cm2
        from pmsl.exposure.grayscale import response
        from pmsl.optics.field import flat_field, lit

        shape, printer = self._engine.grid.shape, self._job.printer
        window = _around([w for w, *_ in self._given])
        total = np.zeros((window.rows, window.cols))
        relative = response(printer)
        for part, levels, time_s, power in self._given:
            row, col = part.row0 - window.row0, part.col0 - window.col0
            total[row : row + part.rows, col : col + part.cols] += (time_s * irradiance_mw_cm2(printer, power) * relative)[levels]
        dose = lit(total, window, flat_field(printer)).astype(np.float32)
        return DoseMap(index, (shape[0], shape[1]), window, dose, "mirror")


class Simulation:
    """A whole machine for a job: `engine` (or `engines`), `stage` and `clock`, to be handed to `pmsl.host.play`.

    Parameters
    ----------
    job : PrintJob
    """

    def __init__(self, job: PrintJob) -> None:
        self.clock = SimulatedClock()
        self.engines = tuple(SimulatedEngine(job, i, self.clock) for i in range(len(job.engines)))
        self.stage = SimulatedStage(self.clock, job.printer.stage.travel_um.value + job.process.motion.lift_um)

    @property
    def engine(self) -> SimulatedEngine:
        """The first engine."""
        return self.engines[0]


_NEVER = threading.Event()


def _lit_part(levels: np.ndarray) -> tuple[Window, np.ndarray]:
    """Return the smallest rectangle that holds all light, and a copy of its levels."""
    rows = np.flatnonzero(levels.any(axis=1))
    if not rows.size:
        return EMPTY, np.zeros((0, 0), np.uint8)
    band = levels[rows[0] : rows[-1] + 1]
    cols = np.flatnonzero(band.any(axis=0))
    part = band[:, cols[0] : cols[-1] + 1]
    return Window(int(rows[0]), int(cols[0]), part.shape[0], part.shape[1]), part.copy()


def _around(windows: list[Window]) -> Window:
    """Return the smallest window that holds all of them."""
    given = [w for w in windows if w.rows]
    if not given:
        return EMPTY
    row0, col0 = min(w.row0 for w in given), min(w.col0 for w in given)
    return Window(row0, col0, max(w.row0 + w.rows for w in given) - row0, max(w.col0 + w.cols for w in given) - col0)
