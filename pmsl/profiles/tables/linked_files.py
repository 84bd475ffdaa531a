"""Measurements that lie in files beside a printer's TOML: read once and put into it, so that a profile is whole by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pmsl.errors import ProfileError
from pmsl.files.file_kind import HEAD, refusal
from pmsl.files.text_file import read_bytes
from pmsl.profiles.tables.flat_field_image import address_of

TABLES = {
    ("optics", "psf", "samples"): 2,
    ("optics", "flat_field", "grid"): 2,
    ("response", "table"): 1,
    ("optics", "distortion", "marks"): 2,
}  # and their dimensions
IMAGE = ("optics", "flat_field", "image")


def put_in(table: dict[str, Any], folder: Path, where: str) -> None:
    """Replace names of files by what they hold, in place.

    Parameters
    ----------
    table : dict
        A printer profile as read from TOML.
    folder : Path
        Names are relative to it.
    where : str
        File or name for messages.

    Raises
    ------
    ProfileError
        A file that cannot be read, or a text file that holds no table of numbers.
    """
    for place, dimensions in TABLES.items():
        holder = _holder(table, place)
        if holder is not None:
            holder["value"] = _numbers(folder / holder["value"], dimensions, f"{where}: {'.'.join(place)}")
    holder = _holder(table, IMAGE)
    if holder is not None and not holder["value"].startswith("data:"):
        holder["value"] = address_of(_bytes(folder / holder["value"], f"{where}: {'.'.join(IMAGE)}"))


def _holder(table: Any, place: tuple[str, ...]) -> dict[str, Any] | None:
    """The table at a place whose value is a text, if there is one."""
    for key in place:
        table = table.get(key) if isinstance(table, dict) else None
    return table if isinstance(table, dict) and isinstance(table.get("value"), str) else None


def _bytes(path: Path, where: str) -> bytes:
    try:
        return read_bytes(path)
    except OSError as err:
        raise ProfileError(f"{where}: file {path.name} cannot be read: {err.strerror or err}") from err


def _numbers(path: Path, dimensions: int, where: str) -> list:
    data = _bytes(path, where)
    try:
        lines = data.decode("utf-8-sig").replace(",", " ").replace(";", " ").splitlines()
        if not any(line.split("#")[0].strip() for line in lines):
            raise ProfileError(f"{where}: file {path.name} holds no number; expected rows of numbers")
        found = np.loadtxt(lines, dtype=np.float64, ndmin=2)
    except ValueError as err:
        other = refusal(f"{where}: file {path.name}", data[:HEAD], "a table of numbers")
        raise ProfileError(other or f"{where}: file {path.name} holds no table of numbers: {err}") from err
    if dimensions == 1 and min(found.shape) != 1:
        raise ProfileError(f"{where}: file {path.name} holds {found.shape[0]} × {found.shape[1]} numbers; expected one row or one column")
    return list(found.reshape(-1).tolist() if dimensions == 1 else found.tolist())
