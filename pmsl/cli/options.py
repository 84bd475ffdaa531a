"""Options that several commands have, as decorators; a command shows them in the order they stand above it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar, get_args, get_origin

import click
from click.core import ParameterSource
from msgspec import NODEFAULT

from pmsl.errors import UsageError
from pmsl.pipeline.request.request_fields import RequestField, request_fields

F = TypeVar("F", bound=Callable[..., Any])

FILE = click.Path(readable=False)  # any name, for shells that complete it: who opens the file says what is wrong with it


def option(name: str, **changes: Any) -> Callable[[F], F]:
    """Return the option of a field of `SliceRequest`: its default, its kind and its help are those of the field.

    Parameters
    ----------
    name : str
        Of the field.
    **changes
        What is otherwise with one command, as `click.option` takes it.
    """
    field = request_fields()[name]
    made: dict[str, Any] = {"help": field.text, "metavar": field.metavar, "type": _type_of(field)}
    if field.kind is bool:
        made |= {"is_flag": True, "type": None}
    elif isinstance(field.default, list):
        made |= {"multiple": True, "callback": lambda _context, _option, values: list(values)}
    elif field.default not in (None, NODEFAULT):
        made |= {"default": field.default, "show_default": True}
    return click.option(f"--{name.replace('_', '-')}", **made | changes)


def _type_of(field: RequestField) -> Any:
    """Return what click reads a field as."""
    if get_origin(field.kind) is Literal:
        return click.Choice(get_args(field.kind))
    if field.kind is int:
        return click.IntRange(min=field.least, max=field.most)
    return FILE if field.path else field.kind if field.kind is float else None


def options(*names: str) -> Callable[[F], F]:
    """Return a decorator that adds the options of some fields of `SliceRequest`; help lists them in this order."""

    def add(command: F) -> F:
        for name in reversed(names):
            command = option(name)(command)
        return command

    return add


profiles = options(
    "printer",
    "resin",
    "process",
    "layer_um",
    "layer_heights",
    "exposure_s",
    "bottom_dose_factors",
    "xy_offset_um",
    "bottom_xy_offset_um",
    "pitch_um",
    "field",
)  # printer, resin and process, and what overrides them
doses = options("dose_scale", "region", "regions")  # doses of parts and places


def panel(command: F) -> F:
    """Add the options that say what panel a job's frames are for, as `panel_options` reads them."""
    command = option("field", help="Pixels of the frames of a file that does not say them.")(command)
    command = option("pitch_um", help="Pixel pitch at the image plane of a file that does not say it [µm].")(command)
    return option("printer", help="Library name or TOML file: the printer of a file that does not say its pixels.")(command)


def panel_options(printer: str | None, pitch_um: str | None, field: str | None) -> dict[str, Any]:
    """Return the options of `panel` as `pmsl.read` and `pmsl.verify` take them."""
    from pmsl.pipeline.request.option_parsing import field_px
    from pmsl.pipeline.request.option_parsing import pitch_um as read_pitch_um
    from pmsl.profiles import find_printer

    return {
        "printer": None if printer is None else find_printer(printer),
        "pitch_um": read_pitch_um(pitch_um),
        "field": field_px(field),
    }


def refuse_options(context: click.Context, names: Iterable[str], why: str) -> None:
    """Refuse options that would change nothing; raises `UsageError` where one of `names` was given.

    Parameters
    ----------
    context : click.Context
    names : iterable of str
        Of parameters.
    why : str
        Why they would not, and what to do.
    """
    unset = (None, ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)
    given = [name for name in names if context.get_parameter_source(name) not in unset]
    if given:
        raise UsageError(f"{', '.join(f'--{name}'.replace('_', '-') for name in sorted(given))}: {why}")


json = click.option("--json", "as_json", is_flag=True, help="Machine-readable result on standard output.")
