"""Outlines that a spot is drawn along: areas made smaller, and their rings in the order of least travel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pmsl.slicing.hatching.travel_order import nearest_first
from pmsl.slicing.offset import offset_polygon
from pmsl.slicing.offset_losses import vanished_walls
from pmsl.slicing.polygons import oriented_rings, solid_region

SURELY = 0.97  # of a distance: what a library's buffer, good to a hundredth of it, leaves nothing of has nothing further inside
LATTICE_UM = 2.0**-20  # points and crossings are put on it: what touches within rounding touches


def area_of_rings(rings: Sequence[np.ndarray]) -> Any:
    """Return the area that rings enclose, as one shapely.MultiPolygon.

    Parameters
    ----------
    rings : sequence of (n, 2) float64
        [µm], as `Contours.rings` gives them: solid is what has a winding number above 0.
    """
    on_lattice = [np.round(_corners(ring) / LATTICE_UM) * LATTICE_UM + 0.0 for ring in rings]
    return solid_region([ring for ring in on_lattice if len(ring) > 2], LATTICE_UM)


def _corners(ring: np.ndarray) -> np.ndarray:
    """Return a ring without points in the middle of straight edges, which the edges of triangles leave: none moves by a lattice's step."""
    for _ in range(2):  # a point may stand between two of them
        before, after = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)
        way = after - before
        off = np.abs(way[:, 0] * (ring - before)[:, 1] - way[:, 1] * (ring - before)[:, 0])
        middle = (off <= 0.5 * LATTICE_UM * np.hypot(way[:, 0], way[:, 1])) & (((ring - before) * (after - ring)).sum(axis=1) > 0)
        middle[1:] &= ~middle[:-1]  # every other one at a time: an arc of tiny steps is no edge
        ring = ring[~middle]
    return ring


def inset_area(area: Any, inset_um: float, arc_um: float) -> Any:
    """Return an area less all that is nearer to its outline than a distance.

    Parameters
    ----------
    area : shapely.MultiPolygon
        [µm], as `area_of_rings` gives it.
    inset_um : float
        Below 0 it grows.
    arc_um : float
        How far chords may be off the circles around corners.

    Returns
    -------
    shapely.MultiPolygon
        Empty where nothing is that far inside.
    """
    if inset_um <= 0:
        return offset_polygon(area, -inset_um, arc_um, LATTICE_UM)
    import shapely

    pieces = shapely.get_parts(area)  # inward each moves by itself
    left = ~shapely.is_empty(shapely.buffer(pieces, -SURELY * inset_um, quad_segs=2))  # of others the raw curve is all loops
    moved = [offset_polygon(shapely.MultiPolygon([piece]), -inset_um, arc_um, LATTICE_UM) for piece in pieces[left]]
    return shapely.MultiPolygon([polygon for piece in moved for polygon in shapely.get_parts(piece)])


def ordered_rings(area: Any, start_um: tuple[float, float] | None = None) -> list[np.ndarray]:
    """Return the outlines of an area in the order of least travel.

    Parameters
    ----------
    area : shapely.MultiPolygon
        [µm].
    start_um : (float, float), optional
        Where the spot is before; left out, it begins with the first vertex of the first ring.

    Returns
    -------
    list of (n + 1, 2) float64
        Closed, the last point is the first; solid on their left. Each begins with the vertex that was nearest to the end of the one before.
    """
    rings = oriented_rings(area)
    if not rings:
        return []
    points = np.concatenate(rings)
    sizes = np.array([len(ring) for ring in rings])
    ring_of = np.repeat(np.arange(len(rings)), sizes)
    start = points[0] if start_um is None else np.array(start_um, np.float64)
    out = []
    for vertex in nearest_first(points, points, ring_of, start):
        which = ring_of[vertex]
        turned = np.roll(rings[which], int(np.cumsum(sizes)[which] - sizes[which] - vertex), axis=0)
        out.append(np.concatenate([turned, turned[:1]]))
    return out


def common_area(area: Any, other: Any, without: bool = False) -> Any:
    """Return what two areas have in common, or, `without`, what the first has and the other has not: shapely.MultiPolygon."""
    import shapely

    found = shapely.difference(area, other) if without else shapely.intersection(area, other)
    return shapely.MultiPolygon([piece for piece in shapely.get_parts(found) if piece.geom_type == "Polygon" and not piece.is_empty])


def lost_walls(area: Any, inner: Any, inset_um: float) -> list[tuple[float, float, float, float]]:
    """Return where an area is so narrow that nothing is left of it a distance inside: boxes (x0, y0, x1, y1) [µm].

    Parameters
    ----------
    area, inner : shapely.MultiPolygon
        [µm]; the second is `inset_area` of the first.
    inset_um : float
        How far inside; of 0 and less nothing is lost.
    """
    found = [] if area.is_empty or inset_um <= 0 else vanished_walls(area, inner, inset_um, np.ones(2))
    return [loss.box_px for loss in found]
