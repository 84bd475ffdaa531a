"""Parts and a grid → the mask of any layer."""

from __future__ import annotations

import operator
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window
from pmsl.errors import GridError, UsageError
from pmsl.masks.mask_builder import Rows
from pmsl.masks.overlap_layers import crossing_layers
from pmsl.masks.sweep import AreaSweep, Cells, Offset, Sweep, VolumeSweep
from pmsl.mesh.part import Part, Solid, as_part
from pmsl.slicing.boundary_defects import Defects
from pmsl.slicing.instances import CopyIndex, index_parts

if TYPE_CHECKING:
    from pmsl.masks.contour_gaps import Gaps
    from pmsl.masks.plane_integral import PlaneIntegral

MODES = ("area", "volume")


class _OfThread(threading.local):
    """What a thread makes masks with, once it has asked for one."""

    sweep: Sweep | None = None
    rows: Rows


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
    weld_um : float, optional
        As `pmsl.mesh.repair.repair.repaired`; by default vertices may be joined within a twentieth of a pixel of the grid.
    offset : Offset, optional
        Moves contours before their area is found, as ``pmsl.slicing.offset.ContourOffset`` does; not with volumes.

    Raises
    ------
    UsageError
        An unknown mode or way to repair; an offset of volumes.
    GridError
        No part.
    MeshError
        A mesh that encloses nothing; with "strict" one that needs repair.
    """

    def __init__(
        self,
        parts: Sequence[Solid | Part],
        grid: Grid,
        mode: str = "area",
        repair: str = "auto",
        offset: Offset | None = None,
        weld_um: float | None = None,
    ) -> None:
        if mode not in MODES:
            raise UsageError(f"coverage mode {mode!r} is not one of {', '.join(MODES)}")
        if offset is not None and mode != "area":
            raise UsageError(f"an offset moves contours; coverage {mode!r} has none: use area")
        if len(parts) == 0:
            raise GridError("no part to make masks of; give at least one solid")
        self.grid = grid
        self.mode = mode
        self.offset = offset
        self.parts = tuple(as_part(item).repaired(repair, weld_um, grid.pitch_um) for item in parts)
        self.index = index_parts(self.parts, grid, slabs=mode == "volume")
        self._open = repair == "none" and not all(part.solid.closed for part in self.parts)
        self._local = _OfThread()
        self._lock = threading.Lock()
        self._labelled = False
        self._shells: np.ndarray | None = None
        self._made_union: MaskMaker | PlaneIntegral | None = None
        self._made_gaps: Gaps | None = None
        self._crossing = self._layers_to_unite()

    def sweep(self) -> Sweep:
        """Return the calling thread's sweep."""
        if self._local.sweep is None:
            self._local.rows = Rows(self.grid, self.mode == "volume")
            self._local.sweep = VolumeSweep(self.index, self.grid) if self.mode == "volume" else self._area_sweep()
        return self._local.sweep

    def _area_sweep(self) -> AreaSweep:
        sweep = AreaSweep(self.index, self.grid, self.offset)
        sweep.open = self._open
        return sweep

    def mask(self, k: int) -> LayerMask:
        """Return the mask of layer `k`."""
        return self.mask_and_defects(k)[0]

    def mask_and_defects(self, k: int) -> tuple[LayerMask, Defects]:
        """Return the mask of layer `k` and what is doubtful about it."""
        k = checked_layer(k, self.grid)
        sweep = self.sweep()
        rows = self._local.rows
        if self._open:
            return self._open_layer(k)
        if isinstance(sweep, AreaSweep):
            if sweep.moves(k):
                mask, defects = rows.mask(k, sweep.cells(k))
                return mask, replace(defects, lost=sweep.lost)
            found = rows.mask(k, sweep.cells(k)) if isinstance(self.index, CopyIndex) else rows.mask_of_plane(k, sweep)
            return self._united(k, sweep, found, rows.overlap)
        assert isinstance(sweep, VolumeSweep)
        mask, defects = rows.mask(k, sweep.cells(k, self._labels()))
        cells = max(defects.shared, int(self._crossing[k]))
        if cells == 0 or defects.rows:
            return mask, defects
        union = self._union()
        if isinstance(union, MaskMaker):
            mask, defects = union.mask_and_defects(k)
            return mask, replace(defects, shared=0, excess_px=0.0, overlap=cells)
        mask, bound = union.mask(k)
        return mask, replace(defects, shared=cells, excess_px=bound, overlap=0)

    def masks_and_defects(self, layers: Sequence[int]) -> list[tuple[LayerMask, Defects]]:
        """Return `mask_and_defects` of some layers; where they are short this is faster on several threads than one by one."""
        sweep = self.sweep()
        if not isinstance(sweep, AreaSweep) or isinstance(self.index, CopyIndex) or self._open or any(sweep.moves(k) for k in layers):
            return [self.mask_and_defects(k) for k in layers]
        rows = self._local.rows
        found = rows.masks_of_planes([checked_layer(k, self.grid) for k in layers], sweep)
        return [self._united(k, sweep, made, overlap) for k, (made, overlap) in zip(layers, found, strict=True)]

    def _open_layer(self, k: int) -> tuple[LayerMask, Defects]:
        """Return the mask of a layer of open meshes, its gaps closed, and what is doubtful about it."""
        from pmsl.masks.contour_gaps import rows_across

        sweep, rows = self.sweep(), self._local.rows
        gaps = self._gaps()
        if isinstance(sweep, AreaSweep):
            cells = sweep.cells(k)
            made = sweep.bridges
            overlap = 0 if sweep.moves(k) else rows.overlaps(cells)
            mask, defects = rows.mask(k, sweep.united(cells) if overlap or (self._crossing[k] and not sweep.moves(k)) else cells, overlap)
            return mask, gaps.said(replace(defects, lost=sweep.lost), mask, rows_across(made, self.grid.shape[0]), made)
        assert isinstance(sweep, VolumeSweep)
        mask, defects = rows.mask(k, sweep.cells(k, self._labels()))
        levels, open_, made = gaps.levels(k, sweep.cells(k), rows)
        if open_.any():
            mask = LayerMask.from_window(k, self.grid.shape, Window(0, 0, *self.grid.shape), levels)
        return mask, gaps.said(defects, mask, open_, made)

    def _gaps(self) -> Gaps:
        """Return what knows the gaps of open meshes in layers."""
        from pmsl.masks.contour_gaps import Gaps

        with self._lock:
            if self._made_gaps is None:
                self._made_gaps = Gaps(self.parts, self.grid, None if self.mode == "area" else self._sections())
        return self._made_gaps

    def _sections(self) -> MaskMaker:
        """Return what cuts each slab at several heights."""
        from pmsl.masks.contour_gaps import SECTIONS
        from pmsl.masks.plane_integral import parted

        return MaskMaker(self.parts, parted(self.grid, SECTIONS), "area", "none")

    def section(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the coverage of layer `k`, as `coverage`, and what closed the gaps of its contours: (m, 4) float64 [px]."""
        coverage, sweep = self.coverage(k), self.sweep()
        return coverage, sweep.bridges if isinstance(sweep, AreaSweep) else np.zeros((0, 4))

    def _united(self, k: int, sweep: AreaSweep, found: tuple[LayerMask, Defects], overlap: int) -> tuple[LayerMask, Defects]:
        """Return what was found of a layer, or the union of its shells where they overlap in so many cells or pass through one another."""
        if overlap == 0 and not self._crossing[k]:
            return found
        rows = self._local.rows
        return rows.mask(k, sweep.united(sweep.cells(k)), overlap)

    def mask_of(self, cells: Cells, k: int) -> tuple[LayerMask, Defects]:
        """Return the mask of layer `k` and what is doubtful about it from the cells that the calling thread's sweep found."""
        rows = self._local.rows
        return rows.mask(k, cells)

    def coverage(self, k: int) -> np.ndarray:
        """Return the covered fraction of every pixel of layer `k`, unquantised: (rows, cols) float64, row 0 at the smallest y."""
        sweep = self.sweep()
        cells = sweep.cells(checked_layer(k, self.grid))
        rows = self._local.rows
        if isinstance(sweep, AreaSweep):
            several = not sweep.moves(k) and (self._crossing[k] or rows.overlaps(cells))
            return rows.dense(sweep.united(cells) if several else cells)
        if self._open:
            return self._gaps().resolved(k, cells, rows)[0]
        if not self._overlaps(k):
            return rows.dense(sweep.cells(k))
        union = self._union()
        return union.coverage(k) if isinstance(union, MaskMaker) else union.coverage(k)[0]

    def _layers_to_unite(self) -> np.ndarray:
        return crossing_layers(self.parts, self.index, self.grid, self.mode, self._shows_overlap)

    def _shows_overlap(self, k: int) -> bool:
        """Tell whether cells of layer k are filled twice."""
        sweep = self.sweep()
        return bool(self._local.rows.overlaps(sweep.cells(k)))

    def _overlaps(self, k: int) -> bool:
        """Tell whether shells share voxels of slab k, or one passes through itself there, and all its rows close."""
        sweep, rows = self.sweep(), self._local.rows
        assert isinstance(sweep, VolumeSweep)
        defects: Defects = rows.mask(k, sweep.cells(k, self._labels()))[1]
        return bool(defects.shared or self._crossing[k]) and defects.rows == 0

    def _union(self) -> MaskMaker | PlaneIntegral:
        """Return what makes coverage of the union of the parts: of its mesh, or where that cannot be had of many planes.

        Made when the first slab asks for it. It gives slabs without overlap the same coverage, so it does not matter which asks first.
        """
        from pmsl.masks.plane_integral import PlaneIntegral
        from pmsl.masks.union_check import VolumeOfUnion, union_of

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


def layer_masks(
    parts: Sequence[Solid | Part], grid: Grid, mode: str = "area", repair: str = "auto", weld_um: float | None = None
) -> Iterator[LayerMask]:
    """Yield the mask of every layer in order, empty ones too.

    Parameters
    ----------
    parts : sequence of Solid or Part
        United where they overlap; used where their coordinates are.
    grid : Grid
    mode : {"area", "volume"}
        "area" is the exact covered area in the middle plane of the slab, "volume" the exact covered volume of the slab.
    repair : {"auto", "none", "strict"}
    weld_um : float, optional
        As `MaskMaker`.

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
    maker = MaskMaker(parts, grid, mode, repair, weld_um=weld_um)
    return (maker.mask(k) for k in range(grid.n_layers))


def coverage(
    parts: Sequence[Solid | Part], grid: Grid, k: int, mode: str = "area", repair: str = "auto", weld_um: float | None = None
) -> np.ndarray:
    """Return the exact coverage of layer `k`, not quantised.

    Parameters
    ----------
    parts : sequence of Solid or Part
    grid : Grid
    k : int
        Layer number, 0..L-1.
    mode : {"area", "volume"}
    repair : {"auto", "none", "strict"}
    weld_um : float, optional
        As `MaskMaker`.

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
    return MaskMaker(parts, grid, mode, repair, weld_um=weld_um).coverage(k)


def checked_layer(k: int, grid: Grid) -> int:
    """Return `k` as an int where it is a layer of the grid; raises `GridError`."""
    k = operator.index(k)
    if not 0 <= k < grid.n_layers:
        raise GridError(f"layer {k} is not in 0..{grid.n_layers - 1}")
    return k
