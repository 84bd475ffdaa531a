"""Sections at the middle planes of slabs, as widths and overhangs are measured on them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import Protocol

import numpy as np

from pmsl.core.grid import Grid
from pmsl.mesh.part import Part
from pmsl.slicing.plane_index import CrossingIndex, index_crossings

STEEPEST = -0.1  # z component of a normal; steeper faces add a tenth of a layer's height


class Sections(Protocol):
    """Boundaries of a section a layer; asked from any thread."""

    @property
    def grid(self) -> Grid:
        """The grid whose slabs they belong to."""

    @property
    def step_um(self) -> float:
        """How far from its place a boundary may be [µm]; 0 where it is exact."""

    def segments_um(self, k: int) -> np.ndarray:
        """Return the boundary of layer k: (S, 4) float64, x0, y0, x1, y1 with solid on the left [µm]."""

    def normals(self, k: int, segments_um: np.ndarray) -> np.ndarray:
        """Return at the segments of layer k x and y of their normals into the solid, and z of those of the surface: (S, 3) float64."""

    def over_nothing(self, k: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Return what holds all that layer k has over nothing of layer k - 1.

        Returns
        -------
        triangles : (T, 6) float64
            x, y of three corners [µm].
        piece : (T,) int32 or None
            Numbers of what hangs together; None where triangles do that share corners.
        """


class _Scratch(threading.local):
    """What each thread keeps: room for segments, numbers of faces, and triangles."""

    def __init__(self) -> None:
        self.segments, self.picked = np.zeros((1024, 4)), np.zeros(1024, np.int32)
        self.triangles = np.zeros((1024, 3, 2))


class PartSections:
    """Exact sections of parts.

    Parameters
    ----------
    parts : sequence of Part
        Repaired.
    grid : Grid
        Its slabs count; its pixels do not.
    index : CrossingIndex, optional
        Of the parts by middle planes, where it is made already.
    """

    step_um = 0.0

    def __init__(self, parts: Sequence[Part], grid: Grid, index: CrossingIndex | None = None) -> None:
        self._parts, self.grid, self._local = parts, grid, _Scratch()
        self._index = index_crossings(parts, grid) if index is None else index

    @cached_property
    def faces(self) -> CrossingIndex:
        """The parts by what lies between middle planes; made when it is first asked for."""
        grid = self.grid
        between = Grid(origin_um=grid.origin_um, pitch_um=grid.pitch_um, shape=grid.shape, z_edges_um=grid.mid_planes_um)
        return index_crossings(self._parts, between, slabs=True)

    def segments_um(self, k: int) -> np.ndarray:
        """Return the boundary of layer k: (S, 4) float64, x0, y0, x1, y1 with solid on the left [µm]."""
        local, grid = self._local, self.grid
        local.segments, n = self._index.segments(k, local.segments)
        return np.ascontiguousarray(local.segments[:n] * np.tile(grid.pitch_um, 2) + np.tile(grid.origin_um, 2))

    def normals(self, k: int, segments_um: np.ndarray) -> np.ndarray:
        """Return the normals of the surface at the segments of layer k: (S, 3) float64."""
        from pmsl.kernels.geometry import facing_segments, plane_crossings

        index, picked, out = self._index, np.empty(len(segments_um), np.int32), np.empty((len(segments_um), 3))
        plane_crossings.pick_layer(k, index.first, index.last, index.by_last, index.node_start, index.level_start, picked)
        facing_segments.normals(segments_um, index.corners, picked, *map(float, self.grid.pitch_um), out)
        return out

    def over_nothing(self, k: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the faces that look down between the middles of layer k and the one below: (T, 6) float64 [µm], and None."""
        from pmsl.kernels.geometry import down_faces

        local, grid, index, work = self._local, self.grid, self.faces, np.empty((3, 8, 3))
        local.picked, n = index.triangles(k - 1, local.picked)
        low, high = grid.mid_planes_um[k - 1 : k + 1].tolist()
        frame = (*grid.pitch_um.tolist(), *grid.origin_um.tolist(), low, high, STEEPEST)
        count = down_faces.faces_between(index.corners, local.picked, n, *frame, work, local.triangles)
        if count > len(local.triangles):
            local.triangles = np.zeros((count + count // 2, 3, 2))
            down_faces.faces_between(index.corners, local.picked, n, *frame, work, local.triangles)
        return local.triangles[:count].reshape(count, 6), None
