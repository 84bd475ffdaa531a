"""PNG files built chunk by chunk, with any row filters."""

import struct
import zlib

import numpy as np

from pmsl.formats.frames.png_write import SIGNATURE


def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def ihdr(rows, cols, depth=8, colour=0, tail=(0, 0, 0)):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", cols, rows, depth, colour, *tail))


def filtered(frame, kinds):
    """The bytes before compression, each row with its filter, by the formulas of the PNG specification."""
    rows, cols = frame.shape
    x = frame.astype(int)
    a = np.pad(x, ((0, 0), (1, 0)))[:, :cols]
    b = np.pad(x, ((1, 0), (0, 0)))[:rows]
    c = np.pad(x, ((1, 0), (1, 0)))[:rows, :cols]
    p = a + b - c
    to_a, to_b, to_c = abs(p - a), abs(p - b), abs(p - c)
    paeth = np.where((to_a <= to_b) & (to_a <= to_c), a, np.where(to_b <= to_c, b, c))
    guesses = np.stack([np.zeros_like(x), a, b, (a + b) // 2, paeth])
    kinds = np.asarray(kinds)
    out = np.zeros((rows, cols + 1), np.uint8)
    out[:, 0] = kinds
    out[:, 1:] = (x - guesses[kinds, np.arange(rows)]) % 256
    return out.tobytes()


def file_of(frame, kinds=None, cuts=(), level=6):
    """A PNG of `frame`: row filters `kinds`, its data cut into several IDAT chunks."""
    raw = filtered(frame, np.zeros(len(frame), int) if kinds is None else kinds)
    z = zlib.compress(raw, level)
    at = [0, *sorted(c % (len(z) + 1) for c in cuts), len(z)]
    idat = b"".join(chunk(b"IDAT", z[i:j]) for i, j in zip(at[:-1], at[1:], strict=True))
    return SIGNATURE + ihdr(*frame.shape) + idat + chunk(b"IEND")
