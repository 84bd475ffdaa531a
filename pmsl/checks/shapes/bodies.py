"""Bodies that begin in mid-air: `island` where a later layer joins them to what stands on the plate, `loose-body` where none does.

Where walls land by dose, pixels along them have just the dose that cures them, and a thousandth more or less decides which of them touch.
What holds only so is no body: a body is named that is there when Ec is a tenth lower or higher, too (`ec_band`). Nor is one an island
that begins below the exposed layer alone: gray there was near to curing when it was shown, and so is what lies around it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pmsl.checks.light.layer_stream import DEEPEST, RIM_PX, CheckedLayer
from pmsl.checks.light.row_runs import RowRuns
from pmsl.checks.limits import CheckLimits
from pmsl.checks.places import Extent, Extents, area_text, box_um, largest, width_px
from pmsl.core.finding import Finding
from pmsl.core.grid import Grid
from pmsl.kernels.runs import run_bodies as kernels

ROOM = 1024  # bodies there is room for at first


class _Solid(NamedTuple):
    """What is solid so far of a layer, and the body of each run."""

    runs: RowRuns
    body: np.ndarray


class PrintedBody(NamedTuple):
    """A body that begins in mid-air.

    Attributes
    ----------
    number : int
        Among all bodies of the check.
    born : int
        The layer whose exposure it begins with.
    joined : int or None
        The layer that joins it to what stands on the plate.
    held : bool
        Whether it rests on something, by less than the least joint.
    extent : (6,) tuple of int
    """

    number: int
    born: int
    joined: int | None
    held: bool
    extent: Extent

    @property
    def lost(self) -> bool:
        """Whether it rests on nothing and no layer joins it to what stands on the plate."""
        return self.joined is None and not self.held


class BodyCheck:
    """Follows bodies layer by layer, as their light sets them.

    Parameters
    ----------
    grid : Grid
    limits : CheckLimits
    """

    def __init__(self, grid: Grid, limits: CheckLimits) -> None:
        self._grid, self._limits, self._thickness_um = grid, limits, grid.thickness_um.tolist()
        self._least_px = max(limits.min_joint_um2 / grid.pixel_um2 * (1.0 - 1e-9), kernels.CORNER)
        self._bodies = np.zeros((kernels.FIELDS, ROOM), np.int64)
        self._bodies[kernels.LINK, 0] = -1
        self._count = np.ones(1, np.int64)  # body 0 stands on the plate
        self._none = _Solid(RowRuns.none(grid.shape[0]), np.zeros(0, np.int64))
        self._solid: dict[int, _Solid] = {}
        self.begun: dict[int, int] = {}  # by layer: how many bodies begin in mid-air; after `findings`
        self._others: list[tuple[Extents, np.ndarray]] = []  # with other Ec: the bodies, and which of them are lost

    def add(self, layer: CheckedLayer) -> None:
        """Join what the next layer from the plate up has set to the bodies it touches."""
        for k, runs in layer.newly_set:
            self._grow(k, runs, layer.index)
        oldest = min([layer.index, *(k for k, _ in layer.newly_set)]) - DEEPEST - 1
        for k in [k for k in self._solid if k < oldest]:
            del self._solid[k]

    def _grow(self, layer: int, runs: RowRuns, k: int) -> None:
        n, count = len(runs.col), int(self._count[0])
        if count + n > self._bodies.shape[1]:
            self._bodies = np.concatenate([self._bodies, np.zeros((kernels.FIELDS, count + n), np.int64)], axis=1)
        same, below, above = (self._solid.get(j, self._none) for j in (layer, layer - 1, layer + 1))
        height, (px, py) = self._thickness_um[layer], self._grid.pitch_um.tolist()
        body = np.empty(n, np.int64)
        kernels.grow(
            *runs,
            np.empty(n, np.int64),
            *same.runs,
            same.body,
            *below.runs,
            below.body,
            *above.runs,
            above.body,
            layer,
            k,
            height / py,
            height / px,
            self._least_px,
            np.empty(n),
            np.empty(n, np.int64),
            self._bodies,
            self._count,
            body,
        )
        if not len(same.body):
            self._solid[layer] = _Solid(runs, body)
            return
        total = n + len(same.body)
        merged = RowRuns(np.empty_like(runs.start), np.empty(total, np.int32), np.empty(total, np.int32))
        bodies = np.empty(total, np.int64)
        kernels.merge(*same.runs, same.body, *runs, body, *merged, bodies)
        self._solid[layer] = _Solid(merged, bodies)

    def again(self) -> BodyCheck:
        """Return a check like this one that has seen no layer."""
        return BodyCheck(self._grid, self._limits)

    def bodies(self) -> list[PrintedBody]:
        """Return the bodies that began in mid-air, by number."""
        found = []
        for b in range(1, int(self._count[0])):
            joined, born = self._joined(b), int(self._bodies[kernels.BORN, b])
            held = bool(self._bodies[kernels.HELD, b])
            if joined == born or ((joined is not None or held) and not self._bodies[kernels.BORN_PX, b]):
                continue  # two pieces of one exposure; or gray below it that is cured by and by
            if joined is None and self._bodies[kernels.LINK, b] >= 0:
                continue  # part of a body that is never joined, which is named
            extent = tuple(self._bodies[kernels.ROW0 : kernels.LAST + 1, b].tolist())
            found.append(PrintedBody(b, born, joined, held, extent))
        return found

    def doubtful(self) -> bool:
        """Tell whether any body is named, so that it matters what another Ec makes of it."""
        return not all(map(self._beside, self.bodies()))

    def confirm(self, others: Sequence[BodyCheck]) -> None:
        """Leave out what other checks of the same job do not find; what a lower Ec joins is not loose, if it is there with a higher one.

        Parameters
        ----------
        others : sequence of BodyCheck
            They have seen all layers, with a lower Ec and a higher one.
        """
        bodies = [check.bodies() for check in others]
        self._others = [(Extents([body.extent for body in some]), np.array([body.lost for body in some], bool)) for some in bodies]

    def findings(self) -> list[Finding]:
        """Return the bodies that began in mid-air: those that were joined, then those that never are."""
        islands, loose = [], []
        for body in self.bodies():
            if self._beside(body):
                continue
            met = [(extents.meet(body.extent), lost) for extents, lost in self._others]
            seen = [bool(some.any()) for some, _ in met]
            if body.lost and all(bool((some & lost).any()) for some, lost in met):
                loose.append(self._loose(body.number))
            elif all(seen) or (body.lost and all(seen[1:]) and width_px(body.extent) > RIM_PX):
                islands.append(self._island(body))
        self.begun = dict(Counter(f.layers[0] for f in [*islands, *loose] if f.layers is not None))
        return [*largest(islands), *largest(loose)]

    def _beside(self, body: PrintedBody) -> bool:
        """Tell whether a body lies beside pixels that are set, and is taken as set with them."""
        return body.joined == body.born + 1 and int(self._bodies[kernels.BORN_PX, body.number]) <= RIM_PX**2

    def _joined(self, b: int) -> int | None:
        """Return the layer that joins a body to what stands on the plate; None where none does."""
        bodies = self._bodies
        while bodies[kernels.LINK, b] >= 0:
            if bodies[kernels.LINK, b] == 0:
                return int(bodies[kernels.LINKED, b])
            b = int(bodies[kernels.LINK, b])
        return None

    def _island(self, body: PrintedBody) -> Finding:
        b, joined = body.number, body.joined
        area, born = float(self._bodies[kernels.BORN_PX, b]) * self._grid.pixel_um2, body.born
        if body.lost:
            end = "a tenth of Ec decides whether any layer joins it to what stands on the plate"
        elif joined is None:
            end = f"it stands on less than {area_text(self._limits.min_joint_um2)} and nothing else ever holds it"
        else:
            end = f"layer {joined} joins it to what stands on the plate; until then it hangs on nothing"
        return Finding(
            code="island",
            severity="warning",
            message=f"a body of {area_text(area)} begins with nothing solid under it: {end}; support it, or turn the part",
            layers=(born, born if joined is None else joined),
            box_um=self._box(b),
            value=area,
            limit=self._limits.min_joint_um2,
            unit="µm²",
        )

    def _loose(self, b: int) -> Finding:
        last = int(self._bodies[kernels.LAST, b])
        area = float(self._bodies[kernels.BORN_PX, b]) * self._grid.pixel_um2
        return Finding(
            code="loose-body",
            severity="error",
            message=f"a body begins with {area_text(area)} in mid-air and no layer joins it to what stands on the plate: it is lost in "
            "the resin; place it on the plate, join it to the part, or leave it out",
            layers=(int(self._bodies[kernels.BORN, b]), last),
            box_um=self._box(b),
            value=area,
            limit=self._limits.min_joint_um2,
            unit="µm²",
        )

    def _box(self, b: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
        row0, col0, row1, col1, first, last = self._bodies[kernels.ROW0 : kernels.LAST + 1, b].tolist()
        return box_um(self._grid, (row0, row1), (col0, col1), (first, last))
