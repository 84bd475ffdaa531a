"""Places where walls are solved again: pixels that may change, and which of them hang together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pmsl.core.arrays import linked_groups
from pmsl.correct.solver.influence_rows import Pixels, Spot
from pmsl.correct.solver.target_surfaces import Walls

NEAR_PX = 1  # pixels around a wall that is off that may change
MISS = 0.06  # of Ec: about three hundredths of a pixel
STRAIGHT = 0.95  # of 1, the mean of unit normals within a pixel: 0.95 is a corner of 36°, or an arc of 2.5 px radius


def off_or_bent(walls: Walls, misses: np.ndarray, settled: np.ndarray, pixels: Pixels) -> tuple[np.ndarray, np.ndarray]:
    """Return the points (y, x) of walls that are solved again, (M, 2) float64, and the pixels of the window where walls turn.

    Those that miss Ec, and those where walls turn or another is near: between two points of a corner it can be off where both are met.

    Parameters
    ----------
    walls : Walls
        Of a layer.
    misses : (N,) float64
        Dose over Ec, minus 1.
    settled : (N,) bool
        Points that have Ec from the layers above: what they have too much no level of this layer takes away.
    pixels : Pixels
    """
    window, place = pixels.window, np.floor(walls.at_px).astype(np.int64)
    at = (place[:, 0] - window.row0) * window.cols + place[:, 1] - window.col0
    sums = [np.bincount(at, each, window.rows * window.cols).reshape(window.rows, window.cols) for each in (*walls.outward.T, None)]
    y, x, n = (_around(each) for each in sums)
    bent = np.hypot(y, x) < STRAIGHT * n
    return walls.at_px[~settled & ((np.abs(misses) > MISS) | bent.ravel()[at])], bent


def _around(values: np.ndarray) -> np.ndarray:
    """Return the sums over 3 × 3 pixels."""
    for axis in (0, 1):
        total = values.copy()
        into, of = ((slice(1, None),), (slice(None, -1),)) if axis == 0 else ((slice(None), slice(1, None)), (slice(None), slice(None, -1)))
        total[into] += values[of]
        total[of] += values[into]
        values = total
    return values


@dataclass(frozen=True, slots=True, eq=False)
class Neighbourhoods:
    """Pixels that may change, and what hangs together of them.

    Attributes
    ----------
    number : (F,) int64
        Their numbers, ascending.
    slot : (P + 1,) int32
        Where each pixel is among them, -1 if it is not.
    group : (P + 1,) int64
        The neighbourhood that each pixel belongs to or lies beside, -1 for none: what it sees is of that one only.
    n : int
        How many neighbourhoods.
    """

    number: np.ndarray
    slot: np.ndarray
    group: np.ndarray
    n: int

    @classmethod
    def around(cls, at_px: np.ndarray, white: np.ndarray, pixels: Pixels, spot: Spot) -> Neighbourhoods:
        """Find the pixels near points (N, 2) that have light (`white` (P + 1,) above 0)."""
        window = pixels.window
        marks = np.zeros((window.rows, window.cols), bool)
        place = np.floor(at_px).astype(np.int64)
        marks[place[:, 0] - window.row0, place[:, 1] - window.col0] = True
        near = wide(marks, NEAR_PX)
        number = pixels.slot[near]
        number = np.sort(number[white[number] > 0])
        slot = np.full(len(pixels.row) + 1, -1, np.int32)
        slot[number] = np.arange(len(number), dtype=np.int32)
        group, n = _labelled(wide(near, max(math.ceil(r) for r in spot.reach_px)), pixels)
        return cls(number, slot, group, n)


def wide(marks: np.ndarray, reach: int) -> np.ndarray:
    """Return marks (R, C) bool grown by so many pixels along rows and columns."""
    out = marks.copy()
    for axis in (0, 1):
        once = out.copy()
        for d in range(1, reach + 1):
            ahead, behind = (slice(d, None), slice(None, -d))
            into, of = ((ahead,), (behind,)) if axis == 0 else ((slice(None), ahead), (slice(None), behind))
            out[into] |= once[of]
            out[of] |= once[into]
    return out


def _labelled(marks: np.ndarray, pixels: Pixels) -> tuple[np.ndarray, int]:
    """Number the groups of marked pixels that touch along rows and columns: (P + 1,) int64, -1 for others, and how many."""
    inside = np.flatnonzero(marks.ravel())
    at = np.full(marks.shape, -1, np.int64)
    at.reshape(-1)[inside] = np.arange(len(inside))
    pairs = []
    for one, next_one in ((at[:-1], at[1:]), (at[:, :-1], at[:, 1:])):
        both = (one >= 0) & (next_one >= 0)
        pairs.append(np.stack([one[both], next_one[both]], axis=1))
    n, label = linked_groups(np.concatenate(pairs), len(inside))
    group = np.full(len(pixels.row) + 1, -1, np.int64)
    of_pixel = at[pixels.row - pixels.window.row0, pixels.col - pixels.window.col0]
    group[:-1] = np.where(of_pixel >= 0, label[np.maximum(of_pixel, 0)] if len(label) else -1, -1)
    return group, n
