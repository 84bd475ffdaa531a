"""What the design looks like inside the voxels of a layer: coverage of a quarter of a pixel, at planes between which it hardly changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window
from pmsl.masks import masks_of
from pmsl.mesh.part import Part

CELLS = 4  # of a pixel along each axis
RANGES = 4  # of a slab: 0.1 % of the volume of walls and slopes of 1 to 4 pixels
MOVES_PX = (1 / 16, 1 / 4)  # how far a surface goes sideways in a slab: from so much on two planes, then `RANGES`
MOST_STEPS = 12  # heights of flat facets and of the ends of walls looked at inside one slab
NEAR = 1e-4  # of a slab: heights this near are one


class SubPlanes(NamedTuple):
    """The design inside one slab.

    Attributes
    ----------
    depths : (S + 1,) float64
        From the slab's upper plane down, in slabs: 0 to 1, at least every quarter.
    plane : (S,) int32
        Which of `masks` is the design between two of these depths.
    masks : tuple of LayerMask
        Exact coverage of cells, `CELLS` of a pixel along each axis.
    """

    depths: np.ndarray
    plane: np.ndarray
    masks: tuple[LayerMask, ...]

    def cells(self, rows: np.ndarray, cols: np.ndarray, window: Window) -> np.ndarray:
        """Return the designed share of the cells of pixels of a window, row by row: (N, planes, CELLS²) float32."""
        from pmsl.kernels.raster import subpixel_coverage

        out = np.zeros((len(rows), len(self.masks), CELLS**2), np.float32)
        for at, mask in enumerate(self.masks):
            row0 = mask.window.row0 - CELLS * window.row0
            subpixel_coverage.shares(rows, cols, *mask.runs(), row0, -CELLS * window.col0, np.zeros(CELLS, np.int64), at, out)
        return out


class SubPlaneMaker:
    """Makes the subplanes of any layer, from any thread.

    Where all walls of a slab stand upright one plane tells everything; heights at which anything begins or ends part it.

    Parameters
    ----------
    parts : sequence of Part
    grid : Grid
        Of the layers.
    corners : (M, 9) float64
        Triangles: x, y, z of each corner.
    """

    def __init__(self, parts: Sequence[Part], grid: Grid, corners: np.ndarray) -> None:
        edges = grid.z_edges_um
        leaning, steps = leaning_and_steps(corners, edges)
        quarters, halves = np.arange(1, RANGES) / RANGES, np.array([0.5])
        self._depths, self._plane, self._first = [], [], [0]
        planes_um = [edges[:1]]
        for k in range(grid.n_layers):
            within = (steps[k] - edges[k]) / (edges[k + 1] - edges[k])
            within = within if len(within) <= MOST_STEPS else quarters
            cuts = _apart(np.concatenate([within, quarters]))
            planes = (_apart(within), _apart(np.concatenate([within, halves])), cuts)[leaning[k]]
            bounds = np.concatenate([[0.0], cuts, [1.0]])
            self._depths.append(1.0 - bounds[::-1])
            middles = 0.5 * (bounds[1:] + bounds[:-1])[::-1]
            self._plane.append(np.searchsorted(planes, middles).astype(np.int32))
            planes_um.append(np.append(edges[k] + planes * (edges[k + 1] - edges[k]), edges[k + 1]))
            self._first.append(self._first[-1] + len(planes) + 1)
        shape = grid.shape[0] * CELLS, grid.shape[1] * CELLS
        fine = Grid(origin_um=grid.origin_um, pitch_um=grid.pitch_um / CELLS, shape=shape, z_edges_um=np.concatenate(planes_um))
        self._maker = masks_of(parts, fine, "area")

    def layer(self, k: int) -> SubPlanes:
        """Return the subplanes of layer `k`."""
        masks = tuple(self._maker.mask(at) for at in range(self._first[k], self._first[k + 1]))
        return SubPlanes(self._depths[k], self._plane[k], masks)


def leaning_and_steps(corners: np.ndarray, z_edges_um: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Tell how much surfaces lean in slabs, and at what heights inside each anything flat lies or a wall begins or ends.

    Parameters
    ----------
    corners : (M, 9) float64
        Triangles: x, y [px], z of each corner; heights as of `z_edges_um`.
    z_edges_um : (L + 1,) float64

    Returns
    -------
    (L,) int64
        How many of `MOVES_PX` some surface passes sideways.
    list of (N,) float64
    """
    n = len(z_edges_um) - 1
    x, y, z = corners[:, 0::3], corners[:, 1::3], corners[:, 2::3]
    low, high = z.min(axis=1), z.max(axis=1)
    upright = (x[:, 1] - x[:, 0]) * (y[:, 2] - y[:, 0]) == (x[:, 2] - x[:, 0]) * (y[:, 1] - y[:, 0])
    leans = ~upright & (low < high)
    first = np.clip(np.searchsorted(z_edges_um, low[leans], "right") - 1, 0, n - 1)
    last = np.clip(np.searchsorted(z_edges_um, high[leans], "left") - 1, 0, n - 1)
    moves = _sideways_px(corners[leans]) * float(np.diff(z_edges_um).max(initial=0.0))
    planes = np.zeros(n, np.int64)
    for limit in MOVES_PX:
        change = np.zeros(n + 1, np.int64)
        np.add.at(change, first[moves > limit], 1)
        np.subtract.at(change, last[moves > limit] + 1, 1)
        planes += np.cumsum(change[:n]) > 0
    heights = np.unique(np.concatenate([low[~leans], high[~leans]]))
    slab = np.searchsorted(z_edges_um, heights, "right") - 1
    inside = (slab >= 0) & (slab < n)
    heights, slab = heights[inside], slab[inside]
    return planes, np.split(heights, np.searchsorted(slab, np.arange(1, n)))


def _sideways_px(corners: np.ndarray) -> np.ndarray:
    """How far the surface of triangles goes sideways for 1 µm of height [px/µm]."""
    one, other = corners[:, 3:6] - corners[:, 0:3], corners[:, 6:9] - corners[:, 0:3]
    normal = np.cross(one, other)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.abs(normal[:, 2]) / np.hypot(normal[:, 0], normal[:, 1]))


def _apart(shares: np.ndarray) -> np.ndarray:
    """Sort shares of a slab; leave out those near another one, or near the slab's planes."""
    found: list[float] = []
    for share in np.sort(shares).tolist():
        if share - (found[-1] if found else 0.0) > NEAR and share < 1.0 - NEAR:
            found.append(share)
    return np.array(found)
