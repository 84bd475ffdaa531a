"""Masks of distorted optics: what lands on the plate is the part, grays included, whatever is drawn for it."""

import numpy as np
import pytest
import shapely
from distortion_oracle import KEYSTONE, Formulas, dense, value

import pmsl
from pmsl.masks import masks_of
from pmsl.mesh.part import Part
from pmsl.mesh.warp.split_triangles import split
from pmsl.mesh.warp.warped_parts import warped_parts
from pmsl.profiles.distortion.distortion_map import field_map
from pmsl.profiles.printer import Distortion

SHAPE, PITCH = (1080, 1920), 7.6
SIZE = (SHAPE[1] * PITCH, SHAPE[0] * PITCH)
STATED = {"keystone": KEYSTONE, "radial": (1e-3, 0.0)}
RIGHT = Formulas(SIZE, **STATED)


@pytest.fixture(scope="module")
def warp():
    return field_map(Distortion(**{name: value(number) for name, number in STATED.items()}), SIZE, (PITCH, PITCH))


def grid(z=(0.0, 20.0)):
    return pmsl.Grid(origin_um=(0.0, 0.0), pitch_um=(PITCH, PITCH), shape=SHAPE, z_edges_um=np.array(z))


def prisms(rings, height_um=20.0):
    """A solid over rings (n, 2) [µm] that are star-shaped around their middles."""
    vertices, faces, first = [], [], 0
    for ring in rings:
        n = len(ring)
        middle = ring.mean(axis=0)
        vertices += [np.column_stack([np.vstack([ring, middle]), np.full(n + 1, z)]) for z in (0.0, height_um)]
        i, j, up = np.arange(n), np.roll(np.arange(n), -1), n + 1
        lids = [np.column_stack([j, i, np.full(n, n)]), np.column_stack([i + up, j + up, np.full(n, n + up)])]
        faces += [f + first for f in (*lids, np.column_stack([i, j, j + up]), np.column_stack([i, j + up, i + up]))]
        first += 2 * up
    return pmsl.Solid.from_arrays(np.concatenate(vertices), np.concatenate(faces))


def circle(middle, radius, n=96):
    turn = 2 * np.pi * np.arange(n) / n
    return middle + radius * np.column_stack([np.cos(turn), np.sin(turn)])


@pytest.mark.parametrize("mode", ["area", pytest.param("volume", marks=pytest.mark.slow)])
def test_two_hundred_circles_land_where_and_as_large_as_they_are(warp, mode):
    x, y = np.meshgrid((np.arange(20) + 0.5) * SIZE[0] / 20, (np.arange(10) + 0.5) * SIZE[1] / 10)
    middles = np.column_stack([x.ravel(), y.ravel()]) + np.random.default_rng(2).uniform(-50, 50, (200, 2))
    rings = [circle(middle, 25 * PITCH) for middle in middles]
    covered = masks_of(warped_parts([Part(solid=prisms(rings))], warp), grid(), mode, "none").coverage(0)
    rows, cols = np.nonzero(covered)
    at = (np.column_stack([cols, rows]) + 0.5) * PITCH
    landed, area = RIGHT.plate(at), covered[rows, cols] * RIGHT.area_scale(at) * PITCH**2
    of_circle = shapely.STRtree(shapely.points(middles)).nearest(shapely.points(landed))
    areas = np.bincount(of_circle, area, 200)
    centres = np.column_stack([np.bincount(of_circle, area * landed[:, axis], 200) / areas for axis in (0, 1)])
    true = np.array([shapely.Polygon(ring).area for ring in rings])
    assert np.abs(areas / true - 1).max() < 1e-4
    assert np.hypot(*((centres - middles) / PITCH).T).max() < 0.01


RINGS = {
    "the whole field": np.array([[300.0, 250.0], [14_250.0, 250.0], [14_250.0, 7950.0], [300.0, 7950.0]]),
    "long edges at all angles": np.array([[500.0, 4000.0], [9000.0, 300.0], [14_200.0, 2000.0], [7000.0, 7900.0]]),
    "a wall of half a pixel": np.array([[600.0, 700.0], [13_900.0, 7400.0], [13_898.0, 7404.0], [598.0, 704.0]]),
    "a circle": circle(np.array([9000.0, 5000.0]), 2500.0, 200),
}


@pytest.mark.parametrize("mode", ["area", "volume"])
@pytest.mark.parametrize("ring", RINGS.values(), ids=RINGS)
def test_grays_are_those_of_a_polygon_that_is_warped_without_pmsl(warp, ring, mode):
    covered = masks_of(warped_parts([Part(solid=prisms([ring]))], warp), grid(), mode, "none").coverage(0)
    area = shapely.Polygon(RIGHT.picture(dense(ring, 0.5 * PITCH)) / PITCH)
    shapely.prepare(area)
    edge = np.unique(np.floor(shapely.get_coordinates(area)).astype(int), axis=0)
    edge = edge[np.random.default_rng(7).permutation(len(edge))[:700]]
    boxes = shapely.box(edge[:, 0], edge[:, 1], edge[:, 0] + 1, edge[:, 1] + 1)
    right = shapely.area(shapely.intersection(boxes, area))
    assert 0.1 < right.mean() < 0.9
    assert np.abs(covered[edge[:, 1], edge[:, 0]] - right).max() < 1e-3
    assert covered.sum() == pytest.approx(area.area, rel=1e-6)


def test_warped_meshes_stay_closed_to_the_last_bit_and_wound_as_they_were(warp):
    solid = prisms([RINGS["long edges at all angles"]], 900.0)
    turned = np.diag([1.0, -1.0, 1.0, 1.0])
    turned[1, 3] = SIZE[1]
    for transform in (np.eye(4), turned):
        (part,) = warped_parts([Part(solid=solid, transform=transform)], warp)
        made = part.solid
        assert made.n_faces > 10 * solid.n_faces and not made.inside_out
        corners = made.vertices_um[made.faces]
        edges = np.concatenate([corners[:, [i, (i + 1) % 3]].reshape(-1, 6) for i in range(3)])
        back = edges.reshape(-1, 2, 3)[:, ::-1].reshape(-1, 6)
        assert np.array_equal(edges[np.lexsort(edges.T)], back[np.lexsort(back.T)])
        assert set(np.unique(made.vertices_um[:, 2][np.isin(made.vertices_um[:, 2], [0.0, 900.0])])) == {0.0, 900.0}


def test_slopes_are_right_inside_of_large_triangles_too(warp):
    base = np.array([[400.0, 400.0, 0.0], [14_000.0, 900.0, 0.0], [6000.0, 7800.0, 0.0], [6500.0, 3500.0, 800.0]])
    solid = pmsl.Solid.from_arrays(base, np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]]))
    z = np.arange(0.0, 801.0, 100.0)
    maker = masks_of(warped_parts([Part(solid=solid)], warp), grid(z), "area", "none")
    for k in (1, 5):
        up = (k + 0.5) / 8
        ring = base[:3, :2] + up * (base[3, :2] - base[:3, :2])
        area = shapely.Polygon(RIGHT.picture(dense(ring, 0.5 * PITCH)) / PITCH)
        edge = np.unique(np.floor(shapely.get_coordinates(area)).astype(int), axis=0)[::7]
        right = shapely.area(shapely.intersection(shapely.box(edge[:, 0], edge[:, 1], edge[:, 0] + 1, edge[:, 1] + 1), area))
        assert np.abs(maker.coverage(k)[edge[:, 1], edge[:, 0]] - right).max() < 1e-3


def test_no_distortion_is_no_work():
    parts = (Part(solid=prisms([RINGS["a circle"]])),)
    assert warped_parts(parts, None) == parts


def test_copies_and_regions_go_along(warp):
    solid, inner = prisms([circle(np.zeros(2), 400.0, 24)]), prisms([circle(np.zeros(2), 150.0, 24)])
    places = [np.eye(4), np.eye(4)]
    places[0][:2, 3], places[1][:2, 3] = (1000.0, 1000.0), (13_000.0, 7000.0)
    region = pmsl.Region(solid=inner, dose_scale=0.5)
    parts = [Part(solid=solid, transform=place, regions=(region,), dose_scale=1.5, label="copy") for place in places]
    for part, made in zip(parts, warped_parts(parts, warp), strict=True):
        assert (made.dose_scale, made.label, made.regions[0].dose_scale) == (1.5, "copy", 0.5)
        for plain, drawn in ((solid, made.solid), (inner, made.regions[0].solid)):
            right = RIGHT.picture(plain.vertices_um[:, :2] + part.transform[:2, 3])
            assert np.abs(drawn.vertices_um[: plain.n_vertices, :2] - right).max() < 1e-6
            assert (drawn.source, drawn.sha256) == (plain.source, plain.sha256)


def test_splitting_keeps_areas_and_neighbours():
    rng = np.random.default_rng(11)
    corners = rng.uniform(-1, 1, (40, 3, 3))

    def is_long(a, b):
        return ((a - b) ** 2).sum(axis=1) > 0.09

    made = split(corners, is_long)
    assert not any(is_long(made[:, i], made[:, (i + 1) % 3]).any() for i in range(3))

    def vectors(of):
        return np.cross(of[:, 1] - of[:, 0], of[:, 2] - of[:, 0])

    assert np.allclose(vectors(made).sum(axis=0), vectors(corners).sum(axis=0), atol=1e-12)
    assert np.isclose(np.linalg.norm(vectors(made), axis=1).sum(), np.linalg.norm(vectors(corners), axis=1).sum())
