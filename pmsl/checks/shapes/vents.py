"""Ways down to the outside that are wide enough for resin to follow into a space that is lifted."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import NamedTuple

import numpy as np

from pmsl.checks.light.row_runs import RowRuns
from pmsl.checks.light.spool import LayerSpool
from pmsl.checks.limits import CheckLimits
from pmsl.core.grid import Grid

FINE = 8  # blocks of pixels in half the width of the narrowest vent
KEPT_BYTES = 64 << 20


class _Passages(NamedTuple):
    """Where the middle of the narrowest vent may be in a layer: pieces, numbered from 1, and which of these reach beyond the field."""

    label: np.ndarray
    outside: np.ndarray


class Vents:
    """Follows ways down from enclosed areas, on blocks of pixels.

    A way is wide enough that holds a square with the diagonal of a vent. Passages of a layer are found once and kept while there is
    room: many areas lie over the same ones.

    Parameters
    ----------
    grid : Grid
    limits : CheckLimits
    below : LayerSpool
        Solid pixels of the layers below those that are asked for.
    """

    def __init__(self, grid: Grid, limits: CheckLimits, below: LayerSpool) -> None:
        self._grid, self._below = grid, below
        pitch, self._half = grid.pitch_um, limits.vent_um / (2.0 * math.sqrt(2.0))
        self._block = max(1, int(self._half / FINE / float(pitch.max())))
        self._step = self._block * pitch[::-1]
        self._margin = int(self._half / float(self._step.min())) + 2
        self._kept: OrderedDict[int, _Passages] = OrderedDict()
        self._bytes = 0

    def leads_out(self, k: int, hole: RowRuns) -> bool:
        """Tell whether a way wide enough leads from an area down to the outside.

        Parameters
        ----------
        k : int
            Its layer.
        hole : RowRuns
            Its pixels.
        """
        core = self._blocks(hole, some=False)
        heights, high = self._grid.thickness_um, 0.0
        for j in range(k - 1, -1, -1):
            label, outside = self._passages(j)
            met = np.zeros(len(outside), bool)
            met[label[core]] = True
            met[0] = False
            if not met.any():
                return False
            region, is_out = met[label], bool((met & outside).any())
            high = high + float(heights[j]) if is_out else 0.0
            if is_out and high >= math.sqrt(2.0) * self._half - 0.5 * float(heights[j]):
                return True
            core = region & core if is_out else region
        return False

    def _passages(self, j: int) -> _Passages:
        """Return the passages of a layer, kept from an earlier time or found now."""
        here = self._kept.get(j)
        if here is None:
            here = self._kept[j] = self._searched(j)
            self._bytes += here.label.nbytes
        self._kept.move_to_end(j)
        while self._bytes > KEPT_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1].label.nbytes
        return here

    def _searched(self, j: int) -> _Passages:
        from scipy import ndimage

        solid = self._blocks(self._below.solid(j), some=True)
        narrow = self._half + 0.5 * float(self._step.min())
        free = ndimage.distance_transform_edt(~solid, sampling=self._step) >= narrow if solid.any() else ~solid
        label, n = ndimage.label(free, np.ones((3, 3)), output=np.int32)
        outside = np.zeros(n + 1, bool)
        for side in (label[0], label[-1], label[:, 0], label[:, -1]):
            outside[side] = True
        return _Passages(label.astype(np.uint16) if n < 1 << 16 else label, outside)

    def _blocks(self, runs: RowRuns, some: bool) -> np.ndarray:
        """Return the blocks of which `some` or all pixels are in runs: bool, the field and a margin of free ones around."""
        rows, cols = self._grid.shape
        n, m = -(-rows // self._block), -(-cols // self._block)
        padded = np.zeros((n * self._block, m * self._block), bool)
        padded[:rows, :cols] = runs.dense(cols)
        parts = padded.reshape(n, self._block, m, self._block)
        found = parts.any(axis=(1, 3)) if some else parts.all(axis=(1, 3))
        return np.pad(found, self._margin)
