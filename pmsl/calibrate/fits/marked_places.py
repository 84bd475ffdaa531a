"""Where marks of the picture landed → scale, skew, keystone and radial distortion, whichever way the measuring stage lay."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from pmsl.calibrate.fits.fit_findings import fit_result, fit_tests, lack_findings, outlier_findings
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.fits.model_fit import Unknown, fit_model
from pmsl.calibrate.profile_update import measured, source_text
from pmsl.calibrate.sheets import SheetData
from pmsl.core.finding import Finding
from pmsl.errors import MeasurementError
from pmsl.profiles import Printer
from pmsl.profiles.distortion.elementary_maps import KeystoneMap, LinearMap, RadialMap
from pmsl.profiles.printer import Distortion, Optics
from pmsl.profiles.tables.strict_struct import Value

PLACES = ("x_px", "y_px", "x_um", "y_um")
LEAST_SPREAD = 0.5  # share of the field's width and height that marks must span
MOST_OFF = 0.2  # of the distance of marks: what is farther off is another unit or another mark
TURN = "turn_mrad"
UNKNOWNS = (
    Unknown("shift_x_um", "µm", 0.0, scale=100.0),
    Unknown("shift_y_um", "µm", 0.0, scale=100.0),
    Unknown(TURN, "mrad", 0.0, scale=1.0),
    Unknown("scale_x", "", 1.0),
    Unknown("scale_y", "", 1.0),
    Unknown("skew", "", 0.0, scale=1e-3),
    Unknown("keystone_x", "", 0.0, scale=1e-3),
    Unknown("keystone_y", "", 0.0, scale=1e-3),
    Unknown("k1", "", 0.0, scale=1e-3),
)
REMEDY = "measure marks on at least three rows and three columns, near the field's corners too"


def fit_places(data: SheetData, printer: Printer, printed: bool, robust: bool) -> FitResult:
    """Fit what a distortion is given by to measured marks.

    Parameters
    ----------
    data : SheetData
        ``x_px, y_px``, where marks are in the picture, and ``x_um, y_um``, where they were found, in the coordinates of the instrument,
        however it lay: its shift and its turn are fitted too.
    printer : Printer
        Field and pitch.
    printed : bool
        Marks of a print: then scale holds the shrinkage of the resin, and is said to.
    robust : bool
        Hold far measurements back.

    Raises
    ------
    MeasurementError
        Marks outside the field, on too little of it, fewer than unknowns, or far from where they can be.
    """
    (rows, cols), pitch = printer.field_px, np.array(printer.optics.pitch_um.value)
    at = np.column_stack([data.values["x_px"], data.values["y_px"]])
    found = np.column_stack([data.values["x_um"], data.values["y_um"]])
    _check_places(data, at, found, np.array([cols, rows]), pitch)
    size = np.array([cols, rows]) * pitch
    half, aspect = 0.5 * size[0], float(size[1] / size[0])
    x, y = ((at * pitch - 0.5 * size) / half).T

    def predict(values: np.ndarray) -> np.ndarray:
        shift_x, shift_y, turn, scale_x, scale_y, skew, g, h, k1 = values.tolist()
        u, v = RadialMap(k1, 0.0, (0.0, 0.0)).plate(x, y)
        u, v = LinearMap(scale_x, scale_y, skew).plate(u, v)
        u, v = KeystoneMap((1.0, 0.0, 0.0, 0.0, 1.0, 0.0, g, h), aspect).plate(u, v)
        c, s = np.cos(turn * 1e-3), np.sin(turn * 1e-3)
        return np.concatenate([half * (c * u - s * v) + shift_x, half * (s * u + c * v) + shift_y])

    seen, stated = np.concatenate(list(found.T)), data.weights()
    weights = None if stated is None else np.concatenate([stated, stated])
    start = _start(np.column_stack([x, y]) * half, found)
    unknowns = [Unknown(u.name, u.unit, start.get(u.name, u.start), scale=u.scale) for u in UNKNOWNS]
    fit = fit_model(predict, unknowns, seen, weights, robust, REMEDY, profiles=False)
    same = np.column_stack([np.concatenate([at, at]), np.repeat([0, 1], len(at))])
    tests = fit_tests(fit, same, weights)
    names = [f"{row} ({axis})" for axis in "xy" for row in data.row]
    findings = [*data.findings, *outlier_findings(fit.line, names, seen, "µm")]
    why = "the field is distorted in another way: give the marks themselves to optics.distortion (marks)"
    findings += lack_findings(tests, "keystone, radial, scale and skew", {}, weights is not None, why)
    if printed:
        text = f"scale holds the shrinkage of the print and goes into no profile; {REMEDY} of the lit frame (method light)"
        findings.append(Finding(code="values-not-parted", severity="warning", message=text))
    prediction = {"x_px": np.tile(at[:, 0], 2), "y_px": np.tile(at[:, 1], 2), "along_y": same[:, 2], "place_um": predict(fit.values)}
    return fit_result("scale", fit, data.source, tests, findings, prediction, "µm", robust)


def distorted_optics(printer: Printer, result: FitResult) -> Optics:
    """Return the optics of a printer with the distortion of a fit.

    Parameters
    ----------
    printer : Printer
    result : FitResult
        Of `fit_places`.
    """
    found, source = result.parameters, source_text(result)
    stated: dict[str, Any] = {"skew": measured(result, "skew")}
    if not any(f.code == "values-not-parted" for f in result.findings):
        x, y = found["scale_x"], found["scale_y"]
        stated["scale"] = Value(value=(x.value, y.value), class_="measured", source=source, sd=max(x.sd, y.sd))
    x, y = found["keystone_x"], found["keystone_y"]
    eight = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, x.value, y.value)
    stated["keystone"] = Value(value=eight, class_="measured", source=f"{source}; sd of the last two", sd=max(x.sd, y.sd))
    k1 = found["k1"]
    stated["radial"] = Value(value=(k1.value, 0.0), class_="measured", source=f"{source}; k2 not fitted", sd=k1.sd)
    return msgspec.structs.replace(printer.optics, distortion=Distortion(**stated))


def _start(meant: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Return shift and turn that bring marks near where they were found."""
    a, b = meant - meant.mean(axis=0), found - found.mean(axis=0)
    turn = float(np.arctan2((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum(), (a * b).sum()))
    c, s = np.cos(turn), np.sin(turn)
    shift = found.mean(axis=0) - np.array([[c, -s], [s, c]]) @ meant.mean(axis=0)
    return {"shift_x_um": float(shift[0]), "shift_y_um": float(shift[1]), TURN: 1e3 * turn}


def _check_places(data: SheetData, at: np.ndarray, found: np.ndarray, field_px: np.ndarray, pitch: np.ndarray) -> None:
    for i in np.flatnonzero(np.isnan(at).any(axis=1) | np.isnan(found).any(axis=1)).tolist():
        raise MeasurementError(f"{data.row[i]}: a mark needs {', '.join(PLACES)}; fill in all four, or none of the last two")
    for i in np.flatnonzero((at < 0).any(axis=1) | (at > field_px).any(axis=1)).tolist():
        raise MeasurementError(
            f"{data.row[i]}: the mark is at ({at[i, 0]:g}, {at[i, 1]:g}) px; the field has {field_px[0]} × {field_px[1]} px: is that "
            "another printer (--printer)?"
        )
    if 2 * len(at) <= len(UNKNOWNS):
        raise MeasurementError(
            f"{data.source}: {len(at)} marks for {len(UNKNOWNS)} unknowns, limit {len(UNKNOWNS) // 2 + 1} marks; {REMEDY}"
        )
    span = np.ptp(at, axis=0) / field_px
    if (span < LEAST_SPREAD).any():
        raise MeasurementError(
            f"{data.source}: marks span {span[0]:.3g} of the field's width and {span[1]:.3g} of its height, limit {LEAST_SPREAD:g}; "
            f"{REMEDY}"
        )
    meant = at * pitch
    far, measured_far = (np.linalg.norm(p - p.mean(axis=0), axis=1) for p in (meant, found))
    size = float(far.max())
    for i in np.flatnonzero(np.abs(measured_far - far) > MOST_OFF * size).tolist():
        raise MeasurementError(
            f"{data.row[i]}: the mark is {measured_far[i]:.6g} µm from the middle of all marks, expected {far[i]:.6g} µm; are marks, "
            "columns or units mixed up (µm from one zero for all)?"
        )
