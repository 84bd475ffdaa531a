"""An engine that cannot time its own light, made safe: a process of its own switches it, and outlives this one.

`Watched` is a `LightEngine`. Behind it stands another Python process, the only one that holds the switch. It puts the
light out when the asked time is over, when it is told to, and when the host is gone: killed or crashed (it watches the
process that made it, whoever else may hold the pipe, as a child that the host forked does), or cut off (its end of the
pipe closes). It ignores what ends a process politely (SIGINT, SIGTERM, SIGHUP), and is in a session of its
own, so that what ends the host does not end it first. A host that only hangs does not keep the light on either: the time
runs here.

What it cannot do: put out a light whose switch no longer answers, or outlive a computer that loses its power.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import sys
import threading
import time
from typing import Any, Protocol

import msgspec
import numpy as np

from pmsl.errors import HostError
from pmsl.host.control.interruptible_wait import STEP_S
from pmsl.host.control.signals import NUMBERS
from pmsl.host.machine.capabilities import is_real
from pmsl.host.machine.engine_factory import call_factory
from pmsl.workers.process import ParentProcess, WorkerProcess

MAIN = "pmsl.host.machine.watchdog:main"
START_S = 60.0  # how long the watchdog may take to start: Python, the driver, a projector that warms up
ANSWER_S = 10.0  # how long it may take to answer, beside the light's own time
FACTS = ("shape", "wavelength_nm", "levels", "max_exposure_s", "max_power", "real")


class Switch(Protocol):
    """What only the watchdog holds: a light that is on until it is off. It states what a `LightEngine` states."""

    def load(self, frame: np.ndarray) -> None:
        """Take the next frame over, (rows, cols) uint8, dark.

        Parameters
        ----------
        frame : (rows, cols) uint8
        """

    def on(self, power: float) -> None:
        """Light the loaded frame.

        Parameters
        ----------
        power : float
            In the unit of the printer's light settings.
        """

    def off(self) -> None:
        """Put the light out; when it returns, it is dark."""


class Watched:
    """A `LightEngine` whose light is switched by a watchdog.

    Parameters
    ----------
    factory : str
        ``package.module:function`` that returns the `Switch`; it is called in the watchdog, with no argument.

    Raises
    ------
    HostError
        The watchdog did not start, or the factory failed in it.
    """

    shape: tuple[int, int]
    wavelength_nm: float
    levels: int
    max_exposure_s: float
    max_power: float
    real: bool

    def __init__(self, factory: str) -> None:
        self._process, self._lost = WorkerProcess(MAIN, factory), False
        self._answers: dict[str, queue.Queue[dict[str, Any]]] = {kind: queue.Queue() for kind in ("ready", "load", "expose", "dark")}
        self._listener = threading.Thread(target=self._listen, daemon=True, name="pmsl-watchdog")
        self._listener.start()
        try:
            facts = self._answer("ready", START_S)
        except HostError:
            self.close()
            raise
        self.shape = (facts["shape"][0], facts["shape"][1])
        for name in FACTS[1:]:
            setattr(self, name, facts[name])

    def load(self, frame: np.ndarray) -> None:
        """Hand a frame to the switch; it is dark meanwhile.

        Parameters
        ----------
        frame : (rows, cols) uint8
        """
        self._ask({"do": "load", "shape": frame.shape, "pixels": np.ascontiguousarray(frame, np.uint8).tobytes()})
        self._answer("load", ANSWER_S)

    def expose(self, time_s: float, power: float) -> float:
        """Light the loaded frame for `time_s` seconds; the watchdog keeps the time. Returns when it is dark.

        Parameters
        ----------
        time_s : float
            Above 0, at most `max_exposure_s` [s].
        power : float
            Above 0, at most `max_power`.

        Returns
        -------
        float
            The time it was lit [s].
        """
        if not 0 < time_s <= self.max_exposure_s:
            raise HostError(f"watched engine: asked for {time_s} s; expected more than 0 and at most {self.max_exposure_s:g} s")
        self._ask({"do": "expose", "time_s": time_s, "power": power})
        return float(self._answer("expose", time_s + ANSWER_S)["delivered_s"])

    def dark(self) -> None:
        """Put the light out now; from any thread."""
        self._ask({"do": "dark"})
        self._answer("dark", ANSWER_S)

    def close(self) -> None:
        """Let the watchdog go: it puts the light out and ends; raises `HostError` where it does not."""
        self._process.close_input()
        try:
            self._process.wait(ANSWER_S)
        except subprocess.TimeoutExpired:  # it is not killed: only it can still put the light out
            raise HostError(f"the watchdog did not end within {ANSWER_S:g} s; look whether the engine is dark") from None
        self._listener.join(ANSWER_S)

    def _ask(self, message: dict[str, Any]) -> None:
        if self._lost and message["do"] != "dark":
            raise HostError("the watchdog of the engine did not answer before; look whether it is dark, and start anew")
        try:
            self._process.send(msgspec.msgpack.encode(message))
        except (OSError, ValueError) as err:
            raise HostError(f"the watchdog of the engine is gone ({err}); look whether it is dark, and start anew") from err

    def _answer(self, kind: str, within_s: float) -> dict[str, Any]:
        until = time.monotonic() + within_s
        answer = None
        while answer is None and (left_s := until - time.monotonic()) > 0:  # in short steps: on Windows no Ctrl-C ends a single wait
            with contextlib.suppress(queue.Empty):
                answer = self._answers[kind].get(timeout=min(STEP_S, left_s))
        if answer is None:
            self._lost = True  # a late answer must not be taken for one to a later question
            raise HostError(f"the watchdog did not answer to {kind!r} within {within_s:g} s; look whether it is dark")
        if "error" in answer:
            if answer.get("gone"):
                self._answers[kind].put(answer)  # so it is for whoever asks next
            raise HostError(f"watched engine: {answer['error']}")
        return answer

    def _listen(self) -> None:
        """Sort the answers by what they answer."""
        while (data := self._process.receive()) is not None:
            answer = msgspec.msgpack.decode(data)
            self._answers[answer["to"]].put(answer)
        self._process.close_output()
        for answers in self._answers.values():
            answers.put({"error": "the watchdog is gone; look whether it is dark, and start anew", "gone": True})


# --- in the watchdog's own process -----------------------------------------------------------------------------------


class _Questions:
    """What the host asks, in turn, until it is gone: what it had asked before that is not done any more."""

    def __init__(self) -> None:
        self._queue: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._gone = threading.Event()

    def put(self, question: dict[str, Any]) -> None:
        self._queue.put(question)

    def end(self) -> None:
        """Say that the host is gone."""
        self._gone.set()
        self._queue.put(None)

    def get(self, within_s: float | None = None) -> dict[str, Any] | None:
        """Wait for the next; None where the host is gone, `queue.Empty` where there was none in time."""
        got = None if self._gone.is_set() else self._queue.get(timeout=within_s)
        return None if self._gone.is_set() else got


def _serve(switch: Any, asked: _Questions, host: ParentProcess) -> None:
    """Do what is asked until the host is gone; the light is off between two questions, and at the end."""
    try:
        switch.off()
        _send(host, {"to": "ready", **{name: getattr(switch, name) for name in FACTS[:-1]}, "real": is_real(switch)})
        while (message := asked.get()) is not None:
            kind = message["do"]
            try:
                answer: dict[str, Any] = {"to": kind}
                if kind == "load":
                    switch.load(np.frombuffer(message["pixels"], np.uint8).reshape(message["shape"]))
                elif kind == "expose":
                    answer["delivered_s"] = _lit(switch, message["time_s"], message["power"], asked, host)
                else:
                    switch.off()
            except Exception as err:
                answer["error"] = f"{type(err).__name__}: {err}"
            with contextlib.suppress(OSError):  # a host that is gone: the next question is its end
                _send(host, answer)
    finally:
        switch.off()


def _lit(switch: Any, time_s: float, power: float, asked: _Questions, host: ParentProcess) -> float:
    """Light for `time_s`, or until anything is asked or the host is gone; return how long it was lit."""
    began = time.monotonic()
    try:
        switch.on(power)
        with contextlib.suppress(queue.Empty):
            got = asked.get(max(0.0, began + time_s - time.monotonic()))
            switch.off()
            if got is not None and got["do"] == "dark":
                _send(host, {"to": "dark"})
            elif got is not None:
                asked.put(got)  # what nobody may ask while it is lit: its turn comes in the dark
    finally:
        switch.off()
    return time.monotonic() - began


def _send(host: ParentProcess, message: dict[str, Any]) -> None:
    host.send(msgspec.msgpack.encode(message))


def main(host_pid: int, factory: str) -> None:
    """Be the watchdog of the process `host_pid`."""
    for number in NUMBERS:
        signal.signal(number, signal.SIG_IGN)
    asked = _Questions()
    host = ParentProcess(host_pid, asked.end)
    sys.stdout = sys.stderr  # what a driver prints is not held back either
    try:
        switch = call_factory(factory)
    except Exception as err:
        _send(host, {"to": "ready", "error": f"{type(err).__name__}: {err}"})
        return
    host.listen(lambda data: asked.put(msgspec.msgpack.decode(data)))
    _serve(switch, asked, host)
