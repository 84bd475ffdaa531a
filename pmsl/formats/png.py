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
from pmsl.formats.frames import device_frame, frame_shape
from pmsl.formats.framestream import Laid, laid
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
    return _file(rows, cols, deflated(mask, orientation, small, lead=1))


def encode_masks(masks: Sequence[tuple[LayerMask, Orientation]], small: bool = False) -> list[bytes]:
    """Return `encode_mask` of some masks, each with its orientation; where they are plain this is faster than one by one."""
    if small or len(masks) == 1:
        return [encode_mask(*each, small) for each in masks]
    frames = [laid(*each) for each in masks]
    sparse = [not _is_dense(frame) for frame in frames]
    streams = iter(_desk().all_compressed([_as_arguments(frame, 1) for frame, by_runs in zip(frames, sparse, strict=True) if by_runs]))
    return [
        _file(*frame.shape, next(streams)) if by_runs else encode_mask(*each)
        for each, frame, by_runs in zip(masks, frames, sparse, strict=True)
    ]


def deflated(mask: LayerMask, orientation: Orientation, small: bool = False, lead: int = 0) -> bytes:
    """Return the zlib stream of the pixels of a frame, row after row, each after `lead` zeros (the filter byte of a PNG is one)."""
    frame = laid(mask, orientation)
    if _is_dense(frame):
        return _deflated_pixels(device_frame(mask, orientation), small, lead)
    turned = _as_arguments(frame, lead)
    return _smallest(turned) if small else _desk().compressed(turned)


def _is_dense(frame: Laid) -> bool:
    """Tell whether runs would cost more than pixels."""
    rows, cols = frame.shape
    return len(frame.runs.col) * DENSE > rows * cols


def _as_arguments(frame: Laid, lead: int) -> tuple[Any, ...]:
    """Return a frame as the first arguments of ``kernels.frame.zlib_of_runs``."""
    runs = frame.runs
    return (runs.row_start, frame.row0, runs.col, runs.length, runs.value, *frame.shape, *frame[3:], lead)


def packed(page: np.ndarray) -> bytes:
    """Return the zlib stream of the bytes of any array, row after row."""
    from isal import isal_zlib

    data: bytes = isal_zlib.compress(np.ascontiguousarray(page), 1)
    return data


class _Desk(threading.local):
    """Working arrays of one thread: they grow to what the largest frame needs and are used again for the next."""

    def __init__(self) -> None:
        self._scratch: tuple[np.ndarray, ...] = ()
        self._outs = [np.empty(1 << 16, np.uint8)]
        self._size = -1, -1

    def compressed(self, turned: tuple[Any, ...]) -> bytes:
        """Return the zlib stream of a frame given as the first arguments of ``kernels.frame.zlib_of_runs``."""
        from pmsl.kernels import frame

        self._room([turned])
        while True:
            out = self._outs[0]
            size: int = frame.zlib_of_runs(*turned, *self._scratch, out)
            if size <= len(out):
                return out[:size].tobytes()
            self._outs[0] = np.empty(size + size // 2, np.uint8)

    def all_compressed(self, frames: Sequence[tuple[Any, ...]]) -> list[bytes]:
        """Return `compressed` of some frames, and let go of the interpreter's lock once for all of them."""
        from pmsl.kernels import frame
        from pmsl.kernels._jit import many

        self._room(frames)
        while len(self._outs) < len(frames):
            self._outs.append(np.empty_like(self._outs[0]))
        outs = self._outs[: len(frames)]
        sizes = many(frame.zlib_of_runs, [(*turned, *self._scratch, out) for turned, out in zip(frames, outs, strict=True)])
        data = []
        for i, (turned, out, size) in enumerate(zip(frames, outs, sizes, strict=True)):
            if size > len(out):
                self._outs[i] = np.empty(size + size // 2, np.uint8)
            data.append(out[:size].tobytes() if size <= len(out) else self.compressed(turned))
        return data

    def _room(self, frames: Sequence[tuple[Any, ...]]) -> None:
        n, pixels = max(map(room_of, frames), default=0), max((f[5] * (f[6] + f[9]) for f in frames), default=0)
        if n > self._size[0] or pixels > self._size[1]:
            self._make(n + n // 2, pixels)

    def _make(self, n: int, pixels: int) -> None:
        from pmsl.kernels import copies, deflate

        self._size = n, pixels
        self._scratch = (
            *(np.empty(n, np.uint8), np.empty(n, np.int64), np.empty(n + 1, np.int64), np.empty(1 << copies.HASH_BITS, np.int32)),
            *(np.empty(4 * n + pixels // 255 + 16, np.int32), np.empty(deflate.WORK, np.int64)),
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
    n = png.symbols_of(value, length, count, *scratch[:2], symbols)
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
    rows, cols = frame.shape
    return _file(rows, cols, _deflated_pixels(frame, small, lead=1))


def _deflated_pixels(frame: np.ndarray, small: bool, lead: int) -> bytes:
    from isal import isal_zlib

    compressors = [isal_zlib.compressobj(1)]
    if small:
        from pmsl.formats import pngsmall

        compressors += pngsmall.compressors()
    return min(_compressed(_bands(frame, lead), compressors), key=len)


def encode_colour(picture: np.ndarray) -> bytes:
    """Encode a small (rows, cols, 3) uint8 picture, such as a preview, as an ordinary RGB PNG."""
    from isal import isal_zlib

    rows, cols, _ = picture.shape
    (data,) = _compressed(_bands(picture.reshape(rows, 3 * cols), lead=1), [isal_zlib.compressobj(3)])
    return _file(rows, cols, data, colour=2)


def _bands(frame: np.ndarray, lead: int) -> Iterator[np.ndarray]:
    """Yield the bytes that are compressed, some rows at a time."""
    rows, cols = frame.shape
    many = max(1, BAND // (cols + lead))
    for first in range(0, rows, many):
        part = frame[first : first + many]
        raw = np.zeros((len(part), cols + lead), np.uint8)
        raw[:, lead:] = part
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

    size = 6 * n + 4096  # a copy takes at most 48 bits, but one symbol may stand for many copies
    while True:
        out = np.zeros(size, np.uint8)
        size = deflate.zlib_stream(symbols, n, adler, np.zeros(deflate.WORK, np.int64), out)
        if size <= len(out):
            return out[:size].tobytes()


def _file(rows: int, cols: int, data: bytes, colour: int = 0) -> bytes:
    """Frame a zlib stream as an 8-bit PNG of a colour type: 0 gray, 2 RGB."""
    return _head(rows, cols, colour) + _chunk(b"IDAT", data) + END


@cache
def _head(rows: int, cols: int, colour: int) -> bytes:
    return SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", cols, rows, 8, colour, 0, 0, 0))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


END = _chunk(b"IEND", b"")
