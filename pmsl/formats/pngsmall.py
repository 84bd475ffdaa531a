"""What `png.encode_mask` does for a smaller file: the cheapest symbols for the runs, and zlib beside it."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from pmsl.kernels import cheapest, copies, deflate

CODE_OF_DISTANCE = np.searchsorted(deflate.DISTANCE_BASE, np.arange(copies.WINDOW + 1), side="right") - 1
RARE = 0.4  # how often a code that was not used is taken to be


def cheapest_symbols(
    value: np.ndarray, length: np.ndarray, count: int, scratch: tuple[np.ndarray, np.ndarray, np.ndarray], symbols: np.ndarray, n: int
) -> int:
    """Replace the first `n` deflate symbols of a frame by cheaper ones.

    One pass: a second one saves less than 0.1 %, and so does splitting into more blocks.

    Parameters
    ----------
    value : (R,) uint8; length : (R,) int64
        Runs of the byte stream, of which `count` count.
    count : int
    scratch : start (R + 1,) int64, head (2**14,) int32, following (R,) int32
        Where each run begins, as `kernels.png.symbols_of` left it, and room.
    symbols : (S,) int32
        Symbols of the stream; overwritten.
    n : int

    Returns
    -------
    int
        Number of symbols.
    """
    return int(cheapest.symbols_of(value, length, count, *scratch, *_costs(symbols[:n]), *_room(count), symbols))


def _room(count: int) -> tuple[np.ndarray, ...]:
    """Make the kernel's working arrays."""
    size, slots = min(cheapest.STAGE, count), cheapest.SLOTS
    bits, place = np.zeros((2, size + 1, slots)), np.zeros((size + 1, slots), np.int64)
    origin, path = np.zeros((size + 1, slots, 5), np.int64), np.zeros((2 * size + 2, 2), np.int64)
    return bits[0], bits[1], place, origin, path, np.zeros((cheapest.KEPT, 3), np.int64)


def _costs(symbols: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bits of each literal (256,), length (259,) and distance (32769,), extra bits included, were codes as frequent as in `symbols`."""
    copies = symbols[symbols > deflate.END]
    near = np.bincount(symbols[(symbols >= 0) & (symbols < deflate.END)], minlength=286) + np.bincount(
        257 + deflate.LENGTH_CODE[copies >> 16], minlength=286
    )
    far, full = np.bincount(CODE_OF_DISTANCE[copies & 0xFFFF], minlength=30), -int(symbols[symbols < 0].sum(dtype=np.int64))
    near[deflate.FULL] += full
    far[0] += full
    near_bits, far_bits = (np.log2(n.sum() + 1.0) - np.log2(np.maximum(n, RARE)) for n in (near, far))
    length_bits = near_bits[257 + deflate.LENGTH_CODE] + deflate.LENGTH_EXTRA[deflate.LENGTH_CODE]
    return near_bits[:256].copy(), length_bits, (far_bits + deflate.DISTANCE_EXTRA)[CODE_OF_DISTANCE]


def bytes_of_runs(value: np.ndarray, start: np.ndarray, band: int) -> Iterator[np.ndarray]:
    """Yield the bytes of runs that begin at ``start[:-1]``, `band` at a time: (band,) uint8, the last may be shorter."""
    for low in range(0, int(start[-1]), band):
        high = min(low + band, int(start[-1]))
        first, last = np.searchsorted(start, low, "right") - 1, np.searchsorted(start, high, "left")
        yield np.repeat(value[first:last], np.diff(np.clip(start[first : last + 1], low, high)))


def compressors() -> list[Any]:
    """Return zlib at the levels that are tried."""
    return [zlib.compressobj(6), zlib.compressobj(9)]
