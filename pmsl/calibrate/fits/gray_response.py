"""Light of gray levels: fitted at the levels that were measured, and a table of all 256 that never falls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import isotonic_regression

from pmsl.calibrate.fits.model_fit import ModelFit, Unknown, fit_model
from pmsl.core.finding import Finding
from pmsl.errors import MeasurementError
from pmsl.profiles.optics import LEVELS

WHITE = LEVELS - 1
DARKEST = 1e-9  # of white: less is no light
FALL = 3.0  # standard deviations that a brighter level may lie below a darker one


@dataclass(frozen=True, slots=True, eq=False)
class GrayTable:
    """A gray response.

    Attributes
    ----------
    relative : (256,) float64
        Light of every level relative to white: 0 at black, 1 at white, never falling.
    sd : (256,) float64
        One standard deviation, between measured levels as on the line between theirs.
    findings : tuple of Finding
    """

    relative: np.ndarray
    sd: np.ndarray
    findings: tuple[Finding, ...]


def fit_by_thickness(
    level: np.ndarray, dose: np.ndarray, thickness: np.ndarray, weights: np.ndarray | None, robust: bool, remedy: str
) -> ModelFit:
    """Fit Dp, Ec and the light of levels to thicknesses, ``C = Dp (ln E + ln L(g) - ln Ec)``.

    Parameters
    ----------
    level, dose, thickness : (N,) float64
    weights : (N,) float64, optional
    robust : bool
    remedy : str
        What to measure where the data do not suffice.
    """
    levels, dim, share = _shares(level)
    white = level == WHITE
    if len(np.unique(np.round(np.log(dose[white]), 6))) < 2:
        raise MeasurementError(f"white tiles (level 255) have fewer than two doses: nothing tells Dp; {remedy}")
    slope, height = np.polyfit(np.log(dose[white]), thickness[white], 1).tolist()
    if slope <= 0:
        raise MeasurementError(f"thickness of white tiles falls with dose (Dp would be {slope:.4g} µm): are columns or tiles mixed up?")
    ec = float(np.exp(-height / slope))
    start = np.exp(np.array([np.mean(thickness[level == g] / slope - np.log(dose[level == g] / ec)) for g in levels]))
    unknowns = [Unknown("dp_um", "µm", slope, 0.02 * slope, 50 * slope), Unknown("ec_mj_cm2", "mJ/cm²", ec, 1e-3 * ec, 1e3 * ec)]
    unknowns += [Unknown(f"level_{g:g}", "", float(s), 1e-4 * float(s), 1e4 * float(s)) for g, s in zip(levels, start, strict=True)]

    def predict(values: np.ndarray) -> np.ndarray:
        relative = np.where(dim, values[2:][share] if len(levels) else 1.0, 1.0)
        return np.asarray(values[0] * np.log(dose * relative / values[1]))

    return fit_model(predict, unknowns, thickness, weights, robust, remedy)


def fit_by_first_cure(level: np.ndarray, time: np.ndarray, weights: np.ndarray | None, robust: bool, remedy: str) -> ModelFit:
    """Fit the light of levels to the times after which something first cures, ``ln t = ln tc - ln L(g)``.

    Parameters
    ----------
    level, time : (N,) float64
    weights : (N,) float64, optional
        Of the logarithms.
    robust : bool
    remedy : str
    """
    levels, dim, share = _shares(level)
    tc = float(np.exp(np.mean(np.log(time[level == WHITE])))) if (level == WHITE).any() else float(time.min())
    start = [tc / float(np.exp(np.mean(np.log(time[level == g])))) for g in levels]
    unknowns = [Unknown("tc_s", "s", tc, 1e-3 * tc, 1e3 * tc)]
    unknowns += [Unknown(f"level_{g:g}", "", s, 1e-4 * s, 1e4 * s) for g, s in zip(levels, start, strict=True)]

    def predict(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.log(values[0] / np.where(dim, values[1:][share] if len(levels) else 1.0, 1.0)))

    return fit_model(predict, unknowns, np.log(time), weights, robust, remedy)


def fit_by_meter(level: np.ndarray, reading: np.ndarray, weights: np.ndarray | None, robust: bool, remedy: str) -> ModelFit:
    """Fit the light of levels to readings of a power meter, ``r = white L(g) + dark``; dark where level 0 was read.

    Parameters
    ----------
    level, reading : (N,) float64
        Readings in any unit.
    weights : (N,) float64, optional
    robust : bool
    remedy : str
    """
    levels, dim, share = _shares(level)
    read_dark = bool((level == 0).any())
    dark = float(reading[level == 0].mean()) if read_dark else 0.0
    white = (float(reading[level == WHITE].mean()) if (level == WHITE).any() else float(reading.max())) - dark
    if not white > 0:
        raise MeasurementError(f"white reads {white + dark:.4g}, dark {dark:.4g}: no light at level 255; are the columns mixed up?")
    unknowns = [Unknown("white", "reading", white, 1e-6 * white, 1e6 * white)]
    unknowns += [Unknown("dark", "reading", dark)] if read_dark else []
    first = len(unknowns)
    unknowns += [Unknown(f"level_{g:g}", "", float(np.mean(reading[level == g]) - dark) / white) for g in levels]

    def predict(values: np.ndarray) -> np.ndarray:
        relative = np.where(dim, values[first:][share] if len(levels) else 1.0, np.where(level == 0, 0.0, 1.0))
        return np.asarray(values[0] * relative + (values[1] if read_dark else 0.0))

    return fit_model(predict, unknowns, reading, weights, robust, remedy)


def _shares(level: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the gray levels between black and white, which rows have one, and its number in them."""
    levels = np.unique(level[(level > 0) & (level < WHITE)])
    dim = (level > 0) & (level < WHITE)
    return levels, dim, np.where(dim, np.searchsorted(levels, level), 0)


def gray_table(levels: Sequence[float], relative: np.ndarray, sd: np.ndarray) -> GrayTable:
    """Return the table of all levels: monotone regression of those that were measured, monotone cubics between them.

    Parameters
    ----------
    levels : sequence of float
        Measured ones, without black and white, rising.
    relative, sd : (n,) float64
        Their light and its standard deviation.
    """
    at = np.array([0.0, *levels, WHITE])
    light, spread = np.array([0.0, *relative, 1.0]), np.array([0.0, *sd, 0.0])
    least = max(float(sd.min(initial=1.0)), 1e-9)
    weight = np.maximum(spread, least) ** -2.0
    weight[[0, -1]] = 1e12 / least**2  # black and white are what they are
    found = []
    for i in np.flatnonzero(np.diff(light) < -FALL * np.hypot(spread[1:], spread[:-1])).tolist():
        found.append(
            Finding(
                code="response-falls",
                severity="warning",
                message=f"level {at[i + 1]:g} gives {light[i + 1]:.4g} of white, less than level {at[i]:g} with {light[i]:.4g}; measure "
                "both again: the table written never falls",
                value=float(light[i + 1]),
                limit=float(light[i]),
                unit="",
            )
        )
    even = np.clip(isotonic_regression(light, weights=weight).x, 0.0, 1.0)
    even[even < DARKEST] = 0.0
    even[0], even[-1] = 0.0, 1.0
    table = np.maximum.accumulate(np.clip(PchipInterpolator(at, even)(np.arange(LEVELS)), 0.0, 1.0))
    table[0], table[-1] = 0.0, 1.0
    return GrayTable(table, np.interp(np.arange(LEVELS), at, spread), tuple(found))
