"""How often surfaces wind around points, against the solid angle of every face."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

from pmsl.mesh.shells.winding import winding_at


def winding_by_angles(points, faces, at):
    """Sum of the solid angles that faces show, in spheres (van Oosterom and Strackee)."""
    a, b, c = (points[faces[:, k]][None] - at[:, None] for k in range(3))
    la, lb, lc = (np.linalg.norm(v, axis=2) for v in (a, b, c))
    dots = la * lb * lc + (a * b).sum(2) * lc + (b * c).sum(2) * la + (c * a).sum(2) * lb
    return np.arctan2((a * np.cross(b, c)).sum(2), dots).sum(axis=1) / (2 * np.pi)


TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])


@settings(max_examples=examples(6))
@given(st.integers(0, 2**32 - 1))
def test_winding_is_that_of_solid_angles(seed):
    rng = np.random.default_rng(seed)
    shells, p = int(rng.integers(1, 30)), int(rng.integers(0, 60))
    points = rng.integers(-4, 5, (4 * shells, 3)) + rng.uniform(-0.1, 0.1, (4 * shells, 3))
    faces = (np.arange(shells)[:, None, None] * 4 + TETRAHEDRON).reshape(-1, 3)
    label = np.repeat(np.arange(shells, dtype=np.int32), 4)
    at = rng.uniform(-5, 5, (p, 3))
    if p:
        at[rng.random(p) < 0.3, : int(rng.integers(1, 3))] = at[0, 0]  # columns and rows of points
    assert np.allclose(winding_at(points, faces, at), winding_by_angles(points, faces, at), atol=1e-6)
    asked = rng.integers(0, shells, p)
    one = [winding_by_angles(points, faces[label == s], q[None])[0] for s, q in zip(asked, at, strict=True)]
    assert np.allclose(winding_at(points, faces, at, label, asked), one, atol=1e-6)


def test_points_on_the_planes_of_faces_are_counted_once():
    """Columns through edges and corners of two boxes that share a wall: each point is in one of them."""
    grid = np.stack(np.meshgrid(np.arange(3), np.arange(2), np.arange(2), indexing="ij"), axis=-1).reshape(-1, 3).astype(float)
    quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    both = np.concatenate([faces, faces + 4])
    at = np.array([[x, y, 0.5] for x in (-0.5, 0, 0.5, 1, 1.5, 2, 2.5) for y in (-0.5, 0, 0.5, 1, 1.5)])
    inside = (at[:, 0] >= 0) & (at[:, 0] < 2) & (at[:, 1] >= 0) & (at[:, 1] < 1)
    assert np.array_equal(winding_at(grid, both, at), inside)
