"""Parts and a grid → LayerMask: the covered fraction of every pixel.

`layer_masks` yields every layer in order, `masks_of` any layer in any order, `coverage` one layer unquantised;
`surface_heights` says where in a slab the surface lies.
"""

from typing import TYPE_CHECKING

from pmsl.later import homes_in, later

if TYPE_CHECKING:
    from pmsl.masks.area_masks import AreaMasks
    from pmsl.masks.mask_source import coverage, layer_masks, masks_of
    from pmsl.masks.surface_in_slab import SurfaceHeights, SurfaceSums, mask_and_surface, surface_heights
    from pmsl.masks.volume_masks import VolumeMasks

_HOMES = homes_in(
    __name__,
    area_masks="AreaMasks",
    mask_source="coverage layer_masks masks_of",
    surface_in_slab="SurfaceHeights SurfaceSums mask_and_surface surface_heights",
    volume_masks="VolumeMasks",
)
__getattr__, __dir__ = later(__name__, _HOMES)

__all__ = [
    "AreaMasks",
    "SurfaceHeights",
    "SurfaceSums",
    "VolumeMasks",
    "coverage",
    "layer_masks",
    "mask_and_surface",
    "masks_of",
    "surface_heights",
]
