"""Parts and a grid → the exactly covered volume of any layer; where bodies overlap, of their union."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import msgspec
import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window
from pmsl.masks.area_masks import AreaMasks, PartMasks, checked_layer
from pmsl.masks.plane_integral import PlaneIntegral, parted
from pmsl.masks.union_check import union_of
from pmsl.masks.volume_sweep import VolumeSweep
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid
from pmsl.slicing.boundary_defects import Defects
from pmsl.slicing.instances import CopyIndex


class _SweepOfThread(threading.local):
    """The sweep of a thread that has asked for one."""

    sweep: VolumeSweep | None = None


class VolumeMasks(PartMasks):
    """Makes the mask of any layer from the volume that parts cover of its slab: as `AreaMasks`, without an offset.

    Parameters
    ----------
    parts : sequence of Solid or Part
        United where they overlap; used where their coordinates are.
    grid : Grid
    repair : {"auto", "none", "strict"}
    weld_um : float, optional
        As `pmsl.mesh.repair.repair.repaired`; by default vertices may be joined within a twentieth of a pixel of the grid.
    """

    mode = "volume"

    def __init__(self, parts: Sequence[Solid | Part], grid: Grid, repair: str = "auto", weld_um: float | None = None) -> None:
        self._sweeps = _SweepOfThread()
        self._labelled = False
        self._shells: np.ndarray | None = None
        self._made_union: VolumeOfUnion | PlaneIntegral | None = None
        super().__init__(parts, grid, repair, None, weld_um)

    def sweep(self) -> VolumeSweep:
        """Return the calling thread's sweep."""
        if self._sweeps.sweep is None:
            self._sweeps.sweep = VolumeSweep(self.index, self.grid)
        return self._sweeps.sweep

    def mask_and_defects(self, k: int) -> tuple[LayerMask, Defects]:
        """Return the mask of layer `k` and what is doubtful about it.

        Parameters
        ----------
        k : int
            The layer, from 0 at the plate.
        """
        k = checked_layer(k, self.grid)
        sweep = self.sweep()
        if self._open:
            return self._open_layer(k)
        mask, defects = self.rows().mask(k, sweep.cells(k, self._labels()))
        cells = max(defects.shared, int(self._crossing[k]))
        if cells == 0 or defects.rows:
            return mask, defects
        union = self._union()
        if isinstance(union, VolumeOfUnion):
            mask, defects = union.mask_and_defects(k)
            return mask, msgspec.structs.replace(defects, shared=0, excess_px=0.0, overlap=cells)
        mask, bound = union.mask(k)
        return mask, msgspec.structs.replace(defects, shared=cells, excess_px=bound, overlap=0)

    def masks_and_defects(self, layers: Sequence[int]) -> list[tuple[LayerMask, Defects]]:
        """Return `mask_and_defects` of some layers.

        Parameters
        ----------
        layers : sequence of int
            Layers, from 0 at the plate, in any order.
        """
        return [self.mask_and_defects(k) for k in layers]

    def _open_layer(self, k: int) -> tuple[LayerMask, Defects]:
        sweep, rows, gaps = self.sweep(), self.rows(), self._gaps()
        mask, defects = rows.mask(k, sweep.cells(k, self._labels()))
        levels, open_, made = gaps.levels(k, sweep.cells(k), rows)
        if open_.any():
            mask = LayerMask.from_window(k, self.grid.shape, Window(0, 0, *self.grid.shape), levels)
        return mask, gaps.said(defects, mask, open_, made)

    def _sections(self) -> AreaMasks:
        from pmsl.masks.contour_gaps import SECTIONS

        return AreaMasks(self.parts, parted(self.grid, SECTIONS), "none")

    def section(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the coverage of layer `k`, as `coverage`, and no bridges.

        Parameters
        ----------
        k : int
            The layer, from 0 at the plate.
        """
        return self.coverage(k), np.zeros((0, 4))

    def coverage(self, k: int) -> np.ndarray:
        """Return the covered fraction of every voxel of layer `k`, unquantised: (rows, cols) float64, row 0 at the smallest y.

        Parameters
        ----------
        k : int
            The layer, from 0 at the plate.
        """
        sweep = self.sweep()
        cells = sweep.cells(checked_layer(k, self.grid))
        rows = self.rows()
        if self._open:
            return self._gaps().resolved(k, cells, rows)[0]
        if not self._overlaps(k):
            return rows.dense(sweep.cells(k))
        union = self._union()
        return union.coverage(k) if isinstance(union, VolumeOfUnion) else union.coverage(k)[0]

    def _overlaps(self, k: int) -> bool:
        """Tell whether shells share voxels of slab k, or one passes through itself there, and all its rows close."""
        sweep, rows = self.sweep(), self.rows()
        defects: Defects = rows.mask(k, sweep.cells(k, self._labels()))[1]
        return bool(defects.shared or self._crossing[k]) and defects.rows == 0

    def _union(self) -> VolumeOfUnion | PlaneIntegral:
        """Return what makes coverage of the union of the parts: of its mesh, or where that cannot be had of many planes.

        Made when the first slab asks for it. It gives slabs without overlap the same coverage, so it does not matter which asks first.
        """
        with self._lock:
            if self._made_union is None:
                made_anew = len(self.parts) == 1 and self.parts[0].solid.united
                whole = self.parts[0] if made_anew else union_of(self.parts)
                self._made_union = PlaneIntegral(self.parts, self.grid) if whole is None else VolumeOfUnion(whole, self.grid)
            return self._made_union

    def _labels(self) -> np.ndarray | None:
        """Shell of every triangle, None where there is only one; found when the first layer asks for it."""
        with self._lock:
            if not self._labelled:
                shells = self.index.shells()
                several = isinstance(self.index, CopyIndex) or bool(shells.any())
                self._shells, self._labelled = shells if several else None, True
        return self._shells


class VolumeOfUnion(VolumeMasks):
    """Volume coverage of a mesh that is a union, `whole`: its shells share voxels only where they touch."""

    def __init__(self, whole: Solid | Part, grid: Grid) -> None:
        super().__init__([whole], grid, "none")
        self._labelled = True

    def _layers_to_unite(self) -> np.ndarray:
        return np.zeros(self.grid.n_layers, bool)

    def mask_and_defects(self, k: int) -> tuple[LayerMask, Defects]:
        """Return the mask of layer `k` and what is doubtful about it."""
        k = checked_layer(k, self.grid)
        sweep = self.sweep()
        return self.rows().mask(k, sweep.cells(k))

    def _overlaps(self, k: int) -> bool:
        return False
