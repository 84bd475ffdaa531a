"""Steep surfaces of one layer: where a plane cuts them, probes along the cut, and how far from a probe the printed edge lies."""

import math
from typing import NamedTuple

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel, routine
from pmsl.kernels.geometry.plane_crossings import _cut

DARK = 1e-12  # of the threshold: less counts as this
CLOSE = 1e-4  # of a stride
SECANTS = 5
STILL = 1e-9  # of a pixel: probes on a straight wall are in line up to rounding
ROOM = 1.0  # pixels around a probe looked at beyond those that matter, so that a slightly other offset needs no new look
EVEN = 1e-6  # of a pixel: a wall on a border is as far from both its sides


@kernel
def cut(k, z, corners, picked, n, pitch, lean, segments):
    """Cut the steep ones of the triangles that cross plane k.

    Parameters
    ----------
    k : int
    z : float
        Height of the plane.
    corners : (M, 9) float64
        Of the index, x and y in pixels.
    picked : (P,) int32; n : int
        Rows of `corners` that cross the plane.
    pitch : (2,) float64
        Pixel pitch x, y in the unit of z.
    lean : float
        Largest z of a steep triangle's unit normal, up or down.
    segments : (P, 4) float64
        Overwritten: x0, y0, x1, y1 in pixels, solid on the left.

    Returns
    -------
    int
        Number of segments.
    """
    found = 0
    for i in range(n):
        t = corners[picked[i]]
        ax, ay, az = (t[3] - t[0]) * pitch[0], (t[4] - t[1]) * pitch[1], t[5] - t[2]
        bx, by, bz = (t[6] - t[0]) * pitch[0], (t[7] - t[1]) * pitch[1], t[8] - t[2]
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        if nz * nz <= lean * lean * (nx * nx + ny * ny + nz * nz):
            _cut(t, z, segments, found)
            found += 1
    return found


@kernel
def stamp(segments, n, row0, col0, k, near):
    """Write k into the pixels that reach to less than one pixel from the segments.

    Parameters
    ----------
    segments : (N, 4) float64
        In pixels of the grid.
    n : int
    row0, col0 : int
        First pixel of the window.
    k : int
    near : (R, C) int32
        Changed.
    """
    rows, cols = near.shape
    for i in range(n):
        x0, y0, x1, y1 = segments[i, 0], segments[i, 1], segments[i, 2], segments[i, 3]
        steps = np.int64(2.0 * max(abs(x1 - x0), abs(y1 - y0))) + 1
        if x0 == x1 or y0 == y1:  # a rectangle
            steps, x0, x1, y0, y1 = 0, min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
        for j in range(steps + 1):
            part, more = (j / steps, 0.0) if steps else (0.0, 1.0)
            y, x = y0 + part * (y1 - y0) - row0, x0 + part * (x1 - x0) - col0
            below, right = y + more * (y1 - y0), x + more * (x1 - x0)
            for u in range(max(np.int64(math.floor(y - 1.0 + EVEN)), 0), min(np.int64(math.ceil(below + 1.0 - EVEN)), rows)):
                for v in range(max(np.int64(math.floor(x - 1.0 + EVEN)), 0), min(np.int64(math.ceil(right + 1.0 - EVEN)), cols)):
                    near[u, v] = k


@kernel
def probes(segments, n, pitch, carry, points, outward):
    """Set a probe at every pixel of length along the segments, one segment going on where the last one stopped.

    Parameters
    ----------
    segments : (N, 4) float64
    n : int
    pitch : (2,) float64
        x, y; a pixel of length is the smaller.
    carry : float
        Length since the last probe [px].
    points, outward : (P, 2) float64
        Overwritten: place (y, x) in pixels of the grid, and the horizontal normal out of the solid, (y, x) in pixels for one unit of
        `pitch`'s length.

    Returns
    -------
    int
        Number of probes; where it exceeds P only the first P were written.
    """
    m = 0
    unit = min(pitch[0], pitch[1])
    for i in range(n):
        dx, dy = segments[i, 2] - segments[i, 0], segments[i, 3] - segments[i, 1]
        ux, uy = dx * pitch[0], dy * pitch[1]
        length = math.sqrt(ux * ux + uy * uy) / unit
        at = 1.0 - carry
        while at <= length:
            if m < points.shape[0]:
                part = at / length
                points[m, 0], points[m, 1] = segments[i, 1] + part * dy, segments[i, 0] + part * dx
                outward[m, 0], outward[m, 1] = -ux / (length * unit * pitch[1]), uy / (length * unit * pitch[0])
            m += 1
            at += 1.0
        carry = length - (at - 1.0)
    return m


@helper
def _weights(table, per_px, place, reach, out):
    """Write the weights of the pixels within `reach` of a place along one axis into `out`; return the first pixel."""
    first = np.int64(math.ceil(place - reach - 0.5))
    for i in range(out.size):
        u = abs(place - (first + i) - 0.5) * per_px
        j = np.int64(u)
        out[i] = table[j] + (u - j) * (table[j + 1] - table[j])
    return first


@routine
def _level(light, held, factors, threshold, y, x, table_y, table_x, per_px, reach_y, reach_x, weight_y, weight_x):
    """Logarithm of the dose at a point over the threshold."""
    row, col = _weights(table_y, per_px, y, reach_y, weight_y), _weights(table_x, per_px, x, reach_x, weight_x)
    first_a, last_a = max(0, -row), min(weight_y.size, light.shape[1] - row)
    first_b, last_b = max(0, -col), min(weight_x.size, light.shape[2] - col)
    dose = 0.0
    for i in range(factors.size):
        term = 0.0
        for a in range(first_a, last_a):
            line = 0.0
            for b in range(first_b, last_b):
                line += weight_x[b] * light[i, held[row + a], col + b]
            term += weight_y[a] * line
        dose += factors[i] * term
    return math.log(max(dose / threshold, DARK))


@routine
def _near_last(
    last, slope, light, held, factors, threshold, y, x, v, u, stride, table_y, table_x, per_px, reach_y, reach_x, weight_y, weight_x
):
    """Look for the edge where the last probe had it, by secants; return it and the slope there, or (nan, 0)."""
    b = last
    at_b = _level(light, held, factors, threshold, y + b * v, x + b * u, table_y, table_x, per_px, reach_y, reach_x, weight_y, weight_x)
    for _ in range(SECANTS):
        t = b - at_b / slope
        if abs(t - last) > 0.5 * stride:
            break
        if abs(t - b) < CLOSE * stride:
            return t, slope
        at_t = _level(light, held, factors, threshold, y + t * v, x + t * u, table_y, table_x, per_px, reach_y, reach_x, weight_y, weight_x)
        slope = (at_t - at_b) / (t - b)
        b, at_b = t, at_t
        if not slope < 0.0:
            break
    return np.nan, 0.0


@helper
def _one_step(y, x, before_y, before_x):
    """Tell whether a probe is one pixel from another along an axis: 1 across a row, 2 along a column, negative for the other way, or 0."""
    dy, dx = y - before_y, x - before_x
    if abs(dy) < STILL and abs(abs(dx) - 1.0) < STILL:
        return 1 if dx > 0.0 else -1
    if abs(dx) < STILL and abs(abs(dy) - 1.0) < STILL:
        return 2 if dy > 0.0 else -2
    return 0


@helper
def _goes_on(light, held, step, y, x, far_y, far_x):
    """Tell whether the light at the far side of a probe's surroundings is that of the pixels before it, to the last bit."""
    rows, cols = light.shape[1], light.shape[2]
    row0, row1 = np.int64(math.floor(y - far_y)), np.int64(math.floor(y + far_y)) + 1
    col0, col1 = np.int64(math.floor(x - far_x)), np.int64(math.floor(x + far_x)) + 1
    if row0 < 1 or col0 < 1 or row1 >= rows or col1 >= cols:
        return False
    same = True
    for i in range(light.shape[0]):
        if step == 1 or step == -1:
            a, b = (col1 - 1, col1 - 2) if step > 0 else (col0, col0 + 1)
            for r in range(row0, row1):
                same &= light[i, held[r], a] == light[i, held[r], b]
        else:
            a, b = (row1 - 1, row1 - 2) if step > 0 else (row0, row0 + 1)
            for c in range(col0, col1 if held[a] != held[b] else col0):
                same &= light[i, held[a], c] == light[i, held[b], c]
    return same


class EdgeProbeArrays(NamedTuple):
    """The arguments of `edges` by name, in its order: shapes and kinds stand there."""

    light: np.ndarray
    held: np.ndarray
    factors: np.ndarray
    threshold: float
    points: np.ndarray
    outward: np.ndarray
    stride: float
    limit: float
    table_y: np.ndarray
    table_x: np.ndarray
    per_px: float
    reach_y: float
    reach_x: float
    weight_y: np.ndarray
    weight_x: np.ndarray
    offset: np.ndarray


@kernel
def edges(
    light, held, factors, threshold, points, outward, stride, limit, table_y, table_x, per_px, reach_y, reach_x, weight_y, weight_x, offset
):
    """Find the printed edge along the normal of every probe: where the dose is the threshold.

    Parameters
    ----------
    light : (T, R, C) float32; held : (R,) int32
        Dose of each decay at the mirrors; which row holds each, see `pmsl.kernels.compare.row_dedup`.
    factors : (T,) float64
        What is left of each at the depth asked about.
    threshold : float
    points, outward : (P, 2) float64
        Place (y, x) in pixels of the window; pixels passed for one unit of length.
    stride, limit : float
        Length of a step while the edge is looked for, and how far.
    table_y, table_x : (N,) float64
        Spread of one pixel along each axis at multiples of ``1 / per_px`` pixels from its middle.
    per_px : float
    reach_y, reach_x : float
        How far a pixel's light reaches [px]; the tables reach half a pixel further.
    weight_y, weight_x : (floor(2 reach) + 1,) float64
        Scratch.
    offset : (P,) float64
        Overwritten: signed distance, positive outward; inf where the solid goes on as far as `limit`, -inf where there is none.
    """
    last, slope = 0.0, 0.0
    way, alike, far_y, far_x = 0, 0, 0.0, 0.0  # of the last steps: which way, how many with light that goes on, and how far around
    for i in range(points.shape[0]):
        y, x, v, u = points[i, 0], points[i, 1], outward[i, 0], outward[i, 1]
        step = 0
        if i > 0 and v == outward[i - 1, 0] and u == outward[i - 1, 1]:
            step = _one_step(y, x, points[i - 1, 0], points[i - 1, 1])
        if step != 0:
            far = min(abs(offset[i - 1]) + stride, limit + stride)
            if step != way or far_y < far * abs(v) + reach_y or far_x < far * abs(u) + reach_x:
                alike, far_y, far_x = 0, far * abs(v) + reach_y + ROOM, far * abs(u) + reach_x + ROOM
            alike = alike + 1 if _goes_on(light, held, step, y, x, far_y, far_x) else 0
            if alike > 2.0 * max(far_y, far_x) + 2.0:
                offset[i] = offset[i - 1]
                way = step
                continue
        way = step
        if slope < 0.0:
            last, slope = _near_last(
                last, slope, light, held, factors, threshold, y, x, v, u, stride,
                table_y, table_x, per_px, reach_y, reach_x, weight_y, weight_x,
            )  # fmt: skip
            if slope < 0.0:
                offset[i] = last
                continue
        a, b = 0.0, 0.0
        at_a = _level(light, held, factors, threshold, y, x, table_y, table_x, per_px, reach_y, reach_x, weight_y, weight_x)
        at_b = at_a
        toward = 1.0 if at_a > 0.0 else -1.0
        while (at_b > 0.0) == (at_a > 0.0) and abs(b) < limit:
            a, at_a = b, at_b
            b += toward * stride
            at_b = _level(
                light, held, factors, threshold, y + b * v, x + b * u, table_y, table_x, per_px, reach_y, reach_x, weight_y, weight_x
            )
        if (at_b > 0.0) == (at_a > 0.0):
            offset[i] = np.inf * toward
            continue
        for _ in range(60):  # regula falsi, the end that stays weighed half
            if abs(b - a) < CLOSE * stride or at_b == 0.0:
                break
            t = b - at_b * (b - a) / (at_b - at_a)
            at_t = _level(
                light, held, factors, threshold, y + t * v, x + t * u, table_y, table_x, per_px, reach_y, reach_x, weight_y, weight_x
            )
            if (at_t > 0.0) == (at_b > 0.0):
                at_a *= 0.5
            else:
                a, at_a = b, at_b
            moved = abs(t - b)
            slope = (at_t - at_b) / (t - b) if t != b else 0.0
            b, at_b = t, at_t
            if moved < CLOSE * stride:
                break
        offset[i], last = b, b
