"""Sheets of measurements: CSV with a header, one row a measurement, units in the names of columns."""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pmsl.core.finding import Finding
from pmsl.errors import MeasurementError
from pmsl.files.text_file import read_text

MOST_ROWS = 100_000
LARGEST_UM, SMALLEST_UM = 20_000.0, 0.05  # thicker or thinner in the median is another unit
UNITS = {"mm": 1e-3, "m": 1e-6, "nm": 1e3}
KNOWN = ("time_s", "dose_mj_cm2", "thickness_um", "irradiance_mw_cm2", "sd_um", "replicate", "use", "tile", "note")
TEXTS = ("replicate", "tile", "note")


@dataclass(frozen=True, slots=True, eq=False)
class WorkingCurveData:
    """Cured thickness by exposure, of one sheet or of several together.

    Attributes
    ----------
    dose_mj_cm2 : (N,) float64
        nan where the irradiance is not known.
    time_s : (N,) float64
        nan where only the dose is known.
    thickness_um : (N,) float64
    irradiance_mw_cm2 : (N,) float64
        nan where it is not known.
    sd_um : (N,) float64
        Measuring error of each; nan where it is not stated.
    row : tuple of str
        Where each stands, ``FILE:LINE``.
    source : str
        Names of the files with their SHA-256.
    findings : tuple of Finding
    """

    dose_mj_cm2: np.ndarray
    time_s: np.ndarray
    thickness_um: np.ndarray
    irradiance_mw_cm2: np.ndarray
    sd_um: np.ndarray
    row: tuple[str, ...]
    source: str
    findings: tuple[Finding, ...] = ()


def read_working_curve(paths: Sequence[str | Path], irradiance_mw_cm2: float | None = None) -> WorkingCurveData:
    """Read the sheets of a working curve.

    Parameters
    ----------
    paths : sequence of str or Path
        CSV files with a header: ``time_s`` or ``dose_mj_cm2``, and ``thickness_um``; optional ``irradiance_mw_cm2``, ``sd_um``
        (measuring error), ``replicate``, ``tile``, ``note``, ``use`` (0 leaves a row out). A row without a thickness is left out; both are
        said. Lines that begin with ``#`` are skipped.
    irradiance_mw_cm2 : float, optional
        Of rows that state none [mW/cm²].

    Returns
    -------
    WorkingCurveData

    Raises
    ------
    MeasurementError
        No CSV, a column that is missing or unknown (with the near match), a cell that is no number, is negative or of another unit,
        sheets of which only some state an irradiance.
    """
    rows: list[tuple[float, float, float, float, float, str]] = []
    left_out: list[str] = []
    sources = []
    for path in paths:
        text = _text_of(Path(path))
        sources.append(f"{Path(path).name} (sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]})")
        for where, cells in _records(text, Path(path).name):
            if cells.get("use", 1.0) == 0 or math.isnan(cells["thickness_um"]):
                left_out.append(where)
                continue
            rows.append((*_exposure(cells, where, irradiance_mw_cm2), cells["thickness_um"], cells.get("sd_um", math.nan), where))
    if not rows:
        raise MeasurementError(f"{', '.join(map(str, paths))}: no row has a thickness; fill in thickness_um, one row a measurement")
    time, irradiance, dose, thickness, sd = (np.array(column, np.float64) for column in list(zip(*rows, strict=True))[:5])
    if np.isnan(dose).any() and not np.isnan(dose).all():
        first = rows[int(np.flatnonzero(np.isnan(dose))[0])][-1]
        raise MeasurementError(f"{first}: no irradiance, others have one; give irradiance_mw_cm2 in every row, or --irradiance")
    _check_unit(thickness, ", ".join(Path(path).name for path in paths))
    found = [_left_out(left_out)] if left_out else []
    return WorkingCurveData(dose, time, thickness, irradiance, sd, tuple(row[-1] for row in rows), "; ".join(sources), tuple(found))


def _text_of(path: Path) -> str:
    """Return the text of a sheet."""
    try:
        return read_text(path)
    except OSError as err:
        raise MeasurementError(f"{path}: {err.strerror or err}; give a CSV file") from err
    except UnicodeDecodeError as err:
        raise MeasurementError(f"{path}: not UTF-8 text (byte {err.start}); give a CSV file") from err


def _exposure(cells: dict[str, float], where: str, given: float | None) -> tuple[float, float, float]:
    """Return time, irradiance and dose of a row; nan for what is not known."""
    irradiance = cells.get("irradiance_mw_cm2", math.nan)
    if math.isnan(irradiance) and given is not None:
        irradiance = given
    time, dose = cells.get("time_s", math.nan), cells.get("dose_mj_cm2", math.nan)
    if math.isnan(time) and math.isnan(dose):
        raise MeasurementError(f"{where}: neither time_s nor dose_mj_cm2; give one of the two")
    if math.isnan(dose):
        return time, irradiance, time * irradiance
    if not math.isnan(time) and not math.isnan(irradiance) and abs(time * irradiance - dose) > 0.01 * dose:
        raise MeasurementError(
            f"{where}: time_s × irradiance_mw_cm2 is {time * irradiance:.4g} mJ/cm², dose_mj_cm2 says {dose:.4g}; leave one of them out"
        )
    return time, irradiance, dose


def _records(text: str, name: str) -> list[tuple[str, dict[str, float]]]:
    """Read the rows of a sheet: where each stands, and its numbers, nan where a cell is blank."""
    lines = [(i, line) for i, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1) if line.strip() and not line.startswith("#")]
    if not lines:
        raise MeasurementError(f"{name}: empty; a sheet has a header such as time_s,thickness_um and one row a measurement")
    table = list(csv.reader(io.StringIO("\n".join(line for _, line in lines))))
    header = [column.strip() for column in table[0]]
    _check_header(header, name, lines[0][1])
    if len(table) > MOST_ROWS + 1:
        raise MeasurementError(f"{name}: {len(table) - 1} rows; at most {MOST_ROWS} are read")
    out = []
    for (line, _), cells in zip(lines[1:], table[1:], strict=True):
        where = f"{name}:{line}"
        if len(cells) != len(header):
            commas = len(cells) > len(header)
            hint = "; decimals are written with a point, not a comma" if commas else ""
            raise MeasurementError(f"{where}: {len(cells)} cells under {len(header)} columns{hint}")
        out.append((where, {c: _number(v, c, where) for c, v in zip(header, cells, strict=True) if c not in TEXTS}))
    return out


def _check_header(header: list[str], name: str, line: str) -> None:
    """Refuse columns that are unknown, repeated or missing."""
    if len(header) == 1 and (";" in line or "\t" in line):
        raise MeasurementError(f"{name}: columns are parted by semicolons or tabs; write commas between them, and points in decimals")
    for column in header:
        if column not in KNOWN:
            near = difflib.get_close_matches(column, KNOWN, n=1, cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(KNOWN)}"
            raise MeasurementError(f"{name}: unknown column {column!r}; {hint}")
        if header.count(column) > 1:
            raise MeasurementError(f"{name}: column {column!r} stands there {header.count(column)} times")
    if "thickness_um" not in header:
        raise MeasurementError(f"{name}: no column thickness_um")
    if "time_s" not in header and "dose_mj_cm2" not in header:
        raise MeasurementError(f"{name}: neither a column time_s nor dose_mj_cm2")


def _number(cell: str, column: str, where: str) -> float:
    """Read a cell; nan where it is blank."""
    text = cell.strip()
    if not text:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        hint = "; decimals are written with a point" if "," in text else ""
        raise MeasurementError(f"{where}: {column} is {text!r}, no number{hint}") from None
    allowed = value in (0.0, 1.0) if column == "use" else value > 0 if column != "thickness_um" else value >= 0
    if not math.isfinite(value) or not allowed:
        limit = "0 or 1" if column == "use" else "0 or more" if column == "thickness_um" else "above 0"
        raise MeasurementError(f"{where}: {column} is {text}; it must be {limit}")
    return value


def _check_unit(thickness: np.ndarray, name: str) -> None:
    """Refuse thicknesses that were written in another unit."""
    middle = float(np.median(thickness))
    if SMALLEST_UM <= middle <= LARGEST_UM or middle == 0:
        return
    unit = "mm" if middle < SMALLEST_UM else "nm"
    raise MeasurementError(
        f"{name}: thickness_um is {middle:.3g} in the median; is that {unit}? Write µm ({middle / UNITS[unit]:.4g}), as the column says"
    )


def _left_out(rows: list[str]) -> Finding:
    shown = ", ".join(rows[:4]) + (", …" if len(rows) > 4 else "")
    return Finding(
        code="rows-left-out",
        severity="info",
        message=f"{len(rows)} rows are not used ({shown}): they have no thickness, or use is 0",
        value=float(len(rows)),
        unit="rows",
    )
