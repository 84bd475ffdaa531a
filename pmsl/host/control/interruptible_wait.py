"""Waits that a person, or another task, can always end, and waits that nobody can."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from typing import Any

STEP_S = 0.1


def patiently(event: threading.Event, seconds: float = math.inf) -> None:
    """Wait for an event, at most so long; in short steps, for on Windows no Ctrl-C ends a single wait."""
    until = time.monotonic() + seconds
    while not event.wait(max(0.0, min(STEP_S, until - time.monotonic()))) and time.monotonic() < until:
        pass


async def finished(work: asyncio.Future[Any]) -> BaseException | None:
    """Wait for work to end, however often the waiting is cancelled; return what it raised, if anything."""
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError:
            continue
    return None if work.cancelled() else work.exception()
