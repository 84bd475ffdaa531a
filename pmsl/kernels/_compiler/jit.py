"""How every kernel is compiled, kept and called, and why.

nogil           the lock is released around a call: layers run on threads, each calling serial kernels.
error_model     numpy's: a division by zero gives inf, no hidden branch in the loop.
no fastmath     sums must have the same bits on every machine.
no parallel     one level of parallelism, see above.
_nrt=False      arrays come from the caller and are never counted: numba's reference counts (atomic, per call of a
                helper) took three quarters of the time of the sweeps. Kernels therefore allocate nothing.

A kernel is compiled on its first call with arguments of a kind and kept on disk as machine code behind an entry of our
own (`disk_cache`). The next process loads that through llvmlite and never imports numba, which would take longer than to
slice a small part. The file's name holds a hash of the sources of this whole folder, so a change anywhere compiles anew.
Helpers are plain functions until then; two kernels may share a file of them. Where no cache folder is writable (or others may
write to it, `cache_folder`), or numba's code is not what `disk_cache` knows, kernels are compiled in every process and `uncached`
says why, so that the command line can.
With NUMBA_DISABLE_JIT=1 kernels are the plain functions they are written as.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType
from typing import Any

import numpy as np

from pmsl.kernels._compiler import disk_cache
from pmsl.kernels._compiler.options import OPTIONS, Entry

FEW = 2500  # runs or pixels: some 50 µs
uncached: list[str] = []  # why kernels are compiled in every process, each reason once
ARRAY, SCALARS = np.ndarray, {float: float, int: int}  # most arguments are of just these types
_helpers: dict[Callable[..., Any], dict[str, Any]] = {}  # and what each is compiled with
_dispatchers: dict[Callable[..., Any], Any] = {}
_lock = threading.RLock()
_watches: list[_CompileWatch] = []


def kernel(function: Callable[..., Any]) -> Any:
    """Make a kernel of `function`."""
    return function if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0") else Kernel(function)


def helper(function: Callable[..., Any]) -> Any:
    """Mark `function` to be compiled into the kernels that call it."""
    _helpers[function] = {"forceinline": True}
    return function


def routine(function: Callable[..., Any]) -> Any:
    """Mark `function` as a long helper: compiled once for the kernels that call it."""
    _helpers[function] = {}
    return function


def inner(called: Any) -> Any:
    """Return a kernel as a routine that another kernel may call; give it a name in the caller's file."""
    return routine(getattr(called, "py_func", called))


class Kernel:
    """A function that is compiled for each kind of arguments it is called with."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.py_func = function
        self.__name__, self.__doc__, self.__module__ = function.__name__, function.__doc__, function.__module__
        self._entries: dict[tuple, Entry] = {}

    def __call__(self, *args: Any) -> Any:
        """Call the compiled function."""
        return self.entry(args).run(args)

    def entry(self, args: tuple) -> Entry:
        """Load, or compile, for arguments of these kinds."""
        return self.entry_of(_kinds(args))

    def entry_of(self, kinds: tuple) -> Entry:
        entry = self._entries.get(kinds)
        if entry is not None:
            return entry
        with _lock:
            if kinds not in self._entries:
                self._entries[kinds] = disk_cache.load(self, kinds) or self._compile(kinds)
            return self._entries[kinds]

    def _compile(self, kinds: tuple) -> Entry:
        began = time.perf_counter()
        for watch in _watches:
            watch.starts()
        try:
            from pmsl.kernels._compiler import ahead

            made = ahead.entry_of_other_process(self, kinds)
            if made is not None:
                return made
            _make_dispatchers()
            why = disk_cache.compile_and_keep(self, kinds)
            entry = disk_cache.load(self, kinds)
            if entry is None and not why:
                why = "machine code that was kept cannot be loaded"
            if why and why not in uncached:
                uncached.append(why)
            return entry or disk_cache.unkept(self)
        finally:
            for watch in _watches:
                watch.seconds += time.perf_counter() - began


def call(function: Any, items: int, *args: Any) -> Any:
    """Call a kernel; where it has few items to look at keep the interpreter's lock: to get it back would take as long."""
    brief = items <= FEW and isinstance(function, Kernel)
    return function.entry(args).held(args) if brief else function(*args)


def many(function: Any, calls: Sequence[tuple]) -> list[Any]:
    """Call a kernel once for each of some tuples of arguments, in a row, and return what each call returns.

    The interpreter's lock is let go of once for all, so that another thread has it meanwhile: short kernels on two threads spend half
    their time handing it over. Arrays in `calls` are to be of the same kinds; working arrays may be the same ones.
    """
    if not isinstance(function, Kernel) or not calls:
        return [function(*args) for args in calls]
    kinds = {_kinds(args) for args in calls}
    return function.entry_of(kinds.pop()).many(calls) if len(kinds) == 1 else [function(*args) for args in calls]


def _kinds(args: tuple) -> tuple:
    """What of some arguments the machine code depends on."""
    return tuple([(a.dtype, a.ndim, a.flags.c_contiguous) if type(a) is ARRAY else SCALARS.get(type(a)) or _kind(a) for a in args])


def _kind(argument: Any) -> Any:
    """Look closer at an argument that is of a subclass, or a number of numpy."""
    if isinstance(argument, np.ndarray):
        return argument.dtype, argument.ndim, argument.flags.c_contiguous
    if isinstance(argument, float):
        return float
    if isinstance(argument, (int, np.integer)):
        return int
    raise TypeError(f"kernels take arrays, int and float, not {type(argument).__name__}")


def _make_dispatchers() -> None:
    """Turn the helpers of every loaded kernel file into what numba can call."""
    import numba

    njit: Any = numba.njit
    bare = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}  # only kernels call helpers: a tenth less to compile
    for function, options in _helpers.items():
        if function not in _dispatchers:
            _dispatchers[function] = _for_any_number(njit(**bare, **OPTIONS, **options)(function))
    for name, module in list(sys.modules.items()):
        if name.startswith("pmsl.kernels"):
            for key, value in list(vars(module).items()):
                if isinstance(value, FunctionType) and value in _dispatchers:
                    setattr(module, key, _dispatchers[value])


def _for_any_number(dispatcher: Any) -> Any:
    """Let a helper be compiled once for integers, not anew for each that stands in the source of its callers: a quarter of the time."""
    from numba.core.types import unliteral

    of_types = dispatcher.get_call_template
    dispatcher.get_call_template = lambda args, kws: of_types(
        tuple(map(unliteral, args)), {name: unliteral(kind) for name, kind in kws.items()}
    )
    return dispatcher


class _CompileWatch:
    """Tells when the compiler starts, and adds up the time it takes."""

    def __init__(self, started: Callable[[], None]) -> None:
        self._started = started
        self.seconds = 0.0

    def starts(self) -> None:
        """Tell, once, that something is compiled."""
        if self.seconds == 0.0:
            self.seconds = 1e-9
            self._started()


def report_compiled(seconds: float) -> None:
    """Let whoever watches know that another process compiles, or for how long it did [s]; they wait at the same time."""
    for watch in _watches:
        watch.starts()
        watch.seconds = max(watch.seconds, seconds)


@contextmanager
def compile_watch(started: Callable[[], None]) -> Iterator[_CompileWatch]:
    """Call `started` when something has to be compiled; the yielded watch counts the seconds. A load from the cache is no compilation."""
    watch = _CompileWatch(started)
    _watches.append(watch)
    try:
        yield watch
    finally:
        _watches.remove(watch)
