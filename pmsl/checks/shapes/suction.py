"""Spaces that plate or floor, walls and window shut while a layer is lifted: `suction-cup`.

At every layer the areas that its solid pixels enclose are looked at; areas of neighbouring layers that overlap are one space. It is open
where a way leads down from it to the outside that is wide enough for resin to follow: one that holds a square with the diagonal of a vent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pmsl.checks.light.layer_stream import CheckedLayer
from pmsl.checks.light.row_runs import RowRuns
from pmsl.checks.light.spool import LayerSpool
from pmsl.checks.limits import CheckLimits
from pmsl.checks.places import box_um, largest
from pmsl.checks.shapes.enclosed import run_overlaps
from pmsl.checks.shapes.vents import Vents
from pmsl.core.arrays import distinct
from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.job.layer_facts import SUCTION_KPA

Release = Literal["window", "film"]
MM2 = 1e-6  # of a µm²


@dataclass(slots=True)
class _Cup:
    """A space below the window: its layers, its box in pixels, the largest area of a layer [px], and whether resin can follow."""

    first: int
    last: int
    box: tuple[int, int, int, int]
    area: int = 0
    vented: bool = False
    into: int = -1


class SuctionCheck:
    """Follows enclosed areas from the plate up.

    Parameters
    ----------
    grid : Grid
    limits : CheckLimits
    release : {"window", "film"}
        What the part is lifted from.
    """

    def __init__(self, grid: Grid, limits: CheckLimits, release: Release) -> None:
        self._grid, self._limits, self._release = grid, limits, release
        self._below = LayerSpool(grid.n_layers, grid.shape)
        self._vents = Vents(grid, limits, self._below)
        self._last, self._gaps = RowRuns.none(grid.shape[0]), RowRuns.none(grid.shape[0])
        self._of_gap = np.zeros(0, np.int64)  # the cup of each gap of the last layer; -1 none, -2 not enclosed
        self._cups: list[_Cup] = []
        self._areas: list[tuple[int, dict[int, int]]] = []  # layer; pixels of each cup in it
        self.sealed_um2: dict[int, float] = {}  # by layer: what is shut below the window; after `findings`

    def add(self, layer: CheckedLayer) -> None:
        """Look at the areas that the next layer from the plate up encloses."""
        gaps, label, areas, boxes = layer.own_gaps
        cup_of = np.full(len(areas) + 1, -1)  # the last is for gaps that are not enclosed
        cup_of[-1] = -2
        large = areas * self._grid.pixel_um2 >= self._limits.min_cup_um2 * (1.0 - 1e-9)
        if large.any():
            self._follow(layer, gaps, np.where(np.append(large, False)[label], label, -1), areas, boxes, cup_of)
        self._last, self._gaps, self._of_gap = layer.own, gaps, cup_of[label]
        self._below.put_solid(layer.index, layer.own)

    def _follow(
        self, layer: CheckedLayer, gaps: RowRuns, label: np.ndarray, areas: np.ndarray, boxes: np.ndarray, cup_of: np.ndarray
    ) -> None:
        """Find the cup that each labelled area belongs to, a new one where it is over none, and add up their areas in this layer."""
        floor = run_overlaps(gaps, label, self._last, np.zeros(len(self._last.col), np.int64))
        over = run_overlaps(gaps, label, self._gaps, self._of_gap)
        over = over[:, over[1] >= -1]
        shut = sum(np.bincount(o[0], o[2], minlength=len(areas)) for o in (floor, over))
        wide = (areas - shut) * self._grid.pixel_um2 >= 0.25 * math.pi * self._limits.vent_um**2
        cups: dict[int, set[int]] = {hole: set() for hole in distinct(label[label >= 0])[0].tolist()}
        many = len(self._cups)
        for pair in distinct(over[0, over[1] >= 0] * many + over[1, over[1] >= 0])[0].tolist():
            cups[pair // many].add(self._root(pair % many))
        now: dict[int, int] = {}
        for hole, below in cups.items():
            root = cup_of[hole] = self._joined(sorted({self._root(c) for c in below}), layer.index, boxes[:, hole].tolist())
            now[root] = now.get(root, 0) + int(areas[hole])
            cup = self._cups[root]
            if layer.index > 0 and wide[hole] and not cup.vented:
                cup.vented = self._vents.leads_out(layer.index, gaps.where(label == hole))
        self._areas.append((layer.index, now))
        for root, area in now.items():
            top = self._cups[self._root(root)]
            top.area = max(top.area, area)

    def _joined(self, below: list[int], k: int, box: list[int]) -> int:
        """Return the one cup that an area of layer k is over, of which there may be some, or a new one; its box grows by the area's."""
        if not below:
            self._cups.append(_Cup(k, k, (box[0], box[1], box[2], box[3])))
            return len(self._cups) - 1
        for other in below[1:]:
            self._unite(below[0], other)
        cup = self._cups[below[0]]
        row0, col0, row1, col1 = cup.box
        cup.box = min(row0, box[0]), min(col0, box[1]), max(row1, box[2]), max(col1, box[3])
        cup.last = k
        return below[0]

    def _root(self, c: int) -> int:
        while self._cups[c].into >= 0:
            c = self._cups[c].into
        return c

    def _unite(self, a: int, b: int) -> None:
        one, other = self._cups[a], self._cups[b]
        one.first, one.last = min(one.first, other.first), max(one.last, other.last)
        one.box = (*np.minimum(one.box[:2], other.box[:2]).tolist(), *np.maximum(one.box[2:], other.box[2:]).tolist())
        one.area, one.vented, other.into = max(one.area, other.area), one.vented or other.vented, a

    def findings(self) -> list[Finding]:
        """Return the spaces that resin cannot follow into."""
        self._below.close()
        for k, now in self._areas:
            px = sum(area for root, area in now.items() if self._holds(self._cups[self._root(root)]))
            self.sealed_um2[k] = px * self._grid.pixel_um2
        return largest([self._finding(cup) for cup in self._cups if cup.into < 0 and self._holds(cup)])

    def _holds(self, cup: _Cup) -> bool:
        """Tell whether a space holds the part to the window."""
        z = self._grid.z_edges_um
        return not cup.vented and float(z[cup.last + 1] - z[cup.first]) >= self._limits.min_cup_um - 1e-6

    def _finding(self, cup: _Cup) -> Finding:
        row0, col0, row1, col1 = cup.box
        area = cup.area * self._grid.pixel_um2 * MM2
        under = "the plate" if cup.first == 0 else "a floor"
        return Finding(
            code="suction-cup",
            severity="warning",
            message=f"{under}, walls and {self._release} shut a space of up to {area:.3f} mm² while layers {cup.first} to {cup.last} are "
            f"lifted: suction of about {SUCTION_KPA * area * 1e-3:.3g} N at {SUCTION_KPA:g} kPa; give it vents of at least "
            f"{self._limits.vent_um:g} µm near its lower end, turn the part, or set it on feet",
            layers=(cup.first, cup.last),
            box_um=box_um(self._grid, (row0, row1), (col0, col1), (cup.first, cup.last)),
            value=area,
            limit=self._limits.min_cup_um2 * MM2,
            unit="mm²",
        )
