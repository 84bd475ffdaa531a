"""Tiles of many layers, as boxes: what of them is lit in a layer, and what they are as a part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pmsl.calibrate.coupons.coupon_job import Prism, Rectangle, prism_of
from pmsl.core.grid import Grid
from pmsl.core.mask import Window

BASE, UNITS, LEAST_UM, ROOM_UM = 4, 60, 300.0, 40.0  # layers below channels; parts of a tile's side; a tile's least side; air below roofs


class Box(NamedTuple):
    """A box of a tile: where, in parts of its side, and from where to where, in layers; it is lit where it holds a layer's middle."""

    row: int
    col: int
    rows: int
    cols: int
    first: float
    end: float


def lit_rectangles(boxes: Sequence[Box], tile: Window, part_px: int, layer: int) -> list[Rectangle]:
    """Return what is lit of a tile in a layer.

    Parameters
    ----------
    boxes : sequence of Box
    tile : Window
        Its pixels.
    part_px : int
        Side of a part [px].
    layer : int
    """
    return [_rectangle(box, tile, part_px) for box in boxes if box.first <= layer + 0.5 < box.end]


def box_prisms(boxes: Sequence[Box], tile: Window, part_px: int, grid: Grid, height_um: float) -> list[Prism]:
    """Return a tile as blocks.

    Parameters
    ----------
    boxes : sequence of Box
    tile : Window
    part_px : int
    grid : Grid
    height_um : float
        Of every layer.
    """
    return [prism_of(grid, _rectangle(box, tile, part_px), box.first * height_um, box.end * height_um) for box in boxes]


def _rectangle(box: Box, tile: Window, part_px: int) -> Rectangle:
    return tile.row0 + box.row * part_px, tile.col0 + box.col * part_px, box.rows * part_px, box.cols * part_px
