"""Measure a printer and a resin: sheets of measurements to values with their uncertainty, for profiles.

working_curve   Dp and Ec from cured thicknesses
measurements    sheets, read
regression      least squares, intervals, tests
fit_result      what a fit gives
"""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later

if TYPE_CHECKING:
    from pmsl.calibrate.fit_result import FitResult, Parameter
    from pmsl.calibrate.measurements import WorkingCurveData, read_working_curve
    from pmsl.calibrate.working_curve import curve_sd_um, fit_working_curve

_HOMES = homes_in(
    __name__,
    fit_result="FitResult Parameter",
    measurements="WorkingCurveData read_working_curve",
    working_curve="curve_sd_um fit_working_curve",
)
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = ["FitResult", "Parameter", "WorkingCurveData", "curve_sd_um", "fit_working_curve", "read_working_curve"]
