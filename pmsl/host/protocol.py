"""What a machine must be for a host to play a job on it, and what must be true when each call returns.

An engine is never switched on. It is given a frame, and asked for so many seconds of it; the device, or a watchdog that
outlives this process, ends them. Whatever happens to the host in between, the light goes out by itself.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol, runtime_checkable

import numpy as np

from pmsl.host.control.interruptible_wait import patiently


@runtime_checkable
class LightEngine(Protocol):
    """A projector that shows one frame at a time.

    Attributes
    ----------
    shape : (int, int)
        (rows, cols) of its frames.
    wavelength_nm : float
    levels : int
        Gray levels it can show, evenly spaced from black to white: 2 (black and white) to 256.
    max_exposure_s : float
        Longest exposure its timer, or its watchdog, allows [s].
    max_power : float
        Highest light setting it takes.
    real : bool
        True where light leaves it. Only a simulated engine says False; what says nothing counts as real.

    Notes
    -----
    Its own limits hold whatever a job's printer allows. What an engine may state besides is in `pmsl.host.machine.capabilities`:

    - `Providing.provides`, strings: what of a job's `requires` it does by itself, as evening out its field (``flat-field-by-host``). A
      job that requires more is refused.
    - `LimitingLayers.max_layer_s`: most light that it gives in one layer, all exposures and repeats together [s].
    - `MeasuringPower.measured_power`: the light setting that its own sensor saw during the last `expose`, in the unit of `power`; it is
      read after each. More than 2 % from what was asked is a finding of that layer (``lamp-drift``), more than 10 % ends the print,
      dark; the record has it.
    """

    @property
    def shape(self) -> tuple[int, int]: ...  # noqa: D102
    @property
    def wavelength_nm(self) -> float: ...  # noqa: D102
    @property
    def levels(self) -> int: ...  # noqa: D102
    @property
    def max_exposure_s(self) -> float: ...  # noqa: D102
    @property
    def max_power(self) -> float: ...  # noqa: D102
    @property
    def real(self) -> bool: ...  # noqa: D102

    def load(self, frame: np.ndarray) -> None:
        """Take the next frame over: (rows, cols) uint8, C-contiguous, read-only, turned as the job's orientation says.

        When it returns: no light was emitted, the whole frame is the one the next `expose` shows, and the array may be
        used for another one. When it raises: the engine holds no frame, neither this one nor the one before.

        Parameters
        ----------
        frame : (rows, cols) uint8
            Of `shape`.
        """

    def expose(self, time_s: float, power: float) -> float:
        """Show the loaded frame for `time_s` seconds at a light setting.

        The time is kept by the device or by a watchdog in another process, not by the caller. When it returns, or
        raises: it is dark. It may be called again for the same frame.

        Parameters
        ----------
        time_s : float
            Above 0, at most `max_exposure_s` [s].
        power : float
            Above 0, at most `max_power`, in the unit of the printer's light settings.

        Returns
        -------
        float
            The time the frame was lit in truth [s]; less than `time_s` where `dark` was called meanwhile. It is held against the host's
            clock: a call that is shorter than that by more than 5 ms and 1 %, or longer by more than 2 s and 10 %, ends the print, dark.
        """

    def dark(self) -> None:
        """Put the light out now.

        When it returns: no light leaves the engine, and none will until the next `expose`. May be called at any time,
        any number of times, from any thread, also while `expose` runs in another one, which then returns.
        """


@runtime_checkable
class Stage(Protocol):
    """What carries the build plate.

    Positions are distances from the plate to the exposure plane [µm], 0 where they touch, and never below: which way an
    axis of the machine counts, and from where, is the stage's own matter.

    Attributes
    ----------
    travel_um : float
        Largest distance it reaches.
    step_um : float
        Smallest step.
    homed : bool
        True while it knows where it is. False before homing, and after steps, power or the connection were lost.
    """

    @property
    def travel_um(self) -> float: ...  # noqa: D102
    @property
    def step_um(self) -> float: ...  # noqa: D102
    @property
    def homed(self) -> bool: ...  # noqa: D102

    @property
    def position_um(self) -> float:
        """Distance from plate to exposure plane now [µm].

        It is held against what `move` returned, after every move and before every light: more than a step apart ends the print, dark.
        """

    def move(self, distance_um: float, speed_um_s: float, accel_um_s2: float) -> float:
        """Move until the plate is `distance_um` from the exposure plane.

        When it returns: the plate is at rest there, to within a step. When it raises: `homed` is False, or the plate is at rest.

        Parameters
        ----------
        distance_um : float
            From 0 to `travel_um` [µm].
        speed_um_s, accel_um_s2 : float
            Largest speed [µm/s] and acceleration [µm/s²] on the way, above 0.

        Returns
        -------
        float
            The distance reached [µm].
        """

    def stop(self) -> None:
        """Bring the plate to rest now. May be called at any time, from any thread; a `move` in another one then returns or raises."""


@runtime_checkable
class Shifting(Protocol):
    """What a machine offers that can shift the image: a job whose exposures have offsets or another focus needs it."""

    def shift(self, x_um: float, y_um: float, focus_um: float) -> None:
        """Shift the image and the focus. When it returns, everything is at rest there.

        Parameters
        ----------
        x_um, y_um, focus_um : float
            From where they are unshifted [µm].
        """


class Clock(Protocol):
    """How a host waits: real time, or the time of a simulation."""

    def now_s(self) -> float:
        """Return the time since some start [s]."""

    def wait(self, seconds: float, cancelled: threading.Event) -> None:
        """Return after `seconds`, or soon after `cancelled` is set.

        Parameters
        ----------
        seconds : float
            0 or more [s].
        cancelled : threading.Event
        """


class RealClock:
    """The computer's own clock."""

    def now_s(self) -> float:
        """Return the time since some start [s]."""
        return time.monotonic()

    def wait(self, seconds: float, cancelled: threading.Event) -> None:
        """Return after `seconds`, or soon after `cancelled` is set.

        Parameters
        ----------
        seconds : float
            0 or more [s].
        cancelled : threading.Event
        """
        if seconds > 0:
            patiently(cancelled, seconds)
