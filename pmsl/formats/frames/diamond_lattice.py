"""Frames of devices whose mirrors stand on their corners: the field's pixels in another order, see `pmsl.profiles.orientation.Diamond`."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.errors import TargetError
from pmsl.profiles.printer import Diamond


@lru_cache(maxsize=4)
def mirrors(lattice: Diamond) -> np.ndarray:
    """Return for every pixel of a frame, row after row, which pixel of the field it shows: (rows * cols,) int64, each once."""
    rows, cols = lattice.frame
    row, col = lattice.cell(np.arange(rows)[:, None], np.arange(cols)[None, :])
    return np.asarray(row * lattice.field[1] + col, np.int64).reshape(-1)


def gathered(levels: np.ndarray, lattice: Diamond) -> np.ndarray:
    """Return the frame of the field's levels; what has no mirror is left out."""
    return np.asarray(np.ascontiguousarray(levels).reshape(-1)[mirrors(lattice)].reshape(lattice.frame))


def scattered(frame: np.ndarray, lattice: Diamond) -> np.ndarray:
    """Return the field of a frame; 0 where no mirror is."""
    rows, cols = lattice.field
    field = np.zeros(rows * cols, frame.dtype)
    field[mirrors(lattice)] = frame.reshape(-1)
    return field.reshape(rows, cols)


def check_lit(mask: LayerMask, lattice: Diamond) -> None:
    """Refuse a mask that lights pixels without a mirror.

    Raises
    ------
    TargetError
    """
    levels = mask.dense(np.uint8)
    stray = int(np.count_nonzero(levels) - np.count_nonzero(gathered(levels, lattice)))
    if stray:
        rows, cols = lattice.frame
        raise TargetError(
            f"layer {mask.index}: {stray} lit pixels lie in a corner of the field where the diamond lattice of {rows} rows of {cols} "
            "has no mirrors; move the part to the middle (--at), or turn it (--rotate 0,0,-45 lays its x along the rows)",
            "lit area", stray, 0,
        )  # fmt: skip
