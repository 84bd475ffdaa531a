"""Packages whose names are loaded on first use: a command loads only what it needs, and starts in a third of the time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def later(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package whose names are loaded when they are first asked for (PEP 562).

    Parameters
    ----------
    package : str
        The package, its ``__name__``.
    homes : mapping
        Of each name, the module it lives in: ``"pmsl.core.grid"``, or ``"pmsl.pipeline.planner:prepare"`` where it has another name there.
        No module inside the package may have one of these names: importing it would put it in the name's place.
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, inner = homes[name].partition(":")
        found = getattr(import_module(module), inner or name)
        setattr(sys.modules[package], name, found)
        return found

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return get, names


def homes_in(package: str, **names: str) -> dict[str, str]:
    """Return the home of each name of a package: `names` has, of each module inside it, what lives there, apart by spaces."""
    return {name: f"{package}.{module}" for module, listed in names.items() for name in listed.split()}
