"""A smooth surface over the field through readings: polynomials of the order that the data ask for, and the flat field with its error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.legendre import legvander

from pmsl.calibrate.fits.regression import Line, fit_line, huber_weights
from pmsl.errors import MeasurementError

MOST_ORDER = 6
NODES = 33  # fine enough that lines between them are the surface to 0.05 % of the longer side


@dataclass(frozen=True, slots=True, eq=False)
class FieldSurface:
    """Readings as a surface.

    Attributes
    ----------
    line : Line
        Of the readings, or of their logarithms.
    order : int
        Highest total degree.
    design : (N, P) float64
    grid, sd : (R, C) float64
        Relative to the mean over the field, corner pixel to corner pixel, first row at the smallest y; and one standard deviation.
    """

    line: Line
    order: int
    design: np.ndarray
    grid: np.ndarray
    sd: np.ndarray


def fit_surface(
    x: np.ndarray,
    y: np.ndarray,
    value: np.ndarray,
    weights: np.ndarray | None,
    shape: tuple[int, int],
    logarithm: bool,
    robust: bool = False,
) -> FieldSurface:
    """Fit a surface, its order by the corrected criterion of Akaike.

    Parameters
    ----------
    x, y : (N,) float64
        Places, -1 to 1 over the field.
    value : (N,) float64
        Readings, or logarithms of irradiance.
    weights : (N,) float64, optional
        1 / variance, up to a factor.
    shape : (int, int)
        (rows, cols) of the field, for the shape of the grid.
    logarithm : bool
        Whether `value` is one.
    robust : bool
        Hold far readings back (Huber weights).

    Raises
    ------
    MeasurementError
        Places that lie on a line, or too few of them.
    """
    best: tuple[float, int] | None = None
    for order in range(MOST_ORDER + 1):
        design = _terms(x, y, order)
        n, p = design.shape
        if n < p + 3:
            break
        try:
            line = fit_line(design, value, weights)
        except MeasurementError:
            break
        squares = max(line.spread**2 * line.dof, 1e-300)
        score = n * math.log(squares / n) + 2 * (p + 1) + 2 * (p + 1) * (p + 2) / (n - p - 2)
        if order > 0 and (best is None or score < best[0]):
            best = (score, order)
    if best is None:
        raise MeasurementError(
            f"{len(x)} readings at {len(np.unique(np.column_stack([x, y]), axis=0))} places that do not span the field; "
            "measure at least at 3 × 3 places, corners among them"
        )
    order = best[1]
    design = _terms(x, y, order)
    used = huber_weights(design, value, weights) if robust else weights
    line = fit_line(design, value, used)
    grid, sd = _relative(line, order, shape, logarithm)
    return FieldSurface(line, order, design, grid, sd)


def _terms(x: np.ndarray, y: np.ndarray, order: int) -> np.ndarray:
    """Return products of Legendre polynomials up to a total degree: (N, P) float64."""
    across, up = legvander(x, order), legvander(y, order)
    return np.column_stack([across[:, i] * up[:, j] for i in range(order + 1) for j in range(order + 1 - i)])


def _relative(line: Line, order: int, shape: tuple[int, int], logarithm: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return the surface relative to its mean over the field, and its standard deviation, at the nodes of the grid."""
    longest = max(shape)
    rows, cols = (max(3, round(NODES * n / longest)) for n in shape)
    v, u = (part.ravel() for part in np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, cols), indexing="ij"))
    at = _terms(u, v, order)
    surface = at @ line.coefficients
    slope = at
    if logarithm:
        surface = np.exp(surface - surface.mean())
        slope = at * surface[:, None]
    share = np.outer(_trapezoid(rows), _trapezoid(cols)).ravel()
    mean = float(share @ surface)
    if mean <= 0 or surface.min() <= 0:
        raise MeasurementError("the surface through the readings is not above 0 everywhere: a dark reading too large, or places mixed up?")
    relative = surface / mean
    turn = (slope - np.outer(relative, share @ slope)) / mean
    sd = np.sqrt(np.einsum("ij,jk,ik->i", turn, line.covariance, turn))
    return relative.reshape(rows, cols), sd.reshape(rows, cols)


def _trapezoid(n: int) -> np.ndarray:
    """Return what each of n nodes counts in a mean with lines between them."""
    share = np.full(n, 1.0 / (n - 1))
    share[[0, -1]] /= 2
    return share
