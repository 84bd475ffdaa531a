"""Masks of the layers around the one in work, made once for all that look at them."""

from __future__ import annotations

import threading
from collections import OrderedDict

from pmsl.core.defects import Defects
from pmsl.core.mask import LayerMask
from pmsl.masks.maker import MaskMaker


class RecentMasks:
    """Gives the mask of any layer and keeps the last `many`; from any thread, always the same."""

    def __init__(self, maker: MaskMaker, many: int) -> None:
        self._maker, self._many = maker, many
        self._kept: OrderedDict[int, tuple[LayerMask, Defects]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, k: int) -> LayerMask:
        """Return the mask of layer `k`, and keep it."""
        found = self.plain(k)
        with self._lock:
            self._kept[k] = found
            self._kept.move_to_end(k)
            while len(self._kept) > self._many:
                self._kept.popitem(last=False)
        return found[0]

    def plain(self, k: int) -> tuple[LayerMask, Defects]:
        """Return the mask of layer `k` and what is doubtful about it; one that is not kept already is made and not kept."""
        with self._lock:
            found = self._kept.get(k)
        return self._maker.mask_and_defects(k) if found is None else found
