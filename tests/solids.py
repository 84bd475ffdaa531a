"""Small closed solids for tests, in µm, counter-clockwise seen from outside."""

from __future__ import annotations

import numpy as np

from pmsl import Grid, Solid


def box(low, high) -> Solid:
    """Axis-parallel box from `low` to `high`."""
    x0, y0, z0 = low
    x1, y1, z1 = high
    return prism([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], z0, z1)


def prism(ring, z0, z1) -> Solid:
    """Vertical prism over a star-shaped counter-clockwise ring (fans from the centroid)."""
    ring = np.asarray(ring, float)
    n = len(ring)
    centre = ring.mean(axis=0)
    vertices = np.vstack([np.c_[ring, np.full(n, z0)], np.c_[ring, np.full(n, z1)], [[*centre, z0], [*centre, z1]]])
    faces = []
    for i in range(n):
        j = (i + 1) % n
        faces += [(i, j, n + j), (i, n + j, n + i), (j, i, 2 * n), (n + i, n + j, 2 * n + 1)]
    return Solid.from_arrays(vertices, np.array(faces), source="prism")


def soup(solid: Solid) -> Solid:
    """The same triangles without shared vertices, as an STL has them."""
    return Solid.from_arrays(solid.vertices_um[solid.faces.reshape(-1)], np.arange(3 * len(solid.faces)).reshape(-1, 3), source="soup")


def moved(solid: Solid, by) -> Solid:
    return Solid.from_arrays(solid.vertices_um + np.asarray(by, float), solid.faces)


def icosphere(subdivisions: int, radius: float, centre) -> Solid:
    """Sphere of 20·4**n triangles, all vertices on the sphere."""
    t = (1 + 5**0.5) / 2
    v = np.array(
        [
            (-1, t, 0),
            (1, t, 0),
            (-1, -t, 0),
            (1, -t, 0),
            (0, -1, t),
            (0, 1, t),
            (0, -1, -t),
            (0, 1, -t),
            (t, 0, -1),
            (t, 0, 1),
            (-t, 0, -1),
            (-t, 0, 1),
        ]
    )
    f = np.array(
        [(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6), (7, 1, 8)]
        + [(3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1)]
    )
    for _ in range(subdivisions):
        edges, inverse = np.unique(np.sort(np.vstack([f[:, [0, 1]], f[:, [1, 2]], f[:, [2, 0]]]), axis=1), axis=0, return_inverse=True)
        a, b, c = (inverse.reshape(3, -1) + len(v)).tolist()
        v = np.vstack([v, (v[edges[:, 0]] + v[edges[:, 1]]) / 2])
        f = np.vstack([np.c_[f[:, 0], a, c], np.c_[f[:, 1], b, a], np.c_[f[:, 2], c, b], np.c_[a, b, c]])
    v = v / np.linalg.norm(v, axis=1, keepdims=True) * radius + np.asarray(centre, float)
    return Solid.from_arrays(v, f, source="sphere")


def cone(segments: int, radius: float, height: float, centre) -> Solid:
    """Cone standing on z = centre z, tip up."""
    angle = np.arange(segments) * 2 * np.pi / segments
    x, y, z = centre
    ring = np.c_[x + radius * np.cos(angle), y + radius * np.sin(angle), np.full(segments, z)]
    vertices = np.vstack([ring, [[x, y, z + height], [x, y, z]]])
    faces = [t for i in range(segments) for t in ((i, (i + 1) % segments, segments), ((i + 1) % segments, i, segments + 1))]
    return Solid.from_arrays(vertices, np.array(faces), source="cone")


def hull(points):
    """Convex solid over random points, faces outward."""
    from scipy.spatial import ConvexHull

    found = ConvexHull(points)
    faces = found.simplices.copy()
    normal = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    faces[np.einsum("ij,ij->i", normal, found.equations[:, :3]) < 0] = faces[np.einsum("ij,ij->i", normal, found.equations[:, :3]) < 0][
        :, ::-1
    ]
    return Solid.from_arrays(points, faces)


def grid(rows=12, cols=14, pitch=1.0, edges=(0.0, 1.0, 2.0, 3.0), origin=(0.0, 0.0)) -> Grid:
    return Grid(origin_um=origin, pitch_um=pitch, shape=(rows, cols), z_edges_um=edges)
