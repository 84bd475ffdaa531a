"""Cured films: thickness by exposure, in one event or in several; sheets of working curves and of induction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pmsl.calibrate.sheets import ABOVE, FROM, SheetData, SheetFormat, read_sheets
from pmsl.core.finding import Finding
from pmsl.errors import MeasurementError

WORKING_CURVE = SheetFormat(
    "working-curve",
    {"time_s": ABOVE, "dose_mj_cm2": ABOVE, "thickness_um": FROM, "irradiance_mw_cm2": ABOVE},
    ("thickness_um",),
    (("time_s", "dose_mj_cm2"),),
    "a thickness",
    ("thickness_um",),
)


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
    coupons : tuple of str
        Digests of the coupons that the sheets say they are of.
    """

    dose_mj_cm2: np.ndarray
    time_s: np.ndarray
    thickness_um: np.ndarray
    irradiance_mw_cm2: np.ndarray
    sd_um: np.ndarray
    row: tuple[str, ...]
    source: str
    findings: tuple[Finding, ...] = ()
    coupons: tuple[str, ...] = field(default=())


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
        sheets of which only some state an irradiance, the sheet of another kind of coupon.
    """
    data = read_sheets(paths, WORKING_CURVE)
    time, irradiance, dose = exposures(data, irradiance_mw_cm2)
    if np.isnan(dose).any() and not np.isnan(dose).all():
        first = data.row[int(np.flatnonzero(np.isnan(dose))[0])]
        raise MeasurementError(f"{first}: no irradiance, others have one; give irradiance_mw_cm2 in every row, or --irradiance")
    values = data.values
    return WorkingCurveData(
        dose, time, values["thickness_um"], irradiance, values["sd_um"], data.row, data.source, data.findings, data.coupons
    )


def exposures(data: SheetData, irradiance_mw_cm2: float | None, events: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    """Return time of one event, irradiance and dose of all events of each row; nan for what is not known.

    Parameters
    ----------
    data : SheetData
        With ``time_s`` (of one event), ``dose_mj_cm2`` (of all), ``irradiance_mw_cm2``.
    irradiance_mw_cm2 : float, optional
        Of rows that state none [mW/cm²].
    events : (N,) float64, optional
        How many; left out: one.
    """
    time, stated, light = (data.values[name] for name in ("time_s", "dose_mj_cm2", "irradiance_mw_cm2"))
    if irradiance_mw_cm2 is not None:
        light = np.where(np.isnan(light), irradiance_mw_cm2, light)
    many = np.ones(len(data)) if events is None else events
    for i in np.flatnonzero(np.isnan(time) & np.isnan(stated)).tolist():
        raise MeasurementError(f"{data.row[i]}: neither time_s nor dose_mj_cm2; give one of the two")
    by_time = many * time * light
    for i in np.flatnonzero(np.abs(by_time - stated) > 0.01 * stated).tolist():
        raise MeasurementError(
            f"{data.row[i]}: time_s × irradiance_mw_cm2 is {by_time[i]:.4g} mJ/cm², dose_mj_cm2 says {stated[i]:.4g}; leave one of them out"
        )
    return time, light, np.where(np.isnan(stated), by_time, stated)
