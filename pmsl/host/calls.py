"""`play` and `aplay`: one print in one call."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pmsl.core.job import PrintJob
from pmsl.errors import HostError
from pmsl.host.options import Options
from pmsl.host.player import Player
from pmsl.host.protocol import Clock, LightEngine, Stage
from pmsl.host.signals import NUMBERS
from pmsl.host.status import Status
from pmsl.host.waiting import finished


def play(
    job: PrintJob,
    engine: LightEngine | Sequence[LightEngine],
    stage: Stage,
    *,
    clock: Clock | None = None,
    on_status: Callable[[Status], None] | None = None,
    record: str | Path | None = None,
    **options: Any,
) -> Status:
    """Play a job on a machine.

    Before anything moves the job is held to all that `pmsl.verify` does, and job, engine and stage to each other. The light is
    off on every way out: when it is done, on an error, on `KeyboardInterrupt` (SIGINT, SIGTERM, SIGHUP), when the stage is lost.

    Parameters
    ----------
    job : PrintJob
        Read from disk, or made of meshes and sliced while it prints.
    engine : LightEngine, or a sequence of them, one for each engine of the job
    stage : Stage
        Homed.
    clock : Clock, optional
        What waits are measured with (default: real time).
    on_status : callable, optional
        Called with a `Status` at every change.
    record : path, optional
        played.jsonl to write; with ``resume=True`` the one to go on from.
    **options
        Fields of `Options`: start, resume, again, relight, skip, prefetch, verify, accept_uncalibrated, threads.

    Returns
    -------
    Status
        The last one.

    Raises
    ------
    HostError, JobError, UsageError, OutputError
        See `Player.run`. A `Player` can also be paused and cancelled from other threads.
    """
    return _player(job, engine, stage, clock, on_status, record, options).run()


async def aplay(
    job: PrintJob,
    engine: LightEngine | Sequence[LightEngine],
    stage: Stage,
    *,
    clock: Clock | None = None,
    on_status: Callable[[Status], None] | None = None,
    record: str | Path | None = None,
    **options: Any,
) -> Status:
    """Play a job in a thread, so that the event loop goes on; parameters and errors as of `play`.

    Cancelling the task (SIGINT does it under `asyncio.run`, SIGTERM and SIGHUP where nothing else handles them) puts the light out
    and waits for the print to end before `CancelledError` is raised, or `HostError` where an engine does not go dark.
    `on_status` is called in the event loop, a little later: what it raises goes to the loop and does not end the print.
    """
    loop = asyncio.get_running_loop()
    told = None if on_status is None else _in_loop(loop, on_status)
    return await arun(_player(job, engine, stage, clock, told, record, options))


async def arun(player: Player) -> Status:
    """Run a player in a thread; see `aplay`."""
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(2, "pmsl-print") as own, _signals_cancel(asyncio.current_task()):  # the loop's threads may all be busy
        running = loop.run_in_executor(own, player.run)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError as cancelled:
            await finished(loop.run_in_executor(own, player.cancel))
            error = await finished(running)
            if isinstance(error, HostError):  # an engine that does not go dark must not be taken for a print that was cancelled
                raise error from cancelled
            raise


def _player(
    job: PrintJob,
    engine: LightEngine | Sequence[LightEngine],
    stage: Stage,
    clock: Clock | None,
    on_status: Callable[[Status], None] | None,
    record: str | Path | None,
    options: dict[str, Any],
) -> Player:
    wanted = Options(record=None if record is None else Path(record), **options)
    return Player(job, engine, stage, wanted, clock=clock, on_status=on_status)


def _in_loop(loop: asyncio.AbstractEventLoop, on_status: Callable[[Status], None]) -> Callable[[Status], None]:
    """Return a callable for any thread that calls `on_status` in the loop."""

    def tell(status: Status) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(on_status, status)

    return tell


@contextmanager
def _signals_cancel(task: asyncio.Task[Any] | None) -> Iterator[None]:
    """Let signals cancel the task that would otherwise kill the process with no word to the engine."""
    here = threading.current_thread() is threading.main_thread()
    deadly = [number for number in NUMBERS if here and task is not None and signal.getsignal(number) is signal.SIG_DFL]
    loop = asyncio.get_running_loop()
    for number in deadly:
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(task.cancel))  # type: ignore[union-attr]
    try:
        yield
    finally:
        for number in deadly:
            signal.signal(number, signal.SIG_DFL)
