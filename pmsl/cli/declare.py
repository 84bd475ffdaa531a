"""Functions with annotated parameters → click commands, in typer's words.

typer itself loads pydantic, which takes longer than to slice a small part; click takes a hundredth of a second. A command's
click form is made when it is called for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from click import Abort, ClickException, Command, Context, FloatRange, Group, IntRange, Parameter, ParamType, echo
from click import Argument as ClickArgument
from click import Choice as ClickChoice
from click import Option as ClickOption
from click.exceptions import Exit

__all__ = ["Abort", "Argument", "ClickException", "Context", "Exit", "Option", "Typer", "echo"]

F = TypeVar("F", bound=Callable[..., Any])


class Option:
    """Names of an option, and what click is to know of it; one that is a list may be given again."""

    def __init__(self, *names: str, min: float | None = None, **facts: Any) -> None:
        self.names, self.min, self.facts = names, min, facts

    def parameter(self, name: str, kind: Any, default: Any) -> Parameter:
        """Return the click option that fills the function's parameter `name`."""
        given: dict[str, Any] = {"is_flag": True} if kind is bool else {"type": _type(kind, self.min)}
        rest: dict[str, Any] = {"required": True}
        if default is not inspect.Parameter.empty:
            shown = kind is not bool and default is not None
            rest = {"default": default.value if isinstance(default, Enum) else default, "show_default": shown}
        if list in (get_origin(k) for k in (kind, *get_args(kind))):
            given["multiple"] = True
        own = self.facts.get("callback")
        called = {"callback": lambda context, parameter, value: own(value)} if own else {}
        return ClickOption([*self.names, name], **given, **rest, **(self.facts | called))


class Argument:
    """A word of the command line; a list takes as many as there are, but one."""

    def __init__(self, *, help: str, metavar: str) -> None:
        self.help, self.metavar = help, metavar

    def parameter(self, name: str, kind: Any, default: Any) -> Parameter:
        """Return the click argument that fills the function's parameter `name`."""
        many = get_origin(kind) is list
        return ClickArgument([name], nargs=-1 if many else 1, required=True, metavar=self.metavar, help=self.help)


class _Names(ClickChoice):
    """The values of an enumeration; gives its member."""

    def __init__(self, kind: type[Enum]) -> None:
        super().__init__([member.value for member in kind])
        self._kind = kind

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        return value if isinstance(value, self._kind) else self._kind(super().convert(value, param, ctx))


def _type(kind: Any, least: float | None) -> ParamType | type:
    """Return click's type for a Python one."""
    kind = next((k for k in get_args(kind) if k is not type(None)), kind)
    if get_origin(kind) is list:
        kind = get_args(kind)[0]
    if issubclass(kind, Enum):
        return _Names(kind)
    if least is not None:
        return IntRange(min=int(least)) if kind is int else FloatRange(min=least)
    return kind if isinstance(kind, type) else str


class _Group(Group):
    """A group whose commands are made when they are asked for."""

    def __init__(self, **facts: Any) -> None:
        super().__init__(**facts)
        self.functions: dict[str, Callable[..., Any]] = {}

    def list_commands(self, ctx: Context) -> list[str]:
        """Return the names in the order they were given."""
        return list(self.commands)

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """Return the command, made at first."""
        function = self.functions.pop(cmd_name, None)
        if function is not None:
            made = _parameters(function)
            self.commands[cmd_name] = Command(cmd_name, callback=_called(function), params=made, help=inspect.getdoc(function))
        return super().get_command(ctx, cmd_name)


class Typer:
    """A group of commands, written as functions."""

    def __init__(self, **facts: Any) -> None:
        self._group = _Group(**facts)

    def __call__(self, **how: Any) -> Any:
        """Read the command line and run its command."""
        return self._group.main(**how)

    def command(self, name: str) -> Callable[[F], F]:
        """Mark a function as the command `name`."""

        def keep(function: F) -> F:
            self._group.functions[name] = function
            self._group.commands[name] = Command(name)
            return function

        return keep

    def callback(self, invoke_without_command: bool = False) -> Callable[[F], F]:
        """Mark a function as what the group itself does."""

        def keep(function: F) -> F:
            self._group.callback = _called(function)
            self._group.params = _parameters(function)
            self._group.invoke_without_command = invoke_without_command
            self._group.no_args_is_help = self._group.no_args_is_help and not invoke_without_command
            return function

        return keep

    def add_typer(self, group: Typer, name: str) -> None:
        """Put a group inside."""
        self._group.add_command(group._group, name)


def _parameters(function: Callable[..., Any]) -> list[Parameter]:
    """Make the click parameters of a function."""
    hints = get_type_hints(function, include_extras=True)
    made = []
    for name, parameter in inspect.signature(function).parameters.items():
        if get_origin(hints[name]) is Annotated:
            kind, asked = get_args(hints[name])
            made.append(asked.parameter(name, kind, parameter.default))
    return made


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what click calls: lists are lists, and the context goes to the parameter that is one."""
    from click import get_current_context

    def call(**values: Any) -> Any:
        given = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
        if "context" in inspect.signature(function).parameters:
            given["context"] = get_current_context()
        return function(**given)

    return call
