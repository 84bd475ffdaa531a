"""Touched cells of a layer, or its triangles, → its runs and what is doubtful about them. One object a thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window
from pmsl.core.runs import Runs
from pmsl.masks.sweep import AreaSweep, Cells
from pmsl.slicing.boundary_defects import Defects

if TYPE_CHECKING:
    from pmsl.kernels.raster.slice_layer import LayerArrays

Made = tuple[LayerMask, Defects]


class _Out:
    """What kernels write of one layer."""

    def __init__(self, rows: int, runs: int) -> None:
        self.row_start, self.row_start_8 = np.zeros(rows + 1, np.int64), np.empty(rows + 1, np.int64)
        self.open_rows, self.shared, self.found = np.zeros(5, np.int64), np.zeros(3), np.zeros(5, np.int64)
        self.reserve(runs)

    def reserve(self, runs: int) -> None:
        """Make room for so many runs."""
        col, length = np.empty((2, runs), np.int32)
        col_8, length_8 = np.empty((2, runs), np.int32)
        self.wide: tuple[np.ndarray, ...] = self.row_start, col, length, np.empty(runs, np.uint16)
        self.narrow: tuple[np.ndarray, ...] = self.row_start_8, col_8, length_8, np.empty(runs, np.uint8)

    @property
    def runs(self) -> int:
        """How many runs there is room for."""
        return len(self.wide[1])

    @property
    def overlap(self) -> int:
        """Cells whose winding is neither 0 nor 1."""
        return int(self.shared[2])


class MaskBuilder:
    """Working arrays of one thread: they grow to what the largest layer needs and are used again for the next.

    Parameters
    ----------
    grid : Grid
    volume : bool
        Voxels that two shells share are counted.
    """

    def __init__(self, grid: Grid, volume: bool) -> None:
        rows, cols = self.shape = grid.shape
        self.volume = volume
        self.ends, self.line, self.guide = np.zeros(rows), np.zeros(cols), np.zeros(cols)
        self._outs = [_Out(rows, 4096)]

    @property
    def overlap(self) -> int:
        """Cells of the layer made last, one by one, whose winding is neither 0 nor 1."""
        return self._outs[0].overlap

    def overlaps(self, c: Cells) -> int:
        """Count the cells whose winding is neither 0 nor 1."""
        from pmsl.kernels.raster import cells_to_runs

        n: int = cells_to_runs.overlaps(c.first, c.last, c.start, c.sums, c.beyond)
        return n

    def mask(self, k: int, c: Cells, overlap: int = 0) -> Made:
        """Return the mask of a layer's cells and what is doubtful about it; `overlap` of them were united."""
        from pmsl.kernels.raster import cells_to_runs

        o = self._outs[0]
        while True:
            row_start, col, length, level = o.wide
            n = cells_to_runs.runs(
                *cells_to_runs.CellRunArrays(
                    first=c.first,
                    last=c.last,
                    cols=self.shape[1],
                    start=c.start,
                    cell_col=c.col,
                    sums=c.sums,
                    mixed=c.mixed,
                    beyond=c.beyond,
                    ends=self.ends,
                    line=self.line,
                    guide=self.guide,
                    row_start=row_start,
                    col=col,
                    length=length,
                    level=level,
                    open_rows=o.open_rows,
                    shared=o.shared,
                )
            )
            if n <= o.runs:
                break
            o.reserve(n + n // 2)
        own, *wide = o.wide
        runs = Runs(own[c.first : c.last + 1].copy(), *(a[:n].copy() for a in wide))
        return LayerMask.from_runs(k, self.shape, c.first, runs), self._defects(o, overlap)

    def mask_of_plane(self, k: int, sweep: AreaSweep) -> Made:
        """Return the mask of a layer's middle plane and what is doubtful about it: `mask` of ``sweep.cells(k)`` in one call."""
        from pmsl.kernels.raster import slice_layer

        o = self._outs[0]
        while True:
            status, n, *rest = slice_layer.runs_of_layer(*self._arguments(k, sweep, o))
            if status == slice_layer.DONE:
                return self._build(k, o, n, *rest)
            if status == slice_layer.SEGMENTS:
                sweep.reserve(n)
            elif status == slice_layer.CELLS:
                sweep.found.reserve(n)
            else:
                o.reserve(n + n // 2)

    def masks_of_planes(self, layers: Sequence[int], sweep: AreaSweep) -> list[tuple[Made, int]]:
        """Return `mask_of_plane` of some layers, each with its `overlap`, and let go of the interpreter's lock once for all of them."""
        from pmsl.kernels._compiler.jit import many
        from pmsl.kernels.raster import slice_layer

        while len(self._outs) < len(layers):
            self._outs.append(_Out(self.shape[0], self._outs[0].runs))
        outs = self._outs[: len(layers)]
        calls = [self._arguments(k, sweep, o) for k, o in zip(layers, outs, strict=True)]
        found = []
        for k, o, (status, n, *rest) in zip(layers, outs, many(slice_layer.runs_of_layer, calls), strict=True):
            if status == slice_layer.DONE:
                found.append((self._build(k, o, n, *rest), o.overlap))
            else:
                found.append((self.mask_of_plane(k, sweep), self.overlap))
                o.reserve(max(o.runs, self._outs[0].runs))
        return found

    def _arguments(self, k: int, sweep: AreaSweep, o: _Out) -> LayerArrays:
        from pmsl.kernels.raster.slice_layer import LayerArrays

        index, cells = sweep.index.whole(), sweep.found
        _, col, length, level = o.wide
        _, col8, length8, level8 = o.narrow
        return LayerArrays(
            k=k,
            z=index.planes_um[k],
            corners=index.corners,
            first=index.first,
            last=index.last,
            by_last=index.by_last,
            node_start=index.node_start,
            level_start=index.level_start,
            segments=sweep.segments,
            n_rows=self.shape[0],
            n_cols=self.shape[1],
            row_begin=sweep.row_begin,
            edges=sweep.edges,
            live=sweep.live,
            line=sweep.line,
            bits=sweep.bits,
            start=cells.start,
            cell_col=cells.col,
            sums=cells.sums,
            beyond=cells.beyond,
            mixed=cells.mixed,
            ends=self.ends,
            work=self.line,
            guide=self.guide,
            row_start=o.row_start,
            col=col,
            length=length,
            level=level,
            open_rows=o.open_rows,
            shared=o.shared,
            found=o.found,
            row_start8=o.row_start_8,
            col8=col8,
            length8=length8,
            level8=level8,
        )

    def _build(self, k: int, o: _Out, n: int, top: int, bottom: int, n8: int) -> Made:
        if n == 0:
            return LayerMask.from_runs(k, self.shape, top, Runs(*(a[:0].copy() for a in o.wide))), self._defects(o)
        own, *wide = o.wide
        own8, *narrow = o.narrow
        first, last, left, right, total = o.found.tolist()
        window = Window(top + first, left, last - first, right - left)
        rows = slice(window.row0, window.row0 + window.rows + 1)
        runs = Runs(own[rows].copy(), *(a[:n].copy() for a in wide))
        eight = Runs(own8[rows].copy(), *(a[:n8].copy() for a in narrow))
        return LayerMask.known(k, self.shape, window, runs, eight, total), self._defects(o)

    def _defects(self, o: _Out, overlap: int = 0) -> Defects:
        open_rows, first_row, last_row, first_col, last_col = o.open_rows.tolist()
        shared, excess = (int(o.shared[0]), float(o.shared[1])) if self.volume else (0, 0.0)
        return Defects(open_rows, first_row, last_row, first_col, last_col, shared, excess, overlap)

    def dense(self, c: Cells) -> np.ndarray:
        """Return the coverage of a layer's cells: (rows, cols) float64."""
        from pmsl.kernels.raster import cells_to_runs

        out = np.zeros(self.shape)
        cells_to_runs.dense(c.first, c.last, c.start, c.col, c.sums, c.beyond, self.ends, self.guide, out)
        return out
