"""Grays that cure nothing, found while the layers of a job go by once, from the plate up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.mask import LayerMask
from pmsl.correct.unreachable import GrayCheck


@dataclass(slots=True)
class _Waiting:
    """Pixels that layers to come may still cure, in order of layers: where, effective doses of their own, needed and so far."""

    pixels: np.ndarray
    own: np.ndarray
    enough: np.ndarray
    total: np.ndarray

    def __getitem__(self, some: np.ndarray) -> _Waiting:
        """Return some of them."""
        return _Waiting(self.pixels[some], self.own[some], self.enough[some], self.total[some])

    def __add__(self, more: _Waiting) -> _Waiting:
        """Return these and more."""
        pairs = (self.pixels, more.pixels), (self.own, more.own), (self.enough, more.enough), (self.total, more.total)
        return _Waiting(*map(np.concatenate, pairs))


@dataclass(slots=True)
class _Group:
    """A layer whose pixels wait: how many, and of each layer above it what is left of its light and the most that is to come."""

    layer: int
    count: int
    left: list[float]
    still: list[float]


class GrayPass:
    """Gives the findings of `GrayCheck.apply`, of all layers together, and looks at each mask once instead of once a layer below it.

    Parameters
    ----------
    check : GrayCheck
        That keeps what it finds: masks are not changed.
    """

    def __init__(self, check: GrayCheck) -> None:
        self._check = check
        self._begun: dict[int, tuple[LayerMask, np.ndarray, np.ndarray]] = {}
        self._dark: dict[int, list[np.ndarray]] = {}
        self._groups: list[_Group] = []
        self._waiting = _Waiting(np.zeros((0, 2), np.int64), np.zeros(0), np.zeros(0), np.zeros(0))

    def begin(self, k: int, mask: LayerMask) -> None:
        """Look at the grays of layer k by themselves; from any thread, in any order."""
        self._begun[k] = (mask, *self._check.doubtful(k, mask))

    def passed(self, k: int) -> None:
        """Give the light of layer k, begun before, to the pixels below it; layer after layer, from one thread."""
        mask, pixels, own = self._begun.pop(k)
        if self._groups:
            self._lit_by(k, mask)
        if len(pixels):
            left, still = self._check.left(k)
            self._groups.append(_Group(k, len(own), [*left.tolist(), 0.0], [*still.tolist(), -np.inf]))
            self._waiting += _Waiting(pixels, own, self._check.lacking(own), np.zeros(len(own)))

    def beyond(self, first: int, n_layers: int, mask_of: Callable[[int], LayerMask]) -> None:
        """Give the light of the layers from `first` on, which belong to another run, to the pixels that still wait for some."""
        for k in range(first, n_layers):
            if not self._groups:
                return
            self._lit_by(k, mask_of(k))

    def findings(self) -> tuple[Finding, ...]:
        """Return what is found, in order of layers; all of them have passed."""
        self._let_go(np.ones(len(self._waiting.own), bool))
        return tuple(self._check.finding(k, np.concatenate(self._dark[k])) for k in sorted(self._dark))

    def _lit_by(self, j: int, mask: LayerMask) -> None:
        """Add the light of layer j; let go of pixels that it and what is above it cannot change."""
        w, groups, check = self._waiting, self._groups, self._check
        counts = [g.count for g in groups]
        still = np.repeat([g.still[j - g.layer - 1] for g in groups], counts)
        done = (w.total >= w.enough) | (w.total + still < w.enough)
        if done.any():
            self._let_go(done)
            w, groups = self._waiting, self._groups
        if groups:
            left = np.repeat([g.left[j - g.layer - 1] for g in groups], [g.count for g in groups])
            w.total = check.join(w.total, check.effective(check.doses(j, mask, w.pixels) * left))

    def _let_go(self, done: np.ndarray) -> None:
        """Take pixels that nothing changes any more from those that wait; keep in mind which of them are dark."""
        w, check, begin = self._waiting, self._check, 0
        dark = done & (check.join(w.own, w.total) < check.cure.threshold_mj_cm2)
        for g in self._groups:
            mine = slice(begin, begin + g.count)
            begin += g.count
            if dark[mine].any():
                self._dark.setdefault(g.layer, []).append(w.pixels[mine][dark[mine]])
            g.count -= int(np.count_nonzero(done[mine]))
        self._groups = [g for g in self._groups if g.count]
        self._waiting = w[~done]
