"""Images of a layer as regions make them: levels collected by dose factor and by how they are shown."""

from __future__ import annotations

import numpy as np

from pmsl.core.mask import FULL, LayerMask, Window
from pmsl.mesh.region import ORDINARY, ImageSetting, RegionImage


class LevelGroups:
    """Collects levels of a window by dose factor and setting."""

    def __init__(self, index: int, shape: tuple[int, int], window: Window) -> None:
        self._index, self._shape, self._window = index, shape, window
        self._levels: dict[tuple[float, ImageSetting, int], np.ndarray] = {}
        self._first: dict[tuple[float, ImageSetting, int], int] = {}

    def add(self, here: tuple[slice, slice], levels: np.ndarray, factor: float, setting: ImageSetting, region: int) -> None:
        """Add levels to those of the same factor and setting; where both light a pixel more than whole, beside them."""
        if not levels.any():
            return
        for again in range(len(self._levels) + 1):
            key = (factor, setting, again)
            known = self._levels.setdefault(key, np.zeros((self._window.rows, self._window.cols), np.uint16))
            if (known[here].astype(np.uint32) + levels <= FULL).all():
                known[here] += levels
                self._first[key] = min(self._first.get(key, region), region)
                return

    def pieces(self) -> list[RegionImage]:
        """Return the images: ordinary light first, then in the order regions are named."""
        order = sorted(self._levels, key=lambda key: (key[1] != ORDINARY, self._first[key]))
        masks = {key: LayerMask.from_window(self._index, self._shape, self._window, self._levels[key]) for key in order}
        return [RegionImage(masks[key], key[0], key[1]) for key in order]


def scaled(levels: np.ndarray, part: np.ndarray, of_part: np.ndarray, of_pixel: np.ndarray) -> np.ndarray:
    """Return a region's share of an image's levels: exactly where these are the part's, else in proportion; beside the part by pixel."""
    changed = (levels != part) & (levels > 0)
    out = np.where(levels == 0, np.uint16(0), of_part)
    if changed.any():
        base = np.where(part[changed] > 0, part[changed], FULL).astype(np.float64)
        share = np.where(part[changed] > 0, of_part[changed], of_pixel[changed]) / base
        out[changed] = np.floor(levels[changed] * np.minimum(share, 1.0) + 0.5).astype(np.uint16)
    return np.asarray(out.astype(np.uint16))
