"""Parts and a grid → LayerMask: the covered fraction of every pixel.

`layer_masks` yields every layer in order, `MaskMaker` any layer in any order, `coverage` one layer unquantised.
"""

from pmsl.masks.maker import Leaks, MaskMaker, coverage, layer_masks

__all__ = ["Leaks", "MaskMaker", "coverage", "layer_masks"]
