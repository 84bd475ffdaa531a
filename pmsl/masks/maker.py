"""Parts and a grid → the mask of any layer."""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pmsl.core.copies import CopyIndex, index_parts
from pmsl.core.defects import Defects
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window
from pmsl.core.part import Part, Solid, as_part, crossing_heights
from pmsl.core.runs import Runs
from pmsl.errors import GridError, UsageError
from pmsl.masks.sweep import AreaSweep, Cells, Index, Sweep, VolumeSweep

SWEEPS: dict[str, Callable[[Index, Grid], Sweep]] = {"area": AreaSweep, "volume": VolumeSweep}
UNKNOWN = object()
FEW = 20_000  # triangles: looking for crossings takes some 20 ms
SAMPLES = 16  # layers


class MaskMaker:
    """Makes the mask of any layer, in any order, from any thread, always the same bytes.

    Parameters
    ----------
    parts : sequence of Solid or Part
        United where they overlap; used where their coordinates are.
    grid : Grid
    mode : {"area", "volume"}
        "area" is the exact covered area in the middle plane of the slab, "volume" the exact covered volume of the slab.
    repair : {"auto", "none", "strict"}
        As `pmsl.mesh.repair.repaired`.

    Raises
    ------
    UsageError
        An unknown mode or way to repair.
    GridError
        No part.
    MeshError
        A mesh that encloses nothing; with "strict" one that needs repair.
    """

    def __init__(self, parts: Sequence[Solid | Part], grid: Grid, mode: str = "area", repair: str = "auto") -> None:
        if mode not in SWEEPS:
            raise UsageError(f"coverage mode {mode!r} is not one of {', '.join(SWEEPS)}")
        if len(parts) == 0:
            raise GridError("no part to make masks of; give at least one solid")
        self.grid = grid
        self.mode = mode
        self.parts = tuple(as_part(item).repaired(repair) for item in parts)
        self.index = index_parts(self.parts, grid, slabs=mode == "volume")
        self._local = threading.local()
        self._lock = threading.Lock()
        self._labelled = False
        self._shells: np.ndarray | None = None
        self._made_union: Any = UNKNOWN
        self._crossing = self._layers_of_crossings() if mode == "area" else np.zeros(grid.n_layers, bool)

    def sweep(self) -> Sweep:
        """Return the calling thread's sweep."""
        if not hasattr(self._local, "sweep"):
            self._local.sweep = SWEEPS[self.mode](self.index, self.grid)
            self._local.rows = _Rows(self.grid, self.mode == "volume")
        sweep: Sweep = self._local.sweep
        return sweep

    def mask(self, k: int) -> LayerMask:
        """Return the mask of layer `k`."""
        return self.mask_and_defects(k)[0]

    def mask_and_defects(self, k: int) -> tuple[LayerMask, Defects]:
        """Return the mask of layer `k` and what is doubtful about it."""
        k = checked_layer(k, self.grid)
        sweep = self.sweep()
        rows: _Rows = self._local.rows
        if isinstance(sweep, AreaSweep):
            found = rows.mask(k, sweep.cells(k)) if isinstance(self.index, CopyIndex) else rows.mask_of_plane(k, sweep)
            if rows.overlap == 0 and not self._crossing[k]:
                return found
            return rows.mask(k, sweep.united(sweep.cells(k)), rows.overlap)
        assert isinstance(sweep, VolumeSweep)
        found = rows.mask(k, sweep.cells(k, self._labels()))
        if found[1].shared == 0 or found[1].rows or self._union() is None:
            return found
        mask, defects = self._union().mask_and_defects(k)  # type: ignore[union-attr]
        return mask, replace(defects, shared=0, excess_px=0.0, overlap=found[1].shared)

    def mask_of(self, cells: Cells, k: int) -> tuple[LayerMask, Defects]:
        """Return the mask of layer `k` and what is doubtful about it from the cells that the calling thread's sweep found."""
        rows: _Rows = self._local.rows
        return rows.mask(k, cells)

    def coverage(self, k: int) -> np.ndarray:
        """Return the covered fraction of every pixel of layer `k`, unquantised: (rows, cols) float64, row 0 at the smallest y."""
        sweep = self.sweep()
        cells = sweep.cells(checked_layer(k, self.grid))
        rows: _Rows = self._local.rows
        if isinstance(sweep, AreaSweep):
            return rows.dense(sweep.united(cells) if self._crossing[k] or rows.overlaps(cells) else cells)
        union = self._union() if self._overlaps(k) else None
        return rows.dense(sweep.cells(k)) if union is None else union.coverage(k)

    def _layers_of_crossings(self) -> np.ndarray:
        """Tell in which layers shells pass through one another: (L,) bool.

        Where that takes a look at many triangles it is only taken if one of a few layers shows an overlap. Others may then overlap
        unseen, by less than a pixel.
        """
        z = self.grid.mid_planes_um
        ranges = crossing_heights(self.parts, FEW)
        if ranges is None:
            sweep = self.sweep()
            some = np.unique(np.linspace(0, len(z) - 1, SAMPLES).round().astype(int)).tolist()
            shown = any(self._local.rows.overlaps(sweep.cells(k)) for k in some)
            ranges = crossing_heights(self.parts, 2**31) if shown else np.zeros((0, 2))
        out = np.zeros(len(z) + 1, np.int64)
        if ranges is not None:
            np.add.at(out, np.searchsorted(z, ranges[:, 0]), 1)
            np.add.at(out, np.searchsorted(z, ranges[:, 1], side="right"), -1)
        crossing: np.ndarray = out[:-1].cumsum() > 0
        return crossing

    def _overlaps(self, k: int) -> bool:
        """Tell whether shells share voxels of slab k, whose rows all close."""
        sweep, rows = self.sweep(), self._local.rows
        assert isinstance(sweep, VolumeSweep)
        defects: Defects = rows.mask(k, sweep.cells(k, self._labels()))[1]
        return defects.shared > 0 and defects.rows == 0

    def _union(self) -> MaskMaker | None:
        """Return what makes masks of the union of the parts, None where that cannot be had; made when the first slab asks for it.

        It gives slabs without overlap the same coverage, so it does not matter which slab asks first.
        """
        from pmsl.masks.united import union_of

        with self._lock:
            if self._made_union is UNKNOWN:
                whole = union_of(self.parts)
                self._made_union = None if whole is None else MaskMaker([whole], self.grid, self.mode, "none")
                if self._made_union is not None:
                    self._made_union._made_union = None  # its shells share voxels only where they touch
            made: MaskMaker | None = self._made_union
        return made

    def _labels(self) -> np.ndarray | None:
        """Shell of every triangle, None where there is only one; found when the first layer asks for it."""
        with self._lock:
            if not self._labelled:
                shells = self.index.shells()
                several = isinstance(self.index, CopyIndex) or bool(shells.any())
                self._shells, self._labelled = shells if several else None, True
        return self._shells


class _Rows:
    """Working arrays of one thread: from touched cells to runs."""

    def __init__(self, grid: Grid, volume: bool) -> None:
        rows, cols = self.shape = grid.shape
        self.volume = volume
        self.row_start, self.ends = np.zeros(rows + 1, np.int64), np.zeros(rows)
        self.line, self.guide = np.zeros(cols), np.zeros(cols)
        self.open_rows, self.shared, self.found = np.zeros(5, np.int64), np.zeros(3), np.zeros(5, np.int64)
        self._room(4096)

    def _room(self, runs: int) -> None:
        self.col, self.length, self.level = np.empty(runs, np.int32), np.empty(runs, np.int32), np.empty(runs, np.uint16)
        eight = np.empty(runs, np.int32), np.empty(runs, np.int32), np.empty(runs, np.uint8)
        self.eight: tuple[np.ndarray, ...] = (np.empty(self.shape[0] + 1, np.int64), *eight)

    @property
    def overlap(self) -> int:
        """Cells of the layer made last whose winding is neither 0 nor 1."""
        return int(self.shared[2])

    def overlaps(self, c: Cells) -> int:
        """Count the cells whose winding is neither 0 nor 1."""
        from pmsl.kernels import rows

        n: int = rows.overlaps(c.first, c.last, c.start, c.sums, c.beyond)
        return n

    def mask(self, k: int, c: Cells, overlap: int = 0) -> tuple[LayerMask, Defects]:
        """Return the mask of a layer's cells and what is doubtful about it; `overlap` of them were united."""
        from pmsl.kernels import rows

        while True:
            n = rows.runs(
                *(c.first, c.last, self.shape[1], c.start, c.col, c.sums, c.mixed, c.beyond, self.ends, self.line, self.guide),
                *(self.row_start, self.col, self.length, self.level, self.open_rows, self.shared),
            )
            if n <= len(self.col):
                break
            self._room(n + n // 2)
        runs = Runs(self.row_start[c.first : c.last + 1].copy(), self.col[:n].copy(), self.length[:n].copy(), self.level[:n].copy())
        return LayerMask.from_runs(k, self.shape, c.first, runs), self._defects(overlap)

    def mask_of_plane(self, k: int, sweep: AreaSweep) -> tuple[LayerMask, Defects]:
        """Return the mask of a layer's middle plane and what is doubtful about it: `mask` of ``sweep.cells(k)`` in one call."""
        from pmsl.kernels import layer

        f = sweep.found
        while True:
            status, n, top, bottom, n8 = layer.runs_of_layer(
                *sweep.index.whole().of_layer(k),
                *(sweep.segments, *self.shape, sweep.row_begin, sweep.edges, sweep.live, sweep.line, sweep.bits),
                *(f.start, f.col, f.sums, f.beyond, f.mixed, self.ends, self.line, self.guide, self.row_start),
                *(self.col, self.length, self.level, self.open_rows, self.shared, self.found, *self.eight),
            )
            if status == layer.DONE:
                break
            if status == layer.SEGMENTS:
                sweep.room(n)
            elif status == layer.CELLS:
                f.room(n)
            else:
                self._room(n + n // 2)
        if n == 0:
            return LayerMask.from_runs(k, self.shape, top, Runs(*(a[:0].copy() for a in self._wide()))), self._defects()
        own, *wide = self._wide()
        first, last, left, right, total = self.found.tolist()
        own8, *narrow = self.eight
        window = Window(top + first, left, last - first, right - left)
        rows = slice(window.row0, window.row0 + window.rows + 1)
        runs = Runs(own[rows].copy(), *(a[:n].copy() for a in wide))
        eight = Runs(own8[rows].copy(), *(a[:n8].copy() for a in narrow))
        return LayerMask.known(k, self.shape, window, runs, eight, total), self._defects()

    def _wide(self) -> tuple[np.ndarray, ...]:
        return self.row_start, self.col, self.length, self.level

    def _defects(self, overlap: int = 0) -> Defects:
        open_rows, first_row, last_row, first_col, last_col = self.open_rows.tolist()
        shared, excess = (int(self.shared[0]), float(self.shared[1])) if self.volume else (0, 0.0)
        return Defects(open_rows, first_row, last_row, first_col, last_col, shared, excess, overlap)

    def dense(self, c: Cells) -> np.ndarray:
        """Return the coverage of a layer's cells: (rows, cols) float64."""
        from pmsl.kernels import rows

        out = np.zeros(self.shape)
        rows.dense(c.first, c.last, c.start, c.col, c.sums, c.beyond, self.ends, self.guide, out)
        return out


def layer_masks(parts: Sequence[Solid | Part], grid: Grid, mode: str = "area", repair: str = "auto") -> Iterator[LayerMask]:
    """Yield the mask of every layer in order, empty ones too.

    Parameters
    ----------
    parts : sequence of Solid or Part
        United where they overlap; used where their coordinates are.
    grid : Grid
    mode : {"area", "volume"}
        "area" is the exact covered area in the middle plane of the slab, "volume" the exact covered volume of the slab.
    repair : {"auto", "none", "strict"}
        As `pmsl.mesh.repair.repaired`.

    Yields
    ------
    LayerMask
        Exact coverage rounded once, to 1/65535.

    Raises
    ------
    UsageError
        An unknown mode or way to repair.
    MeshError
        A mesh that encloses nothing; with "strict" one that needs repair.
    """
    maker = MaskMaker(parts, grid, mode, repair)
    return (maker.mask(k) for k in range(grid.n_layers))


def coverage(parts: Sequence[Solid | Part], grid: Grid, k: int, mode: str = "area", repair: str = "auto") -> np.ndarray:
    """Return the exact coverage of layer `k`, not quantised.

    Parameters
    ----------
    parts : sequence of Solid or Part
    grid : Grid
    k : int
        Layer number, 0..L-1.
    mode : {"area", "volume"}
    repair : {"auto", "none", "strict"}
        As `pmsl.mesh.repair.repaired`.

    Returns
    -------
    (rows, cols) float64
        Covered fraction 0..1 of every pixel; row 0 is the smallest y.

    Raises
    ------
    GridError
        `k` is not a layer of the grid.
    UsageError
        An unknown mode or way to repair.
    MeshError
        A mesh that encloses nothing; with "strict" one that needs repair.
    """
    return MaskMaker(parts, grid, mode, repair).coverage(k)


def checked_layer(k: int, grid: Grid) -> int:
    """Return `k` as an int where it is a layer of the grid; raises `GridError`."""
    k = operator.index(k)
    if not 0 <= k < grid.n_layers:
        raise GridError(f"layer {k} is not in 0..{grid.n_layers - 1}")
    return k
