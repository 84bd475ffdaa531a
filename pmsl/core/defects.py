"""Defects: what is doubtful about the boundary of one layer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Defects:
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
        By how much the mask may be larger than the union because of them, at most [px].
    overlap : int
        Pixels in which shells were united exactly: in area mode those whose winding is neither 0 nor 1, in volume mode those that
        boundaries of two shells share.
    """

    rows: int
    first_row: int
    last_row: int
    first_col: int
    last_col: int
    shared: int
    excess_px: float
    overlap: int = 0
