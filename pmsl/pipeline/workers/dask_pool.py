"""Workers of a Dask cluster, on this machine or on many (extra ``dask``)."""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Iterator
from multiprocessing import resource_tracker
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from pmsl.core.parallel import default_threads
from pmsl.errors import PmslError, UsageError, WorkerError
from pmsl.formats.protocol import BlockTarget
from pmsl.job.print_job import PrintJob
from pmsl.pipeline.workers.local_pool import LOST_MOST
from pmsl.pipeline.workers.partition import Span, parted
from pmsl.version import __version__

LOCAL = "local"
SCHEMES = ("tcp", "tls", "ws", "wss", "ucx", "inproc")
ANSWER_S = 10.0  # a scheduler that is there answers at once
WORKERS_S = 60.0  # without any worker: batch systems take their time, but not for ever
LOOK_S = 2.0
# What workers here log is of a scheduler that is going, after Ctrl-C with a traceback; what goes wrong with a block is its answer.
QUIET_WORKERS = "distributed.nanny.pre-spawn-environ.DASK_DISTRIBUTED__LOGGING__DISTRIBUTED"


class DaskPool:
    """A Dask cluster for the length of a ``with`` block: `address` of a scheduler, or `LOCAL` for `processes` workers here."""

    def __init__(self, address: str, processes: int | None = None) -> None:
        if address != LOCAL:
            _check_address(address)
            if processes is not None:
                raise UsageError(f"--scheduler {address}: its workers are there already; --processes is for {LOCAL} ones")
        self._address, self._processes = address, processes
        self._ends = contextlib.ExitStack()
        self._client: Any = None

    def __enter__(self) -> DaskPool:
        """Connect, or start the workers.

        Raises
        ------
        UsageError
            Dask is not installed.
        WorkerError
            The scheduler does not answer, or has no worker.
        """
        try:
            from dask import config as dask_config
            from distributed import Client, LocalCluster
        except ImportError:
            raise UsageError("--scheduler needs Dask: pip install 'pmsl[dask]'; --processes N works without") from None
        with self._ends:
            where: Any = self._address
            if self._address == LOCAL:
                count = self._processes or default_threads()
                try:
                    with _interrupt_waits(), dask_config.set({QUIET_WORKERS: "critical"}):
                        where = self._ends.enter_context(
                            LocalCluster(
                                n_workers=count,
                                threads_per_worker=1,
                                processes=True,
                                dashboard_address=":0",
                                silence_logs=logging.CRITICAL,
                            )
                        )
                except RuntimeError as err:
                    raise WorkerError(
                        f"--scheduler local: its {count} workers cannot be started ({err}); a script that asks for them does its work "
                        'under `if __name__ == "__main__":`. --processes N needs no such thing'
                    ) from err
            try:
                self._client = self._ends.enter_context(Client(where, timeout=ANSWER_S, set_as_default=False))
            except (OSError, ValueError) as err:  # a time-out is an OSError
                raise WorkerError(
                    f"scheduler {self._address} does not answer within {ANSWER_S:g} s ({str(err).strip() or type(err).__name__}); "
                    "is it running (`dask scheduler`), and is this its address?"
                ) from err
            self._check_workers(time.monotonic())
            self._ends = self._ends.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Disconnect; end the workers that were started here."""
        self._ends.close()

    def threads(self) -> int:
        """Return how many blocks the workers make at a time."""
        return sum(self._client.nthreads().values())

    def blocks(self, job: PrintJob, place: BlockTarget) -> _Blocks:
        """Let the workers begin."""
        from pmsl.pipeline.workers import job_spec

        return _Blocks(self, str(job_spec.store(job, place)), list(parted(job, self.threads())))

    def submit(self, path: str, span: Span) -> Any:
        """Ask for a block; return its future."""
        from pmsl.pipeline.workers.block_task import as_one_of_many

        return self._client.submit(as_one_of_many, path, *span, pure=False)

    def _check_workers(self, since: float) -> None:
        """Wait for a worker, up to `WORKERS_S` after `since`."""
        while self.threads() == 0:
            if time.monotonic() - since > WORKERS_S:
                raise WorkerError(f"scheduler {self._address} has had no worker for {WORKERS_S:g} s; start some (`dask worker ADDRESS`)")
            time.sleep(0.1)

    def wait(self, future: Any, path: str, span: Span) -> bytes:
        """Return the answer to a block; one whose workers are lost is asked for again.

        Raises
        ------
        WorkerError
            Too many workers were lost over it, none is left, or the scheduler is gone.
        """
        from distributed import CancelledError, KilledWorker
        from distributed.client import FutureCancelledError

        for _ in range(LOST_MOST):
            try:
                return self._result(future)
            except KilledWorker:
                future = self.submit(path, span)
            except (CancelledError, FutureCancelledError) as err:
                raise WorkerError(f"scheduler {self._address} is gone; nothing was written, start it and slice again") from err
            except PmslError:
                raise
            except Exception as err:  # what happens while a block is made comes as an answer
                raise WorkerError(
                    f"a worker of {self._address} cannot make layers ({type(err).__name__}: {err}); is pmsl {__version__} installed on it?"
                ) from err
        first, last = span
        raise WorkerError(f"layers {first}..{last - 1}: every worker that made them was lost; is there memory for them? See its log")

    def _result(self, future: Any) -> bytes:
        """Wait for an answer, with an eye on the workers."""
        from distributed import TimeoutError as DaskTimeoutError

        while True:
            try:
                data: bytes = future.result(timeout=LOOK_S)
                return data
            except (TimeoutError, DaskTimeoutError):
                if self._client.status != "running":
                    raise WorkerError(f"scheduler {self._address} is gone; nothing was written, start it and slice again") from None
                self._check_workers(time.monotonic())


class _Blocks:
    """The blocks of one job as futures."""

    def __init__(self, cluster: DaskPool, path: str, spans: list[Span]) -> None:
        self._cluster, self._path, self._spans = cluster, path, spans
        self._futures = [cluster.submit(path, span) for span in spans]

    def __iter__(self) -> Iterator[bytes]:
        """Yield every block, in order of layers; raises what a worker met."""
        from pmsl.pipeline.workers.block_task import block_of

        for number, span in enumerate(self._spans):
            answer = self._cluster.wait(self._futures[number], self._path, span)
            self._futures[number] = None  # the workers need not keep it
            yield block_of(answer)

    def close(self) -> None:
        """Let no worker write any more: without the job spec blocks end at their next layer, and they are waited for a while."""
        from distributed import wait

        left = [future for future in self._futures if future is not None]
        if not left:
            return
        Path(self._path).unlink(missing_ok=True)
        with contextlib.suppress(Exception):  # a cluster that is gone writes nothing
            wait(left, timeout=ANSWER_S)
        for future in left:
            future.release()


@contextlib.contextmanager
def _interrupt_waits() -> Iterator[None]:
    """Let Ctrl-C wait, and threads and processes that are started here never have it: who started them is interrupted, and ends them."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it would let signals through again when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _check_address(address: str) -> None:
    """Refuse what is no address of a scheduler."""
    try:
        parts = urlsplit(address)
        sound = parts.scheme in SCHEMES and bool(parts.netloc) and (parts.scheme == "inproc" or parts.port is not None)
    except ValueError:
        sound = False
    if not sound:
        raise UsageError(f"--scheduler {address!r}: expected {LOCAL}, or an address like tcp://192.168.0.1:8786")
