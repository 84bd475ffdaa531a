"""Grid: the one place that converts µm to pixels and layers and answers "which cell"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pmsl.core.arrays import frozen
from pmsl.errors import GridError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

MAX_PIXELS_A_SIDE = 1 << 24
MAX_PIXELS = 1 << 32
SAME_PX = 1e-6  # pixels that a border may miss a pixel's by


def size_text(shape: Sequence[int]) -> str:
    """Write a size (rows, cols) as ``--field`` takes it: COLSxROWS."""
    return f"{shape[1]}x{shape[0]}"


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Grid:
    """Pixels in the image plane and slabs along z.

    Pixel (row, col) is ``[x0 + col·px, x0 + (col+1)·px) × [y0 + row·py, …)``, slab k is ``[z_edges[k], z_edges[k+1])``.

    Parameters
    ----------
    origin_um : (2,) array_like of float
        Outer corner (x, y) of pixel (0, 0) [µm].
    pitch_um : float or (2,) array_like of float
        Pixel size (x, y) at the image plane [µm].
    shape : (int, int)
        (rows, cols), each 1 to 2**24.
    z_edges_um : (L + 1,) array_like of float
        Slab boundaries [µm], strictly increasing; uneven steps are variable layer height.

    Raises
    ------
    GridError
        A pitch that is not positive, a shape below 1, edges that do not increase, or a number that is not finite.
    """

    origin_um: np.ndarray
    pitch_um: np.ndarray
    shape: tuple[int, int]
    z_edges_um: np.ndarray

    def __init__(self, *, origin_um: ArrayLike, pitch_um: ArrayLike, shape: Sequence[int], z_edges_um: ArrayLike) -> None:
        origin = np.array(origin_um, dtype=np.float64)
        pitch = np.array(np.broadcast_to(np.asarray(pitch_um, dtype=np.float64), (2,)))
        edges = np.array(z_edges_um, dtype=np.float64)
        if origin.shape != (2,) or not np.isfinite(origin).all():
            raise GridError(f"grid: origin_um is {origin.tolist()}; expected two finite numbers (x, y) in µm")
        if not np.isfinite(pitch).all() or (pitch <= 0).any():
            raise GridError(f"grid: pitch_um is {pitch.tolist()}; both must be above 0 µm")
        rows, cols = (int(n) for n in shape)
        if not (1 <= rows <= MAX_PIXELS_A_SIDE and 1 <= cols <= MAX_PIXELS_A_SIDE):
            raise GridError(f"grid: shape (rows, cols) is ({rows}, {cols}); each must be 1..{MAX_PIXELS_A_SIDE}")
        if rows * cols > MAX_PIXELS:
            raise GridError(f"grid: {cols}x{rows} px are {rows * cols:.3g} pixels; limit {MAX_PIXELS:.3g}")
        if edges.ndim != 1 or edges.size < 2 or not np.isfinite(edges).all() or (np.diff(edges) <= 0).any():
            raise GridError("grid: z_edges_um must be at least two finite numbers in µm that strictly increase")
        object.__setattr__(self, "origin_um", frozen(origin))
        object.__setattr__(self, "pitch_um", frozen(pitch))
        object.__setattr__(self, "shape", (rows, cols))
        object.__setattr__(self, "z_edges_um", frozen(edges))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Grid)
            and self.shape == other.shape
            and np.array_equal(self.origin_um, other.origin_um)
            and np.array_equal(self.pitch_um, other.pitch_um)
            and np.array_equal(self.z_edges_um, other.z_edges_um)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def n_layers(self) -> int:
        """Number of slabs."""
        return len(self.z_edges_um) - 1

    @property
    def thickness_um(self) -> np.ndarray:
        """(L,) float64 [µm]: thickness of each slab."""
        return np.diff(self.z_edges_um)

    @property
    def mid_planes_um(self) -> np.ndarray:
        """(L,) float64 [µm]: the plane in which area coverage is taken, the middle of each slab."""
        edges = self.z_edges_um
        return np.asarray(edges[:-1] + 0.5 * np.diff(edges))

    @property
    def size_um(self) -> np.ndarray:
        """(2,) float64 [µm]: width and height (x, y) of the field."""
        return np.asarray(self.pitch_um * np.array(self.shape[::-1]))

    @property
    def pixel_um2(self) -> float:
        """Area of one pixel [µm²]."""
        return float(self.pitch_um[0] * self.pitch_um[1])

    def same_pixels(self, other: Grid) -> bool:
        """Tell whether pixels lie where those of another grid do, whatever the slabs.

        Parameters
        ----------
        other : Grid
        """
        alike = np.array_equal(self.origin_um, other.origin_um) and np.array_equal(self.pitch_um, other.pitch_um)
        return alike and self.shape == other.shape

    def layer_of(self, z_um: float) -> int:
        """Return the slab that holds height `z_um` [µm], clipped to the first and the last.

        Parameters
        ----------
        z_um : float
            Height [µm]; slab k holds its lower end, and not its upper one.
        """
        k = int(np.searchsorted(self.z_edges_um, z_um, side="right")) - 1
        return min(max(k, 0), self.n_layers - 1)


def spanning(grids: Sequence[Grid]) -> Grid:
    """Return one grid over the fields of several: with the pixels of the finest, and the slabs of the first.

    Parameters
    ----------
    grids : sequence of Grid
        Where all have the same pixels it is the first.
    """
    first = grids[0]
    if all(first.same_pixels(grid) for grid in grids):
        return first
    finest = min(grids, key=lambda grid: grid.pixel_um2)
    low = np.min([grid.origin_um for grid in grids], axis=0)
    high = np.max([grid.origin_um + grid.size_um for grid in grids], axis=0)
    before = np.ceil((finest.origin_um - low) / finest.pitch_um - SAME_PX)
    origin = finest.origin_um - before * finest.pitch_um
    cols, rows = np.ceil((high - origin) / finest.pitch_um - SAME_PX).astype(int).tolist()
    return Grid(origin_um=origin, pitch_um=finest.pitch_um, shape=(rows, cols), z_edges_um=first.z_edges_um)
