"""Pictures of predicted layers that fit in so many bytes: fewer steps of shares first, then larger squares."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np

from pmsl.core.arrays import evenly
from pmsl.report.page.blocks import packed

STEPS = 15  # of a share: four bits
WAYS = ((15, 1), (3, 1), (3, 2), (3, 3), (3, 4), (3, 6), (3, 8), (3, 12), (3, 16))  # steps of a share, squares along a side of a new one
SAMPLED = 24  # layers by which a way is chosen
SLACK = 0.9  # of the bytes: what the others may differ by


def fitted(layers: Mapping[int, bytes], shape: tuple[int, int], most: int) -> tuple[dict[int, bytes], int]:
    """Return layers in at most so many bytes, the best way that does, or the last.

    Parameters
    ----------
    layers : mapping of int to bytes
        zlib streams of (rows, cols) bytes: two shares of `STEPS` each.
    shape : (int, int)
        (rows, cols)
    most : int
        Bytes of all.

    Returns
    -------
    dict of int to bytes
        The same, each way.
    int
        How many squares along a side became one.
    """
    if sum(map(len, layers.values())) <= most:
        return dict(layers), 1
    numbers = sorted(layers)
    some = [numbers[i] for i in evenly(len(numbers), SAMPLED)]
    for steps, squares in WAYS[1:]:
        tried = sum(len(recoded(layers[k], shape, steps, squares)) for k in some) * len(numbers) / len(some)
        if tried <= SLACK * most or (steps, squares) == WAYS[-1]:
            made = {k: recoded(layers[k], shape, steps, squares) for k in numbers}
            if sum(map(len, made.values())) <= most or (steps, squares) == WAYS[-1]:
                return made, squares
    raise AssertionError("the last way is taken")


def recoded(data: bytes, shape: tuple[int, int], steps: int, squares: int) -> bytes:
    """Return a layer with so many steps of a share, and so many squares each way as one."""
    shares = np.frombuffer(zlib.decompress(data), np.uint8).reshape(shape)
    both = []
    for nibble in (shares >> 4, shares & 15):
        mean: np.ndarray = nibble.astype(np.float32)
        for axis in (0, 1):
            starts = np.arange(0, mean.shape[axis], squares)
            counts = (np.minimum(starts + squares, mean.shape[axis]) - starts).reshape((-1, 1) if axis == 0 else (1, -1))
            mean = np.add.reduceat(mean, starts, axis=axis) / counts.astype(np.float32)
        both.append(np.rint(np.rint(mean * (steps / STEPS)) * (STEPS / steps)).astype(np.uint8))
    return packed(both[0] << 4 | both[1])
