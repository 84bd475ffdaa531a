"""Spreading light that is one value over wide areas: only what lies within reach of a change is reckoned."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pmsl.core.mask import Window
from pmsl.optics.convolution import spread
from pmsl.optics.psf import Lorentzian, Psf

TILE_ROWS, TILE_COLS = 32, 128


def spread_in_tiles(light: np.ndarray, source: Window, target: Window, psf: Psf) -> np.ndarray:
    """Spread light as `spread` does (means over pixels), but leave tiles alone that see one value only.

    Parameters
    ----------
    light : (source.rows, source.cols) ndarray
        Of each pixel; outside the source window there is no light.
    source, target : Window
    psf : Gaussian, Lorentzian or Sampled
        A Lorentzian has no end: all of it is spread.

    Returns
    -------
    (target.rows, target.cols) float64
        Equal to `spread` to what a spread cuts off beyond its reach (1.3e-12 of the light for each axis).
    """
    if isinstance(psf, Lorentzian):
        return spread(light, source, target, psf)
    light = np.ascontiguousarray(light, dtype=np.float64)
    out = np.zeros((target.rows, target.cols))
    for row in range(0, target.rows, TILE_ROWS):
        rows = min(TILE_ROWS, target.rows - row)
        for col, cols, value in _stretches(light, source, target, psf, row, rows):
            if value is not None:
                out[row : row + rows, col : col + cols] = value
                continue
            strip = Window(target.row0 + row, target.col0 + col, rows, cols)
            seen = _within_reach(source, strip, psf)
            part = light[_at(seen, source)]
            out[row : row + rows, col : col + cols] = spread(part, seen, strip, psf)
    return out


def _stretches(light: np.ndarray, source: Window, target: Window, psf: Psf, row: int, rows: int) -> Iterator[tuple[int, int, float | None]]:
    """Yield (first column, columns, value) of a band of tiles: tiles that see one value, and joined stretches of those that do not."""
    first = None
    for col in range(0, target.cols, TILE_COLS):
        cols = min(TILE_COLS, target.cols - col)
        value = _one_value(light, source, Window(target.row0 + row, target.col0 + col, rows, cols), psf)
        if value is None:
            first = col if first is None else first
            continue
        if first is not None:
            yield first, col - first, None
            first = None
        if value != 0.0:
            yield col, cols, value
    if first is not None:
        yield first, target.cols - first, None


def _one_value(light: np.ndarray, source: Window, tile: Window, psf: Psf) -> float | None:
    """Return the value that everything within reach of a tile has, None where there is more than one."""
    seen = _within_reach(source, tile, psf)
    if seen.rows <= 0 or seen.cols <= 0:
        return 0.0
    part = light[_at(seen, source)]
    value = float(part[0, 0])
    if (part[0] != value).any() or (part != value).any():
        return None
    down, across = _reach(psf)
    whole = seen.rows == tile.rows + 2 * down and seen.cols == tile.cols + 2 * across
    return value if whole or value == 0.0 else None


def _within_reach(source: Window, tile: Window, psf: Psf) -> Window:
    """Return the part of the source that a tile sees."""
    down, across = _reach(psf)
    row0, col0 = max(source.row0, tile.row0 - down), max(source.col0, tile.col0 - across)
    row1 = min(source.row0 + source.rows, tile.row0 + tile.rows + down)
    col1 = min(source.col0 + source.cols, tile.col0 + tile.cols + across)
    return Window(row0, col0, row1 - row0, col1 - col0)


def _reach(psf: Psf) -> tuple[int, int]:
    assert not isinstance(psf, Lorentzian)
    return psf.reach_px


def _at(part: Window, whole: Window) -> tuple[slice, slice]:
    row, col = part.row0 - whole.row0, part.col0 - whole.col0
    return slice(row, row + part.rows), slice(col, col + part.cols)
