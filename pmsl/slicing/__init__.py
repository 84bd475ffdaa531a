"""Planes to cut at, and contours where vectors are wanted.

Masks are made straight from triangles and never pass through rings, so what makes rings is loaded on first use.
"""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later
from pmsl.slicing.planes import z_edges_um

if TYPE_CHECKING:
    from pmsl.slicing.contours import slice_contours
    from pmsl.slicing.polygons import from_polygons, to_polygons
    from pmsl.slicing.warp import warped

_HOMES = homes_in(__name__, contours="slice_contours", polygons="from_polygons to_polygons", warp="warped")
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = ["from_polygons", "slice_contours", "to_polygons", "warped", "z_edges_um"]
