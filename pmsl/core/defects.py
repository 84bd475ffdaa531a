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
        Cells that the boundaries of two shells share: in volume mode all of them (shells are triangles of one part that
        hang together), in area mode those in which the winding shows it.
    excess_px : float
        By how much the mask may be larger than the union because of them, at most [px].
    """

    rows: int
    first_row: int
    last_row: int
    first_col: int
    last_col: int
    shared: int
    excess_px: float
