"""Cut of a plane with the steepness of each wall, pixel centres under triangles, levels of runs at pixels."""

import math

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.geometry.plane_crossings import _cut


@kernel
def cut(picked, n, z, corners, pitch, segments, rise):
    """Cut triangles at a plane, as `plane_crossings.cut_layer`, and say how steep each wall is.

    Parameters
    ----------
    picked : (P,) int32
        Rows of `corners`, all of which cross the plane; the first `n` count.
    n : int
    z : float
        Height of the plane [µm].
    corners : (M, 9) float64
        x and y in pixels, z in µm.
    pitch : (2,) float64
        Pixel size in x and y [µm].
    segments : (P, 4) float64
        Overwritten with x0, y0, x1, y1 [px]: solid on the left of each.
    rise : (P,) float64
        Overwritten with the z component of the triangle's unit normal: below 0 where it faces the plate.
    """
    for i in range(n):
        t = corners[picked[i]]
        _cut(t, z, segments, i)
        ux, uy, uz = (t[3] - t[0]) * pitch[0], (t[4] - t[1]) * pitch[1], t[5] - t[2]
        vx, vy, vz = (t[6] - t[0]) * pitch[0], (t[7] - t[1]) * pitch[1], t[8] - t[2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        length = math.sqrt(nx * nx + ny * ny + nz * nz)
        rise[i] = nz / length if length > 0.0 else 0.0


@helper
def _side(ax, ay, bx, by, x, y):
    """Twice the area of a, b, (x, y), and for points on ab whether ab owns them: one of two triangles that share it does."""
    area = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
    owns = by > ay or (by == ay and bx < ax)
    return area, area > 0.0 or (area == 0.0 and owns)


@kernel
def centres_under(picked, corners, low, high, rows, cols, row, col, height):
    """Find the height of triangles over the middles of pixels.

    Parameters
    ----------
    picked : (P,) int32
        Rows of `corners`: triangles that face the plate.
    corners : (M, 9) float64
        x and y in pixels, z in µm.
    low, high : float
        Heights wanted, ``low <= z <= high`` [µm].
    rows, cols : int
        Shape of the field.
    row, col : (N,) int32
    height : (N,) float64
        Overwritten.

    Returns
    -------
    int
        How many were found; where it exceeds N only the first N were written.
    """
    n = 0
    for i in range(picked.size):
        t = corners[picked[i]]
        ax, ay, az, bx, by, bz, cx, cy, cz = t[0], t[1], t[2], t[6], t[7], t[8], t[3], t[4], t[5]  # turned: counter-clockwise from above
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area <= 0.0:
            continue
        first_row, last_row = max(0, math.ceil(min(ay, by, cy) - 0.5)), min(rows - 1, math.floor(max(ay, by, cy) - 0.5))
        first_col, last_col = max(0, math.ceil(min(ax, bx, cx) - 0.5)), min(cols - 1, math.floor(max(ax, bx, cx) - 0.5))
        for r in range(first_row, last_row + 1):
            for c in range(first_col, last_col + 1):
                x, y = c + 0.5, r + 0.5
                at_c, in_c = _side(ax, ay, bx, by, x, y)
                at_a, in_a = _side(bx, by, cx, cy, x, y)
                at_b, in_b = _side(cx, cy, ax, ay, x, y)
                if in_a and in_b and in_c:
                    z = (at_a * az + at_b * bz + at_c * cz) / area
                    if low <= z <= high:
                        if n < row.size:
                            row[n], col[n], height[n] = r, c, z
                        n += 1
    return n


@kernel
def levels_at(row0, row_start, col, length, value, rows, cols, out):
    """Look up pixels in runs.

    Parameters
    ----------
    row0 : int
        Row of the grid that the first row of runs is.
    row_start : (R + 1,) int64
    col, length : (M,) int32
    value : (M,) uint16
    rows, cols : (N,) int32
        Pixels.
    out : (N,) float64
        Overwritten with 0..1.
    """
    for i in range(rows.size):
        out[i] = 0.0
        r = rows[i] - row0
        if r < 0 or r >= row_start.size - 1:
            continue
        low, high = row_start[r], row_start[r + 1]
        while low < high:  # the first run that begins beyond the pixel
            middle = (low + high) >> 1
            if col[middle] <= cols[i]:
                low = middle + 1
            else:
                high = middle
        if low > row_start[r] and cols[i] < col[low - 1] + length[low - 1]:
            out[i] = value[low - 1] / 65535.0
