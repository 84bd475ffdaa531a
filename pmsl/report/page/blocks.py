"""What stands inside a page: JSON that cannot end its element, and bytes as base64, deflated where that makes them shorter."""

from __future__ import annotations

import base64
from typing import Any, NamedTuple

import numpy as np

from pmsl.files.encodable import json_bytes

LEVEL = 3  # of ISA-L, its highest: the same bytes with the same version of it


class PageBlock(NamedTuple):
    """A named element of a page that holds text of its own: base64 or JSON, nothing that a parser of HTML could take for a tag."""

    name: str
    text: bytes


def json_text(item: Any) -> bytes:
    """Return JSON without ``<``, ``>`` and ``&``: whatever foreign text is in it, no parser of HTML sees a tag, a comment or an end."""
    plain = json_bytes(item)
    for sign, escaped in ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026")):
        plain = plain.replace(sign, escaped)
    return plain.replace("\u2028".encode(), b"\\u2028").replace("\u2029".encode(), b"\\u2029")


def packed(values: np.ndarray | bytes) -> bytes:
    """Return the zlib stream of bytes, or of the little-endian bytes of an array, row after row."""
    from isal import isal_zlib

    raw = values if isinstance(values, bytes) else np.ascontiguousarray(values, values.dtype.newbyteorder("<")).tobytes()
    data: bytes = isal_zlib.compress(raw, LEVEL)
    return data


def base64_text(data: bytes) -> bytes:
    """Return bytes as base64."""
    return base64.b64encode(data)
