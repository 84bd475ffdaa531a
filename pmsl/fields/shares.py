"""Which share of the dose of a place each field has: ramps across the bands between neighbours, of which all shares add up to 1."""

from __future__ import annotations

import msgspec
import numpy as np

from pmsl.fields.tiles import Axis, FieldLayout, Tile

FINEST = 2.0**40  # parts of 1 that shares are whole numbers of: what is left of 1 is then exact, and neighbours reckon alike


class AxisShare(msgspec.Struct, frozen=True, eq=False):
    """The share of one field along one axis.

    Attributes
    ----------
    own : (n,) float64
        Of every pixel, 0 to 1: its mean over the pixel.
    low, high : (n,) bool
        Pixels that the field shares with its lower and with its upper neighbour, whose share is the rest.
    """

    own: np.ndarray
    low: np.ndarray
    high: np.ndarray


def ramp_means(start_px: float, width_px: float, first_px: float, n: int) -> np.ndarray:
    """Return the mean of a ramp over each of n pixels: (n,) float64.

    Parameters
    ----------
    start_px, width_px : float
        It is 0 up to `start_px`, then rises to 1 within `width_px`; 0 wide it is a step.
    first_px : float
        Where the first pixel begins.
    n : int
    """
    x = (first_px - start_px) + np.arange(n + 1)
    beyond = np.maximum(x - width_px, 0.0)
    inside = np.clip(x, 0.0, width_px)
    under = 0.5 * inside * (inside / width_px) if width_px > 0 else np.zeros_like(x)
    means = np.diff(under) + np.diff(beyond)
    means[x[1:] <= 0], means[x[:-1] >= width_px] = 0.0, 1.0  # exact outside of the band, which ends may touch
    return np.asarray(np.rint(np.clip(means, 0.0, 1.0) * FINEST) / FINEST)


def axis_share(axis: Axis, i: int, layer: int, corner_px: float) -> AxisShare:
    """Return the share of field i of an axis whose first pixel begins at `corner_px` on the plate.

    Parameters
    ----------
    axis : Axis
    i, layer : int
    corner_px : float
    """
    n, ones = axis.field_px, np.ones(axis.field_px)
    rising = ones if i == 0 else ramp_means(axis.band_start_px(i, layer), axis.band_px, corner_px, n)
    falling = ones if i == axis.count - 1 else 1.0 - ramp_means(axis.band_start_px(i + 1, layer), axis.band_px, corner_px, n)
    return AxisShare(rising * falling, rising < 1.0, falling < 1.0)


def shares_of(layout: FieldLayout, tile: Tile, layer: int) -> tuple[AxisShare, AxisShare]:
    """Return the shares of a field along x and along y; that of a pixel is their product.

    Parameters
    ----------
    layout : FieldLayout
    tile : Tile
        At its place in that layer.
    layer : int
    """
    corner_px = np.array(tile.corner_um) / layout.pitch_um
    if layout.on_one_grid:
        corner_px = np.rint(corner_px)
    x, y = corner_px.tolist()
    return axis_share(layout.x, tile.col, layer, x), axis_share(layout.y, tile.row, layer, y)
