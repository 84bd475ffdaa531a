"""Strict TOML → struct: unknown keys, wrong types and numbers that are not finite are refused with path and near match."""

from __future__ import annotations

import math
import re
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec

from pmsl.errors import PmslError, ProfileError
from pmsl.files.file_kind import HEAD, refusal
from pmsl.files.text_file import toml_tables
from pmsl.profiles.tables.strict_struct import Strict
from pmsl.profiles.tables.versions import check_declared

S = TypeVar("S", bound=msgspec.Struct)
ENDLESS = ".reach_um.value"  # may be inf


def parse(text: str, kind: type[S], where: str) -> S:
    """Read TOML text into `kind`.

    Parameters
    ----------
    text : str
    kind : type
        A `Strict` struct.
    where : str
        File or name for messages.

    Raises
    ------
    ProfileError
        Not TOML, an unknown key (with the near match), a missing key, a wrong type or a value out of range.
    """
    return build(tables(text, where), kind, where)


def tables(text: str, where: str) -> dict[str, Any]:
    """Read TOML text into plain dicts; raises `ProfileError` where it is not TOML."""
    try:
        return toml_tables(text)
    except ValueError as err:
        raise ProfileError(refusal(where, text[:HEAD].encode(), "TOML") or f"{where}: not valid TOML: {err}") from err


def build(table: Any, kind: type[S], where: str, error: type[PmslError] = ProfileError) -> S:
    """Turn plain dicts into `kind`; raises like `parse`, but `error`."""
    try:
        made = msgspec.convert(table, kind)
    except msgspec.ValidationError as err:
        place = _place(str(err))
        if isinstance(_value_at(table, place), (dict, list)):  # what does not go together may be a number that is none
            _refuse_not_finite(table, where, "", error)
        raise error(f"{where}: {_explain(str(err), table, kind)}") from err
    _refuse_not_finite(table, where, "", error)
    if "schema" in kind.__struct_fields__:
        check_declared(table, made, where, error)
    return made


def _place(message: str) -> str:
    """Return where a message of msgspec is about, as keys stand in TOML; nothing where it is the file."""
    path = re.search(r" - at `\$\.?(.*?)`$", message)
    return path.group(1) if path else ""


def _explain(message: str, table: Any, kind: Any) -> str:
    """Put msgspec's message in our words: which key, at which path, what it may be."""
    place = _place(message)
    unknown = re.search(r"unknown field `(.*?)`", message)
    if unknown:
        known = keys_of(_type_at(kind, place))
        import difflib

        near = difflib.get_close_matches(unknown.group(1), known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; known keys: {', '.join(known)}"
        return f"unknown key {unknown.group(1)!r}{_in(place)}{hint}"
    missing = re.search(r"missing required field `(.*?)`", message)
    if missing:
        return f"key {missing.group(1)!r} is missing{_in(place)}"
    text = message.split(" - at ")[0]
    if text.startswith("Invalid enum"):
        text = f"expected {' or '.join(map(_choice, get_args(_type_at(kind, place))))}"
    if text.startswith("Expected `object`"):
        text += '; write { value = …, class = "measured", source = "…" }'
    found = _value_at(table, place)
    shown = "" if isinstance(found, dict) else f" (found {found!r})"
    return f"{place or 'the file'}: {text[0].lower()}{text[1:]}{shown}"


def _choice(one: Any) -> str:
    """Return one of the things a value may be, in words."""
    if get_origin(one) is Literal:
        return " or ".join(map(repr, get_args(one)))
    return "a number" if unwrapped(one) is float else repr(one)


def _in(place: str) -> str:
    return f" in [{place}]" if place else ""


def _steps(place: str) -> list[str]:
    return [entry or key for entry, key in re.findall(r"\[(.*?)\]|([^.\[\]]+)", place)]  # "[...]" is any entry of a table


def _type_at(kind: Any, place: str) -> Any:
    for step in _steps(place):
        in_list = step.isdigit() or step == "..."
        kind = unwrapped(kind, in_list)
        if in_list:
            kind = get_args(kind)[1 if get_origin(kind) is dict else 0]  # of a table of tables: of its values
        else:
            kind = {f.encode_name: f.type for f in msgspec.structs.fields(kind)}[step]
    return unwrapped(kind)


def unwrapped(kind: Any, in_list: bool = False) -> Any:
    """Strip annotations, `None` or `UNSET` from an optional type, and of a table the text or (but `in_list`) the list it may be instead."""
    kind = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if get_origin(kind) not in (Union, UnionType):
        return kind
    kinds = [a for a in get_args(kind) if a not in (type(None), msgspec.UnsetType)]
    if len(kinds) == 1:
        return unwrapped(kinds[0])
    kinds = [unwrapped(a) for a in kinds]
    lists, tables = (
        [a for a in kinds if get_origin(a) in (list, tuple)],
        [a for a in kinds if isinstance(a, type) and issubclass(a, Strict)],
    )
    wanted = lists if in_list else tables
    return wanted[0] if len(wanted) == 1 else kind


def keys_of(kind: Any) -> list[str]:
    """Return the keys of a table, as they stand in TOML."""
    struct = get_origin(kind) or kind
    return [f.encode_name for f in msgspec.structs.fields(struct)]


def _value_at(table: Any, place: str) -> Any:
    for step in _steps(place):
        try:
            table = table[int(step)] if step.isdigit() else table[step]
        except (KeyError, IndexError, TypeError):
            return "…"
    return table


def _refuse_not_finite(item: Any, where: str, place: str, error: type[PmslError]) -> None:
    if isinstance(item, dict):
        for key, inner in item.items():
            _refuse_not_finite(inner, where, f"{place}.{key}" if place else key, error)
    elif isinstance(item, list):
        for i, inner in enumerate(item):
            _refuse_not_finite(inner, where, f"{place}[{i}]", error)
    elif isinstance(item, float) and not math.isfinite(item) and not (item == math.inf and place.endswith(ENDLESS)):
        raise error(f"{where}: {place} is {item}; expected a finite number")
