"""Small files that people write, such as profiles and lists: read whole, and never a pipe, a device or something without an end."""

from __future__ import annotations

import errno
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

MOST_BYTES = 1 << 28  # of any such file
INTEGER_BITS = 64  # TOML's own limit


def read_bytes(path: str | Path, most: int = MOST_BYTES) -> bytes:
    """Return what is in an ordinary file.

    Parameters
    ----------
    path : str or Path
    most : int
        Bytes that are read.

    Raises
    ------
    OSError
        It cannot be read, is no ordinary file (a pipe would be waited for, a device may have no end), or is larger; `strerror` says it.
    """
    data = read_head(path, most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"more than {most} bytes", str(path))
    return data


def read_head(path: str | Path, size: int) -> bytes:
    """Return the first bytes of an ordinary file, `size` at most; raises as `read_bytes`."""
    with open(path, "rb", opener=_without_waiting) as file:
        found = os.fstat(file.fileno())
        if stat.S_ISDIR(found.st_mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "is no ordinary file", str(path))
        return file.read(size)


def read_text(path: str | Path, most: int = MOST_BYTES) -> str:
    r"""Return UTF-8 text, line ends as ``\n``; raises as `read_bytes`, and `UnicodeDecodeError`."""
    text = read_bytes(path, most).decode("utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def toml_tables(text: str) -> dict[str, Any]:
    """Return the tables of TOML text.

    Raises
    ------
    ValueError
        Not TOML, nested too deep, or a whole number of more bits than TOML's have; the message says where.
    """
    try:
        found = tomllib.loads(text)
    except RecursionError as err:
        raise ValueError("nested too deep") from err
    _check_integers(found, "")
    return found


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe that nobody writes to is opened, and then refused


def _check_integers(item: Any, place: str) -> None:
    if isinstance(item, dict):
        for key, value in item.items():
            _check_integers(value, f"{place}.{key}" if place else key)
    elif isinstance(item, list):
        for i, value in enumerate(item):
            _check_integers(value, f"{place}[{i}]")
    elif isinstance(item, int) and item.bit_length() >= INTEGER_BITS:
        raise ValueError(f"{place} is a whole number of {item.bit_length()} bits; TOML's have {INTEGER_BITS}, with the sign")
