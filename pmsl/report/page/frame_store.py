"""Frames of a page: the 8-bit levels around each mask's light, deflated, equal ones once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from pmsl.core.mask import EMPTY, LayerMask, Window
from pmsl.core.runs import Runs
from pmsl.formats.frames.png_write import deflated
from pmsl.profiles.printer import Orientation

SHARE, BESIDE = 1.4, 2_200_000  # a page takes so many times the bytes of its frames and, for pictures of predictions, so many
AS_BASE64 = 4 / 3
AS_STORED = Orientation(row="+y", col="+x")  # rows of a page's frames are those of the grid


def aligned(window: Window) -> Window:
    """Return a window whose columns begin at a multiple of 4 and are as many, so that a page reads four pixels at a time."""
    row0, col0, rows, cols = window
    first = col0 - col0 % 4
    return Window(row0, first, rows, -(-(col0 + cols - first) // 4) * 4)


def window_levels(mask: LayerMask) -> tuple[Window, bytes]:
    """Return what holds the light of a mask, aligned, and the zlib stream of the 8-bit levels there, row 0 at the smallest y."""
    if mask.window.rows == 0:
        return EMPTY, b""
    window, eight = aligned(mask.window), mask.runs_8bit()
    moved = Runs(eight.row_start, eight.col - window.col0, eight.length, eight.value)
    shape = window.rows, window.cols
    return window, deflated(LayerMask(mask.index, shape, Window(0, 0, *shape), moved, None, moved), AS_STORED)


@dataclass(slots=True)
class FrameStore:
    """Collects frames.

    Attributes
    ----------
    windows : list of Window
        Of every frame.
    data : list of bytes
        Its levels, as `window_levels` gives them.
    lit : Window
        Around all light of all layers.
    """

    windows: list[Window] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    lit: Window = EMPTY
    _shown: int = 0
    _numbers: dict[tuple[Window, bytes], int] = field(default_factory=dict)

    def add(self, window: Window, levels: bytes) -> int:
        """Return the number of a frame; it is kept where it is a new one."""
        self._shown += len(levels)
        key = window, hashlib.sha256(levels).digest()
        if key not in self._numbers:
            self._numbers[key] = len(self.data)
            self.windows.append(window)
            self.data.append(levels)
        return self._numbers[key]

    def overlay_bytes(self) -> int:
        """Return how many bytes, deflated, a page of these frames has for pictures of predicted layers.

        Notes
        -----
        What frames leave of `SHARE` times their bytes, each counted as often as it is shown, and `BESIDE`.
        """
        stored = AS_BASE64 * sum(map(len, self.data))
        return int((max(SHARE * self._shown - stored, 0.0) + BESIDE) / AS_BASE64)
