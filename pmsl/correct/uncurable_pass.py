"""Grays that cure nothing, found while the layers of a job go by once, from the plate up."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.mask import LayerMask
from pmsl.correct.solver.pixel_light import NOTHING, MaskLevels
from pmsl.correct.uncurable_grays import GrayCheck, GraysOfLayer

FAR = 1 << 62


class _Waiting:
    """Pixels that layers to come may still cure, in order of layers: where, effective doses of their own and from above so far."""

    def __init__(self) -> None:
        self.count = 0
        self._room: tuple[np.ndarray, ...] = (np.zeros((0, 2), np.int32), np.zeros(0), np.zeros(0))

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """(n, 2) int32 rows and columns, and (n,) float64 own and total, as views."""
        return tuple(array[: self.count] for array in self._room)

    def add(self, pixels: np.ndarray, own: np.ndarray) -> None:
        """Let more wait, that got nothing from above so far."""
        begin, self.count = self.count, self.count + len(own)
        if self.count > len(self._room[1]):
            room = tuple(np.empty((2 * self.count, *array.shape[1:]), array.dtype) for array in self._room)
            for old, new in zip(self._room, room, strict=True):
                new[:begin] = old[:begin]
            self._room = room
        for array, values in zip(self._room, (pixels, own, 0.0), strict=True):
            array[begin : self.count] = values

    def keep(self, some: np.ndarray) -> None:
        """Let only some go on waiting, (n,) bool."""
        kept = [array[some] for array in self.arrays]
        self.count = len(kept[0])
        for array, values in zip(self._room, kept, strict=True):
            array[: self.count] = values


class _Group(msgspec.Struct):
    """A layer whose pixels wait: how many, and of each layer above it what is left of its light and the most that is to come."""

    layer: int
    count: int
    left: list[float]
    still: list[float]


class _Dark(msgspec.Struct):
    """Pixels of a layer that nothing cures: how many, first and last row and column."""

    count: int
    first: np.ndarray
    last: np.ndarray

    def add(self, count: int, first: np.ndarray, last: np.ndarray) -> None:
        """Count more."""
        self.count += count
        self.first, self.last = np.minimum(self.first, first), np.maximum(self.last, last)


class GrayPass:
    """Gives the findings of `GrayCheck.apply`, of all layers together, and looks at each mask once instead of once a layer below it.

    Parameters
    ----------
    check : GrayCheck
        That keeps what it finds: masks are not changed.
    """

    def __init__(self, check: GrayCheck) -> None:
        self.check = check
        self._begun: dict[int, GraysOfLayer] = {}
        self._dark: dict[int, _Dark] = {}
        self._groups: list[_Group] = []
        self._waiting = _Waiting()

    def begin(self, k: int, grays: GraysOfLayer) -> None:
        """Let the grays of layer k wait for `passed`, as `check.look` gives them; from any thread, in any order."""
        self._begun[k] = grays

    def passed(self, k: int) -> None:
        """Give the light of layer k, begun before, to the pixels below it; layer after layer, from one thread."""
        mask, painted, pixels, own = self._begun.pop(k)
        if self._groups:
            self._lit_by(k, mask, painted)
        self.check.light.done(painted)
        if len(pixels):
            left, still = self.check.left(k)
            self._groups.append(_Group(k, len(own), [*left.tolist(), 0.0], [*still.tolist(), -np.inf]))
            self._waiting.add(pixels, own)

    def beyond(self, first: int, n_layers: int, mask_of: Callable[[int], LayerMask]) -> None:
        """Give the light of the layers from `first` on, which belong to another run, to the pixels that still wait for some."""
        for k in range(first, n_layers):
            if not self._groups:
                return
            self._lit_by(k, mask_of(k))

    def findings(self) -> tuple[Finding, ...]:
        """Return what is found, in order of layers; all of them have passed."""
        self._let_go(np.ones(self._waiting.count, bool))
        return tuple(self.check.finding(k, d.count, d.first, d.last) for k, d in sorted(self._dark.items()))

    def _lit_by(self, j: int, mask: LayerMask, painted: MaskLevels = NOTHING) -> None:
        """Add the light of layer j; let go of pixels that it and what is above it cannot change."""
        if self.check.plain:
            self._lit_by_plain(j, mask, painted)
            return
        check, (_, own, total) = self.check, self._waiting.arrays
        still = np.repeat([g.still[j - g.layer - 1] for g in self._groups], [g.count for g in self._groups])
        enough = check.lacking(own)
        done = (total >= enough) | (total + still < enough)
        if done.any():
            self._let_go(done)
        if self._groups:
            pixels, _, total = self._waiting.arrays
            left = np.repeat([g.left[j - g.layer - 1] for g in self._groups], [g.count for g in self._groups])
            check.join(total, check.effective(check.doses(j, mask, pixels) * left), out=total)

    def _lit_by_plain(self, j: int, mask: LayerMask, painted: MaskLevels) -> None:
        """Do the same in one go over the pixels."""
        from pmsl.kernels._compiler.jit import call
        from pmsl.kernels.solve import pixel_light

        groups, check = self._groups, self.check
        count = np.array([g.count for g in groups])
        left = np.array([g.left[j - g.layer - 1] for g in groups])
        still = np.array([g.still[j - g.layer - 1] for g in groups])
        found = np.tile(np.array([0, FAR, FAR, -1, -1]), (len(groups), 1))
        own = check.light.paint(mask, self._waiting.count) if painted is NOTHING else painted
        pixels, own_mj_cm2, total_mj_cm2 = self._waiting.arrays
        arrays = pixel_light.FallingLightArrays(
            **check.light.sources(mask)._asdict(),
            **check.light.around(own)._asdict(),
            white=float(check.white_mj_cm2[j]),
            induction=check.cure.induction_mj_cm2,
            newest=int(check.cure.memory == "open"),
            threshold=check.cure.threshold_mj_cm2,
            pixels=pixels,
            own=own_mj_cm2,
            total=total_mj_cm2,
            waiting=count,
            left=left,
            still=still,
            found=found,
        )
        self._waiting.count = call(pixel_light.fall, self._waiting.count, *arrays)
        if painted is NOTHING:
            check.light.done(own)
        for g, stay, (dark, *box) in zip(groups, count.tolist(), found.tolist(), strict=True):
            g.count = stay
            if dark:
                self._add_dark(g.layer, dark, np.array(box[:2]), np.array(box[2:]))
        self._groups = [g for g in groups if g.count]

    def _add_dark(self, layer: int, many: int, first: np.ndarray, last: np.ndarray) -> None:
        self._dark.setdefault(layer, _Dark(0, first, last)).add(many, first, last)

    def _let_go(self, done: np.ndarray) -> None:
        """Take pixels that nothing changes any more from those that wait; keep in mind which of them are dark."""
        check, begin, (where, own, total) = self.check, 0, self._waiting.arrays
        dark = done & (check.join(own, total) < check.cure.threshold_mj_cm2)
        for g in self._groups:
            mine = slice(begin, begin + g.count)
            begin += g.count
            if dark[mine].any():
                pixels = where[mine][dark[mine]]
                self._add_dark(g.layer, len(pixels), pixels.min(axis=0), pixels.max(axis=0))
            g.count -= int(np.count_nonzero(done[mine]))
        self._groups = [g for g in self._groups if g.count]
        self._waiting.keep(~done)
