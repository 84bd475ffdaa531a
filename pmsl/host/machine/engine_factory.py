"""``package.module:function`` → what the function returns. Only a person at the command line, or code, may name one."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from pmsl.errors import UsageError

NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def call_factory(name: str, *arguments: Any) -> Any:
    """Import the module, call the function.

    Raises
    ------
    UsageError
        Not of that form; no such module; no such function in it. What the function itself raises goes through.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"{name!r} names no factory; expected package.module:factory")
    module, _, function = name.partition(":")
    try:
        found = import_module(module)
    except ImportError as err:
        raise UsageError(f"{name}: module {module} cannot be imported ({err}); install it, or put its folder on PYTHONPATH") from err
    factory = getattr(found, function, None)
    if not callable(factory):
        raise UsageError(f"{name}: module {module} has no function {function}")
    return factory(*arguments)
