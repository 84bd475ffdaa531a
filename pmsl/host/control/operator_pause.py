"""Pauses that a job asks for: dark, the plate lifted, until the operator says that what the pause is for is done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait

from pmsl.errors import HostError
from pmsl.host.control.interruptible_wait import patiently
from pmsl.job.pauses import Pause

OnPause = Callable[[Pause], "Future[None] | None"]
STEP_S = 0.1


class OperatorPauses:
    """The pauses of a job that are still to come.

    Parameters
    ----------
    pauses : sequence of Pause
        From the plate up.
    on_pause : callable, optional
        Called at each; it is over when this returns, or when the future is done that it returns. Left out: when `go_on` is set.
    go_on, cancelled : threading.Event
        `cancelled` ends the wait for a future; who sets it sets `go_on` too.
    """

    def __init__(self, pauses: Sequence[Pause], on_pause: OnPause | None, go_on: threading.Event, cancelled: threading.Event) -> None:
        self._pauses = tuple(pauses)
        self._on_pause, self._go_on, self._cancelled = on_pause, go_on, cancelled
        self._over: set[int] = set()

    def leave_out(self, layers: set[int]) -> None:
        """Leave out those before layers that an earlier run confirmed."""
        self._over |= layers

    def due(self, k: int) -> list[Pause]:
        """Return those to be made before layer `k` moves: its own, and those before layers below it that nobody has confirmed."""
        return [pause for pause in self._pauses if pause.before_layer <= k and pause.before_layer not in self._over]

    def begin(self) -> None:
        """Make sure that only what comes from now on ends a pause."""
        if self._on_pause is None:
            self._go_on.clear()

    def wait(self, pause: Pause) -> None:
        """Return when the operator goes on, or the print is cancelled; what `on_pause` raises ends it."""
        if self._on_pause is None:
            patiently(self._go_on)
        elif (answer := self._on_pause(pause)) is not None:
            while not wait([answer], STEP_S).done and not self._cancelled.is_set():
                pass
            if answer.done():
                answer.result()
            else:
                answer.cancel()
        self._over.add(pause.before_layer)


def check_answered(pauses: Sequence[Pause], on_pause: object | None) -> None:
    """Refuse a print that would wait for an operator whom nobody asks.

    Raises
    ------
    HostError
    """
    if pauses and on_pause is None:
        first = pauses[0]
        raise HostError(
            f"the job pauses before {len(pauses)} of its layers, first before layer {first.before_layer} ({first.message}), and nothing "
            "was given that waits for the operator: give on_pause, or play it with a Player, whose go_on ends a pause"
        )
