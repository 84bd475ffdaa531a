"""Maps of which a row that is the same as the one before need not be written; see ``pmsl.kernels.compare.row_dedup``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class DedupRows(NamedTuple):
    """A map, or several that are alike in this: row r is ``values[..., held[r], :]``.

    Attributes
    ----------
    values : (R, C) or (T, R, C) float32
    held : (R,) int32
        Rising; ``held[r]`` is r where a row is written, else that of the row before.
    """

    values: np.ndarray
    held: np.ndarray

    @classmethod
    def dark(cls, shape: tuple[int, ...], folds: bool) -> DedupRows:
        """Make maps of zeros: one row, or all of them where none may be folded."""
        whole = cls.whole(np.zeros(shape, np.float32))
        return whole._replace(held=np.zeros_like(whole.held)) if folds else whole

    @classmethod
    def whole(cls, values: np.ndarray) -> DedupRows:
        """Take a map of which every row is written."""
        return cls(values, np.arange(values.shape[-2], dtype=np.int32))

    def terms(self) -> list[DedupRows]:
        """Return each of several maps."""
        return [DedupRows(term, self.held) for term in self.values]

    def unfold(self) -> None:
        """Write every row."""
        from pmsl.kernels.compare import row_dedup

        row_dedup.unfold(self.values, self.held)
