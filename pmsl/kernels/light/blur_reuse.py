"""What straight walls and plain areas have over and over: found once, recalled where the light around is the same to the last bit.

A row is compared with the one above it, block of pixels by block; where the light is the same in all rows that are seen from a pixel, and
in those seen from the pixel above, both have the same dose. So nothing is rounded differently.
"""

import math

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.light.dose import _add_two, _columns, _front_of_line
from pmsl.kernels.solve.pixel_flags import RECALLED

STRIP = 8  # pixels at either end of a block
WHOLE, FIRST, LAST = 0, 1, 2  # of a block, what is counted by itself


@helper
def _differ(one, two):
    """Return bits in which two stretches of pixels differ, 0 where they are the same."""
    other = np.int32(0)
    for c in range(one.size):
        other |= one[c] ^ two[c]
    return other


@helper
def _count_alike(codes, light_held, r, alike):
    """Count in every block, and in its strips, how many rows up to r are each the same as the row before it."""
    if light_held[r] == light_held[r - 1]:
        for b in range(alike.shape[1]):
            for part in range(3):
                alike[part, b] += 1
        return
    here, before = codes[light_held[r]], codes[light_held[r - 1]]
    for b in range(alike.shape[1]):
        begin, end = b * RECALLED, min(b * RECALLED + RECALLED, here.size)
        first, last = min(begin + STRIP, end), max(end - STRIP, min(begin + STRIP, end))
        head = _differ(here[begin:first], before[begin:first])
        body = _differ(here[first:last], before[first:last])
        tail = _differ(here[last:end], before[last:end])
        alike[FIRST, b] = alike[FIRST, b] + 1 if head == 0 else 0
        alike[LAST, b] = alike[LAST, b] + 1 if tail == 0 else 0
        alike[WHOLE, b] = alike[WHOLE, b] + 1 if head | body | tail == 0 else 0


@helper
def _same_around(alike, b, beside):
    """Tell in how many rows up to now a block, and what is seen from it of those beside it, was the same: at least."""
    least, last = alike[WHOLE, b], alike.shape[1] - 1
    if beside == 0:  # no further than the strips
        least = min(least, alike[LAST, b - 1]) if b > 0 else least
        return min(least, alike[FIRST, b + 1]) if b < last else least
    for i in range(max(b - beside, 0), min(b + beside, last) + 1):
        least = min(least, alike[WHOLE, i])
    return least


@helper
def _copy(source, out):
    for i in range(out.size):
        out[i] = source[i]


@helper
def _blur_stretch(light, light_held, r, begin, end, down, across, none, line, out):
    """Blur the pixels [begin, end) of a row; the sums of ``dose.blur``."""
    rows, cols = light.shape
    pad = across.size - 1
    low, high = max(begin - pad, 0), min(end + pad, cols)
    middle, source, weight = line[pad + low : pad + high], light[light_held[r], low:high], down[0]
    for c in range(middle.size):
        middle[c] = weight * source[c]
    for t in range(1, down.size, 2):
        a = light[light_held[r - t], low:high] if r - t >= 0 else none[low:high]
        b = light[light_held[r + t], low:high] if r + t < rows else none[low:high]
        c = light[light_held[r - t - 1], low:high] if r - t - 1 >= 0 else none[low:high]
        d = light[light_held[r + t + 1], low:high] if r + t + 1 < rows else none[low:high]
        _add_two(a, b, c, d, down[t], down[t + 1], middle)
    first, last, weight = pad + begin, pad + end, across[0]
    for c in range(end - begin):
        out[begin + c] = weight * line[first + c]
    for t in range(1, across.size, 2):
        a, b = line[first - t : last - t], line[first + t : last + t]
        c, d = line[first - t - 1 : last - t - 1], line[first + t + 1 : last + t + 1]
        _add_two(a, b, c, d, across[t], across[t + 1], out[begin:end])


@kernel
def see_one(
    light, codes, light_held, down, across, none, line, threshold, lengths, alike, changed, eight, seen, bits, front, recalled, held
):  # fmt: skip
    """Blur the light of one decay and find the front: ``dose.blur``, then ``dose.front_of_one``.

    Parameters
    ----------
    light : (R, C) float32; codes : (R, C) int32; light_held : (R,) int32
        At the mirrors, and the same memory; which row holds each, see `pmsl.kernels.compare.row_dedup`.
    down, across, none, line
        As of ``dose.blur``.
    threshold, lengths, changed, eight
        As of ``dose.front_of_one``.
    alike : (3, ceil(C / 32)) int64
        Scratch.
    seen : (R, C) float32; bits : (R, C) int32
        Overwritten: the dose, and the same memory.
    front : (R, C) float32
        Overwritten.
    recalled : (R, ceil(C / 32)) uint8
        Overwritten: whether the light in and around a block, a pixel further than the blur reaches, is that of the row above.
    held : (R,) int32
        Overwritten: which row of `seen` and `front` holds each.
    """
    rows, cols = light.shape
    reach, zero = down.size - 1, math.log(threshold)
    beside, needed = 0 if across.size <= STRIP else (across.size - 1) // RECALLED + 1, 2 * reach + 1
    blocks = alike.shape[1]
    line[:] = np.float32(0.0)
    alike[:] = 0
    for r in range(1, min(reach, rows)):
        _count_alike(codes, light_held, r, alike)
    for r in range(rows):
        if r + reach < rows:
            _count_alike(codes, light_held, r + reach, alike)
        else:
            alike[:] = 0
        kept, whole = recalled[r], True
        for b in range(blocks):
            same = _same_around(alike, b, beside) >= needed
            kept[b] = same
            whole &= same
        held[r] = held[r - 1] if whole else r
        if whole:
            continue
        b = 0
        while b < blocks:
            begin, known = b * RECALLED, kept[b]
            while b < blocks and kept[b] == known:
                b += 1
            end = min(b * RECALLED, cols)
            if known:
                _copy(seen[held[r - 1], begin:end], seen[r, begin:end])
                _copy(front[held[r - 1], begin:end], front[r, begin:end])
            else:
                _blur_stretch(light, light_held, r, begin, end, down, across, none, line, seen[r])
                _front_of_line(seen[r, begin:end], bits[r, begin:end], zero, lengths, changed, eight, front[r, begin:end])


@kernel
def inside(light, held, row, col, down, across, lines, recalled, latest, starts, which, out):
    """See the points inside pixels as ``dose.inside`` does, but those of pixels around which the light is the same only once.

    Parameters
    ----------
    light, held, row, col, down, across, lines
        As of ``dose.inside``; rows rise, and columns in a row.
    recalled : (R, ceil(C / 32)) uint8
        As `see_one` told.
    latest : (C,) int32; starts : (E,) uint8
        Scratch: the last pixel so far in a column; whether a pixel shares no points with the one before it.
    which : (E,) int32
        Overwritten: the row of `out` each pixel has; new ones in turn.
    out : (E, n * n) float32
        Overwritten as far as there are new ones.

    Returns
    -------
    int
        How many there are.
    """
    n, taps = across.shape
    latest[:] = -1
    e, new = 0, 0
    while e < row.size:
        end = e + 1
        while end < row.size and end - e <= lines.shape[1] - taps and row[end] == row[e] and col[end] == col[e] + end - e:
            end += 1
        known = True
        for i in range(e, end):
            c = col[i]
            above = latest[c]
            latest[c] = i
            starts[i] = i == e
            if above >= 0 and row[above] == row[i] - 1 and starts[above] == starts[i] and recalled[row[i], c // RECALLED]:
                which[i] = which[above]
            else:
                which[i] = -1
                known = False
        if known:
            e = end
            continue
        _columns(light, held, row[e], col[e] - taps // 2, end - e + taps - 1, down, lines)
        same = 0  # columns up to the last one seen that are each as the one before
        for b in range(1, taps - 1):
            same = same + 1 if _one_sum(lines, b) else 0
        for i in range(e, end):
            p = i - e
            same = same + 1 if _one_sum(lines, p + taps - 1) else 0
            if which[i] >= 0:
                continue
            if p > 1 and same > taps:
                which[i] = which[i - 1]
                continue
            which[i] = new
            for j in range(n):
                for k in range(n):
                    if p > 0 and k == 0:
                        out[new, j * n] = out[which[i - 1], j * n + n - 1]
                        continue
                    total = 0.0
                    for b in range(taps):
                        total += across[k, b] * lines[j, p + b]
                    out[new, j * n + k] = np.float32(total)
            new += 1
        e = end
    return new


@helper
def _one_sum(lines, b):
    """Tell whether column b of the sums is as the one before."""
    same = True
    for i in range(lines.shape[0]):
        same &= lines[i, b] == lines[i, b - 1]
    return same
