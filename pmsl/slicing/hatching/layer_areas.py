"""The area that parts have in the middle of any slab, exactly, for lines that are drawn in it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

from pmsl.core.contours import stacked
from pmsl.core.grid import Grid
from pmsl.mesh.part import Part
from pmsl.slicing.contours import link
from pmsl.slicing.hatching.outlines import area_of_rings
from pmsl.slicing.offset import ContourOffset
from pmsl.slicing.plane_index import CrossingIndex, index_crossings


class LayerAreas:
    """Gives the area of any layer and keeps the last ones; from any thread, always the same.

    Parameters
    ----------
    parts : sequence of Part
        Repaired; united where they overlap.
    grid : Grid
        Its slabs.
    offset : ContourOffset, optional
        Moves contours.
    many : int
        How many areas are kept.
    """

    def __init__(self, parts: Sequence[Part], grid: Grid, offset: ContourOffset | None = None, many: int = 8) -> None:
        self._parts, self._grid, self._offset, self._many = parts, grid, offset, many
        self._index: CrossingIndex | None = None
        self._kept: OrderedDict[int, Any] = OrderedDict()
        self._lock = threading.Lock()

    def area(self, k: int) -> Any:
        """Return the area of layer k as a shapely.MultiPolygon [µm]; an empty one beyond the job."""
        with self._lock:
            if k in self._kept:
                self._kept.move_to_end(k)
                return self._kept[k]
            if self._index is None:
                self._index = index_crossings(self._parts, self._grid)
        made = area_of_rings(self._rings(k) if 0 <= k < self._grid.n_layers else [])
        with self._lock:
            self._kept[k] = made
            while len(self._kept) > self._many:
                self._kept.popitem(last=False)
        return made

    def _rings(self, k: int) -> list[np.ndarray]:
        assert self._index is not None
        scratch, n = self._index.segments(k, np.zeros((1024, 4)))
        rings = [ring * self._grid.pitch_um + self._grid.origin_um for ring in link(scratch[:n], k)]
        if self._offset is None or not self._offset.moves(k):
            return rings
        one = stacked([rings], self._grid.mid_planes_um[k : k + 1])
        return self._offset.contours(one, k, self._grid.origin_um).rings(0)

    def skin(self, k: int, layers: int) -> Any:
        """Return what of layer k lies within so many layers of a face that looks up or down: shapely geometry [µm]."""
        import shapely

        whole = self.area(k)
        below = [self.area(m) for m in range(k - layers, k)]
        above = [self.area(m) for m in range(k + 1, k + layers + 1)]
        inside = whole
        for other in (*below, *above):
            inside = shapely.intersection(inside, other)
        return shapely.difference(whole, inside)
