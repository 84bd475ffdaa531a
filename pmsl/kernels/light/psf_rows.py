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


@helper
def _shares(from_first, n, sigma, mirror, out):
    """Overwrite out[:n] with the line spread of mirrors side by side; where they touch, each edge is reckoned with once."""
    if mirror != 1.0:
        for c in range(n):
            out[c] = _share(from_first - c, sigma, mirror)
        return
    before = from_first + 0.5  # the point, from the edge before a mirror; shares are differences of small tails, from the nearer side
    left = _below(-abs(before) / sigma)
    for c in range(n):
        after = before - 1.0
        right = _below(-abs(after) / sigma)
        if after >= 0.0:
            out[c] = right - left
        elif before <= 0.0:
            out[c] = left - right
        else:
            out[c] = 1.0 - left - right
        before, left = after, right


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
    scratch : (max(rows, cols),) float64
        Overwritten.
    out : (N, rows * cols) float64
    """
    last = sigma.shape[0] - 1
    for n in range(from_first.shape[0]):
        wide = min(n, last)
        _shares(from_first[n, 0], rows, sigma[wide, 0], mirror[0], scratch)
        for r in range(rows):
            out[n, r * cols] = scratch[r]
        _shares(from_first[n, 1], cols, sigma[wide, 1], mirror[1], scratch)
        for r in range(rows):
            down = out[n, r * cols]
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
