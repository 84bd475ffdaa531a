"""Single values of profiles by dotted name, as a parameter study changes them: ``resin.dp_um``, ``process.motion.settle_s``."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from pmsl.errors import ProfileError
from pmsl.profiles.printer import Printer
from pmsl.profiles.process import Process
from pmsl.profiles.resin import Resin
from pmsl.profiles.tables.schema import build, keys_of, unwrapped
from pmsl.profiles.tables.strict_struct import Value
from pmsl.profiles.tables.versions import newest

P = TypeVar("P", Printer, Resin, Process)
KINDS: dict[str, Any] = {"printer": Printer, "resin": Resin, "process": Process}
SOURCE = "chosen for this job"
INSTEAD = {  # what a value replaces, as the option of its name does
    "process.layer_um": "process.layers",
    "process.exposure_s": "process.margin_um",
    "process.margin_um": "process.exposure_s",
}


def with_values(printer: Printer, resin: Resin, process: Process, values: Mapping[str, Any]) -> tuple[Printer, Resin, Process]:
    """Return the profiles with other values.

    Parameters
    ----------
    printer, resin, process : profile
    values : mapping
        Dotted name → value: the profile's kind, then the keys of its TOML, ``process.layer_um``, ``printer.optics.psf.sigma_um``,
        numbers for places in a list. ``resin.dp_um`` is short for ``resin.resin.dp_um``. A plain number for a physical value is a
        choice, not a measurement: its class becomes placeholder, unless it is what the profile says anyway.

    Raises
    ------
    ProfileError
        No such value, with the near match, or one that the profile cannot have.
    """
    for name, other in INSTEAD.items():
        if INSTEAD.get(other) == name and name in values and other in values:
            raise ProfileError(f"{name} and {other} are both changed: they exclude each other, change one of the two")
    for name, value in values.items():
        check_name(name)
        kind, _, rest = name.partition(".")
        if kind == "printer":
            printer = _changed(printer, name, rest, value)
        elif kind == "resin":
            resin = _changed(resin, name, rest, value)
        else:
            process = _changed(process, name, rest, value)
    return printer, resin, process


def check_name(name: str) -> None:
    """Refuse a dotted name that no profile of any machine or resin can have; raises `ProfileError` with the near match."""
    word, _, rest = name.partition(".")
    if word not in KINDS or not rest:
        near = difflib.get_close_matches(word, KINDS, n=1)
        hint = f"; did you mean {near[0] + '.' + rest!r}?" if near and rest else ""
        raise ProfileError(f"{name!r} is no value of a profile: it begins with printer., resin. or process., as process.layer_um{hint}")
    kind: Any = KINDS[word]
    for step in _steps(kind, word, rest):
        kind = _inner(kind, step, name)


def _steps(kind: Any, word: str, rest: str) -> list[str]:
    """Return the keys of a name; ``resin.dp_um`` is short for ``resin.resin.dp_um``."""
    steps = rest.split(".")
    return [word, *steps] if steps[0] not in keys_of(kind) and word in keys_of(kind) else steps


def _changed(profile: P, name: str, rest: str, value: Any) -> P:
    table: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(profile))  # lists, no tuples
    where = f"{name} = {value!r}"
    place: Any = table
    kind: Any = type(profile)
    steps = _steps(kind, name.partition(".")[0], rest)
    for step in steps[:-1]:
        kind = _inner(kind, step, name)
        place = _entered(place, step, name)
    last = steps[-1]
    inner = _inner(kind, last, name)
    if _is_value(inner) and not isinstance(value, dict):
        value = _as_value(place.get(last), value)
    if isinstance(place, list):
        _entered(place, last, name)
        place[int(last)] = value
    else:
        place[last] = value
    if name in INSTEAD and value is not None:
        table.pop(INSTEAD[name].partition(".")[2], None)
    return build({**table, "schema": newest(profile)}, type(profile), where)


def _inner(kind: Any, step: str, name: str) -> Any:
    """Return the type of a key, or of an item of a list."""
    kind = unwrapped(kind, step.isdigit())
    if step.isdigit() and not _is_table(kind) and get_args(kind):
        return get_args(kind)[0]
    known = keys_of(kind) if _is_table(get_origin(kind) or kind) else []
    if step not in known:
        near = difflib.get_close_matches(step, known, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}" if known else "nothing lies below it"
        raise ProfileError(f"{name!r} is no value of a profile: {step!r} is not known there; {hint}")
    return {f.encode_name: f.type for f in msgspec.structs.fields(get_origin(kind) or kind)}[step]


def _entered(place: Any, step: str, name: str) -> Any:
    """Return what lies at a key or place; an optional table that the profile leaves out cannot be entered."""
    if isinstance(place, list):
        if not step.isdigit() or int(step) >= len(place):
            raise ProfileError(f"{name!r}: there is no place {step} in a list of {len(place)}; they are counted from 0")
        return place[int(step)]
    if place.get(step) is None:
        raise ProfileError(f"{name!r}: the profile has no [{step}]; write that table into a profile of your own and name it")
    return place[step]


def _is_table(kind: Any) -> bool:
    """Tell whether a type is that of a table."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _is_value(kind: Any) -> bool:
    kind = unwrapped(kind)
    return (get_origin(kind) or kind) is Value


def _as_value(before: Any, value: Any) -> Any:
    """Return a physical value; what the profile says anyway keeps its source."""
    said = before.get("value") if isinstance(before, dict) else None
    if said is not None and said == value:
        return before
    return {"value": value, "class": "placeholder", "source": SOURCE}
