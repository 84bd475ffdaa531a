"""Where the ridge of a void is, and how wide the void is across there."""

import math

from pmsl.kernels._compiler.jit import kernel


@kernel
def widths(share, place, step, unit, total, ahead, behind, least):
    """Add up the shares along lines through a pixel, to both sides until there is none; find the least of several directions.

    All directions go on side by side: along a channel they are followed no further than it is wide.

    Parameters
    ----------
    share : (P,) float64
        Void share of the pixels of a map, row after row; the map has a rim of zeros.
    place : (n,) int64
        Where in it the ridge's pixels are, not on the rim.
    step : (D,) int64; unit : (D,) float64
        Directions: from a pixel to the next, and how long that is.
    total : (D,) float64; ahead, behind : (D,) int64
        Scratch.
    least : (n,) float64
        Overwritten.
    """
    for i in range(place.size):
        here = place[i]
        for d in range(step.size):
            total[d], ahead[d], behind[d] = share[here], here, here
        found, going = math.inf, step.size if share[here] > 0.0 else 0
        if going == 0:
            found = 0.0
        while going > 0:
            going = 0
            for d in range(step.size):
                if ahead[d] < 0 and behind[d] < 0:
                    continue
                if ahead[d] >= 0:
                    ahead[d] += step[d]
                    total[d] += share[ahead[d]]
                    if share[ahead[d]] <= 0.0:
                        ahead[d] = -1
                if behind[d] >= 0:
                    behind[d] -= step[d]
                    total[d] += share[behind[d]]
                    if share[behind[d]] <= 0.0:
                        behind[d] = -1
                if ahead[d] < 0 and behind[d] < 0:
                    found = min(found, total[d] * unit[d])
                elif total[d] * unit[d] >= found:
                    ahead[d], behind[d] = -1, -1
                else:
                    going += 1
        least[i] = found


@kernel
def near_wider(row, col, width, size, wider, near, kept):
    """Tell which places of a ridge have no much wider one near them.

    Parameters
    ----------
    row, col : (n,) int64
    width : (n,) float64
        Ascending.
    size : (n,) float64
        Each width, rounded down to a step of a ladder.
    wider, near : float
        A size counts for widths that many times smaller, as far as that many of it.
    kept : (n,) uint8
        Overwritten.
    """
    n = row.size
    first = 0
    for i in range(n):
        kept[i] = 1
        while first < n and size[first] <= wider * width[i]:
            first += 1
        for j in range(n - 1, first - 1, -1):
            far = (row[j] - row[i]) ** 2 + (col[j] - col[i]) ** 2
            if math.sqrt(float(far)) < near * size[j]:
                kept[i] = 0
                break
