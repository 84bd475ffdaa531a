"""The kind ``daily``: six tiles in five minutes: light, absorber and edges against the profiles, in control or not, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from pmsl.calibrate.coupons.coupon_job import Coupon, Rectangle, TileExposure, most_dose_mj_cm2, rectangles_mask
from pmsl.calibrate.coupons.film_coupon import film_coupon, tiles_of
from pmsl.calibrate.fits.fit_findings import fit_result, fit_tests, outlier_findings
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.fits.model_fit import ModelFit, Unknown, fit_model
from pmsl.calibrate.fits.regression import student
from pmsl.calibrate.fits.wall_widths import features_of, widths_um
from pmsl.calibrate.kinds.kind import CouponOptions, FitOptions, Kind
from pmsl.calibrate.measurements import exposures
from pmsl.calibrate.sheet_findings import uncured
from pmsl.calibrate.sheets import ABOVE, FROM, SheetFormat, joined, read_sheets
from pmsl.core.finding import Finding
from pmsl.cure import CureModel
from pmsl.errors import MeasurementError
from pmsl.exposure.planning import whole_frames
from pmsl.profiles import Printer, Process, Resin
from pmsl.profiles.response import response
from pmsl.profiles.tables.strict_struct import Value

COLUMNS = ("tile", "time_s", "irradiance_mw_cm2", "width_px", "thickness_um", "width_um")
LOW, HIGH, LINE_PX, LINES = 3.0, 9.0, 4, 3  # doses in Ec
TILES = ((LOW, False), (HIGH, False), (LOW, True), (HIGH, False), (LOW, False), (HIGH, True))  # dose, and whether it is of lines
ASSUMED = 0.1  # of a value without a stated error
LEVEL, NORMAL = 0.01, 2.5758  # of a false alarm, and what a known error is multiplied by
FORM = SheetFormat(
    "daily",
    {
        **dict.fromkeys(("time_s", "dose_mj_cm2", "irradiance_mw_cm2", "width_px"), ABOVE),
        **dict.fromkeys(("thickness_um", "width_um"), FROM),
    },
    ("thickness_um", "width_um"),
    (("time_s", "dose_mj_cm2"),),
    "a measurement",
    ("thickness_um", "width_um"),
)
NOTES = (
    "Tiles without a width_px are films: measure thickness_um, in the middle. Those with one have lines along y: measure width_um of the "
    "middle one. Then: pmsl calibrate fit daily THIS.csv --printer MY.toml --resin MY.toml",
)
MEANING = {
    "light_ratio": "the light, or how the resin answers to it: lamp, window, inhibitor",
    "dp_ratio": "how deep light goes: absorber, concentration, mixing",
    "edge_um": "edges: focus, blur, or the way they are measured",
}


def _coupon(printer: Printer, resin: Resin, process: Process, options: CouponOptions) -> Coupon:
    ec, light = CureModel.of(resin).ec_mj_cm2, printer.optics.settings[0].irradiance_mw_cm2.value
    wanted = np.minimum([LOW * ec, HIGH * ec], most_dose_mj_cm2(printer))
    doses, times = (dict(zip((LOW, HIGH), pair.tolist(), strict=True)) for pair in whole_frames(wanted, light, printer))
    layout = tiles_of(len(TILES), printer, options.tile_um)
    rows = tuple(
        {"tile": i + 1, "time_s": times[dose], "irradiance_mw_cm2": light, **({"width_px": LINE_PX} if lines else {})}
        for i, (dose, lines) in enumerate(TILES)
    )

    def drawn(i: int) -> list[Rectangle]:
        tile = layout.tile(i)
        if not TILES[i][1]:
            return [tile]
        step, first = 4 * LINE_PX, tile.col0 + tile.cols // 2 - (LINES // 2) * 4 * LINE_PX - LINE_PX // 2
        return [(tile.row0, first + k * step, tile.rows, LINE_PX) for k in range(LINES)]

    def shown() -> list[TileExposure]:
        of = {dose: [r for i, (own, _) in enumerate(TILES) if own == dose for r in drawn(i)] for dose in (LOW, HIGH)}
        return [TileExposure(rectangles_mask(0, layout.shape, rectangles), doses[dose]) for dose, rectangles in of.items()]

    words = ["lines" if lines else "film" for _, lines in TILES]
    return film_coupon("daily", (printer, resin, process), layout, COLUMNS, rows, NOTES, doses[HIGH], shown, words, drawn)


def _fit(paths: Sequence[Path], options: FitOptions) -> FitResult:
    data = joined([read_sheets([path], FORM) for path in paths])
    _, _, dose = exposures(data, options.irradiance_mw_cm2)
    for i in np.flatnonzero(np.isnan(dose)).tolist():
        raise MeasurementError(f"{data.row[i]}: no irradiance; give irradiance_mw_cm2 in every row, or --irradiance")
    film = ~np.isnan(data.values["thickness_um"])
    y, width_px = np.where(film, data.values["thickness_um"], data.values["width_um"]), data.values["width_px"]
    for i in np.flatnonzero(~film & np.isnan(width_px)).tolist():
        raise MeasurementError(f"{data.row[i]}: a width_um without width_px, what the line was designed as")
    used, weights = y > 0, data.weights()
    rows = [row for row, use in zip(data.row, used, strict=True) if use]
    weights = None if weights is None else weights[used]
    film, y, dose, width_px = film[used], y[used], dose[used], width_px[used]
    if len(np.unique(np.round(np.log(dose[film]), 3))) < 2:
        raise MeasurementError(
            f"{data.source}: films of fewer than two doses part light from absorber by nothing; measure films of both doses"
        )
    fit = _model(film, y, dose, width_px, weights, options)
    tests = fit_tests(fit, np.column_stack([film, np.log(dose), np.where(film, 0.0, width_px)]), weights)
    findings = [*data.findings, *uncured([row for row, use in zip(data.row, used, strict=True) if not use])]
    findings += outlier_findings(fit.line, rows, y, "µm") + _out_of_control(fit, options.resin)
    prediction = {"dose_mj_cm2": dose, "measured_um": y, "expected_um": y - fit.line.residuals}
    return fit_result("daily", fit, data.source, tests, findings, prediction, "µm", options.robust)


def _model(
    film: np.ndarray, y: np.ndarray, dose: np.ndarray, width_px: np.ndarray, weights: np.ndarray | None, options: FitOptions
) -> ModelFit:
    """Fit what light, depth and edges are relative to the profiles."""
    material, printer = options.resin.resin, options.printer
    dp, ec = material.dp_um.value, material.ec_mj_cm2.value
    pitch = printer.optics.pitch_um.value
    lines, psf = ~film, printer.optics.psf
    blur = psf.length_px(pitch)[1]
    heavy = psf.kind == "lorentzian"
    many = int(lines.sum())
    seen = features_of(np.full(many, "line"), np.full(many, 90.0), width_px[lines], dose[lines], pitch, response(printer)) if many else None

    def predict(values: np.ndarray) -> np.ndarray:
        out = dp * values[1] * np.log(dose * values[0] / ec)
        if seen is not None:
            out[lines] = widths_um(seen, blur, ec / float(values[0]), heavy) + values[2]
        return np.asarray(out)

    unknowns = [Unknown("light_ratio", "", 1.0, 0.05, 20.0), Unknown("dp_ratio", "", 1.0, 0.05, 20.0)]
    unknowns += [Unknown("edge_um", "µm", 0.0)] if many else []
    return fit_model(predict, unknowns, y, weights, options.robust, "measure films of both doses, twice each: coupon daily")


def _out_of_control(fit: ModelFit, resin: Resin) -> list[Finding]:
    """Say what differs from the profiles by more than both errors allow."""
    found = []
    own = {"light_ratio": _share(resin.resin.ec_mj_cm2), "dp_ratio": _share(resin.resin.dp_um), "edge_um": 0.0}
    normal = {"light_ratio": 1.0, "dp_ratio": 1.0, "edge_um": 0.0}
    t = student(fit.line.dof, LEVEL)
    for i, u in enumerate(fit.unknowns):
        off, limit = float(fit.values[i]) - normal[u.name], float(np.hypot(t * np.sqrt(fit.covariance[i, i]), NORMAL * own[u.name]))
        if abs(off) > limit:
            by = f"{off:+.3g} µm" if u.unit else f"{off:+.1%}"
            found.append(
                Finding(
                    code="out-of-control",
                    severity="warning",
                    message=f"{u.name} is off by {by}, more than {limit:.3g} (99 %): {MEANING[u.name]}",
                    value=off,
                    limit=limit,
                    unit=u.unit,
                )
            )
    unstated = [name for name, value in (("Ec", resin.resin.ec_mj_cm2), ("Dp", resin.resin.dp_um)) if value.sd is msgspec.UNSET]
    if unstated:
        message = f"resin {resin.name} states no error of {' and '.join(unstated)}: ±{ASSUMED:.0%} is assumed, so that only much is noticed"
        found.append(Finding(code="value-holds-for", severity="info", message=message, value=ASSUMED, unit=""))
    return found


def _share(value: Value[float]) -> float:
    return ASSUMED if value.sd is msgspec.UNSET else value.sd / value.value


KIND = Kind(name="daily", options=frozenset({"tile_um"}), coupon=_coupon, fit=_fit)
