"""8-bit gray PNG, written from runs or by our own framing around one deflate call."""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.core.runs import runs_of
from pmsl.formats.frames import device_frame, frame_shape
from pmsl.profiles.printer import Orientation

SIGNATURE = b"\x89PNG\r\n\x1a\n"
DENSE = 12  # runs cost more than pixels when they are shorter than this
BAND = 1 << 20  # bytes handed to a compressor at a time


def encode_mask(mask: LayerMask, orientation: Orientation, small: bool = False) -> bytes:
    """Encode the 8-bit frame of a mask; equal masks give equal bytes, whatever form they are in.

    Parameters
    ----------
    mask : LayerMask
    orientation : Orientation
        Which way frame rows and columns grow.
    small : bool
        Search longer for a smaller file: never larger than what zlib makes of the same pixels at level 6.
        Now and then that is the file, so its bytes may depend on the version of zlib.

    Returns
    -------
    bytes
        An ordinary PNG, 8-bit gray. Written from runs, without a frame in between, but for transposed frames and
        those of which more than one pixel in `DENSE` begins a run: the latter are compressed as pixels.
    """
    rows, cols = frame_shape(mask.shape, orientation)
    if orientation.row[1] == "y":
        runs, row0, flips = mask.runs_8bit(), mask.window.row0, (orientation.row[0] == "-", orientation.col[0] == "-")
    else:
        runs, row0, flips = runs_of(device_frame(mask, orientation), (0, 0, rows, cols)), 0, (False, False)
    if len(runs.col) * DENSE > rows * cols:
        return encode(device_frame(mask, orientation), small)
    turned = (runs.row_start, row0, runs.col, runs.length, runs.value, rows, cols, *flips)
    return _file(rows, cols, _smallest(turned) if small else _desk().compressed(turned))


class _Desk(threading.local):
    """Working arrays of one thread: they grow to what the largest frame needs and are used again for the next."""

    def __init__(self) -> None:
        self._scratch: tuple[np.ndarray, ...] = ()
        self._out = np.empty(1 << 16, np.uint8)
        self._size = -1, -1

    def compressed(self, turned: tuple[Any, ...]) -> bytes:
        """Return the zlib stream of a frame given as the first arguments of ``kernels.frame.zlib_of_runs``."""
        from pmsl.kernels import frame

        n, pixels = room_of(turned), turned[5] * (turned[6] + 1)
        if n > self._size[0] or pixels > self._size[1]:
            self._make(n + n // 2, pixels)
        while True:
            size: int = frame.zlib_of_runs(*turned, *self._scratch, self._out)
            if size <= len(self._out):
                return self._out[:size].tobytes()
            self._out = np.empty(size + size // 2, np.uint8)

    def _make(self, n: int, pixels: int) -> None:
        from pmsl.kernels import copies, deflate

        self._size = n, pixels
        self._scratch = (
            *(np.empty(n, np.uint8), np.empty(n, np.int64), np.empty(n + 1, np.int64), np.empty(1 << copies.HASH_BITS, np.int32)),
            *(np.empty(n, np.int32), np.empty(4 * n + pixels // 255 + 16, np.int32), np.empty(deflate.WORK, np.int64)),
        )


_desk = cache(_Desk)


def room_of(turned: tuple[Any, ...]) -> int:
    """Return how many runs the byte stream of a frame may have."""
    return 2 * len(turned[2]) + int(turned[5]) + 2


def _smallest(turned: tuple[Any, ...]) -> bytes:
    """Return the shortest zlib stream of a frame that is found with patience."""
    from pmsl.formats import pngsmall
    from pmsl.kernels import copies, deflate, png

    room = room_of(turned)
    value, length = np.zeros(room, np.uint8), np.zeros(room, np.int64)
    count = png.stream(*turned, value, length)
    start = np.zeros(count + 1, np.int64)
    symbols = np.zeros(4 * count + int(length[:count].sum()) // 255 + 16, np.int32)
    scratch = start, np.zeros(1 << copies.HASH_BITS, np.int32), np.zeros(count, np.int32)
    n = png.symbols_of(value, length, count, *scratch, symbols)
    adler = deflate.adler32(value, length, count)
    data = _zlib_stream(symbols, n, adler)
    n = pngsmall.cheapest_symbols(value, length, count, scratch, symbols, n)
    raw = pngsmall.bytes_of_runs(value, start, BAND)
    return min(data, _zlib_stream(symbols, n, adler), *_compressed(raw, pngsmall.compressors()), key=len)


def encode(frame: np.ndarray, small: bool = False) -> bytes:
    """Encode a dense frame as an ordinary PNG.

    Parameters
    ----------
    frame : (rows, cols) uint8
    small : bool
        Take the smallest of what ISA-L makes of it, and zlib at levels 6 and 9.

    Returns
    -------
    bytes
        8-bit gray, no filter, not interlaced, no time stamp.
    """
    from isal import isal_zlib

    compressors = [isal_zlib.compressobj(1)]
    if small:
        from pmsl.formats import pngsmall

        compressors += pngsmall.compressors()
    rows, cols = frame.shape
    return _file(rows, cols, min(_compressed(_bands(frame), compressors), key=len))


def _bands(frame: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the bytes that a PNG compresses, some rows at a time."""
    rows, cols = frame.shape
    many = max(1, BAND // (cols + 1))
    for first in range(0, rows, many):
        part = frame[first : first + many]
        raw = np.zeros((len(part), cols + 1), np.uint8)  # a filter byte (0, none) before every row
        raw[:, 1:] = part
        yield raw.reshape(-1)


def _compressed(bands: Iterable[np.ndarray], compressors: Sequence[Any]) -> list[bytes]:
    """Return what each of the compressors makes of the same bytes."""
    out: list[list[bytes]] = [[] for _ in compressors]
    for band in bands:
        for parts, compressor in zip(out, compressors, strict=True):
            parts.append(compressor.compress(band))
    return [b"".join([*parts, compressor.flush()]) for parts, compressor in zip(out, compressors, strict=True)]


def _zlib_stream(symbols: np.ndarray, n: int, adler: int) -> bytes:
    """Write the first `n` deflate symbols as a zlib stream."""
    from pmsl.kernels import deflate

    out = np.zeros(6 * n + 4096, np.uint8)  # a copy takes at most 48 bits
    return out[: deflate.zlib_stream(symbols, n, adler, np.zeros(deflate.WORK, np.int64), out)].tobytes()


def _file(rows: int, cols: int, data: bytes) -> bytes:
    """Frame a zlib stream as an 8-bit gray PNG."""
    return _head(rows, cols) + _chunk(b"IDAT", data) + END


@cache
def _head(rows: int, cols: int) -> bytes:
    return SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", cols, rows, 8, 0, 0, 0, 0))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


END = _chunk(b"IEND", b"")
