"""What is asked of any triangles, and the box of many points: in blocks as at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsl.errors import MeshError
from pmsl.mesh.triangle_checks import box_of, check_triangles

CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
FACES = np.array([[0, 1, 2], [0, 1, 3]])


def test_a_mesh_is_one():
    check_triangles(CORNERS, FACES, "a.stl")


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_a_vertex_that_is_not_finite_is_named(wrong):
    corners = CORNERS.copy()
    corners[2, 1] = corners[3, 0] = wrong
    with pytest.raises(MeshError, match=rf"^a.stl: 2 of 4 vertices are not finite \(first: vertex 2 = \[0.0, {wrong}, 0.0\]\); export"):
        check_triangles(corners, FACES, "a.stl")


@pytest.mark.parametrize(("index", "named"), [(4, 4), (-1, -1), (1000, 1000)])
def test_an_index_that_is_no_vertex_is_named(index, named):
    faces = FACES.copy()
    faces[1, 2] = index
    with pytest.raises(MeshError, match=f"^a.stl: face index {named} is outside 0..3; the file is damaged"):
        check_triangles(CORNERS, faces, "a.stl")


def test_no_triangle_is_nothing_to_slice():
    with pytest.raises(MeshError, match="^a.stl: no triangle in it; nothing to slice"):
        check_triangles(CORNERS, FACES[:0], "a.stl")


@given(st.integers(1, 5000), st.integers(0, 2**31), st.sampled_from([np.float32, np.float64]))
def test_the_box_of_points_is_their_least_and_greatest(n, seed, dtype):
    points = np.random.default_rng(seed).normal(size=(n, 3)).astype(dtype)
    found = box_of(lambda some: points[some], n)
    assert found.dtype == np.float64 and np.array_equal(found, [points.min(axis=0), points.max(axis=0)])


@pytest.mark.parametrize("at", [0, 1023, 1024, 2047, 2048, 2500])
def test_an_end_is_found_wherever_it_stands(at):
    points = np.zeros((2501, 3))
    points[at] = (-5, 7, -9)
    assert box_of(lambda some: points[some], len(points)).tolist() == [[-5, 0, -9], [0, 7, 0]]


def test_a_zero_has_no_sign():
    points = np.array([[-0.0, -0.0, -0.0], [0.0, -0.0, 0.0]])
    assert not np.signbit(box_of(lambda some: points[some], 2)).any()
    assert not np.signbit(box_of(lambda some: points[::-1][some], 2)).any()
