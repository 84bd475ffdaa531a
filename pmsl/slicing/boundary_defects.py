"""Defects: what is doubtful about the boundary of one layer."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np


class OffsetLoss(msgspec.Struct, frozen=True):
    """A wall that vanished, or a gap that closed, where the contours of a layer were moved: its box (x0, y0, x1, y1) and area [px]."""

    kind: Literal["wall", "gap"]
    box_px: tuple[float, float, float, float]
    area_px: float

    def at(self, corner_px: np.ndarray) -> OffsetLoss:
        """Return the place, which is relative to a pixel corner (x, y), in the grid."""
        (x, y), (x0, y0, x1, y1) = corner_px.tolist(), self.box_px
        return msgspec.structs.replace(self, box_px=(x0 + x, y0 + y, x1 + x, y1 + y))


class Defects(msgspec.Struct, frozen=True):
    """What is doubtful about the boundary of one layer.

    Attributes
    ----------
    rows, first_row, last_row : int
        Pixel rows that did not close, because the mesh is open or inconsistent there, and were mended.
    first_col, last_col : int
        Columns between which the missing boundary was put.
    shared : int
        Voxels that the boundaries of two shells share (shells are triangles of one part that hang together) and
        that could not be united; 0 in area mode.
    excess_px : float
        By how much the mask may differ from the union because of them, at most [px].
    overlap : int
        Pixels in which shells were united exactly: in area mode those whose winding is neither 0 nor 1, in volume mode those that
        boundaries of two shells share.
    lost : tuple of OffsetLoss
        What an offset of the contours took away for good.
    doubtful : float
        Share of the layer's area that half circles over the gaps longer than a pixel hold, about as much as the missing walls may have;
        of a small layer, beside a quarter of the parts' box.
    """

    rows: int
    first_row: int
    last_row: int
    first_col: int
    last_col: int
    shared: int
    excess_px: float
    overlap: int = 0
    lost: tuple[OffsetLoss, ...] = ()
    doubtful: float = 0.0
