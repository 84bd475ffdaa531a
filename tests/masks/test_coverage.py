"""Area coverage: against exact clipping, degeneracies by name, conservation, partition of unity, invariance."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from oracles import polygon_coverage
from solids import box, cone, grid, hull, icosphere, moved, prism, soup

import pmsl
from pmsl import Grid, Solid
from pmsl.errors import GridError, UsageError
from pmsl.masks import coverage


def star(radii, centre, twist=0.0):
    """Star-shaped ring: one vertex an angle."""
    angle = twist + np.arange(len(radii)) * 2 * np.pi / len(radii)
    return np.c_[centre[0] + radii * np.cos(angle), centre[1] + radii * np.sin(angle)]


def floats(low, high):
    """Floats without the tiniest numbers, on which shapely's clipping (the oracle) fails."""
    return st.floats(low, high).map(lambda v: round(v, 9))


stars = st.builds(
    star,
    st.lists(floats(0.3, 9.0), min_size=3, max_size=9).map(np.array),
    st.tuples(floats(-2, 16), floats(-2, 14)),
    floats(0, 3),
)
pitches = st.tuples(floats(0.4, 3.0), floats(0.4, 3.0))


@given(stars, pitches, st.tuples(floats(-3, 3), floats(-3, 3)))
def test_agrees_with_exact_clipping(ring, pitch, origin):
    g = Grid(origin_um=origin, pitch_um=pitch, shape=(7, 9), z_edges_um=[0, 1, 2.5])
    got = coverage([soup(prism(ring, 0, 2.5))], g, 1)
    assert np.abs(got - polygon_coverage(shapely.Polygon(ring), g)).max() <= 1e-9


on_lines = st.integers(-2, 9).map(lambda n: n / 2)


@given(st.lists(st.tuples(on_lines, on_lines), min_size=3, max_size=3, unique=True))
def test_agrees_with_exact_clipping_on_pixel_corners_and_middles(ring):
    triangle = shapely.Polygon(ring)
    if triangle.area == 0:
        return
    ring = np.array(ring) if triangle.exterior.is_ccw else np.array(ring)[::-1]
    g = grid(rows=4, cols=5)
    assert np.abs(coverage([prism(ring, 0, 3)], g, 0) - polygon_coverage(triangle, g)).max() <= 1e-12


# --- degeneracies, by name -------------------------------------------------------------------------------------


def test_edges_on_pixel_edges():
    wanted = np.zeros((12, 14))
    wanted[2:7, 3:9] = 1
    assert np.array_equal(coverage([box((3, 2, 0), (9, 7, 3))], grid(), 1), wanted)


def test_vertices_on_pixel_edges():
    g = grid(rows=4, cols=4)
    diamond = [(2, 0), (4, 2), (2, 4), (0, 2)]
    wanted = np.array([[0, 0.5, 0.5, 0], [0.5, 1, 1, 0.5], [0.5, 1, 1, 0.5], [0, 0.5, 0.5, 0]])
    assert np.abs(coverage([prism(diamond, 0, 3)], g, 0) - wanted).max() <= 1e-12


def test_half_covered_pixels_round_alike_on_all_sides():
    half = box((2.5, 2.5, 0), (6.5, 6.5, 3))
    mask = next(iter(pmsl.layer_masks([half], grid()))).dense(np.uint16)
    assert mask[4, 2] == mask[4, 6] == mask[2, 4] == mask[6, 4] == 32768
    assert mask[2, 2] == mask[6, 6] == mask[2, 6] == mask[6, 2] == 16384


def test_vertices_on_slab_middles():
    # the bipyramid's widest ring lies exactly in the middle plane of slab 1: "above" is z >= plane, so the cut is full
    ring = [(2, 2, 1.5), (8, 2, 1.5), (8, 8, 1.5), (2, 8, 1.5)]
    vertices = np.array([*ring, (5, 5, 0), (5, 5, 3)])
    faces = [(0, 1, 5), (1, 2, 5), (2, 3, 5), (3, 0, 5), (1, 0, 4), (2, 1, 4), (3, 2, 4), (0, 3, 4)]
    got = coverage([Solid.from_arrays(vertices, np.array(faces))], grid(), 1)
    assert got.sum() == pytest.approx(36, rel=1e-12)
    assert got[2:8, 2:8].min() == pytest.approx(1)


def test_faces_on_slab_middles_belong_to_one_side():
    # a face exactly in a middle plane: the upper box owns the plane (half-open), nothing doubles, nothing vanishes
    lower, upper = box((2, 2, 0), (6, 6, 1.5)), box((2, 2, 1.5), (6, 6, 3))
    g = grid()
    assert coverage([lower], g, 1).sum() + coverage([upper], g, 1).sum() == 16
    assert np.array_equal(coverage([lower, upper], g, 1), coverage([box((2, 2, 0), (6, 6, 3))], g, 1))


@given(st.floats(0.1, 13.9), st.floats(-5, 5))
def test_touching_parts_sum_to_one(x, slope):
    g = grid()
    left = prism([(-1, -1), (x - slope, -1), (x + slope, 13), (-1, 13)], 0, 3) if x - abs(slope) > -1 else None
    right = prism([(x - slope, -1), (15, -1), (15, 13), (x + slope, 13)], 0, 3) if x + abs(slope) < 15 else None
    if left is None or right is None:
        return
    a, b = coverage([left], g, 0), coverage([right], g, 0)
    assert np.abs(a + b - 1).max() <= 1e-12
    masks = [next(iter(pmsl.layer_masks([s], g))).dense(np.uint16).astype(int) for s in (left, right)]
    assert np.abs(masks[0] + masks[1] - 65535).max() <= 1
    assert next(iter(pmsl.layer_masks([left, right], g))).sum_px() == 12 * 14


@pytest.mark.parametrize(
    ("low", "high", "wanted"),
    [
        ((-5, 3, 0), (-1, 6, 3), 0),  # left of the window
        ((20, 3, 0), (25, 6, 3), 0),  # right of it
        ((3, -9, 0), (6, -1, 3), 0),  # below
        ((3, 30, 0), (6, 40, 3), 0),  # above
        ((-5, 3, 0), (2, 6, 3), 6),  # across the left edge
        ((12, 3, 0), (99, 6, 3), 6),  # across the right edge
        ((3, -9, 0), (6, 2, 3), 6),  # across the lower edge
        ((3, 10, 0), (6, 99, 3), 6),  # across the upper edge
        ((-9, -9, 0), (99, 99, 3), 168),  # all around
        ((0, 0, 0), (14, 12, 3), 168),  # exactly the window
    ],
)
def test_parts_outside_the_window_on_each_side(low, high, wanted):
    got = coverage([box(low, high)], grid(), 0)
    assert got.sum() == pytest.approx(wanted, abs=1e-12)
    assert next(iter(pmsl.layer_masks([box(low, high)], grid()))).sum_px() == wanted


@given(stars)
def test_a_window_sees_what_the_whole_field_sees(ring):
    part = prism(ring, 0, 3)
    whole = coverage([part], Grid(origin_um=(-12, -12), pitch_um=1, shape=(40, 42), z_edges_um=[0, 3]), 0)
    window = coverage([part], grid(edges=(0, 3)), 0)
    assert np.abs(whole[12:24, 12:26] - window).max() <= 1e-12


def test_slivers_thinner_than_a_billionth_of_a_pixel_do_not_leak():
    g = grid()
    sliver = prism([(1, 5), (13, 5), (13, 5 + 1e-10), (1, 5 + 1e-10)], 0, 3)
    assert coverage([sliver], g, 0).sum() == pytest.approx(12e-10, rel=1e-4)
    mask, leaks = pmsl.masks.masks_of([sliver], g).mask_and_defects(0)
    assert mask.empty and leaks.rows == 0


def test_a_3_um_wall_on_2_um_pixels_is_3_um_wide():
    g = Grid(origin_um=(0, 0), pitch_um=2, shape=(20, 20), z_edges_um=[0, 5])
    for x in (10.0, 10.7, 11.0):
        wall = box((x, 4, 0), (x + 3, 36, 5))
        assert coverage([wall], g, 0)[10].sum() * 2 == pytest.approx(3, abs=1e-12)


# --- union and cavities ----------------------------------------------------------------------------------------


def test_overlapping_shells_unite():
    a, b = box((2, 2, 0), (7, 7, 3)), box((5, 5, 0), (10, 10, 3))
    assert coverage([a, b], grid(), 0).sum() == 25 + 25 - 4
    assert np.array_equal(coverage([a, a], grid(), 0), coverage([a], grid(), 0))


def test_cavities_stay_empty():
    outer, inner = box((2, 2, 0), (10, 10, 3)), box((4, 4, 0.5), (8, 8, 2.5))
    hollow = Solid.from_arrays(
        np.vstack([outer.vertices_um, inner.vertices_um]), np.vstack([outer.faces, inner.faces[:, ::-1] + len(outer.vertices_um)])
    )
    assert coverage([hollow], grid(), 1).sum() == 64 - 16
    assert coverage([hollow], grid(edges=(0, 0.4, 3)), 0).sum() == 64


# --- conservation ----------------------------------------------------------------------------------------------


@given(stars, st.lists(st.floats(0.05, 2.0), min_size=1, max_size=6), pitches)
def test_prism_volume_is_conserved(ring, steps, pitch):
    edges = np.concatenate([[0], np.cumsum(steps)])
    g = Grid(origin_um=(-12, -12), pitch_um=pitch, shape=(int(40 / pitch[1]) + 1, int(42 / pitch[0]) + 1), z_edges_um=edges)
    solid = prism(ring, 0, edges[-1])
    volume = sum(coverage([solid], g, k).sum() * g.pixel_um2 * g.thickness_um[k] for k in range(g.n_layers))
    assert volume == pytest.approx(shapely.Polygon(ring).area * edges[-1], rel=1e-9)


def mid_slab_volume(solid, layers, top):
    g = Grid(origin_um=(0, 0), pitch_um=1, shape=(60, 60), z_edges_um=np.linspace(0, top, layers + 1))
    return sum(coverage([solid], g, k).sum() for k in range(layers)) * top / layers


def test_sphere_and_cone_converge_as_the_mid_slab_rule_predicts():
    # the middle rule has error h²/24·[A'(top) − A'(0)]: a quarter for each halving, with this constant
    radius = height = 20.0
    segments = 400
    base = 0.5 * segments * radius**2 * np.sin(2 * np.pi / segments)
    tip = cone(segments, radius, height, (30, 30, 0))
    for layers in (5, 10, 20, 40):
        h = height / layers
        predicted = -(h**2) / 24 * (0 - (-2 * base / height))
        assert mid_slab_volume(tip, layers, height) - base * height / 3 == pytest.approx(predicted, rel=1e-6)
    ball = icosphere(5, radius, (30, 30, radius))
    v = ball.vertices_um[ball.faces]
    exact = abs(np.einsum("ij,ij->i", v[:, 0], np.cross(v[:, 1], v[:, 2])).sum() / 6)
    errors = [mid_slab_volume(ball, layers, 2 * radius) - exact for layers in (4, 8, 16)]
    for layers, error in zip((4, 8, 16), errors, strict=True):
        h = 2 * radius / layers
        assert error == pytest.approx(-(h**2) / 24 * (-4 * np.pi * radius), rel=0.05)


def test_circle_area_is_conserved():
    angle = np.arange(720) * np.pi / 360
    radius = np.sqrt(np.pi * 50**2 / (360 * np.sin(np.pi / 360)))  # the polygon with the circle's area
    ring = np.c_[55.3 + radius * np.cos(angle), 61.7 + radius * np.sin(angle)]
    g = Grid(origin_um=(0, 0), pitch_um=10, shape=(12, 12), z_edges_um=[0, 10])
    solid = prism(ring, 0, 10)
    assert coverage([solid], g, 0).sum() * 100 == pytest.approx(7853.98, abs=0.01)
    levels = next(iter(pmsl.layer_masks([solid], g))).dense(np.uint8)
    edge = ((levels > 0) & (levels < 255)).sum()
    assert abs(levels.sum() / 255 * 100 - 7853.98) <= edge * 100 / 510


# --- invariance: 1e-12 before the snap, the same bytes after -----------------------------------------------------

tilted = st.builds(
    lambda seed, n: np.random.default_rng(seed).uniform((1, 1, 0), (11, 11, 3), (n, 3)),
    st.integers(0, 2**32 - 1),
    st.integers(5, 12),
)


def both(solid, g):
    return np.array([coverage([solid], g, k) for k in range(g.n_layers)]), np.array(
        [m.dense(np.uint16) for m in pmsl.layer_masks([solid], g)]
    )


def assert_same(a, b):
    assert np.abs(a[0] - b[0]).max() <= 1e-12
    assert np.array_equal(a[1], b[1])


@given(tilted)
def test_whole_pixel_translation(points):
    g = grid()
    far = Grid(origin_um=(0, 0), pitch_um=1, shape=(60, 80), z_edges_um=g.z_edges_um)
    a, b = both(hull(points), g), both(moved(hull(points), (64, 32, 0)), far)
    assert_same(a, (b[0][:, 32:44, 64:78], b[1][:, 32:44, 64:78]))


@given(tilted)
def test_mirror(points):
    g = grid(rows=12, cols=12)
    solid = hull(points)
    mirrored = Solid.from_arrays(solid.vertices_um * (-1, 1, 1) + (12, 0, 0), solid.faces[:, ::-1])
    b = both(mirrored, g)
    assert_same(both(solid, g), (b[0][:, :, ::-1], b[1][:, :, ::-1]))


@given(tilted)
def test_quarter_turn(points):
    g = grid(rows=12, cols=12)
    solid = hull(points)
    turned = Solid.from_arrays(np.c_[12 - solid.vertices_um[:, 1], solid.vertices_um[:, 0], solid.vertices_um[:, 2]], solid.faces)
    b = both(turned, g)
    # (x, y) → (12 - y, x): pixel (r, c) goes to (c, 11 - r)
    assert_same(both(solid, g), tuple(np.array([layer[:, ::-1].T for layer in stack]) for stack in b))


@given(tilted, st.randoms(use_true_random=False))
def test_triangle_order_and_starting_corner(points, random):
    solid = hull(points)
    faces = [tuple(np.roll(f, random.randrange(3))) for f in solid.faces]
    random.shuffle(faces)
    assert_same(both(solid, grid()), both(Solid.from_arrays(solid.vertices_um, np.array(faces)), grid()))


@given(tilted)
def test_winding_reversal_of_a_whole_part(points):
    solid = hull(points)
    assert_same(both(solid, grid()), both(Solid.from_arrays(solid.vertices_um, solid.faces[:, ::-1]), grid()))


@given(tilted)
def test_split_edges(points):
    solid = hull(points)
    v, f = solid.vertices_um, solid.faces
    middles = (v[f] + v[np.roll(f, -1, axis=1)]) / 2
    n = len(v)
    ids = n + np.arange(3 * len(f)).reshape(-1, 3)
    quarters = np.vstack(
        [np.c_[f[:, 0], ids[:, 0], ids[:, 2]], np.c_[f[:, 1], ids[:, 1], ids[:, 0]], np.c_[f[:, 2], ids[:, 2], ids[:, 1]], ids]
    )
    assert_same(both(solid, grid()), both(Solid.from_arrays(np.vstack([v, middles.reshape(-1, 3)]), quarters), grid()))


@given(tilted)
def test_runs_are_the_dense_coverage_rounded_once(points):
    dense, masks = both(hull(points), grid())
    assert np.array_equal(masks, np.floor(65535 * np.round(dense * 2**32) / 2**32 + 0.5).astype(np.uint16))


# --- bad input -------------------------------------------------------------------------------------------------


def test_unknown_mode_and_layer_are_refused():
    part = box((2, 2, 0), (6, 6, 3))
    with pytest.raises(UsageError, match="sampled"):
        pmsl.layer_masks([part], grid(), mode="sampled")
    with pytest.raises(GridError, match="layer 3"):
        coverage([part], grid(), 3)
    with pytest.raises(GridError, match="no part"):
        pmsl.layer_masks([], grid())


def test_an_open_mesh_is_noticed_and_does_not_smear():
    whole = box((3, 2, 0), (9, 7, 3))
    sides = whole.faces[[i for i in range(len(whole.faces)) if not np.all(whole.vertices_um[whole.faces[i], 0] == 9)]]
    mask, leaks = pmsl.masks.masks_of([Solid.from_arrays(whole.vertices_um, sides)], grid(), repair="none").mask_and_defects(0)
    assert (leaks.rows, leaks.first_row, leaks.last_row) == (5, 2, 6)
    assert mask.dense(np.uint8)[:, 9:].max() == 0


@pytest.mark.parametrize("height", [5e-324, 1e-312, 2.2e-308, 1e-200, 1e-60, 1e-30])
def test_edges_of_subnormal_height_do_no_harm(height):
    ring = [(2, 5), (9, 5 if height < 1e-15 else 5 + height), (9, 8), (2, 8)]
    shifted = [(x, y - 5) for x, y in ring]
    for points in (ring, shifted, [(x, y + height) for x, y in shifted]):
        got = coverage([prism(points, 0, 3)], grid(), 1)
        assert got.sum() == pytest.approx(21, rel=1e-9)
    sliver = Solid.from_arrays(
        np.array([(1, 0, 0), (9, height, 0), (5, 0, 3), (5, height, 3)]), np.array([(0, 2, 1), (0, 3, 2), (0, 1, 3), (1, 2, 3)])
    )
    assert coverage([sliver], grid(), 1).sum() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("far", [1e11, 1e30, 1e200, 1e300])
def test_coordinates_beyond_reason_are_refused(far):
    with pytest.raises(GridError, match="check unit and pitch"):
        coverage([box((0, 0, 0), (far, 5, 3))], grid(), 1)


def test_parts_unite_whatever_their_winding():
    a, b = box((2, 2, 0), (7, 7, 3)), box((5, 5, 0), (10, 10, 3))
    turned = Solid.from_arrays(b.vertices_um, b.faces[:, ::-1])
    assert not b.inside_out and turned.inside_out
    assert np.array_equal(coverage([a, turned], grid(), 0), coverage([a, b], grid(), 0))
    touching = box((7, 2, 0), (9.5, 7, 3))
    inward = Solid.from_arrays(touching.vertices_um, touching.faces[:, ::-1])
    assert coverage([a, inward], grid(), 0).sum() == pytest.approx(25 + 12.5)
