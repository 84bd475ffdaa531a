"""What a served page asks of a job: facts of a layer, tiles of a frame at any resolution, values over the layers."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import numpy as np

from pmsl.core.arrays import evenly
from pmsl.core.mask import LayerMask, Window
from pmsl.errors import PmslError
from pmsl.fields.added_fields import layer_added
from pmsl.job.layer_facts import facts_of, measured
from pmsl.job.layer_plan import LayerFacts, LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.report.page.field_plan import with_corners
from pmsl.report.page.layer_table import exposure_facts, layer_row
from pmsl.report.page.predicted_layers import shrunk

TILE_PX = 1024  # a side
MOST_LEVELS = 16
KEPT_RUNS = 4 << 20  # of masks that are kept
KEPT_PLANS = 12
GRAPH_LAYERS = 400


class NotInJobError(IndexError):
    """A layer, an exposure or a tile was asked for that there is not."""


class ServedJob:
    """Answers for one job, from any thread; keeps the plans that were asked for last.

    Parameters
    ----------
    job : PrintJob
    """

    def __init__(self, job: PrintJob) -> None:
        self.job = job
        self._meter = job.meter()
        self._plans: OrderedDict[int, LayerPlan] = OrderedDict()
        self._lock = threading.Lock()  # one layer is made at a time: memory is that of few
        self._graphs: dict[int, dict[str, float | None]] = {}
        self._damaged: dict[int, str] = {}  # layers without values, and why

    def plan(self, k: int) -> LayerPlan:
        """Return the plan of layer `k`; raises `NotInJobError` where there is none."""
        if not 0 <= k < self.job.n_layers:
            raise NotInJobError(f"layer {k} is not in 0..{self.job.n_layers - 1}")
        with self._lock:
            known = self._plans.get(k)
            if known is None:
                known = self._plans[k] = self.job.bare(k)
                self._forget()
            self._plans.move_to_end(k)
            return known

    def _forget(self) -> None:
        """Let go of the plans that were asked for longest ago, but for the last one."""
        while len(self._plans) > 1 and (len(self._plans) > KEPT_PLANS or sum(map(_runs, self._plans.values())) > KEPT_RUNS):
            self._plans.popitem(last=False)

    def warm_up(self) -> None:
        """Make what the first picture shows, so that nobody waits for it, or for the compiler, before an open page."""
        k = self.job.n_layers // 2
        self.layer(k)
        for j in range(len(self.plan(k).exposures)):
            self.tile(k, j, 0, 0, 0)

    def layer(self, k: int) -> dict[str, Any]:
        """Return what the page says of layer `k`; raises `NotInJobError`."""
        plan = self.plan(k)
        shown = [exposure_facts(self.job, e, None) for e in plan.exposures]
        return layer_row(plan, self._facts(plan), self._meter, with_corners(self.job, plan, shown))

    def _facts(self, plan: LayerPlan) -> LayerFacts | None:
        """Return the facts of a layer; None where they are not stated and the layer below, which they also follow from, is damaged."""
        if plan.facts is not None:
            return plan.facts
        grid, plan = self.job.engines[0].grid, layer_added(self.job, plan)
        try:
            return facts_of(plan, lambda: layer_added(self.job, self.plan(plan.index - 1)), grid, self.job.printer)
        except Exception:  # of any kind: a damaged array is no error of ours
            measured(plan, grid)  # raises where it is this layer that is damaged; who looks at the one below is told there
            return None

    def tile(self, k: int, exposure: int, level: int, row: int, col: int) -> bytes:
        """Return the 8-bit levels of a tile, row 0 at the smallest y.

        Parameters
        ----------
        k, exposure : int
        level : int
            Its pixels are means of ``2**level`` pixels each way; at 0 the pixels themselves.
        row, col : int
            Which tile of `TILE_PX` of these.

        Raises
        ------
        NotInJobError
            There is no such tile.
        """
        plan = self.plan(k)
        if not 0 <= exposure < len(plan.exposures):
            raise NotInJobError(f"layer {k}: no exposure {exposure}")
        return tile_levels(plan.exposures[exposure].mask, level, row, col).tobytes()

    def add_graph_layer(self) -> bool:
        """Work out the values of one more layer for graphs, or why it has none; return whether there was another one."""
        for k in evenly(self.job.n_layers, GRAPH_LAYERS):
            if k not in self._graphs and k not in self._damaged:
                try:
                    self._graphs[k] = self._graph_values(k)
                except Exception as err:  # the values of other layers do not wait for this one's
                    self._damaged[k] = reason(err)
                return True
        return False

    def _graph_values(self, k: int) -> dict[str, float | None]:
        return {key: value for key, value in self.layer(k).items() if key == "dose" or isinstance(value, (int, float))}

    def graphs(self) -> dict[str, Any]:
        """Return the values over the layers as far as they are known: layers, and of each key the values there; layers without, and why."""
        known, damaged = dict(sorted(self._graphs.items())), dict(sorted(self._damaged.items()))
        keys = list(dict.fromkeys(key for values in known.values() for key in values))
        whole = len(known) + len(damaged) == len(evenly(self.job.n_layers, GRAPH_LAYERS))
        values = {key: [v.get(key) for v in known.values()] for key in keys}
        return {"layers": list(known), "whole": whole, "values": values, "damaged": list(damaged.items())}


def reason(err: Exception) -> str:
    """Return a line on why something failed; of what is no error of ours with its kind."""
    return str(err) if isinstance(err, PmslError) else f"pmsl failed: {type(err).__name__}: {err}"


def _runs(plan: LayerPlan) -> int:
    return sum(len(e.mask.runs_8bit().col) for e in plan.exposures)


def tile_levels(mask: LayerMask, level: int, row: int, col: int) -> np.ndarray:
    """Return a tile of a mask: (rows, cols) uint8, fewer than `TILE_PX` at the field's upper end; made from runs.

    Raises
    ------
    NotInJobError
        The tile lies outside of the field, or there is no such level.
    """
    sized = 0 <= level <= MOST_LEVELS  # numbers of any size are compared as Python's own, before they become those of arrays
    if not (sized and all(at >= 0 and (at * TILE_PX) << level < size for at, size in zip((row, col), mask.shape, strict=True))):
        raise NotInJobError(f"no tile ({row}, {col}) of level {level}")
    row0, col0 = ((at * TILE_PX) << level for at in (row, col))
    rows, cols = (min(TILE_PX << level, size - low) for low, size in zip((row0, col0), mask.shape, strict=True))
    return shrunk(mask, Window(row0, col0, rows, cols), 1 << level)
