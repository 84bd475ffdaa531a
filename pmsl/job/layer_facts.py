"""Facts of a layer: areas, pieces, edges, overhang, and how hard it is to lift, as hosts and people want them.

They are measured on the pixels that are lit at least half as strongly as the lightest of their exposure, in any exposure of the layer;
only `area_um2` counts grays. A layer with exposures of a second engine, or with an offset, has none: its pixels are no one grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.runs import Runs
from pmsl.job.layer_plan import LayerFacts, LayerPlan
from pmsl.profiles import Printer

SUCTION_KPA = 50.0  # below a part that is lifted, over what is sealed: where a printer does not say its own
N_OF_KPA_UM2, N_OF_N_M_UM = 1e-9, 1e-6
DIGITS = 3  # of what is written: a thousandth of a µm, or of a µm²
PEEL_DIGITS = 6
BEYOND_PIXELS = ("area_um2", "islands", "sealed_um2")  # of 16 bit, and of checks
BY_PIXELS = ("components", "largest_um2", "smallest_um2", "perimeter_um", "bounds_um")  # facts that depend on nothing but masks


class SolidRuns(NamedTuple):
    """Pixels that count as solid, in maximal runs; `row0` is the row of the grid that `start` (rows + 1,) begins with."""

    start: np.ndarray
    col: np.ndarray
    end: np.ndarray
    row0: int


NOTHING = SolidRuns(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.int32), 0)


class Measured(NamedTuple):
    """A layer measured by itself: its facts, and its pixels, with which those of the layer above are held."""

    facts: LayerFacts
    solid: SolidRuns


def on_one_grid(plan: LayerPlan) -> bool:
    """Tell whether all exposures of a layer lie on the grid of the first engine."""
    return all(e.engine == 0 and e.offset_um == (0.0, 0.0) for e in plan.exposures)


def measured(plan: LayerPlan, grid: Grid) -> Measured | None:
    """Measure a layer by itself; None where it has no facts.

    Parameters
    ----------
    plan : LayerPlan
    grid : Grid
        Of the first engine.
    """
    from pmsl.kernels.runs import run_facts

    if not on_one_grid(plan):
        return None
    solid = _solid(plan)
    if not len(solid.col):
        return Measured(LayerFacts(), NOTHING)
    n, found = len(solid.col), np.empty(run_facts.FACTS, np.int64)
    run_facts.measure(*solid, np.empty(n, np.int64), np.empty(n, np.int64), found)
    pieces, _, largest, smallest, row0, col0, row1, col1, *edges = found.tolist()
    low, high = (np.array(corner) * grid.pitch_um + grid.origin_um for corner in ((col0, row0), (col1, row1)))
    facts = LayerFacts(
        area_um2=round(covered_px(plan) * grid.pixel_um2, DIGITS),
        components=pieces,
        largest_um2=round(largest * grid.pixel_um2, DIGITS),
        smallest_um2=round(smallest * grid.pixel_um2, DIGITS),
        perimeter_um=round(_perimeter_um(edges, *grid.pitch_um.tolist()), DIGITS),
        bounds_um=tuple(round(v, DIGITS) for v in (*low.tolist(), *high.tolist())),
    )
    stored = plan.facts  # of a file, which knows more than its frames
    if stored is not None and same_pixels(stored, facts):
        facts = msgspec.structs.replace(facts, **{name: getattr(stored, name) for name in BEYOND_PIXELS})
    return Measured(facts, solid)


def same_pixels(facts: LayerFacts, other: LayerFacts) -> bool:
    """Tell whether facts may be of the same masks.

    Parameters
    ----------
    facts, other : LayerFacts
    """
    return all(getattr(facts, name) == getattr(other, name) for name in BY_PIXELS)


def covered_px(plan: LayerPlan) -> float:
    """Return the area that a layer on one grid covers [px], grays added up: of the exposure with the most, where the plan does not say."""
    if plan.exposures and plan.covered_px is not None:
        return plan.covered_px
    return max((e.mask.sum_px() for e in plan.exposures), default=0.0)


def _solid(plan: LayerPlan) -> SolidRuns:
    """Return the pixels that count in any exposure of a layer."""
    from pmsl.kernels.runs import run_facts

    out = NOTHING
    for e in plan.exposures:
        runs: Runs = e.mask.runs_8bit()
        start, col, end = np.empty_like(runs.row_start), np.empty_like(runs.col), np.empty_like(runs.col)
        n = run_facts.solid_runs(*runs, start, col, end)
        one = SolidRuns(start, col[:n], end[:n], e.mask.window.row0)
        out = _united(out, one) if len(out.col) else one
    return out


def _united(a: SolidRuns, b: SolidRuns) -> SolidRuns:
    from pmsl.kernels.runs import run_facts

    row0 = min(a.row0, b.row0)
    rows = max(a.row0 + len(a.start), b.row0 + len(b.start)) - 1 - row0
    start, col, end = np.empty(rows + 1, np.int64), *np.empty((2, len(a.col) + len(b.col)), np.int32)
    n = run_facts.unite(*a, *b, start, col, end, row0)
    return SolidRuns(start, col[:n], end[:n], row0)


def _perimeter_um(edges: list[int], px: float, py: float) -> float:
    """Return the length of an edge by Crofton's formula, from how often lines along rows, columns and both diagonals pass it.

    Within 6 % for straight edges at any angle, and within 1 % for round ones.
    """
    diagonal, slope = math.hypot(px, py), math.atan2(py, px)
    along, across, rising, falling = edges
    tilted = 0.25 * math.pi * (rising + falling) * px * py / diagonal
    return 0.5 * (slope * along * py + (0.5 * math.pi - slope) * across * px + tilted)


def overhang_um2(solid: SolidRuns, below: SolidRuns, grid: Grid) -> float:
    """Return the area of a layer's pixels over those that do not count in the layer below [µm²].

    Parameters
    ----------
    solid, below : SolidRuns
        Of the layer, and of the one below it.
    grid : Grid
    """
    from pmsl.kernels.runs import run_facts

    if solid is below or not len(solid.col):
        return 0.0
    return round(int(run_facts.pixels_outside(*solid, *below)) * grid.pixel_um2, DIGITS)


def peel_n(facts: LayerFacts, printer: Printer) -> float | msgspec.UnsetType:
    """Return the force that lifts a layer [N], indicative; nothing where the printer does not say its release stress.

    Parameters
    ----------
    facts : LayerFacts
    printer : Printer
        F = release_stress_kpa · area + release_line_n_m · perimeter + suction_kpa · sealed area, where that is known.
    """
    stage = printer.stage
    if stage.release_stress_kpa is msgspec.UNSET:
        return msgspec.UNSET
    line = 0.0 if stage.release_line_n_m is msgspec.UNSET else stage.release_line_n_m.value
    suction = SUCTION_KPA if stage.suction_kpa is msgspec.UNSET else stage.suction_kpa.value
    sealed = 0.0 if facts.sealed_um2 is msgspec.UNSET else facts.sealed_um2
    by_area = (stage.release_stress_kpa.value * facts.area_um2 + suction * sealed) * N_OF_KPA_UM2
    return round(by_area + line * facts.perimeter_um * N_OF_N_M_UM, PEEL_DIGITS)


class CheckedFacts(NamedTuple):
    """What checks found by layers: how many islands begin in each, which area is sealed in it [µm²]; layers without any left out.

    `sealed_um2` is None where it was not looked for.
    """

    islands: dict[int, int]
    sealed_um2: dict[int, float] | None


def with_checks(facts: list[LayerFacts | None], checked: CheckedFacts | None, printer: Printer) -> list[LayerFacts | None]:
    """Return the facts of all layers of a job with what checks found.

    Parameters
    ----------
    facts : list of LayerFacts or None
    checked : CheckedFacts or None
        None where the job was not checked: facts are as they were.
    printer : Printer
        Lifts them.
    """
    if checked is None:
        return facts
    out: list[LayerFacts | None] = []
    for k, layer in enumerate(facts):
        if layer is None:
            out.append(None)
            continue
        sealed = msgspec.UNSET if checked.sealed_um2 is None else round(checked.sealed_um2.get(k, 0.0), DIGITS)
        layer = msgspec.structs.replace(layer, islands=checked.islands.get(k, 0), sealed_um2=sealed)
        out.append(msgspec.structs.replace(layer, peel_n=peel_n(layer, printer)))
    return out


def facts_of(plan: LayerPlan, below: Callable[[], LayerPlan], grid: Grid, printer: Printer) -> LayerFacts | None:
    """Return the facts of a layer by its exposures and those of the layer below; None where it has none.

    Parameters
    ----------
    plan : LayerPlan
    below : callable
        Gives the plan of the layer below; asked only above the plate.
    grid : Grid
    printer : Printer
    """
    one = measured(plan, grid)
    if one is None:
        return None
    over = measured(below(), grid) if plan.index > 0 else None
    return FactsOfLayers(grid, printer, over).add(plan.index, one)


class FactsOfLayers:
    """Completes what was measured of layers by themselves, as they go by from the plate up.

    Parameters
    ----------
    grid : Grid
    printer : Printer
    below : Measured, optional
        Of the layer below the first.
    """

    def __init__(self, grid: Grid, printer: Printer, below: Measured | None = None) -> None:
        self._grid, self._printer = grid, printer
        self._below = None if below is None else below.solid

    def passed(self, solid: SolidRuns | None) -> None:
        """Let a layer that has its facts be the one below the next."""
        self._below = solid

    def add(self, k: int, layer: Measured | None) -> LayerFacts | None:
        """Return the facts of layer k, which comes next."""
        below, self._below = self._below, None if layer is None else layer.solid
        if layer is None:
            return None
        facts = layer.facts
        if k > 0 and below is not None:
            facts = msgspec.structs.replace(facts, overhang_um2=overhang_um2(layer.solid, below, self._grid))
        elif k > 0:
            facts = msgspec.structs.replace(facts, overhang_um2=msgspec.UNSET)
        return msgspec.structs.replace(facts, peel_n=peel_n(facts, self._printer))
