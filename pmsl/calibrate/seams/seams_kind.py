"""The kind ``seams``: how far neighbouring fields lie apart, by verniers in the middle of each seam and near both its ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from pmsl.calibrate.coupons.coupon_job import (
    Coupon,
    Row,
    TileExposure,
    check_dose,
    coupon_grid,
    coupon_job,
    digest_of,
    most_dose_mj_cm2,
    prism_of,
    prism_part,
    rectangles_mask,
)
from pmsl.calibrate.coupons.film_coupon import film_height_um
from pmsl.calibrate.coupons.tile_layout import TileLayout
from pmsl.calibrate.fits.fit_findings import fit_result, fit_tests, lack_findings, outlier_findings
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.fits.model_fit import Unknown, fit_model
from pmsl.calibrate.kinds.kind import CouponOptions, FitOptions, Kind
from pmsl.calibrate.profile_update import measured_printer, source_text
from pmsl.calibrate.seams.verniers import lines_of, seam_plan
from pmsl.calibrate.sheets import ABOVE, ANY, TEXT, SheetFormat, joined, read_sheets
from pmsl.cure import CureModel
from pmsl.errors import MeasurementError
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.printer import XyStage
from pmsl.profiles.tables.strict_struct import Value

COLUMNS = ("tile", "seam", "axis", "x_px", "y_px", "moved_um", "drawn_um", "off_um")
DOSE, AXES = 5.0, ("x", "y")
MOST_OFF = 0.1  # of the way that the stage was sent: more is another unit
FORM = SheetFormat(
    "seams",
    {"seam": TEXT, "axis": TEXT, "x_px": ANY, "y_px": ANY, "moved_um": ABOVE, "drawn_um": ANY, "off_um": ANY},
    ("off_um",),
    (("seam",), ("axis",), ("moved_um",)),
    "a reading",
)
NOTES = (
    "off_um: how far the middle line of the second field (to the right at seam x, above at seam y; its lines are a pixel closer and point "
    "the other way) lies from that of the first, along the axis, positive toward larger x or y. On the vernier: the line that meets its "
    "opposite, counted from the middle, times a pixel. The stage is sent without any correction.",
)
UNKNOWNS = {(seam, axis): f"{axis}_per_{seam}" for seam in AXES for axis in AXES}
REMEDY = "read verniers along x and along y at both seams"


def _coupon(printer: Printer, resin: Resin, process: Process, options: CouponOptions) -> Coupon:
    plan = seam_plan(printer, process)
    model = CureModel.of(resin)
    dose = min(DOSE * model.ec_mj_cm2, most_dose_mj_cm2(printer))
    check_dose(dose, printer, "seams")
    height = film_height_um(model.decay.lengths_um[0] * math.log(dose / model.ec_mj_cm2))
    grid, shape, pitch = coupon_grid(printer, [height]), printer.field_px, printer.optics.pitch_um.value
    rows: list[Row] = [
        {
            "tile": i + 1,
            "seam": v.seam,
            "axis": v.axis,
            "x_px": float(v.middle_px[0]),
            "y_px": float(v.middle_px[1]),
            "moved_um": plan.moved_um[AXES.index(v.seam)],
            "drawn_um": v.drawn_um,
        }
        for i, v in enumerate(plan.verniers)
    ]
    drawn = [
        ((0.0, 0.0), [r for v in plan.verniers for r in lines_of(v, plan, False)]),
        ((plan.moved_um[0], 0.0), [r for v in plan.verniers if v.seam == "x" for r in lines_of(v, plan, True)]),
        ((0.0, plan.moved_um[1]), [r for v in plan.verniers if v.seam == "y" for r in lines_of(v, plan, True)]),
    ]

    def shots(_: int) -> list[TileExposure]:
        return [TileExposure(rectangles_mask(0, shape, lines), dose, offset_um=corner) for corner, lines in drawn]

    parts = []
    for n, (corner, lines) in enumerate(drawn):
        moved = [prism_of(grid, line, 0.0, height) for line in lines]
        prisms = [prism._replace(xy_um=[(x + corner[0], y + corner[1]) for x, y in prism.xy_um]) for prism in moved]
        parts.append(prism_part(prisms, f"field {n + 1}"))
    job = coupon_job("seams", digest_of(COLUMNS, rows), (printer, resin, process), grid, shots, parts)
    empty = TileLayout(shape, 1, 1, 1, 1, (0, 0), 0)
    marks = tuple((float(v.middle_px[0]), float(v.middle_px[1]), f"{i + 1} {v.axis}") for i, v in enumerate(plan.verniers))
    notes = (
        *NOTES,
        f"Lines are {plan.pitch_px} px apart, those of the second field {plan.pitch_px - 1}; a pixel is {pitch[0]:g} × {pitch[1]:g} µm.",
    )
    return Coupon("seams", job, empty, COLUMNS, tuple(rows), notes, marks)


def _fit(paths: Sequence[Path], options: FitOptions) -> FitResult:
    data = joined([read_sheets([path], FORM) for path in paths])
    seam, axis = np.array(data.texts["seam"]), np.array(data.texts["axis"])
    moved, read = data.values["moved_um"], data.values["off_um"]
    for i in range(len(data)):
        for name, word in (("seam", seam[i]), ("axis", axis[i])):
            if word not in AXES:
                raise MeasurementError(f"{data.row[i]}: {name} is {str(word)!r}; it must be x or y")
        if math.isnan(moved[i]):
            raise MeasurementError(f"{data.row[i]}: no moved_um; say how far the stage was sent from one field to the other")
        if abs(read[i]) > MOST_OFF * moved[i]:
            raise MeasurementError(
                f"{data.row[i]}: off_um is {read[i]:g} for a way of {moved[i]:g} µm, limit {MOST_OFF * moved[i]:g}; is that another unit?"
            )
    expected = np.nan_to_num(data.values["drawn_um"]) + _of_optics(
        data.values["x_px"], data.values["y_px"], seam, axis, moved, options.printer
    )
    groups = [group for group in UNKNOWNS if ((seam == group[0]) & (axis == group[1])).any()]
    which = np.array([groups.index((s, a)) for s, a in zip(seam.tolist(), axis.tolist(), strict=True)])

    def predict(values: np.ndarray) -> np.ndarray:
        return np.asarray(values[which] * moved * 1e-3 + expected)

    unknowns = [Unknown(UNKNOWNS[group], "µm/mm", 0.0, scale=1.0) for group in groups]
    weights = data.weights()
    fit = fit_model(predict, unknowns, read, weights, options.robust, REMEDY, profiles=False)
    tests = fit_tests(fit, np.column_stack([which, moved, data.values["x_px"], data.values["y_px"]]), weights)
    findings = [*data.findings, *outlier_findings(fit.line, data.row, read, "µm")]
    why = "fields are distorted, or the stage is not straight: state optics.distortion of the printer first (fit scale, rows of marks)"
    findings += lack_findings(tests, "one error for each µm of way", {}, weights is not None, why)
    prediction = {"moved_um": moved, "off_um": predict(fit.values)}
    return fit_result("seams", fit, data.source, tests, findings, prediction, "µm", options.robust)


def _of_optics(x: np.ndarray, y: np.ndarray, seam: np.ndarray, axis: np.ndarray, moved: np.ndarray, printer: Printer) -> np.ndarray:
    """Return how far the optics of a printer draw the lines of both fields apart, along the axis that is read (N,) [µm]."""
    field_map, pitch = printer.field_map, np.array(printer.optics.pitch_um.value)
    if field_map is None or np.isnan(x).any() or np.isnan(y).any():
        return np.zeros(len(x))
    first = np.column_stack([x, y]) * pitch
    back = np.where((seam == "x")[:, None], np.array([1.0, 0.0]), np.array([0.0, 1.0])) * moved[:, None]
    second = first - back
    apart = (field_map.plate_um(second) - second) - (field_map.plate_um(first) - first)
    return np.asarray(np.where(axis == "x", apart[:, 0], apart[:, 1]))


def _printer(printer: Printer, result: FitResult, name: str | None) -> Printer:
    xy = printer.stage.xy
    if not isinstance(xy, XyStage):
        raise MeasurementError(f"printer {printer.name} has no [stage.xy] to state errors of; give the printer that moves (--printer)")
    lacking = [word for word in UNKNOWNS.values() if word not in result.parameters]
    if lacking:
        raise MeasurementError(f"the sheets tell nothing of {', '.join(lacking)}; {REMEDY}")
    found = result.parameters
    focus = (0.0, 0.0) if isinstance(xy.error, msgspec.UnsetType) else (xy.error.value[2], xy.error.value[5])
    six = (found["x_per_x"].value, found["y_per_x"].value, focus[0], found["x_per_y"].value, found["y_per_y"].value, focus[1])
    sd = max(found[word].sd for word in UNKNOWNS.values())
    error = Value(value=six, class_="measured", source=f"{source_text(result)}; focus as before", sd=sd)
    stage = msgspec.structs.replace(printer.stage, xy=msgspec.structs.replace(xy, error=error))
    return measured_printer(printer, name, stage=stage)


KIND = Kind(name="seams", coupon=_coupon, fit=_fit, printer=_printer)
