"""The kind ``focus``: fine lines through focus, all over the field: the best focus, and how far the field is tilted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pmsl.calibrate.coupons.coupon_job import Coupon, Rectangle, TileExposure, most_dose_mj_cm2, rectangles_mask
from pmsl.calibrate.coupons.film_coupon import film_coupon, tiles_of
from pmsl.calibrate.coupons.tile_layout import well_spread
from pmsl.calibrate.fits.fit_findings import fit_result, fit_tests, identifiability_findings, lack_findings, outlier_findings
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.fits.model_fit import Unknown, fit_model
from pmsl.calibrate.kinds.kind import CouponOptions, FitOptions, Kind
from pmsl.calibrate.sheet_findings import uncured
from pmsl.calibrate.sheets import ANY, FROM, SheetFormat, joined, read_sheets
from pmsl.core.finding import Finding
from pmsl.cure import CureModel
from pmsl.errors import MeasurementError, UsageError
from pmsl.profiles import Printer, Process, Resin

COLUMNS = ("tile", "x_um", "y_um", "focus_um", "width_um")
STEPS, TILES, DOSE = (-60.0, -40.0, -20.0, 0.0, 20.0, 40.0, 60.0), 42, 4.0  # focus [µm]; dose in Ec: lines in and out of focus survive
LINE_PX, APART_PX, LINES = 3, 12, 5
FORM = SheetFormat(
    "focus",
    {**dict.fromkeys(("x_um", "y_um", "width_um"), FROM), "focus_um": ANY},
    ("width_um",),
    (("x_um",), ("y_um",), ("focus_um",)),
    "a width",
    ("width_um",),
)
NOTES = (
    f"Each tile has lines of {LINE_PX} px, printed focus_um away from where the printer has its focus. Measure width_um of the middle "
    "line, or any other measure of sharpness that is least, or largest, in focus, the same for all tiles; a camera may see the lit frame.",
)
REMEDY = "print lines at five focus offsets or more, on both sides of the best one and all over the field: coupon focus"


def _coupon(printer: Printer, resin: Resin, process: Process, options: CouponOptions) -> Coupon:
    steps = tuple(options.focus_um or STEPS)
    if len(set(steps)) < 4:
        raise UsageError(f"coupon focus: focus offsets {steps}; expected four different ones or more")
    dose = min(DOSE * CureModel.of(resin).ec_mj_cm2, most_dose_mj_cm2(printer))
    focus = (steps * (TILES // len(steps) + 1))[:TILES]
    focus = tuple(focus[i] for i in well_spread(TILES))
    layout, pitch = tiles_of(TILES, printer, options.tile_um), printer.optics.pitch_um.value
    tiles = [layout.tile(i) for i in range(TILES)]
    rows = tuple(
        {"tile": i + 1, "x_um": (t.col0 + t.cols / 2) * pitch[0], "y_um": (t.row0 + t.rows / 2) * pitch[1], "focus_um": float(z)}
        for i, (t, z) in enumerate(zip(tiles, focus, strict=True))
    )

    def lines(i: int) -> list[Rectangle]:
        tile, many = tiles[i], min(LINES, tiles[i].cols // APART_PX)
        first = tile.col0 + tile.cols // 2 - (many // 2) * APART_PX - 1
        return [(tile.row0, first + k * APART_PX, tile.rows, LINE_PX) for k in range(many)]

    def exposures() -> list[TileExposure]:
        masks = {
            z: rectangles_mask(0, layout.shape, [r for i in range(TILES) if focus[i] == z for r in lines(i)]) for z in sorted(set(focus))
        }
        return [TileExposure(mask, dose, focus_um=z) for z, mask in masks.items()]

    words = [f"{z:+g} um" for z in focus]
    return film_coupon("focus", (printer, resin, process), layout, COLUMNS, rows, NOTES, dose, exposures, words, lines)


def _fit(paths: Sequence[Path], options: FitOptions) -> FitResult:
    data = joined([read_sheets([path], FORM) for path in paths])
    used = data.values["width_um"] > 0
    x, y, z, width = (data.values[name][used] for name in COLUMNS[1:])
    rows = [row for row, use in zip(data.row, used, strict=True) if use]
    for i in np.flatnonzero(np.isnan(x) | np.isnan(y) | np.isnan(z)).tolist():
        raise MeasurementError(f"{rows[i]}: x_um, y_um or focus_um is blank")
    field = np.array(options.printer.field_px[::-1]) * options.printer.optics.pitch_um.value
    for i in np.flatnonzero((x > field[0]) | (y > field[1])).tolist():
        raise MeasurementError(
            f"{rows[i]}: place {x[i]:g}, {y[i]:g} µm; the field of {options.printer.name} is {field[0]:g} × {field[1]:g} µm"
        )
    if len(np.unique(z)) < 3:
        raise MeasurementError(f"{data.source}: {len(np.unique(z))} focus offsets; {REMEDY}")
    weights = data.weights()
    weights = None if weights is None else weights[used]
    u, v, span = (x - field[0] / 2) / 1000, (y - field[1] / 2) / 1000, float(np.ptp(z))
    bend, slope, least = np.polyfit(z, width, 2).tolist()
    start = float(np.clip(-slope / (2 * bend), z.min(), z.max())) if bend else float(z.mean())
    tilted = [name for name, place in (("x", u), ("y", v)) if np.ptp(place) > 0]

    def predict(values: np.ndarray) -> np.ndarray:
        tilt = dict(zip(tilted, values[3:].tolist(), strict=True))
        best = values[0] + tilt.get("x", 0.0) * u + tilt.get("y", 0.0) * v
        return np.asarray(values[1] + values[2] * ((z - best) / span) ** 2)

    unknowns = [
        Unknown("focus_um", "µm", start, float(z.min()) - span, float(z.max()) + span),
        Unknown("width_um", "µm", least + slope * start + bend * start**2),
        Unknown("widening_um", "µm", bend * span**2),
        *(Unknown(f"tilt_{name}_um_mm", "µm/mm", 0.0) for name in tilted),
    ]
    fit = fit_model(predict, unknowns, width, weights, options.robust, REMEDY)
    tests = fit_tests(fit, np.column_stack([x, y, z]), weights)
    findings = [*data.findings, *uncured([row for row, use in zip(data.row, used, strict=True) if not use])]
    findings += outlier_findings(fit.line, rows, width, "µm") + identifiability_findings(fit, {})
    findings += lack_findings(tests, "a parabola through focus", {}, weights is not None, "its middle holds where both sides are alike")
    if not z.min() <= fit.values[0] <= z.max():
        findings.append(_outside(float(fit.values[0]), float(z.min()), float(z.max())))
    prediction = {"x_um": x, "y_um": y, "focus_um": z, "width_um": predict(fit.values)}
    return fit_result("focus", fit, data.source, tests, findings, prediction, "µm", options.robust)


def _outside(best: float, low: float, high: float) -> Finding:
    return Finding(
        code="value-holds-for",
        severity="info",
        message=f"the best focus, {best:.4g} µm, lies beyond the printed offsets, {low:g} to {high:g} µm: print it again around it",
        value=best,
        unit="µm",
    )


KIND = Kind(name="focus", options=frozenset({"tile_um", "focus_um"}), coupon=_coupon, fit=_fit)
