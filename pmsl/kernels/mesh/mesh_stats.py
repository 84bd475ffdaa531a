"""Passes over the triangles of a mesh: which way they look, how high the flat ones lie, which leave a slab partly filled."""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.geometry.plane_crossings import planes_up_to
from pmsl.kernels.mesh.triangles import count, placed, vertex_of


@helper
def seen(vertex, factor, centre, axis):
    """One coordinate of a vertex as seen from `centre`."""
    return np.float64(vertex[axis]) * factor - centre[axis]


@kernel
def signed_volume(vertices, faces, factor, centre):
    """Six times the signed volume of a mesh, seen from `centre` (3,): positive where faces look outward.

    Parameters
    ----------
    vertices, faces, factor
        As in `pmsl.kernels.geometry.plane_crossings.plane_ranges`.
    centre : (3,) float64

    Returns
    -------
    float
    """
    total = 0.0
    for i in range(count(vertices, faces)):
        a, b, c = vertices[vertex_of(faces, i, 0)], vertices[vertex_of(faces, i, 1)], vertices[vertex_of(faces, i, 2)]
        ax, ay, az = seen(a, factor, centre, 0), seen(a, factor, centre, 1), seen(a, factor, centre, 2)
        bx, by, bz = seen(b, factor, centre, 0), seen(b, factor, centre, 1), seen(b, factor, centre, 2)
        cx, cy, cz = seen(c, factor, centre, 0), seen(c, factor, centre, 1), seen(c, factor, centre, 2)
        total += ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
    return total


@kernel
def flat_heights(vertices, faces, factor, transform, tolerance, heights):
    """Collect the mean height of every placed triangle that is horizontal within `tolerance` and has an area.

    Parameters
    ----------
    vertices, faces, factor, transform
        As in `pmsl.kernels.geometry.plane_crossings.plane_ranges`.
    tolerance : float
        Greatest difference of height over the triangle; also held against a thousandth of its extent.
    heights : (F,) float64
        Overwritten.

    Returns
    -------
    int
        How many were written.
    """
    n = 0
    for i in range(count(vertices, faces)):
        a, b, c = vertices[vertex_of(faces, i, 0)], vertices[vertex_of(faces, i, 1)], vertices[vertex_of(faces, i, 2)]
        za, zb, zc = placed(a, factor, transform, 2), placed(b, factor, transform, 2), placed(c, factor, transform, 2)
        rise = max(za, zb, zc) - min(za, zb, zc)
        if rise > tolerance:
            continue
        xa, ya = placed(a, factor, transform, 0), placed(a, factor, transform, 1)
        ux, uy = placed(b, factor, transform, 0) - xa, placed(b, factor, transform, 1) - ya
        vx, vy = placed(c, factor, transform, 0) - xa, placed(c, factor, transform, 1) - ya
        area = abs(ux * vy - uy * vx)
        if area == 0.0 or rise * rise > 1e-6 * area:
            continue
        heights[n] = (za + zb + zc) / 3.0
        n += 1
    return n


@kernel
def count_partial(vertices, faces, factor, transform, turned, edges, layers):
    """Count the triangles that face up and lie inside a slab, not along its planes: they leave it partly filled from above.

    Parameters
    ----------
    vertices, faces, factor, transform
        As in `pmsl.kernels.geometry.plane_crossings.plane_ranges`.
    turned : bool
        The placed faces look inward.
    edges : (L + 1,) float64, strictly increasing
    layers : (2,) int64
        Lowered and raised to the first and last slab concerned.

    Returns
    -------
    int
    """
    n = 0
    top = edges.size - 1
    for i in range(count(vertices, faces)):
        a, b, c = vertices[vertex_of(faces, i, 0)], vertices[vertex_of(faces, i, 1)], vertices[vertex_of(faces, i, 2)]
        xa, ya = placed(a, factor, transform, 0), placed(a, factor, transform, 1)
        ux, uy = placed(b, factor, transform, 0) - xa, placed(b, factor, transform, 1) - ya
        vx, vy = placed(c, factor, transform, 0) - xa, placed(c, factor, transform, 1) - ya
        up = ux * vy - uy * vx
        za, zb, zc = placed(a, factor, transform, 2), placed(b, factor, transform, 2), placed(c, factor, transform, 2)
        low, high = min(za, zb, zc), max(za, zb, zc)
        upright = (high - low) * (high - low) > 1e6 * abs(up)
        if (-up if turned else up) <= 0.0 or upright or high <= edges[0] or low >= edges[top]:
            continue
        first = max(planes_up_to(edges, low, 0) - 1, 0)
        last = min(max(planes_up_to(edges, high, 0) - 1, 0), top - 1)
        slack = 1e-3 * (edges[first + 1] - edges[first])
        if high - low <= slack and (low - edges[first] <= slack or edges[first + 1] - high <= slack):
            continue
        n += 1
        layers[0] = min(layers[0], first)
        layers[1] = max(layers[1], last)
    return n


@kernel
def light_facing_slopes(vertices, faces, factor, transform, turned, least, slopes):
    """Collect the triangles that face up, are neither horizontal nor upright, and are flatter than asked.

    Parameters
    ----------
    vertices, faces, factor, transform
        As in `pmsl.kernels.geometry.plane_crossings.plane_ranges`.
    turned : bool
        The placed faces look inward.
    least : float
        Least z component of the unit normal that counts.
    slopes : (F, 3) float64
        Overwritten: lowest and highest z, z component of the unit normal.

    Returns
    -------
    int
        How many were written.
    """
    n = 0
    for i in range(count(vertices, faces)):
        a, b, c = vertices[vertex_of(faces, i, 0)], vertices[vertex_of(faces, i, 1)], vertices[vertex_of(faces, i, 2)]
        xa, ya, za = placed(a, factor, transform, 0), placed(a, factor, transform, 1), placed(a, factor, transform, 2)
        ux, uy, uz = placed(b, factor, transform, 0) - xa, placed(b, factor, transform, 1) - ya, placed(b, factor, transform, 2) - za
        vx, vy, vz = placed(c, factor, transform, 0) - xa, placed(c, factor, transform, 1) - ya, placed(c, factor, transform, 2) - za
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        nz = -nz if turned else nz
        size = np.sqrt(nx * nx + ny * ny + nz * nz)
        low, high = min(0.0, uz, vz), max(0.0, uz, vz)
        if nz <= 0.0 or nz < least * size or (high - low) * (high - low) <= 1e-6 * nz:
            continue
        slopes[n, 0], slopes[n, 1], slopes[n, 2] = za + low, za + high, nz / size
        n += 1
    return n
