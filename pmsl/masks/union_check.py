"""The union of parts as one solid, held against exact areas before it is believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmsl.core.arrays import distinct
from pmsl.core.grid import Grid
from pmsl.masks.area_masks import AreaMasks
from pmsl.mesh.part import Part
from pmsl.mesh.shells.boolean import shell_ranges, united
from pmsl.mesh.solid import Solid

HEIGHTS = 9
HEIGHTS_UNITED = 65
LOW_SHELLS = 64  # whose heights are looked at besides
AGREE = 1e-6  # of the area; vertices of a union are rounded


def union_of(parts: Sequence[Part]) -> Solid | None:
    """Return the union of parts as one solid in field coordinates.

    Parameters
    ----------
    parts : sequence of Part
        Closed, as `Part.repaired` gives them.

    Returns
    -------
    Solid or None
        None where no library unites them, or where at some height what it made still overlaps, or has not the area of the union: a
        body that passes through itself is no input for it, and it does not say so.
    """
    whole = united(parts)
    if whole is None:
        return None
    grid = _heights_of(whole, HEIGHTS_UNITED, _low_shells(parts))
    plain, made = AreaMasks(parts, grid, "none"), AreaMasks([whole], grid, "none")
    for k in range(grid.n_layers):
        wanted, got = plain.coverage(k), made.coverage(k)
        if made.mask_and_defects(k)[1].overlap or np.abs(wanted - got).sum() > AGREE * max(wanted.sum(), 1.0):
            return None
    return whole


def overlaps(solid: Solid) -> bool:
    """Tell whether shells of a solid overlap at one of a few heights."""
    maker = AreaMasks([solid], _heights_of(solid, HEIGHTS), "none")
    return any(maker.mask_and_defects(k)[1].overlap for k in range(HEIGHTS))


def _low_shells(parts: Sequence[Part]) -> np.ndarray:
    """Return the ends of shells so low that slabs of equal height may pass them by: (n,) float64, of the largest ones."""
    z = shell_ranges(parts)
    height = z[:, 1] - z[:, 0]
    low = np.flatnonzero(height < 2 * float(z.max() - z.min()) / HEIGHTS_UNITED)
    chosen: np.ndarray = z[low[np.argsort(-height[low], kind="stable")][:LOW_SHELLS]].ravel()
    return chosen


def _heights_of(solid: Solid, heights: int, more_um: Sequence[float] | np.ndarray = ()) -> Grid:
    """Make a coarse grid around a solid, of a few slabs, parted at `more_um` too."""
    low, high = solid.bounds_um
    size = np.maximum(high - low, 1e-9)
    pitch = float(size[:2].max()) / 64
    cells = np.ceil(size[:2] / pitch).astype(int) + 2
    edges, _ = distinct(np.concatenate([low[2] + size[2] * np.linspace(0, 1, heights + 1), np.clip(more_um, low[2], low[2] + size[2])]))
    edges = edges[np.concatenate([[True], np.diff(edges) > 1e-9 * size[2]])]
    return Grid(origin_um=low[:2] - pitch, pitch_um=pitch, shape=(int(cells[1]), int(cells[0])), z_edges_um=edges)
