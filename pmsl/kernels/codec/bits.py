"""Patterns of a few bits → the 24-bit images a pattern controller stores, and back."""

import numpy as np

from pmsl.kernels._compiler.jit import kernel


@kernel
def merge(levels, depth, position, image):
    """Put a pattern into the bits ``position .. position + depth - 1`` of an image; adds into.

    Parameters
    ----------
    levels : (rows, cols) uint8
        0 to ``2**depth - 1``; higher bits are left out.
    depth, position : int
    image : (rows, cols) uint32
        These bits are 0 before.
    """
    low = np.uint32((1 << depth) - 1)
    shift = np.uint32(position)
    for r in range(levels.shape[0]):
        for c in range(levels.shape[1]):
            image[r, c] |= np.uint32(np.uint32(levels[r, c]) & low) << shift
