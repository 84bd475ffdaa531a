"""The kind ``bottom``: pillars whose first layers are stronger or weaker: what sticks, the elephant foot, the zero of the plate."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pmsl.calibrate.coupons.coupon_job import (
    Coupon,
    TileExposure,
    check_dose,
    coupon_grid,
    coupon_job,
    digest_of,
    numbers_mask,
    prism_of,
    prism_part,
    rectangles_mask,
)
from pmsl.calibrate.coupons.film_coupon import label_dose_mj_cm2, tiles_of
from pmsl.calibrate.coupons.tile_layout import well_spread
from pmsl.calibrate.fits.fit_findings import fit_result, fit_tests, lack_findings, outlier_findings
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.fits.model_fit import Unknown, fit_model
from pmsl.calibrate.kinds.kind import CouponOptions, FitOptions, Kind
from pmsl.calibrate.sheets import ABOVE, ANY, FLAG, FROM, SheetFormat, joined, read_sheets
from pmsl.core.finding import Finding
from pmsl.cure import CureModel
from pmsl.errors import MeasurementError, UsageError
from pmsl.exposure.planning import whole_frames
from pmsl.profiles import Printer, Process, Resin

COLUMNS = ("tile", "factor", "layers", "layer_um", "stuck", "height_um", "foot_um")
FACTORS, HEIGHTS, REPEATS = (1.0, 1.5, 2.5, 5.0, 10.0), (10, 30), 2
FORM = SheetFormat(
    "bottom",
    {"factor": ABOVE, "layers": ABOVE, "layer_um": ABOVE, "stuck": FLAG, "height_um": FROM, "foot_um": ANY},
    ("stuck", "height_um", "foot_um"),
    (("factor",), ("layers",), ("layer_um",)),
    "a measurement",
    ("height_um",),
)
NOTES = (
    "Square pillars of so many layers, the first of which has factor times the ordinary dose. stuck is 1 or 0; height_um from the plate to "
    "the top, by calliper or indicator; foot_um how much wider the foot is than the pillar above it, both sides together.",
)
REMEDY = "measure pillars of two heights: coupon bottom"


def _coupon(printer: Printer, resin: Resin, process: Process, options: CouponOptions) -> Coupon:
    model, light, height = CureModel.of(resin), printer.optics.settings[0].irradiance_mw_cm2.value, options.layer_um or process.layer_um
    factors = sorted(set(options.factors or FACTORS))
    if len(factors) < 2 or not factors[0] > 0 or not 0 < height < 500:
        raise UsageError(f"coupon bottom: factors {factors}, layers of {height:g} µm; expected two factors or more, above 0")
    white = 1.5 * model.ec_mj_cm2 * math.exp(height / model.decay.lengths_um[0])
    check_dose(factors[-1] * white, printer, "bottom")
    doses, _ = whole_frames(white * np.array([1.0, *factors]), light, printer)
    settings = list(itertools.product(range(len(factors)), HEIGHTS)) * (options.repeats or REPEATS)
    settings = [settings[i] for i in well_spread(len(settings))]
    layout = tiles_of(len(settings), printer, options.tile_um)
    tiles = [layout.tile(i) for i in range(layout.count)]
    grid = coupon_grid(printer, [height] * max(HEIGHTS))
    rows = tuple({"tile": i + 1, "factor": float(factors[f]), "layers": n, "layer_um": float(height)} for i, (f, n) in enumerate(settings))
    label = max(label_dose_mj_cm2(printer, resin), float(doses[0]))

    def exposures(k: int) -> list[TileExposure]:
        if k > 0:
            return [
                TileExposure(
                    rectangles_mask(k, layout.shape, [t for t, (_, n) in zip(tiles, settings, strict=True) if k < n]), float(doses[0])
                )
            ]
        lit = [[t for t, (own, _) in zip(tiles, settings, strict=True) if own == f] for f in range(len(factors))]
        first = [TileExposure(rectangles_mask(0, layout.shape, some), float(dose)) for some, dose in zip(lit, doses[1:], strict=True)]
        return [TileExposure(numbers_mask(layout, range(layout.count)), label), *first]

    parts = []
    for i, (_, n) in enumerate(settings):
        square, *number = layout.rectangles(i)
        parts.append(
            prism_part([prism_of(grid, square, 0.0, n * height), *(prism_of(grid, r, 0.0, height) for r in number)], f"tile {i + 1}")
        )
    job = coupon_job("bottom", digest_of(COLUMNS, rows), (printer, resin, process), grid, exposures, parts)
    marks = tuple(
        (t.col0 + t.cols / 2, t.row0 + t.rows / 2, f"{n} layers, {factors[f]:g}x") for t, (f, n) in zip(tiles, settings, strict=True)
    )
    return Coupon("bottom", job, layout, COLUMNS, rows, NOTES, marks)


def _fit(paths: Sequence[Path], options: FitOptions) -> FitResult:
    data = joined([read_sheets([path], FORM) for path in paths])
    factor, layers, thick, stuck, height, foot = (
        data.values[name] for name in ("factor", "layers", "layer_um", "stuck", "height_um", "foot_um")
    )
    for name, known in (("factor", factor), ("layers", layers), ("layer_um", thick)):
        for i in np.flatnonzero(np.isnan(known)).tolist():
            raise MeasurementError(f"{data.row[i]}: no {name}; every row has one")
    for i in np.flatnonzero(height > 2 * layers * thick + 500).tolist():
        raise MeasurementError(f"{data.row[i]}: height_um is {height[i]:g}, the pillar was designed {layers[i] * thick[i]:g} µm high")
    tall, wide = ~np.isnan(height) & (height > 0), ~np.isnan(foot)
    nominal, strength = (layers * thick)[tall], np.log(factor)[wide]
    if tall.sum() and not np.ptp(nominal):
        raise MeasurementError(f"{data.source}: all pillars are {nominal[0]:g} µm high: zero and shrinkage are one then; {REMEDY}")
    if not tall.sum():
        raise MeasurementError(f"{data.source}: no row has a height_um; {REMEDY}")
    weights, feet = data.weights(), bool(wide.any())
    y = np.concatenate([height[tall], foot[wide]])
    some = None if weights is None else np.concatenate([weights[tall], weights[wide]])

    def predict(values: np.ndarray) -> np.ndarray:
        stack = values[0] + nominal * (1 - values[1])
        return np.concatenate([stack, values[2] + values[3] * strength]) if feet else np.asarray(stack)

    unknowns = [Unknown("zero_um", "µm", 0.0), Unknown("shrinkage_z", "", 0.0)]
    unknowns += [Unknown("foot_um", "µm", 0.0), Unknown("foot_growth_um", "µm", 1.0)] if feet else []
    fit = fit_model(predict, unknowns, y, some, options.robust, REMEDY)
    is_foot = np.repeat([0.0, 1.0], [len(nominal), len(strength)])
    tests = fit_tests(fit, np.column_stack([is_foot, np.concatenate([nominal, strength])]), some)
    rows = [data.row[i] for i in (*np.flatnonzero(tall).tolist(), *np.flatnonzero(wide).tolist())]
    findings = [*data.findings, *outlier_findings(fit.line, rows, y, "µm"), *_adhesion(factor, stuck)]
    findings += lack_findings(
        tests, "one zero, feet that grow with the logarithm of the dose", {}, some is not None, "they hold in the mean"
    )
    prediction = {"factor": np.concatenate([factor[tall], factor[wide]]), "is_foot": is_foot, "expected_um": predict(fit.values)}
    return fit_result("bottom", fit, data.source, tests, findings, prediction, "µm", options.robust)


def _adhesion(factor: np.ndarray, stuck: np.ndarray) -> list[Finding]:
    """Say from which factor on all pillars stuck."""
    known = ~np.isnan(stuck)
    if not known.any():
        return []
    lost = factor[known & (stuck == 0)].max(initial=0.0)
    holding = factor[known & (factor > lost)]
    if not len(holding):
        message, value = f"pillars came off up to the strongest factor, {lost:g}: print it with stronger first layers", float(lost)
    else:
        message, value = f"all pillars stuck from factor {holding.min():g} on ({int(known.sum())} looked at)", float(holding.min())
    return [Finding(code="adhesion", severity="info", message=message, value=value, unit="")]


KIND = Kind(name="bottom", options=frozenset({"tile_um", "layer_um", "factors", "repeats"}), coupon=_coupon, fit=_fit)
