"""Masks of fields → masks whose light adds up to one dose where fields overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from pmsl.core.mask import FULL, LayerMask, Window
from pmsl.core.runs import Runs, clipped, runs_of
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
        if _alone(x, y, *_pixels_of(mask)):
            return mask.sum_px()
        core, around = _parts(mask, x, y)
        total = 0.0 if core is None else float(core.value.astype(np.int64) @ core.length)
        for part in around:
            rows, cols = slice(part.row0, part.row0 + part.rows), slice(part.col0, part.col0 + part.cols)
            total += float((y.own[rows] @ mask.within(part, np.uint16)) @ x.own[cols])
        return total / FULL

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
        if self.evened is not None:
            return self.evened.from_window(mask.index, mask.shape, mask.window, self._dense(mask, mask.window, x, y, f))
        core, around = _parts(mask, x, y)
        pieces = [(part, runs_of(self._dense(mask, part, x, y, f), (0, 0, part.rows, part.cols))) for part in around]
        pieces += [] if core is None else [(_core(mask, x, y), core)]
        pieces.sort(key=lambda piece: piece[0].col0)
        return LayerMask.from_runs(mask.index, mask.shape, mask.window.row0, _together(pieces, mask.window))

    def _dense(self, mask: LayerMask, window: Window, x: AxisShare, y: AxisShare, f: float) -> np.ndarray:
        """Return the 16-bit levels of a window of a mask with the field's share of the light."""
        rows, cols = np.arange(window.row0, window.row0 + window.rows), np.arange(window.col0, window.col0 + window.cols)
        levels = mask.within(window, np.uint16)
        levels[:, x.own[cols] <= 0.0] = 0
        levels[y.own[rows] <= 0.0] = 0
        for down in _sides(y, rows):
            for across in _sides(x, cols):
                if (down.other or across.other or self.evened) and len(down.pixels) and len(across.pixels):
                    at = np.ix_(down.pixels - window.row0, across.pixels - window.col0)
                    levels[at] = self._block(levels[at], x, y, down, across, f)
        return levels

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


def _core(mask: LayerMask, x: AxisShare, y: AxisShare) -> Window:
    """Return the part of a mask's window that the field has for itself; without rows or columns where there is none."""
    (row0, rows), (col0, cols) = _within(y, mask.window.row0, mask.window.rows), _within(x, mask.window.col0, mask.window.cols)
    return Window(row0, col0, rows, cols)


def _within(share: AxisShare, first: int, n: int) -> tuple[int, int]:
    """Return the first of n pixels from `first` on that a field has for itself, and how many follow it."""
    own = np.flatnonzero(share.own[first : first + n] >= 1.0)
    return (first, 0) if not len(own) else (first + int(own[0]), int(own[-1] - own[0]) + 1)


def _parts(mask: LayerMask, x: AxisShare, y: AxisShare) -> tuple[Runs | None, list[Window]]:
    """Return the runs of a mask that the field has for itself, as its `_core` has them, and the windows around these."""
    w, core = mask.window, _core(mask, x, y)
    if not (core.rows and core.cols):
        return None, [w]
    below, right = core.row0 + core.rows, core.col0 + core.cols
    around = [
        Window(w.row0, w.col0, core.row0 - w.row0, w.cols),
        Window(core.row0, w.col0, core.rows, core.col0 - w.col0),
        Window(core.row0, right, core.rows, w.col0 + w.cols - right),
        Window(below, w.col0, w.row0 + w.rows - below, w.cols),
    ]
    return clipped(mask.runs(), w.row0, core), [part for part in around if part.rows and part.cols]


def _together(pieces: Sequence[tuple[Window, Runs]], window: Window) -> Runs:
    """Put runs of windows beside each other, each counted from its own, together to maximal ones of a window; columns of the field."""
    counts = np.zeros((len(pieces), window.rows), np.int64)  # windows that share rows are in order of their columns
    for i, (part, runs) in enumerate(pieces):
        counts[i, part.row0 - window.row0 : part.row0 - window.row0 + part.rows] = np.diff(runs.row_start)
    start = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts.sum(axis=0))])
    begins = start[:-1] + np.cumsum(counts, axis=0) - counts  # where the runs of each go, row by row
    col, length = np.empty((2, start[-1]), np.int32)
    value, row = np.empty(start[-1], np.uint16), np.repeat(np.arange(window.rows), np.diff(start))
    for (part, runs), n, first in zip(pieces, counts, begins, strict=True):
        at = np.repeat(first - (np.cumsum(n) - n), n) + np.arange(len(runs.col))
        col[at], length[at], value[at] = runs.col + np.int32(part.col0), runs.length, runs.value
    goes_on = (col[1:] == col[:-1] + length[:-1]) & (value[1:] == value[:-1]) & (row[1:] == row[:-1])
    if not goes_on.any():
        return Runs(start, col, length, value)
    begin = np.flatnonzero(np.concatenate([np.ones(1, bool), ~goes_on]))
    return Runs(np.searchsorted(begin, start), col[begin], np.add.reduceat(length, begin).astype(np.int32), value[begin])


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
