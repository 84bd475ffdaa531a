"""An absorber that light destroys: how a dose falls with depth where what it passed absorbs less than before.

Dill's model, ``∂I/∂z = -(A m + B) I`` and ``∂m/∂t = -C I m``: m is what is left of the absorber. At every place m depends only on the dose
E so far, ``m = exp(-C E)``, so that of all light together ``dE/dz = -(A (1 - exp(-C E)) / C + B E)``, whatever its course in time.
"""

from __future__ import annotations

import math
from functools import cached_property

import msgspec
import numpy as np

from pmsl.core.arrays import frozen
from pmsl.errors import ExposureError

LOW, HIGH, STEP = -40.0, 60.0, 0.02  # of `y`: below nothing is bleached, above all is, to the last bit
GAUSS = 6  # points of a step


class Bleaching(msgspec.Struct, frozen=True, dict=True):
    """What bleaches, and how fast.

    Attributes
    ----------
    share : float
        A / (A + B): share of the absorption that light destroys, above 0 to 1.
    cm2_mj : float
        C [cm²/mJ], above 0.

    Raises
    ------
    ExposureError
        A value out of these ranges.

    Notes
    -----
    F. Dill and others, IEEE Trans. Electron Devices 22 (1975) 445. With ``y = ln(exp(C E) - 1)`` the equation is
    ``dy/dz = -(A + B q)``, ``q = C E / (1 - exp(-C E))``: without B exact steps in y, ``E(z) = ln(1 + (exp(C E0) - 1) exp(-A z)) / C``;
    with it a smooth integral over y, tabulated once to 1e-9 of a depth.
    """

    share: float
    cm2_mj: float

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ExposureError(f"bleach_share is {self.share}; it must be above 0 and at most 1")
        if not 0 < self.cm2_mj < math.inf:
            raise ExposureError(f"bleach_cm2_mj is {self.cm2_mj} cm²/mJ; it must be above 0 and finite")

    def below(self, dose_mj_cm2: np.ndarray | float, depth_um: np.ndarray | float, dp_um: float) -> np.ndarray:
        """Return the dose so far below a place that has had `dose_mj_cm2` in all; above it where the depth is negative.

        Parameters
        ----------
        dose_mj_cm2 : array_like
        depth_um : array_like
        dp_um : float
            Penetration depth before any light, 1 / (A + B).

        Returns
        -------
        ndarray of float64 [mJ/cm²]
        """
        dose = np.asarray(dose_mj_cm2, np.float64)
        with np.errstate(divide="ignore"):
            y = self._y(dose)
        lit = dose > 0
        at = self._depth_of(np.where(lit, y, 0.0)) - np.asarray(depth_um) / dp_um
        return np.where(lit, np.logaddexp(0.0, self._y_at(at)) / self.cm2_mj, 0.0)

    def depth_um(self, dose_mj_cm2: np.ndarray | float, threshold_mj_cm2: float, dp_um: float) -> np.ndarray:
        """Return how far below a place that has had `dose_mj_cm2` the dose is the threshold [µm]: negative above it, -inf without light.

        Parameters
        ----------
        dose_mj_cm2 : array_like
        threshold_mj_cm2 : float
        dp_um : float
            As in `below`.
        """
        dose = np.asarray(dose_mj_cm2, np.float64)
        lit = dose > 0
        with np.errstate(divide="ignore"):
            y = np.where(lit, self._y(dose), 0.0)
        return np.where(lit, dp_um * (self._depth_of(y) - self._depth_of(self._y(np.asarray(threshold_mj_cm2)))), -np.inf)

    def _y(self, dose: np.ndarray) -> np.ndarray:
        u = self.cm2_mj * dose
        return np.asarray(u + np.log(-np.expm1(-u)))

    def _rate(self, y: np.ndarray) -> np.ndarray:
        """-dy/dz, for a Dp of 1."""
        u = np.logaddexp(0.0, y)
        return np.asarray(self.share + (1.0 - self.share) * u / -np.expm1(-u))

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return y (N,), the way to there from `LOW` (N,) in units of Dp, and the rate (N,)."""
        y = LOW + STEP * np.arange(round((HIGH - LOW) / STEP) + 1)
        nodes, weights = np.polynomial.legendre.leggauss(GAUSS)
        inside = (y[:-1, None] + 0.5 * STEP) + 0.5 * STEP * nodes
        steps = 0.5 * STEP * (1.0 / self._rate(inside)) @ weights
        return frozen(y), frozen(np.append(0.0, np.cumsum(steps))), frozen(self._rate(y))

    def _depth_of(self, y: np.ndarray) -> np.ndarray:
        """Return the way from `LOW` to y in units of Dp."""
        if self.share == 1:
            return np.asarray(y - LOW)
        at, way, rate = self._table
        inside = np.clip(y, LOW, HIGH)
        out = _hermite(inside, at, way, 1.0 / rate) + np.minimum(y - LOW, 0.0)
        rest = 1.0 - self.share
        beyond = np.log1p(rest * np.maximum(y - HIGH, 0.0) / (self.share + rest * HIGH)) / rest
        return np.asarray(out + beyond)

    def _y_at(self, way: np.ndarray) -> np.ndarray:
        """Return the inverse of `_depth_of`."""
        if self.share == 1:
            return np.asarray(way + LOW)
        at, ways, rate = self._table
        inside = np.clip(way, 0.0, ways[-1])
        y = _hermite(inside, ways, at, rate)
        y = y - (_hermite(y, at, ways, 1.0 / rate) - inside) * self._rate(y)
        rest = 1.0 - self.share
        beyond = np.expm1(rest * np.maximum(way - ways[-1], 0.0)) * (self.share + rest * HIGH) / rest
        return np.asarray(y + np.minimum(way, 0.0) + beyond)


def _hermite(x: np.ndarray, nodes: np.ndarray, values: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Read a curve at x between its nodes (N,), by the cubics that have its values and slopes there."""
    at = np.clip(np.searchsorted(nodes, x, side="right") - 1, 0, len(nodes) - 2)
    step = nodes[at + 1] - nodes[at]
    t = (x - nodes[at]) / step
    rise = values[at + 1] - values[at]
    first, last = step * slopes[at], step * slopes[at + 1]
    return np.asarray(values[at] + t * (first + t * (3.0 * rise - 2.0 * first - last + t * (first + last - 2.0 * rise))))
