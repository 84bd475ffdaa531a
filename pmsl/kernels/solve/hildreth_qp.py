"""Gray levels that bring sums of light into bands, as near to wanted levels as can be.

Row i asks ``lo[i] <= Σ_j w[i, j] · g[index[i, j]] <= hi[i]``. Of all levels 0..1 that meet the rows, those nearest to the wanted
ones are sought: ``min ½|g - wanted|²``. Its dual is solved row by row (Hildreth's method; soft rows by `soft`): the levels are
always ``g = clip(v, 0, 1)`` with ``v = wanted + Σ_i y[i] w[i]``, so a change of one row touches its few pixels only.
"""

from pmsl.kernels._compiler.jit import helper, kernel

PUSH = 10.0  # greatest multiplier: a row that cannot be met darkens or lights its own pixels, not those further away
ROUND = 6  # sweeps from one over all rows to the next; between them only rows that still move are visited
STILL = 0.25  # times `enough`: a row that moved by less waits for the next sweep over all


@kernel
def seen(w, index, light, out):
    """Overwrite ``out[i]`` with ``Σ_j w[i, j] · light[index[i, j]]``.

    Parameters
    ----------
    w : (N, J) or (1, J) float64
        One row where all are alike.
    index : (N, J) int32
    light : (P,) float64
    out : (N,) float64
    """
    last = w.shape[0] - 1
    for i in range(index.shape[0]):
        row = min(i, last)
        total = 0.0
        for j in range(index.shape[1]):
            total += w[row, j] * light[index[i, j]]
        out[i] = total


@helper
def _share(weight, wanted):
    """Return the light of one pixel that a row sees, and the square of its weight if it is free."""
    level = min(max(wanted, 0.0), 1.0)
    return weight * level, weight * weight if level == wanted else 0.0


@helper
def _light(w, index, v, i):
    """Return the light of row i and the squares of its free pixels: in four sums each, for one would wait for itself."""
    a0, a1, a2, a3, f0, f1, f2, f3 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    n = index.shape[1]
    fours = n - n % 4
    for j in range(0, fours, 4):
        light, square = _share(w[i, j], v[index[i, j]])
        a0, f0 = a0 + light, f0 + square
        light, square = _share(w[i, j + 1], v[index[i, j + 1]])
        a1, f1 = a1 + light, f1 + square
        light, square = _share(w[i, j + 2], v[index[i, j + 2]])
        a2, f2 = a2 + light, f2 + square
        light, square = _share(w[i, j + 3], v[index[i, j + 3]])
        a3, f3 = a3 + light, f3 + square
    for j in range(fours, n):
        light, square = _share(w[i, j], v[index[i, j]])
        a0, f0 = a0 + light, f0 + square
    return (a0 + a1) + (a2 + a3), (f0 + f1) + (f2 + f3)


@helper
def _visit(w, index, lo, hi, soft, squares, v, y, i):
    """Solve row i for its own multiplier; return by how much the sum of light was off, 0 where nothing is moved."""
    light, free = _light(w, index, v, i)
    slope = 0.5 * (squares[i] + free) + soft[i]  # of free pixels alone the step would be too long where more come free
    found = y[i] + (lo[i] - light - soft[i] * y[i]) / slope
    if found <= 0.0:
        found = min(0.0, y[i] + (hi[i] - light - soft[i] * y[i]) / slope)
    change = min(max(found, -PUSH), PUSH) - y[i]
    if change != 0.0:
        y[i] += change
        for j in range(index.shape[1]):
            v[index[i, j]] += change * w[i, j]
    return abs(change) * slope


@kernel
def relax(shares, white, index, lo, hi, soft, v, y, w, squares, moving, sweeps, enough):
    """Relax until no row is off by more than `enough`, or for `sweeps` sweeps.

    Parameters
    ----------
    shares : (N, J) float64
        Of each pixel's light that a row sees.
    white : (P,) float64
        Light of each pixel at level 1; 0 for pixels without light.
    index : (N, J) int32
        A row's pixels.
    lo, hi, soft : (N,) float64
        Band, and how much a row may miss it: by `soft` times its multiplier.
    v : (P,) float64
        Wanted levels and what rows add; the multipliers `y` given are added first. Clipped to 0..1 they are the levels.
    y : (N,) float64
        Multipliers to begin with; updated.
    w : (N, J) float64
        Overwritten.
    squares : (N,) float64
        Overwritten.
    moving : (N,) uint8
        Overwritten.
    sweeps : int
    enough : float

    Returns
    -------
    int
        Sweeps made.
    """
    for i in range(index.shape[0]):
        squares[i] = 0.0
        for j in range(index.shape[1]):
            w[i, j] = shares[i, j] * white[index[i, j]]
            squares[i] += w[i, j] * w[i, j]
            v[index[i, j]] += y[i] * w[i, j]
    for sweep in range(sweeps):
        whole = sweep % ROUND == 0
        worst = 0.0
        for i in range(index.shape[0]):
            if whole or moving[i] != 0:
                off = _visit(w, index, lo, hi, soft, squares, v, y, i)
                moving[i] = 1 if off > STILL * enough else 0
                worst = max(worst, off)
        if whole and worst <= enough:
            return sweep + 1
    return sweeps
