"""What points see of the pixels around them: shares of light of a Gaussian spot, and the pixels' numbers."""

import math

from pmsl.kernels._compiler.jit import helper, kernel


@helper
def _below(x):
    """Share of a normal distribution below x; to the last bits also in the lower tail."""
    return 0.5 * math.erfc(-x * math.sqrt(0.5))


@helper
def _share(apart, sigma, mirror):
    """Line spread of a mirror, `apart` from its middle, per pixel."""
    x = -abs(apart)
    return (_below((x + 0.5 * mirror) / sigma) - _below((x - 0.5 * mirror) / sigma)) / mirror


@kernel
def weights(from_first, rows, cols, sigma, mirror, scratch, out):
    """Overwrite ``out[n, r * cols + c]`` with the share of pixel (r, c) in the light at point n.

    Parameters
    ----------
    from_first : (N, 2) float64
        Point (y, x) from the middle of the first pixel [px].
    rows, cols : int
        Pixels that a point sees.
    sigma : (N, 2) or (1, 2) float64
        Along y and x [px]; one row where all are alike.
    mirror : (2,) float64
        Along y and x [px].
    scratch : (cols,) float64
        Overwritten.
    out : (N, rows * cols) float64
    """
    last = sigma.shape[0] - 1
    for n in range(from_first.shape[0]):
        wide = min(n, last)
        for c in range(cols):
            scratch[c] = _share(from_first[n, 1] - c, sigma[wide, 1], mirror[1])
        for r in range(rows):
            down = _share(from_first[n, 0] - r, sigma[wide, 0], mirror[0])
            for c in range(cols):
                out[n, r * cols + c] = down * scratch[c]


@kernel
def numbers(slot, first, rows, cols, out):
    """Overwrite ``out[n, r * cols + c]`` with ``slot[first[n, 0] + r, first[n, 1] + c]``.

    Parameters
    ----------
    slot : (R, C) int32
    first : (N, 2) int64
        Row and column of `slot`; all that is asked for lies inside.
    rows, cols : int
    out : (N, rows * cols) int32
    """
    for n in range(first.shape[0]):
        row, col = first[n, 0], first[n, 1]
        for r in range(rows):
            for c in range(cols):
                out[n, r * cols + c] = slot[row + r, col + c]
