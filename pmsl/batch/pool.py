"""The parent's end of the workers: started when needed, given tasks, replaced when they die."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pmsl.batch.worker import MAIN, Report, Task
from pmsl.core.process_memory import resident_bytes
from pmsl.workers.process import WorkerProcess

STEP_S = 0.25  # a wait is left so often


@dataclass(slots=True, eq=False)
class JobWorker:
    """A process and what it does: nothing, or a task that may take so much memory."""

    process: WorkerProcess
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


class WorkerPool:
    """At most `size` workers; every one is gone when the block ends, however it ends."""

    def __init__(self, size: int, out: Path | None) -> None:
        self.size, self._out = size, out
        self.workers: list[JobWorker] = []
        self._started = 0
        self._messages: queue.SimpleQueue[tuple[JobWorker, bytes | None]] = queue.SimpleQueue()

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self.workers:
            worker.process.kill() if worker.task is not None else worker.process.close_input()
        for worker in self.workers:
            worker.process.end(kill=False)
        self.workers = []

    @property
    def busy(self) -> list[JobWorker]:
        """Workers with a task."""
        return [w for w in self.workers if w.task is not None]

    @property
    def idle(self) -> list[JobWorker]:
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

    def dismiss(self, worker: JobWorker) -> None:
        """End a worker that has nothing to do, so that its memory is free."""
        self.workers.remove(worker)
        worker.process.end(kill=False)

    def reports(self, timeout_s: float | None = None) -> Iterator[Report | Died]:
        """Wait until something happens and yield it; a worker that ended its task is idle by then, one that died is gone."""
        for worker, data in self._messages_until(timeout_s):
            if worker not in self.workers:  # it was let go
                continue
            if data is None:
                task, status = worker.task, worker.process.wait()
                self.dismiss(worker)
                if task is not None:
                    yield Died(task, status)
                continue
            report = msgspec.json.decode(data, type=Report)
            if report.state not in ("progress", "compiling"):
                worker.task, worker.peak_bytes = None, 0
                if report.tired:
                    self.dismiss(worker)
            yield report

    def _new(self) -> JobWorker:
        self._started += 1
        worker = JobWorker(WorkerProcess(MAIN, None if self._out is None else str(self._out), self._started))
        self.workers.append(worker)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        return worker

    def _listen(self, worker: JobWorker) -> None:
        """Pass on what a worker says, and last that it has ended."""
        while (data := worker.process.receive()) is not None:
            self._messages.put((worker, data))
        worker.process.close_output()
        self._messages.put((worker, None))

    def _messages_until(self, timeout_s: float | None) -> Iterator[tuple[JobWorker, bytes | None]]:
        """Yield what workers said, as soon as there is anything; in short waits: on Windows no Ctrl-C ends a single one."""
        until = None if timeout_s is None else time.monotonic() + timeout_s
        while self._messages.empty() and (until is None or time.monotonic() < until):
            with contextlib.suppress(queue.Empty):
                left_s = STEP_S if until is None else min(STEP_S, max(0.0, until - time.monotonic()))
                yield self._messages.get(timeout=left_s)
                break
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._messages.get_nowait()


def _sent(worker: JobWorker, data: bytes) -> bool:
    """Send a worker its task; tell whether it took it."""
    try:
        worker.process.send(data)
    except (OSError, ValueError):
        return False
    return True
