"""Points of polylines as lines of text: thousandths as decimals, a blank between, a word after each polyline."""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel

LONGEST = 24  # bytes of a coordinate and its blank: sign, 18 digits, point


@helper
def decimal(value, out, n):
    """Write thousandths as a decimal with three places from `out[n]` on; returns where it ends."""
    rest = value
    if rest < 0:
        out[n] = 45
        n += 1
        rest = -rest
    digits = 1
    top = rest // 1000
    while top >= 10:
        top //= 10
        digits += 1
    whole, part = rest // 1000, rest % 1000
    for i in range(n + digits - 1, n - 1, -1):
        out[i] = 48 + whole % 10
        whole //= 10
    n += digits
    out[n] = 46
    out[n + 1] = 48 + part // 100
    out[n + 2] = 48 + part // 10 % 10
    out[n + 3] = 48 + part % 10
    return n + 4


@kernel
def point_lines(xy, start, tail, word, out):
    """Write ``x y`` and `tail` for every point, and `word` after the last point of every polyline.

    Parameters
    ----------
    xy : (N, 2) int64
        Thousandths.
    start : (n + 1,) int64
        First point of each polyline, and their number.
    tail, word : (t,) uint8; (w,) uint8
        Bytes, line ends included.
    out : (M,) uint8
        Overwritten; ``2 * LONGEST + t`` a point and ``w`` a polyline are enough.

    Returns
    -------
    int
        Number of bytes.
    """
    n = 0
    for line in range(len(start) - 1):
        for i in range(start[line], start[line + 1]):
            n = decimal(xy[i, 0], out, n)
            out[n] = 32
            n = decimal(xy[i, 1], out, n + 1)
            for j in range(len(tail)):
                out[n] = tail[j]
                n += 1
        for j in range(len(word)):
            out[n] = word[j]
            n += 1
    return n


def point_text(xy: np.ndarray, start: np.ndarray, tail: bytes, word: bytes) -> bytes:
    """Return the text of polylines; as `point_lines`.

    Parameters
    ----------
    xy : (N, 2) int64
    start : (n + 1,) int64
    tail, word : bytes
    """
    out = np.empty(len(xy) * (2 * LONGEST + len(tail)) + len(start) * len(word), np.uint8)
    n = point_lines(xy, start, np.frombuffer(tail, np.uint8), np.frombuffer(word, np.uint8), out)
    return out[:n].tobytes()
