"""Where the surface lies inside a slab: exact height and share of every pixel that has some."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.errors import GridError, UsageError
from pmsl.masks.area_masks import PartMasks, checked_layer
from pmsl.masks.volume_masks import VolumeMasks
from pmsl.masks.volume_sweep import VolumeSweep
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceHeights:
    """The surface inside one slab, column (pixel) by column.

    A gray of one half does not say side wall, floor or roof; this does. Surfaces are those of the parts as they are:
    where shells overlap, inner ones count too. A flat face on a slab plane belongs to the slab its solid is in.

    Attributes
    ----------
    index : int
        Layer number.
    row, col : (n,) int32
        Pixels of the grid that hold surface facing up or down, in rows upward and columns to the right.
    down_share, up_share : (n,) float64
        Area of the surface facing the plate (down) and away from it (up), seen along z, as a share of the pixel;
        above 1 where surfaces lie over one another.
    down_um, up_um : (n,) float64 [µm]
        Mean height of it above the plate, weighted by that area; not a number where the share is 0.
    """

    index: int
    row: np.ndarray
    col: np.ndarray
    down_share: np.ndarray
    down_um: np.ndarray
    up_share: np.ndarray
    up_um: np.ndarray


def surface_heights(parts: Sequence[Solid | Part] | PartMasks, grid: Grid, k: int) -> SurfaceHeights:
    """Find the surface inside slab `k`, exactly.

    Parameters
    ----------
    parts : sequence of Solid or Part, or VolumeMasks
        A maker of mode "volume" saves the indexing where more than one layer is asked for.
    grid : Grid
        The maker's own where `parts` is one.
    k : int
        Layer number, 0..L-1.

    Returns
    -------
    SurfaceHeights

    Raises
    ------
    GridError
        `k` is not a layer of the grid, or the grid not the maker's.
    UsageError
        A maker of another mode.
    """
    maker = parts if isinstance(parts, PartMasks) else VolumeMasks(parts, grid, "none")
    if maker.grid is not grid:
        raise GridError("the grid is not that of the maker; pass maker.grid")
    return _handed_over(_swept(maker, k), k).heights(checked_layer(k, grid))


@dataclass(frozen=True, slots=True, eq=False)
class SurfaceSums:
    """The surface inside one slab as the sweep adds it up: `SurfaceHeights` in half the memory, for what looks at all columns once.

    Attributes
    ----------
    start : (rows + 1,) int64
        First entry of every row of the grid.
    col, length : (n,) int32
        Of every entry: first pixel, and how many from there on are alike.
    sums : (n, 4) float64
        Area facing down, as a share of the pixel, and its moment of z within the slab (0 to 1); the same facing up.
    low_um, high_um : float
        The slab.
    """

    start: np.ndarray
    col: np.ndarray
    length: np.ndarray
    sums: np.ndarray
    low_um: float
    high_um: float

    def heights(self, k: int) -> SurfaceHeights:
        """Return the heights in the columns of slab `k` that have any.

        Parameters
        ----------
        k : int
            Layer, from 0.
        """
        from pmsl.kernels.mesh import surface_moments

        n = int(self.length.sum())
        row, col = np.empty(n, np.int32), np.empty(n, np.int32)
        share, height = np.empty((2, n)), np.empty((2, n))
        m = surface_moments.extract_columns(
            self.start, self.col, self.length, self.sums, self.low_um, self.high_um, row, col, share, height
        )
        return SurfaceHeights(k, *(frozen(a if m == n else a[:m].copy()) for a in (row, col, share[0], height[0], share[1], height[1])))


def mask_and_surface(maker: PartMasks, k: int, plate_um: float = -math.inf) -> tuple[LayerMask, SurfaceSums]:
    """Return the volume mask of slab `k` and the surface in it, from one sweep.

    Parameters
    ----------
    maker : PartMasks
        Of coverage "volume".
    k : int
        Slab, from 0.
    plate_um : float, default -inf
        Faces that look down and lie on the plate, no higher than this [µm], are left out.

    Raises
    ------
    GridError, UsageError
        As `surface_heights`.
    """
    sweep = _swept(maker, k, plate_um)
    mask = maker.mask_of(sweep.found, k)[0]
    return mask, _handed_over(sweep, k)


def _swept(maker: PartMasks, k: int, plate_um: float = -math.inf) -> VolumeSweep:
    """Sweep a slab with its surface in each column."""
    if not isinstance(maker, VolumeMasks):
        raise UsageError(f"surface heights come with volume coverage; this maker's mode is {maker.mode!r}")
    sweep = maker.sweep()
    sweep.cells(checked_layer(k, maker.grid), sided=True, plate_um=plate_um)
    return sweep


def _handed_over(sweep: VolumeSweep, k: int) -> SurfaceSums:
    return SurfaceSums(*sweep.handed_over(), *sweep.grid.z_edges_um[k : k + 2].tolist())
