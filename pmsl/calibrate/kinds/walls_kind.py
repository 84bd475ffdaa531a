"""The kind ``walls``: widths of lines, gaps, dots and holes at three doses: blur, threshold, the microscope's own bias, what survives."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from pmsl.calibrate.coupons.coupon_job import Coupon
from pmsl.calibrate.coupons.walls_coupon import walls_coupon
from pmsl.calibrate.fits.fit_findings import fit_result, fit_tests, identifiability_findings, lack_findings, outlier_findings
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.fits.model_fit import ModelFit, Unknown, fit_model
from pmsl.calibrate.fits.wall_widths import DOT, FEATURES, HOLE, Features, features_of, widths_um
from pmsl.calibrate.kinds.kind import CouponOptions, FitOptions, Kind
from pmsl.calibrate.measurements import exposures
from pmsl.calibrate.profile_update import measured, measured_printer
from pmsl.calibrate.sheet_findings import uncured
from pmsl.calibrate.sheets import ABOVE, FROM, TEXT, SheetFormat, joined, read_sheets
from pmsl.core.finding import Finding
from pmsl.errors import MeasurementError
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.optics import Psf
from pmsl.profiles.response import response

FORM = SheetFormat(
    "walls",
    {
        **dict.fromkeys(("time_s", "dose_mj_cm2", "irradiance_mw_cm2", "width_px"), ABOVE),
        **dict.fromkeys(("angle_deg", "width_um"), FROM),
        "feature": TEXT,
    },
    ("width_um",),
    (("time_s", "dose_mj_cm2"), ("feature",), ("width_px",)),
    "a width",
    ("width_um",),
)
REMEDY = "measure lines and gaps at three doses, from 2 to 8 Ec: coupon walls"
REMEDIES = {
    "bias_um": "calibrate the microscope on a chromium scale, or measure lines and gaps at more doses",
    "ec_mj_cm2": "fit a working curve beside it",
}
WORTH = "blur and threshold hold for the middle of the widths at best"
BLURS, SHARES = (0.12, 0.2, 0.3, 0.45, 0.65, 0.95, 1.4), (0.15, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # where a search may begin
STARTS = 3
MUCH = 10.0  # of the criterion of Akaike: the heavy tail is then what the lines say
WIDEST = 6.0  # widths that a feature can have grown by [px] before it is another one


def _coupon(printer: Printer, resin: Resin, process: Process, options: CouponOptions) -> Coupon:
    return walls_coupon(printer, resin, process, options.dose_range_mj_cm2)


def _fit(paths: Sequence[Path], options: FitOptions) -> FitResult:
    data = joined([read_sheets([path], FORM) for path in paths])
    names = np.array(data.texts["feature"])
    width, measured_um = data.values["width_px"], data.values["width_um"]
    angle = np.where(np.isnan(data.values["angle_deg"]), 0.0, data.values["angle_deg"])
    _, _, dose = exposures(data, options.irradiance_mw_cm2)
    pitch = options.printer.optics.pitch_um.value
    for i in range(len(data)):
        _check_row(data.row[i], str(names[i]), float(width[i]), float(dose[i]), float(measured_um[i]), max(pitch))
    features = features_of(names, angle, width, dose, pitch, response(options.printer))
    used = measured_um > 0
    lost = uncured([row for row, use in zip(data.row, used, strict=True) if not use])
    weights = data.weights()
    weights = None if weights is None else weights[used]
    seen = Features(*(getattr(features, name)[used] for name in Features.__slots__))
    y, sign = measured_um[used], np.where(seen.dark, -1.0, 1.0)
    if not used.any():
        raise MeasurementError(f"{data.source}: nothing survived: no width is above 0; print it at higher doses")
    fit, heavy = _best(seen, y, sign, weights, options)
    tests = fit_tests(fit, np.column_stack([np.log(dose), width, angle, np.unique(names, return_inverse=True)[1]])[used], weights)
    rows = [row for row, use in zip(data.row, used, strict=True) if use]
    findings = [*data.findings, *lost, *outlier_findings(fit.line, rows, y, "µm")]
    findings += lack_findings(
        tests, "a blurred edge", {}, weights is not None, "blur and threshold hold for the middle of the widths at best"
    )
    findings += identifiability_findings(fit, REMEDIES) + _survivors(names, width, dose, measured_um)
    if heavy:
        findings.append(_heavy(fit))
    prediction = {
        "dose_mj_cm2": dose,
        "angle_deg": angle,
        "width_px": width,
        "width_um": widths_um(features, fit.values[0], fit.values[1], heavy),
    }
    seen_rows = {name: column[used] for name, column in prediction.items()} | {"width_um": y}
    return fit_result("walls", fit, data.source, tests, findings, prediction, "µm", options.robust, measured=seen_rows)


def _check_row(where: str, feature: str, width: float, dose: float, measured_um: float, pitch: float) -> None:
    if feature not in FEATURES:
        raise MeasurementError(f"{where}: feature is {feature!r}; it must be one of {', '.join(FEATURES)}")
    if np.isnan(width):
        raise MeasurementError(f"{where}: no width_px, what the feature was designed as")
    if np.isnan(dose):
        raise MeasurementError(f"{where}: no irradiance; give irradiance_mw_cm2 in every row, or --irradiance")
    if measured_um > (width + WIDEST) * pitch:
        raise MeasurementError(
            f"{where}: width_um is {measured_um:g}, the feature was designed {width:g} px = {width * pitch:g} µm wide; is that another "
            "feature, another printer (--printer), or another unit?"
        )
    if feature in (DOT, HOLE) and width != round(width):
        raise MeasurementError(f"{where}: a {feature} of {width:g} px; dots and holes are whole pixels wide")


def _best(seen: Features, y: np.ndarray, sign: np.ndarray, weights: np.ndarray | None, options: FitOptions) -> tuple[ModelFit, bool]:
    """Return the fit with a Gaussian blur, or with a heavy tail where lines and gaps ask for it."""
    least_dose = float(seen.dose_mj_cm2.min())

    def fitted(rows: np.ndarray, heavy: bool, profiles: bool = True) -> ModelFit:
        some = Features(*(getattr(seen, name)[rows] for name in Features.__slots__))

        def predict(values: np.ndarray) -> np.ndarray:
            return np.asarray(widths_um(some, values[0], values[1], heavy) + sign[rows] * values[2])

        def squares(blur: float, ec: float) -> tuple[float, float, float, float]:
            off = y[rows] - widths_um(some, blur, ec, heavy)
            bias = float(np.median(sign[rows] * off))
            return float(np.abs(off - sign[rows] * bias).sum()), blur, ec, bias

        some_weights = None if weights is None else weights[rows]

        def begun(blur: float, ec: float, bias: float, profiles: bool) -> ModelFit:
            unknowns = [
                Unknown("gamma_px" if heavy else "sigma_px", "px", blur, 0.02, 6.0),
                Unknown("ec_mj_cm2", "mJ/cm²", ec, 0.01 * ec, 0.999 * least_dose),
                Unknown("bias_um", "µm", bias),
            ]
            return fit_model(predict, unknowns, y[rows], some_weights, options.robust, REMEDY, profiles)

        starts = sorted(min(squares(b, share * least_dose) for share in SHARES) for b in BLURS)[:STARTS]
        if len(y[rows]) <= 3:
            return begun(*starts[0][1:], profiles)
        tried = []
        for start in starts:  # features about to vanish make more than one valley
            with contextlib.suppress(MeasurementError):
                tried.append(begun(*start[1:], False))
        if not tried:
            return begun(*starts[0][1:], profiles)
        best = min(tried, key=lambda fit: fit.line.spread)
        return begun(float(best.values[0]), float(best.values[1]), float(best.values[2]), True) if profiles else best

    every = np.ones(len(y), bool)
    plain = fitted(every, heavy=False)
    if len(y) < 8 or seen.square.any():  # of a heavy tail no square's light is known
        return plain, False
    try:
        tail = fitted(every, heavy=True, profiles=False)
    except MeasurementError:
        return plain, False
    least = [max(float((one.line.spread**2) * one.line.dof), 1e-300) for one in (plain, tail)]
    return (fitted(every, heavy=True), True) if len(y) * np.log(least[0] / least[1]) > MUCH else (plain, False)


def _survivors(names: np.ndarray, width: np.ndarray, dose: np.ndarray, measured_um: np.ndarray) -> list[Finding]:
    """Say the narrowest feature of each kind from which on all survive, dose by dose."""
    found = []
    for one in np.unique(np.round(dose, 6)).tolist():
        at = np.isclose(dose, one)
        said = []
        for name in FEATURES:
            mine = at & (names == name)
            lost = width[mine & (measured_um == 0)].max(initial=0.0)
            lasting = width[mine & (width > lost)]
            if len(lasting):
                said.append(f"{name}s of {lasting.min():g} px")
        if said:
            found.append(
                Finding(
                    code="smallest-feature",
                    severity="info",
                    message=f"at {one:.4g} mJ/cm² {', '.join(said)} and wider survive",
                    value=float(one),
                    unit="mJ/cm²",
                )
            )
    return found


def _heavy(fit: ModelFit) -> Finding:
    return Finding(
        code="heavy-tail",
        severity="info",
        message=f"a blur with heavy tails (Lorentzian, γ = {fit.values[0]:.3g} px) describes the widths better than a Gaussian",
        value=float(fit.values[0]),
        unit="px",
    )


def _printer(printer: Printer, result: FitResult, name: str | None) -> Printer:
    if "gamma_px" in result.parameters:
        psf = Psf(kind="lorentzian", gamma_pitch=measured(result, "gamma_px"))
    else:
        psf = Psf(kind="gaussian", sigma_pitch=measured(result, "sigma_px"))
    return measured_printer(printer, name, optics=msgspec.structs.replace(printer.optics, psf=psf))


KIND = Kind(name="walls", options=frozenset({"dose_range_mj_cm2"}), coupon=_coupon, fit=_fit, printer=_printer)
