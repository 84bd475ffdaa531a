"""Passes over the triangles of a mesh: which way they look, how high the flat ones lie, which leave a slab partly filled."""

from pmsl.kernels._jit import kernel
from pmsl.kernels.crossings import placed, planes_up_to


@kernel
def signed_volume(vertices, faces, centre):
    """Six times the signed volume of a mesh, seen from `centre` (3,): positive where faces look outward.

    Parameters
    ----------
    vertices : (V, 3) float64
    faces : (F, 3) int32
    centre : (3,) float64

    Returns
    -------
    float
    """
    total = 0.0
    for i in range(faces.shape[0]):
        a, b, c = vertices[faces[i, 0]], vertices[faces[i, 1]], vertices[faces[i, 2]]
        ax, ay, az = a[0] - centre[0], a[1] - centre[1], a[2] - centre[2]
        bx, by, bz = b[0] - centre[0], b[1] - centre[1], b[2] - centre[2]
        cx, cy, cz = c[0] - centre[0], c[1] - centre[1], c[2] - centre[2]
        total += ax * (by * cz - bz * cy) + ay * (bz * cx - bx * cz) + az * (bx * cy - by * cx)
    return total


@kernel
def flat_heights(vertices, faces, transform, tolerance, heights):
    """Collect the mean height of every placed triangle that is horizontal within `tolerance` and has an area.

    Parameters
    ----------
    vertices : (V, 3) float64
    faces : (F, 3) int32
    transform : (4, 4) float64
        Applied to the vertices.
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
    for i in range(faces.shape[0]):
        a, b, c = vertices[faces[i, 0]], vertices[faces[i, 1]], vertices[faces[i, 2]]
        za, zb, zc = placed(a, transform, 2), placed(b, transform, 2), placed(c, transform, 2)
        rise = max(za, zb, zc) - min(za, zb, zc)
        if rise > tolerance:
            continue
        xa, ya = placed(a, transform, 0), placed(a, transform, 1)
        ux, uy = placed(b, transform, 0) - xa, placed(b, transform, 1) - ya
        vx, vy = placed(c, transform, 0) - xa, placed(c, transform, 1) - ya
        area = abs(ux * vy - uy * vx)
        if area == 0.0 or rise * rise > 1e-6 * area:
            continue
        heights[n] = (za + zb + zc) / 3.0
        n += 1
    return n


@kernel
def count_partial(vertices, faces, transform, turned, edges, layers):
    """Count the triangles that face up and lie inside a slab, not along its planes: they leave it partly filled from above.

    Parameters
    ----------
    vertices : (V, 3) float64
    faces : (F, 3) int32
    transform : (4, 4) float64
        Applied to the vertices.
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
    for i in range(faces.shape[0]):
        a, b, c = vertices[faces[i, 0]], vertices[faces[i, 1]], vertices[faces[i, 2]]
        xa, ya = placed(a, transform, 0), placed(a, transform, 1)
        ux, uy = placed(b, transform, 0) - xa, placed(b, transform, 1) - ya
        vx, vy = placed(c, transform, 0) - xa, placed(c, transform, 1) - ya
        up = ux * vy - uy * vx
        za, zb, zc = placed(a, transform, 2), placed(b, transform, 2), placed(c, transform, 2)
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
