"""Parts and a grid → LayerMask: the covered fraction of every pixel.

`layer_masks` yields every layer in order, `MaskMaker` any layer in any order, `coverage` one layer unquantised;
`surface_heights` says where in a slab the surface lies.
"""

from pmsl.masks.maker import MaskMaker, coverage, layer_masks
from pmsl.masks.surface import SurfaceHeights, mask_and_heights, surface_heights

__all__ = ["MaskMaker", "SurfaceHeights", "coverage", "layer_masks", "mask_and_heights", "surface_heights"]
