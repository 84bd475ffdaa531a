"""Numbered tiles on the field of a printer: squares that are measured, each with its number in strokes that survive."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pmsl.core.mask import LayerMask, Window
from pmsl.errors import UsageError

DIGITS = ("75557", "26227", "71747", "71717", "55711", "74717", "74757", "71111", "75757", "75717")  # rows of three blocks, octal
DIGIT_COLS, DIGIT_ROWS = 3, 5
STROKE_PX = 3  # least width of a stroke; and as wide as the spot
LEAST_TILE_UM = 100.0
MOST_TILE_UM = 1000.0
MARGIN = 0.04  # of the field, all around


@dataclass(frozen=True, slots=True)
class TileLayout:
    """Where tiles and numbers lie.

    Attributes
    ----------
    shape : (int, int)
        (rows, cols) of the field.
    columns : int
        Tiles in a row.
    cell_px : int
        Distance of tiles.
    tile_px : int
        Side of a tile.
    stroke_px : int
        Width of a stroke of the numbers.
    corner_px : (int, int)
        Row and column of the first cell's lower corner.
    count : int
        How many tiles.
    long : int
        How many of them, the last ones, are as long as a row of tiles, each in a row of its own.
    """

    shape: tuple[int, int]
    columns: int
    cell_px: int
    tile_px: int
    stroke_px: int
    corner_px: tuple[int, int]
    count: int
    long: int = 0

    def tile(self, i: int) -> Window:
        """Return the pixels of tile i, counted from 0.

        Parameters
        ----------
        i : int
        """
        squares = self.count - self.long
        row, col = divmod(i, self.columns) if i < squares else (math.ceil(squares / self.columns) + i - squares, 0)
        left = (self.cell_px - self.tile_px) // 2
        cols = self.tile_px + (0 if i < squares else (self.columns - 1) * self.cell_px)
        return Window(self.corner_px[0] + row * self.cell_px + left // 2, self.corner_px[1] + col * self.cell_px + left, self.tile_px, cols)

    def mask(self, i: int) -> LayerMask:
        """Return tile i with its number, counted from 1, above it (toward larger y): fully lit pixels.

        Parameters
        ----------
        i : int
        """
        tile = self.tile(i)
        text = drawn_number(i + 1, self.stroke_px)
        gap = 2 * self.stroke_px
        levels = np.zeros((tile.rows + gap + len(text), max(tile.cols, text.shape[1])), np.uint8)
        levels[: tile.rows, : tile.cols] = 255
        levels[tile.rows + gap :, : text.shape[1]] = text
        return LayerMask.from_window(0, self.shape, Window(tile.row0, tile.col0, *levels.shape), levels)

    def rectangles(self, i: int) -> list[tuple[int, int, int, int]]:
        """Return tile i and its number as rectangles of pixels that do not overlap: first row, first column, rows, columns.

        Parameters
        ----------
        i : int
        """
        tile, s = self.tile(i), self.stroke_px
        out = [(tile.row0, tile.col0, tile.rows, tile.cols)]
        blocks = drawn_number(i + 1, 1) > 0
        for row, line in enumerate(blocks):
            (ends,) = np.nonzero(np.diff(np.pad(line, 1).astype(np.int8)))
            base = tile.row0 + tile.rows + (2 + row) * s
            out += [(base, tile.col0 + a * s, s, (b - a) * s) for a, b in zip(ends[::2].tolist(), ends[1::2].tolist(), strict=True)]
        return out


def drawn_number(number: int, stroke_px: int) -> np.ndarray:
    """Draw a number in blocks: (rows, cols) uint8, 0 or 255, its first row at the smallest y.

    Parameters
    ----------
    number : int
    stroke_px : int
        Side of a block.
    """
    signs = []
    for digit in str(number):
        rows = [[bool(int(row, 8) & bit) for bit in (4, 2, 1)] for row in DIGITS[int(digit)]]
        signs += [np.array(rows), np.zeros((DIGIT_ROWS, 1), bool)]
    blocks = np.concatenate(signs[:-1], axis=1)[::-1]  # y grows upward
    return np.asarray(np.kron(blocks, np.ones((stroke_px, stroke_px), np.uint8)) * np.uint8(255))


def tile_layout(
    count: int,
    shape: tuple[int, int],
    pitch_um: tuple[float, float],
    spot_px: tuple[float, float],
    tile_um: float | None = None,
    long: int = 0,
) -> TileLayout:
    """Lay tiles out over the field.

    Parameters
    ----------
    count : int
    shape : (int, int)
        (rows, cols) of the field.
    pitch_um : (float, float)
        Of a pixel [µm].
    spot_px : (float, float)
        Width of the spot that a pixel becomes [px].
    tile_um : float, optional
        Side of a tile [µm]; left out: what the field has room for, 1 mm at most.
    long : int
        How many of them, the last ones, are as long as a row of tiles.

    Raises
    ------
    UsageError
        The field has no room for so many tiles with numbers.
    """
    pitch = max(pitch_um)
    stroke = max(STROKE_PX, math.ceil(max(spot_px)))
    signs = len(str(count))
    number = stroke * (DIGIT_COLS * signs + signs - 1), stroke * DIGIT_ROWS
    room = [math.floor(n * (1 - 2 * MARGIN)) for n in shape]
    columns = max(1, min(count, round(math.sqrt(count * room[1] / room[0]))))
    if long:
        columns = max(range(1, count - long + 1), key=lambda n: min(room[1] // n, room[0] // (math.ceil((count - long) / n) + long)))
    rows = math.ceil((count - long) / columns) + long
    cell = min(room[1] // columns, room[0] // rows)
    extra = number[1] + 6 * stroke  # above the tile: a gap, its number, a gap
    side = cell - extra
    wanted = MOST_TILE_UM / pitch if tile_um is None else tile_um / pitch
    side = min(side, math.floor(wanted))
    if side < max(number[0], LEAST_TILE_UM / pitch if tile_um is None else wanted - 1):
        most = max(side, 0) * pitch
        raise UsageError(
            f"the field of {shape[1]} × {shape[0]} px has room for {count} tiles of {most:.4g} µm beside numbers of "
            f"{number[0] * pitch:.4g} × {number[1] * pitch:.4g} µm; choose fewer tiles or repeats, or smaller ones (--tile-um)"
        )
    corner = (shape[0] - rows * cell) // 2, (shape[1] - columns * cell) // 2
    return TileLayout(shape, columns, cell, side, stroke, corner, count, long)


def well_spread(count: int) -> list[int]:
    """Return an order that spreads settings over the field, so that uneven light does not look like a curve: steps of the golden ratio."""
    return [int(i) for i in np.argsort((np.arange(count) * 0.6180339887498949) % 1.0, kind="stable")]
