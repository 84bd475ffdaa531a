"""Sheets of measurements: CSV with a header, one row a measurement, units in the names of columns; of any kind of coupon."""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pmsl.calibrate.sheet_findings import rows_left_out
from pmsl.core.finding import Finding
from pmsl.errors import MeasurementError
from pmsl.files.text_file import read_text

MOST_ROWS = 100_000
HEAD = re.compile(r"^# (?P<kind>[a-z-]+) coupon (?P<digest>[0-9a-f]{16}) of pmsl", re.M)
ABOVE, FROM, ANY, FLAG, TEXT = "above 0", "0 or more", "a finite number", "0 or 1", "text"  # what a cell may be
COMMON = {"sd_um": ABOVE, "replicate": TEXT, "use": FLAG, "tile": TEXT, "note": TEXT}
LARGEST_UM, SMALLEST_UM = 20_000.0, 0.05  # thicker or thinner in the median is another unit
UNITS = {"mm": 1e-3, "m": 1e-6, "nm": 1e3}


@dataclass(frozen=True, slots=True)
class SheetFormat:
    """Columns of the sheets of a kind.

    Attributes
    ----------
    kind : str
        Of the coupon.
    columns : mapping of str to str
        What each may hold: above 0, 0 or more, a finite number, 0 or 1, text; those of `COMMON` come on top.
    measured : tuple of str
        What is filled in; a row without any of them is left out.
    needed : tuple of tuple of str
        Of each of these groups a column has to be there.
    noun : str
        What is measured, for messages.
    lengths : tuple of str
        Columns that are lengths of the part, of which a median far from any part's is another unit.
    """

    kind: str
    columns: Mapping[str, str]
    measured: tuple[str, ...]
    needed: tuple[tuple[str, ...], ...]
    noun: str
    lengths: tuple[str, ...] = ()

    @property
    def known(self) -> dict[str, str]:
        """All columns."""
        return {**self.columns, **COMMON}


@dataclass(frozen=True, slots=True, eq=False)
class SheetData:
    """Rows of one sheet or of several together.

    Attributes
    ----------
    values : dict of (N,) float64
        Of every numeric column of the format; nan where a cell is blank or the column is not there.
    texts : dict of tuple of str
        Of every text column; "" where it is blank.
    row : tuple of str
        Where each stands, ``FILE:LINE``.
    source : str
        Names of the files with their SHA-256.
    coupons : tuple of str
        Digests of the coupons that the sheets say they are of.
    findings : tuple of Finding
    """

    values: dict[str, np.ndarray]
    texts: dict[str, tuple[str, ...]]
    row: tuple[str, ...]
    source: str
    coupons: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.row)

    def weights(self) -> np.ndarray | None:
        """Return 1 / variance of each row, None unless all state ``sd_um``."""
        sd = self.values["sd_um"]
        return None if np.isnan(sd).any() else sd**-2.0


def read_sheets(paths: Sequence[str | Path], form: SheetFormat, kinds: Sequence[str] = ()) -> SheetData:
    """Read sheets of one format, joined.

    Parameters
    ----------
    paths : sequence of str or Path
        CSV files with a header. Lines that begin with ``#`` are skipped.
    form : SheetFormat
    kinds : sequence of str
        Of the coupons whose sheets may come; left out: that of the format.

    Raises
    ------
    MeasurementError
        No CSV, the sheet of another coupon, a column that is missing or unknown (with the near match), a cell that is no number or out
        of its range, lengths in another unit, no row with a measurement.
    """
    rows: list[tuple[str, dict[str, float | str]]] = []
    left_out: list[str] = []
    sources, coupons = [], []
    for path in paths:
        text = text_of(Path(path))
        sources.append(source_of(Path(path), text))
        coupons += [m["digest"] for m in HEAD.finditer(text)]
        check_kind(text, Path(path).name, kinds or (form.kind,))
        for where, cells in _records(text, Path(path).name, form):
            blank = all(math.isnan(float(cells.get(name, math.nan))) for name in form.measured)
            if blank or cells.get("use", 1.0) == 0:
                left_out.append(where)
            else:
                rows.append((where, cells))
    names = ", ".join(Path(path).name for path in paths)
    if not rows:
        raise MeasurementError(f"{names}: no row has {form.noun}; fill in {' or '.join(form.measured)}, one row a measurement")
    numbers = [name for name, kind in form.known.items() if kind != TEXT]
    values = {name: np.array([float(cells.get(name, math.nan)) for _, cells in rows]) for name in numbers}
    for name in form.lengths:
        check_unit(values[name], names, name)
    texts = {name: tuple(str(cells.get(name, "")) for _, cells in rows) for name, kind in form.known.items() if kind == TEXT}
    findings = (rows_left_out(left_out, form.noun),) if left_out else ()
    return SheetData(values, texts, tuple(where for where, _ in rows), "; ".join(sources), tuple(coupons), findings)


def source_of(path: Path, text: str) -> str:
    """Return the name of a sheet with its SHA-256."""
    return f"{path.name} (sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]})"


def check_kind(text: str, name: str, kinds: Sequence[str]) -> None:
    """Refuse the sheet of another kind of coupon."""
    for head in HEAD.finditer(text):
        if head["kind"] not in kinds:
            raise MeasurementError(
                f"{name}: is the sheet of a {head['kind']} coupon ({head['digest']}); expected one of {' or '.join(kinds)}: "
                f"fit it with: pmsl calibrate fit {head['kind']}"
            )


def check_coupon(coupons: Sequence[str], digest: str, name: str) -> None:
    """Refuse sheets that are not of a coupon.

    Parameters
    ----------
    coupons : sequence of str
        Digests that the sheets state.
    digest : str
        Of the coupon.
    name : str
        Of its job, for messages.
    """
    other = [one for one in coupons if one != digest]
    if other:
        raise MeasurementError(f"{name}: is coupon {digest}, the sheet is of coupon {other[0]}; give the sheet of this very print")


def text_of(path: Path) -> str:
    """Return the text of a sheet."""
    try:
        return read_text(path)
    except OSError as err:
        raise MeasurementError(f"{path}: {err.strerror or err}; give a CSV file") from err
    except UnicodeDecodeError as err:
        raise MeasurementError(f"{path}: not UTF-8 text (byte {err.start}); give a CSV file") from err


def columns_of(text: str) -> list[str]:
    """Return the names of a sheet's columns; none where it is empty."""
    lines = _lines(text)
    return [] if not lines else [column.strip() for column in next(csv.reader([lines[0][1]]))]


def _lines(text: str) -> list[tuple[int, str]]:
    return [(i, line) for i, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1) if line.strip() and not line.startswith("#")]


def _records(text: str, name: str, form: SheetFormat) -> list[tuple[str, dict[str, float | str]]]:
    """Read the rows of a sheet: where each stands, and its cells, nan where one is blank."""
    lines = _lines(text)
    if not lines:
        raise MeasurementError(f"{name}: empty; a sheet has a header such as {','.join([*form.columns][:3])} and one row a measurement")
    table = list(csv.reader(io.StringIO("\n".join(line for _, line in lines))))
    header = [column.strip() for column in table[0]]
    _check_header(header, name, lines[0][1], form)
    if len(table) > MOST_ROWS + 1:
        raise MeasurementError(f"{name}: {len(table) - 1} rows; at most {MOST_ROWS} are read")
    if len(table) != len(lines):
        raise MeasurementError(f"{name}: a quote that is not closed; a cell is a number, or words without line breaks")
    out = []
    for (line, _), cells in zip(lines[1:], table[1:], strict=True):
        where = f"{name}:{line}"
        if len(cells) != len(header):
            commas = len(cells) > len(header)
            hint = "; decimals are written with a point, not a comma" if commas else ""
            raise MeasurementError(f"{where}: {len(cells)} cells under {len(header)} columns{hint}")
        known = form.known
        out.append((where, {c: _cell(v, c, known[c], where) for c, v in zip(header, cells, strict=True)}))
    return out


def _check_header(header: list[str], name: str, line: str, form: SheetFormat) -> None:
    """Refuse columns that are unknown, repeated or missing."""
    if len(header) == 1 and (";" in line or "\t" in line):
        raise MeasurementError(f"{name}: columns are parted by semicolons or tabs; write commas between them, and points in decimals")
    known = list(form.known)
    for column in header:
        if column not in known:
            near = difflib.get_close_matches(column, known, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            raise MeasurementError(f"{name}: unknown column {column!r}; {hint}")
        if header.count(column) > 1:
            raise MeasurementError(f"{name}: column {column!r} stands there {header.count(column)} times")
    for group in (form.measured, *form.needed):
        if not any(column in header for column in group):
            said = f"neither a column {' nor '.join(group)}" if len(group) > 1 else f"no column {group[0]}"
            raise MeasurementError(f"{name}: {said}")


def _cell(cell: str, column: str, kind: str, where: str) -> float | str:
    """Read a cell; nan where a number is blank."""
    text = cell.strip()
    if kind == TEXT:
        return text
    if not text:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        hint = "; decimals are written with a point" if "," in text else ""
        raise MeasurementError(f"{where}: {column} is {text!r}, no number{hint}") from None
    allowed = {ABOVE: value > 0, FROM: value >= 0, FLAG: value in (0.0, 1.0), ANY: True}[kind]
    if not math.isfinite(value) or not allowed:
        raise MeasurementError(f"{where}: {column} is {text}; it must be {kind}")
    return value


def check_unit(values: np.ndarray, name: str, column: str) -> None:
    """Refuse lengths that were written in another unit.

    Parameters
    ----------
    values : (N,) float64
        [µm]; nan where there is none.
    name, column : str
        Sheets and column, for messages.
    """
    middle = float(np.median(values[~np.isnan(values)])) if not np.isnan(values).all() else 0.0
    if SMALLEST_UM <= middle <= LARGEST_UM or middle == 0:
        return
    unit = "mm" if middle < SMALLEST_UM else "nm"
    raise MeasurementError(
        f"{name}: {column} is {middle:.3g} in the median; is that {unit}? Write µm ({middle / UNITS[unit]:.4g}), as the column says"
    )


def joined(parts: Sequence[SheetData]) -> SheetData:
    """Return sheets as one; a column that one of them has not is nan there.

    Parameters
    ----------
    parts : sequence of SheetData
    """
    names = dict.fromkeys(name for part in parts for name in part.values)
    values = {name: np.concatenate([part.values.get(name, np.full(len(part), math.nan)) for part in parts]) for name in names}
    texts = {name: tuple(word for part in parts for word in part.texts.get(name, ("",) * len(part))) for name in parts[0].texts}
    return SheetData(
        values,
        texts,
        tuple(row for part in parts for row in part.row),
        "; ".join(part.source for part in parts),
        tuple(digest for part in parts for digest in part.coupons),
        tuple(finding for part in parts for finding in part.findings),
    )
