"""Planes to cut at, and contours where vectors are wanted.

Masks are made straight from triangles and never pass through rings, so what makes rings is loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pmsl.slicing.planes import z_edges_um

if TYPE_CHECKING:
    from pmsl.slicing.contours import slice_contours
    from pmsl.slicing.shape import from_polygons, to_polygons

__all__ = ["from_polygons", "slice_contours", "to_polygons", "z_edges_um"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"pmsl.slicing.{'contours' if name == 'slice_contours' else 'shape'}"), name)
    raise AttributeError(f"module 'pmsl.slicing' has no attribute {name!r}")
