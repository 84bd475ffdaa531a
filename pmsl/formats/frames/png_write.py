"""8-bit gray PNG, written from runs or by our own framing around one deflate call."""

from __future__ import annotations

import io
import struct
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.formats.frames.device_frame import device_frame, frame_shape
from pmsl.formats.frames.frame_runs import PlacedRuns, laid
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
        Take the shorter of this and of what Pillow makes of the frame with `optimize`: so its bytes may depend on their versions.

    Returns
    -------
    bytes
        An ordinary PNG, 8-bit gray. Written from runs, without a frame in between, but for transposed frames and
        those of which more than one pixel in `DENSE` begins a run: the latter are compressed as pixels.
    """
    rows, cols = frame_shape(mask.shape, orientation)
    plain = _file(rows, cols, deflated(mask, orientation, lead=1))
    return min(plain, _optimized(device_frame(mask, orientation)), key=len) if small else plain


def encode_masks(masks: Sequence[tuple[LayerMask, Orientation]], small: bool = False) -> list[bytes]:
    """Return `encode_mask` of some masks, each with its orientation; where they are plain this is faster than one by one."""
    if small or len(masks) == 1:
        return [encode_mask(*each, small) for each in masks]
    frames = [laid(*each) for each in masks]
    sparse = [not _is_dense(frame) for frame in frames]
    streams = iter(_work_arrays().all_compressed([_to_deflate(frame, 1) for frame, by_runs in zip(frames, sparse, strict=True) if by_runs]))
    return [
        _file(*frame.shape, next(streams)) if by_runs else encode_mask(*each)
        for each, frame, by_runs in zip(masks, frames, sparse, strict=True)
    ]


def deflated(mask: LayerMask, orientation: Orientation, small: bool = False, lead: int = 0) -> bytes:
    """Return the zlib stream of the pixels of a frame, row after row, each after `lead` zeros (the filter byte of a PNG is one).

    With `small` the shorter of this and of what zlib makes of them at its highest level.
    """
    frame = laid(mask, orientation)
    dense = _is_dense(frame)
    data = _fast(device_frame(mask, orientation), lead) if dense else _work_arrays().compressed(_to_deflate(frame, lead))
    if not small:
        return data
    return min(data, _compressed(_bands(device_frame(mask, orientation), lead), zlib.compressobj(9)), key=len)


def _is_dense(frame: PlacedRuns) -> bool:
    """Tell whether runs would cost more than pixels."""
    rows, cols = frame.shape
    return len(frame.runs.col) * DENSE > rows * cols


class _RunsToDeflate(NamedTuple):
    """A frame as the first arguments of ``png_of_runs.zlib_of_runs``, in its order: shapes and kinds stand there."""

    row_start: np.ndarray
    row0: int
    col: np.ndarray
    run: np.ndarray
    level: np.ndarray
    rows: int
    cols: int
    flip_rows: bool
    flip_cols: bool
    lead: int


def _to_deflate(frame: PlacedRuns, lead: int) -> _RunsToDeflate:
    runs, (rows, cols) = frame.runs, frame.shape
    return _RunsToDeflate(runs.row_start, frame.row0, runs.col, runs.length, runs.value, rows, cols, *frame[3:], lead)


def packed(page: np.ndarray) -> bytes:
    """Return the zlib stream of the bytes of any array, row after row."""
    from isal import isal_zlib

    data: bytes = isal_zlib.compress(np.ascontiguousarray(page), 1)
    return data


class _WorkArrays(threading.local):
    """Working arrays of one thread: they grow to what the largest frame needs and are used again for the next."""

    def __init__(self) -> None:
        self._scratch: tuple[np.ndarray, ...] = ()
        self._outs = [np.empty(1 << 16, np.uint8)]
        self._size = -1, -1

    def compressed(self, frame: _RunsToDeflate) -> bytes:
        """Return the zlib stream of a frame."""
        from pmsl.kernels.codec import zlib_of_runs

        self._reserve([frame])
        while True:
            out = self._outs[0]
            size: int = zlib_of_runs.zlib_of_runs(*frame, *self._scratch, out)
            if size <= len(out):
                return out[:size].tobytes()
            self._outs[0] = np.empty(size + size // 2, np.uint8)

    def all_compressed(self, frames: Sequence[_RunsToDeflate]) -> list[bytes]:
        """Return `compressed` of some frames, and let go of the interpreter's lock once for all of them."""
        from pmsl.kernels._compiler.jit import many
        from pmsl.kernels.codec import zlib_of_runs

        self._reserve(frames)
        while len(self._outs) < len(frames):
            self._outs.append(np.empty_like(self._outs[0]))
        outs = self._outs[: len(frames)]
        sizes = many(zlib_of_runs.zlib_of_runs, [(*frame, *self._scratch, out) for frame, out in zip(frames, outs, strict=True)])
        data = []
        for i, (frame, out, size) in enumerate(zip(frames, outs, sizes, strict=True)):
            if size > len(out):
                self._outs[i] = np.empty(size + size // 2, np.uint8)
            data.append(out[:size].tobytes() if size <= len(out) else self.compressed(frame))
        return data

    def _reserve(self, frames: Sequence[_RunsToDeflate]) -> None:
        n, pixels = max(map(runs_needed, frames), default=0), max((f.rows * (f.cols + f.lead) for f in frames), default=0)
        if n > self._size[0] or pixels > self._size[1]:
            self._make(n + n // 2, pixels)

    def _make(self, n: int, pixels: int) -> None:
        from pmsl.kernels.codec import deflate, deflate_matches

        self._size = n, pixels
        self._scratch = (
            np.empty(n, np.uint8),
            np.empty(n, np.int64),
            np.empty(n + 1, np.int64),
            np.empty(1 << deflate_matches.HASH_BITS, np.int32),
            np.empty(4 * n + pixels // 255 + 16, np.int32),
            np.empty(deflate.WORK, np.int64),
        )


_work_arrays = cache(_WorkArrays)


def runs_needed(frame: _RunsToDeflate) -> int:
    """Return how many runs the byte stream of a frame may have."""
    return 2 * len(frame.col) + frame.rows + 2


def encode(frame: np.ndarray, small: bool = False) -> bytes:
    """Encode a dense frame as an ordinary PNG.

    Parameters
    ----------
    frame : (rows, cols) uint8
    small : bool
        Take the shorter of what ISA-L makes of it, and Pillow with `optimize`.

    Returns
    -------
    bytes
        8-bit gray, not interlaced, no time stamp; rows are filtered only where `small` gains by it.
    """
    rows, cols = frame.shape
    plain = _file(rows, cols, _fast(frame, lead=1))
    return min(plain, _optimized(frame), key=len) if small else plain


def _fast(frame: np.ndarray, lead: int) -> bytes:
    """Return the zlib stream of the bytes of a frame that ISA-L makes at its fastest level that compresses well."""
    from isal import isal_zlib

    return _compressed(_bands(frame, lead), isal_zlib.compressobj(1))


def _optimized(frame: np.ndarray) -> bytes:
    """Return the PNG that Pillow makes of a frame with patience: rows filtered where that helps, zlib at its highest level."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(frame).save(out, "png", optimize=True)
    return out.getvalue()


def encode_colour(picture: np.ndarray) -> bytes:
    """Encode a small (rows, cols, 3) uint8 picture, such as a preview, as an ordinary RGB PNG."""
    from isal import isal_zlib

    rows, cols, _ = picture.shape
    data = _compressed(_bands(picture.reshape(rows, 3 * cols), lead=1), isal_zlib.compressobj(3))
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


def _compressed(bands: Iterable[np.ndarray], compressor: Any) -> bytes:
    """Return what a compressor makes of bytes that come in bands."""
    return b"".join([*(compressor.compress(band) for band in bands), compressor.flush()])


def _file(rows: int, cols: int, data: bytes, colour: int = 0) -> bytes:
    """Frame a zlib stream as an 8-bit PNG of a colour type: 0 gray, 2 RGB."""
    return _head(rows, cols, colour) + _chunk(b"IDAT", data) + END


@cache
def _head(rows: int, cols: int, colour: int) -> bytes:
    return SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", cols, rows, 8, colour, 0, 0, 0))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


END = _chunk(b"IEND", b"")
