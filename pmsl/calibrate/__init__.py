"""Measure a printer and a resin: test prints, sheets of measurements, and values with their uncertainty, for profiles.

calibration     coupon and fit of every kind, by its name
kinds           one file a kind: what is printed, measured and fitted
coupons         test prints as jobs, sheets to fill in, drawings
sheets          CSV, read
fits            values and their uncertainty from measurements: working_curve, the straight line; cure_fit, films and roofs together;
                model_fit, least squares, intervals by the profile, what the data cannot part; regression; fit_result, what a fit gives
next_print      the next print: the tiles that say most of what is wanted
renewal         what recoats exchange of liquid
search          settings of what nobody models, by a number that a person enters
transfer        a resin of one machine on another
spectra         Dp and further decays from the spectrum of the light and the absorbance of the resin
"""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later

if TYPE_CHECKING:
    from pmsl.calibrate.calibration import coupon, fit
    from pmsl.calibrate.coupons.coupon_job import Coupon
    from pmsl.calibrate.fits.fit_result import FitResult, Parameter
    from pmsl.calibrate.fits.working_curve import curve_sd_um, fit_working_curve
    from pmsl.calibrate.kinds.kind import CouponOptions
    from pmsl.calibrate.measurements import WorkingCurveData, read_working_curve
    from pmsl.calibrate.next_print.proposal import Proposal, propose
    from pmsl.calibrate.next_print.proposed_print import proposed_coupon
    from pmsl.calibrate.spectra import SpectralDecay, read_spectral_decay, resin_of_spectrum, spectral_decay
    from pmsl.calibrate.transfer import transferred_resin

_HOMES = homes_in(
    __name__,
    calibration="coupon fit",
    measurements="WorkingCurveData read_working_curve",
    spectra="SpectralDecay read_spectral_decay resin_of_spectrum spectral_decay",
    transfer="transferred_resin",
    **{
        "fits.working_curve": "curve_sd_um fit_working_curve",
        "fits.fit_result": "FitResult Parameter",
    },
) | {"Coupon": "pmsl.calibrate.coupons.coupon_job", "CouponOptions": "pmsl.calibrate.kinds.kind"}
_HOMES |= dict.fromkeys(("Proposal", "propose"), "pmsl.calibrate.next_print.proposal")
_HOMES |= {"proposed_coupon": "pmsl.calibrate.next_print.proposed_print"}
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = [
    "Coupon",
    "CouponOptions",
    "FitResult",
    "Parameter",
    "Proposal",
    "SpectralDecay",
    "WorkingCurveData",
    "coupon",
    "curve_sd_um",
    "fit",
    "fit_working_curve",
    "propose",
    "proposed_coupon",
    "read_spectral_decay",
    "read_working_curve",
    "resin_of_spectrum",
    "spectral_decay",
    "transferred_resin",
]
