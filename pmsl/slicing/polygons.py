"""Contours ↔ shapely polygons, the only place that imports shapely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pmsl.core.contours import Contours, stacked
from pmsl.errors import GridError

PAIRS = 1 << 21  # of points and segments that are looked at together


def to_polygons(contours: Contours) -> list[Any]:
    """Return one shapely MultiPolygon [µm] a layer: what has a winding number other than 0.

    Parameters
    ----------
    contours : Contours
        Rings may nest, overlap, and cross.

    Returns
    -------
    list of shapely.MultiPolygon
        Empty ones for empty layers.
    """
    return [region(contours.rings(k)) for k in range(contours.n_layers)]


def region(rings: Sequence[np.ndarray], lattice: float = 0.0, positive: bool = False) -> Any:
    """Return the area that rings wind around, as one shapely.MultiPolygon.

    Parameters
    ----------
    rings : sequence of (n, 2) float64
        Closed, the first point not repeated; they may nest, overlap, and cross.
    lattice : float
        Points and crossings are put on multiples of it; 0 leaves them where they are.
    positive : bool
        Take only what has a winding number above 0, instead of other than 0.
    """
    import shapely

    if not rings:
        return shapely.MultiPolygon()
    lines = _closed(rings)
    faces, around = _faces(shapely.union_all(lines, grid_size=lattice) if lattice else shapely.union_all(lines), rings)
    return _multi(shapely.union_all(faces[around > 0 if positive else around != 0]))


def solid_region(rings: Sequence[np.ndarray], lattice: float) -> Any:
    """Return the area of winding number above 0 as `region` does, in a quarter of the time where rings do not meet.

    Parameters
    ----------
    rings : sequence of (n, 2) float64
    lattice : float
        For rings that meet; points of others stay where they are.
    """
    import shapely

    lines = _closed(rings)
    if rings and shapely.is_simple(apart := shapely.multilinestrings(lines)):
        faces, around = _faces(apart, rings)
        if around.max(initial=0) <= 1:  # so that no two of them share a side
            return shapely.multipolygons(faces[around > 0])
    return region(rings, lattice, positive=True)


def _closed(rings: Sequence[np.ndarray]) -> list[Any]:
    import shapely

    return [shapely.linestrings(np.concatenate([ring, ring[:1]])) for ring in rings]


def _faces(lines: Any, rings: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return what lines part the plane into, and how often the rings wind around each."""
    import shapely

    segments = np.concatenate([np.hstack([ring, np.roll(ring, -1, axis=0)]) for ring in rings])
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inside = shapely.get_coordinates(shapely.point_on_surface(faces))
    return faces, _windings(inside, segments)


def _multi(area: Any) -> Any:
    import shapely

    return area if area.geom_type == "MultiPolygon" else shapely.MultiPolygon(shapely.get_parts(area).tolist())


def oriented_rings(solid: Any) -> list[np.ndarray]:
    """Return the rings of an area, solid on the left: each (n, 2) float64, the first point not repeated."""
    import shapely

    rings = []
    for polygon in shapely.get_parts(solid):
        if not polygon.is_empty:
            turned = shapely.orient_polygons(polygon) if hasattr(shapely, "orient_polygons") else shapely.geometry.polygon.orient(polygon)
            rings += [np.array(ring.coords)[:-1, :2] for ring in (turned.exterior, *turned.interiors)]
    return rings


def _windings(points: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Winding numbers of directed segments around points (n, 2), each counted along the ray to +x: (n,) int64."""
    x0, y0, x1, y1 = segments.T
    out = np.zeros(len(points), np.int64)
    many = max(1, PAIRS // max(len(segments), 1))
    for first in range(0, len(points), many):
        x, y = points[first : first + many].T
        below, above = y0 <= y[:, None], y1 > y[:, None]
        point, segment = np.nonzero(below == above)  # up, or down: both ends on one side cross nothing
        up = below[point, segment]
        sx, sy = x0[segment], y0[segment]
        right = sx + (y[point] - sy) / (y1[segment] - sy) * (x1[segment] - sx) > x[point]
        out[first : first + many] = np.bincount(point[right], np.where(up[right], 1.0, -1.0), len(y)).astype(np.int64)
    return out


def from_polygons(polygons: Sequence[Any], z_um: Sequence[float]) -> Contours:
    """Make contours of one shapely Polygon or MultiPolygon [µm] a layer.

    Parameters
    ----------
    polygons : sequence of shapely.Polygon or shapely.MultiPolygon
        Empty geometry for an empty layer.
    z_um : sequence of float
        Height of each layer's plane [µm].

    Returns
    -------
    Contours
        Outer rings counter-clockwise, holes clockwise.

    Raises
    ------
    GridError
        Not as many heights as polygons, or geometry that is not a polygon.
    """
    if len(polygons) != len(z_um):
        raise GridError(f"contours: {len(polygons)} polygons for {len(z_um)} heights; give one height a layer")
    for geometry in polygons:
        if geometry.geom_type not in ("Polygon", "MultiPolygon"):
            raise GridError(f"contours: {geometry.geom_type} is no area; give Polygon or MultiPolygon")
    return stacked([oriented_rings(geometry) for geometry in polygons], z_um)
