"""Dose of all layers above, for layers fed from the light side down: decay and add, blur, where the cure front lies.

The *front* of a column is its cured thickness in slabs, gone on beyond the slab: ``ln(D / T) · length / h`` of one decay. At most 0
nothing is cured, from 1 on the slab is cured through, and ``front = s / h`` is the printed contour at depth s below the exposure plane.
Maps are float32: 1e-7 of a dose moves no surface by more than 1e-7 decay lengths.
"""

import math

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.compare.row_dedup import same_runs

NOTHING = -1000.0  # the front where there is no dose
EVERYTHING = 1000.0  # and where the dose does not fall
LEAST = np.float32(2.0**-126)  # normal float32; less is no dose
LN_2, ROOT = math.log(2.0), math.sqrt(2.0)


@kernel
def advance(before, held_before, light, held, factor, least, weight, row_start, col, length, level, relative, row0, col0, flat):
    """Let light fall to the next exposure plane and add what is exposed there: ``light = factor · before + weight · relative[level]``.

    Parameters
    ----------
    before : (R, C) float32, or (0, 0)
        Dose of all layers above at the mirrors, at the plane before; without it `light` is added to where it is.
    held_before, held : (R,) int32
        Which row holds each of `before` (see `row_dedup`), and of `light`, overwritten; without `before` every row must hold itself.
    light : (R, C) float32
        The same at this plane; other memory.
    factor, least, weight : float
        What is left of it; less than `least` becomes none (numbers near the smallest a float32 holds are slow); share of the exposure
        that is added.
    row_start : (n_rows + 1,) int64; col, length : (N,) int32; level : (N,) uint8
        Runs of the mask, columns counted from `light`'s first.
    relative : (256,) float32
        Dose of each level.
    row0, col0 : int
        Row of `light` of the first run row; column of `light` of the grid's column 0.
    flat : (R, C) float32, or (0, 0)
        Relative irradiance of a white frame.
    """
    left, dark = np.float32(factor), np.float32(least)
    for row in range(light.shape[0]):  # both at once, while the row is in the cache
        line, r = light[row], row - row0
        begin, end = (row_start[r], row_start[r + 1]) if 0 <= r < row_start.size - 1 else (0, 0)
        if before.size > 0:
            same = held_before[row] < row and (flat.size == 0 or begin == end)
            if same and same_runs(row_start, col, length, level, r):
                held[row] = held[row - 1]
                continue
            held[row] = row
            above = before[held_before[row]]
            for c in range(line.size):
                here = above[c] * left
                line[c] = here if here >= dark else np.float32(0.0)
        for i in range(begin, end):
            dose = np.float32(weight * relative[level[i]])
            first = col[i] + col0
            for c in range(first, first + length[i]):
                line[c] += dose if flat.size == 0 else dose * flat[row, c]


@helper
def _add_two(a, b, c, d, first, second, out):
    """Add two pairs of equally weighted lines; few passes, for what counts is memory."""
    for i in range(out.size):
        out[i] += first * (a[i] + b[i]) + second * (c[i] + d[i])


@kernel
def blur(light, down, across, none, line, seen):
    """Blur by a separable, symmetric spread: ``seen = down ⊗ across ⊛ light``; outside the array there is no light.

    Parameters
    ----------
    light : (R, C) float32
    down, across : (1 + 2n,) float32
        Weights along y and x from the middle outward, even numbers of them beside the middle (the last may be 0).
    none : (C,) float32
        Zeros.
    line : (C + 4n,) float32
        Scratch, 2n of `across` on both sides.
    seen : (R, C) float32
        Overwritten.
    """
    rows, cols = light.shape
    pad = across.size - 1
    line[:] = np.float32(0.0)
    middle = line[pad : pad + cols]
    for r in range(rows):
        source, weight = light[r], down[0]
        for c in range(cols):
            middle[c] = weight * source[c]
        for t in range(1, down.size, 2):
            a = light[r - t] if r - t >= 0 else none
            b = light[r + t] if r + t < rows else none
            c = light[r - t - 1] if r - t - 1 >= 0 else none
            d = light[r + t + 1] if r + t + 1 < rows else none
            _add_two(a, b, c, d, down[t], down[t + 1], middle)
        out, weight = seen[r], across[0]
        for c in range(cols):
            out[c] = weight * middle[c]
        for t in range(1, across.size, 2):
            a, b = line[pad - t : pad - t + cols], line[pad + t : pad + t + cols]
            c, d = line[pad - t - 1 : pad - t - 1 + cols], line[pad + t + 1 : pad + t + 1 + cols]
            _add_two(a, b, c, d, across[t], across[t + 1], out)


@helper
def _log(bits):
    """Logarithm of a normal float32 given by its bits, to 1e-15: the series of the inverse hyperbolic tangent, in vectors of pixels."""
    exponent, x = np.float64((bits >> 23) - 127), 1.0 + np.float64(bits & 0x7FFFFF) * 2.0**-23
    high = x > ROOT
    x = 0.5 * x if high else x
    exponent = exponent + 1.0 if high else exponent
    s = (x - 1.0) / (x + 1.0)
    z = s * s
    series = 1.0 / 17.0
    series = series * z + 1.0 / 15.0
    series = series * z + 1.0 / 13.0
    series = series * z + 1.0 / 11.0
    series = series * z + 1.0 / 9.0
    series = series * z + 1.0 / 7.0
    series = series * z + 1.0 / 5.0
    series = series * z + 1.0 / 3.0
    series = series * z + 1.0
    return exponent * LN_2 + 2.0 * s * series


@helper
def _fronts(dose, bits, zero, lengths, front):
    """Find the fronts of a stretch of pixels, in vectors."""
    for i in range(dose.size):
        found = np.float32(lengths * (_log(bits[i]) - zero))
        front[i] = found if dose[i] >= LEAST else np.float32(NOTHING)


@helper
def _front_of_line(line, codes, zero, lengths, changed, eight, out):
    """Find the fronts of a row; doses that go on as they are have theirs found once."""
    cols = line.size
    before, after, other = line[: cols - 1], line[1:], changed[1:]
    changed[0] = 1
    for c in range(before.size):
        other[c] = after[c] != before[c]
    c, words = 0, cols // 8
    for e in range(words):
        if eight[e] == 0:  # inside a part doses are equal to the last bit
            if c < 8 * e:
                _fronts(line[c : 8 * e], codes[c : 8 * e], zero, lengths, out[c : 8 * e])
            c = 8 * e + 8
            out[8 * e : c] = out[8 * e - 1]
    if c < cols:
        _fronts(line[c:], codes[c:], zero, lengths, out[c:])


@kernel
def front_of_one(dose, bits, threshold, lengths, changed, eight, front):
    """Find the front of one decay.

    Parameters
    ----------
    dose : (R, C) float32
        At the exposure plane [mJ/cm²].
    bits : (R, C) int32
        The same memory.
    threshold : float
        Dose from which on resin is solid.
    lengths : float
        Decay length over the slab's thickness.
    changed : (8 n,) uint8, at least C; eight : (n,) uint64
        Scratch, and the same memory eight bytes at a time.
    front : (R, C) float32
        Overwritten.
    """
    zero = math.log(threshold)
    for r in range(dose.shape[0]):
        _front_of_line(dose[r], bits[r], zero, lengths, changed, eight, front[r])


@kernel
def front_of_points(dose, bits, threshold, lengths, front):
    """Find the front of one decay where every dose is another: (n,) float32; parameters as of `front_of_one`."""
    _fronts(dose, bits, math.log(threshold), lengths, front)


@helper
def _sum(terms, rates, r, c, depth):
    """Dose at `depth` slabs below the plane, and how fast it falls [1/slab]."""
    dose, slope = 0.0, 0.0
    for i in range(rates.size):
        part = terms[i, r, c] * math.exp(-depth * rates[i])
        dose += part
        slope += part * rates[i]
    return dose, slope


@kernel
def front_of_sum(terms, threshold, rates, dose, front):
    """Find the front of several decays by Newton's method on the logarithm of the dose, which is convex: steps never pass the root.

    Parameters
    ----------
    terms : (T, R, C) float32
        Dose of each decay at the exposure plane.
    threshold : float
    rates : (T,) float64
        Slab thickness over decay length; 0 for a constant tail.
    dose, front : (R, C) float32
        Overwritten: sum of the terms at the plane, and the front. Outside the slab the front goes on with the decay at its face.
    """
    for r in range(dose.shape[0]):
        for c in range(dose.shape[1]):
            top, slope = _sum(terms, rates, r, c, 0.0)
            dose[r, c] = top
            depth = 0.0
            if top <= 0.0:
                front[r, c] = np.float32(NOTHING)
                continue
            if top > threshold:
                bottom, falling = _sum(terms, rates, r, c, 1.0)
                if bottom >= threshold:
                    top, slope, depth = bottom, falling, 1.0
                else:
                    for _ in range(60):
                        here, falling = _sum(terms, rates, r, c, depth)
                        step = math.log(here / threshold) * here / falling
                        depth = min(max(depth + step, 0.0), 1.0)
                        if abs(step) < 1e-7:
                            break
                    front[r, c] = np.float32(depth)
                    continue
            beyond = math.log(top / threshold) * top / slope if slope > 1e-3 * top else EVERYTHING * (1.0 if top > threshold else -1.0)
            front[r, c] = np.float32(min(max(depth + beyond, NOTHING), EVERYTHING))


@helper
def _columns(light, held, row, first, width, down, lines):
    """Sum columns of pixels from `first` on, weighted along y, for each of the places: (n, width) at the start of `lines`."""
    rows, cols = light.shape
    half = down.shape[1] // 2
    begin, end = max(-first, 0), min(width, cols - first)
    for i in range(down.shape[0]):
        line = lines[i]
        line[:width] = 0.0
        for a in range(max(half - row, 0), min(down.shape[1], rows + half - row)):
            weight, source = down[i, a], light[held[row + a - half]]
            for b in range(begin, end):
                line[b] += weight * source[first + b]


@kernel
def inside(light, held, row, col, down, across, lines, out):
    """See a separable spread at n × n points inside pixels.

    Parameters
    ----------
    light : (R, C) float32; held : (R,) int32
        See `pmsl.kernels.compare.row_dedup`.
    row, col : (E,) int32
        The pixels; those that follow each other in a row share their columns and the points on their common border.
    down, across : (n, A) and (n, B) float64, A and B odd
        Weights of the pixels around along y and x, for each of the n places along that axis, from border to border.
    lines : (n, W) float64, W at least B
        Scratch.
    out : (E, n * n) float32
        Overwritten, places along y first.
    """
    n, taps = across.shape
    e = 0
    while e < row.size:
        end = e + 1
        while end < row.size and end - e <= lines.shape[1] - taps and row[end] == row[e] and col[end] == col[e] + end - e:
            end += 1
        _columns(light, held, row[e], col[e] - taps // 2, end - e + taps - 1, down, lines)
        for p in range(end - e):
            for i in range(n):
                for j in range(n):
                    if p > 0 and j == 0:
                        out[e + p, i * n] = out[e + p - 1, i * n + n - 1]
                        continue
                    total = 0.0
                    for b in range(taps):
                        total += across[j, b] * lines[i, p + b]
                    out[e + p, i * n + j] = np.float32(total)
        e = end
