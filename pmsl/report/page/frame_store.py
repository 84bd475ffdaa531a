"""Frames of a page: the 8-bit levels inside each mask's window, deflated, equal ones once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from pmsl.core.mask import LayerMask, Window
from pmsl.core.runs import Runs
from pmsl.formats.frames.png_write import deflated
from pmsl.profiles.printer import Orientation

AS_STORED = Orientation(row="+y", col="+x")  # rows of a page's frames are those of the grid


def window_levels(mask: LayerMask) -> bytes:
    """Return the zlib stream of the 8-bit levels in the window of a mask, row 0 at the smallest y."""
    row0, col0, rows, cols = mask.window
    if rows == 0:
        return b""
    eight = mask.runs_8bit()
    moved = Runs(eight.row_start, eight.col - col0, eight.length, eight.value)
    return deflated(LayerMask(mask.index, (rows, cols), Window(0, 0, rows, cols), moved, None, moved), AS_STORED)


@dataclass(slots=True)
class FrameStore:
    """Collects frames.

    Attributes
    ----------
    windows : list of Window
        Of every frame.
    data : list of bytes
        Its levels, as `window_levels` gives them.
    """

    windows: list[Window] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)
    _numbers: dict[tuple[Window, bytes], int] = field(default_factory=dict)

    def add(self, window: Window, levels: bytes) -> int:
        """Return the number of a frame; it is kept where it is a new one."""
        key = window, hashlib.sha256(levels).digest()
        if key not in self._numbers:
            self._numbers[key] = len(self.data)
            self.windows.append(window)
            self.data.append(levels)
        return self._numbers[key]
