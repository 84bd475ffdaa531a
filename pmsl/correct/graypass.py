"""Grays that cure nothing, found while the layers of a job go by once, from the plate up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.mask import LayerMask
from pmsl.correct.unreachable import GrayCheck


@dataclass(slots=True)
class _Waiting:
    """Pixels of layers below the next one, in order of layers, that may still be cured by it."""

    layer: np.ndarray
    pixels: np.ndarray
    own: np.ndarray
    enough: np.ndarray
    total: np.ndarray

    def taken(self, some: np.ndarray) -> _Waiting:
        """Return those of a mask (n,) bool."""
        return _Waiting(self.layer[some], self.pixels[some], self.own[some], self.enough[some], self.total[some])


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
        self._left: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._dark: dict[int, list[np.ndarray]] = {}
        none = np.zeros(0)
        self._waiting = _Waiting(np.zeros(0, np.int64), np.zeros((0, 2), np.int64), none, none, none)

    def begin(self, k: int, mask: LayerMask) -> None:
        """Look at the grays of layer k by themselves; from any thread, in any order."""
        self._begun[k] = (mask, *self._check.doubtful(k, mask))

    def passed(self, k: int) -> None:
        """Give the light of layer k, begun before, to the pixels below it; layer after layer, from one thread."""
        mask, pixels, own = self._begun.pop(k)
        if len(self._waiting.layer):
            self._lit_by(k, mask)
        if len(pixels):
            self._left[k] = self._check.left(k)
            new = _Waiting(np.full(len(own), k), pixels, own, self._check.lacking(own), np.zeros(len(own)))
            w = self._waiting
            pairs = ((w.layer, new.layer), (w.pixels, new.pixels), (w.own, new.own), (w.enough, new.enough), (w.total, new.total))
            self._waiting = _Waiting(*(np.concatenate(pair) for pair in pairs))

    def findings(self) -> tuple[Finding, ...]:
        """Return what is found, in order of layers; all of them have passed."""
        self._settle(self._waiting)
        self._waiting = self._waiting.taken(np.zeros(len(self._waiting.layer), bool))
        return tuple(self._check.finding(k, np.concatenate(self._dark[k])) for k in sorted(self._dark))

    def _lit_by(self, j: int, mask: LayerMask) -> None:
        """Add the light of layer j; let go of pixels that it and what is above it cannot change."""
        check, w = self._check, self._waiting
        layers, counts = np.unique(w.layer, return_counts=True)
        at = [(*self._left[k], j - k - 1) for k in layers.tolist()]
        left = np.repeat([left[i] if i < len(left) else 0.0 for left, _, i in at], counts)
        still = np.repeat([still[i] if i < len(still) else -np.inf for _, still, i in at], counts)
        open_ = (w.total < w.enough) & (w.total + still >= w.enough)
        if not open_.all():
            self._settle(w.taken(~open_))
            self._waiting, left = w.taken(open_), left[open_]
            for k in set(layers.tolist()) - set(self._waiting.layer.tolist()):
                del self._left[k]
        w = self._waiting
        if len(w.layer):
            w.total = check.join(w.total, check.effective(check.dose(j, mask, w.pixels) * left))

    def _settle(self, w: _Waiting) -> None:
        """Keep those of the pixels that did not get enough."""
        dark = self._check.join(w.own, w.total) < self._check.cure.threshold_mj_cm2
        for k in np.unique(w.layer[dark]).tolist():
            self._dark.setdefault(k, []).append(w.pixels[dark & (w.layer == k)])
