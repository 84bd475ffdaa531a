"""Masks of fields → masks whose light adds up to one dose where fields overlap."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np

from pmsl.core.mask import FULL, LayerMask
from pmsl.fields.levels import shared_levels
from pmsl.fields.shares import AxisShare, shares_of
from pmsl.fields.tiles import FieldLayout, Tile
from pmsl.fields.weights import light_shares
from pmsl.optics.grayscale import FINE, fine_levels_of, light_of_levels

MOST_KNOWN = 4096  # patterns of levels


class _Side(NamedTuple):
    """Pixels along one axis that a field has for itself, or shares with one neighbour; `other` is -1 for the lower one, 1 for the upper."""

    pixels: np.ndarray
    other: int


class MaskSharer(msgspec.Struct, frozen=True, eq=False):
    """Gives each field its share of the light.

    Attributes
    ----------
    layout : FieldLayout
    response : (256,) float64
        Light of every level.
    light : (65536,) float64
        Of every 16-bit level.
    flat : (rows, cols) float64, optional
        Light of white in every pixel, relative to a white dose: the flat field, where it is not the host that evens it out.
    evened : type of LayerMask, optional
        Where frames even it out: what their masks are. Doses are then those of an even field, and `flat` is nowhere below 1.
    white : dict
        Levels of white pixels that were worked out already.
    """

    layout: FieldLayout
    response: np.ndarray
    light: np.ndarray
    flat: np.ndarray | None = None
    evened: type[LayerMask] | None = None
    white: dict[tuple[bytes, bytes, tuple[int, int], float], np.ndarray] = {}

    @classmethod
    def of(
        cls, layout: FieldLayout, response: np.ndarray, flat: np.ndarray | None = None, evened: type[LayerMask] | None = None
    ) -> MaskSharer:
        """Make one for fields with such a response and flat field."""
        return cls(layout, response, light_of_levels(response), flat, evened)

    def covered_px(self, mask: LayerMask, tile: Tile) -> float:
        """Return the area of a mask that is the field's own, by share [px].

        Parameters
        ----------
        mask : LayerMask
        tile : Tile
            Where the field lies in that layer.
        """
        x, y = shares_of(self.layout, tile, mask.index)
        rows, cols = _pixels_of(mask)
        if _alone(x, y, rows, cols):
            return mask.sum_px()
        return float((y.own[rows] @ mask.within(mask.window, np.uint16)) @ x.own[cols]) / FULL

    def shared(self, mask: LayerMask, tile: Tile, f: float) -> LayerMask:
        """Return the mask of a field with its share of the light.

        Parameters
        ----------
        mask : LayerMask
            What the field shows alone.
        tile : Tile
            Where it lies in that layer.
        f : float
            `induction_share` of the layer.

        Notes
        -----
        Of the light of a pixel, ``L(g)``, it gives its share as `light_shares` has it: through a curved response doses are kept, not grays.
        """
        x, y = shares_of(self.layout, tile, mask.index)
        rows, cols = _pixels_of(mask)
        if self.evened is None and (mask.empty or _alone(x, y, rows, cols)):
            return mask
        window = mask.window
        levels = mask.within(window, np.uint16)
        levels[:, x.own[cols] <= 0.0] = 0
        levels[y.own[rows] <= 0.0] = 0
        for down in _sides(y, rows):
            for across in _sides(x, cols):
                if (down.other or across.other or self.evened) and len(down.pixels) and len(across.pixels):
                    at = np.ix_(down.pixels - window.row0, across.pixels - window.col0)
                    levels[at] = self._block(levels[at], x, y, down, across, f)
        return (self.evened or LayerMask).from_window(mask.index, mask.shape, window, levels)

    def _block(self, levels: np.ndarray, x: AxisShare, y: AxisShare, down: _Side, across: _Side, f: float) -> np.ndarray:
        """Return the 16-bit levels of pixels that are shared with the same neighbours."""
        own_y, own_x = y.own[down.pixels][:, None], x.own[across.pixels][None, :]
        if self.flat is not None:
            rows, cols = down.pixels[:, None], across.pixels[None, :]
            if not (down.other or across.other):
                return fine_levels_of(np.minimum(self.light[levels] / self.flat[rows, cols], 1.0), self.response)
            return self._levels(self.light[levels], own_y, own_x, (down.other, across.other), f, (rows, cols))
        own_y, own_x = own_y if down.other else own_y[:1], own_x if across.other else own_x[:, :1]
        out = np.where(levels == FULL, self._white(own_y, own_x, (down.other, across.other), f), np.uint16(0))
        gray = np.nonzero((levels > 0) & (levels < FULL))
        if len(gray[0]):
            u, v = np.broadcast_to(own_x, levels.shape)[gray], np.broadcast_to(own_y, levels.shape)[gray]
            out[gray] = self._levels(self.light[levels[gray]], v, u, (down.other, across.other), f)
        return out

    def _white(self, own_y: np.ndarray, own_x: np.ndarray, others: tuple[int, int], f: float) -> np.ndarray:
        """Return the levels of white pixels, the same for all fields and most layers."""
        key = own_y.tobytes(), own_x.tobytes(), others, f
        known = self.white.get(key)
        if known is None:  # two threads may both come here: they make the same
            known = self._levels(np.ones(np.broadcast_shapes(own_y.shape, own_x.shape)), own_y, own_x, others, f)
            if len(self.white) < MOST_KNOWN:
                self.white[key] = known
        return known

    def _levels(
        self,
        light: np.ndarray,
        own_y: np.ndarray,
        own_x: np.ndarray,
        others: tuple[int, int],
        f: float,
        at: tuple[np.ndarray, np.ndarray] | None = None,
    ) -> np.ndarray:
        """Return the 16-bit levels for the light of pixels, their shares along both axes, who they are shared with and where they are."""
        doses, gains, mine = list[np.ndarray](), list[np.ndarray | float](), 0
        for v in _of_order(own_y, others[0]):
            for u in _of_order(own_x, others[1]):
                if not self.layout.on_one_grid and (u.by or v.by):
                    continue  # pixels of the neighbour are none of these
                gain: np.ndarray | float = 1.0
                if self.flat is not None and at is not None:
                    rows, cols = at[0] + v.by * self.layout.y.advance_px, at[1] + u.by * self.layout.x.advance_px
                    gain = self.flat[np.clip(rows, 0, len(self.flat) - 1), np.clip(cols, 0, self.flat.shape[1] - 1)]
                mine = len(doses) if not (u.by or v.by) else mine
                doses.append(light_shares(light if self.evened else light * gain, u.share * v.share, f))
                gains.append(gain)
        return shared_levels(doses, gains, self.response, f)[mine].astype(np.uint16) * np.uint16(FINE)


class _Share(NamedTuple):
    share: np.ndarray
    by: int  # fields from here: what its pixels are moved by is the opposite


def _pixels_of(mask: LayerMask) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows and columns of a mask's window."""
    row0, col0, rows, cols = mask.window
    return np.arange(row0, row0 + rows), np.arange(col0, col0 + cols)


def _alone(x: AxisShare, y: AxisShare, rows: np.ndarray, cols: np.ndarray) -> bool:
    """Tell whether a field shares none of these pixels."""
    return bool((x.own[cols] >= 1.0).all() and (y.own[rows] >= 1.0).all())


def _of_order(own: np.ndarray, other: int) -> list[_Share]:
    """Return the shares along an axis, that of the lower field first; `by` times the advance is what pixels of this field are there."""
    mine, theirs = _Share(own, 0), _Share(1.0 - own, -other)
    return [mine] if other == 0 else [theirs, mine] if other < 0 else [mine, theirs]


def _sides(share: AxisShare, pixels: np.ndarray) -> list[_Side]:
    """Return the pixels where a field has a share, by whom they are shared with."""
    low, high, any_share = share.low[pixels], share.high[pixels], share.own[pixels] > 0.0
    return [_Side(pixels[low & any_share], -1), _Side(pixels[~low & ~high], 0), _Side(pixels[high & ~low & any_share], 1)]
