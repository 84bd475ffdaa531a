"""Ordered work on threads: bounded window in flight, results in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def default_threads() -> int:
    """Number of processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def ordered_map(work: Callable[[A], B], items: Iterable[A], threads: int) -> Iterator[B]:
    """Yield ``work(item)`` in the order of `items`, made on `threads` threads.

    Parameters
    ----------
    work : callable
        Called from several threads at once.
    items : iterable
    threads : int
        At most ``2 * threads + 2`` results exist at any time. With 1 the work is done in the caller's thread.

    Yields
    ------
    The results; an exception of `work` is raised here and the rest is dropped.
    """
    if threads <= 1:
        yield from map(work, items)
        return
    waiting: deque[Future[B]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="pmsl-layer")
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) >= 2 * threads + 2:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
