"""Gray levels that bring sums of light into bands, as near to wanted levels as can be.

Row i asks ``lo[i] <= Σ_j w[i, j] · g[index[i, j]] <= hi[i]``. Of all levels 0..cap that meet the rows, those nearest to the wanted
ones are sought: ``min ½|g - wanted|²``. Its dual is solved row by row (Hildreth's method; soft rows by `soft`): the levels are
always ``g = clip(v, 0, cap)`` with ``v = wanted + Σ_i y[i] w[i]``, so a change of one row touches its few pixels only.
"""

from pmsl.kernels._jit import helper, kernel

PUSH = 10.0  # greatest multiplier: a row that cannot be met darkens or lights its own pixels, not those further away
ROUND = 6  # sweeps from one over all rows to the next; between them only rows that still move are visited


@helper
def _seen(w, index, g, i):
    total = 0.0
    for j in range(index.shape[1]):
        total += w[i, j] * g[index[i, j]]
    return total


@kernel
def seen(w, index, light, out):
    """Overwrite ``out[i]`` with ``Σ_j w[i, j] · light[index[i, j]]``.

    Parameters
    ----------
    w : (N, J) float64
    index : (N, J) int32
    light : (P,) float64
    out : (N,) float64
    """
    for i in range(index.shape[0]):
        out[i] = _seen(w, index, light, i)


@helper
def _visit(w, index, lo, hi, soft, cap, v, g, y, i):
    """Solve row i for its own multiplier; return by how much the sum of light was off, 0 where nothing is moved."""
    total, all_squares, free_squares = 0.0, 0.0, 0.0
    for j in range(index.shape[1]):
        p = index[i, j]
        weight = w[i, j]
        total += weight * g[p]
        all_squares += weight * weight
        if 0.0 <= v[p] <= cap[p]:
            free_squares += weight * weight
    slope = 0.5 * (all_squares + free_squares) + soft[i]  # of free pixels alone the step would be too long where more come free
    wanted = y[i] + (lo[i] - total - soft[i] * y[i]) / slope
    if wanted <= 0.0:
        wanted = min(0.0, y[i] + (hi[i] - total - soft[i] * y[i]) / slope)
    wanted = min(max(wanted, -PUSH), PUSH)
    change = wanted - y[i]
    if change == 0.0:
        return 0.0
    y[i] = wanted
    for j in range(index.shape[1]):
        p = index[i, j]
        v[p] += change * w[i, j]
        g[p] = min(max(v[p], 0.0), cap[p])
    return abs(change) * slope


@kernel
def relax(w, index, lo, hi, soft, cap, v, g, y, moving, sweeps, enough):
    """Relax until no row is off by more than `enough`, or for `sweeps` sweeps.

    Parameters
    ----------
    w : (N, J) float64
        Share of each pixel's light that a row sees.
    index : (N, J) int32
        Its pixels.
    lo, hi, soft : (N,) float64
        Band, and how much a row may miss it: by `soft` times its multiplier.
    cap : (P,) float64
        Highest level of each pixel.
    v, g : (P,) float64
        Wanted levels and the same, clipped; both are updated.
    y : (N,) float64
        Multipliers, of which `v` holds its share; updated.
    moving : (N,) uint8
        Overwritten.
    sweeps : int
    enough : float

    Returns
    -------
    int
        Sweeps made.
    """
    for sweep in range(sweeps):
        whole = sweep % ROUND == 0
        worst = 0.0
        for i in range(index.shape[0]):
            if whole or moving[i] != 0:
                off = _visit(w, index, lo, hi, soft, cap, v, g, y, i)
                moving[i] = 1 if off > 0.25 * enough else 0
                worst = max(worst, off)
        if whole and worst <= enough:
            return sweep + 1
    return sweeps
