"""The two ways to sweep a layer: area of its middle plane, volume of its slab. One object a thread."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from pmsl.core.crossings import CrossingIndex
from pmsl.core.grid import Grid


class Sweep(Protocol):
    """Turns layers into coverage; holds working arrays, so it belongs to one thread."""

    row_start: np.ndarray
    leaks: np.ndarray
    col: np.ndarray
    length: np.ndarray
    level: np.ndarray

    def runs(self, k: int) -> tuple[int, int, int]:
        """Sweep layer k into the run arrays; return first row, last row, and the number of runs, which may exceed their room."""

    def dense(self, k: int, out: np.ndarray) -> None:
        """Sweep layer k into a (rows, cols) float64 array of zeros."""

    def room(self, runs: int) -> None:
        """Make room for `runs` runs."""


class _Rows:
    """Working arrays that both sweeps need: one pixel row, and room for runs."""

    def __init__(self, index: CrossingIndex, grid: Grid) -> None:
        rows, cols = grid.shape
        self.index, self.grid = index, grid
        self.row_begin = np.zeros(rows + 2, np.int64)
        self.cells = np.zeros((cols + 1, 2))
        self.bits = np.zeros(cols // 64 + 1, np.uint64)
        self.row_start = np.zeros(rows + 1, np.int64)
        self.leaks = np.zeros(3, np.int64)
        self.live = np.zeros(0, np.int32)
        self.room(4096)

    def room(self, runs: int) -> None:
        """Make room for `runs` runs."""
        self.col, self.length = np.zeros(runs, np.int32), np.zeros(runs, np.int32)
        self.level = np.zeros(runs, np.uint16)


class AreaSweep(_Rows):
    """Area in the middle plane of the slab."""

    def __init__(self, index: CrossingIndex, grid: Grid) -> None:
        super().__init__(index, grid)
        self.segments = np.zeros((1024, 4))
        self.edges = np.zeros((0, 6))

    def _cut(self, k: int) -> tuple[np.ndarray, int]:
        self.segments, n = self.index.segments(k, self.segments)
        if len(self.edges) < len(self.segments):
            self.edges = np.zeros((len(self.segments), 6))
            self.live = np.zeros(len(self.segments), np.int32)
        return self.segments, n

    def runs(self, k: int) -> tuple[int, int, int]:
        """Sweep layer k into the run arrays."""
        from pmsl.kernels import area

        segments, n = self._cut(k)
        scratch = self.row_begin, self.edges, self.live, self.cells, self.bits
        found: tuple[int, int, int] = area.runs(
            *(segments, n, *self.grid.shape, *scratch, self.row_start, self.col, self.length, self.level, self.leaks)
        )
        return found

    def dense(self, k: int, out: np.ndarray) -> None:
        """Sweep layer k into a dense array."""
        from pmsl.kernels import area

        segments, n = self._cut(k)
        area.dense(segments, n, self.row_begin, self.edges, self.live, self.cells, self.bits, out)


class VolumeSweep(_Rows):
    """Volume of the slab."""

    def __init__(self, index: CrossingIndex, grid: Grid) -> None:
        super().__init__(index, grid)
        self.picked = np.zeros(1024, np.int32)

    def _pick(self, k: int) -> tuple[np.ndarray, np.ndarray, int, np.ndarray]:
        self.picked, n = self.index.triangles(k, self.picked)
        if len(self.live) < len(self.picked):
            size = len(self.picked)
            self.pool = np.zeros((size + 3, 16, 3))
            self.sizes, self.order, self.live = np.zeros(size, np.int32), np.zeros(size, np.int32), np.zeros(size, np.int32)
        return self.index.corners, self.picked, n, self.grid.z_edges_um[k : k + 2]

    def runs(self, k: int) -> tuple[int, int, int]:
        """Sweep slab k into the run arrays."""
        from pmsl.kernels import volume

        triangles = self._pick(k)
        scratch = self.pool, self.sizes, self.row_begin, self.order, self.live, self.cells, self.bits
        found: tuple[int, int, int] = volume.runs(
            *(*triangles, *self.grid.shape, *scratch, self.row_start, self.col, self.length, self.level, self.leaks)
        )
        return found

    def dense(self, k: int, out: np.ndarray) -> None:
        """Sweep slab k into a dense array."""
        from pmsl.kernels import volume

        triangles = self._pick(k)
        scratch = self.pool, self.sizes, self.row_begin, self.order, self.live, self.cells, self.bits
        volume.dense(*triangles, *scratch, out)
