"""Masks of the layers around the one in work, made once for all that look at them."""

from __future__ import annotations

import threading
from collections import OrderedDict

from pmsl.core.mask import LayerMask
from pmsl.masks.maker import MaskMaker


class RecentMasks:
    """Gives the mask of any layer and keeps the last `many`; from any thread, always the same."""

    def __init__(self, maker: MaskMaker, many: int) -> None:
        self._maker, self._many = maker, many
        self._kept: OrderedDict[int, LayerMask] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, k: int) -> LayerMask:
        """Return the mask of layer `k`."""
        with self._lock:
            found = self._kept.get(k)
        if found is None:
            found = self._maker.mask(k)
        self.keep(found)
        return found

    def keep(self, mask: LayerMask) -> None:
        """Take a mask that was made elsewhere."""
        with self._lock:
            self._kept[mask.index] = mask
            self._kept.move_to_end(mask.index)
            while len(self._kept) > self._many:
                self._kept.popitem(last=False)
