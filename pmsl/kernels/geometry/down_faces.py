"""Faces that look down between two heights, as triangles seen from above."""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel


@helper
def clip_height(polygon, n, z, keep_above, out):
    """Clip a convex polygon (n, 3) at a height; return how many corners are left."""
    m = 0
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        a, b = polygon[i, 2], polygon[j, 2]
        a_in, b_in = (a >= z, b >= z) if keep_above else (a < z, b < z)
        if a_in:
            for axis in range(3):
                out[m, axis] = polygon[i, axis]
            m += 1
        if a_in != b_in:
            low, high = (i, j) if a < b else (j, i)  # the same bits for both faces at an edge
            t = (z - polygon[low, 2]) / (polygon[high, 2] - polygon[low, 2])
            for axis in range(2):
                out[m, axis] = polygon[low, axis] + t * (polygon[high, axis] - polygon[low, axis])
            out[m, 2] = z
            m += 1
    return m


@kernel
def faces_between(corners, picked, n, pitch_x, pitch_y, x_low, y_low, z_low, z_high, steepest, work, out):
    """Cut faces that look down to what lies between two heights, and list it as triangles seen from above.

    Parameters
    ----------
    corners : (M, 9) float64
        Triangles, solid behind them: x, y [px] and z [µm] of three corners.
    picked : (P,) int32; n : int
        The rows that count are the first n of `picked`.
    pitch_x, pitch_y, x_low, y_low : float
        Of a pixel, and where pixel coordinates begin [µm].
    z_low, z_high : float
        What lies at the lower height counts, what lies at the upper one does not [µm].
    steepest : float
        Faces whose unit normal has a z component above it are left out; -1 to 0.
    work : (3, 8, 3) float64
        Scratch.
    out : (T, 3, 2) float64
        Overwritten: x and y of three corners [µm].

    Returns
    -------
    int
        How many triangles there are; above T none but the first T were written.
    """
    count = 0
    first, second = work[1], work[2]
    for p in range(n):
        t = picked[p]
        for i in range(3):
            work[0, i, 0] = x_low + corners[t, 3 * i] * pitch_x
            work[0, i, 1] = y_low + corners[t, 3 * i + 1] * pitch_y
            work[0, i, 2] = corners[t, 3 * i + 2]
        face = work[0]
        ux, uy, uz = face[1, 0] - face[0, 0], face[1, 1] - face[0, 1], face[1, 2] - face[0, 2]
        vx, vy, vz = face[2, 0] - face[0, 0], face[2, 1] - face[0, 1], face[2, 2] - face[0, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        if nz >= steepest * np.sqrt(nx * nx + ny * ny + nz * nz):
            continue
        m = clip_height(face, 3, z_low, True, first)
        m = clip_height(first, m, z_high, False, second)
        for i in range(1, m - 1):
            if count < out.shape[0]:
                for axis in range(2):
                    out[count, 0, axis], out[count, 1, axis], out[count, 2, axis] = second[0, axis], second[i, axis], second[i + 1, axis]
            count += 1
    return count
