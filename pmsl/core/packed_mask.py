"""A mask that waits packed: plates of very many fields hold one for each, and look at one at a time."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from pmsl.core.mask import LayerMask, Window
from pmsl.core.runs import Runs

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

LEVEL = 1  # of zlib: rows that repeat are most of it


class PackedMask(LayerMask):
    """A `LayerMask` whose runs are unpacked each time that they are asked for, and not kept; the same in everything else."""

    __slots__ = ("_counts", "_data")

    _counts: tuple[int, int]
    _data: bytes

    @classmethod
    def of(cls, mask: LayerMask) -> PackedMask:
        """Pack a mask.

        Parameters
        ----------
        mask : LayerMask
        """
        runs, made = mask.runs(), object.__new__(cls)
        arrays = np.diff(runs.row_start).astype(np.int32), runs.col, runs.length, runs.value
        data = zlib.compress(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays), LEVEL)
        facts = {"index": mask.index, "shape": mask.shape, "window": mask.window, "_runs": None, "_dense": None, "_eight": None, "_sum": -1}
        for name, value in (*facts.items(), ("_counts", (len(arrays[0]), len(runs.col))), ("_data", data)):
            object.__setattr__(made, name, value)
        return made

    def unpacked(self) -> LayerMask:
        """Return it as a mask that is not packed."""
        (rows, n), data = self._counts, zlib.decompress(self._data)
        ends = np.cumsum([0, 4 * rows, 4 * n, 4 * n, 2 * n]).tolist()
        kinds = (np.int32, np.int32, np.int32, np.uint16)
        counts, col, length, value = (np.frombuffer(data[a:b], kind) for a, b, kind in zip(ends[:-1], ends[1:], kinds, strict=True))
        row_start = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])
        return LayerMask.from_runs(self.index, self.shape, self.window.row0, Runs(row_start, col, length, value))

    @property
    def black_at_8_bit(self) -> bool:
        """True where no pixel reaches the lowest 8-bit level."""
        return self.unpacked().black_at_8_bit

    def dense(self, dtype: DTypeLike = np.float32) -> np.ndarray:
        """Return the whole mask; as `LayerMask.dense`."""
        return self.unpacked().dense(dtype)

    def within(self, window: Window, dtype: DTypeLike = np.uint8) -> np.ndarray:
        """Return the part of the mask inside a window; as `LayerMask.within`."""
        return self.unpacked().within(window, dtype)

    def runs(self) -> Runs:
        """Return the mask as maximal uint16 runs; as `LayerMask.runs`."""
        return self.unpacked().runs()

    def runs_8bit(self) -> Runs:
        """Return the maximal runs of the 8-bit mask; as `LayerMask.runs_8bit`."""
        return self.unpacked().runs_8bit()

    def column_sums_px(self) -> np.ndarray:
        """Return the covered area of every column; as `LayerMask.column_sums_px`."""
        return self.unpacked().column_sums_px()

    def sum_px(self) -> float:
        """Return the covered area in pixels; as `LayerMask.sum_px`."""
        return self.unpacked().sum_px()
