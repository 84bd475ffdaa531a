"""Volume coverage of overlapping bodies by exact areas of many planes, with a bound: for parts whose union cannot be had as a mesh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.masks.area_masks import AreaMasks
from pmsl.mesh.part import Part

PLANES = 64  # in a slab


def parted(grid: Grid, many: int) -> Grid:
    """Return the grid with each slab parted into so many of equal thickness."""
    edges = grid.z_edges_um
    inner = edges[:-1, None] + np.diff(edges)[:, None] * (np.arange(many) / many)
    return replace(grid, z_edges_um=np.append(inner.ravel(), edges[-1]))


class PlaneIntegral:
    """Integrates the exact area of the union over each slab.

    Parameters
    ----------
    parts : sequence of Part
    grid : Grid
    """

    def __init__(self, parts: Sequence[Part], grid: Grid) -> None:
        self._planes = AreaMasks(parts, parted(grid, PLANES), "none")

    def coverage(self, k: int) -> tuple[np.ndarray, float]:
        """Return the coverage of slab k and by how much all its pixels together may be off at most.

        Returns
        -------
        (rows, cols) float64
        float
            [px]. The midpoint rule of n planes is off by at most the variation of the area over 2 n; what varies between two planes and
            back again is not seen. The planes next to the slab count too.
        """
        first, end = k * PLANES, (k + 1) * PLANES
        total = np.zeros(self._planes.grid.shape)
        before = self._planes.coverage(first - 1) if first else total.copy()  # nothing below is known: it may begin here
        variation = 0.0
        for i in range(first, min(end + 1, self._planes.grid.n_layers)):
            area = self._planes.coverage(i)
            variation += float(np.abs(area - before).sum())
            if i < end:
                total += area
            before = area
        if end == self._planes.grid.n_layers:
            variation += float(before.sum())  # nothing above is known: it may end here
        return total / PLANES, variation / (2 * PLANES)

    def mask(self, k: int) -> tuple[LayerMask, float]:
        """Return the mask of slab k and the bound of `coverage` [px]."""
        coverage, bound = self.coverage(k)
        levels = np.floor(np.rint(coverage * 2.0**32) / 2.0**32 * 65535 + 0.5).astype(np.uint16)
        return LayerMask.from_dense(k, levels), bound
