"""How every kernel is compiled, and why.

cache=True      compiled once a machine; the next process only loads.
nogil=True      layers run on threads, each calling serial kernels (one level of parallelism).
error_model     numpy's: a division by zero gives inf, no hidden branch in the loop.
no fastmath     sums must have the same bits on every machine.
no parallel     one level of parallelism, see above.

Numba's cache does not see a change in another file, so helpers live beside their callers, as plain
functions made by `helper` (inlined, never cached alone). Where no cache folder is writable the kernel
is compiled in every process and `uncached` names it, so that the command line can say so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])
uncached: list[str] = []


def kernel(function: F) -> F:
    """Compile `function` on first call: cached on disk, GIL released, no fast-math."""
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # numba's way to say that no cache folder is writable
        uncached.append(function.__name__)
        return numba.njit(**options)(function)  # type: ignore[no-any-return]


def helper(function: F) -> F:
    """Compile `function` into the kernels of its own file."""
    return numba.njit(inline="never", nogil=True, error_model="numpy")(function)  # type: ignore[no-any-return]
