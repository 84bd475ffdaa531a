"""Levels that bring sums of light to targets: least squares over pixels with bounds, then over gray levels.

``½ Σ_i push[i] · off_i² + ½ Σ_p hold · (g[p] - wanted[p])²`` is to be small, where ``off_i`` is how far ``seen[i] = Σ_p w[i, p] · g[p]``
lies outside of ``low[i]..high[i]``. One pixel after the other is put where the sum is least, the others held: `by_column` lists the rows
that each pixel is in, so that a visit touches only these.

Rejected: projected gradients. A pixel grid of a third of the blur's width needs hundreds of steps of them, and thirty visits.
"""

from pmsl.kernels._compiler.jit import helper, kernel

ROUND = 4  # sweeps from one over all pixels to the next; between them only pixels that still move are visited
IDLE = 0.5  # share of the curvature of rows inside their band that a step reckons with: others may push them out


@kernel
def by_column(index, weights, slot, start, row, weight):
    """List the rows that each free pixel is in, and with what weight: sparse rows turned into sparse columns.

    Parameters
    ----------
    index : (N, J) int32
        Numbers of pixels, 0..P.
    weights : (N, J) float64
    slot : (P + 1,) int32
        Number of each free pixel, 0..F - 1 in the order of pixels; below 0 for others.
    start : (F + 2,) int64
        Overwritten: the entries of pixel p are ``start[p]:start[p + 1]``.
    row : (M,) int32; weight : (M,) float64
        Overwritten, as far as M reaches.

    Returns
    -------
    int
        How many entries there are; where M is less nothing was listed.
    """
    start[:] = 0
    for i in range(index.shape[0]):
        for j in range(index.shape[1]):
            p = slot[index[i, j]]
            if p >= 0 and weights[i, j] != 0.0:
                start[p + 2] += 1
    for p in range(2, start.size):
        start[p] += start[p - 1]
    entries = start[start.size - 1]
    if entries > row.size:
        return entries
    for i in range(index.shape[0]):
        for j in range(index.shape[1]):
            p = slot[index[i, j]]
            if p >= 0 and weights[i, j] != 0.0:
                at = start[p + 1]
                row[at], weight[at] = i, weights[i, j]
                start[p + 1] = at + 1
    return entries


@kernel
def pulled(start, row, weight, value, out):
    """Overwrite ``out[p]`` with ``Σ_i w[i, p] · value[i]``: the adjoint of the sums of light."""
    for p in range(out.size):
        total = 0.0
        for e in range(start[p], start[p + 1]):
            total += weight[e] * value[row[e]]
        out[p] = total


@kernel
def off_band(seen, low, high, push, out):
    """Overwrite ``out[i]`` with ``push[i] · off_i``, and return the sum of ``½ push[i] · off_i²``."""
    total = 0.0
    for i in range(seen.size):
        off = max(seen[i] - high[i], 0.0) + min(seen[i] - low[i], 0.0)
        out[i] = push[i] * off
        total += 0.5 * out[i] * off
    return total


@helper
def _step(start, row, weight, low, high, push, hold, apart, seen, p):
    """Return by how much pixel p has to change where the others stay; `apart` is how far it is from where it is wanted."""
    pull, curve = hold * apart, hold
    for e in range(start[p], start[p + 1]):
        i, w = row[e], weight[e]
        if seen[i] > high[i]:
            pull += push[i] * w * (seen[i] - high[i])
            curve += push[i] * w * w
        elif seen[i] < low[i]:
            pull += push[i] * w * (seen[i] - low[i])
            curve += push[i] * w * w
        else:
            curve += IDLE * push[i] * w * w
    return -pull / curve


@helper
def _gain(start, row, weight, low, high, push, hold, apart, seen, p, change):
    """Return by how much the sum falls where pixel p changes."""
    gain = 0.5 * hold * (apart * apart - (apart + change) * (apart + change))
    for e in range(start[p], start[p + 1]):
        i = row[e]
        now, then = seen[i], seen[i] + weight[e] * change
        now = max(now - high[i], 0.0) + min(now - low[i], 0.0)
        then = max(then - high[i], 0.0) + min(then - low[i], 0.0)
        gain += 0.5 * push[i] * (now * now - then * then)
    return gain


@helper
def _change(start, row, weight, seen, p, change):
    for e in range(start[p], start[p + 1]):
        seen[row[e]] += weight[e] * change


@kernel
def descend(start, row, weight, low, high, push, hold, wanted, g, seen, moving, stretch, sweeps, fine):
    """Move pixels, within 0..1, until a sweep over all moves none by more than `fine`, or for `sweeps` sweeps.

    Parameters
    ----------
    start, row, weight
        As `by_column` gives them.
    low, high, push : (N,) float64
    hold : float
        Above 0.
    wanted, g : (F,) float64
        `g` is updated.
    seen : (N,) float64
        Of `g` and of the pixels that are not free; updated.
    moving : (F,) uint8
        Overwritten.
    stretch : float
        What a step is multiplied by, 1 to below 2.
    sweeps : int
    fine : float

    Returns
    -------
    int
        Sweeps made.
    """
    for sweep in range(sweeps):
        whole = sweep % ROUND == 0
        moved = 0
        for p in range(g.size):
            if not whole and moving[p] == 0:
                continue
            moving[p] = 0
            step = _step(start, row, weight, low, high, push, hold, g[p] - wanted[p], seen, p)
            change = min(max(g[p] + stretch * step, 0.0), 1.0) - g[p]
            if change != 0.0:
                g[p] += change
                _change(start, row, weight, seen, p, change)
                if abs(change) > fine:
                    moving[p] = 1
                    moved += 1
        if whole and moved == 0:
            return sweep + 1
    return sweeps


@kernel
def settle(start, row, weight, low, high, push, hold, wanted, response, level, seen, sweeps):
    """Move pixels from level to level, where that makes the sum less, until a sweep moves none, or for `sweeps` sweeps.

    Parameters
    ----------
    start, row, weight, low, high, push, hold, wanted
        As of `descend`.
    response : (256,) float64
        Light of every level, never falling.
    level : (F,) int64
        Updated.
    seen : (N,) float64
        Of these levels; updated.
    sweeps : int

    Returns
    -------
    int
        Pixels that the last sweep moved: 0 where no pixel alone could be any better.
    """
    moved = 0
    for _sweep in range(sweeps):
        moved = 0
        for p in range(level.size):
            at = level[p]
            apart = response[at] - wanted[p]
            aim = response[at] + _step(start, row, weight, low, high, push, hold, apart, seen, p)
            while at < 255 and abs(response[at + 1] - aim) < abs(response[at] - aim):
                at += 1
            while at > 0 and abs(response[at - 1] - aim) < abs(response[at] - aim):
                at -= 1
            change = response[at] - response[level[p]]
            if change != 0.0 and _gain(start, row, weight, low, high, push, hold, apart, seen, p, change) > 0.0:
                level[p] = at
                _change(start, row, weight, seen, p, change)
                moved += 1
        if moved == 0:
            return moved
    return moved
