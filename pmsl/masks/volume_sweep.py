"""Layers swept for the volume in their slab, and for the surface in each column of it. One object a thread."""

from __future__ import annotations

import math

import numpy as np

from pmsl.core.grid import Grid
from pmsl.masks.sweep import Cells, Index
from pmsl.slicing.plane_index import SlabTriangles

COPIED = 1 << 16  # cells


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
