"""The kind ``gray``: what gray levels give, by thickness at several doses, by first cure, or by power meter: a table for the printer."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pmsl.calibrate.coupons.coupon_job import Coupon, TileExposure, most_dose_mj_cm2, rectangles_mask
from pmsl.calibrate.coupons.film_coupon import film_coupon, tiles_of
from pmsl.calibrate.coupons.tile_layout import well_spread
from pmsl.calibrate.fits.fit_findings import fit_result, fit_tests, lack_findings, outlier_findings
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.fits.gray_response import WHITE, fit_by_first_cure, fit_by_meter, fit_by_thickness, gray_table
from pmsl.calibrate.kinds.kind import CouponOptions, FitOptions, Kind
from pmsl.calibrate.measurements import exposures
from pmsl.calibrate.profile_update import measured_printer, source_text
from pmsl.calibrate.sheet_findings import uncured
from pmsl.calibrate.sheets import ABOVE, FROM, SheetData, SheetFormat, joined, read_sheets
from pmsl.cure import CureModel
from pmsl.errors import MeasurementError, UsageError
from pmsl.exposure.planning import whole_frames
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.optics import LEVELS, Response
from pmsl.profiles.tables.strict_struct import Value

COLUMNS = ("tile", "level", "time_s", "irradiance_mw_cm2", "thickness_um")
STEPS, DOSES = (32, 48, 64, 96, 128, 160, 192, 224, 255), 3
LOWEST, HIGHEST = 6.0, 24.0  # doses of white, in Ec
WAYS = ("thickness_um", "first_cure_s", "reading")
REMEDY = "add white tiles (level 255) at more doses, or the sheet of a working curve of the same day"
NOTES = (
    "Each tile has one gray level and the dose of a white tile. Measure thickness_um in the middle of each; a tile that did not cure is 0. "
    "Without a printed coupon: put a power meter at the image plane, show each level over the whole field, and write level,reading (any "
    "unit; level 0 is the dark reading); or write level,first_cure_s, after how long a film first stays.",
)
FORM = SheetFormat(
    "gray",
    {
        "level": FROM,
        **dict.fromkeys(("time_s", "dose_mj_cm2", "irradiance_mw_cm2", "first_cure_s"), ABOVE),
        **dict.fromkeys(("thickness_um", "reading"), FROM),
    },
    WAYS,
    (),
    "a measurement",
    ("thickness_um",),
)


def _coupon(printer: Printer, resin: Resin, process: Process, options: CouponOptions) -> Coupon:
    ec, most = CureModel.of(resin).ec_mj_cm2, most_dose_mj_cm2(printer)
    low, high = options.dose_range_mj_cm2 or (LOWEST * ec, min(HIGHEST * ec, most))
    levels = sorted(set(options.levels or STEPS))
    if not 0 < low < high or (options.doses or DOSES) < 2 or levels[-1] != WHITE or levels[0] < 1 or len(levels) < 2:
        raise UsageError(
            f"coupon gray: doses {low:g} to {high:g}, {options.doses or DOSES} of them, levels {levels}: expected two rising doses or "
            "more, levels from 1 to 255, 255 among them"
        )
    light = printer.optics.settings[0].irradiance_mw_cm2.value
    doses, times = whole_frames(np.geomspace(low, high, options.doses or DOSES), light, printer)
    settings = list(itertools.product(range(len(doses)), levels)) * (options.repeats or 1)
    settings = [settings[i] for i in well_spread(len(settings))]
    layout = tiles_of(len(settings), printer, options.tile_um)
    rows = tuple({"tile": i + 1, "level": g, "time_s": float(times[d]), "irradiance_mw_cm2": light} for i, (d, g) in enumerate(settings))

    def shots() -> list[TileExposure]:
        out = []
        for d, dose in enumerate(doses.tolist()):
            tiles = [(layout.tile(i), g) for i, (own, g) in enumerate(settings) if own == d]
            out.append(TileExposure(rectangles_mask(0, layout.shape, [tile for tile, _ in tiles], [g for _, g in tiles]), dose))
        return out

    words = [f"gray {g}" for _, g in settings]
    return film_coupon("gray", (printer, resin, process), layout, COLUMNS, rows, NOTES, float(doses[-1]), shots, words)


def _fit(paths: Sequence[Path], options: FitOptions) -> FitResult:
    data = joined([read_sheets([path], FORM, ("gray", "working-curve")) for path in paths])
    level = np.where(np.isnan(data.values["level"]), WHITE, data.values["level"])
    for i in np.flatnonzero((level > WHITE) | (level != np.round(level))).tolist():
        raise MeasurementError(f"{data.row[i]}: level is {level[i]:g}; it must be a whole number from 0 to {WHITE}")
    ways = [way for way in WAYS if not np.isnan(data.values[way]).all()]
    mixed = ways if len(ways) > 1 else []
    if mixed:
        raise MeasurementError(f"{data.source}: {' and '.join(mixed)} in one fit; fit each way of measuring by itself")
    (way,) = ways
    y, weights, dose = data.values[way], data.weights(), np.ones(len(data))
    used = np.ones(len(data), bool) if way == "reading" else (y > 0) & (level > 0)
    findings = [*data.findings, *uncured([row for row, use in zip(data.row, used, strict=True) if not use])]
    weights = None if weights is None else weights[used]
    level, y, rows = level[used], y[used], [row for row, use in zip(data.row, used, strict=True) if use]
    if not ((level > 0) & (level < WHITE)).any():
        raise MeasurementError(f"{data.source}: no level between black and white; fill in levels such as 64, 128, 192 beside 255")
    if not (level == WHITE).any():
        raise MeasurementError(f"{data.source}: no row of white (level 255), which all others are relative to")
    if way == "thickness_um":
        dose = _doses(data, options)[used]
        fit, unit = fit_by_thickness(level, dose, y, weights, options.robust, REMEDY), "µm"
    elif way == "first_cure_s":
        fit, unit = fit_by_first_cure(level, y, None, options.robust, REMEDY), "ln s"
    else:
        fit, unit = fit_by_meter(level, y, weights, options.robust, REMEDY), ""
    tests = fit_tests(fit, np.column_stack([level, np.log(dose)]), weights if way == "thickness_um" else None)
    names = [u.name for u in fit.unknowns]
    at = [i for i, name in enumerate(names) if name.startswith("level_")]
    table = gray_table([float(names[i].removeprefix("level_")) for i in at], fit.values[at], np.sqrt(np.diag(fit.covariance)[at]))
    findings += [*outlier_findings(fit.line, rows, y, unit), *table.findings]
    findings += lack_findings(tests, "a table of gray levels", {}, weights is not None, "the table holds for these doses at best")
    prediction = {"level": np.arange(LEVELS), "relative": table.relative, "sd": table.sd}
    tables = {"response": table.relative, "response_sd": table.sd}
    return fit_result("gray", fit, data.source, tests, findings, prediction, unit, options.robust, tables)


def _doses(data: SheetData, options: FitOptions) -> np.ndarray:
    _, _, dose = exposures(data, options.irradiance_mw_cm2)
    if np.isnan(dose).all():
        return data.values["time_s"]  # one light for all: levels need no irradiance
    for i in np.flatnonzero(np.isnan(dose)).tolist():
        raise MeasurementError(f"{data.row[i]}: no irradiance, others have one; give irradiance_mw_cm2 in every row, or --irradiance")
    return dose


def _printer(printer: Printer, result: FitResult, name: str | None) -> Printer:
    sd = float(np.sqrt(np.mean([p.sd**2 for key, p in result.parameters.items() if key.startswith("level_")])))
    table = Value(value=result.tables["response"].tolist(), class_="measured", source=source_text(result), sd=sd)
    return measured_printer(printer, name, response=Response(kind="table", table=table))


KIND = Kind(
    name="gray",
    options=frozenset({"doses", "repeats", "dose_range_mj_cm2", "tile_um", "levels"}),
    coupon=_coupon,
    fit=_fit,
    printer=_printer,
)
