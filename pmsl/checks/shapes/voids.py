"""Voids that stay closed when all light is done: `resin-trap`, and `sealed-on-plate` where only the plate shuts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from pmsl.checks.light.layer_stream import RIM_PX, CheckedLayer
from pmsl.checks.light.row_runs import RowRuns
from pmsl.checks.limits import CheckLimits
from pmsl.checks.places import Extent, Extents, area_text, box_um, largest, volume_text, width_px
from pmsl.checks.shapes.enclosed import run_overlaps
from pmsl.core.arrays import distinct
from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.kernels.runs import run_voids as kernels

ROOM = 1024  # voids there is room for at first


class VoidCheck:
    """Follows liquid between solid pixels from the plate up; what reaches the outside anywhere is open.

    Parameters
    ----------
    grid : Grid
    limits : CheckLimits
    """

    def __init__(self, grid: Grid, limits: CheckLimits) -> None:
        self._grid, self._limits, self._thickness_um = grid, limits, grid.thickness_um.tolist()
        self._voids, self._volume = np.zeros((kernels.FIELDS, ROOM), np.int64), np.zeros(ROOM)
        self._count = np.ones(1, np.int64)  # void 0 is the outside
        self._last = RowRuns.none(grid.shape[0])
        self._gaps, self._void = RowRuns.none(grid.shape[0]), np.zeros(0, np.int64)
        self._ended: dict[int, RowRuns] = {}  # voids that no exposure has closed so far, and their uppermost gaps
        self._closed_by: dict[int, int] = {}
        self._others: list[Extents] = []  # with other Ec: of the voids that are shut

    def add(self, layer: CheckedLayer) -> None:
        """Find the gaps of the next layer from the plate up, and the voids they belong to."""
        gaps, label, areas, _ = layer.final_gaps
        many = int(self._count[0]) + len(areas)
        if many > len(self._volume):
            self._voids = np.concatenate([self._voids, np.zeros((kernels.FIELDS, many), np.int64)], axis=1)
            self._volume = np.concatenate([self._volume, np.zeros(many)])
        void = np.empty(len(label), np.int64)
        kernels.fill(
            *layer.final,
            *gaps,
            label,
            np.empty(len(areas), np.int64),
            *self._last,
            *self._gaps,
            self._void,
            layer.index,
            self._thickness_um[layer.index],
            self._voids,
            self._volume,
            self._count,
            void,
        )
        self._see_ends(layer)
        self._last, self._gaps, self._void = layer.final, gaps, void

    def _see_ends(self, layer: CheckedLayer) -> None:
        """Note which exposure closes a void: the first whose own pixels lie over it, for a roof may be dark at first."""
        roots = {v: self._root(v) for v in distinct(self._void)[0].tolist() if v > 0}
        ends = {v for v in roots.values() if v > 0 and self._voids[kernels.LAST, v] < layer.index}
        if ends:
            of_gap = np.array([roots.get(v, 0) for v in self._void.tolist()])
            for v in sorted(ends):
                self._ended[v] = self._gaps.where(of_gap == v)
        for v, top in list(self._ended.items()):
            over = run_overlaps(top, np.zeros(len(top.col), np.int64), layer.own, np.zeros(len(layer.own.col), np.int64))
            if 2 * int(over[2].sum()) >= top.pixels():
                self._closed_by[v] = layer.index
                del self._ended[v]

    def again(self) -> VoidCheck:
        """Return a check like this one that has seen no layer."""
        return VoidCheck(self._grid, self._limits)

    def doubtful(self) -> bool:
        """Tell whether any void is shut, so that it matters what another Ec makes of it."""
        return bool(self.shut())

    def confirm(self, others: Sequence[VoidCheck]) -> None:
        """Leave out what a lower Ec fills; and what a higher one opens, if it is no wider than the rim of a wall.

        Parameters
        ----------
        others : sequence of VoidCheck
            They have seen all layers, with a lower Ec and a higher one.
        """
        self._others = [Extents([extent for _, _, extent in check.shut()]) for check in others]

    def findings(self) -> list[Finding]:
        """Return the voids that are shut: those that keep resin, then those that only the plate shuts."""
        traps: list[Finding] = []
        sealed: list[Finding] = []
        for v, volume_um3, extent in self.shut():
            seen = [bool(other.meet(extent).any()) for other in self._others]
            if all(seen) or (seen[0] and width_px(extent) > RIM_PX):
                (sealed if self._voids[kernels.PLATE, v] else traps).append(self._finding(v, volume_um3))
        return [*largest(traps), *largest(sealed)]

    def shut(self) -> list[tuple[int, float, Extent]]:
        """Return the numbers of the voids that are shut, their volumes [µm³] and extents."""
        roots = [self._root(v) for v in range(int(self._count[0]))]
        volumes = np.bincount(roots, self._volume[: len(roots)], minlength=len(roots)) * self._grid.pixel_um2
        top = {roots[v] for v in distinct(self._void)[0].tolist()}  # open toward the light
        least = self._limits.min_void_um3 * (1.0 - 1e-9)
        shut = [v for v in range(1, len(roots)) if roots[v] == v and v not in top and volumes[v] >= least]
        return [(v, float(volumes[v]), self._extent(v)) for v in shut]

    def _extent(self, v: int) -> Extent:
        return tuple(self._voids[kernels.ROW0 : kernels.LAST + 1, v].tolist())

    def _root(self, v: int) -> int:
        while self._voids[kernels.PARENT, v] != v:
            v = int(self._voids[kernels.PARENT, v])
        return v

    def _finding(self, v: int, volume_um3: float) -> Finding:
        row0, col0, row1, col1, first, last = self._extent(v)
        area = float(self._voids[kernels.TOP, v]) * self._grid.pixel_um2
        closing = self._closed_by.get(v, last + 1)
        size = f"{area_text(area)} across and {volume_text(volume_um3)} large, is closed by layer {closing}"
        severity: Literal["info", "warning"]
        if self._voids[kernels.PLATE, v]:
            code, severity = "sealed-on-plate", "info"
            message = f"a void, {size}; only the plate shuts it, and it drains when the part is taken off"
        else:
            code, severity = "resin-trap", "warning"
            message = f"a void, {size}: liquid resin stays in it; give it two openings that print"
        return Finding(
            code=code,
            severity=severity,
            message=message,
            layers=(first, closing),
            box_um=box_um(self._grid, (row0, row1), (col0, col1), (first, last)),
            value=volume_um3,
            limit=self._limits.min_void_um3,
            unit="µm³",
        )
