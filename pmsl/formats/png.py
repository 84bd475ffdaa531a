"""8-bit gray PNG, written from runs or by our own framing around one deflate call."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.formats.frames import device_frame
from pmsl.formats.pngread import SIGNATURE
from pmsl.profiles.printer import Orientation

DENSE = 12  # runs cost more than pixels when they are shorter than this


def encode_mask(mask: LayerMask, orientation: Orientation) -> bytes:
    """Encode the 8-bit frame of a mask; equal masks give equal bytes, whatever form they are in.

    Parameters
    ----------
    mask : LayerMask
    orientation : Orientation
        Which way frame rows and columns grow.

    Returns
    -------
    bytes
        An ordinary PNG, 8-bit gray. Written from runs, without a frame in between; frames of which more than
        one pixel in `DENSE` begins a run, or that are transposed, are compressed as pixels.
    """
    runs = mask.runs_8bit()
    rows, cols = mask.shape
    if orientation.row[1] != "y" or len(runs.col) * DENSE > rows * cols:
        return encode(device_frame(mask, orientation))
    from pmsl.kernels import deflate, png

    room = 2 * len(runs.col) + rows + 2
    value, length = np.zeros(room, np.uint8), np.zeros(room, np.int64)
    flips = orientation.row[0] == "-", orientation.col[0] == "-"
    count = png.stream(runs.row_start, mask.window.row0, runs.col, runs.length, runs.value, rows, cols, *flips, value, length)
    symbols = np.zeros(4 * count + rows * (cols + 1) // 255 + 16, np.int32)
    scratch = np.zeros(count + 1, np.int64), np.zeros(1 << png.HASH_BITS, np.int32), np.zeros(count, np.int32)
    n = png.symbols_of(value, length, count, *scratch, symbols)
    out = np.zeros(6 * n + 4096, np.uint8)  # a copy takes at most 48 bits
    size = deflate.zlib_stream(symbols, n, deflate.adler32(value, length, count), out)
    return _file(rows, cols, out[:size].tobytes())


def encode(frame: np.ndarray) -> bytes:
    """Encode a dense frame as an ordinary PNG.

    Parameters
    ----------
    frame : (rows, cols) uint8

    Returns
    -------
    bytes
        8-bit gray, no filter, not interlaced, no time stamp.
    """
    from isal import isal_zlib

    rows, cols = frame.shape
    raw = np.zeros((rows, cols + 1), np.uint8)  # a filter byte (0, none) before every row
    raw[:, 1:] = frame
    return _file(rows, cols, isal_zlib.compress(raw, 1))


def _file(rows: int, cols: int, data: bytes) -> bytes:
    """Frame a zlib stream as an 8-bit gray PNG."""
    header = struct.pack(">IIBBBBB", cols, rows, 8, 0, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
