"""The light of a print: every frame is loaded before it is lit, every light is recorded before and after, and dark is dark."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from pmsl.core.plan import Exposure
from pmsl.errors import HostError
from pmsl.host.protocol import LightEngine
from pmsl.host.record import Done, Lit, Planned, Record, utc_now

log = logging.getLogger("pmsl.host")

SLACK_S, SLACK_SHARE = 0.005, 0.01  # what a delivered time may differ from the asked one, s and share: timers of devices count frames
TRIES = 3  # how often an engine that fails to go dark is asked


class Cancelled(Exception):
    """The print was cancelled."""


class Lamp:
    """The engines of a machine, and the record of what they were asked and what they gave.

    Parameters
    ----------
    engines : sequence of LightEngine
    cancelled : threading.Event
        Nothing is lit once it is set.
    """

    def __init__(self, engines: Sequence[LightEngine], cancelled: threading.Event) -> None:
        self._engines = tuple(engines)
        self._cancelled = cancelled
        self._loaded: int | None = None
        self.record: Record | None = None
        self.lit = False

    def load(self, i: int, frame: np.ndarray, where: str) -> None:
        """Hand a frame over; whatever was loaded before is not lit again, even where this fails."""
        self._loaded = None
        try:
            self._engines[i].load(frame)
        except Exception as err:
            raise HostError(f"{where}: the engine did not take the frame ({_told(err)}); it stays dark") from err
        self._loaded = i

    def plan(self, e: Exposure, key: tuple[int, int, int], sha256: str) -> None:
        """Record what is about to be lit."""
        if self.record is not None:
            k, j, r = key
            line = Planned(utc=utc_now(), layer=k, exposure=j, repeat=r, time_s=e.time_s, power=e.power, sha256=sha256)
            self.record.add(line, sync=False)

    def show(self, e: Exposure, key: tuple[int, int, int], sha256: str) -> float:
        """Light the loaded frame, once; return the delivered time [s]. It is dark when this returns or raises.

        Raises
        ------
        HostError
            No frame is loaded, the engine failed, or what it delivered is not what was asked.
        Cancelled
            Before the light, or during it.
        """
        k, j, r = key
        where = f"layer {k}, exposure {j}"
        if self._loaded != e.engine:
            raise HostError(f"{where}: its frame is not loaded; it stays dark")
        said: dict[str, Any] = {"layer": k, "exposure": j, "repeat": r, "time_s": e.time_s, "power": e.power, "sha256": sha256}
        self.lit = True  # before the flag is looked at: a cancel from now on puts the light out until this is False
        try:
            if self._cancelled.is_set():
                raise Cancelled
            if self.record is not None:
                self.record.add(Lit(utc=utc_now(), **said))
            try:
                delivered_s = float(self._engines[e.engine].expose(e.time_s, e.power))
            except Exception as err:
                raise HostError(f"{where}: the engine failed while it was lit ({_told(err)}); how long it was lit is not known") from err
        finally:
            self.lit = False
        if not (math.isfinite(delivered_s) and delivered_s >= 0):
            raise HostError(f"{where}: the engine says it was lit for {delivered_s} s; how long it was lit is not known")
        if self.record is not None:
            self.record.add(Done(utc=utc_now(), delivered_s=delivered_s, **said))
        if self._cancelled.is_set():
            raise Cancelled
        if not whole(delivered_s, e.time_s):
            raise HostError(f"{where}: the engine was lit for {delivered_s:g} s of the {e.time_s:g} s it was asked for; look at the part")
        return delivered_s

    def dark(self) -> None:
        """Put every engine out, whatever fails meanwhile.

        Raises
        ------
        HostError
            An engine did not say that it is dark.
        """
        failed: list[tuple[int, Exception]] = []
        for i, engine in enumerate(self._engines):
            error = _put_out(i, engine)
            if error is not None:
                failed.append((i, error))
        if failed:
            i, error = failed[0]
            raise HostError(f"engine {i} does not say that it is dark ({_told(error)}): switch its supply off by hand") from error

    def dark_until_out(self) -> None:
        """Put the light out again and again until `show` has returned: it may have been on its way into the light."""
        while self.lit:
            self.dark()
            time.sleep(0.005)


def _put_out(i: int, engine: LightEngine) -> Exception | None:
    """Put one engine out; return why it did not say so."""
    error: Exception | None = None
    for _ in range(TRIES):
        try:
            engine.dark()
            return None
        except Exception as err:
            log.critical("engine %d did not go dark (%s)", i, _told(err))
            error = err
    return error


def whole(delivered_s: float, asked_s: float) -> bool:
    """Tell whether a delivered time is the asked one, as far as a device's timer can tell."""
    return abs(delivered_s - asked_s) <= SLACK_S + SLACK_SHARE * asked_s


def _told(err: BaseException) -> str:
    return f"{type(err).__name__}: {err}" if str(err) else type(err).__name__
