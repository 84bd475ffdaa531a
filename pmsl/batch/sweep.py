"""A grid over values: every combination, with words for its name."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from pmsl.errors import BatchError


def combinations(swept: dict[str, Any], where: str, most: int) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Yield each combination as words for its name, ``("layer_um=5", "dp_um=40")``, and its values by key.

    The last key changes fastest. Nothing swept is one combination without words.

    Raises
    ------
    BatchError
        A key without a list of values, or more than `most` combinations.
    """
    for key, values in swept.items():
        if not isinstance(values, list) or not values:
            raise BatchError(f"{where}: {key} is {values!r}; expected a list of values, as [5, 10, 20]")
    count = math.prod(len(values) for values in swept.values())
    if count > most:
        raise BatchError(f"{where}: {count} combinations; at most {most}: sweep over fewer values")
    labels = _labels(list(swept))
    for chosen in itertools.product(*swept.values()):
        words = tuple(f"{label}={value_word(value)}" for label, value in zip(labels, chosen, strict=True))
        yield words, dict(zip(swept, chosen, strict=True))


def _labels(keys: list[str]) -> list[str]:
    """Return the last part of each dotted name, or all of it where two end alike."""
    short = [key.rpartition(".")[2] for key in keys]
    return [key if short.count(last) > 1 or last.isdigit() else last for key, last in zip(keys, short, strict=True)]


def value_word(value: Any) -> str:
    """Write a value so that it can stand in a file's name."""
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, list):
        text = "-".join(value_word(v) for v in value) or "none"
    elif isinstance(value, str) and ("/" in value or "\\" in value or re.search(r"\.(toml|stl|obj|ply|3mf)$", value, re.IGNORECASE)):
        text = PurePath(value.replace("\\", "/")).stem
    elif isinstance(value, dict):
        text = "-".join(f"{key}-{value_word(v)}" for key, v in value.items())
    else:
        text = str(value)
    return re.sub(r"[^\w.+-]+", "-", text).strip(".-") if not isinstance(value, (int, float)) else text
