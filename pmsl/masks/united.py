"""The union of parts as one solid, held against exact areas before it is believed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.part import Part, Solid, united
from pmsl.masks.maker import MaskMaker

HEIGHTS = 9
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
    grid = _heights_of(whole)
    plain, made = MaskMaker(parts, grid, "area", "none"), MaskMaker([whole], grid, "area", "none")
    for k in range(HEIGHTS):
        wanted, got = plain.coverage(k), made.coverage(k)
        if made.mask_and_defects(k)[1].overlap or np.abs(wanted - got).sum() > AGREE * max(wanted.sum(), 1.0):
            return None
    return whole


def overlaps(solid: Solid) -> bool:
    """Tell whether shells of a solid overlap at one of a few heights."""
    maker = MaskMaker([solid], _heights_of(solid), "area", "none")
    return any(maker.mask_and_defects(k)[1].overlap for k in range(HEIGHTS))


def _heights_of(solid: Solid) -> Grid:
    """Make a coarse grid around a solid, of a few slabs."""
    low, high = solid.bounds_um
    size = np.maximum(high - low, 1e-9)
    pitch = float(size[:2].max()) / 64
    cells = np.ceil(size[:2] / pitch).astype(int) + 2
    edges = low[2] + size[2] * np.linspace(0, 1, HEIGHTS + 1)
    return Grid(origin_um=low[:2] - pitch, pitch_um=pitch, shape=(int(cells[1]), int(cells[0])), z_edges_um=edges)
