"""A job put into the field of a panel of another size: padded with black, cut only where all is black."""

from __future__ import annotations

import numpy as np

from pmsl.core.finding import Finding
from pmsl.core.grid import Grid, size_text
from pmsl.core.mask import LayerMask
from pmsl.formats.adapt.capability import loss, refusal


def padded(grid: Grid, shape: tuple[int, int]) -> tuple[Grid, tuple[int, int]]:
    """Return the grid with a field of another shape around the same middle, and how far masks move in it."""
    shift = ((shape[0] - grid.shape[0]) // 2, (shape[1] - grid.shape[1]) // 2)
    origin = grid.origin_um - grid.pitch_um * np.array(shift[::-1])
    return Grid(origin_um=origin, pitch_um=grid.pitch_um, shape=shape, z_edges_um=grid.z_edges_um), shift


def padding(old: Grid, new: Grid, shift: tuple[int, int], name: str) -> Finding:
    """Say where the frames went."""
    return loss(
        "frame_size",
        f"frames of {size_text(old.shape)} px were put in the middle of {name}'s field of {size_text(new.shape)} px: "
        f"column 0 is now column {shift[1]}, row 0 row {shift[0]}",
    )


def moved(mask: LayerMask, shift: tuple[int, int], shape: tuple[int, int], name: str) -> LayerMask:
    """Put a mask into the padded grid; refuse one whose light would be cut off."""
    row0, col0 = mask.window.row0 + shift[0], mask.window.col0 + shift[1]
    if not mask.empty and (row0 < 0 or col0 < 0 or row0 + mask.window.rows > shape[0] or col0 + mask.window.cols > shape[1]):
        size = f"{mask.window.cols}x{mask.window.rows} px from column {col0}, row {row0} of the panel"
        advice = "place the part nearer to the middle of the field, or choose another format"
        limit = f"{size_text(shape)} px"
        raise refusal(name, "lit area", size, limit, advice, f"layer {mask.index}: ")
    runs = mask.runs_8bit()
    return LayerMask.from_runs(mask.index, shape, row0, runs._replace(col=(runs.col + shift[1]).astype(np.int32)))
