"""Windows of the plate around fields: what lies in one is made with what is around it, and then cut down to the field."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask, Window
from pmsl.core.runs import clipped
from pmsl.fields.tiles import DIGITS, PHASES, Axis, FieldLayout, Tile

EVEN = 2  # pixels that a corner is a multiple of, where all fields lie on one grid: patterns of pixels go on from window to window


class FieldWindow(NamedTuple):
    """A grid around a field: its lower corner on the plate (x, y) [µm], its (rows, cols), and the field's first row and column in it."""

    corner_um: tuple[float, float]
    shape: tuple[int, int]
    row0: int
    col0: int

    def grid(self, z_edges_um: np.ndarray, pitch_um: tuple[float, float]) -> Grid:
        """Return it as a grid of pixels with such slabs."""
        return Grid(origin_um=self.corner_um, pitch_um=pitch_um, shape=self.shape, z_edges_um=z_edges_um)

    def cut(self, mask: LayerMask, shape: tuple[int, int]) -> LayerMask:
        """Return the field, of so many (rows, cols), of a mask of the window."""
        if mask.shape == shape:
            return mask
        runs = clipped(mask.runs(), mask.window.row0, Window(self.row0, self.col0, *shape))
        return LayerMask.from_runs(mask.index, shape, 0, runs)


def window_of(layout: FieldLayout, tile: Tile, layer: int, margin_px: int) -> FieldWindow:
    """Return the window around a field in a layer.

    Parameters
    ----------
    layout : FieldLayout
    tile : Tile
        At its place in that layer.
    layer : int
    margin_px : int
        What is to lie around the field on every side, at least.

    Returns
    -------
    FieldWindow
        Where all fields lie on one grid it is the same in all layers and holds the field wherever it moves to; else around its place.
    """
    (px, py), (rows, cols) = layout.pitch_um, (layout.y.field_px, layout.x.field_px)
    if layout.on_one_grid:
        (first_x, n_x), (first_y, n_y) = _reached(layout.x, tile.col, margin_px), _reached(layout.y, tile.row, margin_px)
        corner = round(first_x * px, DIGITS) + 0.0, round(first_y * py, DIGITS) + 0.0
        row0, col0 = layout.y.corner_px(tile.row, layer) - first_y, layout.x.corner_px(tile.col, layer) - first_x
        return FieldWindow(corner, (n_y, n_x), row0, col0)
    margin = margin_px + margin_px % EVEN
    x, y = tile.corner_um
    corner = round(x - margin * px, DIGITS) + 0.0, round(y - margin * py, DIGITS) + 0.0
    return FieldWindow(corner, (rows + 2 * margin, cols + 2 * margin), margin, margin)


def _reached(axis: Axis, i: int, margin_px: int) -> tuple[int, int]:
    """Return the first pixel of a window along an axis, and how many it has."""
    corners = [axis.corner_px(i, layer) for layer in range(PHASES)]
    first = (min(corners) - margin_px) // EVEN * EVEN
    return first, max(corners) + axis.field_px + margin_px - first


def strip_of(layout: FieldLayout, row: int) -> FieldWindow:
    """Return the window of all fields of a row, wherever they move to; of fields whose pixels lie on one grid.

    Parameters
    ----------
    layout : FieldLayout
    row : int
    """
    (first_x, _), (last_x, n_x) = _reached(layout.x, 0, 0), _reached(layout.x, layout.x.count - 1, 0)
    first_y, n_y = _reached(layout.y, row, 0)
    (px, py), cols = layout.pitch_um, last_x + n_x - first_x
    return FieldWindow((round(first_x * px, DIGITS) + 0.0, round(first_y * py, DIGITS) + 0.0), (n_y, cols), 0, 0)


def in_strip(layout: FieldLayout, tile: Tile, layer: int) -> FieldWindow:
    """Return the strip of a field's row, with the field's place in it.

    Parameters
    ----------
    layout : FieldLayout
    tile : Tile
        At its place in that layer.
    layer : int
    """
    strip = strip_of(layout, tile.row)
    (first_x, _), (first_y, _) = _reached(layout.x, 0, 0), _reached(layout.y, tile.row, 0)
    return strip._replace(row0=layout.y.corner_px(tile.row, layer) - first_y, col0=layout.x.corner_px(tile.col, layer) - first_x)
