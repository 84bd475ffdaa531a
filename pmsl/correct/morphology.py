"""Discs on pixels: growing and shrinking sets of them."""

from __future__ import annotations

import math

import numpy as np

from pmsl.core.mask import Window

Pair = tuple[float, float]


def disc(radius_px: Pair) -> np.ndarray:
    """Return how far a disc (an ellipse, where pitches differ) reaches along x in every row: (2 R + 1,) int64.

    Pixels belong to it whose middles do: radius 0 is the middle pixel alone. `radius_px` is (along y, along x).
    """
    down, across = radius_px
    rows = np.arange(-math.floor(down + 1e-9), math.floor(down + 1e-9) + 1)
    left = 1.0 - (rows / down) ** 2 if down > 0 else np.ones(1)
    return np.floor(across * np.sqrt(np.maximum(left, 0.0)) + 1e-9).astype(np.int64)


def grown(inside: np.ndarray, half_width: np.ndarray) -> np.ndarray:
    """Return the pixels that discs around those `inside` reach; (rows, cols) bool → the same shape."""
    from pmsl.kernels.runs import dilate

    out = np.zeros(inside.shape, np.uint8)
    dilate.grow(np.ascontiguousarray(inside).view(np.uint8), half_width, out)
    return out.view(bool)


def shrunk(inside: np.ndarray, half_width: np.ndarray) -> np.ndarray:
    """Return the pixels whose whole disc lies `inside`; what is beyond the array is not inside."""
    reach = max(len(half_width) // 2, int(half_width.max()))
    outside = np.pad(~inside, reach, constant_values=True)
    kept = ~grown(outside, half_width)
    return kept[reach : reach + inside.shape[0], reach : reach + inside.shape[1]]


def largest_within(levels: np.ndarray, half_width: np.ndarray) -> np.ndarray:
    """Return the largest level within the disc around every pixel; beyond the array there is none."""
    rows, cols = levels.shape
    reach = len(half_width) // 2
    out = np.zeros_like(levels)
    for i, half in enumerate(half_width.tolist()):
        for right in range(-half, half + 1):
            to, of = _overlap(i - reach, rows), _overlap(right, cols)
            np.maximum(out[to[0], of[0]], levels[to[1], of[1]], out=out[to[0], of[0]])
    return out


def _overlap(shift: int, n: int) -> tuple[slice, slice]:
    """Slices of two lines of n, one shifted against the other."""
    return slice(max(0, shift), n + min(0, shift)), slice(max(0, -shift), n + min(0, -shift))


def grown_window(window: Window, by_px: tuple[int, int], shape: tuple[int, int]) -> Window:
    """Return a window with so many rows and columns more on every side, cut at the field."""
    row0, col0 = max(0, window.row0 - by_px[0]), max(0, window.col0 - by_px[1])
    row1, col1 = min(shape[0], window.row0 + window.rows + by_px[0]), min(shape[1], window.col0 + window.cols + by_px[1])
    return Window(row0, col0, row1 - row0, col1 - col0)
