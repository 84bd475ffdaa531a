"""The two ways to sweep a layer: area of its middle plane, volume of its slab. One object a thread.

A sweep finds the touched cells of a layer (`Cells`); what lies between them follows. Its arrays are working memory: they
grow to what the largest layer needs and are used again for the next.
"""

from __future__ import annotations

import math
from typing import Protocol

import msgspec
import numpy as np

from pmsl.core.grid import Grid
from pmsl.slicing.boundary_defects import OffsetLoss
from pmsl.slicing.instances import CopyIndex
from pmsl.slicing.plane_index import CrossingIndex, SlabTriangles

Index = CrossingIndex | CopyIndex
CROSSINGS = 64  # taken apart at a time between two events of a row
COPIED = 1 << 16  # cells


class Cells(msgspec.Struct):
    """Touched cells of one layer; see ``pmsl.kernels.raster.area.cells`` and ``pmsl.kernels.raster.volume.cells`` for the arrays."""

    first: int
    last: int
    start: np.ndarray
    col: np.ndarray
    sums: np.ndarray
    mixed: np.ndarray
    heights: np.ndarray
    length: np.ndarray
    beyond: np.ndarray

    @classmethod
    def empty(cls, rows: int) -> Cells:
        """Make room for a first layer."""
        return cls(
            *(0, 0, np.zeros(rows + 1, np.int64), np.zeros(4096, np.int32), np.zeros((4096, 2))),
            *(np.zeros(0, np.uint8), np.zeros((0, 4)), np.zeros(0, np.int32), np.zeros(rows)),
        )

    def reserve(self, cells: int) -> bool:
        """Grow to hold `cells` and half as many more where they do not fit; return whether they did."""
        if cells <= len(self.col):
            return True
        self._grow(cells + cells // 2)
        return False

    def _grow(self, cells: int) -> None:
        self.col, self.sums = np.empty(cells, np.int32), np.empty((cells, 2))

    def beside(self, labels: bool, sided: bool) -> None:
        """Make room for what a sweep of volumes also finds: shells that share a voxel, surfaces."""
        n = len(self.col)
        if len(self.mixed) != (n if labels else 0):
            self.mixed = np.empty(n if labels else 0, np.uint8)
        if len(self.heights) != (n if sided else 0):
            self.heights, self.length = np.empty((n if sided else 0, 4)), np.empty(n if sided else 0, np.int32)


class Sweep(Protocol):
    """Turns layers into touched cells; holds working arrays, so it belongs to one thread."""

    def cells(self, k: int) -> Cells:
        """Sweep layer k; what is returned holds until the next call."""


class Offset(Protocol):
    """Moves the contours of layers before they are swept; see ``pmsl.slicing.offset.ContourOffset``."""

    @property
    def reach_px(self) -> tuple[float, float]:
        """How far anything grows at most: (along y, along x) [px]."""

    def moves(self, k: int) -> bool:
        """Tell whether the contours of layer k are moved at all."""

    def segments(self, k: int, segments_px: np.ndarray) -> tuple[np.ndarray, tuple[OffsetLoss, ...]]:
        """Return the edges of the moved contours of layer k, (S, 4) float64 [px], and what was lost."""


class AreaSweep:
    """Area in the middle plane of the slab, of contours that may be moved; `lost` is what that took from the layer swept last."""

    def __init__(self, index: Index, grid: Grid, offset: Offset | None = None) -> None:
        rows, cols = grid.shape
        self.index, self.grid = index, grid
        self.reserve(1024)
        self.row_begin = np.zeros(rows + 2, np.int64)
        self.line, self.bits = np.zeros((cols + 1, 2)), np.zeros(cols // 64 + 1, np.uint64)
        self.found = Cells.empty(rows)
        self.offset = offset
        self.lost: tuple[OffsetLoss, ...] = ()
        self.open, self.bridges = False, np.zeros((0, 4))  # whether gaps of contours are closed; what closed them in the layer swept last
        self.cut = 0
        self.union: _UnionScratch | None = None

    def reserve(self, segments: int) -> None:
        """Grow to hold `segments` and half as many more."""
        n = segments + segments // 2
        self.segments, self.edges, self.live = np.empty((n, 4)), np.empty((n, 6)), np.empty(n, np.int32)

    def cells(self, k: int) -> Cells:
        """Sweep the middle plane of layer k."""
        from pmsl.kernels.raster import area

        self.lost = ()
        self.segments, n = self.index.segments(k, self.segments)
        if self.open:
            n = self._closed(n)
        if self.moves(k):
            n = self._moved(k, n)
        if len(self.edges) < len(self.segments):
            self.edges, self.live = np.empty((len(self.segments), 6)), np.empty(len(self.segments), np.int32)
        f = self.found
        while True:
            f.first, f.last, count = area.cells(
                *(self.segments, n, *self.grid.shape, self.row_begin, self.edges, self.live, self.line, self.bits),
                *(f.start, f.col, f.sums, f.beyond),
            )
            if f.reserve(count):
                self.cut = n
                return f

    def _closed(self, n: int) -> int:
        """Close the contours of the first n segments, and return how many these are then."""
        from pmsl.masks.contour_gaps import bridges

        self.bridges = bridges(self.segments[:n])
        end = n + len(self.bridges)
        if end > len(self.segments):
            self.segments = np.concatenate([self.segments[:n], np.empty((end, 4))])
        self.segments[n:end] = self.bridges
        return end

    def moves(self, k: int) -> bool:
        """Tell whether the contours of layer k are moved."""
        return self.offset is not None and self.offset.moves(k)

    def _moved(self, k: int, n: int) -> int:
        """Put the moved contours in place of the first `n` segments; return how many there are."""
        assert self.offset is not None
        moved, self.lost = self.offset.segments(k, self.segments[:n])
        if len(moved) > len(self.segments):
            self.reserve(len(moved))
        self.segments[: len(moved)] = moved
        return len(moved)

    def united(self, c: Cells) -> Cells:
        """Return the cells of the union of the shells of the layer that was swept last, whose plain cells are `c`."""
        from pmsl.kernels.raster import union

        rows, cols = self.grid.shape
        if self.union is None or len(self.union.piece) < len(self.segments):
            self.union = _UnionScratch.of(len(self.segments), rows)
        u = self.union
        f = u.found
        f.first, f.last = c.first, c.last
        while True:
            count = union.cells(
                *(self.segments, self.cut, rows, cols, c.first, c.last, c.start, c.col, c.sums, c.beyond, self.row_begin),
                *(u.order, u.live, u.piece, u.x, u.what, u.active, u.left, u.right, u.cuts, f.start, f.col, f.sums, f.beyond),
            )
            if f.reserve(count):
                return f


class _UnionScratch(msgspec.Struct):
    """Working arrays of ``pmsl.kernels.raster.union.cells`` for S segments."""

    order: np.ndarray
    live: np.ndarray
    piece: np.ndarray
    x: np.ndarray
    what: np.ndarray
    active: np.ndarray
    left: np.ndarray
    right: np.ndarray
    cuts: np.ndarray
    found: Cells

    @classmethod
    def of(cls, segments: int, rows: int) -> _UnionScratch:
        """Make room for so many segments."""
        order, live = np.zeros(segments, np.int32), np.zeros(segments, np.int32)
        x, what = np.zeros(3 * segments), np.zeros(3 * segments, np.int64)
        active, left, right = np.zeros(segments, np.int64), np.zeros(segments), np.zeros(segments)
        return cls(order, live, np.zeros((segments, 6)), x, what, active, left, right, np.zeros(CROSSINGS), Cells.empty(rows))


class VolumeSweep:
    """Volume of the slab."""

    def __init__(self, index: Index, grid: Grid) -> None:
        from pmsl.kernels.raster.volume import BAND

        rows, cols = grid.shape
        self.index, self.grid = index, grid
        self.slab = SlabTriangles.empty()
        self.order, self.live = np.zeros(1024, np.int32), np.zeros(1024, np.int32)
        self.band_begin = np.zeros(rows // BAND + 4, np.int64)
        self.walk, self.scratch = np.zeros(4, np.int64), np.zeros((3, 18, 3))
        self.board, self.bits = np.zeros((BAND, cols + 1, 2)), np.zeros((BAND, cols // 64 + 1), np.uint64)
        self.owner, self.others = np.zeros((BAND, 0), np.int32), np.zeros((BAND, 0), np.int32)
        self.sides, self.flat = np.zeros((BAND, 0, 4)), np.zeros((4, BAND, 0, 2))
        self.found = Cells.empty(rows)

    def cells(self, k: int, labels: np.ndarray | None = None, sided: bool = False, plate_um: float = -math.inf) -> Cells:
        """Sweep slab k, with `labels` (M,) of the index also for shells that share a voxel, `sided` also for the surface in each column.

        Faces that look down, no higher than `plate_um`, are left out of that.
        """
        from pmsl.kernels.raster import volume

        slab = self.slab
        self.index.slab(k, labels, slab)
        if len(self.live) < len(slab.picked):
            self.order, self.live = np.zeros(len(slab.picked), np.int32), np.zeros(len(slab.picked), np.int32)
        if labels is not None and self.owner.shape[1] == 0:
            self.owner, self.others = (np.full((volume.BAND, self.grid.shape[1]), -1, np.int32) for _ in range(2))
        if sided and self.sides.shape[1] == 0:
            self.sides = np.zeros((volume.BAND, self.grid.shape[1], 4))
            self.flat = np.zeros((4, volume.BAND, self.grid.shape[1] + 1, 2))
        f = self.found
        f.first, f.last = 0, self.grid.shape[0]
        while True:
            f.beside(labels is not None, sided)
            arrays = volume.VolumeSweepArrays(
                corners=slab.corners,
                picked=slab.picked,
                n=slab.n,
                slab=self.grid.z_edges_um[k : k + 2],
                rows=self.grid.shape[0],
                cols=self.grid.shape[1],
                labels=np.zeros(0, np.int32) if slab.labels is None else slab.labels,
                sided=sided,
                plate=plate_um,
                band_begin=self.band_begin,
                order=self.order,
                live=self.live,
                walk=self.walk,
                scratch=self.scratch,
                board=self.board,
                bits=self.bits,
                owner=self.owner,
                others=self.others,
                sides=self.sides,
                flat=self.flat,
                row_start=f.start,
                col=f.col,
                sums=f.sums,
                mixed=f.mixed,
                heights=f.heights,
                length=f.length,
                beyond=f.beyond,
            )
            if f.reserve(volume.cells(*arrays)):
                return f

    def handed_over(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return start (rows + 1,), columns and lengths (n,) and surface (n, 4) of the cells found last, for good.

        Where they are many they are not copied, and what is found next has other memory.
        """
        f = self.found
        n = int(f.start[f.last])
        if n <= COPIED:
            return f.start.copy(), f.col[:n].copy(), f.length[:n].copy(), f.heights[:n].copy()
        self.found = Cells.empty(self.grid.shape[0])
        return f.start, f.col[:n], f.length[:n], f.heights[:n]
