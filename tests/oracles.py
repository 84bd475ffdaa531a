"""Slow, obvious references."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import shapely

from pmsl import Grid, Solid


def section(solid: Solid, z: float) -> np.ndarray:
    """Directed segments of the cut at height z, triangle by triangle in plain Python: (S, 4) [µm]."""
    out = []
    for face in solid.faces:
        corners = solid.vertices_um[face]
        above = corners[:, 2] >= z
        if above.all() or not above.any():
            continue
        down = up = None
        for i in range(3):
            a, b = corners[i], corners[(i + 1) % 3]
            if (a[2] >= z) == (b[2] >= z):
                continue
            low, high = (a, b) if a[2] < b[2] else (b, a)
            t = (z - low[2]) / (high[2] - low[2])
            point = low[:2] + t * (high[:2] - low[:2])
            if a[2] >= z:
                down = point
            else:
                up = point
        out.append([*down, *up])
    return np.array(out).reshape(-1, 4)


def pixel(grid: Grid, row: int, col: int) -> shapely.Polygon:
    """The rectangle of one pixel [µm]."""
    (x0, y0), (px, py) = grid.origin_um, grid.pitch_um
    return shapely.box(x0 + col * px, y0 + row * py, x0 + (col + 1) * px, y0 + (row + 1) * py)


def polygon_coverage(polygon, grid: Grid) -> np.ndarray:
    """Exact covered fraction of every pixel, by clipping with shapely."""
    rows, cols = grid.shape
    out = np.zeros((rows, cols))
    for r in range(rows):
        for c in range(cols):
            cell = pixel(grid, r, c)
            out[r, c] = polygon.intersection(cell).area / cell.area
    return out


def clipped_volume(corners, box):
    """Exact volume of a tetrahedron inside an axis-parallel box, in fractions: cut by six planes, then sum of pyramids."""
    p = [tuple(Fraction(float(v)) for v in corner) for corner in corners]
    faces = [[p[0], p[1], p[2]], [p[0], p[1], p[3]], [p[0], p[2], p[3]], [p[1], p[2], p[3]]]
    for axis in range(3):
        for at, keep in ((Fraction(float(box[0][axis])), 1), (Fraction(float(box[1][axis])), -1)):
            faces = _keep(faces, axis, at, keep)
    if not faces:
        return 0.0
    apex = faces[0][0]
    total = Fraction(0)
    for face in faces:
        for b, c in zip(face[1:], face[2:], strict=False):
            total += abs(_det([x - y for x, y in zip(q, apex, strict=True)] for q in (face[0], b, c)))
    return float(total / 6)


def mesh_coverage(solid: Solid, grid: Grid, k: int) -> np.ndarray:
    """Volume fraction of every voxel of slab k: signed sum over faces of tetrahedra from one point, each clipped exactly."""
    rows, cols = grid.shape
    z0, z1 = grid.z_edges_um[k : k + 2]
    apex = solid.vertices_um.mean(axis=0)
    out = np.zeros((rows, cols))
    for face in solid.faces:
        a, b, c = solid.vertices_um[face]
        sign = np.sign(np.dot(np.cross(b - a, c - a), a - apex))
        low, high = np.min([a, b, c, apex], axis=0), np.max([a, b, c, apex], axis=0)
        for r in range(rows):
            for q in range(cols):
                x0, y0, x1, y1 = pixel(grid, r, q).bounds
                if sign == 0 or (high < (x0, y0, z0)).any() or (low > (x1, y1, z1)).any():
                    continue
                out[r, q] += sign * clipped_volume((a, b, c, apex), ((x0, y0, z0), (x1, y1, z1)))
    return out / (grid.pixel_um2 * (z1 - z0))


def surface_in(solid: Solid, box) -> tuple[float, float, float, float]:
    """Area seen along z, and moment of z, of the faces inside a box: down-facing, then up-facing; triangles clipped in fractions."""
    sums = [Fraction(0)] * 4
    for face in solid.faces:
        polygon = [tuple(Fraction(float(v)) for v in solid.vertices_um[i]) for i in face]
        for axis in range(3):
            for at, keep in ((Fraction(float(box[0][axis])), 1), (Fraction(float(box[1][axis])), -1)):
                polygon = _clipped(polygon, axis, at, keep)
        for b, c in zip(polygon[1:], polygon[2:], strict=False):
            a = polygon[0]
            area = ((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])) / 2
            side = 2 if area > 0 else 0
            sums[side] += abs(area)
            sums[side + 1] += abs(area) * (a[2] + b[2] + c[2]) / 3
    return tuple(float(v) for v in sums)


def _clipped(polygon, axis, at, keep):
    """Keep the side of a polygon where keep·(coordinate − at) >= 0."""
    out = []
    for a, b in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        da, db = keep * (a[axis] - at), keep * (b[axis] - at)
        if da >= 0:
            out.append(a)
        if da * db < 0:
            t = da / (da - db)
            out.append(tuple(x + t * (y - x) for x, y in zip(a, b, strict=True)))
    return out


def _det(rows):
    (a, b, c), (d, e, f), (g, h, i) = rows
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def _keep(faces, axis, at, keep):
    """Keep the side of a convex polyhedron where keep·(coordinate − at) >= 0, with the cut closed by a new face."""
    kept, cut = [], []
    if all(keep * (p[axis] - at) <= 0 for face in faces for p in face):
        return []
    for face in faces:
        if all(p[axis] == at for p in face):
            continue  # the closing face takes its place
        out = _clipped(face, axis, at, keep)
        cut += [q for q in out if q[axis] == at]
        if len(out) >= 3:
            kept.append(out)
    rest = [i for i in range(3) if i != axis]
    corners = sorted(set(cut), key=lambda q: (q[rest[0]], q[rest[1]]))
    return [*kept, _around(corners, *rest)] if len(corners) >= 3 and kept else kept


def _around(points, i, j):
    """Convex polygon over points of a plane (monotone chain)."""

    def half(points):
        chain = []
        for p in points:
            while len(chain) > 1:
                a, b = chain[-2], chain[-1]
                if (b[i] - a[i]) * (p[j] - a[j]) > (b[j] - a[j]) * (p[i] - a[i]):
                    break
                chain.pop()
            chain.append(p)
        return chain[:-1]

    return half(points) + half(points[::-1])
