"""What a moved contour lost: walls that vanished when it shrank, gaps that closed when it grew."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from pmsl.slicing.boundary_defects import OffsetLoss

SLACK = 1.05  # of the distance: corners that only lose their tip do not count, nor do the chords of a library's arcs
FAR = 2.5  # distances from what is left
TOUCH = 0.02  # of the distance
QUARTER = 8  # chords of a quarter circle: these areas are looked at, not printed


def vanished_walls(solid: Any, moved: Any, distance: float, pitch_um: np.ndarray) -> list[OffsetLoss]:
    """Return the walls of an area that are gone where it shrank by `distance`; areas [µm] and places relative to their corner."""
    return _vanished(solid, moved, distance, "wall", pitch_um)


def closed_gaps(solid: Any, moved: Any, distance: float, pitch_um: np.ndarray) -> list[OffsetLoss]:
    """Return the gaps and holes of an area that are closed where it grew by `distance`."""
    import shapely

    x0, y0, x1, y1 = shapely.bounds(solid)
    room = 4 * distance
    frame = shapely.box(x0 - room, y0 - room, x1 + room, y1 + room)
    return _vanished(shapely.difference(frame, solid), shapely.difference(frame, moved), distance, "gap", pitch_um)


def _vanished(whole: Any, left: Any, distance: float, kind: Literal["wall", "gap"], pitch_um: np.ndarray) -> list[OffsetLoss]:
    """Find what of `whole` is gone for good where what is `left` lies `distance` inside it.

    Growing that back gives all but corners and what was thinner than twice the distance. Of the rest a piece counts that joins two
    places, or that reaches `FAR` distances away from what is left: the tip of a corner of 50° or more does not.
    """
    import shapely

    left = shapely.simplify(left, TOUCH / 2 * distance)  # a tenth of the time
    near = shapely.buffer(left, SLACK * distance, quad_segs=QUARTER)
    gone = shapely.difference(whole, near)
    if gone.is_empty:
        return []
    pieces = shapely.get_parts(gone)
    pieces = pieces[shapely.area(pieces) > (TOUCH * distance) ** 2]
    far = shapely.buffer(left, FAR * distance, quad_segs=QUARTER)
    shapely.prepare(far)
    out = []
    for piece in pieces:
        if shapely.covers(far, piece):
            touching = shapely.intersection(near, shapely.buffer(piece, TOUCH * distance, quad_segs=2))
            if len(shapely.get_parts(touching)) < 2:
                continue
        x0, y0, x1, y1 = shapely.bounds(piece).tolist()
        px, py = pitch_um.tolist()
        out.append(OffsetLoss(kind, (x0 / px, y0 / py, x1 / px, y1 / py), float(shapely.area(piece)) / (px * py)))
    return sorted(out, key=lambda place: place.box_px)
