"""What every kernel is compiled with, what is compiled, and the ways into it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}


class Source(Protocol):
    """A function to compile, with the names it is kept by."""

    py_func: Callable[..., Any]
    __name__: str
    __module__: str


class Entry(NamedTuple):
    """The ways into a compiled function: with its arguments, with them while the interpreter's lock is kept, with those of many calls."""

    run: Callable[[tuple], Any]
    held: Callable[[tuple], Any]
    many: Callable[[Sequence[tuple]], list[Any]]
