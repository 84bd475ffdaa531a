"""Layers made ahead of time: a bounded window, every frame held against its hash, workers that stop when closed."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor, wait

from pmsl.core.parallel import default_threads
from pmsl.errors import HostError
from pmsl.host.record.mask_hashes import Digests, checked_plan
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob


class LayerPrefetch:
    """Plans of layers in order, made ahead of time by workers.

    Masks wait as they were read: as runs, a few kB each, or dense where they are. Frames are painted when they are asked for.

    Parameters
    ----------
    job : PrintJob
    layers : range
        Ascending.
    ahead : int
        How many layers may exist, or be in the making, at any time, beside the one that was given out last. With 0 a
        layer is made when it is asked for, in the caller's thread.
    known : Digests, optional
        Hashes every mask must have.
    """

    def __init__(self, job: PrintJob, layers: range, ahead: int, known: Digests | None = None) -> None:
        self._job, self._known = job, known
        self._rest = iter(layers)
        self._ahead = ahead
        self._window: deque[Future[LayerPlan]] = deque()
        self._pool = ThreadPoolExecutor(min(ahead, default_threads()), thread_name_prefix="pmsl-frame") if ahead else None
        self._closed = False
        self._fill()

    def _make(self, k: int) -> LayerPlan:
        return checked_plan(self._job, k, self._known)

    def _fill(self) -> None:
        if self._pool is None:
            return
        while len(self._window) < self._ahead:
            k = next(self._rest, None)
            if k is None:
                return
            self._window.append(self._pool.submit(self._make, k))

    def wait(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s` seconds for the next layer; return whether `next` returns at once."""
        return self._pool is None or not self._window or bool(wait([self._window[0]], timeout_s).done)

    def next(self) -> LayerPlan | None:
        """Return the next layer, None after the last.

        Raises
        ------
        PmslError
            What went wrong when it was made, or that the feed is closed; a layer that failed is the last.
        """
        if self._closed:
            raise HostError("these layers were closed, or one before them failed; ask for them anew")
        try:
            if self._pool is None:
                k = next(self._rest, None)
                return None if k is None else self._make(k)
            if not self._window:
                return None
            plan = self._window[0].result()
        except BaseException:
            self.close(join=False)
            raise
        self._window.popleft()
        self._fill()
        return plan

    def close(self, join: bool = True) -> None:
        """Stop the workers, within a layer, and let go of what they made; with `join`, return when they have stopped."""
        self._closed = True
        self._window.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=join, cancel_futures=True)
