"""The parent's end of the workers: started when needed, given tasks, replaced when they die."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import msgspec

from pmsl.batch.worker import Report, Task, main
from pmsl.core.memory import resident_bytes

ENDING_S = 5.0


@dataclass(slots=True)
class Worker:
    """A process and what it does: nothing, or a task that may take so much memory."""

    process: Any
    pipe: Connection
    task: Task | None = None
    peak_bytes: int = 0

    def holds_bytes(self, least: int) -> int:
        """Memory it counts for: what its task may take on top of what it has kept, or what it has."""
        now = resident_bytes(self.process.pid)
        now = least if now is None else now
        return max(self.peak_bytes, now) if self.task is not None else now


@dataclass(frozen=True, slots=True)
class Died:
    """A worker that ended in the middle of a task."""

    task: Task
    status: int | None

    @property
    def killed(self) -> bool:
        """Whether the system or a person killed it, rather than a bug."""
        return self.status in (-9, -15)


class Crew:
    """At most `size` workers; every one is gone when the block ends, however it ends."""

    def __init__(self, size: int, out: Path | None) -> None:
        self.size, self._out = size, out
        self.workers: list[Worker] = []
        self._started = 0
        self._context = multiprocessing.get_context("spawn")

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.process.kill() if worker.task is not None else worker.pipe.close()
        for worker in self.workers:
            self._end(worker)
        self.workers = []

    @property
    def busy(self) -> list[Worker]:
        """Workers with a task."""
        return [w for w in self.workers if w.task is not None]

    @property
    def idle(self) -> list[Worker]:
        """Workers without one."""
        return [w for w in self.workers if w.task is None]

    def give(self, task: Task, peak_bytes: int) -> None:
        """Give a task to an idle worker, or a new one; there is room for one (`idle`, or fewer than `size`)."""
        data = msgspec.json.encode(task)
        for worker in self.idle:
            if _sent(worker, data):
                break
            self.dismiss(worker)  # it died idle
        else:
            worker = self._new()
            _sent(worker, data)  # one that died while it started is found dead by `reports`
        worker.task, worker.peak_bytes = task, peak_bytes

    def dismiss(self, worker: Worker) -> None:
        """End a worker that has nothing to do, so that its memory is free."""
        self.workers.remove(worker)
        self._end(worker)

    def reports(self, timeout_s: float | None = None) -> Iterator[Report | Died]:
        """Wait until something happens and yield it; a worker that ended its task is idle by then, one that died is gone."""
        pipes = {w.pipe: w for w in self.busy}
        for pipe in wait(list(pipes), timeout_s):
            worker = pipes[pipe]  # type: ignore[index]
            assert worker.task is not None
            try:
                report = msgspec.json.decode(worker.pipe.recv_bytes(), type=Report)
            except (EOFError, OSError):
                task = worker.task
                worker.process.join(ENDING_S)
                status = worker.process.exitcode
                self.dismiss(worker)
                yield Died(task, status)
                continue
            if report.state not in ("progress", "compiling"):
                worker.task, worker.peak_bytes = None, 0
                if report.tired:
                    self.dismiss(worker)
            yield report

    def _new(self) -> Worker:
        ours, theirs = self._context.Pipe()
        self._started += 1
        process = self._context.Process(
            target=main, args=(theirs, None if self._out is None else str(self._out), self._started, os.getpid())
        )
        with _deaf():
            process.start()
            theirs.close()
            worker = Worker(process, ours)
            self.workers.append(worker)
        return worker

    def _end(self, worker: Worker) -> None:
        worker.pipe.close()
        worker.process.join(ENDING_S)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        worker.process.close()


def _sent(worker: Worker, data: bytes) -> bool:
    """Send a worker its task; tell whether it took it."""
    try:
        worker.pipe.send_bytes(data)
    except OSError:
        return False
    return True


@contextmanager
def _deaf() -> Iterator[None]:
    """Let a process that starts inherit that Ctrl-C is not for it: while it imports it could not say so itself. Ours comes later."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # which would let signals through when it starts with the first worker
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
