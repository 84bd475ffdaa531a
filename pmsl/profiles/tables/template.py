"""A profile as TOML that names every key of its schema, to save, edit and pass back by path."""

from __future__ import annotations

import textwrap
from typing import Any

import msgspec

from pmsl.profiles.tables.keys import ProfileKey, keys_of_struct, summary
from pmsl.profiles.tables.strict_struct import Strict
from pmsl.profiles.tables.toml_text import toml_value
from pmsl.profiles.tables.versions import newest

WIDTH = 120
EXPLAINED = """\
# {kind}
#
#   # key = value      is the default: without the "# " it says the same.
#   ## key = value     is left out, and the value is an example.
#
# A physical value says where it comes from: its class is "measured" (on this machine, of this resin), "published" or "placeholder"
# (only plausible: a job that rests on one says that it is not calibrated).
"""
SOURCED = 'class = "placeholder", source = "say where it comes from"'


def template(profile: Strict) -> str:
    """Return a profile as TOML that names every key, with meaning, unit, limits and default.

    Parameters
    ----------
    profile : Printer, Resin or Process

    Returns
    -------
    str
        Read again it is the same profile. Keys that have their default are commented out with ``# ``; keys that are left out,
        and have no default that could be written, with ``## `` and an example.
    """
    word = str(getattr(profile, "schema", "")).rpartition("/")[0]
    kind = f"A {word.rpartition('.')[2]} of pmsl; every key it can have."
    lines = [EXPLAINED.format(kind=kind)]
    _write_table(lines, type(profile), profile, "", "")
    return "\n".join(lines) + "\n"


def _write_table(lines: list[str], struct: type[msgspec.Struct], item: Any, place: str, comment: str) -> None:
    """Write the keys of a table, then the tables in it; `item` is None where the table is left out."""
    keys = keys_of_struct(struct)
    for key in keys:
        if key.table is None or key.sourced:
            _write_key(lines, key, item, comment)
    for key in keys:
        if key.table is None or key.sourced:
            continue
        inner, default = (None if v is msgspec.UNSET else v for v in (getattr(item, key.name, None), key.default))
        inside = f"{place}.{key.name}" if place else key.name
        if isinstance(inner, (list, tuple)):
            for one in inner:
                _write_head(lines, f"[[{inside}]]", key)
                _write_table(lines, key.table, one, inside, "")
            continue
        absent = default is None and inner is None
        marked = "## " if absent or comment == "## " else "# " if inner == default else ""
        _write_head(lines, f"[[{inside}]]" if key.many else f"[{inside}]", key, marked)
        _write_table(lines, key.table, default if inner is None else inner, inside, marked)


def _write_head(lines: list[str], head: str, key: ProfileKey, comment: str = "") -> None:
    """Write the head of a table under what the table is."""
    assert key.table is not None
    _explain(lines, summary(key.table).partition("\n\n")[0])
    lines.append(comment + head)


def _write_key(lines: list[str], key: ProfileKey, item: Any, comment: str) -> None:
    """Write one key under what it means: as the profile has it, as its default, or as an example."""
    value = getattr(item, key.name, key.default)
    if value is None or value is msgspec.UNSET:
        example = key.example if not key.sourced else f"{{ value = {key.example}, {SOURCED} }}"
        _explain(lines, _meaning(key, ""))
        lines.append(f"## {key.name} = {example}")
        return
    if key.name == "schema":
        lines.append(f"schema = {toml_value(newest(item))}")
        return
    same = not key.required and value == key.default
    _explain(lines, _meaning(key, "" if same or key.required else _default_text(key)))
    lines.append(f"{comment or ('# ' if same else '')}{key.name} = {toml_value(msgspec.to_builtins(value))}")


def _meaning(key: ProfileKey, default: str) -> str:
    """Return what a key means, its unit, choices, limits and default."""
    unit = "" if key.stated_unit else key.unit
    facts = "; ".join(filter(None, (unit, key.choices_text, key.limits_text, default, key.version_text)))
    return f"{key.meaning} ({facts})" if facts else key.meaning


def _default_text(key: ProfileKey) -> str:
    return "by default left out" if key.default is None else f"default {toml_value(msgspec.to_builtins(key.default))}"


def _explain(lines: list[str], text: str) -> None:
    lines.append("")
    lines.extend(textwrap.wrap(text, WIDTH, initial_indent="#   ", subsequent_indent="#   ", break_long_words=False))
