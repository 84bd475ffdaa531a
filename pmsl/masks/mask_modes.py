"""Parts and a grid → the mask of any layer, of area or of volume."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.errors import UsageError
from pmsl.masks.area_masks import AreaMasks
from pmsl.masks.sweep import Offset
from pmsl.mesh.part import Part
from pmsl.mesh.solid import Solid

MODES = ("area", "volume")


def masks_of(
    parts: Sequence[Solid | Part],
    grid: Grid,
    mode: str = "area",
    repair: str = "auto",
    offset: Offset | None = None,
    weld_um: float | None = None,
) -> AreaMasks:
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
    AreaMasks
        A `VolumeMasks` of volumes.

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
