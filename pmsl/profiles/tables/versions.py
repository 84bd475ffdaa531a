"""The version of a schema: the lowest that has every key which is used. The one place that decides it, for profiles, jobs and batches.

A struct names its newer keys in `SINCE`, and in `NESTED` the fields whose structs have any; a newer key is `msgspec.UNSET` where it is
not used, and then it is not written. What is newer than its key, as a list where version 1 has a number, a struct adds in `own_version`.
A struct with a `schema` calls `set_schema` when it is made, so that what uses nothing new is written, byte for byte, as it was before;
`check_declared` refuses a file that uses more than it declares.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from pmsl.errors import PmslError
from pmsl.profiles.tables.strict_struct import Strict, Value


def version(item: Any) -> int:
    """Return the lowest version that has all keys which a struct, and those inside it, use; 1 for anything else."""
    if isinstance(item, (list, tuple)):
        return max(map(version, item), default=1)
    if not isinstance(item, Strict):
        return 1
    return max([item.own_version(), *(version(getattr(item, name)) for name in item.NESTED)])


def set_schema(item: Any) -> None:
    """Give a struct the schema of its version; called when it is made, before anybody else sees it."""
    word, _, declared = item.schema.partition("/")
    found = str(version(item))
    if declared != found:
        msgspec.structs.force_setattr(item, "schema", f"{word}/{found}")


def newest(item: Any) -> str:
    """Return the schema of the newest version that structs of this kind can have: what is changed in a file's text may use it."""
    return str(get_args(next(f.type for f in msgspec.structs.fields(item) if f.name == "schema"))[-1])


def check_declared(table: Any, made: Any, where: str, error: type[PmslError]) -> None:
    """Refuse a table that uses keys which the version it declares does not have, itself or in a table with a schema inside it."""
    declared = table.get("schema", made.schema)
    if declared != made.schema and _number(declared) < _number(made.schema):
        names = ", ".join(dict.fromkeys(newer(made, _number(declared))))
        raise error(f"{where}: {names} came with {made.schema}; write schema = {made.schema!r} instead of {declared!r}")
    for name, key in zip(made.__struct_fields__, made.__struct_encode_fields__, strict=True):
        inner = getattr(made, name)
        if isinstance(inner, Strict) and "schema" in inner.__struct_fields__:
            check_declared(table[key], inner, f"{where}: {key}", error)


def newer(item: Any, than: int, place: str = "") -> Iterator[str]:
    """Yield what of a struct is newer than a version, as dotted names."""
    if isinstance(item, (list, tuple)):
        for inner in item:
            yield from newer(inner, than, place)
        return
    keys = [name for name, since in item.SINCE.items() if since > than and getattr(item, name) is not msgspec.UNSET]
    yield from (f"{place}{name}" for name in keys)
    values = [f"{place}{name}.sd" for name in item.__struct_fields__ if than < 2 and _states_sd(getattr(item, name))]
    yield from values
    if not keys and not values and item.own_version() > than:
        what = item.newer_value()
        yield f"{what} in {place.rstrip('.')}" if place else what
    for name in item.NESTED:
        if version(getattr(item, name)) > than:
            yield from newer(getattr(item, name), than, f"{place}{name}.")


def _states_sd(value: Any) -> bool:
    return isinstance(value, Value) and value.sd is not msgspec.UNSET


def _number(schema: str) -> int:
    return int(schema.rpartition("/")[2])
