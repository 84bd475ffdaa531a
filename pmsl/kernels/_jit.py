"""How every kernel is compiled, and why.

cache=True      compiled once a machine; the next process only loads.
nogil=True      layers run on threads, each calling serial kernels (one level of parallelism).
error_model     numpy's: a division by zero gives inf, no hidden branch in the loop.
no fastmath     sums must have the same bits on every machine.
no parallel     one level of parallelism, see above.
_nrt=False      arrays come from the caller and are never counted: numba's reference counts (atomic, per call of a
                helper) took three quarters of the time of the sweeps. Kernels therefore allocate nothing.

Helpers are plain functions made by `helper`, inlined and never cached alone; two kernels may share
a file of them. Numba's cache looks only at the file a kernel is in, so the cache is stamped with the sources of this
whole folder instead: a change anywhere compiles anew. Where no cache folder is writable the kernel is compiled in every
process and `uncached` names it, so that the command line can say so.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import numba
from numba.core import event

uncached: list[str] = []
_njit: Any = partial(numba.njit, nogil=True, error_model="numpy", _nrt=False)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile `function` on first call: cached on disk, GIL released, no fast-math."""
    try:
        compiled = _njit(cache=True)(function)
        _stamp(compiled)
        _forgive_full_disk(compiled)
        return compiled
    except RuntimeError:  # numba's way to say that no cache folder is writable
        uncached.append(function.__name__)
        return _njit()(function)


@cache
def _sources() -> str:
    """Hash of every file of this folder."""
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.name.encode() + path.read_bytes() for path in files)).hexdigest()


def _stamp(compiled: Any) -> None:
    """Let the on-disk cache hold for these sources and no others."""
    file: Any = getattr(getattr(compiled, "_cache", None), "_cache_file", None)
    if hasattr(file, "_source_stamp"):
        file._source_stamp = _sources()


def _forgive_full_disk(compiled: Any) -> None:
    """Go on uncached where the compiled kernel cannot be stored (numba would raise)."""
    cache = getattr(compiled, "_cache", None)
    if cache is None or not hasattr(cache, "save_overload"):
        return
    store = cache.save_overload

    def save_overload(signature: Any, data: Any) -> None:
        try:
            store(signature, data)
        except OSError:
            uncached.append(compiled.__name__)

    cache.save_overload = save_overload


def helper(function: Callable[..., Any]) -> Any:
    """Compile `function` into the kernels that call it."""
    return _njit(forceinline=True)(function)


def routine(function: Callable[..., Any]) -> Any:
    """Compile `function` once for the kernels that call it: for long helpers, which would be compiled again at every call."""
    return _njit(inline="never")(function)


class _CompileWatch(event.Listener):
    """Tells when the compiler starts, and adds up the time it takes (compilations nest)."""

    def __init__(self, started: Callable[[], None]) -> None:
        self._started = started
        self._depth = threading.local()
        self.seconds = 0.0

    def on_start(self, event: Any) -> None:
        depth = getattr(self._depth, "n", 0)
        if depth == 0:
            self._began = time.perf_counter()
            if self.seconds == 0.0:
                self._started()
        self._depth.n = depth + 1

    def on_end(self, event: Any) -> None:
        self._depth.n -= 1
        if self._depth.n == 0:
            self.seconds += time.perf_counter() - self._began


@contextmanager
def compile_watch(started: Callable[[], None]) -> Iterator[_CompileWatch]:
    """Call `started` when something has to be compiled; the yielded watch counts the seconds. A load from the cache is no compilation."""
    watch = _CompileWatch(started)
    with event.install_listener("numba:compile", watch):
        yield watch
