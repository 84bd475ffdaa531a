"""How far sections of parts reach beyond the section below: ledges, bridges and slopes that nothing carries.

The same at any pitch and turn: sections are cut at the middle plane of every slab. What is not over the section below lies over faces that
look down between both planes, so only these are looked at; the farthest point over them is found to `TOLERANCE_UM` by branch and bound
with exact distances.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.parallel import ordered_map
from pmsl.errors import MeshError
from pmsl.mesh.part import Part
from pmsl.slicing.carried_pieces import CarriedPieces, SectionPieces
from pmsl.slicing.layer_places import LayerPlaces
from pmsl.slicing.plane_index import CrossingIndex
from pmsl.slicing.sections import PartSections, Sections
from pmsl.slicing.segment_cells import cells_of, corners_of

HEIGHTS = 3.0  # of a layer: shorter reaches are slopes steeper than 18°, which print as they are
STEPS = 2.0  # of what boundaries are off their places at most
TOLERANCE_UM = 0.1
MORE = 4  # cells, than there are segments, at most
ROUNDING = 6  # digits of a µm to which corners of neighbours are the same
AT_A_TIME = 256  # triangles whose corners are looked for
MOST_SEGMENTS = 20_000  # of a layer in which islands are told from ledges that reach round a corner


@dataclass(frozen=True, slots=True)
class Overhang:
    """A place that nothing below carries.

    Attributes
    ----------
    reach_um : float
        How far its farthest point is from what carries it [µm]: the length of a ledge, half the span of a bridge.
    layers : tuple of int
        First and last layer of it.
    box_um : tuple of tuple of float
        Lower and upper corner [µm].
    """

    reach_um: float
    layers: tuple[int, int]
    box_um: tuple[tuple[float, float, float], tuple[float, float, float]]


def overhangs(parts: Sequence[Part], grid: Grid, threads: int = 1, index: CrossingIndex | None = None) -> list[Overhang]:
    """Find what reaches farther than three layer heights beyond the section below.

    Parameters
    ----------
    parts : sequence of Part
        Repaired; united where they overlap.
    grid : Grid
        Its slabs count; its pixels do not.
    threads : int
        Layers cut at a time; the answer does not depend on it.
    index : CrossingIndex, optional
        Of the parts by middle planes, where it is made already.

    Returns
    -------
    list of Overhang
        By layer and place. What hangs on nothing at all, an island, is none.
    """
    return overhangs_of(PartSections(parts, grid, index), threads) if grid.n_layers > 1 else []


def overhangs_of(sections: Sections, threads: int = 1) -> list[Overhang]:
    """Find what reaches farther than three layer heights, and two steps of the boundaries, beyond the section below.

    Parameters
    ----------
    sections : Sections
    threads : int
    """
    grid = sections.grid
    if isinstance(sections, PartSections):
        _ = sections.faces  # made once, before threads ask for it
    look, found_at = _Look(sections), LayerPlaces(grid, _floor_um(sections, slice(None)), 0.0)
    for k, found in enumerate(ordered_map(look, range(1, grid.n_layers), threads), start=1):
        found_at.add(k, found)
    return [Overhang(-place.value, place.layers, place.box_um) for place in found_at.result()]


def _floor_um(sections: Sections, layers: int | slice) -> float:
    """Return the reach that is none yet [µm]."""
    return max(HEIGHTS * float(np.max(sections.grid.thickness_um[layers])), STEPS * sections.step_um)


@dataclass(frozen=True, slots=True, eq=False)
class _Section:
    """Boundary of a section [µm], its segments by cells and by rows."""

    segments: np.ndarray
    cells: tuple[np.ndarray, np.ndarray]
    rows: tuple[np.ndarray, np.ndarray]


class _Look:
    """Looks at layers, on any thread."""

    def __init__(self, sections: Sections) -> None:
        self._sections, self._pieces = sections, SectionPieces()

    def __call__(self, k: int) -> np.ndarray:
        """Return what reaches too far in layer k: (n, 7) float64, minus its reach, where, box."""
        from pmsl.kernels.geometry import unsupported

        none, floor = np.zeros((0, 7)), _floor_um(self._sections, k)
        triangles, piece = self._sections.over_nothing(k)
        if len(triangles) == 0:
            return none
        below = self._sections.segments_um(k - 1)
        if len(below) == 0:
            return none
        above = self._sections.segments_um(k)
        frame = _frame(*corners_of(below, above, triangles), len(below) + len(above))
        under = _section(below, frame)
        bound = np.empty(len(triangles))
        unsupported.bounds_of_reach(triangles, len(triangles), below, *frame[:4], *under.cells, *under.rows, floor, bound)
        far = np.flatnonzero(bound > floor)
        if len(far) == 0:
            return none
        triangles, bound = np.ascontiguousarray(triangles[far]), bound[far]
        label = _hanging_together(triangles) if piece is None else np.unique(piece[far], return_inverse=True)[1].astype(np.int32)
        over = _section(above, frame)
        work = np.empty((256, 6)), np.empty(4, np.int64), *np.empty((2, 2))
        sections = below, *frame[:4], *under.cells, *under.rows, above, *over.cells, *over.rows

        def reached(some: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            many, order = int(label.max()) + 1, np.argsort(-bound[some], kind="stable")
            reach, where = np.full(many, floor), np.zeros((many, 2))
            unsupported.reaches(triangles[some], order, label, *sections, TOLERANCE_UM, *work, reach, where)
            return reach, where

        every = np.arange(len(triangles))
        reach, where = reached(every, label)
        (groups,) = np.nonzero(reach > floor)
        held, carried = self._carried(k, np.ascontiguousarray(where[groups]), under, over, frame)
        found = _groups(triangles, label, groups[held], reach, where)
        beside = _of_carried(triangles, every[np.isin(label, groups[~held])], carried)
        if len(beside) == 0:
            return _in_order(found)
        label = np.unique(label[beside], return_inverse=True)[1].astype(np.int32)
        reach, where = reached(beside, label)
        return _in_order(np.concatenate([found, _groups(triangles[beside], label, np.nonzero(reach > floor)[0], reach, where)]))

    def _carried(self, k: int, where: np.ndarray, under: _Section, over: _Section, frame: tuple) -> tuple[np.ndarray, CarriedPieces | None]:
        """Tell which of some points hang on what is carried, and are not of islands: (G,) bool; and by which pieces, where any is not."""
        from pmsl.kernels.geometry import unsupported

        out = np.empty(len(where), bool)
        unsupported.joined_straight(where, under.segments, *frame[:4], *under.cells, *under.rows, over.segments, *over.rows, out)
        if out.all() or len(over.segments) + len(under.segments) > MOST_SEGMENTS:
            return np.ones(len(where), bool), None
        try:
            carried = CarriedPieces(self._pieces.of(k, over.segments), self._pieces.of(k - 1, under.segments))
        except MeshError:  # an open mesh has no pieces
            return np.ones(len(where), bool), None
        for i in np.flatnonzero(~out).tolist():
            out[i] = carried.at(*where[i].tolist())
        return out, carried


def _of_carried(triangles: np.ndarray, some: np.ndarray, carried: CarriedPieces | None) -> np.ndarray:
    """Return which of some triangles lie in pieces that are carried: beside an island that touches them at a corner, for one."""
    if carried is None or len(some) == 0:
        return some[:0]
    inside: np.ndarray = some[carried.at_many(triangles[some].reshape(-1, 3, 2).mean(axis=1))]
    return inside


def _in_order(found: np.ndarray) -> np.ndarray:
    ordered: np.ndarray = found[np.lexsort((found[:, 1], found[:, 2]))]
    return ordered


def _frame(low: np.ndarray, high: np.ndarray, n: int) -> tuple[float, float, float, int, int]:
    """Return square cells around all points: lower corner, side, how many in a row, how many rows."""
    size = np.maximum(high - low, 1e-6)
    cell = max(float(np.sqrt(np.prod(size) / (MORE * n))), float(size.max()) / (MORE * n + 16))
    cols, rows = (((high - low) // cell).astype(int) + 1).tolist()
    return float(low[0]), float(low[1]), cell, cols, rows


def _section(segments: np.ndarray, frame: tuple[float, float, float, int, int]) -> _Section:
    """Enter segments into cells and rows."""
    from pmsl.kernels.geometry import unsupported

    _, y_low, cell, _, rows = frame
    cells = cells_of(segments, *frame)
    by_row = np.empty(rows + 1, np.int64), np.empty(len(cells[1]) + len(segments), np.int32)
    unsupported.enter_rows(segments, y_low, cell, *by_row)
    return _Section(segments, cells, by_row)


def _hanging_together(triangles: np.ndarray) -> np.ndarray:
    """Number groups of triangles that share corners: (T,) int32."""
    from pmsl.kernels.mesh import corner_groups

    n = len(triangles)
    corners, label = np.zeros((3 * n, 3)), np.empty(n, np.int32)
    corners[:, :2] = np.round(triangles.reshape(-1, 2), ROUNDING)
    table = np.zeros(1 << (4 * n).bit_length(), np.uint64)  # room for all corners
    corner_groups.of_soup(corners, corners.view(np.uint64), table, np.empty(3 * min(n, AT_A_TIME), np.uint64), label)
    return label


def _groups(triangles: np.ndarray, label: np.ndarray, groups: np.ndarray, reach: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return some groups as `LayerPlaces` has them."""
    out = np.empty((len(groups), 7))
    order = np.argsort(label, kind="stable")
    begin = np.searchsorted(label[order], np.arange(len(reach) + 1))
    for i, g in enumerate(groups.tolist()):
        corners = triangles[order[begin[g] : begin[g + 1]]].reshape(-1, 2)
        out[i] = (-reach[g], *where[g], *corners.min(axis=0), *corners.max(axis=0))
    return out
