"""Parts and a grid → LayerMask: the covered fraction of every pixel.

`layer_masks` yields every layer in order, `MaskMaker` any layer in any order, `coverage` one layer unquantised;
`surface_heights` says where in a slab the surface lies.
"""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later

if TYPE_CHECKING:
    from pmsl.masks.mask_maker import MaskMaker, coverage, layer_masks
    from pmsl.masks.surface_heights import SurfaceHeights, SurfaceSums, mask_and_surface, surface_heights

_HOMES = homes_in(
    __name__,
    mask_maker="MaskMaker coverage layer_masks",
    surface_heights="SurfaceHeights SurfaceSums mask_and_surface surface_heights",
)
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = ["MaskMaker", "SurfaceHeights", "SurfaceSums", "coverage", "layer_masks", "mask_and_surface", "surface_heights"]
