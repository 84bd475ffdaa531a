"""Contours ↔ shapely polygons, the only place that imports shapely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pmsl.core.contours import Contours
from pmsl.errors import GridError


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
    return [_solid(contours.segments_um(k)) for k in range(contours.n_layers)]


def _solid(segments: np.ndarray) -> Any:
    """Faces of the plane cut up by the segments whose winding number is not 0, united."""
    import shapely

    if len(segments) == 0:
        return shapely.MultiPolygon()
    lines = shapely.union_all(shapely.linestrings(segments.reshape(-1, 2, 2)))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(lines)))
    inside = shapely.get_coordinates(shapely.point_on_surface(faces))
    kept = faces[[_winding(x, y, segments) != 0 for x, y in inside]]
    united = shapely.union_all(kept)
    return united if united.geom_type == "MultiPolygon" else shapely.MultiPolygon(shapely.get_parts(united).tolist())


def _winding(x: float, y: float, segments: np.ndarray) -> int:
    """Winding number of directed segments around a point, counted along the ray to +x."""
    x0, y0, x1, y1 = segments.T
    up, down = (y0 <= y) & (y1 > y), (y1 <= y) & (y0 > y)
    crosses = up | down
    x0, y0, x1, y1, up = x0[crosses], y0[crosses], x1[crosses], y1[crosses], up[crosses]
    right = x0 + (y - y0) / (y1 - y0) * (x1 - x0) > x
    return int(np.where(up, 1, -1)[right].sum())


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
    import shapely

    if len(polygons) != len(z_um):
        raise GridError(f"contours: {len(polygons)} polygons for {len(z_um)} heights; give one height a layer")
    rings: list[np.ndarray] = []
    layer_start = [0]
    for geometry in polygons:
        if geometry.geom_type not in ("Polygon", "MultiPolygon"):
            raise GridError(f"contours: {geometry.geom_type} is no area; give Polygon or MultiPolygon")
        for polygon in shapely.get_parts(geometry):
            if not polygon.is_empty:
                turned = (
                    shapely.orient_polygons(polygon) if hasattr(shapely, "orient_polygons") else shapely.geometry.polygon.orient(polygon)
                )
                rings += [np.array(ring.coords)[:-1, :2] for ring in (turned.exterior, *turned.interiors)]
        layer_start.append(len(rings))
    ring_start = np.cumsum([0, *(len(r) for r in rings)]).astype(np.int64)
    xy = np.concatenate(rings) if rings else np.zeros((0, 2))
    return Contours(xy, ring_start, np.array(layer_start, np.int64), np.array(z_um, np.float64))
