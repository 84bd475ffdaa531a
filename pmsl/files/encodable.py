"""Text with names of files in it, as UTF-8: such a name may hold bytes that are no text, which are spelled out."""

from __future__ import annotations

from typing import Any

import msgspec


def encodable(text: str) -> str:
    r"""Return text that UTF-8 has bytes for: what has none stands as its escape, ``\udcff``."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def json_bytes(item: Any) -> bytes:
    """Return JSON as UTF-8, with all text as `encodable` has it."""
    try:
        return msgspec.json.encode(item)
    except UnicodeEncodeError:
        return msgspec.json.encode(_encodable(msgspec.to_builtins(item)))


def _encodable(item: Any) -> Any:
    if isinstance(item, str):
        return encodable(item)
    if isinstance(item, dict):
        return {_encodable(key): _encodable(value) for key, value in item.items()}
    return [_encodable(value) for value in item] if isinstance(item, (list, tuple)) else item
