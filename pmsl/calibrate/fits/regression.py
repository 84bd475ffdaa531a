"""Straight lines through measurements by least squares: what the data say, how surely, and whether a line is what they lie on.

Draper and Smith, Applied Regression Analysis (3rd ed. 1998), chapters 1 to 3 and 8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import fdtrc, stdtr, stdtrit

from pmsl.errors import MeasurementError

LEVEL = 0.05  # of tests: lack of fit, outliers
HUBER = 1.345  # of the residuals' spread: 95 % as sure as least squares where errors are normal
MOST_ROUNDS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """y = X b.

    Attributes
    ----------
    coefficients : (P,) float64
    covariance : (P, P) float64
        Of the coefficients.
    residuals : (N,) float64
        Measured less fitted.
    spread : float
        Standard deviation of the errors, of measurements of weight 1.
    dof : int
        Degrees of freedom of `spread`.
    studentised : (N,) float64
        Each residual over the standard deviation it would have by all other measurements; nan where none is left.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    residuals: np.ndarray
    spread: float
    dof: int
    studentised: np.ndarray


def fit_line(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> Line:
    """Fit by (weighted) least squares.

    Parameters
    ----------
    x : (N, P) float64
        Columns of the design matrix.
    y : (N,) float64
    weights : (N,) float64, optional
        1 / variance, up to a factor, which the residuals tell; left out: all alike.

    Raises
    ------
    MeasurementError
        Not more measurements than coefficients, or columns that depend on each other.
    """
    n, p = x.shape
    if n <= p:
        raise MeasurementError(f"{n} usable measurements for {p} parameters: at least {p + 1} are needed; measure more tiles")
    root = np.ones(n) if weights is None else np.sqrt(weights)
    wx, wy = x * root[:, None], y * root
    scale = np.linalg.norm(wx, axis=0)
    q, r = np.linalg.qr(wx / np.where(scale > 0, scale, 1.0))
    if (scale == 0).any() or np.abs(np.diag(r)).min() < 1e-9:
        raise MeasurementError("the tiles are alike: their doses do not differ, so that no curve goes through them; vary the dose")
    inverse = np.linalg.inv(r) / scale[:, None]
    coefficients = inverse @ (q.T @ wy)
    left = wy - wx @ coefficients
    dof = n - p
    squares = float(left @ left)
    leverage = np.clip((q**2).sum(axis=1), 0.0, 1.0)
    return Line(
        coefficients,
        inverse @ inverse.T * (squares / dof),
        y - x @ coefficients,
        math.sqrt(squares / dof),
        dof,
        _studentised(left, leverage, squares, dof),
    )


def _studentised(left: np.ndarray, leverage: np.ndarray, squares: float, dof: int) -> np.ndarray:
    """Return externally studentised residuals."""
    if dof < 2:
        return np.full(len(left), np.nan)
    room = 1.0 - leverage
    with np.errstate(divide="ignore", invalid="ignore"):
        others = (squares - left**2 / room) / (dof - 1)
        found = left / np.sqrt(others * room)
    alone = np.where(np.abs(left) > 0, np.inf, 0.0)  # nothing is left of the error without it
    return np.asarray(np.where((room > 1e-9) & (others > 0), found, np.where(room > 1e-9, alone, 0.0)))


def huber_weights(x: np.ndarray, y: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return weights that hold far measurements back (Huber 1964, k = 1.345, spread by the median): (N,) float64.

    Parameters
    ----------
    x, y, weights
        As `fit_line` takes them.
    """
    base = np.ones(len(y)) if weights is None else np.asarray(weights, np.float64)
    held = base.copy()
    for _ in range(MOST_ROUNDS):
        left = fit_line(x, y, held).residuals * np.sqrt(base)
        spread = float(np.median(np.abs(left))) / 0.6745
        new = base if spread == 0 else base * np.minimum(1.0, HUBER * spread / np.maximum(np.abs(left), 1e-300))
        if np.abs(new - held).max() <= 1e-9 * held.max():
            return new
        held = new
    return held


def outliers(line: Line) -> np.ndarray:
    """Return which measurements lie outside what all others allow, at `LEVEL` over all of them (Bonferroni): int64, worst first."""
    n, t = len(line.residuals), np.abs(line.studentised)
    if line.dof < 2 or not np.isfinite(line.studentised).any():
        return np.zeros(0, np.int64)
    p = 2 * stdtr(line.dof - 1, -np.where(np.isfinite(t), t, 1e9))
    found = np.flatnonzero(p * n < LEVEL)
    return found[np.argsort(-t[found], kind="stable")]


def student(dof: int, level: float = LEVEL) -> float:
    """Return Student's t of a two-sided interval."""
    return float(stdtrit(dof, 1 - level / 2))


@dataclass(frozen=True, slots=True)
class FitTest:
    """A test of the model against something larger, by Fisher's F.

    Attributes
    ----------
    against : str
        What it was held against.
    f : float
        Mean square that the model does not explain over that of the errors.
    dof : tuple of int
        Degrees of freedom of both.
    p : float
        How often an apt model would look as bad.
    """

    against: str
    f: float
    dof: tuple[int, int]
    p: float


def f_test(against: str, extra: float, extra_dof: int, rest: float, rest_dof: int) -> FitTest:
    """Return the test of a sum of squares against another."""
    f = math.inf if rest <= 0 and extra > 0 else 0.0 if extra <= 0 else (extra / extra_dof) / (rest / rest_dof)
    return FitTest(against, f, (extra_dof, rest_dof), float(fdtrc(extra_dof, rest_dof, f)) if math.isfinite(f) else 0.0)


def against_replicates(line: Line, x: np.ndarray, weights: np.ndarray | None) -> FitTest | None:
    """Hold a line against what repeated measurements say of their error; None where none is repeated.

    Parameters
    ----------
    line : Line
    x : (N, P) float64
        Rows that are equal, to nine digits, are repetitions.
    weights : (N,) float64, optional
    """
    root = np.ones(len(x)) if weights is None else np.sqrt(weights)
    _, group = np.unique(np.round(x, 9), axis=0, return_inverse=True)
    left, group = line.residuals, group.ravel()
    total = np.bincount(group, root**2)
    mean = np.bincount(group, root**2 * left) / total
    pure = float((root**2 * (left - mean[group]) ** 2).sum())
    groups, n, p = len(total), len(left), x.shape[1]
    if n == groups or groups <= p:
        return None
    whole = float((root**2 * left**2).sum())
    return f_test("replicates", whole - pure, groups - p, pure, n - groups)


def against_column(line: Line, x: np.ndarray, y: np.ndarray, weights: np.ndarray | None, column: np.ndarray, name: str) -> FitTest | None:
    """Hold a line against one with a further column; None where there are too few measurements or it says nothing new."""
    if len(y) <= x.shape[1] + 1:
        return None
    try:
        more = fit_line(np.column_stack([x, column]), y, weights)
    except MeasurementError:
        return None
    whole, rest = line.spread**2 * line.dof, more.spread**2 * more.dof
    return f_test(name, max(whole - rest, 0.0), 1, rest, more.dof)
