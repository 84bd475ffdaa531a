"""Ordered work on threads: bounded window in flight, results in order."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from time import perf_counter
from typing import Any, TypeVar

SHORT_S = 0.45e-3  # what takes less is not worth a thread: two take turns at the interpreter's lock, 0.38 ms a layer instead of 0.34
SHORTEST_S = 0.1e-3  # the same of items that are made together
SMOOTH = 0.25  # weight of the last item in their mean time: one that was held up does not count as slow
BLOCK_S = 4e-3  # items handed over at a time take about this long: a hand-over costs 0.1 ms, and the interpreter's lock more
TOGETHER_S = 15e-3  # the same of items that are made together
LONGEST_BLOCK = 16
THINGS = 1 << 17

A = TypeVar("A")
B = TypeVar("B")


_most: list[int] = []


def keep_to(threads: int) -> None:
    """Let this process use so many processors at most: it is one of several that share the machine."""
    _most[:] = [threads]


def default_threads(asked: int | None = None) -> int:
    """Number of threads: as many as were asked for, else as many as this process may use processors."""
    if asked is not None:
        return asked
    if _most:
        return _most[0]
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)


def blocks_of(n: int) -> list[slice]:
    """Part n things into blocks of `THINGS`."""
    return [slice(i, min(i + THINGS, n)) for i in range(0, n, THINGS)]


def in_blocks(work: Callable[[slice], B], n: int) -> list[B]:
    """Return ``work(block)`` of n things, `THINGS` at a time, on all processors: loops over large meshes wait for memory."""
    return list(ordered_map(work, blocks_of(n), default_threads()))


def call_each(kernel: Callable[..., Any], calls: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Return what a kernel gives for each of some tuples of arguments, one a block (`blocks_of`), called on all processors."""
    return list(ordered_map(lambda args: kernel(*args), calls, default_threads()))


def ordered_map(
    work: Callable[[A], B], items: Iterable[A], threads: int, together: Callable[[list[A]], list[B]] | None = None
) -> Iterator[B]:
    """Yield ``work(item)`` in the order of `items`, made on `threads` threads.

    Parameters
    ----------
    work : callable
        Called from several threads at once.
    items : iterable
    threads : int
        At most ``2 * threads + 2`` blocks of results exist at any time. A block is one item, or as many as take
        `BLOCK_S`, `LONGEST_BLOCK` at most. With 1 the work is done in the caller's thread, and so it is as long as items
        take less than `SHORT_S` (`SHORTEST_S` where they can be made together).
    together : callable, optional
        Gives ``work(item)`` of each of a block of items, and lets go of the interpreter's lock less often.

    Yields
    ------
    The results; an exception of `work` is raised here and the rest is dropped.
    """
    rest = iter(items)
    taken = 0.0
    short_s, block_s = (SHORT_S, BLOCK_S) if together is None else (SHORTEST_S, TOGETHER_S)
    for i, item in enumerate(rest):
        began = perf_counter()
        result = work(item)
        if i > 0:  # the first also loads what it needs
            taken += SMOOTH * (perf_counter() - began - taken)
        yield result
        if threads > 1 and taken > short_s:
            break
    else:
        return
    each = together or (lambda block: [work(item) for item in block])
    waiting: deque[Future[tuple[list[B], float]]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="pmsl-layer")
    try:
        while True:
            while len(waiting) < 2 * threads + 2:
                block = list(islice(rest, min(max(int(block_s / taken), 1), LONGEST_BLOCK)))
                if not block:
                    break
                waiting.append(pool.submit(_timed, each, block))
            if not waiting:
                return
            results, seconds = waiting.popleft().result()
            taken = 0.5 * taken + 0.5 * seconds / len(results)
            yield from results
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _timed(each: Callable[[list[A]], list[B]], block: list[A]) -> tuple[list[B], float]:
    """Work on a block; return the results and the seconds they took."""
    began = perf_counter()
    return each(block), max(perf_counter() - began, 1e-9)


def one_ahead(items: Iterable[A]) -> Iterator[A]:
    """Yield items in order; while one is used, a thread makes the next."""
    source = iter(items)
    with ThreadPoolExecutor(1, thread_name_prefix="pmsl-ahead") as pool:
        making = pool.submit(_next_of, source)
        while found := making.result():
            making = pool.submit(_next_of, source)
            yield found[0]


def _next_of(source: Iterator[A]) -> tuple[A] | None:
    """Return the next item, None after the last."""
    for item in source:
        return (item,)
    return None
