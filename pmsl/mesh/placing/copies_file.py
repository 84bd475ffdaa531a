"""A list of copies as a file: TOML with a table ``[[copies]]`` for each, or CSV with a line for each."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from pmsl.errors import PmslError, UsageError
from pmsl.files.file_kind import HEAD, refusal
from pmsl.files.text_file import read_text
from pmsl.mesh.placing.copies import MOST, Copy, PackedCopy
from pmsl.profiles.tables.schema import build, parse
from pmsl.profiles.tables.strict_struct import Strict

MOST_BYTES = 1 << 23
NUMBERS = ("x_um", "y_um", "rotate_deg", "dose_scale")
AnyCopy = TypeVar("AnyCopy", Copy, PackedCopy)


class CopyList(Strict, frozen=True, kw_only=True):
    """The whole of a TOML file."""

    copies: list[Copy]


class PackedList(Strict, frozen=True, kw_only=True):
    """The same of copies that are packed."""

    copies: list[PackedCopy]


def read_copies(path: Path) -> list[Copy]:
    """Read a list of copies; see `read_list`."""
    return read_list(path, Copy)


def read_list(path: Path, kind: type[AnyCopy]) -> list[AnyCopy]:
    """Read a list of copies.

    Parameters
    ----------
    path : Path
        ``.toml`` or ``.csv``; columns of a CSV file are named in its first line.
    kind : type
        `Copy`, which says where it goes, or `PackedCopy`, which is placed by packing.

    Returns
    -------
    list of `kind`

    Raises
    ------
    UsageError
        The file cannot be read, is of another kind, or says something no copy has; the message says where.
    """
    if path.suffix.lower() not in (".toml", ".csv"):
        raise UsageError(f"--copies {path}: a list of copies is a .toml or .csv file; an array is like 4x3")
    try:
        text = read_text(path, MOST_BYTES)
    except (OSError, UnicodeDecodeError) as err:
        why = err.strerror if isinstance(err, OSError) and err.strerror else "not UTF-8 text"
        if isinstance(err, UnicodeDecodeError) and (other := refusal(f"--copies {path}", err.object[:HEAD], "a list of copies")):
            raise UsageError(other) from err
        raise UsageError(f"--copies {path}: cannot be read ({why})") from err
    try:
        if path.suffix.lower() == ".toml":
            whole: Any = parse(text, CopyList, str(path)) if kind is Copy else parse(text, PackedList, str(path))
            copies: list[AnyCopy] = whole.copies
        else:
            copies = _of_csv(text, str(path), kind)
    except PmslError as err:
        raise UsageError(refusal(f"--copies {path}", text[:HEAD].encode(), "a list of copies") or f"--copies {err}") from None
    if not copies:
        said = "give x_um and y_um of at least one" if kind is Copy else "give dose_scale or label of at least one"
        raise UsageError(f"--copies {path}: no copy in it; {said}")
    return copies


def _of_csv(text: str, where: str, kind: type[AnyCopy]) -> list[AnyCopy]:
    rows = csv.reader(io.StringIO(text), skipinitialspace=True)
    head = [word.strip() for word in next(rows, [])]
    fields = msgspec.structs.fields(kind)
    needed: list[str] = [f.name for f in fields if f.required]
    others: list[str] = [f.name for f in fields if not f.required]
    if set(head) - {*needed, *others} or len(set(head)) < len(head) or not set(needed) <= set(head) or not head:
        first = f"{','.join(needed)} and, as needed, " if needed else "any of "
        why = "" if needed else "; packed parts are placed by themselves"
        raise UsageError(
            f"{where}: its first line is {','.join(head)!r}; expected names of columns, separated by commas: {first}"
            f"{','.join(others)}, each once{why}"
        )
    copies: list[AnyCopy] = []
    for row in rows:
        if any(cell.strip() for cell in row):
            if len(copies) == MOST:
                raise UsageError(f"{where}, line {rows.line_num}: more than {MOST} copies; at most {MOST} fit a job")
            copies.append(_of_row(head, row, f"{where}, line {rows.line_num}", kind))
    return copies


def _of_row(head: list[str], row: list[str], where: str, kind: type[AnyCopy]) -> AnyCopy:
    if len(row) > len(head):
        raise UsageError(f"{where}: {len(row)} values for {len(head)} columns")
    table: dict[str, object] = {}
    for name, cell in zip(head, row, strict=False):
        if not (word := cell.strip()):
            continue
        try:
            table[name] = float(word) if name in NUMBERS else word
        except ValueError:
            raise UsageError(f"{where}: {name} is {word!r}; expected a number") from None
    return build(table, kind, where, UsageError)
