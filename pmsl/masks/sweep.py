"""Layers swept for the area in their middle plane, and what all sweeps have in common. One object a thread.

A sweep finds the touched cells of a layer (`Cells`); what lies between them follows. Its arrays are working memory: they
grow to what the largest layer needs and are used again for the next.
"""

from __future__ import annotations

from typing import Protocol

import msgspec
import numpy as np

from pmsl.core.grid import Grid
from pmsl.slicing.boundary_defects import OffsetLoss
from pmsl.slicing.instances import CopyIndex
from pmsl.slicing.plane_index import CrossingIndex

Index = CrossingIndex | CopyIndex
CROSSINGS = 64  # taken apart at a time between two events of a row


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
            first=0,
            last=0,
            start=np.zeros(rows + 1, np.int64),
            col=np.zeros(4096, np.int32),
            sums=np.zeros((4096, 2)),
            mixed=np.zeros(0, np.uint8),
            heights=np.zeros((0, 4)),
            length=np.zeros(0, np.int32),
            beyond=np.zeros(rows),
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
            arrays = area.AreaSweepArrays(
                segments=self.segments,
                n=n,
                rows=self.grid.shape[0],
                cols=self.grid.shape[1],
                row_begin=self.row_begin,
                edges=self.edges,
                live=self.live,
                line=self.line,
                bits=self.bits,
                row_start=f.start,
                col=f.col,
                sums=f.sums,
                beyond=f.beyond,
            )
            f.first, f.last, count = area.cells(*arrays)
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
            arrays = union.UnionArrays(
                segments=self.segments,
                n=self.cut,
                rows=rows,
                cols=cols,
                first=c.first,
                last=c.last,
                plain_start=c.start,
                plain_col=c.col,
                plain_sums=c.sums,
                plain_beyond=c.beyond,
                row_begin=self.row_begin,
                order=u.order,
                live=u.live,
                piece=u.piece,
                x=u.x,
                what=u.what,
                active=u.active,
                left=u.left,
                right=u.right,
                cuts=u.cuts,
                start=f.start,
                col=f.col,
                sums=f.sums,
                beyond=f.beyond,
            )
            if f.reserve(union.cells(*arrays)):
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
