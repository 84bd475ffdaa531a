"""Where sections of parts are narrower than a limit: walls of material, gaps between it; the same at any pitch and turn.

Sections are cut at the middle plane of every slab. A place is what hangs together: in a layer by sides that face each other or follow each
other, from layer to layer by where it lies.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from pmsl.core.grid import Grid
from pmsl.core.parallel import ordered_map
from pmsl.mesh.part import Part
from pmsl.slicing.plane_index import CrossingIndex, index_crossings

CELLS = 1.5  # side of a cell, in limits
MORE = 4  # cells, than there are segments, at most
FEW = 64  # places of a layer that are compared by their boxes, each with each


@dataclass(frozen=True, slots=True)
class ThinPlace:
    """A wall or a gap.

    Attributes
    ----------
    width_um : float
        Where it is narrowest: diameter of the circle that touches both sides [µm].
    layers : tuple of int
        First and last layer in which it is too narrow.
    box_um : tuple of tuple of float
        Lower and upper corner of where it is too narrow [µm].
    """

    width_um: float
    layers: tuple[int, int]
    box_um: tuple[tuple[float, float, float], tuple[float, float, float]]


def thin_places(
    parts: Sequence[Part], grid: Grid, min_wall_um: float, min_gap_um: float, united: bool = True, threads: int = 1
) -> tuple[list[ThinPlace], list[ThinPlace]]:
    """Find walls and gaps that are too narrow.

    Parameters
    ----------
    parts : sequence of Part
        Repaired.
    grid : Grid
        Its slabs count; its pixels do not.
    min_wall_um, min_gap_um : float
        Narrower ones are found, where they are at least as high as that; 0 finds none. A wall whose sides meet at more than 20° is an
        edge, not thin: no width is measured across it.
    united : bool
        Whether parts or shells may overlap: what bounds nothing is then told by winding numbers, which takes longer.
    threads : int
        Layers cut at a time; the answer does not depend on it.

    Returns
    -------
    list of ThinPlace, list of ThinPlace
        Walls and gaps, by layer and place.
    """
    index = index_crossings(parts, grid)
    limits = (min_wall_um, min_gap_um)
    cut = _Cut(index, grid, limits, united)
    found = tuple(_Places(grid, limit) for limit in limits)
    for k, groups in enumerate(ordered_map(cut, range(grid.n_layers), threads)):
        for places, some in zip(found, groups, strict=True):
            places.add(k, some)
    walls, gaps = found
    return walls.result(), gaps.result()


class _Scratch(threading.local):
    """What each thread keeps: room for segments, and what was found in those of the layer before, which may be the same."""

    def __init__(self) -> None:
        self.segments, self.before = np.zeros((1024, 4)), np.zeros((0, 4))
        self.found: list[np.ndarray] = [np.zeros((0, 7))] * 2


class _Cut:
    """Cuts layers and finds what is thin in each, on any thread."""

    def __init__(self, index: CrossingIndex, grid: Grid, limits: tuple[float, float], united: bool) -> None:
        self._index, self._grid, self._limits, self._united = index, grid, np.array(limits, np.float64), united
        self._local = _Scratch()

    def __call__(self, k: int) -> list[np.ndarray]:
        """Return the walls and the gaps of layer k: (n, 7) float64 each, width, middle of the narrowest place, box."""
        local = self._local
        local.segments, n = self._index.segments(k, local.segments)
        segments = local.segments[:n] * np.tile(self._grid.pitch_um, 2) + np.tile(self._grid.origin_um, 2)
        if not np.array_equal(local.before, segments):
            local.before, local.found = segments, self._groups(segments, self._normals(k, segments))
        return local.found

    def _normals(self, k: int, segments: np.ndarray) -> np.ndarray:
        """Return the normals of the surface at each segment: (S, 3) float64."""
        from pmsl.kernels.geometry import facing_segments, plane_crossings

        index, picked, out = self._index, np.empty(len(segments), np.int32), np.empty((len(segments), 3))
        plane_crossings.pick_layer(k, index.first, index.last, index.by_last, index.node_start, index.level_start, picked)
        facing_segments.normals(segments, index.corners, picked, *map(float, self._grid.pitch_um), out)
        return out

    def _groups(self, segments: np.ndarray, normals: np.ndarray) -> list[np.ndarray]:
        from pmsl.kernels.geometry import facing_segments

        if self._limits.max() <= 0 or len(segments) == 0:
            return [np.zeros((0, 7))] * 2
        n = len(segments)
        lengths = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
        low, high = segments.reshape(-1, 2).min(axis=0), segments.reshape(-1, 2).max(axis=0)
        cell = max(CELLS * float(self._limits.max()), float(lengths.sum()) / n, float(np.sqrt(np.prod(high - low) / (MORE * n))))
        cols, rows = (((high - low) // cell).astype(int) + 1).tolist()
        cells = (
            *low.tolist(),
            cell,
            cols,
            np.empty(rows * cols + 1, np.int64),
            np.empty(n + int(np.ceil(2 * lengths / cell).sum()), np.int32),
        )
        facing_segments.enter(segments, *cells)
        hits, sides, counts = np.empty((2, n + 1, 3)), np.empty((2, n + 1, 2), np.int64), np.empty(2, np.int64)
        facing_segments.facing_widths(segments, normals, self._limits, self._united, *cells, hits, sides, counts)
        return [_grouped(segments, hits[i, :many], sides[i, :many]) for i, many in enumerate(counts.tolist())]


def _grouped(segments: np.ndarray, hits: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Put hits together whose segments face each other, or follow each other: (n, 7) float64, width, middle, box."""
    if len(hits) == 0:
        return np.zeros((0, 7))
    used, at = np.unique(sides, return_inverse=True)
    pairs = at.reshape(sides.shape)
    ends = segments[used] + 0.0  # no negative zeros
    _, corner = np.unique(np.concatenate([ends[:, :2], ends[:, 2:]]), axis=0, return_inverse=True)
    first, last = corner.reshape(2, -1) + len(used)
    nodes = np.arange(len(used))
    links = np.concatenate([pairs, np.stack([nodes, first], axis=1), np.stack([nodes, last], axis=1)])
    size = len(used) + int(corner.max()) + 1
    graph = coo_array((np.ones(len(links), np.int8), (links[:, 0], links[:, 1])), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    group = label[pairs[:, 0]]
    order = np.lexsort((hits[:, 2], hits[:, 1], hits[:, 0], group))
    group, hits = group[order], hits[order]
    begin = np.flatnonzero(np.diff(group, prepend=-1))
    half = 0.5 * hits[:, :1]
    low, high = np.minimum.reduceat(hits[:, 1:] - half, begin), np.maximum.reduceat(hits[:, 1:] + half, begin)
    found = np.concatenate([hits[begin], low, high], axis=1)
    return found[np.lexsort((found[:, 1], found[:, 2]))]


class _Places:
    """What hangs together of the groups of all layers."""

    def __init__(self, grid: Grid, limit: float) -> None:
        self._grid, self._limit = grid, limit
        self._before, self._before_id, self._before_layer = np.zeros((0, 7)), np.zeros(0, np.int64), -2
        self._root: list[int] = []
        self._rows: list[list[float]] = []  # of each place: first layer, last layer, width, box

    def add(self, k: int, groups: np.ndarray) -> None:
        """Take the groups of the next layer."""
        ids = np.full(len(groups), -1, np.int64)
        if len(groups) and self._before_layer == k - 1:
            for old, new in self._matches(k, groups).tolist():
                before = self._find(int(self._before_id[old]))
                if ids[new] < 0:
                    ids[new] = before
                elif (other := self._find(int(ids[new]))) != before:
                    self._root[max(before, other)] = min(before, other)
        for i, (width, _, _, x0, y0, x1, y1) in enumerate(groups.tolist()):
            if ids[i] < 0:
                ids[i] = len(self._root)
                self._root.append(int(ids[i]))
                self._rows.append([k, k, width, x0, y0, x1, y1])
                continue
            row = self._rows[int(ids[i])]
            row[1:3] = k, min(row[2], width)
            row[3:] = min(row[3], x0), min(row[4], y0), max(row[5], x1), max(row[6], y1)
        self._before, self._before_id, self._before_layer = groups, ids, k

    def _matches(self, k: int, groups: np.ndarray) -> np.ndarray:
        """Return which groups of the layer below lie where groups of this one do: (n, 2) int64."""
        before, reach = self._before, max(2 * self._limit, float(self._grid.thickness_um[k]))
        if len(before) <= FEW and len(groups) <= FEW:
            low, high = before[:, None, 3:5] - reach, before[:, None, 5:7] + reach
            meet = ((groups[None, :, 5:7] >= low) & (groups[None, :, 3:5] <= high)).all(axis=2)
            return np.argwhere(meet)
        near = cKDTree(before[:, 1:3]).sparse_distance_matrix(cKDTree(groups[:, 1:3]), reach, output_type="coo_matrix")
        return np.stack([near.row, near.col], axis=1).astype(np.int64)

    def _find(self, i: int) -> int:
        while self._root[i] != i:
            self._root[i] = self._root[self._root[i]]
            i = self._root[i]
        return i

    def result(self) -> list[ThinPlace]:
        """Return the places that are as high as they must be wide."""
        merged: dict[int, list[float]] = {}
        for i, row in enumerate(self._rows):
            into = merged.setdefault(self._find(i), list(row))
            into[:3] = min(into[0], row[0]), max(into[1], row[1]), min(into[2], row[2])
            into[3:] = min(into[3], row[3]), min(into[4], row[4]), max(into[5], row[5]), max(into[6], row[6])
        edges, out = self._grid.z_edges_um, []
        for first, last, width, x0, y0, x1, y1 in merged.values():
            low, high = float(edges[int(first)]), float(edges[int(last) + 1])
            if high - low >= self._limit * (1 - 1e-9):
                out.append(ThinPlace(width, (int(first), int(last)), ((x0, y0, low), (x1, y1, high))))
        return sorted(out, key=lambda place: (place.layers, place.box_um))
