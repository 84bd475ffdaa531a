"""Parts and a grid → the exactly covered area of any layer, in its middle plane."""

from __future__ import annotations

import operator
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.errors import GridError
from pmsl.masks.mask_builder import MaskBuilder
from pmsl.masks.overlap_layers import crossing_layers
from pmsl.masks.sweep import AreaSweep, Cells, Offset, Sweep
from pmsl.mesh.part import Part, as_part
from pmsl.mesh.solid import Solid
from pmsl.slicing.boundary_defects import Defects
from pmsl.slicing.instances import CopyIndex, index_parts

if TYPE_CHECKING:
    from pmsl.masks.contour_gaps import ContourGaps


class _OfThread(threading.local):
    """What a thread builds masks with, once it has asked for one."""

    rows: MaskBuilder | None = None


class PartMasks(ABC):
    """Makes the mask of any layer of parts, in any order, from any thread, always the same bytes: what area and volume have in common.

    Parameters
    ----------
    parts : sequence of Solid or Part
        United where they overlap; used where their coordinates are.
    grid : Grid
    repair : {"auto", "none", "strict"}
    weld_um : float, optional
        As `pmsl.mesh.repair.repair.repaired`; by default vertices may be joined within a twentieth of a pixel of the grid.
    offset : Offset, optional
        Moves contours before their area is found, as ``pmsl.slicing.offset.ContourOffset`` does.

    Raises
    ------
    UsageError
        An unknown way to repair.
    GridError
        No part.
    MeshError
        A mesh that encloses nothing; with "strict" one that needs repair.
    """

    mode: Literal["area", "volume"]

    def __init__(self, parts: Sequence[Solid | Part], grid: Grid, repair: str, offset: Offset | None, weld_um: float | None) -> None:
        if len(parts) == 0:
            raise GridError("no part to make masks of; give at least one solid")
        self.grid = grid
        self.offset = offset
        self.parts = tuple(as_part(item).repaired(repair, weld_um, grid.pitch_um) for item in parts)
        self._open = repair == "none" and not all(part.solid.closed for part in self.parts)
        volume = self.mode == "volume"  # shells of slabs, moved contours and gaps hang together beside the rows of the grid, too
        self.index = index_parts(self.parts, grid, volume, rows_only=not (volume or self._open or offset is not None))
        self._local = _OfThread()
        self._lock = threading.Lock()
        self._made_gaps: ContourGaps | None = None
        self._crossing = self._layers_to_unite()

    @abstractmethod
    def sweep(self) -> Sweep:
        """Return the calling thread's sweep."""

    def rows(self) -> MaskBuilder:
        """Return what the calling thread builds masks with."""
        if self._local.rows is None:
            self._local.rows = MaskBuilder(self.grid, self.mode == "volume")
        return self._local.rows

    def mask(self, k: int) -> LayerMask:
        """Return the mask of layer `k`.

        Parameters
        ----------
        k : int
            The layer, from 0 at the plate.
        """
        return self.mask_and_defects(k)[0]

    @abstractmethod
    def mask_and_defects(self, k: int) -> tuple[LayerMask, Defects]:
        """Return the mask of layer `k` and what is doubtful about it.

        Parameters
        ----------
        k : int
            The layer, from 0 at the plate.
        """

    @abstractmethod
    def masks_and_defects(self, layers: Sequence[int]) -> list[tuple[LayerMask, Defects]]:
        """Return `mask_and_defects` of some layers.

        Parameters
        ----------
        layers : sequence of int
            Layers, from 0 at the plate, in any order.
        """

    @abstractmethod
    def coverage(self, k: int) -> np.ndarray:
        """Return the covered fraction of every pixel of layer `k`, unquantised: (rows, cols) float64, row 0 at the smallest y.

        Parameters
        ----------
        k : int
            The layer, from 0 at the plate.
        """

    @abstractmethod
    def section(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the coverage of layer `k`, as `coverage`, and what closed the gaps of its contours: (m, 4) float64 [px].

        Parameters
        ----------
        k : int
            The layer, from 0 at the plate.
        """

    def mask_of(self, cells: Cells, k: int) -> tuple[LayerMask, Defects]:
        """Return the mask of layer `k` and what is doubtful about it from the cells that the calling thread's sweep found.

        Parameters
        ----------
        cells : Cells
            Touched cells of the layer.
        k : int
            The layer, from 0 at the plate.
        """
        return self.rows().mask(k, cells)

    def _gaps(self) -> ContourGaps:
        """Return what knows the gaps of open meshes in layers."""
        from pmsl.masks.contour_gaps import ContourGaps

        with self._lock:
            if self._made_gaps is None:
                self._made_gaps = ContourGaps(self.parts, self.grid, self._sections())
        return self._made_gaps

    @abstractmethod
    def _sections(self) -> AreaMasks | None:
        """Return what cuts each slab at several heights, None where a layer is one plane."""

    def _layers_to_unite(self) -> np.ndarray:
        return crossing_layers(self.parts, self.index, self.grid, self.mode, self._shows_overlap)

    def _shows_overlap(self, k: int) -> bool:
        """Tell whether cells of layer k are filled twice."""
        sweep = self.sweep()
        return bool(self.rows().overlaps(sweep.cells(k)))


class _SweepOfThread(threading.local):
    """The sweep of a thread that has asked for one."""

    sweep: AreaSweep | None = None


class AreaMasks(PartMasks):
    """Makes the mask of any layer from the area that parts cover in its middle plane, in any order, from any thread, always the same bytes.

    Parameters
    ----------
    parts : sequence of Solid or Part
        United where they overlap; used where their coordinates are.
    grid : Grid
    repair : {"auto", "none", "strict"}
    weld_um : float, optional
        As `pmsl.mesh.repair.repair.repaired`; by default vertices may be joined within a twentieth of a pixel of the grid.
    offset : Offset, optional
        Moves contours before their area is found, as ``pmsl.slicing.offset.ContourOffset`` does.

    Raises
    ------
    UsageError
        An unknown way to repair.
    GridError
        No part.
    MeshError
        A mesh that encloses nothing; with "strict" one that needs repair.
    """

    mode = "area"

    def __init__(
        self, parts: Sequence[Solid | Part], grid: Grid, repair: str = "auto", offset: Offset | None = None, weld_um: float | None = None
    ) -> None:
        self._sweeps = _SweepOfThread()
        super().__init__(parts, grid, repair, offset, weld_um)

    def sweep(self) -> AreaSweep:
        """Return the calling thread's sweep."""
        if self._sweeps.sweep is None:
            self._sweeps.sweep = AreaSweep(self.index, self.grid, self.offset)
            self._sweeps.sweep.open = self._open
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
        rows = self.rows()
        if self._open:
            return self._open_layer(k)
        if sweep.moves(k):
            mask, defects = rows.mask(k, sweep.cells(k))
            return mask, msgspec.structs.replace(defects, lost=sweep.lost)
        found = rows.mask(k, sweep.cells(k)) if isinstance(self.index, CopyIndex) else rows.mask_of_plane(k, sweep)
        return self._united(k, sweep, found, rows.overlap)

    def masks_and_defects(self, layers: Sequence[int]) -> list[tuple[LayerMask, Defects]]:
        """Return `mask_and_defects` of some layers; where they are short this is faster on several threads than one by one.

        Parameters
        ----------
        layers : sequence of int
            Layers, from 0 at the plate, in any order.
        """
        sweep = self.sweep()
        if isinstance(self.index, CopyIndex) or self._open or any(sweep.moves(k) for k in layers):
            return [self.mask_and_defects(k) for k in layers]
        rows = self.rows()
        found = rows.masks_of_planes([checked_layer(k, self.grid) for k in layers], sweep)
        return [self._united(k, sweep, made, overlap) for k, (made, overlap) in zip(layers, found, strict=True)]

    def _open_layer(self, k: int) -> tuple[LayerMask, Defects]:
        """Return the mask of a layer of open meshes, its gaps closed, and what is doubtful about it."""
        from pmsl.masks.contour_gaps import rows_across

        sweep, rows = self.sweep(), self.rows()
        gaps = self._gaps()
        cells = sweep.cells(k)
        made = sweep.bridges
        overlap = 0 if sweep.moves(k) else rows.overlaps(cells)
        mask, defects = rows.mask(k, sweep.united(cells) if overlap or (self._crossing[k] and not sweep.moves(k)) else cells, overlap)
        return mask, gaps.said(msgspec.structs.replace(defects, lost=sweep.lost), mask, rows_across(made, self.grid.shape[0]), made)

    def _sections(self) -> None:
        """Return what cuts each slab at several heights, None where a layer is one plane."""
        return None

    def section(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the coverage of layer `k`, as `coverage`, and what closed the gaps of its contours: (m, 4) float64 [px].

        Parameters
        ----------
        k : int
            The layer, from 0 at the plate.
        """
        return self.coverage(k), self.sweep().bridges

    def _united(self, k: int, sweep: AreaSweep, found: tuple[LayerMask, Defects], overlap: int) -> tuple[LayerMask, Defects]:
        """Return what was found of a layer, or the union of its shells where they overlap in so many cells or pass through one another."""
        if overlap == 0 and not self._crossing[k]:
            return found
        rows = self.rows()
        return rows.mask(k, sweep.united(sweep.cells(k)), overlap)

    def coverage(self, k: int) -> np.ndarray:
        """Return the covered fraction of every pixel of layer `k`, unquantised: (rows, cols) float64, row 0 at the smallest y.

        Parameters
        ----------
        k : int
            The layer, from 0 at the plate.
        """
        sweep = self.sweep()
        cells = sweep.cells(checked_layer(k, self.grid))
        rows = self.rows()
        several = not sweep.moves(k) and (self._crossing[k] or rows.overlaps(cells))
        return rows.dense(sweep.united(cells) if several else cells)


def checked_layer(k: int, grid: Grid) -> int:
    """Return `k` as an int where it is a layer of the grid; raises `GridError`."""
    k = operator.index(k)
    if not 0 <= k < grid.n_layers:
        raise GridError(f"layer {k} is not in 0..{grid.n_layers - 1}")
    return k
