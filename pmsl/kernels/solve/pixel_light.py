"""The light that single pixels get from the runs of masks."""

from typing import NamedTuple

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.raster.cell_bits import ONE, mark

STEPS = 4  # runs gone along before the row is searched


@helper
def _ending_beyond(low, high, col, length, left):
    """Return the first of the runs [low, high) that ends beyond column `left`."""
    while low < high:
        mid = (low + high) // 2
        if col[mid] + length[mid] <= left:
            low = mid + 1
        else:
            high = mid
    return low


@kernel
def paint(row_start, col, length, value, col0, first, share, levels, near):
    """Paint runs, and mark the pixels that their light gets to.

    Parameters
    ----------
    row_start, col, length, value : (R + 1,) int64, (n,) int32, (n,) int32, (n,) uint8
        Runs of an 8-bit mask.
    col0 : int
        Column of the runs that is the first of `levels`.
    first, share
        As of `light_at`.
    levels : (R, C) uint8
        Overwritten.
    near : (R + 1, C // 64 + 1) uint64
        Overwritten: a bit for each pixel where light may be. The last row is working space.

    Notes
    -----
    Rejected: tiles of 8 pixels instead of single ones; a fifth of the pixels that wait for light are within a tile of some and get none.
    """
    rows, cols = levels.shape
    lit = near[rows]
    near[:] = np.uint64(0)
    for r in range(rows):
        line = levels[r]
        line[:] = np.uint8(0)
        if row_start[r] == row_start[r + 1]:
            continue
        for i in range(row_start[r], row_start[r + 1]):
            begin = np.int64(col[i]) - col0
            end, level = begin + length[i], value[i]
            for c in range(begin, end):
                line[c] = level
            left, right = max(begin - first[1] - share.shape[1] + 1, 0), min(end - first[1], cols)
            if left < right:
                mark(lit, left, right)
        for t in range(max(r - first[0] - share.shape[0] + 1, 0), min(r - first[0] + 1, rows)):
            for w in range(lit.size):
                near[t, w] |= lit[w]
        lit[:] = np.uint64(0)


@helper
def _light_of_levels(r, c, levels, near, row0, col0, response, flat, first, share):
    """Return the light in the middle of a pixel, from the levels around it."""
    y, x = r - row0, c - col0
    if 0 <= y < levels.shape[0] and 0 <= x < levels.shape[1] and (near[y, x >> 6] >> np.uint64(x & 63)) & ONE == 0:
        return 0.0
    even, top, left = flat.size == 0, y + first[0], x + first[1]
    total = 0.0
    for a in range(max(0, -top), min(share.shape[0], levels.shape[0] - top)):
        line = 0.0  # apart, so that rows need not wait for one another
        for b in range(max(0, -left), min(share.shape[1], levels.shape[1] - left)):
            level = levels[top + a, left + b]
            if level:
                line += response[level] * share[a, b] * (1.0 if even else flat[row0 + top + a, col0 + left + b])
        total += line
    return total


@helper
def _light(r, c, fresh, at, row_start, row0, col, length, value, response, flat, first, share):
    """Return the light in the middle of a pixel, from the runs around it: the same sums.

    `at` keeps where each row around it was begun, for the next pixel to the right; `fresh` says that this one is not that.
    """
    rows, even = row_start.size - 1, flat.size == 0
    left = c + first[1]
    right = left + share.shape[1]
    total = 0.0
    for a in range(share.shape[0]):
        row = r + first[0] + a - row0
        if row < 0 or row >= rows:
            continue
        stop = row_start[row + 1]
        low = row_start[row] if fresh else at[a]
        near = low if fresh else low + STEPS
        while low < stop and low < near and col[low] + length[low] <= left:
            low += 1
        if low == near:
            low = _ending_beyond(low, stop, col, length, left)
        at[a] = low
        line = 0.0
        while low < stop and col[low] < right:
            light = response[value[low]]
            for b in range(max(left, col[low]), min(right, col[low] + length[low])):
                line += light * share[a, b - left] * (1.0 if even else flat[row0 + row, b])
            low += 1
        total += line
    return total


@kernel
def light_at(row_start, row0, col, length, value, response, flat, pixels, first, share, at, levels, near, col0, out):
    """Sum the light that reaches the middles of pixels, from the runs around each.

    Parameters
    ----------
    row_start, col, length, value : (rows + 1,) int64, (n,) int32, (n,) int32, (n,) uint8
        Runs of an 8-bit mask.
    row0 : int
        Row of the grid of the first row of runs.
    response : (256,) float64
        Relative irradiance of every level.
    flat : (rows, cols) float64
        Of the whole grid, or (0, 0): an even field.
    pixels : (m, 2) int64 or int32
        Row and column; quickest in order of rows and columns.
    first : (2,) int64
        Row and column, from the pixel, of the first of the shares.
    share : (A, B) float64
        Of the light of each pixel around one, what gets into its middle.
    at : (A,) int64
        Working space.
    levels, near : (R, C) uint8 and (R + 1, C // 64 + 1) uint64, or (0, 0)
        The mask as `paint` makes it, from row `row0` and column `col0` on: many pixels are quicker with it.
    col0 : int
    out : (m,) float64
        Added into.
    """
    row, column = np.int64(-1), np.int64(0)
    for i in range(pixels.shape[0]):
        r, c = np.int64(pixels[i, 0]), np.int64(pixels[i, 1])
        fresh = r != row or c < column
        if levels.size:
            out[i] += _light_of_levels(r, c, levels, near, row0, col0, response, flat, first, share)
        else:
            out[i] += _light(r, c, fresh, at, row_start, row0, col, length, value, response, flat, first, share)
        row, column = r, c


class FallingLightArrays(NamedTuple):
    """The arguments of `fall` by name, in its order: shapes and kinds stand there."""

    row_start: np.ndarray
    row0: int
    col: np.ndarray
    length: np.ndarray
    value: np.ndarray
    response: np.ndarray
    flat: np.ndarray
    first: np.ndarray
    share: np.ndarray
    at: np.ndarray
    levels: np.ndarray
    near: np.ndarray
    col0: int
    white: float
    induction: float
    newest: int
    threshold: float
    pixels: np.ndarray
    own: np.ndarray
    total: np.ndarray
    waiting: np.ndarray
    left: np.ndarray
    still: np.ndarray
    found: np.ndarray


@kernel
def fall(
    row_start, row0, col, length, value, response, flat, first, share, at, levels, near, col0,
    white, induction, newest, threshold, pixels, own, total, waiting, left, still, found,
):  # fmt: skip
    """Give the light of a layer to pixels below that wait for it, and let go of those that it and later layers cannot change.

    Parameters
    ----------
    row_start, row0, col, length, value, response, flat, first, share, at, levels, near, col0
        As of `light_at`.
    white, induction, threshold : float
        White dose of the layer; what a dose loses before it counts; what cures [mJ/cm²].
    newest : int
        0: doses add up; 1: the largest counts.
    pixels : (m, 2) int32; own, total : (m,) float64
        Pixels that wait, of one layer after the other; their effective dose of their own layer, and what came from above. Those that
        go on waiting are moved to the front and their `total` grows.
    waiting : (G,) int64
        How many pixels wait in each of G layers, now and then.
    left, still : (G,) float64
        What is left of the light in each of them; the most that can come from here on.
    found : (G, 5) int64
        Of the pixels let go that nothing cures: how many more; lowest row, lowest column, highest row, highest column. Updated.

    Returns
    -------
    int
        How many go on waiting.
    """
    begin, kept = np.int64(0), np.int64(0)
    for g in range(waiting.size):
        row, column, stay = np.int64(-1), np.int64(0), np.int64(0)
        for i in range(begin, begin + waiting[g]):
            r, c, here = np.int64(pixels[i, 0]), np.int64(pixels[i, 1]), total[i]
            enough = threshold if newest else threshold - own[i]
            if here >= enough or here + still[g] < enough:
                if (max(own[i], here) if newest else own[i] + here) < threshold:
                    found[g, 0] += 1
                    found[g, 1], found[g, 2] = min(found[g, 1], r), min(found[g, 2], c)
                    found[g, 3], found[g, 4] = max(found[g, 3], r), max(found[g, 4], c)
                continue
            fresh = r != row or c < column
            if levels.size:
                light = _light_of_levels(r, c, levels, near, row0, col0, response, flat, first, share)
            else:
                light = _light(r, c, fresh, at, row_start, row0, col, length, value, response, flat, first, share)
            row, column = r, c
            dose = max(light * white * left[g] - induction, 0.0)
            pixels[kept, 0], pixels[kept, 1], own[kept] = r, c, own[i]
            total[kept] = max(here, dose) if newest else here + dose
            kept += 1
            stay += 1
        begin += waiting[g]
        waiting[g] = stay
    return kept
