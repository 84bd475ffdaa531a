"""Values as TOML writes them in one line."""

from __future__ import annotations

import json
from typing import Any


def toml_value(value: Any) -> str:
    """Write a value in one line: text, numbers, truth values, lists, and dicts as inline tables.

    Parameters
    ----------
    value : str, bool, int, float, list, tuple or dict
        Keys of dicts are names that TOML takes without quotes.
    """
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml_value(inner)}" for key, inner in value.items()) + " }" if value else "{}"
    return "[" + ", ".join(map(toml_value, value)) + "]"
