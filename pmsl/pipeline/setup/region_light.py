"""What the layers of a job are given where regions and parts have doses of their own."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pmsl.core.mask import LayerMask, Window
from pmsl.correct.regions import RegionDoses
from pmsl.exposure import Ladder
from pmsl.masks.area_masks import PartMasks
from pmsl.masks.mask_source import RecentMasks
from pmsl.mesh.region import ImageSetting

if TYPE_CHECKING:
    from pmsl.correct.modifiers import RegionShares

Image = tuple[LayerMask, float]


@dataclass(frozen=True, slots=True, eq=False)
class RegionalLight:
    """Images and exposures of the layers of one job, from any thread; the last `many` layers' exposures are kept.

    Attributes
    ----------
    regions : RegionDoses
    recent : RecentMasks
        Masks as the part has them.
    groups : sequence of PartMasks
        Of the parts of every dose scale, where scales differ.
    ladder : Ladder
    many : int
    shares : RegionShares or None
        Regions that meshes draw.
    """

    regions: RegionDoses
    recent: RecentMasks
    groups: Sequence[PartMasks]
    ladder: Ladder
    many: int
    shares: RegionShares | None = None
    _kept: OrderedDict[int, list[Image]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def images(self, k: int, mask: LayerMask) -> tuple[list[Image], list[ImageSetting] | None]:
        """Return the images of layer k, whose mask may have been changed, each with its dose factor; and how each is shown, where regions
        share pixels out among them.
        """
        images = self.regions.apply(k, [(mask, 1.0)], self.recent, self._group_masks(k))
        if self.shares is None:
            return images, None
        pieces = self.shares.split(k, images, self.recent(k), self.recent)
        return [(piece.mask, piece.factor) for piece in pieces], [piece.setting for piece in pieces]

    def exposures(self, k: int) -> list[Image]:
        """Return the masks of layer k as the part has it, each with the dose of its white [mJ/cm²]: one event each."""
        with self._lock:
            found = self._kept.get(k)
        if found is None:
            found = self._events(k)
            with self._lock:
                self._kept[k] = found
                while len(self._kept) > self.many:
                    self._kept.popitem(last=False)
        return found

    def _events(self, k: int) -> list[Image]:
        found: list[Image] = []
        images, settings = self.images(k, self.recent(k))
        for setting, merged in self.ladder.merged(images, k, settings):
            if self.ladder.even is None:
                doses, _ = self.ladder.shown(np.array([dose for _, dose in merged]), setting.power)
                merged = [(mask, dose) for (mask, _), dose in zip(merged, doses.tolist(), strict=True)]
            found += merged
        return found

    def white_mj_cm2(self, k: int, pixels: np.ndarray) -> np.ndarray:
        """Return the dose of white in the regions of pixels, (n, 2) row and column: (n,) float64 [mJ/cm²]."""
        (row0, col0), (row1, col1) = pixels.min(axis=0).tolist(), pixels.max(axis=0).tolist()
        window = Window(row0, col0, row1 - row0 + 1, col1 - col0 + 1)
        factors = self.regions.factors(k, window, self.recent, self._group_masks(k))
        if self.shares is not None:
            factors = factors * self.shares.factors(k, window, self.recent(k), self.recent)
        known, which = np.unique(factors[pixels[:, 0] - row0, pixels[:, 1] - col0], return_inverse=True)
        doses = [self.ladder.merger.white_mj_cm2(float(self.ladder.dose_mj_cm2[k]), float(factor)) for factor in known]
        return np.asarray(np.array(doses)[which])

    def _group_masks(self, k: int) -> list[LayerMask]:
        return [group.mask(k) for group in self.groups]
