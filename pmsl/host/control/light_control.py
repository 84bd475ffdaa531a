"""The light of a print: every frame is loaded before it is lit, every light is recorded before and after, and dark is dark."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import UNSET

from pmsl.errors import HostError
from pmsl.host.control.drift import MOST_DRIFT, SLACK_S, SLACK_SHARE, drift, measured_power, whole
from pmsl.host.protocol import Clock, LightEngine
from pmsl.host.record.play_log import PlayLog, utc_now
from pmsl.host.record.play_log_lines import Done, Line, Lit, Planned
from pmsl.job.layer_plan import Exposure

log = logging.getLogger("pmsl.host")

CALL_S, CALL_SHARE = 2.0, 0.1  # what a call of `expose` may last longer than its light, s and share: devices arm, cool and answer
TRIES = 3  # how often an engine that fails to go dark is asked


class Cancelled(Exception):
    """The print was cancelled."""


class LightControl:
    """The engines of a machine, and the record of what they were asked and what they gave.

    Parameters
    ----------
    engines : sequence of LightEngine
    cancelled : threading.Event
        Nothing is lit once it is set.
    clock : Clock
        What the time of a light is held against.

    Attributes
    ----------
    record : PlayLog or None
    lit : bool
        A light is on, or on its way.
    drift : dict
        Of the layers lit so far whose engine reports its power, how far off it was at most, as a share with its sign.
    """

    def __init__(self, engines: Sequence[LightEngine], cancelled: threading.Event, clock: Clock) -> None:
        self._engines = tuple(engines)
        self._cancelled = cancelled
        self._clock = clock
        self._loaded: tuple[int, str] | None = None
        self.record: PlayLog | None = None
        self.lit = False
        self.drift: dict[int, float] = {}

    def load(self, i: int, frame: np.ndarray, sha256: str, where: str) -> None:
        """Hand engine `i` the frame of a mask of that hash; whatever was loaded before is not lit again, even where this fails."""
        self._loaded = None
        try:
            self._engines[i].load(frame)
        except Exception as err:
            raise HostError(f"{where}: the engine did not take the frame ({_describe(err)}); it stays dark") from err
        self._loaded = i, sha256

    def plan(self, e: Exposure, key: tuple[int, int, int], sha256: str) -> None:
        """Record what is about to be lit."""
        if self.record is not None:
            k, j, r = key
            line = Planned(utc=utc_now(), layer=k, exposure=j, repeat=r, time_s=e.time_s, power=e.power, sha256=sha256)
            self.record.add(line, sync=False)

    def log(self, line: Line) -> None:
        """Put a line into the record, where there is one; it is on the disk when this returns."""
        if self.record is not None:
            self.record.add(line)

    def show(self, e: Exposure, key: tuple[int, int, int], sha256: str) -> float:
        """Light the loaded frame, once; return the delivered time [s]. It is dark when this returns or raises.

        Raises
        ------
        HostError
            This frame is not loaded in this engine, the engine failed, or what it says it delivered contradicts what was asked, the
            clock, or its own sensor.
        Cancelled
            Before the light, or during it.
        """
        k, j, r = key
        where = f"layer {k}, exposure {j}"
        if self._loaded != (e.engine, sha256):
            raise HostError(f"{where}: its frame is not the one that is loaded in engine {e.engine}; it stays dark")
        said: dict[str, Any] = {"layer": k, "exposure": j, "repeat": r, "time_s": e.time_s, "power": e.power, "sha256": sha256}
        self.lit = True  # before the flag is looked at: a cancel from now on puts the light out until this is False
        try:
            if self._cancelled.is_set():
                raise Cancelled
            if self.record is not None:
                self.record.add(Lit(utc=utc_now(), **said))
            began_s = self._clock.now_s()
            try:
                delivered_s = float(self._engines[e.engine].expose(e.time_s, e.power))
            except Exception as err:
                raise HostError(
                    f"{where}: the engine failed while it was lit ({_describe(err)}); how long it was lit is not known"
                ) from err
            lasted_s = self._clock.now_s() - began_s
        finally:
            self.lit = False
        _check_clock(delivered_s, lasted_s, where)
        measured = measured_power(self._engines[e.engine], where)
        if self.record is not None:
            self.record.add(Done(utc=utc_now(), delivered_s=delivered_s, measured_power=UNSET if measured is None else measured, **said))
        if self._cancelled.is_set():
            raise Cancelled
        if not whole(delivered_s, e.time_s):
            raise HostError(f"{where}: the engine was lit for {delivered_s:g} s of the {e.time_s:g} s it was asked for; look at the part")
        if measured is not None:
            self._hold_power(k, measured, e.power, where)
        return delivered_s

    def _hold_power(self, k: int, measured: float, asked: float, where: str) -> None:
        """Remember how far a lamp is off; end the print where that is too far."""
        share = drift(measured, asked)
        if abs(share) > abs(self.drift.get(k, 0.0)):
            self.drift[k] = share
        if not abs(share) <= MOST_DRIFT:
            raise HostError(
                f"{where}: the lamp gave power {measured:g}, asked for {asked:g} (limit: {100 * MOST_DRIFT:g} % apart); "
                "it stays dark, look at the lamp and at the part, and go on from the record"
            )

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
            raise HostError(f"engine {i} does not say that it is dark ({_describe(error)}): switch its supply off by hand") from error

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
            log.critical("engine %d did not go dark (%s)", i, _describe(err))
            error = err
    return error


def _check_clock(delivered_s: float, lasted_s: float, where: str) -> None:
    """Refuse to believe an engine whose light took another time than its call."""
    unknown = "how long it was lit is not known; it stays dark, look at the part and at the engine's timer"
    if not (math.isfinite(delivered_s) and delivered_s >= 0):
        raise HostError(f"{where}: the engine says it was lit for {delivered_s} s; {unknown}")
    early, late = delivered_s - lasted_s, lasted_s - delivered_s
    if not early <= SLACK_S + SLACK_SHARE * delivered_s:
        raise HostError(
            f"{where}: the engine says it was lit for {delivered_s:g} s, but came back after {lasted_s:.4g} s by the clock "
            f"(limit: {SLACK_S:g} s and {100 * SLACK_SHARE:g} % early); {unknown}"
        )
    if not late <= CALL_S + CALL_SHARE * delivered_s:
        raise HostError(
            f"{where}: the engine says it was lit for {delivered_s:g} s, but came back only after {lasted_s:.4g} s by the clock "
            f"(limit: {CALL_S:g} s and {100 * CALL_SHARE:g} % late); {unknown}"
        )


def _describe(err: BaseException) -> str:
    return f"{type(err).__name__}: {err}" if str(err) else type(err).__name__
