"""A list of copies as a file: TOML with a table ``[[copies]]`` for each, or CSV with a line for each."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from pmsl.errors import PmslError, UsageError
from pmsl.filekind import HEAD, refusal
from pmsl.mesh.copies import MOST, Copy
from pmsl.profiles.strict import Strict, build, parse

MOST_BYTES = 1 << 23
NUMBERS = ("x_um", "y_um", "rotate_deg", "dose_scale")
COLUMNS = (*NUMBERS, "label")


class CopyList(Strict, frozen=True, kw_only=True):
    """The whole of a TOML file."""

    copies: list[Copy]


def read_copies(path: Path) -> list[Copy]:
    """Read a list of copies.

    Parameters
    ----------
    path : Path
        ``.toml`` or ``.csv``; columns of a CSV file are named in its first line.

    Returns
    -------
    list of Copy

    Raises
    ------
    UsageError
        The file cannot be read, is of another kind, or says something no copy has; the message says where.
    """
    if path.suffix.lower() not in (".toml", ".csv"):
        raise UsageError(f"--copies {path}: a list of copies is a .toml or .csv file; an array is like 4x3")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"--copies {path}: {path.stat().st_size} bytes; a list of at most {MOST} copies has less than {MOST_BYTES}")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as err:
        why = err.strerror if isinstance(err, OSError) and err.strerror else "not UTF-8 text"
        if isinstance(err, UnicodeDecodeError) and (other := refusal(f"--copies {path}", err.object[:HEAD], "a list of copies")):
            raise UsageError(other) from err
        raise UsageError(f"--copies {path}: cannot be read ({why})") from err
    try:
        copies = parse(text, CopyList, str(path)).copies if path.suffix.lower() == ".toml" else _of_csv(text, str(path))
    except PmslError as err:
        raise UsageError(refusal(f"--copies {path}", text[:HEAD].encode(), "a list of copies") or f"--copies {err}") from None
    if not copies:
        raise UsageError(f"--copies {path}: no copy in it; give x_um and y_um of at least one")
    return copies


def _of_csv(text: str, where: str) -> list[Copy]:
    rows = csv.reader(io.StringIO(text), skipinitialspace=True)
    head = [word.strip() for word in next(rows, [])]
    unknown = [name for name in head if name not in COLUMNS]
    if unknown or len(set(head)) < len(head) or not {"x_um", "y_um"} <= set(head):
        raise UsageError(
            f"{where}: its first line is {','.join(head)!r}; expected names of columns, separated by commas: x_um,y_um and, as needed, "
            "rotate_deg,dose_scale,label, each once"
        )
    copies: list[Copy] = []
    for row in rows:
        if any(cell.strip() for cell in row):
            if len(copies) == MOST:
                raise UsageError(f"{where}, line {rows.line_num}: more than {MOST} copies; at most {MOST} fit a job")
            copies.append(_of_row(head, row, f"{where}, line {rows.line_num}"))
    return copies


def _of_row(head: list[str], row: list[str], where: str) -> Copy:
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
    return build(table, Copy, where, UsageError)
