"""Where sections of parts are narrower than a limit: walls of material, gaps between it; the same at any pitch and turn.

Sections are cut at the middle plane of every slab. A place is what hangs together: in a layer by sides that face each other or follow each
other, from layer to layer by where it lies.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pmsl.core.arrays import linked_groups
from pmsl.core.grid import Grid
from pmsl.core.parallel import ordered_map
from pmsl.mesh.part import Part
from pmsl.slicing.layer_places import LayerPlaces
from pmsl.slicing.plane_index import CrossingIndex
from pmsl.slicing.sections import PartSections, Sections
from pmsl.slicing.segment_cells import cells_of, corners_of

CELLS = 1.5  # side of a cell, in limits
MORE = 4  # cells, than there are segments, at most
LAYERS = 3  # a place has at least, where the slope of surfaces is not known: rims that taper end before


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
    parts: Sequence[Part],
    grid: Grid,
    min_wall_um: float,
    min_gap_um: float,
    united: bool = True,
    threads: int = 1,
    index: CrossingIndex | None = None,
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
    index : CrossingIndex, optional
        Of the parts by middle planes, where it is made already.

    Returns
    -------
    list of ThinPlace, list of ThinPlace
        Walls and gaps, by layer and place.
    """
    return thin_places_of(PartSections(parts, grid, index), min_wall_um, min_gap_um, united, threads)


def thin_places_of(
    sections: Sections, min_wall_um: float, min_gap_um: float, united: bool = True, threads: int = 1
) -> tuple[list[ThinPlace], list[ThinPlace]]:
    """Find walls and gaps of sections that are too narrow.

    Parameters
    ----------
    sections : Sections
        Where they are not exact, places less than three layers high are left out.
    min_wall_um, min_gap_um, united, threads
        As of `thin_places`.
    """
    limits, grid = (min_wall_um, min_gap_um), sections.grid
    cut = _Cut(sections, limits, united)
    high = LAYERS * float(grid.thickness_um.max()) if sections.step_um > 0 else 0.0
    found = tuple(LayerPlaces(grid, 2 * limit, max(limit, high)) for limit in limits)
    for k, groups in enumerate(ordered_map(cut, range(grid.n_layers), threads)):
        for places, some in zip(found, groups, strict=True):
            places.add(k, some)
    walls, gaps = found
    return _thin(walls), _thin(gaps)


def _thin(places: LayerPlaces) -> list[ThinPlace]:
    return [ThinPlace(place.value, place.layers, place.box_um) for place in places.result()]


class _Scratch(threading.local):
    """What each thread keeps: what was found in the layer before, which may be the same."""

    def __init__(self) -> None:
        self.before = np.zeros((0, 4))
        self.found: list[np.ndarray] = [np.zeros((0, 7))] * 2


class _Cut:
    """Cuts layers and finds what is thin in each, on any thread."""

    def __init__(self, sections: Sections, limits: tuple[float, float], united: bool) -> None:
        self._sections, self._limits, self._united = sections, np.array(limits, np.float64), united
        self._local = _Scratch()

    def __call__(self, k: int) -> list[np.ndarray]:
        """Return the walls and the gaps of layer k: (n, 7) float64 each, width, middle of the narrowest place, box."""
        local, segments = self._local, self._sections.segments_um(k)
        if not np.array_equal(local.before, segments):
            local.before, local.found = segments, self._groups(segments, self._sections.normals(k, segments))
        return local.found

    def _groups(self, segments: np.ndarray, normals: np.ndarray) -> list[np.ndarray]:
        from pmsl.kernels.geometry import facing_segments

        if self._limits.max() <= 0 or len(segments) == 0:
            return [np.zeros((0, 7))] * 2
        n = len(segments)
        lengths = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
        low, high = corners_of(segments)
        cell = max(CELLS * float(self._limits.max()), float(lengths.sum()) / n, float(np.sqrt(np.prod(high - low) / (MORE * n))))
        cols, rows = (((high - low) // cell).astype(int) + 1).tolist()
        x_low, y_low = low.tolist()
        cells = x_low, y_low, cell, cols, *cells_of(segments, x_low, y_low, cell, cols, rows)
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
    group = linked_groups(links, size)[1][pairs[:, 0]]
    order = np.lexsort((hits[:, 2], hits[:, 1], hits[:, 0], group))
    group, hits = group[order], hits[order]
    begin = np.flatnonzero(np.diff(group, prepend=-1))
    half = 0.5 * hits[:, :1]
    low, high = np.minimum.reduceat(hits[:, 1:] - half, begin), np.maximum.reduceat(hits[:, 1:] + half, begin)
    found = np.concatenate([hits[begin], low, high], axis=1)
    return found[np.lexsort((found[:, 1], found[:, 2]))]
