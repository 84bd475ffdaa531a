"""What all light has cured of every layer, from the light side down.

A pixel counts as solid where the dose in the middle of its slab reaches the threshold of the resin: a face that lands inside a slab is
rounded to the nearer of its planes, as the design's are. Doses are known to a thousandth: `DARK` and `NEAR` of every layer add up to less.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from pmsl.checks.light.row_runs import DoseSteps, RowRuns
from pmsl.core.mask import LayerMask, Window
from pmsl.core.runs import Runs
from pmsl.cure import CureModel
from pmsl.job.print_job import PrintJob
from pmsl.kernels.light import run_blur, run_dose
from pmsl.optics import Gaussian, flat_field, psf_of, spread

DARK = 1e-4  # of the threshold: less light is none
NEAR = 1e-4  # of a dose: smaller steps are none
SPARE = 0.1  # of the threshold: light that sets a pixel one layer earlier or later
FAINT = 1e-3  # of a pixel's light: what a spread gives further away is left out
Shown = list[tuple[LayerMask, np.ndarray, int]]  # exposures of a layer: mask, dose of its 256 levels [mJ/cm²], how often


class FinalLight(Protocol):
    """Adds layers up from the light side down."""

    def add(self, index: int, height_um: float, shown: Shown) -> tuple[RowRuns, np.ndarray]:
        """Return what is solid of the next layer toward the plate, and the largest dose of each decay at its exposure plane (T,)."""


def final_light(job: PrintJob, model: CureModel) -> FinalLight:
    """Return what adds up the light of a job: runs of equal pixels where light only falls with depth, else maps."""
    simple = len(model.decay.weights) == 1 or model.memory == "enclosed"
    flat = None if job.process.evened is not None else flat_field(job.printer)
    if model.induction_mj_cm2 == 0 and model.scatter_um == 0 and simple and flat is None:
        return RunLight(job, model)
    return MapLight(job, model, flat)


class RunLight:
    """Light of pure absorption, as steps along rows; a Gaussian spread is seen where it can decide, others are not seen."""

    def __init__(self, job: PrintJob, model: CureModel) -> None:
        rows, self._cols = job.grid.shape
        self._model, self._rows = model, rows
        self._weights = np.array(model.decay.weights)
        self._steps = DoseSteps.dark(rows, len(self._weights))
        self._height_um = 0.0
        psf = None if job.drawn else psf_of(job.printer)  # the dose of drawn lines is that of the spot already
        self._taps = [_taps(psf, axis) for axis in (0, 1)] if isinstance(psf, Gaussian) else [np.ones(1), np.ones(1)]

    def add(self, index: int, height_um: float, shown: Shown) -> tuple[RowRuns, np.ndarray]:
        """Return what is solid of the next layer toward the plate, and the largest dose of each decay at its exposure plane (T,)."""
        model, factor = self._model, self._model.decay.factors(self._height_um)
        least = DARK * model.threshold_mj_cm2
        if model.memory == "open" and len(shown) > 1:  # exposures between two recoats add up
            own = steps_of(shown, self._rows, least)
            self._steps = _with_steps(self._steps, factor, own, least)
        else:
            if not shown:
                self._steps = advanced(self._steps, factor, None, None, self._weights, least, model.memory == "open")
            for mask, dose, times in shown:
                self._steps = advanced(self._steps, factor, mask, dose, self._weights * times, least, model.memory == "open")
                factor = np.ones_like(factor)
        self._height_um = height_um
        share = model.decay.factors(0.5 * height_um)
        raw = self._above(share)
        largest = self._steps.value.max(axis=1, initial=0.0)
        return (self._seen(share, raw) if len(raw.col) and max(map(len, self._taps)) > 1 else raw), largest

    def _above(self, share: np.ndarray) -> RowRuns:
        """Return where the mirrors' own light suffices."""
        return _runs_above(self._steps, share, self._model.threshold_mj_cm2)

    def _seen(self, share: np.ndarray, raw: RowRuns) -> RowRuns:
        """Return where the light suffices that the projection spreads."""
        down, across = self._taps
        many = 2 * len(down) - 1
        low, high = np.zeros((2, 4, many * (int(np.diff(raw.start).max()) + 1) + 1), np.int64)
        line, pointer = np.zeros(self._cols + 2 * len(across)), np.zeros(many, np.int64)
        room = 2 * len(raw.col) + 64
        while True:
            start, (col, end) = np.empty(self._rows + 1, np.int64), np.empty((2, room), np.int32)
            n = run_blur.seen_above(
                *self._steps, share, self._model.threshold_mj_cm2, *raw, down, across, self._cols, low, high, line, pointer, start, col, end
            )
            if n >= 0:
                return RowRuns(start, col[:n], end[:n])
            room *= 4


class MapLight:
    """Light of any resin and any field, as maps: slower, and exact for induction, scatter and open memory with several decays."""

    def __init__(self, job: PrintJob, model: CureModel, flat: np.ndarray | None) -> None:
        self._model, self._flat, self._shape = model, flat, job.grid.shape
        self._psf, self._window = None if job.drawn else psf_of(job.printer), Window(0, 0, *job.grid.shape)
        from pmsl.cure import accumulation

        px, py = job.grid.pitch_um.tolist()
        self._sum = accumulation(model, job.grid.shape, (px, py))

    def add(self, index: int, height_um: float, shown: Shown) -> tuple[RowRuns, np.ndarray]:
        """Return what is solid of the next layer toward the plate, and the largest dose of each decay at its exposure plane (T,)."""
        events = []
        for mask, dose, times in shown:
            light = dose[mask.dense(np.uint8)] if self._flat is None else dose[mask.dense(np.uint8)] * self._flat
            if self._psf is None:
                seen = light
            else:
                seen = np.maximum(spread(light, self._window, self._window, self._psf, (0.0, 0.0)), 0.0)
            events += [np.asarray(seen, np.float64)] * times
        cured = self._sum.add(index, height_um, *events)
        solid = cured.dose_at_mj_cm2(0.5 * height_um) >= self._model.threshold_mj_cm2
        return RowRuns.of_dense(solid), np.full(len(self._model.decay.weights), cured.dose_mj_cm2.max(initial=0.0))


def depth_um(model: CureModel, largest: np.ndarray) -> float:
    """Return how far below an exposure plane light can still matter [µm], inf for any: no more than `SPARE` of the threshold is beyond.

    Parameters
    ----------
    model : CureModel
    largest : (T,) float64
        The largest dose of each decay at any exposure plane [mJ/cm²].
    """
    lengths = np.array(model.decay.lengths_um)
    enough = SPARE * model.threshold_mj_cm2
    if float(largest[np.isinf(lengths)].sum()) >= enough:
        return np.inf
    low, high = 0.0, 64.0 * model.decay.longest_um
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if float(largest @ np.exp(-middle / lengths)) >= enough else (low, middle)
    return high


def advanced(
    steps: DoseSteps,
    factor: np.ndarray,
    mask: LayerMask | None,
    dose: np.ndarray | None,
    weights: np.ndarray,
    least: float,
    highest: bool = False,
) -> DoseSteps:
    """Return steps of light that has fallen by `factor` of each decay, with an exposure added, or the larger of the two.

    Parameters
    ----------
    steps : DoseSteps
    factor : (T,) float64
    mask : LayerMask or None
        What is shown; None for no exposure.
    dose : (256,) float64 or None
        Of its levels [mJ/cm²].
    weights : (T,) float64
        Share of each decay, times how often it is shown.
    least : float
        Less light is none [mJ/cm²].
    highest : bool
        The larger of the two counts, not the sum.
    """
    if mask is None or dose is None:
        runs, row0, dose = (np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8)), 0, np.zeros(256)
    else:
        runs, row0 = mask.runs_8bit(), mask.window.row0
    room = len(steps.col) + 2 * len(runs[1]) + 1
    while True:
        begin, stop = np.empty((2, len(steps.begin)), np.int64)
        out = DoseSteps(begin, stop, np.empty(room, np.int32), np.empty((len(factor), room)))
        n = run_dose.advance(*steps, factor, *runs, row0, dose, weights, least, NEAR, int(highest), *out)
        if n >= 0:
            return DoseSteps(out.begin, out.stop, out.col[:n], np.ascontiguousarray(out.value[:, :n]))
        room *= 2  # rows that shared their steps do not any more


def steps_of(shown: Shown, rows: int, least: float) -> DoseSteps:
    """Return the dose of exposures together at their exposure plane, as one term.

    Parameters
    ----------
    shown : list of (LayerMask, (256,) float64, int)
        Masks, the dose of their levels [mJ/cm²], how often they are shown.
    rows : int
        Of the grid.
    least : float
        Less light is none [mJ/cm²].
    """
    steps = DoseSteps.dark(rows, 1)
    for mask, dose, times in shown:
        steps = advanced(steps, np.ones(1), mask, dose, np.array([float(times)]), least)
    return steps


def own_runs(shown: Shown, rows: int, share: float, threshold_mj_cm2: float, least: float) -> RowRuns:
    """Return what exposures cure of their layer by themselves.

    Parameters
    ----------
    shown : list of (LayerMask, (256,) float64, int)
        Masks, the dose of their levels [mJ/cm²], how often they are shown.
    rows : int
        Of the grid.
    share : float
        Of the dose that reaches the middle of the slab.
    threshold_mj_cm2 : float
    least : float
        Less light is none [mJ/cm²].
    """
    if len(shown) != 1:
        return _runs_above(steps_of(shown, rows, least), np.array([share]), threshold_mj_cm2)
    mask, dose, times = shown[0]
    runs = mask.runs_8bit()
    start, (col, end) = np.empty(rows + 1, np.int64), np.empty((2, len(runs.col)), np.int32)
    n = run_dose.runs_enough(*runs, mask.window.row0, (dose * (times * share) >= threshold_mj_cm2).view(np.uint8), start, col, end)
    return RowRuns(start, col[:n], end[:n])


def _runs_above(steps: DoseSteps, share: np.ndarray, limit: float) -> RowRuns:
    """Return where a dose reaches a limit."""
    rows, room = len(steps.begin), len(steps.col) + 8
    while True:
        start, (col, end) = np.empty(rows + 1, np.int64), np.empty((2, room), np.int32)
        n = run_dose.above(*steps, share, limit, start, col, end)
        if n >= 0:
            return RowRuns(start, col[:n], end[:n])
        room *= 4


def _with_steps(before: DoseSteps, factor: np.ndarray, own: DoseSteps, least: float) -> DoseSteps:
    """Return the larger of two lights of one decay, the first of which has fallen."""
    counts = own.stop - own.begin
    rows = np.repeat(np.arange(len(counts)), counts)
    steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(own.begin, counts)
    rank, out = np.unique(own.value[0]), before
    level = np.searchsorted(rank, own.value[0])
    for first in range(0, max(len(rank), 1), 255):  # so many doses at a time as a mask has levels
        inside = (own.value[0, steps] > 0) & (level[steps] >= first) & (level[steps] < first + 255)
        at = steps[inside]
        runs = RowRuns.of_rows(len(counts), rows[inside], own.col[at], own.col[at + 1])
        dose = np.zeros(256)
        dose[: len(rank[first : first + 255])] = rank[first : first + 255]
        mask = LayerMask(0, (len(counts), 0), Window(0, 0, len(counts), 0), None, None, _as_mask(runs, level[at] - first))
        out = advanced(out, factor if first == 0 else np.ones(1), mask, dose, np.ones(1), least, True)
    return out


def _as_mask(runs: RowRuns, level: np.ndarray) -> Runs:
    return Runs(runs.start, runs.col, runs.end - runs.col, level.astype(np.uint8))


def _taps(psf: Gaussian, axis: int) -> np.ndarray:
    """Return the weights of a spread along one axis from the middle outward, without faint ones; they add up to what all do."""
    line = psf.line(np.arange(psf.reach_px[axis] + 1.0), axis, mean=False)
    beyond = np.append(2.0 * np.cumsum(line[::-1])[::-1][1:], 0.0)  # what would be left out if a tap were the last
    n = int(np.flatnonzero(beyond <= FAINT)[0]) + 1
    taps = line[:n]
    return np.asarray(taps / (taps[0] + 2.0 * math.fsum(taps[1:])))
