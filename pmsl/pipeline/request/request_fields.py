"""The fields of a slice request, for who offers them elsewhere: a command line, a page of documentation."""

from __future__ import annotations

from functools import cache
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

import msgspec

from pmsl.pipeline.slice_request import SliceRequest


class RequestField(msgspec.Struct, frozen=True):
    """One field of `SliceRequest`.

    Attributes
    ----------
    name : str
    kind : type
        Without None: str, float, int, bool, list, dict, or a ``Literal``.
    default : object
        ``msgspec.NODEFAULT`` where it has to be said.
    text, metavar, path
        What is said of it; how a value is written, None where its kind says it; whether it is the path of a file.
    least, most : int or None
        Of an int.
    """

    name: str
    kind: Any
    default: Any
    text: str
    metavar: str | None
    path: bool
    least: int | None = None
    most: int | None = None


@cache
def request_fields() -> dict[str, RequestField]:
    """Return the fields of `SliceRequest` by name, in their order."""
    return {f.name: _field(f, f.type) for f in msgspec.structs.fields(SliceRequest)}


def _field(field: msgspec.structs.FieldInfo, hint: Any) -> RequestField:
    whole, *metas = get_args(hint)
    (own,) = (meta for meta in metas if meta.extra is not None)
    kinds = [kind for kind in get_args(whole) if kind is not NoneType] if NoneType in get_args(whole) else [whole]
    kind, *limits = get_args(kinds[0]) if get_origin(kinds[0]) is Annotated else kinds
    least, most = (limits[0].ge, limits[0].le) if limits else (None, None)
    default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    return RequestField(field.name, kind, default, own.description, own.extra["metavar"], own.extra["path"], least, most)
