"""What the keys of a schema are, read off its structs: type, unit, default, limits, and the meaning their docstrings or annotations state.

The templates of `pmsl profiles show` and the reference of all keys (docs/keys.md) are made from it.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, get_origin

import msgspec
import msgspec.inspect as mi

from pmsl.profiles.tables.strict_struct import Value

UNITS = {  # ends of names; longer ones first
    "_mw_cm2": "mW/cm²",
    "_mj_cm2": "mJ/cm²",
    "_cm2_mj": "cm²/mJ",
    "_um_s2": "µm/s²",
    "_um_s": "µm/s",
    "_um2": "µm²",
    "_um3": "µm³",
    "_um": "µm",
    "_n_m": "N/m",
    "_kpa": "kPa",
    "_nm": "nm",
    "_px": "pixels",
    "_pitch": "pixels",
    "_deg": "°",
    "_s": "s",
}
STATED = r" ?\[(µm² per µm|µm[²³]?|pixels|s|mW/cm²)[\];]"  # a unit in brackets, in a text


@dataclass(frozen=True, slots=True)
class ProfileKey:
    """One key of a table.

    Attributes
    ----------
    name : str
        As it stands in TOML.
    kind : msgspec.inspect.Type
        Its type, without what stands for "left out", and without the source around a physical value.
    required : bool
        Whether it must be there.
    default : object
        What it is where it is left out; None if nothing stands for it.
    sourced : bool
        Whether it is a physical value, written ``{ value = …, class = "…", source = "…" }``.
    meaning : str
        From the docstring of its struct, or the description of its annotation.
    example : str
        A value in TOML, for keys that have no default; else empty.
    since : int
        Version of the schema that it came with.
    """

    name: str
    kind: Any
    required: bool
    default: Any
    sourced: bool
    meaning: str
    example: str
    since: int = 1

    @property
    def table(self) -> type[msgspec.Struct] | None:
        """The struct of the table it is, or of the tables of a list."""
        kind = self.kind.item_type if isinstance(self.kind, mi.ListType) else self.kind
        return kind.cls if isinstance(kind, mi.StructType) else None

    @property
    def many(self) -> bool:
        """Whether it is a list of tables, ``[[…]]`` in TOML."""
        return isinstance(self.kind, mi.ListType) and self.table is not None

    @property
    def unit(self) -> str:
        """Its unit, in brackets in its meaning or by the end of its name; empty where it has none."""
        return self.stated_unit or next((unit for end, unit in UNITS.items() if self.name.endswith(end)), "")

    @property
    def stated_unit(self) -> str:
        """The unit that its meaning states in brackets; else empty."""
        stated = re.search(STATED, self.meaning)
        return stated[1] if stated else ""

    @property
    def version_text(self) -> str:
        """The version it came with, where that is not the first."""
        return f"version {self.since}" if self.since > 1 else ""

    @property
    def type_text(self) -> str:
        """Its type in words."""
        return _type_text(self.kind)

    @property
    def choices_text(self) -> str:
        """The texts it may be, or that may stand in its list; empty where any may."""
        kind = getattr(self.kind, "item_type", self.kind)
        return _type_text(kind) if isinstance(kind, mi.LiteralType) and len(kind.values) > 1 else ""

    @property
    def limits_text(self) -> str:
        """Its limits, ``> 0, ≤ 10``; empty where it has none."""
        return _limits_text(self.kind)


def keys_of_struct(struct: type[msgspec.Struct]) -> list[ProfileKey]:
    """Return the keys of a table, in the order of its struct."""
    stated = documented(struct)
    keys = []
    for field in mi.type_info(struct).fields:  # type: ignore[attr-defined]
        described = _description(field.type)
        kind, sourced = _without_source(_present(field.type))
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        meaning, example = stated.get(field.name, (described, ""))
        keys.append(
            ProfileKey(
                name=field.encode_name,
                kind=kind,
                required=field.required,
                default=None if default is msgspec.NODEFAULT else default,
                sourced=sourced,
                meaning=meaning,
                example=example,
                since=getattr(struct, "SINCE", {}).get(field.name, 1),
            )
        )
    return keys


@cache
def documented(struct: type) -> dict[str, tuple[str, str]]:
    """Return meaning and example of each attribute in a numpydoc docstring; ``e.g. VALUE`` ends the line of its type."""
    text = inspect.getdoc(struct) or ""
    section = re.search(r"^Attributes\n-+\n(.*?)(?=^\w+\n-+\n|\Z)", text, re.S | re.M)
    entries: dict[str, tuple[str, str]] = {}
    for head, body in re.findall(r"^(\w.*?) : (?=.)(.*(?:\n(?: .*)?)*)", section[1], re.M) if section else ():
        kind, *lines = body.splitlines()
        example = kind.partition("e.g. ")[2]
        meaning = " ".join(line.strip() for line in lines if line.strip())
        entries.update((name, (meaning, example)) for name in head.split(", "))
    return entries


def summary(struct: type) -> str:
    """Return what the docstring of a struct says before its sections, in one line a paragraph."""
    text = re.split(r"^\w+\n-+\n", inspect.getdoc(struct) or "", maxsplit=1, flags=re.M)[0].strip()
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def _description(kind: Any) -> str:
    """Return what an annotation says of a field; empty where it says nothing."""
    return str((kind.extra_json_schema or {}).get("description", "")) if isinstance(kind, mi.Metadata) else ""


def _present(kind: Any) -> Any:
    """Return a type without None, and without what is only said of it."""
    if isinstance(kind, mi.Metadata):
        return _present(kind.type)
    if isinstance(kind, mi.UnionType):
        left = tuple(one for one in kind.types if not isinstance(one, mi.NoneType))
        return left[0] if len(left) == 1 else mi.UnionType(left)
    return kind


def _without_source(kind: Any) -> tuple[Any, bool]:
    if isinstance(kind, mi.StructType) and (get_origin(kind.cls) or kind.cls) is Value:
        return kind.fields[0].type, True
    return kind, False


def _type_text(kind: Any) -> str:
    plain: dict[type, str] = {
        mi.FloatType: "number",
        mi.IntType: "whole number",
        mi.StrType: "text",
        mi.BoolType: "true or false",
        mi.AnyType: "any value",
    }
    if type(kind) in plain:
        return plain[type(kind)]
    if isinstance(kind, mi.LiteralType):
        return ", ".join(f'"{value}"' if isinstance(value, str) else str(value) for value in kind.values)
    if isinstance(kind, mi.TupleType):
        return f"[{', '.join(map(_type_text, kind.item_types))}]"
    if isinstance(kind, (mi.ListType, mi.VarTupleType)):
        return f"list of {_type_text(kind.item_type)}"
    if isinstance(kind, mi.StructType):
        inner = ", ".join(field.encode_name for field in kind.fields)
        return f"table of {inner}"
    if isinstance(kind, mi.DictType):
        return "table"
    assert isinstance(kind, mi.UnionType), kind
    return " or ".join(map(_type_text, kind.types))


def _limits_text(kind: Any) -> str:
    if isinstance(kind, (mi.FloatType, mi.IntType)):
        signs = ((">", kind.gt), ("≥", kind.ge), ("<", kind.lt), ("≤", kind.le))
        return ", ".join(f"{sign} {limit:,.15g}".replace(",", " ") for sign, limit in signs if limit is not None)
    if isinstance(kind, mi.TupleType):
        each = [_limits_text(one) for one in kind.item_types]
        return (each[0] if len(set(each)) == 1 else "; ".join(each)) if any(each) else ""
    if isinstance(kind, (mi.ListType, mi.VarTupleType)):
        many = "" if kind.max_length is None else f"at most {kind.max_length:,} of them".replace(",", " ")
        return "; ".join(filter(None, (_limits_text(kind.item_type), many)))
    if isinstance(kind, mi.UnionType):
        each = list(dict.fromkeys(filter(None, map(_limits_text, kind.types))))
        longest = max(each, key=len, default="")
        return longest if all(longest.startswith(one) for one in each) else "; ".join(each)
    if isinstance(kind, mi.StructType):
        return ", ".join(f"{field.encode_name} {limits}" for field in kind.fields if (limits := _limits_text(_present(field.type))))
    return ""
