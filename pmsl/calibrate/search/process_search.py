"""Settings → a number that a person enters (yield, gloss): which runs are worth most next, within limits of further numbers.

For what no model of light tells; Dp, Ec and blur are measured by coupons in far fewer prints. The first runs fill the room evenly (Sobol),
then Bayesian optimisation chooses (the library bayesian-optimization: a Gaussian process, expected improvement). Same runs and seed, same
choice.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pmsl.calibrate.sheets import ANY, COMMON, SheetData, SheetFormat, read_sheets
from pmsl.core.finding import Finding
from pmsl.errors import MeasurementError, UsageError

EXPLORED = 0.01  # of the spread of scores: what an improvement is at least worth
MOST_NEXT, MOST_SETTINGS = 50, 10
SMOOTH, NOISY = (0.05, 5.0), (1e-6, 0.3)  # lengths in a room of 0 to 1, and the variance of repeated runs in that of all scores
FILLED = 256


@dataclass(frozen=True, slots=True)
class Setting:
    """What is varied.

    Attributes
    ----------
    name : str
        A column of the runs.
    low, high : float
        In which room.
    step : float
        Of what a machine can be told; 0: any number.
    """

    name: str
    low: float
    high: float
    step: float = 0.0

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """Return values as a machine can be told them, within the room."""
        if self.step > 0:
            most = math.floor((self.high - self.low) / self.step + 1e-9)
            values = self.low + self.step * np.clip(np.round((values - self.low) / self.step), 0, most)
        return np.asarray(np.clip(values, self.low, self.high))


@dataclass(frozen=True, slots=True)
class Limit:
    """What a further number of a run must keep to.

    Attributes
    ----------
    name : str
        A column of the runs.
    low, high : float
        Either may be infinite.
    """

    name: str
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True, slots=True, eq=False)
class NextRuns:
    """Runs to make next.

    Attributes
    ----------
    settings : dict of (N,) float64
        Of each run.
    expected, sd : (N,) float64
        Score that is expected, and its standard deviation; nan where the first runs fill the room.
    best : dict of str to float, or None
        Settings and score of the best run so far that keeps to the limits.
    runs : int
        That have a score.
    findings : tuple of Finding
    """

    settings: dict[str, np.ndarray]
    expected: np.ndarray
    sd: np.ndarray
    best: dict[str, float] | None
    runs: int
    findings: tuple[Finding, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain values, ready for JSON."""
        told = [None if math.isnan(value) else value for value in self.expected.tolist()]
        spread = [None if math.isnan(value) else value for value in self.sd.tolist()]
        rows = zip(*(column.tolist() for column in self.settings.values()), strict=True)
        return {
            "next": [
                dict(zip(self.settings, row, strict=True)) | {"expected": e, "sd": s} for row, e, s in zip(rows, told, spread, strict=True)
            ],
            "best": self.best,
            "runs": self.runs,
            "findings": [f.as_dict() for f in self.findings],
        }


def next_runs(
    settings: Sequence[Setting],
    score: str,
    runs: str | Path | Sequence[str | Path] = (),
    limits: Sequence[Limit] = (),
    maximise: bool = True,
    count: int = 1,
    seed: int = 0,
) -> NextRuns:
    """Choose the next runs of a search.

    Parameters
    ----------
    settings : sequence of Setting
        What is varied, at most 10.
    score : str
        The column that a person enters.
    runs : path, or sequence of paths
        CSV files with a column of each setting, of the score, and of each limit; rows without a score are left out. None: the first runs.
    limits : sequence of Limit
    maximise : bool
        Whether more is better.
    count : int
        How many runs, 1 to 50.
    seed : int

    Raises
    ------
    UsageError
        Settings that are none, twice the same column, or bayesian-optimization is not installed.
    MeasurementError
        A sheet that is not valid, no run with a score.
    """
    _check(settings, score, limits, count)
    paths = [runs] if isinstance(runs, (str, Path)) else list(runs)
    names = [s.name for s in settings]
    findings: tuple[Finding, ...] = ()
    values: Mapping[str, np.ndarray] = {name: np.zeros(0) for name in (*names, score, *(one.name for one in limits))}
    if paths:
        columns = dict.fromkeys(values, ANY)
        data = read_sheets(paths, SheetFormat("search", columns, (score,), tuple((name,) for name in names), f"a {score}"))
        values, findings = data.values, data.findings
        _check_within(settings, data)
    made = np.column_stack([values[name] for name in names])
    scores = values[score] if maximise else -values[score]
    kept = (
        np.all([(one.low <= values[one.name]) & (values[one.name] <= one.high) for one in limits], axis=0)
        if limits
        else np.ones(len(made), bool)
    )
    usable = ~np.isnan(made).any(axis=1) & ~np.any([np.isnan(values[one.name]) for one in limits] or [np.zeros(len(made), bool)], axis=0)
    made, scores, kept = made[usable], scores[usable], kept[usable]
    best = None
    if kept.any():
        at = int(np.flatnonzero(kept)[np.argmax(scores[kept])])
        best = {**dict(zip(names, made[at].tolist(), strict=True)), score: float(scores[at] if maximise else -scores[at])}
    few = len(made) < len(settings) + 2
    if few or not kept.any():
        chosen = _filling(settings, len(made), count, seed)
        blank = np.full(count, math.nan)
        if not few:
            findings = (*findings, _none_within(limits))
        return NextRuns(dict(zip(names, chosen.T, strict=True)), blank, blank, best, len(made), findings)
    measured = np.column_stack([values[one.name][usable] for one in limits]) if limits else None
    chosen, expected, sd = _chosen(settings, made, scores, limits, measured, count, seed)
    return NextRuns(dict(zip(names, chosen.T, strict=True)), expected if maximise else -expected, sd, best, len(made), findings)


def _check(settings: Sequence[Setting], score: str, limits: Sequence[Limit], count: int) -> None:
    names = [*(s.name for s in settings), score, *(one.name for one in limits)]
    if not 1 <= len(settings) <= MOST_SETTINGS or not 1 <= count <= MOST_NEXT:
        raise UsageError(
            f"{len(settings)} settings, {count} runs: expected 1 to {MOST_SETTINGS} settings (--vary), 1 to {MOST_NEXT} runs (--next)"
        )
    reserved = next((name for name in names if name in COMMON), None)
    if reserved is not None:
        raise UsageError(f"{reserved!r} is a column of every sheet; give settings, score and limits names of their own")
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        raise UsageError(f"{double!r} stands there {names.count(double)} times; settings, score and limits are columns of their own")
    for s in settings:
        if not (math.isfinite(s.low) and math.isfinite(s.high) and s.low < s.high and 0 <= s.step <= s.high - s.low):
            raise UsageError(
                f"{s.name} from {s.low:g} to {s.high:g} in steps of {s.step:g}: expected a lower and a higher end, and a step within"
            )


def _check_within(settings: Sequence[Setting], data: SheetData) -> None:
    for s in settings:
        for i in np.flatnonzero((data.values[s.name] < s.low) | (data.values[s.name] > s.high)).tolist():
            raise MeasurementError(
                f"{data.row[i]}: {s.name} is {data.values[s.name][i]:g}, outside of the room of {s.low:g} to {s.high:g} that is searched; "
                "widen it (--vary), or leave the row out (use = 0)"
            )


def _filling(settings: Sequence[Setting], done: int, count: int, seed: int) -> np.ndarray:
    """Return the runs after `done` that fill the room evenly: (count, P) float64."""
    from scipy.stats import qmc

    whole = 1 << max(math.ceil(math.log2(done + count)), 1)
    at = qmc.Sobol(len(settings), seed=seed).random(whole)[done : done + count]
    return np.column_stack([s.rounded(s.low + (s.high - s.low) * at[:, i]) for i, s in enumerate(settings)])


def _chosen(
    settings: Sequence[Setting],
    made: np.ndarray,
    scores: np.ndarray,
    limits: Sequence[Limit],
    measured: np.ndarray | None,
    count: int,
    seed: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return runs by expected improvement, each as if those before it came out as expected: settings, scores expected, their errors."""
    search = _Search(settings, scores, limits, seed)
    runs, which = np.unique(made, axis=0, return_inverse=True)  # repeated runs count as their mean
    for i, run in enumerate(runs):
        same = which.ravel() == i
        search.put(run, float(scores[same].mean()), None if measured is None else measured[same].mean(axis=0))
    out = [search.suggested() for _ in range(count)]
    return np.array([run for run, _, _ in out]), np.array([mean for _, mean, _ in out]), np.array([sd for _, _, sd in out])


class _Search:
    """The library, in a room of 0 to 1, with a Gaussian process that is as smooth in each setting as the runs ask for, and noisy."""

    def __init__(self, settings: Sequence[Setting], scores: np.ndarray, limits: Sequence[Limit], seed: int) -> None:
        try:
            from bayes_opt import BayesianOptimization, acquisition
            from sklearn.gaussian_process.kernels import Matern, WhiteKernel
        except ImportError as err:
            raise UsageError("a search needs bayesian-optimization; install it with: pip install 'pmsl[calibrate]'") from err
        from scipy.optimize import NonlinearConstraint

        self._settings, self._seed = settings, seed
        low, high = (np.array([getattr(one, name) for one in limits]) for name in ("low", "high"))
        self._inside = np.where(np.isfinite(low), np.where(np.isfinite(high), 0.5 * (low + high), low), high) if limits else None
        self._search = BayesianOptimization(
            f=None,
            pbounds={s.name: (0.0, 1.0) for s in settings},
            acquisition_function=acquisition.ExpectedImprovement(xi=EXPLORED * (float(np.ptp(scores)) or 1.0)),
            constraint=NonlinearConstraint(lambda **_: None, low, high) if limits else None,
            random_state=seed,
            verbose=0,
        )
        smooth = Matern(np.full(len(settings), 0.3), SMOOTH, nu=2.5)
        self._search.set_gp_params(kernel=smooth + WhiteKernel(1e-3, NOISY), alpha=1e-8, n_restarts_optimizer=4, normalize_y=True)
        self._done: set[tuple[float, ...]] = set()

    def put(self, run: np.ndarray, score: float, within: np.ndarray | None) -> None:
        """Tell the library a run."""
        self._done.add(tuple(run.tolist()))
        value = within if within is None or len(within) > 1 else float(within[0])
        self._search.register(self._share(run), score, value)

    def suggested(self) -> tuple[np.ndarray, float, float]:
        """Return the next run with its expected score and error, and go on as if that came out."""
        found = self._search.suggest()
        run = np.array([float(s.rounded(np.array([s.low + (s.high - s.low) * float(found[s.name])]))[0]) for s in self._settings])
        new = tuple(run.tolist()) not in self._done
        if not new:
            run, new = self._beside(run)
        mean, sd = self._expected(run[None])
        if new:
            self.put(run, float(mean[0]), self._inside)
        return run, float(mean[0]), float(sd[0])

    def _beside(self, run: np.ndarray) -> tuple[np.ndarray, bool]:
        """Return the most promising run that was not made where a rounded one was; the same where all were."""
        some = np.unique(_filling(self._settings, 0, FILLED, self._seed), axis=0)
        some = np.array([one for one in some if tuple(one.tolist()) not in self._done])
        if not len(some):
            return run, False
        mean, sd = self._expected(some)
        return some[int(np.argmax(mean + sd))], True

    def _expected(self, runs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        predicted: Any = self._search.predict([self._share(run) for run in runs], return_std=True, fit_gp=True)
        mean, sd = predicted
        return np.ravel(mean), np.ravel(sd)

    def _share(self, run: np.ndarray) -> dict[str, float]:
        """Return a run as shares of its room."""
        return {s.name: (value - s.low) / (s.high - s.low) for s, value in zip(self._settings, run.tolist(), strict=True)}


def _none_within(limits: Sequence[Limit]) -> Finding:
    return Finding(
        code="search-none-within",
        severity="warning",
        message=f"no run so far keeps to the limits of {', '.join(one.name for one in limits)}: the next ones fill the room evenly",
    )
