"""Models with unknowns through measurements by least squares, where no straight line does: values, covariance, intervals, what is not told.

The search is scipy's. Around the optimum the model is a plane, which gives covariance, studentised residuals and tests
(`pmsl.calibrate.fits.regression`); where the profile of the sum of squares is bent, its own ends are the interval (Bates and Watts,
Nonlinear Regression Analysis, 1988, chapter 6).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from pmsl.calibrate.fits.profile_end import profile_end
from pmsl.calibrate.fits.regression import HUBER, Line, fit_line, student
from pmsl.errors import MeasurementError

Predict = Callable[[np.ndarray], np.ndarray]
PARTED = 1e-6  # smallest singular value of the scaled design that still parts its columns
MOST_ROUNDS = 20
CLOSE, ROUGH = 1e-11, 1e-7  # relative: the search for the optimum has ended, and that of a profile
STEPS, SHORTER = 20, 4  # of Gauss and Newton along a profile before a slower search takes over; of each, how often it is shortened
LONGEST = 0.3  # of a value: such a step, so that it stays in its valley
PIECES = 4  # of a way along a profile, where one leap lands in another valley
LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class Unknown:
    """What is fitted.

    Attributes
    ----------
    name, unit : str
    start : float
        Where the search begins, within the bounds.
    low, high : float
        Bounds of what it can be.
    scale : float
        What is much of it, for steps and for nearness to a bound; 0: as much as `start`.
    one_sided : bool
        Whether an interval that begins at a bound leaves 5 % out at its other end: right where the value is near that bound. Else 2.5 %:
        optima of values far from it may end there.
    """

    name: str
    unit: str
    start: float
    low: float = -math.inf
    high: float = math.inf
    scale: float = 0.0
    one_sided: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class ModelFit:
    """A model at its optimum.

    Attributes
    ----------
    unknowns : tuple of Unknown
    values : (P,) float64
    covariance : (P, P) float64
        Of the values; of one at its bound nothing varies but itself.
    intervals : (P, 2) float64
        95 %: value ± Student's t × sd, the ends of the profile where it is bent, one-sided at a bound.
    at_bound : (P,) bool
    line : Line
        The model as a plane around the optimum.
    design : (N, free) float64
        Its columns: derivatives by the values that are not at a bound.
    weights : (N,) float64 or None
        As used.
    """

    unknowns: tuple[Unknown, ...]
    values: np.ndarray
    covariance: np.ndarray
    intervals: np.ndarray
    at_bound: np.ndarray
    line: Line
    design: np.ndarray
    weights: np.ndarray | None


def fit_model(
    predict: Predict,
    unknowns: Sequence[Unknown],
    y: np.ndarray,
    weights: np.ndarray | None = None,
    robust: bool = False,
    remedy: str = "vary more, or add a sheet of another coupon",
    profiles: bool = True,
) -> ModelFit:
    """Fit a model by (weighted) least squares.

    Parameters
    ----------
    predict : callable
        (P,) float64 of the unknowns → (N,) float64 of what is measured.
    unknowns : sequence of Unknown
    y : (N,) float64
    weights : (N,) float64, optional
        1 / variance, up to a factor; left out: all alike.
    robust : bool
        Hold far measurements back (Huber weights).
    remedy : str
        What to measure where the data cannot part the unknowns, for the message.
    profiles : bool
        Whether intervals follow the profile of the sum of squares where it is bent; else all are value ± t sd.

    Raises
    ------
    MeasurementError
        Not more measurements than unknowns, unknowns that the data cannot part (named), or one that runs off to the end of its range.
    """
    if len(y) <= len(unknowns):
        raise MeasurementError(
            f"{len(y)} usable measurements for {len(unknowns)} parameters ({', '.join(u.name for u in unknowns)}): "
            f"at least {len(unknowns) + 1} are needed; measure more tiles"
        )
    search = _Search(predict, tuple(unknowns), np.asarray(y, np.float64), weights)
    values, at_bound = search.optimum()
    if robust:
        values, at_bound, search = _robust(search, values, at_bound)
    for i in np.flatnonzero(at_bound & (values != 0)).tolist():
        raise MeasurementError(
            f"no {unknowns[i].name} describes the measurements: the fit runs off to {values[i]:.3g} {unknowns[i].unit}; are columns, units "
            "or tiles mixed up, or do the sheets contradict each other?"
        )
    free = ~at_bound
    design = search.derivatives(values)[:, free]
    _check_parted(design, search.weights, [u.name for u, used in zip(unknowns, free, strict=True) if used], remedy)
    residuals = search.y - predict(values)
    line = fit_line(design, residuals + design @ values[free], search.weights)
    spread = math.sqrt(float(search.squares(values)) / line.dof)
    covariance = np.zeros((len(values), len(values)))
    covariance[np.ix_(free, free)] = line.covariance * (spread / line.spread) ** 2 if line.spread > 0 else line.covariance
    intervals = np.array([search.interval(i, values, at_bound, covariance, spread, line.dof, profiles) for i in range(len(values))])
    for i in np.flatnonzero(at_bound).tolist():
        covariance[i, i] = ((intervals[i, 1] - intervals[i, 0]) / student(line.dof, 2 * LEVEL)) ** 2
    return ModelFit(tuple(unknowns), values, covariance, intervals, at_bound, line, design, search.weights)


class _Search:
    """A sum of squares, its optimum, and the optimum with one unknown held."""

    def __init__(self, predict: Predict, unknowns: tuple[Unknown, ...], y: np.ndarray, weights: np.ndarray | None) -> None:
        self.predict, self.unknowns, self.y, self.weights = predict, unknowns, y, weights
        self.low, self.high = (np.array([getattr(u, name) for u in unknowns]) for name in ("low", "high"))
        self.start = np.array([u.start for u in unknowns])
        self.scale = np.array([u.scale or abs(u.start) for u in unknowns])
        self._root = np.ones(len(y)) if weights is None else np.sqrt(weights)

    def squares(self, values: np.ndarray) -> float:
        left = self._root * (self.predict(values) - self.y)
        return float(left @ left)

    def solved(self, start: np.ndarray, held: np.ndarray, close: float = CLOSE) -> np.ndarray:
        """Return the best values where those of `held` stay as they are."""
        free = ~held
        if not free.any():
            return start
        values = start.copy()

        def left(some: np.ndarray) -> np.ndarray:
            values[free] = some
            return np.asarray(self._root * (self.predict(values) - self.y))

        low, high = self.low[free], self.high[free]
        inside = np.clip(start[free], low + 1e-9 * _sizes(start[free], low), high - 1e-9 * _sizes(start[free], high))
        found = least_squares(left, inside, bounds=(low, high), x_scale="jac", xtol=close, ftol=close, gtol=close, max_nfev=200)
        values[free] = found.x
        return values.copy()

    def along_profile(self, start: np.ndarray, held: np.ndarray) -> np.ndarray:
        """Return the same, roughly, from nearby: by steps of Gauss and Newton, and where they lead nowhere as `solved` does."""
        values, free = start.copy(), np.flatnonzero(~held)
        left = self._root * (self.predict(values) - self.y)
        for _ in range(STEPS if len(free) else 0):
            columns = np.column_stack([self._forward(values, i, left) for i in free.tolist()])
            downhill = -(left @ columns)
            inside = np.where(downhill > 0, values[free] < self.high[free], values[free] > self.low[free])
            size = np.maximum(np.linalg.norm(columns, axis=0), 1e-300)
            step = np.zeros(len(values))
            step[free[inside]] = np.linalg.lstsq((columns / size)[:, inside], -left, rcond=None)[0] / size[inside]
            room = LONGEST * np.maximum(np.abs(values), self.scale)
            step *= min(1.0, float((room / np.maximum(np.abs(step), 1e-300))[room > 0].min(initial=1.0)))
            least = float(left @ left)
            for _ in range(SHORTER):
                trial = np.clip(values + step, self.low, self.high)
                there = self._root * (self.predict(trial) - self.y)
                if (gained := least - float(there @ there)) > 0:
                    break
                step /= 4
            else:
                break
            values, left = trial, there
            if gained < ROUGH * least:
                return values
        return self.solved(values, held, ROUGH)

    def _followed(self, values: np.ndarray, way: np.ndarray, held: np.ndarray) -> np.ndarray:
        """Return the best values at the end of a way of what is held, each piece of it begun where the one before ended."""
        there, moved = values, np.zeros(len(values))
        for k in range(1, PIECES + 1):
            begun = np.where(held, values + way * k / PIECES, there + moved)
            last, there = there, self.along_profile(np.clip(begun, self.low, self.high), held)
            moved = there - last
        return there

    def _forward(self, values: np.ndarray, i: int, left: np.ndarray) -> np.ndarray:
        """Return the derivative of weighted residuals by one unknown, by a step to where there is room: (N,) float64."""
        step = 1e-7 * max(abs(values[i]), self.scale[i], 1e-9)
        trial = values.copy()
        trial[i] += step if trial[i] + step <= self.high[i] else -step
        return np.asarray((self._root * (self.predict(trial) - self.y) - left) / (trial[i] - values[i]))

    def optimum(self, start: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Return the best values, and which of them stand at a bound."""
        values = self.solved(self.start if start is None else start, np.zeros(len(self.start), bool))
        at_bound = np.zeros(len(values), bool)
        for i in range(len(values)):
            for bound in (self.low[i], self.high[i]):
                size = max(self.scale[i], abs(values[i]), 1e-12)
                if math.isfinite(bound) and abs(values[i] - bound) < 1e-3 * size:
                    trial = values.copy()
                    trial[i] = bound
                    held = at_bound.copy()
                    held[i] = True
                    trial = self.solved(trial, held)
                    if self.squares(trial) <= self.squares(values) * (1 + 1e-7) + 1e-300:
                        values, at_bound = trial, held
        return values, at_bound

    def derivatives(self, values: np.ndarray) -> np.ndarray:
        """Return derivatives of the model by each unknown, central where there is room: (N, P) float64."""
        out = []
        for i, value in enumerate(values.tolist()):
            step = 1e-5 * max(abs(value), self.scale[i], 1e-9)
            ends = [min(max(value + sign * step, self.low[i]), self.high[i]) for sign in (1, -1)]
            up, down = values.copy(), values.copy()
            up[i], down[i] = ends
            out.append((self.predict(up) - self.predict(down)) / (ends[0] - ends[1]))
        return np.column_stack(out)

    def interval(
        self, i: int, values: np.ndarray, at_bound: np.ndarray, covariance: np.ndarray, spread: float, dof: int, profiles: bool
    ) -> tuple[float, float]:
        """Return the 95 % interval of one unknown."""
        t = student(dof, 2 * LEVEL) if at_bound[i] and self.unknowns[i].one_sided else student(dof)
        least = self.squares(values)
        if spread <= 1e-9 * max(float(np.abs(self.y).max()), 1e-300):
            return float(values[i]), float(values[i])
        sd = math.sqrt(covariance[i, i]) if covariance[i, i] > 0 else 0.01 * max(self.scale[i], 1e-9)
        if not profiles:
            return float(values[i] - t * sd), float(values[i] + t * sd)
        held = np.arange(len(values)) == i
        straight = np.where(held, 1.0, covariance[:, i] / covariance[i, i] if covariance[i, i] > 0 else 0.0)
        along = straight  # where the others go: as if all were straight, then as they went last

        def rise(there: np.ndarray) -> float:
            return math.sqrt(max(self.squares(there) - least, 0.0)) / spread

        def reach(distance: float, sign: float) -> float:
            nonlocal along
            trials = [np.clip(values + sign * distance * way, self.low, self.high) for way in (straight, along)]
            there = self.along_profile(min(trials, key=self.squares), held)
            if rise(there) > 2 * t:  # in another valley?
                there = min(there, self._followed(values, sign * distance * held, held), key=self.squares)
            if distance > 0 and rise(there) < 2 * t:
                along = np.where(held, 1.0, sign * (there - values) / distance)
            return rise(there) - t

        ends = []
        for sign, bound in ((-1.0, self.low[i]), (1.0, self.high[i])):
            room, along = abs(bound - values[i]), straight
            ends.append(float(values[i] + sign * (0.0 if room == 0 else profile_end(lambda d, s=sign: reach(d, s), t * sd, t, room))))  # type: ignore[misc]
        return ends[0], ends[1]


def _robust(search: _Search, values: np.ndarray, at_bound: np.ndarray) -> tuple[np.ndarray, np.ndarray, _Search]:
    """Hold far measurements back (Huber 1964, spread by the median)."""
    base = np.ones(len(search.y)) if search.weights is None else search.weights
    held = base
    for _ in range(MOST_ROUNDS):
        left = (search.y - search.predict(values)) * np.sqrt(base)
        spread = float(np.median(np.abs(left))) / 0.6745
        new = base if spread == 0 else base * np.minimum(1.0, HUBER * spread / np.maximum(np.abs(left), 1e-300))
        done = np.abs(new - held).max() <= 1e-6 * held.max()
        held = new
        search = _Search(search.predict, search.unknowns, search.y, held)
        values, at_bound = search.optimum(values)
        if done:
            break
    return values, at_bound, search


def _check_parted(design: np.ndarray, weights: np.ndarray | None, names: list[str], remedy: str) -> None:
    """Refuse unknowns that the data cannot part, by name."""
    scaled = design if weights is None else design * np.sqrt(weights)[:, None]
    size = np.linalg.norm(scaled, axis=0)
    silent = [name for name, length in zip(names, size, strict=True) if not length > 0]
    if silent:
        raise MeasurementError(f"the data say nothing about {', '.join(silent)}; {remedy}")
    _, singular, rows = np.linalg.svd(scaled / size, full_matrices=False)
    if singular[-1] < PARTED * singular[0]:
        mixed = [name for name, share in zip(names, np.abs(rows[-1]), strict=True) if share > 0.2]
        raise MeasurementError(f"the data cannot part {' and '.join(mixed)}; {remedy}")


def _sizes(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(bounds), np.maximum(np.abs(values), 1e-6), 0.0)
