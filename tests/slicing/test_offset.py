"""Moved contours: closed forms, a union of strips and discs as an oracle, and what a contour may be besides a square."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

from pmsl.errors import MeshError
from pmsl.slicing.offset import ARC_PX, GRID_PX, ContourOffset, offset_polygon
from pmsl.slicing.polygons import oriented_rings, region

CLOSE = 1e-3  # px: what arcs and the lattice may miss


def several(geometry):
    return shapely.MultiPolygon([p for p in shapely.get_parts(geometry) if p.geom_type == "Polygon"])


def edges_of(geometry):
    """Directed edges of an area, solid on the left, in a shuffled order."""
    rings = oriented_rings(several(geometry))
    edges = np.concatenate([np.hstack([r, np.roll(r, -1, axis=0)]) for r in rings])
    return edges[np.random.default_rng(len(edges)).permutation(len(edges))]


def moved(geometry, distance, pitch=(1.0, 1.0)):
    """Area [px] after a move by a distance [µm], and what was lost, through the one door that masks use."""
    offset = ContourOffset(np.array([distance]), np.array(pitch))
    edges = edges_of(geometry) if not isinstance(geometry, np.ndarray) else geometry
    found, lost = offset.segments(0, edges)
    return area(found), lost, found


def area(edges):
    """Signed area that edges enclose: positive where solid is on their left."""
    x0, y0, x1, y1 = edges.T
    return float((x0 * y1 - x1 * y0).sum() / 2)


def strips_and_discs(geometry, distance, quarter=400):
    """The slow, obvious one: all points within the distance of the outline, added or taken away."""
    pieces = []
    for ring in oriented_rings(several(geometry)):
        for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
            normal = np.array([(b - a)[1], -(b - a)[0]]) / np.hypot(*(b - a)) * abs(distance)
            pieces += [shapely.Polygon([a + normal, b + normal, b - normal, a - normal]), shapely.Point(a).buffer(abs(distance), quarter)]
    outline = shapely.union_all(pieces)
    return shapely.union(geometry, outline) if distance > 0 else shapely.difference(geometry, outline)


def thickest(difference):
    """Half the width of the widest piece of a difference, to a factor of 2."""
    width = 1e-7
    while width < 10 and not shapely.buffer(difference, -width).is_empty:
        width *= 2
    return width


# --- closed forms --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("a", [3.0, 10.0, 40.25])
@pytest.mark.parametrize("d", [0.05, 0.5, 1.0, 7.3])
def test_a_square_grown_has_round_corners_and_shrunk_has_none(a, d):
    square = shapely.box(100.3, 50.7, 100.3 + a, 50.7 + a)
    grown, lost, _ = moved(square, d)
    assert not lost
    assert grown == pytest.approx(a * a + 4 * a * d + math.pi * d * d, abs=2 * math.pi * d * ARC_PX + 4 * (a + 2 * d) * GRID_PX)
    assert grown < a * a + 4 * a * d + math.pi * d * d + 1e-4  # chords lie inside their circle
    shrunk, lost, _ = moved(square, -d)
    assert shrunk == pytest.approx(max(a - 2 * d, 0) ** 2, abs=8 * a * GRID_PX)
    assert bool(lost) == (a <= 2 * d)


@pytest.mark.parametrize("n", [3, 8, 100, 2000])
def test_a_hole_shrinks_by_its_edges_whatever_the_bends_between_them(n):
    """A hole of n flat edges keeps them, d further in: no bend is too shallow to count."""
    radius, d = 40.0, 6.0
    turn = np.linspace(0, 2 * np.pi, n, endpoint=False)
    hole = shapely.Polygon(np.stack([np.cos(turn), np.sin(turn)], 1) * radius + 60)
    got, _, _ = moved(shapely.difference(shapely.box(0, 0, 120, 120), hole), d)
    apothem = radius * math.cos(math.pi / n) - d
    outer = 120**2 + 4 * 120 * d + math.pi * d * d
    assert got == pytest.approx(outer - n * apothem**2 * math.tan(math.pi / n), abs=2 * math.pi * (d + radius) * CLOSE / 4)


def test_a_ring_wall_thinner_than_twice_the_distance_vanishes_and_one_a_little_thicker_stays():
    for wall, stays in ((3.98, False), (4.02, True)):
        disc = shapely.Point(30, 30)
        ring = shapely.difference(shapely.buffer(disc, 20, quad_segs=90), shapely.buffer(disc, 20 - wall, quad_segs=90))
        got, lost, _ = moved(ring, -2.0)
        assert (got > 0) == stays
        assert [place.kind for place in lost] == ([] if stays else ["wall"])


def test_unequal_pitches_move_by_the_same_way_in_um():
    got, _, edges = moved(shapely.box(10, 10, 20, 30), 3.0, pitch=(2.0, 0.5))  # 20 × 10 µm
    assert got * 1.0 == pytest.approx((20 * 10 + 3 * 60 + math.pi * 9) / (2.0 * 0.5), abs=2 * math.pi * 3 * 1e-3)
    assert edges[:, ::2].min() == pytest.approx(10 - 1.5, abs=1e-5) and edges[:, 1::2].min() == pytest.approx(10 - 6.0, abs=1e-5)


# --- an oracle, and laws that need none ---------------------------------------------------------------------------------


@st.composite
def shapes(draw):
    """Boxes, discs and notched blobs, united and with holes."""
    shape = shapely.Polygon()
    for _ in range(draw(st.integers(1, 4))):
        x, y = draw(st.integers(0, 40)) / 2, draw(st.integers(0, 40)) / 2
        kind = draw(st.sampled_from(["box", "disc", "blob"]))
        if kind == "box":
            piece = shapely.box(x, y, x + draw(st.integers(1, 24)) / 2, y + draw(st.integers(1, 24)) / 2)
        elif kind == "disc":
            piece = shapely.Point(x, y).buffer(draw(st.integers(2, 12)), quad_segs=draw(st.sampled_from([1, 2, 9])))
        else:
            n = draw(st.integers(3, 24))
            reach = np.array(draw(st.lists(st.sampled_from([3.0, 3.02, 3.3, 5.0]), min_size=n, max_size=n)))
            turn = np.linspace(0, 2 * np.pi, n, endpoint=False)
            piece = shapely.Polygon(np.stack([np.cos(turn), np.sin(turn)], 1) * reach[:, None] + (x, y))
        shape = shapely.difference(shape, piece) if draw(st.integers(0, 3)) == 0 else shapely.union(shape, piece)
    shape = several(shapely.set_precision(shape, 2.0**-10))
    return shape if not shape.is_empty else several(shapely.box(0, 0, 1, 1))


distances = st.sampled_from([-3.0, -1.0, -0.3, 0.1, 0.7, 2.0, 4.5])


@settings(max_examples=examples(8))
@given(shapes(), distances)
def test_it_is_the_shape_with_all_strips_and_discs(shape, distance):
    got = region(ring_list(moved(shape, distance)[2]), GRID_PX)
    difference = shapely.symmetric_difference(got, strips_and_discs(shape, distance))
    assert thickest(difference) < CLOSE


@settings(max_examples=examples(20))
@given(shapes(), st.sampled_from([0.3, 1.0, 2.5]))
def test_growing_a_shape_is_shrinking_what_is_around_it(shape, distance):
    """And so neighbours that share a boundary part at it, or meet at it, without a gap or an overlap."""
    frame = shapely.box(-30, -30, 60, 60)
    grown, shrunk = moved(shape, distance)[0], moved(shapely.difference(frame, shape), -distance)[0]
    assert grown + shrunk == pytest.approx((90 - 2 * distance) ** 2, abs=CLOSE * shape.length + CLOSE)


@settings(max_examples=examples(20))
@given(shapes(), distances, st.integers(-5000, 5000), st.integers(-5000, 5000))
def test_a_move_by_whole_pixels_moves_the_result_bit_for_bit(shape, distance, x, y):
    offset = ContourOffset(np.array([distance]), np.array([7.6, 7.6]))
    edges = edges_of(shape)
    here, lost = offset.segments(0, edges)
    there, also = offset.segments(0, edges + np.array([x, y, x, y]))
    assert np.array_equal(np.round((here + np.array([x, y, x, y])) / 2**-30), np.round(there / 2**-30))
    assert [place.kind for place in lost] == [place.kind for place in also]


@settings(max_examples=examples(20))
@given(shapes(), distances)
def test_the_order_of_edges_does_not_matter_and_solid_stays_on_the_left(shape, distance):
    edges = edges_of(shape)
    one, other = moved(edges, distance), moved(edges[::-1], distance)
    assert one[0] == pytest.approx(other[0], abs=1e-9) and one[0] >= 0
    assert np.array_equal(np.sort(one[2], axis=0), np.sort(other[2], axis=0))


@given(shapes(), st.sampled_from([0.2, 1.0, 3.0]))
@settings(max_examples=examples(5))
def test_growing_after_shrinking_stays_inside_and_shrinking_after_growing_covers(shape, distance):
    opened = offset_polygon(offset_polygon(shape, -distance, CLOSE), distance, CLOSE, GRID_PX)
    closed = offset_polygon(offset_polygon(shape, distance, CLOSE), -distance, CLOSE, GRID_PX)
    assert thickest(shapely.difference(opened, shape)) < 2 * CLOSE and thickest(shapely.difference(shape, closed)) < 2 * CLOSE


def ring_list(edges):
    from pmsl.slicing.contours import link

    return link(edges, 0) if len(edges) else []


# --- what contours may be ------------------------------------------------------------------------------------------------


def both(a, b):
    return np.concatenate([edges_of(a), edges_of(b)])


def test_bodies_that_grow_into_each_other_unite_and_the_gap_is_named():
    pair = both(shapely.box(0, 0, 10, 10), shapely.box(13, 0, 23, 10))
    got, lost, _ = moved(pair, 2.0)
    whole = strips_and_discs(shapely.union(shapely.box(0, 0, 10, 10), shapely.box(13, 0, 23, 10)), 2.0)
    assert got == pytest.approx(whole.area, abs=0.05)
    (gap,) = lost
    assert gap.kind == "gap" and 10 <= (gap.box_px[0] + gap.box_px[2]) / 2 <= 13


@pytest.mark.parametrize("crack", [0.0, 1e-13, 1e-9])
@pytest.mark.parametrize("distance", [-2.0, 2.0])
def test_bodies_that_touch_move_as_one_without_a_seam(crack, distance):
    """A crack of rounding is none: it does not grow to twice the distance."""
    got, lost, _ = moved(both(shapely.box(0, 0, 10, 10), shapely.box(10 + crack, 0, 20, 10)), distance)
    expected = 16 * 6 if distance < 0 else 200 + 60 * 2 + math.pi * 4
    assert got == pytest.approx(expected, abs=0.01) and not lost


def test_bodies_that_overlap_move_as_their_union():
    a, b = shapely.box(0, 0, 10, 10), shapely.box(6, 3, 20, 17)
    for distance in (-1.5, 1.5):
        whole = moved(shapely.union(a, b), distance)[0]
        assert moved(both(a, b), distance)[0] == pytest.approx(whole, abs=1e-4)


def test_a_cavity_and_a_body_in_it():
    shape = shapely.union(shapely.difference(shapely.box(0, 0, 40, 40), shapely.box(8, 8, 32, 32)), shapely.box(16, 16, 24, 24))
    assert moved(shape, 1.0)[0] == pytest.approx(40**2 + 160 + math.pi - 22**2 + 64 + 32 + math.pi, abs=0.02)
    assert moved(shape, -1.0)[0] == pytest.approx(38**2 - (24**2 + 96 + math.pi) + 36, abs=0.02)


def test_corners_lose_their_tip_without_a_word_walls_and_necks_do_not():
    d = 1.5
    fin = shapely.union(shapely.box(0, 0, 20, 10), shapely.box(9, 10, 11, 20))  # 2 px wide, 10 high
    neck = shapely.union_all([shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10), shapely.box(10, 4, 20, 6)])
    star = shapely.Polygon([(0, 0), (30, 2.0), (0, 4)])  # 8° at its tip
    for shape, where in ((fin, (10, 15)), (neck, (15, 5)), (star, (24, 2))):
        (place,) = moved(shape, -d)[1]
        x0, y0, x1, y1 = place.box_px
        assert x0 <= where[0] <= x1 and y0 <= where[1] <= y1 and place.kind == "wall" and place.area_px > 0
    for shape in (shapely.box(0, 0, 20, 10), shapely.Point(20, 20).buffer(12), shapely.Polygon([(0, 0), (40, 0), (20, 34.7)])):
        assert moved(shape, -d)[1] == ()


def test_a_channel_that_closes_is_named_and_a_corner_that_fills_is_not():
    channel = shapely.difference(shapely.box(0, 0, 40, 20), shapely.box(5, 9, 35, 11))
    (place,) = moved(channel, 1.25)[1]
    assert place.kind == "gap" and place.box_px == pytest.approx((5, 9, 35, 11), abs=0.1)
    assert moved(shapely.difference(shapely.box(0, 0, 40, 20), shapely.box(10, 10, 30, 30)), 1.25)[1] == ()


def test_nothing_stays_nothing_and_an_open_contour_is_refused():
    offset = ContourOffset(np.array([2.0]), np.ones(2))
    assert len(offset.segments(0, np.zeros((0, 4)))[0]) == 0
    with pytest.raises(MeshError, match=r"layer 0: the boundary ends at pixel \((0|5)\.000, (0|5)\.000\).*xy offset"):
        offset.segments(0, edges_of(shapely.box(0, 0, 5, 5))[:-1])
