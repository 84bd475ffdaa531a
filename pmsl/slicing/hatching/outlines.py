"""Outlines that a spot is drawn along: areas made smaller, and their rings in the order of least travel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pmsl.slicing.hatching.travel_order import nearest_first
from pmsl.slicing.offset import offset_polygon
from pmsl.slicing.polygons import oriented_rings, solid_region

LATTICE_UM = 2.0**-20  # points and crossings are put on it: what touches within rounding touches


def area_of_rings(rings: Sequence[np.ndarray]) -> Any:
    """Return the area that rings enclose, as one shapely.MultiPolygon.

    Parameters
    ----------
    rings : sequence of (n, 2) float64
        [µm], as `Contours.rings` gives them: solid is what has a winding number above 0.
    """
    on_lattice = [np.round(ring / LATTICE_UM) * LATTICE_UM + 0.0 for ring in rings]
    return solid_region([ring for ring in on_lattice if len(ring) > 2], LATTICE_UM)


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
    return offset_polygon(area, -inset_um, arc_um, LATTICE_UM)


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
