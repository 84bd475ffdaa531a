"""Exact area coverage at the middle plane of each slab."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pmsl.core.crossings import index_crossings
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Runs
from pmsl.core.part import Part, Solid
from pmsl.errors import GridError, UsageError

MODES = ("area",)


@dataclass(frozen=True, slots=True)
class Leaks:
    """Rows of one layer whose boundary did not close (the mesh is open or inconsistent there)."""

    rows: int
    first_row: int
    last_row: int


class _Scratch:
    """Working arrays of one thread: one pixel row, and room for the segments and runs of a layer."""

    def __init__(self, shape: tuple[int, int]) -> None:
        rows, cols = shape
        self.segments = np.zeros((1024, 4))
        self.edges = np.zeros((1024, 6))
        self.live = np.zeros(1024, np.int32)
        self.row_begin = np.zeros(rows + 2, np.int64)
        self.cells = np.zeros((cols + 1, 2))
        self.bits = np.zeros(cols // 64 + 1, np.uint64)
        self.row_start = np.zeros(rows + 1, np.int64)
        self.leaks = np.zeros(3, np.int64)
        self.room(4096)

    def room(self, runs: int) -> None:
        """Make room for `runs` runs."""
        self.col, self.length = np.zeros(runs, np.int32), np.zeros(runs, np.int32)
        self.level = np.zeros(runs, np.uint16)

    def rows(self) -> tuple[np.ndarray, ...]:
        """Return the scratch of the row sweep, in the kernels' order; grown with the segments."""
        if len(self.edges) < len(self.segments):
            self.edges = np.zeros((len(self.segments), 6))
            self.live = np.zeros(len(self.segments), np.int32)
        return self.row_begin, self.edges, self.live, self.cells, self.bits


class MaskMaker:
    """Makes the mask of any layer, in any order, from any thread, always the same bytes.

    Parameters
    ----------
    parts : sequence of Solid or Part
        United where they overlap; used where their coordinates are.
    grid : Grid
    mode : {"area"}
        "area" is the exact covered area in the middle plane of the slab.

    Raises
    ------
    UsageError
        An unknown mode.
    GridError
        No part.
    """

    def __init__(self, parts: Sequence[Solid | Part], grid: Grid, mode: str = "area") -> None:
        if mode not in MODES:
            raise UsageError(f"coverage mode {mode!r} is not one of {', '.join(MODES)}")
        if len(parts) == 0:
            raise GridError("no part to make masks of; give at least one solid")
        self.grid = grid
        self.index = index_crossings(parts, grid)
        self._local = threading.local()

    def _scratch(self) -> _Scratch:
        if not hasattr(self._local, "scratch"):
            self._local.scratch = _Scratch(self.grid.shape)
        scratch: _Scratch = self._local.scratch
        return scratch

    def mask(self, k: int) -> LayerMask:
        """Return the mask of layer `k`."""
        return self.mask_and_leaks(k)[0]

    def mask_and_leaks(self, k: int) -> tuple[LayerMask, Leaks]:
        """Return the mask of layer `k` and the rows whose boundary did not close."""
        from pmsl.kernels import area

        s = self._scratch()
        s.segments, n = self.index.segments(_checked(k, self.grid), s.segments)
        rows, cols = self.grid.shape
        while True:
            first, last, count = area.runs(s.segments, n, rows, cols, *s.rows(), s.row_start, s.col, s.length, s.level, s.leaks)
            if count <= len(s.col):
                break
            s.room(count + count // 2)
        leaks = Leaks(*(int(v) for v in s.leaks))
        runs = Runs(s.row_start[first : last + 1].copy(), s.col[:count].copy(), s.length[:count].copy(), s.level[:count].copy())
        return LayerMask.from_runs(k, self.grid.shape, first, runs), leaks

    def coverage(self, k: int) -> np.ndarray:
        """Return the covered fraction of every pixel of layer `k`, unquantised: (rows, cols) float64, row 0 at the smallest y."""
        from pmsl.kernels import area

        s = self._scratch()
        s.segments, n = self.index.segments(_checked(k, self.grid), s.segments)
        out = np.zeros(self.grid.shape)
        area.dense(s.segments, n, *s.rows(), out)
        return out


def layer_masks(parts: Sequence[Solid | Part], grid: Grid, mode: str = "area") -> Iterator[LayerMask]:
    """Yield the mask of every layer in order, empty ones too.

    Parameters
    ----------
    parts : sequence of Solid or Part
        United where they overlap; used where their coordinates are.
    grid : Grid
    mode : {"area"}
        "area" is the exact covered area in the middle plane of the slab.

    Yields
    ------
    LayerMask
        Exact coverage rounded once, to 1/65535.

    Raises
    ------
    UsageError
        An unknown mode.
    """
    maker = MaskMaker(parts, grid, mode)
    return (maker.mask(k) for k in range(grid.n_layers))


def coverage(parts: Sequence[Solid | Part], grid: Grid, k: int, mode: str = "area") -> np.ndarray:
    """Return the exact coverage of layer `k`, not quantised.

    Parameters
    ----------
    parts : sequence of Solid or Part
    grid : Grid
    k : int
        Layer number, 0..L-1.
    mode : {"area"}

    Returns
    -------
    (rows, cols) float64
        Covered fraction 0..1 of every pixel; row 0 is the smallest y.

    Raises
    ------
    GridError
        `k` is not a layer of the grid.
    UsageError
        An unknown mode.
    """
    return MaskMaker(parts, grid, mode).coverage(k)


def _checked(k: int, grid: Grid) -> int:
    if not 0 <= k < grid.n_layers:
        raise GridError(f"layer {k} is not in 0..{grid.n_layers - 1}")
    return k
