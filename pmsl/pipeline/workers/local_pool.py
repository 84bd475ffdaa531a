"""Worker processes on this machine. One that is lost is replaced, and its block made again."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from types import TracebackType

import msgspec

from pmsl.errors import UsageError, WorkerError
from pmsl.formats.protocol import BlockTarget
from pmsl.job.print_job import PrintJob
from pmsl.pipeline.workers import child_process
from pmsl.pipeline.workers.partition import Span, parted
from pmsl.workers.process import WorkerProcess

LOST_MOST = 3  # workers lost over one block: it is not the workers
PATIENCE_S = 0.5  # how often a wait is left, so that Ctrl-C is heard on every system


class WorkerLost(Exception):
    """A worker is gone; says how it ended."""


class BlockWorker:
    """One process; it starts at once, and is ready by the time its first block is known."""

    def __init__(self) -> None:
        self._process = WorkerProcess(child_process.MAIN)

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def make(self, path: str, span: Span) -> bytes:
        """Have a block made; raises `WorkerLost` where the process ends instead."""
        from pmsl.pipeline.workers.block_task import compiled

        answer = None
        with contextlib.suppress(OSError, ValueError):  # ValueError: closed by `end`
            self._process.send(msgspec.msgpack.encode((path, *span)))
            while (answer := self._process.receive()) == child_process.COMPILING:
                compiled()
        if answer is None:
            raise WorkerLost(self._end_of(self._process.wait()))
        return answer

    def end(self) -> None:
        """End the process at once."""
        self._process.end()
        self._process.close_output()

    @staticmethod
    def _end_of(code: int) -> str:
        return f"killed by signal {-code}" if code < 0 else f"ended with status {code}"


class LocalPool:
    """So many workers on this machine; they live as long as the ``with`` block."""

    def __init__(self, count: int) -> None:
        if count < 1:
            raise UsageError(f"--processes {count}: at least 1 process has to make the layers")
        self.workers: list[BlockWorker] = []
        self.count = count

    def __enter__(self) -> LocalPool:
        """Start the workers."""
        try:
            for _ in range(self.count):
                self.workers.append(BlockWorker())
        except OSError as err:
            self._end()
            raise WorkerError(f"worker {len(self.workers) + 1} of {self.count} cannot be started ({err.strerror}); use fewer") from err
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the workers."""
        self._end()

    def _end(self) -> None:
        for worker in self.workers:
            worker.end()

    def blocks(self, job: PrintJob, place: BlockTarget) -> _Blocks:
        """Let the workers begin."""
        from pmsl.pipeline.workers import job_spec

        return _Blocks(self, str(job_spec.store(job, place)), list(parted(job, self.count)))


class _Blocks:
    """The blocks of one job: a thread a worker hands them out and takes them back, in any order."""

    def __init__(self, pool: LocalPool, path: str, spans: list[Span]) -> None:
        self._pool, self._path, self._spans = pool, path, spans
        self._todo = deque(range(len(spans)))
        self._lost = [0] * len(spans)
        self._done: dict[int, bytes] = {}
        self._trouble: BaseException | None = None
        self._closed, self._all_started = False, False
        self._changed = threading.Condition()
        self._threads = [
            threading.Thread(target=self._employ, args=(i,), name=f"pmsl-worker-{i}", daemon=True) for i in range(len(pool.workers))
        ]
        for thread in self._threads:
            thread.start()

    def __iter__(self) -> Iterator[bytes]:
        """Yield every block, in order of layers; raises what a worker met."""
        from pmsl.pipeline.workers.block_task import block_of

        for number in range(len(self._spans)):
            with self._changed:
                while number not in self._done and self._trouble is None:
                    self._changed.wait(PATIENCE_S)
                if self._trouble is not None:
                    raise self._trouble
                answer = self._done.pop(number)
                self._all_started = number == len(self._spans) - 1
            yield block_of(answer)

    def close(self) -> None:
        """Let no worker write any more: those that still do are ended."""
        with self._changed:
            self._closed = True
            self._todo.clear()
        if not self._all_started:
            for worker in self._pool.workers:
                worker.end()
        for thread in self._threads:
            thread.join()

    def _employ(self, i: int) -> None:
        """Give worker i blocks as long as there are any; a new one takes its place where it is lost."""
        while (number := self._next()) is not None:
            try:
                answer = self._pool.workers[i].make(self._path, self._spans[number])
            except WorkerLost as end:
                if not self._replaced(i, number, str(end)):
                    return
            except BaseException as err:
                self._fail(err)
                return
            else:
                with self._changed:
                    self._done[number] = answer
                    self._changed.notify_all()

    def _next(self) -> int | None:
        with self._changed:
            return self._todo.popleft() if self._todo and not self._closed else None

    def _replaced(self, i: int, number: int, end: str) -> bool:
        """Put a block back and start another worker; tell whether to go on."""
        if not self._wanted_again(number):
            return False
        try:
            if self._lost[number] >= LOST_MOST:
                first, last = self._spans[number]
                raise WorkerError(
                    f"layers {first}..{last - 1}: {LOST_MOST} workers were lost over them, the last one {end}; "
                    "is there memory for so many --processes? Use fewer"
                )
            self._pool.workers[i].end()
            self._pool.workers[i] = BlockWorker()
        except (OSError, WorkerError) as err:
            self._fail(err)
            return False
        with self._changed:
            wanted = not self._closed
        if not wanted:  # `close` may have been before the new worker was there to be ended
            self._pool.workers[i].end()
        return wanted

    def _wanted_again(self, number: int) -> bool:
        """Put a block back whose worker is lost; tell whether it is still wanted."""
        with self._changed:
            if not self._closed:
                self._lost[number] += 1
                self._todo.appendleft(number)
            return not self._closed

    def _fail(self, err: BaseException) -> None:
        with self._changed:
            self._trouble = err
            self._changed.notify_all()
