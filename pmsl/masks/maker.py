"""Parts and a grid → the mask of any layer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pmsl.core.crossings import CrossingIndex, index_crossings
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.core.part import Part, Solid
from pmsl.core.runs import Runs
from pmsl.errors import GridError, UsageError
from pmsl.masks.sweep import AreaSweep, Sweep, VolumeSweep

SWEEPS: dict[str, Callable[[CrossingIndex, Grid], Sweep]] = {"area": AreaSweep, "volume": VolumeSweep}


@dataclass(frozen=True, slots=True)
class Leaks:
    """Rows of one layer whose boundary did not close (the mesh is open or inconsistent there)."""

    rows: int
    first_row: int
    last_row: int


class MaskMaker:
    """Makes the mask of any layer, in any order, from any thread, always the same bytes.

    Parameters
    ----------
    parts : sequence of Solid or Part
        United where they overlap; used where their coordinates are.
    grid : Grid
    mode : {"area", "volume"}
        "area" is the exact covered area in the middle plane of the slab, "volume" the exact covered volume of the slab.

    Raises
    ------
    UsageError
        An unknown mode.
    GridError
        No part.
    """

    def __init__(self, parts: Sequence[Solid | Part], grid: Grid, mode: str = "area") -> None:
        if mode not in SWEEPS:
            raise UsageError(f"coverage mode {mode!r} is not one of {', '.join(SWEEPS)}")
        if len(parts) == 0:
            raise GridError("no part to make masks of; give at least one solid")
        self.grid = grid
        self.mode = mode
        self.index = index_crossings(parts, grid, slabs=mode == "volume")
        self._local = threading.local()

    def _sweep(self) -> Sweep:
        if not hasattr(self._local, "sweep"):
            self._local.sweep = SWEEPS[self.mode](self.index, self.grid)
        sweep: Sweep = self._local.sweep
        return sweep

    def mask(self, k: int) -> LayerMask:
        """Return the mask of layer `k`."""
        return self.mask_and_leaks(k)[0]

    def mask_and_leaks(self, k: int) -> tuple[LayerMask, Leaks]:
        """Return the mask of layer `k` and the rows whose boundary did not close."""
        s = self._sweep()
        while True:
            first, last, count = s.runs(_checked(k, self.grid))
            if count <= len(s.col):
                break
            s.room(count + count // 2)
        leaks = Leaks(*(int(v) for v in s.leaks))
        runs = Runs(s.row_start[first : last + 1].copy(), s.col[:count].copy(), s.length[:count].copy(), s.level[:count].copy())
        return LayerMask.from_runs(k, self.grid.shape, first, runs), leaks

    def coverage(self, k: int) -> np.ndarray:
        """Return the covered fraction of every pixel of layer `k`, unquantised: (rows, cols) float64, row 0 at the smallest y."""
        out = np.zeros(self.grid.shape)
        self._sweep().dense(_checked(k, self.grid), out)
        return out


def layer_masks(parts: Sequence[Solid | Part], grid: Grid, mode: str = "area") -> Iterator[LayerMask]:
    """Yield the mask of every layer in order, empty ones too.

    Parameters
    ----------
    parts : sequence of Solid or Part
        United where they overlap; used where their coordinates are.
    grid : Grid
    mode : {"area", "volume"}
        "area" is the exact covered area in the middle plane of the slab, "volume" the exact covered volume of the slab.

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
    mode : {"area", "volume"}

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
