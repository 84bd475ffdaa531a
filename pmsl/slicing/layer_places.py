"""What hangs together over layers: places that are found in single layers, joined by where they lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmsl.core.grid import Grid

FEW = 64  # places of a layer that are compared by their boxes, each with each


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the design over neighbouring layers.

    Attributes
    ----------
    value : float
        The least of its layers.
    layers : tuple of int
        First and last.
    box_um : tuple of tuple of float
        Lower and upper corner [µm].
    """

    value: float
    layers: tuple[int, int]
    box_um: tuple[tuple[float, float, float], tuple[float, float, float]]


class LayerPlaces:
    """Joins what is found in single layers to places, by where it lies.

    Parameters
    ----------
    grid : Grid
        Its slabs count.
    near_um : float
        What is so near in the next layer belongs to it [µm]; so does what is nearer than a slab is high.
    least_um : float
        Lower places are left out [µm].
    """

    def __init__(self, grid: Grid, near_um: float, least_um: float) -> None:
        self._grid, self._near_um, self._least_um = grid, near_um, least_um
        self._before, self._before_id, self._before_layer = np.zeros((0, 7)), np.zeros(0, np.int64), -2
        self._root: list[int] = []
        self._rows: list[list[float]] = []  # of each place: first layer, last layer, value, box

    def add(self, k: int, groups: np.ndarray) -> None:
        """Add what is found in layer k, the next: (n, 7) float64, value, x and y of its worst place, box as x0, y0, x1, y1 [µm]."""
        ids = np.full(len(groups), -1, np.int64)
        if len(groups) and self._before_layer == k - 1:
            for old, new in self._matches(k, groups).tolist():
                before = self._find(int(self._before_id[old]))
                if ids[new] < 0:
                    ids[new] = before
                elif (other := self._find(int(ids[new]))) != before:
                    self._root[max(before, other)] = min(before, other)
        for i, (value, _, _, x0, y0, x1, y1) in enumerate(groups.tolist()):
            if ids[i] < 0:
                ids[i] = len(self._root)
                self._root.append(int(ids[i]))
                self._rows.append([k, k, value, x0, y0, x1, y1])
                continue
            row = self._rows[int(ids[i])]
            row[1:3] = k, min(row[2], value)
            row[3:] = min(row[3], x0), min(row[4], y0), max(row[5], x1), max(row[6], y1)
        self._before, self._before_id, self._before_layer = groups, ids, k

    def _matches(self, k: int, groups: np.ndarray) -> np.ndarray:
        """Return which groups of the layer below lie where groups of this one do: (n, 2) int64.

        First those whose boxes are no farther from each other than a layer is high, then of what is left those that are near: two walls
        that stand beside each other go on as two.
        """
        before, height = self._before, float(self._grid.thickness_um[k])
        if len(before) > FEW or len(groups) > FEW:
            from scipy.spatial import cKDTree  # which takes longer to load than most parts to check

            distance, nearest = cKDTree(before[:, 1:3]).query(groups[:, 1:3])
            new = np.flatnonzero(distance <= max(self._near_um, height))
            return np.stack([nearest[new], new], axis=1).astype(np.int64)
        low = np.maximum(before[:, None, 3:5], groups[None, :, 3:5])
        gap = np.maximum(low - np.minimum(before[:, None, 5:7], groups[None, :, 5:7]), 0.0).max(axis=2)
        meets = gap <= height
        left = ~meets.any(axis=1)[:, None] & ~meets.any(axis=0)[None] & (gap <= self._near_um)
        return np.argwhere(meets | left)

    def _find(self, i: int) -> int:
        while self._root[i] != i:
            self._root[i] = self._root[self._root[i]]
            i = self._root[i]
        return i

    def result(self) -> list[Place]:
        """Return the places that are high enough, by layers and boxes."""
        merged: dict[int, list[float]] = {}
        for i, row in enumerate(self._rows):
            into = merged.setdefault(self._find(i), list(row))
            into[:3] = min(into[0], row[0]), max(into[1], row[1]), min(into[2], row[2])
            into[3:] = min(into[3], row[3]), min(into[4], row[4]), max(into[5], row[5]), max(into[6], row[6])
        edges, out = self._grid.z_edges_um, []
        for first, last, value, x0, y0, x1, y1 in merged.values():
            low, high = float(edges[int(first)]), float(edges[int(last) + 1])
            if high - low >= self._least_um * (1 - 1e-9):
                out.append(Place(value, (int(first), int(last)), ((x0, y0, low), (x1, y1, high))))
        return sorted(out, key=lambda place: (place.layers, place.box_um))
