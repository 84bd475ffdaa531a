"""`play` and `aplay`: one print in one call."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pmsl.errors import HostError
from pmsl.host.control.interruptible_wait import finished
from pmsl.host.control.operator_pause import OnPause, check_answered
from pmsl.host.control.signals import NUMBERS
from pmsl.host.exposure_iterator import AHEAD
from pmsl.host.play_options import Options
from pmsl.host.player import Player
from pmsl.host.protocol import Clock, LightEngine, Stage
from pmsl.host.status import Status
from pmsl.job.pauses import Pause
from pmsl.job.print_job import PrintJob


def play(
    job: PrintJob,
    engine: LightEngine | Sequence[LightEngine],
    stage: Stage,
    *,
    clock: Clock | None = None,
    on_status: Callable[[Status], None] | None = None,
    on_pause: OnPause | None = None,
    start: int | None = None,
    record: str | Path | None = None,
    resume: bool = False,
    again: bool = False,
    relight: int | None = None,
    skip: int | None = None,
    prefetch: int = AHEAD,
    verify: bool = True,
    accept_uncalibrated: bool = False,
    threads: int | None = None,
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
    on_pause : callable, optional
        Called with a `Pause` of the job, dark and with the plate lifted; the print goes on when it returns, and ends where it
        raises. A job that pauses is refused without it.
    start : int, optional
        Layer to begin with (default: the first, or where the record ends).
    record : str or Path, optional
        played.jsonl to write; with `resume` the one to go on from.
    resume : bool, default False
        Go on from the record: an exposure that was lit is not lit again, and where it is not sure that it was, `relight`, `skip` or
        `again` has to say what becomes of it.
    again : bool, default False
        With `resume`: what was lit may be lit again.
    relight, skip : int, optional
        With `resume`: layer whose light in doubt is given again, or left as it is.
    prefetch : int, default 4
        How many layers are made ahead.
    verify : bool, default True
        Look at every layer before the first light. False is only for a job that was never written: it is then sliced while it prints,
        each layer checked before its own light.
    accept_uncalibrated : bool, default False
        Play a job whose doses rest on placeholders on a real engine.
    threads : int, optional
        Layers looked at at a time before the print (default: one a processor).

    Returns
    -------
    Status
        The last one.

    Raises
    ------
    HostError
        The job does not fit the machine; an engine or the stage lacks something, fails, or does not do what it was asked for.
    JobError
        The job is damaged, or a frame is not the one of its hash.
    UsageError
        Options that do not go together, or do not fit the record.
    OutputError
        The record cannot be written.

    See Also
    --------
    Player : Can also be paused and cancelled from other threads.
    """
    options = Options(
        start=start,
        record=None if record is None else Path(record),
        resume=resume,
        again=again,
        relight=relight,
        skip=skip,
        prefetch=prefetch,
        verify=verify,
        accept_uncalibrated=accept_uncalibrated,
        threads=threads,
    )
    check_answered(job.pauses, on_pause)
    return Player(job, engine, stage, options, clock=clock, on_status=on_status, on_pause=on_pause).run()


async def aplay(
    job: PrintJob,
    engine: LightEngine | Sequence[LightEngine],
    stage: Stage,
    *,
    clock: Clock | None = None,
    on_status: Callable[[Status], None] | None = None,
    on_pause: Callable[[Pause], Awaitable[None]] | None = None,
    start: int | None = None,
    record: str | Path | None = None,
    resume: bool = False,
    again: bool = False,
    relight: int | None = None,
    skip: int | None = None,
    prefetch: int = AHEAD,
    verify: bool = True,
    accept_uncalibrated: bool = False,
    threads: int | None = None,
) -> Status:
    """Play a job in a thread, so that the event loop goes on.

    Cancelling the task (SIGINT does it under `asyncio.run`, SIGTERM and SIGHUP where nothing else handles them) puts the light out
    and waits for the print to end before `CancelledError` is raised, or `HostError` where an engine does not go dark.

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
        Called with a `Status` in the event loop, a little after every change: what it raises goes to the loop and does not end the print.
    on_pause : callable that returns an awaitable, optional
        Called with a `Pause` of the job in the event loop, dark and with the plate lifted; the print goes on when it
        is done, and ends where it raises. A job that pauses is refused without it.
    start : int, optional
        Layer to begin with (default: the first, or where the record ends).
    record : str or Path, optional
        played.jsonl to write; with `resume` the one to go on from.
    resume : bool, default False
        Go on from the record: an exposure that was lit is not lit again, and where it is not sure that it was, `relight`, `skip` or
        `again` has to say what becomes of it.
    again : bool, default False
        With `resume`: what was lit may be lit again.
    relight, skip : int, optional
        With `resume`: layer whose light in doubt is given again, or left as it is.
    prefetch : int, default 4
        How many layers are made ahead.
    verify : bool, default True
        Look at every layer before the first light. False is only for a job that was never written: it is then sliced while it prints,
        each layer checked before its own light.
    accept_uncalibrated : bool, default False
        Play a job whose doses rest on placeholders on a real engine.
    threads : int, optional
        Layers looked at at a time before the print (default: one a processor).

    Returns
    -------
    Status
        The last one.

    Raises
    ------
    HostError
        The job does not fit the machine; an engine or the stage lacks something, fails, or does not do what it was asked for.
    JobError
        The job is damaged, or a frame is not the one of its hash.
    UsageError
        Options that do not go together, or do not fit the record.
    OutputError
        The record cannot be written.
    """
    options = Options(
        start=start,
        record=None if record is None else Path(record),
        resume=resume,
        again=again,
        relight=relight,
        skip=skip,
        prefetch=prefetch,
        verify=verify,
        accept_uncalibrated=accept_uncalibrated,
        threads=threads,
    )
    check_answered(job.pauses, on_pause)
    loop = asyncio.get_running_loop()
    in_loop = None if on_status is None else _in_loop(loop, on_status)
    asked = None if on_pause is None else _asked_in_loop(loop, on_pause)
    return await arun(Player(job, engine, stage, options, clock=clock, on_status=in_loop, on_pause=asked))


async def arun(player: Player) -> Status:
    """Run a player in a thread; see `aplay`.

    Parameters
    ----------
    player : Player

    Returns
    -------
    Status
        The last one.

    Raises
    ------
    HostError, JobError, UsageError, OutputError
        As `Player.run`.
    """
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


def _in_loop(loop: asyncio.AbstractEventLoop, on_status: Callable[[Status], None]) -> Callable[[Status], None]:
    """Return a callable for any thread that calls `on_status` in the loop."""

    def report(status: Status) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(on_status, status)

    return report


def _asked_in_loop(loop: asyncio.AbstractEventLoop, on_pause: Callable[[Pause], Awaitable[None]]) -> OnPause:
    """Return a callable for the thread that plays: it starts `on_pause` in the loop, and returns the future of that."""

    async def ask(pause: Pause) -> None:
        await on_pause(pause)

    return lambda pause: asyncio.run_coroutine_threadsafe(ask(pause), loop)


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
