"""Where surfaces have to land: points along the walls of a layer, and the middles of pixels under which a face looks at the plate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.slicing.plane_index import CrossingIndex

SPACING_PX = 0.5  # of points along a wall
STEEP = 0.6  # sine of the tilt up to which a surface that faces the plate counts as a wall: 37° from vertical
OUTSIDE_PX = 0.5
NARROW_PX = 3.0
BESIDE_GRID_PX = 4.0  # points may be kept so far outside of a grid


@dataclass(frozen=True, slots=True, eq=False)
class Walls:
    """Points on the boundary of a layer's middle plane.

    Attributes
    ----------
    at_px : (N, 2) float64
        (y, x) in pixels of the field.
    outward : (N, 2) float64
        Unit normal (y, x) in pixels, away from the solid.
    rise : (N,) float64
        z component of the surface's unit normal: below 0 where it faces the plate.
    cell : (N,) int64
        Quarter of a pixel and side of each point, ascending.
    """

    at_px: np.ndarray
    outward: np.ndarray
    rise: np.ndarray
    cell: np.ndarray

    def selected(self, which: np.ndarray) -> Walls:
        """Return some of the points."""
        if which.all():
            return self
        return Walls(self.at_px[which], self.outward[which], self.rise[which], self.cell[which])


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Middles of pixels over which a surface faces the plate, from the lowest up: pixel (row, col) int32, height (N,) float64 [µm]."""

    row: np.ndarray
    col: np.ndarray
    z_um: np.ndarray


def steep(walls: Walls) -> Walls:
    """Return the points that are walls: the others are faces that look at the plate."""
    return walls.selected(walls.rise >= -STEEP)


def levels_at(mask: LayerMask, row: np.ndarray, col: np.ndarray) -> np.ndarray:
    """Return the coverage of single pixels of a mask: (N,) float64, 0 outside of it."""
    from pmsl.kernels.geometry import wall_cut

    out = np.zeros(len(row))
    if not mask.empty:
        runs = mask.runs()
        wall_cut.levels_at(
            mask.window.row0, runs.row_start, runs.col, runs.length, runs.value, row.astype(np.int32), col.astype(np.int32), out
        )
    return out


def level_beside(mask: LayerMask, walls: Walls, outward_px: float) -> np.ndarray:
    """Return the coverage of the pixels that lie `outward_px` outside of points of walls."""
    place = np.floor(walls.at_px + outward_px * walls.outward)
    return levels_at(mask, place[:, 0], place[:, 1])


def near_another(mask: LayerMask, walls: Walls) -> np.ndarray:
    """Tell which points have another wall nearer than `NARROW_PX`, looking along their normals both ways: (N,) bool."""
    found = np.zeros(len(walls.at_px), bool)
    for px in np.arange(1.0, NARROW_PX + 0.1, 0.5):
        found |= (level_beside(mask, walls, -px) < 0.1) | (level_beside(mask, walls, px) > 0.9)
    return found


def walls_of(index: CrossingIndex, grid: Grid, k: int, mask: LayerMask) -> Walls:
    """Find points along the boundary of layer `k`; boundaries inside other solids are none.

    Parameters
    ----------
    index : CrossingIndex
        Of middle planes.
    grid : Grid
    k : int
    mask : LayerMask
        Of the layer, in which all parts are united.

    Returns
    -------
    Walls
        About two points a pixel of length; of many short segments one for each quarter of a pixel and side.
    """
    found, _ = _merged(*_sampled(*cut_at(index, grid, k), SPACING_PX), grid.shape, 2, 4)
    return found.selected(level_beside(mask, found, OUTSIDE_PX) < 0.999)


def cut_at(index: CrossingIndex, grid: Grid, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut the middle plane of layer `k`: segments (N, 4) [px], solid on the left, and rises (N,) of the triangles they are cut from.

    Those that lie beside the grid, as where it is a window of a plate, are left out.
    """
    from pmsl.kernels.geometry import wall_cut

    picked, n = index.triangles(k, np.zeros(1024, np.int32))
    segments, rise = np.zeros((n, 4)), np.zeros(n)
    wall_cut.cut(picked, n, float(index.planes_um[k]), index.corners, np.ascontiguousarray(grid.pitch_um), segments, rise)
    low, high = (f(segments[:, :2], segments[:, 2:]) for f in (np.minimum, np.maximum))
    near = ((high > -BESIDE_GRID_PX) & (low < np.array(grid.shape[::-1]) + BESIDE_GRID_PX)).all(axis=1)
    return (segments, rise) if near.all() else (segments[near], rise[near])


def points_of(
    segments: np.ndarray, rise: np.ndarray, mask: LayerMask, per_px: int, wanted: Callable[[np.ndarray], np.ndarray]
) -> tuple[Walls, np.ndarray]:
    """Find points along a boundary, so many a pixel and more, and the length that each stands for (N,) [px]: corners too.

    Parameters
    ----------
    segments, rise
        As `cut_at` gives them.
    mask : LayerMask
        Of the layer, in which all parts are united.
    per_px : int
    wanted : callable
        Tells of points (M, 2) [px] which are wanted: (M,) bool.
    """
    at_px, outward, rises, length = _sampled(segments, rise, 1.0 / per_px)
    which = wanted(at_px)
    found, lengths = _merged(at_px[which], outward[which], rises[which], length[which], mask.shape, per_px, 8)
    bare = level_beside(mask, found, OUTSIDE_PX) < 0.999
    return found.selected(bare), lengths[bare]


def _sampled(segments: np.ndarray, rise: np.ndarray, spacing_px: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Cut segments into equal pieces no longer than `spacing_px`: their middles and outward normals (y, x), rises and lengths."""
    step = segments[:, 2:] - segments[:, :2]
    length = np.hypot(step[:, 0], step[:, 1])
    long = length > 0
    segments, step, length, rise = segments[long], step[long], length[long], rise[long]
    pieces = np.maximum(np.ceil(length / spacing_px - 1e-9), 1).astype(np.int64)
    which = np.repeat(np.arange(len(pieces)), pieces)
    part = (np.arange(len(which)) - np.repeat(np.cumsum(pieces) - pieces, pieces) + 0.5) / pieces[which]
    xy = segments[which, :2] + part[:, None] * step[which]
    outward = np.stack([-step[:, 0] / length, step[:, 1] / length], axis=1)  # solid on the left: (y, x) = (-dx, dy)
    return xy[:, ::-1], outward[which], rise[which], (length / pieces)[which]


def _merged(
    at_px: np.ndarray, outward: np.ndarray, rise: np.ndarray, length: np.ndarray, shape: tuple[int, int], cells: int, sides: int
) -> tuple[Walls, np.ndarray]:
    """Put points of one cell, so many a pixel along each axis, and one side together, weighted by length; also return their lengths (N,).

    Points outside the field are left out.
    """
    side = np.floor(np.arctan2(outward[:, 0], outward[:, 1]) * (sides / (2 * np.pi)) + 0.5).astype(np.int64) & (sides - 1)
    part = np.floor(cells * at_px).astype(np.int64)
    cell = ((part[:, 0] + cells) * (cells * shape[1] + 2 * cells) + part[:, 1] + cells) * sides + side
    in_field = np.flatnonzero(np.all((at_px > -1.0) & (at_px < np.array(shape) + 1.0), axis=1))
    order = in_field[np.argsort(cell[in_field], kind="stable")]
    first = np.flatnonzero(np.diff(cell[order], prepend=-1))
    values = np.stack([*at_px[order].T, *outward[order].T, rise[order], np.ones(len(order))], axis=1) * length[order, None]
    sums = np.add.reduceat(values, first, axis=0) if len(first) else values
    means = sums / sums[:, 5:]
    normal = means[:, 2:4] / np.maximum(np.hypot(means[:, 2], means[:, 3]), 1e-12)[:, None]
    return Walls(means[:, :2].copy(), normal, means[:, 4].copy(), cell[order][first]), sums[:, 5]


def tilts(index: CrossingIndex, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """Return twice the area of every triangle as seen along z, above 0 where it faces the light, and as seen from the side [µm²]."""
    c, (px, py) = index.corners, grid.pitch_um  # column by column: meshes are large
    ux, uy, uz = (c[:, 3] - c[:, 0]) * px, (c[:, 4] - c[:, 1]) * py, c[:, 5] - c[:, 2]
    vx, vy, vz = (c[:, 6] - c[:, 0]) * px, (c[:, 7] - c[:, 1]) * py, c[:, 8] - c[:, 2]
    return ux * vy - uy * vx, np.hypot(uy * vz - uz * vy, uz * vx - ux * vz)


class FaceFinder:
    """Finds faces that look at the plate and are not walls, of one set of parts.

    Parameters
    ----------
    index : CrossingIndex
        Of slabs: it holds flat triangles too.
    grid : Grid
    """

    def __init__(self, index: CrossingIndex, grid: Grid) -> None:
        up, across = tilts(index, grid)
        self._index, self._grid = index, grid
        self._picked = np.flatnonzero(up < -STEEP * np.hypot(up, across)).astype(np.int32)
        heights = index.corners[self._picked, 2::3]
        self._low, self._high = heights.min(axis=1, initial=np.inf), heights.max(axis=1, initial=-np.inf)

    @property
    def overhangs(self) -> bool:
        """Whether any face above the plate looks at it."""
        edges = self._grid.z_edges_um
        return bool((self._high > edges[0] + 1e-3 * (edges[1] - edges[0])).any())

    def between(self, low_um: float, high_um: float) -> Faces:
        """Return the faces from `low_um` to `high_um`, of every shell, also such as lie inside of others."""
        from pmsl.kernels.geometry import wall_cut

        picked = self._picked[(self._high >= low_um) & (self._low <= high_um)]
        room = 4096
        while True:
            row, col, z = np.zeros(room, np.int32), np.zeros(room, np.int32), np.zeros(room)
            n = wall_cut.centres_under(picked, self._index.corners, low_um, high_um, *self._grid.shape, row, col, z)
            if n <= room:
                break
            room = n
        order = np.argsort(z[:n], kind="stable")
        return Faces(row[:n][order], col[:n][order], z[:n][order])
