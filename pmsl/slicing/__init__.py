"""Planes to cut at, and contours where vectors are wanted.

Masks are made straight from triangles and never pass through rings.
"""

from pmsl.slicing.contours import slice_contours
from pmsl.slicing.planes import z_edges_um
from pmsl.slicing.shape import from_polygons, to_polygons

__all__ = ["from_polygons", "slice_contours", "to_polygons", "z_edges_um"]
