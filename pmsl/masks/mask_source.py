"""Where masks come from: parts and a grid → the mask of any layer, of area or of volume, and those made last for all that look at them."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.errors import UsageError
from pmsl.masks.area_masks import AreaMasks, PartMasks
from pmsl.masks.sweep import Offset
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid
from pmsl.slicing.boundary_defects import Defects
from pmsl.slicing.instances import CopyIndex, InstanceIndex

MODES = ("area", "volume")


def masks_of(
    parts: Sequence[Solid | Part],
    grid: Grid,
    mode: str = "area",
    repair: str = "auto",
    offset: Offset | None = None,
    weld_um: float | None = None,
) -> PartMasks:
    """Return what makes the mask of any layer, in any order, from any thread, always the same bytes.

    Parameters
    ----------
    parts : sequence of Solid or Part
        United where they overlap; used where their coordinates are.
    grid : Grid
    mode : {"area", "volume"}, default "area"
        "area" is the exact covered area in the middle plane of the slab, "volume" the exact covered volume of the slab.
    repair : {"auto", "none", "strict"}, default "auto"
    offset : Offset, optional
        Moves contours before their area is found, as ``pmsl.slicing.offset.ContourOffset`` does; not with volumes.
    weld_um : float, optional
        As `pmsl.mesh.repair.repair.repaired`; by default vertices may be joined within a twentieth of a pixel of the grid.

    Returns
    -------
    PartMasks
        `AreaMasks`, or `VolumeMasks` of volumes.

    Raises
    ------
    UsageError
        An unknown mode or way to repair; an offset of volumes.
    GridError
        No part.
    MeshError
        A mesh that encloses nothing; with "strict" one that needs repair.
    """
    if mode not in MODES:
        raise UsageError(f"coverage mode {mode!r} is not one of {', '.join(MODES)}")
    if mode == "area":
        return AreaMasks(parts, grid, repair, offset, weld_um)
    if offset is not None:
        raise UsageError(f"an offset moves contours; coverage {mode!r} has none: use area")
    from pmsl.masks.volume_masks import VolumeMasks

    return VolumeMasks(parts, grid, repair, weld_um)


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
        As `masks_of`.

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
    maker = masks_of(parts, grid, mode, repair, weld_um=weld_um)
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
        As `masks_of`.

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
    return masks_of(parts, grid, mode, repair, weld_um=weld_um).coverage(k)


class RecentMasks:
    """Gives the mask of any layer and keeps the last `many`; from any thread, always the same."""

    def __init__(self, maker: PartMasks, many: int) -> None:
        self._maker, self._many = maker, many
        self._kept: OrderedDict[int, tuple[LayerMask, Defects]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, k: int) -> LayerMask:
        """Return the mask of layer `k`, and keep it."""
        return self.of_layers([k], keep=True)[0][0]

    def of_layers(self, layers: Sequence[int], keep: bool) -> list[tuple[LayerMask, Defects]]:
        """Return the masks of some layers and what is doubtful about each; what is not kept already is made at once.

        With `keep` they are kept: others will ask for them.
        """
        with self._lock:
            found = {k: self._kept[k] for k in layers if k in self._kept}
        wanted = [k for k in layers if k not in found]
        found |= zip(wanted, self._maker.masks_and_defects(wanted), strict=True)
        if keep:
            with self._lock:
                for k in layers:
                    self._kept[k] = found[k]
                    self._kept.move_to_end(k)
                while len(self._kept) > self._many:
                    self._kept.popitem(last=False)
        return [found[k] for k in layers]

    def plain(self, k: int) -> LayerMask:
        """Return the mask of layer `k`; one that is not kept already is made and not kept."""
        return self.of_layers([k], keep=False)[0][0]

    def tops_um(self, tile_px: int) -> np.ndarray:
        """Return how high triangles reach over each tile of the field: (rows / tile, cols / tile) float64 [µm], -inf where none is.

        Copies may seem to reach over a tile more than they do.
        """
        rows, cols = self._maker.grid.shape
        out = np.full((-(-rows // tile_px), -(-cols // tile_px)), -np.inf)
        index = self._maker.index
        for group in index.groups if isinstance(index, CopyIndex) else (InstanceIndex(index, np.zeros((1, 2))),):
            _raise(group, tile_px, out)
        if self._maker.offset is not None:
            _spread(out, tuple(math.ceil(reach / tile_px) for reach in self._maker.offset.reach_px))
        return out


def _spread(tops: np.ndarray, reach: tuple[int, ...]) -> None:
    """Raise tiles to the highest within `reach` tiles of them, along each axis: contours that grow lie over them too."""
    for axis, most in enumerate(reach):
        along = np.moveaxis(tops, axis, 0)
        for _ in range(min(most, len(along) - 1)):
            before = along.copy()  # one tile at a time
            along[1:] = np.maximum(along[1:], before[:-1])
            along[:-1] = np.maximum(along[:-1], before[1:])


def _raise(group: InstanceIndex, tile_px: int, out: np.ndarray) -> None:
    """Raise tiles to the highest triangle over them, of all copies of a part."""
    from pmsl.kernels.solve import faint_grays

    corners = group.index.corners
    if group.many == 1:
        faint_grays.tops(corners, tile_px, out)
        return
    if len(corners) == 0:
        return
    x, y = corners[:, 0::3], corners[:, 1::3]
    low = np.floor([x.min(), y.min()])
    size = np.ceil([x.max() - low[0] + 1, y.max() - low[1] + 1])
    tops = np.full((int(size[1]) // tile_px + 1, int(size[0]) // tile_px + 1), -np.inf)
    faint_grays.tops(corners - np.array([*low, 0.0] * 3), tile_px, tops)
    wide = np.pad(tops, ((0, 1), (0, 1)), constant_values=-np.inf)  # a tile of the part lies over four of the field
    wide[1:] = np.maximum(wide[1:], wide[:-1].copy())
    wide[:, 1:] = np.maximum(wide[:, 1:], wide[:, :-1].copy())
    for col, row in np.floor((low + group.shifts_px) / tile_px).astype(int).tolist():
        top, left = max(row, 0), max(col, 0)
        inside = out[top : max(row + wide.shape[0], 0), left : max(col + wide.shape[1], 0)]
        here = wide[top - row : top - row + inside.shape[0], left - col : left - col + inside.shape[1]]
        np.maximum(inside, here, out=inside)
