"""``mask.png`` of an .sl1: how much of its light every pixel gives, in all layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import size_text
from pmsl.core.mask import LayerMask
from pmsl.errors import JobError
from pmsl.formats.container import zip_of_frames
from pmsl.formats.container.containers import FileSource
from pmsl.profiles.printer import Orientation

NAME = "mask.png"
SHARE = 255  # level that leaves a pixel as it is
BAND = 256  # rows worked on at a time
MOST_PIXELS = 1 << 26  # twice those of the largest panels: a byte is kept for each


def darkened(levels: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return the levels ``levels · share / 255``, to the nearest, as Prusa's firmware lays black over the rest of them.

    Parameters
    ----------
    levels, share : (rows, cols) uint8

    Returns
    -------
    (rows, cols) uint8
    """
    out = np.empty_like(levels)
    for row in range(0, len(out), BAND):
        product = levels[row : row + BAND].astype(np.uint16) * share[row : row + BAND] + np.uint16(SHARE // 2)
        out[row : row + BAND] = product // SHARE
    return out


@dataclass(frozen=True, slots=True)
class LightMask:
    """What darkens every layer; none where a file has no such mask, or a white one."""

    share: np.ndarray | None = None

    @classmethod
    def of(cls, source: FileSource, frames: list[str], shape: tuple[int, int], turn: Orientation, where: str) -> LightMask:
        """Read it from a file of so large a field, whose frames are turned so.

        Raises
        ------
        JobError
            Damaged, of another size or mode than frames; or the names of frames make it one of them.
        """
        if NAME not in source.names():
            return cls()
        if NAME in frames:
            raise JobError(f"{where}: jobDir makes {NAME}, the mask of all layers, a frame too; slice it again under another name")
        if shape[0] * shape[1] > MOST_PIXELS:
            raise JobError(f"{where}: {NAME} has {size_text(shape)} px; at most {MOST_PIXELS} px are read")
        share = zip_of_frames.mask_of_png(source, NAME, 0, shape, turn, where).dense(np.uint8)
        return cls(None if (share == SHARE).all() else share)

    def over(self, mask_of: Callable[[int, int], LayerMask]) -> Callable[[int, int], LayerMask]:
        """Return what decodes masks, darkened."""
        share = self.share
        if share is None:
            return mask_of
        return lambda k, j: LayerMask.from_dense(k, darkened(mask_of(k, j).dense(np.uint8), share))

    def findings(self) -> list[Finding]:
        """Say that frames are darkened."""
        if self.share is None:
            return []
        dark = float((self.share < SHARE).mean())
        message = (
            f"{NAME} takes light from {100 * dark:.3g} % of the pixels in every layer, down to {int(self.share.min())} of {SHARE}; "
            "the frames are read so, as Prusa's printers show them: other hosts leave it out, or show it as a layer"
        )
        return [Finding(code="light-mask", severity="warning", message=message, value=dark)]
