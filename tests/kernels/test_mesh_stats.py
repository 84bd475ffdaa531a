"""Passes over triangles, with and without faces and in both precisions: volumes, flat heights, triangles inside a slab, taps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from solids import box, icosphere

from pmsl.kernels.light import convolution_1d
from pmsl.kernels.mesh import mesh_stats

NONE = np.zeros((0, 3), np.int32)
SOLIDS = {"box": box((-3, -4, 1), (3, 4, 6)), "ball": icosphere(1, 6, (1, 2, 4))}
STILL = np.eye(4)


def meshes(solid):
    """The mesh as vertices and faces, and as a soup in single precision of another unit."""
    yield np.array(solid.vertices_um), np.array(solid.faces, np.int32), 1.0
    yield (solid.vertices_um[solid.faces].reshape(-1, 3) / 4).astype(np.float32), NONE, 4.0


def turned(angle, shift):
    out = np.eye(4)
    c, s = np.cos(angle), np.sin(angle)
    out[:3, :3] = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    out[:3, 3] = shift
    return out


@pytest.mark.parametrize("name", SOLIDS)
@pytest.mark.parametrize("centre", [(0.0, 0.0, 0.0), (50.0, -7.0, 3.0)])
def test_volumes_do_not_depend_on_where_they_are_seen_from_and_turn_with_the_faces(name, centre):
    solid = SOLIDS[name]
    a, b, c = np.moveaxis(solid.vertices_um[solid.faces], 1, 0)
    wanted = np.einsum("ij,ij->", a, np.cross(b, c))
    assert wanted > 0
    for vertices, faces, factor in meshes(solid):
        found = mesh_stats.signed_volume(vertices, faces, factor, np.array(centre))
        assert found == pytest.approx(wanted, rel=1e-5)
    inward = mesh_stats.signed_volume(np.array(solid.vertices_um), np.array(solid.faces[:, ::-1], np.int32), 1.0, np.array(centre))
    assert inward == pytest.approx(-wanted)


@pytest.mark.parametrize("lift", [0.0, 2.5])
def test_the_flat_heights_of_a_box_are_its_lid_and_floor(lift):
    """Each a fan of four triangles; its walls have two."""
    solid = SOLIDS["box"]
    for vertices, faces, factor in meshes(solid):
        heights = np.full(solid.n_faces, np.nan)
        n = mesh_stats.flat_heights(vertices, faces, factor, turned(0, (0, 0, lift)), 1e-3, heights)
        assert sorted(heights[:n].tolist()) == pytest.approx([1 + lift] * 4 + [6 + lift] * 4)
        assert mesh_stats.flat_heights(vertices, faces, factor, turned(0.3, (0, 0, 0)), 1e-3, heights) == 0
        assert mesh_stats.flat_heights(vertices, faces, factor, turned(np.pi / 2, (0, 0, 0)), 1e-3, heights) == 4


@given(hnp.arrays(np.float64, (6, 3, 3), elements=st.sampled_from([0.0, 1.0, 2.0, 1e-4, 5e-3])))
def test_flat_heights_are_of_triangles_with_an_area_that_rise_less_than_they_reach(soup):
    heights = np.full(6, np.nan)
    n = mesh_stats.flat_heights(soup.reshape(-1, 3).copy(), NONE, 1.0, STILL, 1e-3, heights)
    wanted = []
    for a, b, c in soup:
        rise = np.ptp([a[2], b[2], c[2]])
        area = abs((b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0])
        if rise <= 1e-3 and area > 0 and rise**2 <= 1e-6 * area:
            wanted.append((a[2] + b[2] + c[2]) / 3)
    assert heights[:n].tolist() == pytest.approx(wanted)


def partial(z, edges, turned_in=False, spin=False):
    """Count of one triangle with corners at these heights, and the slabs it is said of."""
    corners = np.array([[0, 0, z[0]], [5, 0, z[1]], [0, 5, z[2]]], float)
    layers = np.array([99, -1])
    n = mesh_stats.count_partial(
        corners[::-1].copy() if spin else corners, NONE, 1.0, STILL, int(turned_in), np.array(edges, float), layers
    )
    return n, layers.tolist()


@pytest.mark.parametrize(
    ("z", "n", "layers"),
    [
        ((5, 5, 5), 1, [0, 0]),
        ((10, 10, 10), 0, [99, -1]),  # along a plane
        ((10.001, 10.001, 10.001), 0, [99, -1]),  # as good as
        ((19.999, 19.999, 19.999), 0, [99, -1]),
        ((10.5, 10.5, 10.5), 1, [1, 1]),
        ((5, 15, 25), 1, [0, 2]),
        ((-5, 35, 10), 1, [0, 2]),
        ((-5, -5, -5), 0, [99, -1]),
        ((31, 31, 31), 0, [99, -1]),
        ((30, 30, 30), 0, [99, -1]),
    ],
)
def test_triangles_that_face_up_inside_a_slab(z, n, layers):
    edges = [0, 10, 20, 30]
    assert partial(z, edges) == (n, layers)
    assert partial(z, edges, spin=True) == (0, [99, -1]), "it faces down"
    assert partial(z, edges, turned_in=True, spin=True) == (n, layers), "faces that look inward"


taps = hnp.arrays(np.float64, st.integers(1, 7), elements=st.integers(-4, 4).map(float))
lights = hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(-4, 4).map(float))


@given(lights, taps, st.integers(-4, 12), st.integers(1, 9))
def test_convolution_along_an_axis_is_that_of_numpy(light, tap, shift, size):
    """``full[i] = Σ taps[t] light[i - t]`` of numpy is what lands at row ``i - shift``."""
    full = np.array([np.convolve(column, tap) for column in light.T]).T
    wanted = np.zeros((size, light.shape[1]))
    for r in range(size):
        if 0 <= r + shift < len(full):
            wanted[r] = full[r + shift]
    out = np.ones((size, light.shape[1]))
    convolution_1d.along_rows_axis(light, tap, shift, out)
    assert np.array_equal(out, wanted + 1), "added into what is there"
    out = np.zeros((light.shape[1], size))
    convolution_1d.along_cols_axis(light.T.copy(), tap, shift, out)
    assert np.array_equal(out, wanted.T)
