"""The layers of a job from the plate up, each with what its light has just made solid and what all light will: what checks look at.

Two passes over the job for every Ec that is looked at (`ec_band`). Light comes from above, so the first goes from the light side down and
finds what is solid in the end (`final_light`); the second goes from the plate up and finds when: a pixel is *set* by the first exposure
with which the dose in the middle of its slab reaches the threshold, light of later layers that comes through included. Masks are made for
the first of all passes and wait in a `LayerSpool` for the others, as do the runs of pixels that are solid from a first pass to a second.
*When* is known from the light of a pixel's own mirror; whether at all, from the light as it is projected.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from pmsl.checks.light.drawn_picture import drawn_picture
from pmsl.checks.light.final_light import DARK, Shown, depth_um, final_light, steps_of
from pmsl.checks.light.newly_set import by_layer, set_own
from pmsl.checks.light.row_runs import DoseSteps, RowRuns
from pmsl.checks.light.spool import LayerSpool
from pmsl.checks.shapes.enclosed import EnclosedAreas, enclosed_areas
from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.core.parallel import ordered_map
from pmsl.cure import CureModel
from pmsl.errors import NotCheckedError
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.kernels.light import run_waiting
from pmsl.optics.grayscale import response

OWN_PIXELS = "light engines with pixels of their own; layers are checked on the pixels of one"
DEEPEST = 64  # layers
RIM_PX = 2  # what lies so near to pixels that are set is set with them: walls land between pixels


@dataclass(frozen=True, eq=False)
class CheckedLayer:
    """A layer as checks see it, from the plate up. What several of them ask for is found once.

    Attributes
    ----------
    index : int
    final : RowRuns
        What all light of the job makes solid of it.
    newly_set : tuple of (int, RowRuns)
        What its own exposures have just made solid, by layers, ascending: of itself, and of layers below that their light reaches.
    """

    index: int
    final: RowRuns
    newly_set: tuple[tuple[int, RowRuns], ...]

    @cached_property
    def own(self) -> RowRuns:
        """Of what was newly set, what lies in the layer itself: what is solid of it when it is lifted from the window."""
        k, runs = self.newly_set[-1] if self.newly_set else (-1, self.final)
        return runs if k == self.index else RowRuns.none(len(self.final.start) - 1)

    @cached_property
    def final_gaps(self) -> EnclosedAreas:
        """Gaps of `final`, and which of them it encloses."""
        return enclosed_areas(self.final)

    @cached_property
    def own_gaps(self) -> EnclosedAreas:
        """Gaps of `own`, and which of them it encloses."""
        return self.final_gaps if self.own is self.final else enclosed_areas(self.own)


class LayerCheck(Protocol):
    """One check: sees every layer once, then says what it found."""

    def add(self, layer: CheckedLayer) -> None:
        """Look at the next layer from the plate up.

        Parameters
        ----------
        layer : CheckedLayer
        """

    def findings(self) -> list[Finding]:
        """Return what was found, when all layers were added."""


@dataclass(frozen=True, slots=True)
class DoseRule:
    """What the light of a job does.

    Attributes
    ----------
    model : CureModel
        Of liquid that keeps its dose and its absorber (`CureModel.for_checks`).
    levels_of : callable
        Gives the doses of the exposures of a plan: for each (256,) float64 [mJ/cm²] of every level.
    """

    model: CureModel
    levels_of: Callable[[LayerPlan], list[np.ndarray]]

    def __post_init__(self) -> None:
        object.__setattr__(self, "model", self.model.for_checks)

    @classmethod
    def of(cls, job: PrintJob) -> DoseRule:
        """Return the rule of a job whose doses and resin are known.

        Parameters
        ----------
        job : PrintJob
        """
        relative = np.asarray(response(job.printer), np.float64)
        model = CureModel.of(job.resin)
        return cls(model, lambda plan: [model.effective_mj_cm2(e.dose_mj_cm2 * relative, e.time_s) for e in plan.exposures])


def check_layers(
    job: PrintJob,
    checks: Sequence[LayerCheck],
    *,
    rule: DoseRule | None = None,
    threads: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> list[Finding]:
    """Show every layer of a job to checks, and return what they found, in their order.

    Parameters
    ----------
    job : PrintJob
    checks : sequence of LayerCheck
    rule : DoseRule, optional
        What its light does (default: `DoseRule.of` the job).
    threads : int
        Layers made at a time; the result does not depend on it.
    progress : callable, optional
        Called with (layers done, layers in all).

    Raises
    ------
    NotCheckedError
        Exposures of another engine or with an offset.
    JobError
        A damaged job.
    """
    if not job.one_grid:
        raise NotCheckedError(OWN_PIXELS)
    rule = DoseRule.of(job) if rule is None else rule

    def planned(k: int) -> tuple[LayerPlan, Shown]:
        plan = job.bare(k)
        check_exposures(plan)
        shown = shown_of(job, plan, rule)
        for mask, _, _ in shown:
            mask.runs_8bit()
        return plan, shown

    total = job.n_layers
    with LayerSpool(total, job.grid.shape) as spool:
        light, largest = final_light(job, rule.model), np.zeros(len(rule.model.decay.weights))
        for n, (plan, shown) in enumerate(ordered_map(planned, range(total - 1, -1, -1), threads), start=1):
            final, dose = light.add(plan.index, plan.thickness_um, shown)
            largest = np.maximum(largest, dose)
            spool.put_shown(plan.index, shown)
            spool.put_solid(plan.index, final)
            if progress is not None:
                progress(n, total)
        _from_the_plate(job.grid, rule.model, spool, checks, depth_um(rule.model, largest))
        return _findings(job, rule.model, spool, checks)


def shown_of(job: PrintJob, plan: LayerPlan, rule: DoseRule) -> Shown:
    """Return what is shown in a layer; what is drawn as a picture of its dose (`drawn_picture`).

    Parameters
    ----------
    job : PrintJob
    plan : LayerPlan
    rule : DoseRule
    """
    if job.drawn:
        return drawn_picture(job, plan, rule.model)
    return [(e.mask, dose, e.repeat) for e, dose in zip(plan.exposures, rule.levels_of(plan), strict=True)]


def check_spooled(job: PrintJob, model: CureModel, checks: Sequence[LayerCheck], spool: LayerSpool) -> list[Finding]:
    """Do as `check_layers` with exposures that are in a spool already.

    Parameters
    ----------
    job : PrintJob
    model : CureModel
    checks : sequence of LayerCheck
    spool : LayerSpool
        The exposures of every layer of the job.
    """
    _show_spooled(job, model, spool, checks)
    return _findings(job, model, spool, checks)


def _show_spooled(job: PrintJob, model: CureModel, spool: LayerSpool, checks: Sequence[LayerCheck]) -> None:
    light, largest, heights = final_light(job, model), np.zeros(len(model.decay.weights)), job.grid.thickness_um.tolist()
    for k in range(job.n_layers - 1, -1, -1):
        final, dose = light.add(k, heights[k], spool.shown(k))
        largest = np.maximum(largest, dose)
        spool.put_solid(k, final)
    _from_the_plate(job.grid, model, spool, checks, depth_um(model, largest))


def _findings(job: PrintJob, model: CureModel, spool: LayerSpool, checks: Sequence[LayerCheck]) -> list[Finding]:
    from pmsl.checks.light.ec_band import confirm

    confirm(checks, model, lambda other, again: _show_spooled(job, other, spool, again))
    return [finding for check in checks for finding in check.findings()]


def check_exposures(plan: LayerPlan) -> None:
    """Refuse light that lies elsewhere than on the grid of the job: raises `NotCheckedError`.

    Parameters
    ----------
    plan : LayerPlan
    """
    for e in plan.exposures:
        if e.engine != 0 or e.offset_um != (0.0, 0.0):
            raise NotCheckedError(
                f"layer {plan.index}: an exposure with engine {e.engine}, offset {e.offset_um} µm; "
                "checks by dose hold for the first engine, without offsets, so far"
            )


def _from_the_plate(grid: Grid, model: CureModel, spool: LayerSpool, checks: Sequence[LayerCheck], deepest_um: float) -> None:
    """Show the layers to checks from the plate up, with what each exposure sets."""
    waiting = _Waiting(grid, model, deepest_um)
    for k in range(grid.n_layers):
        final = spool.solid(k)
        layer = CheckedLayer(k, final, waiting.exposed(k, final, spool.shown(k)))
        for check in checks:
            check.add(layer)


class _Waiting:
    """What will be solid and is liquid still, while exposures go by from the plate up."""

    def __init__(self, grid: Grid, model: CureModel, deepest_um: float) -> None:
        self._rows, self._edges, self._middles = grid.shape[0], grid.z_edges_um, grid.mid_planes_um
        self._model, self._deepest_um, self._n_layers = model, deepest_um, grid.n_layers
        self._rates, self._weights = 1.0 / np.array(model.decay.lengths_um), np.array(model.decay.weights)
        self._pool, self._dose = np.zeros((4, 0), np.int64), np.zeros(0)  # layer, row, columns; dose in mid-slab

    def exposed(self, k: int, final: RowRuns, shown: Shown) -> tuple[tuple[int, RowRuns], ...]:
        """Return what the exposures of layer k set, by layers; `final` is what becomes solid of it in the end."""
        model, oldest = self._model, self._oldest(k)
        least, spent = DARK * model.threshold_mj_cm2, model.induction_mj_cm2
        if spent > 0 and len(shown) != 1:  # every event pays it
            return self._event_by_event(k, final, shown, oldest)
        steps = steps_of(shown if spent == 0 else [(*shown[0][:2], 1)], self._rows, least)
        times = float(shown[0][2]) if spent > 0 else 1.0
        factor = self._factor(k)
        newly: list[tuple[int, RowRuns]] = []
        if len(self._dose):
            newly.extend(by_layer(self._expose(steps, factor, times, k, oldest), self._rows))
        own, row, stay, dose = set_own(final, steps, (float(factor[0]), spent, times, model.threshold_mj_cm2), RIM_PX)
        if oldest >= k:
            own, row = final, row[:0]
        if len(row):
            n = len(row)
            more = np.concatenate([np.full(n, k), row, stay[0, :n], stay[1, :n]]).reshape(4, n)
            self._pool, self._dose = np.concatenate([self._pool, more], axis=1), np.concatenate([self._dose, dose])
        return (*newly, (k, own)) if len(own.col) else tuple(newly)

    def _event_by_event(self, k: int, final: RowRuns, shown: Shown, oldest: int) -> tuple[tuple[int, RowRuns], ...]:
        n, rows, least = len(final.col), self._rows, DARK * self._model.threshold_mj_cm2
        more = np.concatenate([np.full(n, k), final.rows(), final.col, final.end]).reshape(4, n).astype(np.int64)
        self._pool, self._dose = np.concatenate([self._pool, more], axis=1), np.concatenate([self._dose, np.zeros(n)])
        events = [(steps_of([(mask, levels, 1)], rows, least), times) for mask, levels, times in shown]
        factor, ready = self._factor(k), []
        for i, (steps, times) in enumerate(events or [(DoseSteps.dark(rows, 1), 1)]):
            ready.append(self._expose(steps, factor, float(times), k, oldest if i + 1 >= len(events) else -1))
        together = np.concatenate(ready, axis=1)
        return by_layer(together[:, np.lexsort((together[2], together[1], together[0]))], rows)

    def _oldest(self, k: int) -> int:
        """Return the last layer that is as solid as it ever becomes, whatever its dose is now."""
        if k + 1 == self._n_layers:
            return k
        first = int(np.searchsorted(self._middles, self._edges[k + 1] - self._deepest_um)) if np.isfinite(self._deepest_um) else 0
        return max(min(first, k) - 1, k - DEEPEST)

    def _factor(self, k: int) -> np.ndarray:
        """Return what of a dose reaches the middle of layer k and of those below."""
        depth = self._edges[k + 1] - self._middles[max(k - DEEPEST - 1, 0) if len(self._dose) else k : k + 1][::-1]
        return np.asarray(np.exp(-np.multiply.outer(depth, self._rates)) @ self._weights)

    def _expose(self, steps: DoseSteps, factor: np.ndarray, times: float, k: int, oldest: int) -> np.ndarray:
        """Add an exposure to what waits; return what it sets."""
        model, n = self._model, self._pool.shape[1]
        rule = model.induction_mj_cm2, times, int(model.memory == "open"), model.threshold_mj_cm2, k, oldest
        room, counts, pieces = 2 * n + 2 * len(steps.col) + 64, np.zeros(2, np.int64), 64
        while True:
            out_pool, out_dose, out_set = np.empty((4, room), np.int64), np.empty(room), np.empty((4, room), np.int64)
            work, light = np.empty(pieces, np.int64), np.empty(pieces)
            run_waiting.expose(self._pool, self._dose, n, *steps, factor, *rule, work, light, out_pool, out_dose, out_set, counts)
            if counts[0] >= 0:
                stay, ready = counts.tolist()
                self._pool, self._dose = out_pool[:, :stay].copy(), out_dose[:stay].copy()
                return out_set[:, :ready]
            room, pieces = 4 * room, 4 * pieces
