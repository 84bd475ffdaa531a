"""The kind ``scale``: distances of marks by a glass scale or camera, and by print: pitch, skew and shrinkage, and what cannot be parted.

Places of marks instead of distances tell how the optics distort.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from pmsl.calibrate.coupons.coupon_job import Coupon, Row, TileExposure, most_dose_mj_cm2, rectangles_mask
from pmsl.calibrate.coupons.film_coupon import film_coupon, tiles_of
from pmsl.calibrate.fits.fit_findings import fit_result, fit_tests, lack_findings, outlier_findings
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.fits.marked_places import PLACES, distorted_optics, fit_places
from pmsl.calibrate.fits.model_fit import Unknown, fit_model
from pmsl.calibrate.kinds.kind import CouponOptions, FitOptions, Kind
from pmsl.calibrate.profile_update import measured_printer, measured_resin_values, source_text
from pmsl.calibrate.sheets import ABOVE, ANY, TEXT, SheetData, SheetFormat, joined, read_sheets
from pmsl.core.finding import Finding
from pmsl.cure import CureModel
from pmsl.errors import MeasurementError
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.tables.strict_struct import Value

COLUMNS = ("tile", "method", "axis", "length_px", "x_px", "y_px", "x_um", "y_um", "length_um")
MARK = "mark"
AXES, METHODS, TILES, DOSE = ("x", "y", "up", "down"), ("light", "print"), 40, 5.0
FORM = SheetFormat(
    "scale",
    {"method": TEXT, "axis": TEXT, "length_px": ABOVE, "length_um": ABOVE, **dict.fromkeys(PLACES, ANY)},
    ("length_um", "x_um", "y_um"),
    (("method",), ("length_px", "x_px")),
    "a length or a place",
    ("length_um",),
)
NOTES = (
    "Measure from the middle of one tile to the middle of another, so that edges play no part: along x, along y, and along the diagonals "
    "(up: toward larger x and y; down: toward larger x and smaller y). method is print for what is printed, light for the lit frame "
    "itself, measured on a glass scale or with a calibrated camera at the image plane. Only both together part pitch from shrinkage.",
    "Rows of axis mark tell how the optics distort: x_um and y_um of the middle of a tile, from any zero, however the instrument lies. Fit"
    " them in a sheet of their own.",
)
REMEDY = "measure the lit frame along x and y on a glass scale or with a camera (method light), and the print beside it (method print)"


def _coupon(printer: Printer, resin: Resin, process: Process, options: CouponOptions) -> Coupon:
    dose = min(DOSE * CureModel.of(resin).ec_mj_cm2, most_dose_mj_cm2(printer))
    layout = tiles_of(TILES, printer, options.tile_um)
    across = layout.columns
    high = layout.count // across
    middles = np.array([(t.col0 + t.cols / 2, t.row0 + t.rows / 2) for t in map(layout.tile, range(layout.count))])
    pairs: list[tuple[str, int, int]] = []
    for line in range(0, high, max(1, (high - 1) // 2)):
        pairs.append(("x", line * across, line * across + across - 1))
    for line in range(0, across, max(1, (across - 1) // 2)):
        pairs.append(("y", line, (high - 1) * across + line))
    pairs += [("up", 0, (high - 1) * across + high - 1), ("down", (high - 1) * across, high - 1)]
    lengths: list[Row] = [
        {"tile": a + 1, "method": method, "axis": axis, "length_px": float(np.hypot(*(middles[b] - middles[a])))}
        for method in ("print", "light")
        for axis, a, b in pairs
    ]
    places: list[Row] = [
        {"tile": i + 1, "method": "light", "axis": MARK, "x_px": float(x), "y_px": float(y)} for i, (x, y) in enumerate(middles)
    ]
    rows = (*lengths, *places)

    def exposures() -> list[TileExposure]:
        return [TileExposure(rectangles_mask(0, layout.shape, [layout.tile(i) for i in range(layout.count)]), dose)]

    return film_coupon("scale", (printer, resin, process), layout, COLUMNS, rows, NOTES, dose, exposures)


def _fit(paths: Sequence[Path], options: FitOptions) -> FitResult:
    data = joined([read_sheets([path], FORM) for path in paths])
    axis, method = np.array(data.texts["axis"]), np.array(data.texts["method"])
    if (~np.isnan(data.values["x_um"])).any() or (axis == MARK).any():
        return _fit_marks(data, axis, method, options)
    for i in range(len(data)):
        for name, word, known in (("axis", axis[i], AXES), ("method", method[i], METHODS)):
            if word not in known:
                raise MeasurementError(f"{data.row[i]}: {name} is {str(word)!r}; it must be one of {', '.join(known)}")
    n, y, weights = data.values["length_px"], data.values["length_um"], data.weights()
    pitch = options.printer.optics.pitch_um.value
    for i in np.flatnonzero(~((y > 0.5 * n * min(pitch)) & (y < 2 * n * max(pitch)))).tolist():
        raise MeasurementError(
            f"{data.row[i]}: length_um is {y[i]:g} for {n[i]:g} px, a pitch of {y[i] / n[i]:.4g} µm; printer {options.printer.name} has "
            f"{pitch[0]:g} × {pitch[1]:g}: is that another printer (--printer), or another unit?"
        )
    lit, printed = method == "light", method == "print"
    straight = np.isin(axis, ("x", "y"))
    for word in ("x", "y"):
        if not (axis == word).any():
            raise MeasurementError(f"{data.source}: no row along {word}; {REMEDY}")
    parted = lit.any() and printed.any() and all((lit & (axis == a)).any() and (printed & (axis == a)).any() for a in ("x", "y"))
    words = ["x_um", "y_um", *(("shrink_x", "shrink_y") if parted else ()), *(("skew_mrad",) if not straight.all() else ())]
    names = {"x_um": "pitch_x_um", "y_um": "pitch_y_um", "shrink_x": "shrinkage_x", "shrink_y": "shrinkage_y", "skew_mrad": "skew_mrad"}
    units = {"x_um": "µm", "y_um": "µm", "shrink_x": "", "shrink_y": "", "skew_mrad": "mrad"}
    starts = {"x_um": pitch[0], "y_um": pitch[1]}
    rate = np.where(axis == "x", 0.0, np.where(axis == "y", 1.0, math.sqrt(0.5)))

    def predict(values: np.ndarray) -> np.ndarray:
        known = dict(zip(words, values.tolist(), strict=True))
        px, py = known["x_um"], known["y_um"]
        sx, sy = (np.where(printed, 1 - known.get(name, 0.0), 1.0) for name in ("shrink_x", "shrink_y"))
        dx = n * np.where(axis == "x", 1.0, np.where(axis == "y", 0.0, rate)) * px * sx
        dy = n * rate * py * sy
        lean = known.get("skew_mrad", 0.0) * 1e-3 * np.where(axis == "up", 1.0, np.where(axis == "down", -1.0, 0.0))
        return np.asarray(np.sqrt(dx**2 + dy**2 + 2 * dx * dy * np.sin(lean)))

    unknowns = [Unknown(names[word], units[word], starts.get(word, 0.0)) for word in words]
    fit = fit_model(predict, unknowns, y, weights, options.robust, REMEDY)
    same = np.column_stack([n, np.unique(axis, return_inverse=True)[1], printed])
    tests = fit_tests(fit, same, weights)
    findings = [*data.findings, *outlier_findings(fit.line, data.row, y, "µm")]
    findings += lack_findings(tests, "one pitch along each axis", {}, weights is not None, "the field is distorted: it holds in the mean")
    if not parted:
        findings.append(_not_parted(bool(lit.any())))
    prediction = {"length_px": n, "length_um": predict(fit.values)}
    return fit_result("scale", fit, data.source, tests, findings, prediction, "µm", options.robust)


def _fit_marks(data: SheetData, axis: np.ndarray, method: np.ndarray, options: FitOptions) -> FitResult:
    """Fit a distortion to places of marks."""
    for i in np.flatnonzero(~np.isnan(data.values["length_um"]) | ~np.isin(axis, ("", MARK))).tolist():
        raise MeasurementError(
            f"{data.row[i]}: a length among places of marks; fit rows of axis mark in a sheet of their own (use 0 leaves rows out)"
        )
    if len(set(method.tolist())) > 1 or method[0] not in METHODS:
        raise MeasurementError(
            f"{data.source}: method is {', '.join(sorted(set(method.tolist())))}; of marks it must be light or print, one of the two"
        )
    return fit_places(data, options.printer, bool(method[0] == "print"), options.robust)


def _not_parted(lit: bool) -> Finding:
    what = "no shrinkage: nothing printed was measured" if lit else "pitch and shrinkage only as their product: a print cannot part them"
    return Finding(code="values-not-parted", severity="warning", message=f"the sheets tell {what}; {REMEDY}")


def _printer(printer: Printer, result: FitResult, name: str | None) -> Printer:
    if "k1" in result.parameters:
        return measured_printer(printer, name, optics=distorted_optics(printer, result))
    if any(f.code == "values-not-parted" and "product" in f.message for f in result.findings):
        raise MeasurementError(f"the pitch holds the shrinkage of the print in it and makes no profile; {REMEDY}")
    x, y = result.parameters["pitch_x_um"], result.parameters["pitch_y_um"]
    pitch = Value(value=(x.value, y.value), class_="measured", source=source_text(result), sd=max(x.sd, y.sd))
    return measured_printer(printer, name, optics=msgspec.structs.replace(printer.optics, pitch_um=pitch))


def _resin(resin: Resin, result: FitResult, name: str | None) -> Resin:
    if "shrinkage_x" not in result.parameters:
        raise MeasurementError(f"the sheets tell no shrinkage; {REMEDY}")
    x, y = result.parameters["shrinkage_x"], result.parameters["shrinkage_y"]
    three = (x.value, y.value, resin.resin.shrinkage.value[2])
    shrinkage = Value(value=three, class_="measured", source=f"{source_text(result)}; z as before", sd=max(x.sd, y.sd))
    return measured_resin_values(resin, name, shrinkage=shrinkage)


KIND = Kind(name="scale", options=frozenset({"tile_um"}), coupon=_coupon, fit=_fit, printer=_printer, resin=_resin)
