"""Channels that cannot be flushed: `dead-end`.

A channel is what areas make that solid pixels enclose, layer on layer; where one of them lies under or over what is not enclosed, or on
the plate, it is open. With one opening that is narrow against the channel it is a dead end; wells and pockets are open wide. What
opens through a side wall is not enclosed there: it is no part of a channel, as its mouth is none of its ends.
"""

from __future__ import annotations

import numpy as np

from pmsl.checks.light.layer_stream import CheckedLayer
from pmsl.checks.light.row_runs import RowRuns
from pmsl.checks.limits import CheckLimits
from pmsl.checks.places import area_text, box_um, largest
from pmsl.checks.shapes.enclosed import run_overlaps
from pmsl.core.arrays import distinct, linked_groups
from pmsl.core.finding import Finding
from pmsl.core.grid import Grid

WIDE = 0.5  # of a channel's largest section: what is open so wide is a well
AREA, UP, DOWN, LAYER, ROW0, COL0, ROW1, COL1 = range(8)


class DeadEndCheck:
    """Follows enclosed areas from the plate up, and where they are open.

    Parameters
    ----------
    grid : Grid
    limits : CheckLimits
    """

    def __init__(self, grid: Grid, limits: CheckLimits) -> None:
        self._grid, self._limits = grid, limits
        self._areas: list[np.ndarray] = []  # by layer: (8, n), the names above
        self._links: list[np.ndarray] = []  # by layer: (2, m), areas below and here that overlap
        self._count = 0
        none = RowRuns.none(grid.shape[0])
        self._last = none, none, np.zeros(0, np.int64)  # solid runs, gaps and their areas

    def add(self, layer: CheckedLayer) -> None:
        """Find the areas of the next layer from the plate up, and those below that they lie over."""
        gaps, label, area, box = layer.final_gaps
        solid, below, of_below = self._last
        n = len(area)
        facts = np.zeros((8, n), np.int64)
        facts[AREA], facts[UP], facts[LAYER], facts[ROW0:] = area, area, layer.index, box
        facts[DOWN] = area
        over = self._areas[-1] if self._areas else facts[:, :0]
        if layer.index > 0 and (n or over.shape[1]):
            facts[DOWN] -= _covered(gaps, label, solid, n)
            over[UP] -= _covered(below, of_below, layer.final, over.shape[1])
            pairs = run_overlaps(below, of_below, gaps, label)
            pairs = pairs[:, pairs[1] >= 0]
            np.subtract.at(over[UP], pairs[0], pairs[2])
            np.subtract.at(facts[DOWN], pairs[1], pairs[2])
            both, _ = distinct(pairs[0] * max(n, 1) + pairs[1])
            self._links.append(np.stack([both // max(n, 1) + self._count - over.shape[1], both % max(n, 1) + self._count]))
        self._areas.append(facts)
        self._count += n
        self._last = layer.final, gaps, label

    def findings(self) -> list[Finding]:
        """Return the channels with one narrow opening."""
        if self._count == 0:
            return []
        facts = np.concatenate(self._areas, axis=1)
        below, above = np.concatenate(self._links, axis=1) if self._links else np.zeros((2, 0), np.int64)
        many, channel = linked_groups(np.stack([below, above], axis=1), self._count)
        height = self._grid.thickness_um[facts[LAYER]]
        volume = np.bincount(channel, facts[AREA] * height, many) * self._grid.pixel_um2
        on_plate = facts[LAYER] == 0
        ends = np.bincount(channel, (facts[UP] > 0).astype(np.int64) + (facts[DOWN] > 0), many)
        plate = np.bincount(channel, on_plate, many) > 0
        opening, section = np.zeros((2, many), np.int64)
        np.maximum.at(opening, channel, np.maximum(facts[UP], np.where(on_plate, 0, facts[DOWN])))
        np.maximum.at(section, channel, facts[AREA])
        dead = (ends == 1) & ~plate & (opening < WIDE * section) & (volume >= self._limits.min_void_um3 * (1.0 - 1e-9))
        return largest([self._finding(facts[:, channel == c], int(opening[c]), float(volume[c])) for c in np.flatnonzero(dead)])

    def _finding(self, facts: np.ndarray, opening_px: int, volume_um3: float) -> Finding:
        layers = int(facts[LAYER].min()), int(facts[LAYER].max())
        rows, cols = (int(facts[ROW0].min()), int(facts[ROW1].max())), (int(facts[COL0].min()), int(facts[COL1].max()))
        opening, section = (float(px) * self._grid.pixel_um2 for px in (opening_px, facts[AREA].max()))
        return Finding(
            code="dead-end",
            severity="info",
            message=f"a channel of up to {area_text(section)} has one opening only, of {area_text(opening)}: it cannot be flushed; "
            "give it a second one",
            layers=layers,
            box_um=box_um(self._grid, rows, cols, layers),
            value=volume_um3,
            limit=self._limits.min_void_um3,
            unit="µm³",
        )


def _covered(runs: RowRuns, label: np.ndarray, solid: RowRuns, many: int) -> np.ndarray:
    """Return how many pixels of each area are covered by solid ones: (many,) int64."""
    pairs = run_overlaps(runs, label, solid, np.zeros(len(solid.col), np.int64))
    return np.bincount(pairs[0], pairs[2], many).astype(np.int64)
