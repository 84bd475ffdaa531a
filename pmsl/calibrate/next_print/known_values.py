"""What is measured so far: values with their information, and the error of a further measurement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.fits.working_curve import fit_working_curve
from pmsl.calibrate.kinds import kind_of
from pmsl.calibrate.kinds.kind import FitOptions
from pmsl.calibrate.measurements import read_working_curve
from pmsl.errors import MeasurementError
from pmsl.profiles import Printer, Resin

CURE = ("dp_um", "ec_mj_cm2", "induction_mj_cm2", "tail")  # not tc_s, which is Ec over the irradiance
EXCHANGE = ("renewal", "reach_um")  # a reach that has no end is held


@dataclass(frozen=True, slots=True, eq=False)
class KnownValues:
    """Values of a fit, for what a further print would tell.

    Attributes
    ----------
    kind : str
        Of the coupon.
    names : tuple of str
    values : (P,) float64
    information : (P, P) float64
        Inverse of their covariance.
    error_um : float
        Of a further measurement.
    result : FitResult
    """

    kind: str
    names: tuple[str, ...]
    values: np.ndarray
    information: np.ndarray
    error_um: float
    result: FitResult

    def cure(self, values: np.ndarray) -> np.ndarray:
        """Return Dp, Ec, E_ind and tail of some values: (4,) float64; 0 for what is not fitted.

        Parameters
        ----------
        values : (P,) float64
        """
        found = dict(zip(self.names, values.tolist(), strict=True))
        return np.array([found.get(name, 0.0) for name in CURE])

    def exchanged(self, values: np.ndarray, way_um: np.ndarray) -> np.ndarray:
        """Return the share of liquid that a recoat exchanges at some ways from the vat: (N,) float64; 0 where it is sealed.

        Parameters
        ----------
        values : (P,) float64
        way_um : (N,) float64
            [µm]; inf where it is sealed.
        """
        found = dict(zip(self.names, values.tolist(), strict=True))
        held = {name: self.result.parameters[name].value for name in EXCHANGE if name in self.result.parameters}
        renewal, reach = (found.get(name, held.get(name, math.inf)) for name in EXCHANGE)
        return np.where(np.isinf(way_um), 0.0, renewal * np.exp(-np.where(np.isinf(way_um), 0.0, way_um) / reach))


def known_values(
    kind: str, sheets: Sequence[str | Path], printer: Printer, resin: Resin, irradiance_mw_cm2: float | None = None
) -> KnownValues:
    """Fit the sheets of a kind.

    Parameters
    ----------
    kind : str
    sheets : sequence of paths
    printer, resin : Printer, Resin
        What is known beside them.
    irradiance_mw_cm2 : float, optional
        Of rows that state none [mW/cm²].

    Raises
    ------
    MeasurementError
        What the fit refuses, measurements without an irradiance, or without any error.
    """
    stated: np.ndarray | None = None
    if kind == "working-curve":
        data = read_working_curve(sheets, irradiance_mw_cm2)
        result, stated = fit_working_curve(data), data.sd_um
    else:
        options = FitOptions(printer=printer, resin=resin, irradiance_mw_cm2=irradiance_mw_cm2)
        result = kind_of(kind).fit([Path(sheet) for sheet in sheets], options)
    if "ec_mj_cm2" not in result.parameters:
        raise MeasurementError(
            "the measurements have no irradiance: no dose can be proposed; give --irradiance, or a column irradiance_mw_cm2"
        )
    if kind == "renewal" and "induction_mj_cm2" not in result.parameters:
        raise MeasurementError(
            f"no film among the measurements: E_ind is held, not known; add the sheet of a working curve; {result.source}"
        )
    error_um = _error_um(result, stated, 2 if kind == "working-curve" else len(result.parameters))
    if not error_um > 1e-9 * max(abs(p.value) for p in result.parameters.values() if math.isfinite(p.value)):
        raise MeasurementError(
            f"the measurements lie on the curve to the last digit: they have no error that tiles could reduce; {result.source}"
        )
    return values_of(kind, result, error_um)


def values_of(kind: str, result: FitResult, error_um: float) -> KnownValues:
    """Return the values of a fit.

    Parameters
    ----------
    kind : str
    result : FitResult
    error_um : float
        Of a further measurement.
    """
    own = EXCHANGE if kind == "renewal" else ()
    names = tuple(n for n in result.parameters if kind == "walls" or n in CURE or (n in own and 0 < result.parameters[n].sd < math.inf))
    at = [list(result.parameters).index(name) for name in names]
    covariance = result.covariance[np.ix_(at, at)]
    root = np.sqrt(np.diag(covariance))
    information = np.linalg.inv(covariance / np.outer(root, root)) / np.outer(root, root)
    return KnownValues(kind, names, np.array([result.parameters[name].value for name in names]), information, error_um, result)


def _error_um(result: FitResult, stated: np.ndarray | None, fitted: int) -> float:
    """Return the error of a further tile, as the residuals tell it; of median weight where errors are stated."""
    left = result.residuals
    weights = np.ones(len(left)) if stated is None or np.isnan(stated).any() else stated**-2.0
    return math.sqrt(float((weights * left**2).sum()) / (len(left) - fitted) / float(np.median(weights)))
