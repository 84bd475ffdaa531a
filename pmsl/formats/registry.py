"""Which format a name or a path means."""

from __future__ import annotations

import re
from pathlib import Path

from pmsl.errors import UsageError

FORMATS = ("native",)


def choose(path: Path, name: str | None) -> str:
    """Return the format for writing `path`: by name, else by suffix (``.zip`` or none is native).

    Raises
    ------
    UsageError
        An unknown name, or a suffix that belongs to no format.
    """
    if name is not None:
        if name not in FORMATS:
            raise UsageError(f"format {name!r} is not known; known: {', '.join(FORMATS)} (a folder, or a .zip)")
        return name
    suffix = path.suffix.lower()
    if suffix != ".zip" and re.fullmatch(r"\.[a-z][a-z0-9]{0,7}", suffix):
        raise UsageError(
            f"{path.name}: no format writes {suffix!r} files; name a folder or a .zip, or say --format native to make a folder of that name"
        )
    return "native"
