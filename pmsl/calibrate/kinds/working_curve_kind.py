"""The kind ``working-curve``: numbered tiles, one exposure each, measured for thickness."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pmsl.calibrate.coupons.coupon_job import Coupon
from pmsl.calibrate.coupons.working_curve_coupon import working_curve_coupon
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.fits.working_curve import fit_working_curve
from pmsl.calibrate.kinds.kind import CouponOptions, FitOptions, Kind
from pmsl.calibrate.profile_update import measured_resin
from pmsl.profiles import Printer, Process, Resin


def _coupon(printer: Printer, resin: Resin, process: Process, options: CouponOptions) -> Coupon:
    return working_curve_coupon(
        printer,
        resin,
        process,
        8 if options.doses is None else options.doses,
        3 if options.repeats is None else options.repeats,
        options.dose_range_mj_cm2,
        options.powers,
        options.tile_um,
    )


def _fit(paths: Sequence[Path], options: FitOptions) -> FitResult:
    return fit_working_curve(paths, options.irradiance_mw_cm2, options.robust)


KIND = Kind(
    name="working-curve",
    options=frozenset({"doses", "repeats", "dose_range_mj_cm2", "powers", "tile_um"}),
    coupon=_coupon,
    fit=_fit,
    resin=measured_resin,
)
