"""Triangles near points, found in a tree of boxes (``triangle_pairs.tree``)."""

from typing import NamedTuple

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel, routine
from pmsl.kernels.mesh.triangle_pairs import LEAF


@helper
def _to_edge(p, a, b, out):
    """Write the point of edge ab nearest to p into `out`; return the squared distance."""
    along, length = 0.0, 0.0
    for k in range(3):
        along += (p[k] - a[k]) * (b[k] - a[k])
        length += (b[k] - a[k]) * (b[k] - a[k])
    t = min(max(along / length, 0.0), 1.0) if length > 0.0 else 0.0
    square = 0.0
    for k in range(3):
        out[k] = a[k] + t * (b[k] - a[k])
        square += (p[k] - out[k]) ** 2
    return square


@routine
def _nearest(p, a, b, c, point, trial):
    """Write the point of triangle abc nearest to p into `point`; return the squared distance. Edges and points are triangles too."""
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    wx, wy, wz = p[0] - a[0], p[1] - a[1], p[2] - a[2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    area = nx * nx + ny * ny + nz * nz
    if area > 0.0:
        s = ((wy * vz - wz * vy) * nx + (wz * vx - wx * vz) * ny + (wx * vy - wy * vx) * nz) / area
        t = ((uy * wz - uz * wy) * nx + (uz * wx - ux * wz) * ny + (ux * wy - uy * wx) * nz) / area
        if s >= 0.0 and t >= 0.0 and s + t <= 1.0:
            height = wx * nx + wy * ny + wz * nz
            for k in range(3):
                point[k] = a[k] + s * (b[k] - a[k]) + t * (c[k] - a[k])
            return height * height / area
    best = _to_edge(p, a, b, point)
    for i in range(2):
        square = _to_edge(p, b if i == 0 else c, c if i == 0 else a, trial)
        if square < best:
            best = square
            for k in range(3):
                point[k] = trial[k]
    return best


class NearTriangleArrays(NamedTuple):
    """The arguments of `pairs` by name, in its order: shapes and kinds stand there."""

    vertices: np.ndarray
    faces: np.ndarray
    order: np.ndarray
    boxes: np.ndarray
    points: np.ndarray
    reach: np.ndarray
    stack: np.ndarray
    scratch: np.ndarray
    found: np.ndarray
    nearest: np.ndarray


@kernel
def pairs(vertices, faces, order, boxes, points, reach, stack, scratch, found, nearest):
    """Find the triangles of a tree that come near points.

    Parameters
    ----------
    vertices : (V, 3) float64; faces : (F, 3) int32
        A triangle may use one vertex twice: then it is an edge.
    order, boxes
        As in ``triangle_pairs.tree``.
    points : (n, 3) float64; reach : (n,) float64
        A triangle counts where it is no further from the point than this.
    stack : (128,) int64; scratch : (2, 3) float64
        Scratch.
    found : (P, 2) int64
        Overwritten: number of the point and of the triangle.
    nearest : (P, 4) float64
        Overwritten: the triangle's point that is nearest, and how far it is.

    Returns
    -------
    int
        Number of pairs. Where it exceeds P those beyond P were not written: call again with more room.
    """
    leaves = boxes.shape[0] // 2
    count = 0
    for i in range(points.shape[0]):
        p, r = points[i], reach[i]
        depth = 0
        stack[0] = 1
        while depth >= 0:
            node = stack[depth]
            depth -= 1
            n = boxes[node]
            if n[0] > p[0] + r or n[3] < p[0] - r or n[1] > p[1] + r or n[4] < p[1] - r or n[2] > p[2] + r or n[5] < p[2] - r:
                continue
            if node < leaves:
                stack[depth + 1], stack[depth + 2] = 2 * node, 2 * node + 1
                depth += 2
                continue
            for j in range((node - leaves) * LEAF, min((node - leaves + 1) * LEAF, order.size)):
                g = order[j]
                square = _nearest(p, vertices[faces[g, 0]], vertices[faces[g, 1]], vertices[faces[g, 2]], scratch[0], scratch[1])
                if square > r * r:
                    continue
                if count < found.shape[0]:
                    found[count, 0], found[count, 1] = i, g
                    for k in range(3):
                        nearest[count, k] = scratch[0, k]
                    nearest[count, 3] = np.sqrt(square)
                count += 1
    return count
