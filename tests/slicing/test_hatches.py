"""Hatches: against shapely's own cuts, by area, by what does not change them, and in the order they are drawn."""

import time

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

from pmsl.errors import UsageError
from pmsl.slicing.hatching import area_of_rings, hatch_lines, inset_area, ordered_rings
from pmsl.slicing.polygons import oriented_rings

ANGLES = st.one_of(st.sampled_from([0.0, 26.6, 45.0, 90.0, 180.0, -90.0, 360.0, 1e-9]), st.floats(-400, 400))


def ring_with_hole(radius=100.0, hole=30.0):
    return shapely.Point(0, 0).buffer(radius, quad_segs=64).difference(shapely.Point(20, 10).buffer(hole, quad_segs=16))


@st.composite
def areas(draw):
    """Stars around some places, united: holes, narrow necks, pieces apart."""
    out = []
    for _ in range(draw(st.integers(1, 4))):
        n = draw(st.integers(3, 9))
        radii = np.array(draw(st.lists(st.floats(3, 40), min_size=n, max_size=n)))
        angle = np.arange(n) * 2 * np.pi / n
        x, y = draw(st.floats(-50, 50)) + 0.0712345, draw(st.floats(-50, 50)) + 0.0391827  # no edge on a line of the comb
        out.append(shapely.Polygon(np.stack([x + radii * np.cos(angle), y + radii * np.sin(angle)], axis=1)))
    whole = shapely.union_all(out)
    return whole.difference(shapely.Point(draw(st.floats(-50, 50)), 0).buffer(6)) if draw(st.booleans()) else whole


def cut_by_shapely(area, spacing, angle, offset):
    """The clear way: every line of the comb by itself, cut by the library."""
    turned = shapely.affinity.rotate(area, -angle, origin=(0, 0))
    x0, y0, x1, y1 = turned.bounds
    found = []
    for j in range(int(np.floor((y0 - offset) / spacing)) - 1, int(np.ceil((y1 - offset) / spacing)) + 1):
        y = offset + (j + 0.5) * spacing
        line = shapely.LineString([(x0 - 1, y), (x1 + 1, y)])
        found += [part for part in shapely.get_parts(line.intersection(turned)) if part.length > 0]
    lines = shapely.affinity.rotate(shapely.MultiLineString(found), angle, origin=(0, 0))
    return np.array([part.coords for part in lines.geoms]).reshape(-1, 2, 2)


def by_place(lines):
    """Lines that differ in direction only, the same; in one order."""
    middles, lengths = lines.mean(axis=1), np.hypot(*(lines[:, 1] - lines[:, 0]).T)
    return np.column_stack([middles, lengths])[np.lexsort(np.round(middles.T, 6))]


def same(a, b, within=1e-6):
    assert len(a) == len(b)
    tree_a, tree_b = by_place(a), by_place(b)
    from scipy.spatial import cKDTree

    assert not len(a) or max(cKDTree(tree_a).query(tree_b)[0].max(), cKDTree(tree_b).query(tree_a)[0].max()) < within


def long_enough(lines, least=1e-5):
    return lines[np.hypot(*(lines[:, 1] - lines[:, 0]).T) > least]


def length(lines):
    return float(np.hypot(*(lines[:, 1] - lines[:, 0]).T).sum())


@settings(max_examples=examples(40), deadline=None)
@given(areas(), st.floats(1.5, 20), ANGLES, st.floats(-30, 30))
def test_lines_are_those_that_shapely_cuts(area, spacing, angle, offset):
    lines = hatch_lines(area, spacing, angle, offset)
    same(long_enough(lines), long_enough(cut_by_shapely(area, spacing, angle, offset)))
    assert shapely.covers(area.buffer(1e-6), shapely.points(lines.mean(axis=1))).all()


@settings(max_examples=examples(20), deadline=None)
@given(areas(), st.floats(2, 15), ANGLES, st.integers(-5, 5))
def test_a_turned_area_has_turned_lines_and_a_shift_by_the_spacing_changes_nothing(area, spacing, angle, many):
    lines = hatch_lines(area, spacing, angle)
    turned = hatch_lines(shapely.affinity.rotate(area, 33.0, origin=(0, 0)), spacing, angle + 33.0)
    c, s = np.cos(np.radians(33.0)), np.sin(np.radians(33.0))
    same(long_enough(turned), long_enough(lines @ np.array([[c, s], [-s, c]])))
    normal = np.array([-np.sin(np.radians(angle)), np.cos(np.radians(angle))]) * many * spacing
    moved = hatch_lines(shapely.affinity.translate(area, *normal), spacing, angle)
    same(long_enough(moved), long_enough(lines + normal))
    same(hatch_lines(area, spacing, angle, many * spacing), lines)


@pytest.mark.parametrize("angle", [0.0, 26.6, 45.0, 90.0, 123.0])
@pytest.mark.parametrize("order", ["back-and-forth", "one-way"])
def test_length_times_spacing_is_the_area(angle, order):
    """Two hundred spacings wide and more, a hole in it: half a percent."""
    for area in (ring_with_hole(), shapely.box(-100, -150, 130, 100)):
        lines = hatch_lines(area, 1.0, angle, order=order)
        assert length(lines) * 1.0 == pytest.approx(area.area, rel=5e-3)
    assert length(hatch_lines(ring_with_hole(), 1.0, angle)) == pytest.approx(ring_with_hole().area, rel=2e-4)


def test_two_layers_of_one_angle_lie_on_each_other():
    """The comb is the plate's, whatever is hatched."""
    a, b = (hatch_lines(shapely.box(*box), 3.0, 26.6) for box in ((0, 0, 50, 40), (11.3, 7.7, 61.0, 44.0)))
    across = [lines.reshape(-1, 2) @ (-np.sin(np.radians(26.6)), np.cos(np.radians(26.6))) / 3.0 - 0.5 for lines in (a, b)]
    for rows in across:
        assert np.abs(rows - np.round(rows)).max() < 1e-9


def test_a_rectangle_is_drawn_back_and_forth():
    lines = hatch_lines(shapely.box(0, 0, 100, 30), 10.0)
    np.testing.assert_allclose(lines, [[[0, 5], [100, 5]], [[100, 15], [0, 15]], [[0, 25], [100, 25]]])
    one_way = hatch_lines(shapely.box(0, 0, 100, 30), 10.0, order="one-way")
    np.testing.assert_allclose(one_way, [[[0, y], [100, y]] for y in (5, 15, 25)])
    from_above = hatch_lines(shapely.box(0, 0, 100, 30), 10.0, start_um=(100.0, 40.0))
    np.testing.assert_allclose(from_above, [[[100, 25], [0, 25]], [[0, 15], [100, 15]], [[100, 5], [0, 5]]])


def test_lines_on_edges_and_through_corners():
    """A line on a horizontal edge, through a corner, and where two areas touch: no line twice, none outside."""
    assert len(hatch_lines(shapely.box(0, 5, 10, 15), 10.0)) == 1  # both edges lie on lines: the lower one counts
    diamond = shapely.Polygon([(0, 5), (5, 0), (10, 5), (5, 10)])
    np.testing.assert_allclose(hatch_lines(diamond, 10.0), [[[0, 5], [10, 5]]])
    assert len(hatch_lines(diamond, 5.0, -2.5)) == 3 - 1  # the corners at y 0 and 10 are points
    touching = shapely.MultiPolygon([shapely.box(0, 0, 10, 10), shapely.box(10, 10, 20, 20)])
    assert length(hatch_lines(touching, 1.0, 0.0, 0.5)) == pytest.approx(200.0)
    stacked = [np.array([(0, 0), (10, 0), (10, 10), (0, 10)], float), np.array([(5, 0), (15, 0), (15, 10), (5, 10)], float)]
    np.testing.assert_allclose(hatch_lines(stacked, 10.0), [[[0, 5], [15, 5]]])  # overlaps unite


def travel(lines):
    return float(np.hypot(*(lines[1:, 0] - lines[:-1, 1]).T).sum())


def test_the_way_between_lines_is_short():
    """Pieces are drawn whole; a comb with two prongs is not crossed at every row."""
    prongs = shapely.union_all([shapely.box(0, 0, 100, 10), shapely.box(0, 10, 10, 200), shapely.box(90, 10, 100, 200)])
    lines = hatch_lines(prongs, 1.0)
    row_by_row = cut_by_shapely(prongs, 1.0, 0.0, 0.0)
    assert travel(lines) < 0.1 * travel(row_by_row)
    same(lines, row_by_row)
    posts = shapely.union_all([shapely.Point(20 * i, 20 * j).buffer(8) for i in range(12) for j in range(12)])
    assert travel(hatch_lines(posts, 2.0)) < 0.35 * travel(cut_by_shapely(posts, 2.0, 0.0, 0.0))


@settings(max_examples=examples(20), deadline=None)
@given(areas(), st.floats(1.5, 10), ANGLES)
def test_each_line_is_drawn_once_in_any_order(area, spacing, angle):
    there, one_way = hatch_lines(area, spacing, angle), hatch_lines(area, spacing, angle, order="one-way", start_um=(7.0, -3.0))
    same(there, one_way)
    along = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    assert ((one_way[:, 1] - one_way[:, 0]) @ along > 0).all()
    assert np.array_equal(there, hatch_lines(area, spacing, angle))


def test_a_hundred_thousand_lines_take_no_time():
    area = ring_with_hole(1000.0, 300.0)
    began = time.process_time()
    lines = hatch_lines(area, 0.02, 26.6)
    assert len(lines) > 100_000 and time.process_time() - began < 3.0  # 0.11 s as a rule
    posts = shapely.union_all([shapely.Point(20 * i, 20 * j).buffer(8, quad_segs=4) for i in range(60) for j in range(60)])
    assert len(np.unique(hatch_lines(posts, 4.0)[:, 0], axis=0)) == 4 * 3600


def test_outlines_move_inward_and_are_drawn_with_little_way():
    area = area_of_rings(oriented_rings(ring_with_hole()))
    inner = inset_area(area, 5.0, 0.01)
    assert inner.area == pytest.approx(ring_with_hole(95.0, 35.0).area, rel=1e-3)
    rings = ordered_rings(inner, (0.0, 200.0))
    assert len(rings) == 2 and all((ring[0] == ring[-1]).all() for ring in rings)
    assert np.hypot(*rings[0][0]) == pytest.approx(95.0, abs=0.1) and rings[0][0, 1] > 94.0  # the nearest of the outer ring
    assert shapely.LinearRing(rings[0]).is_ccw and not shapely.LinearRing(rings[1]).is_ccw
    assert inset_area(area, 60.0, 0.01).is_empty and ordered_rings(inset_area(area, 60.0, 0.01)) == []
    assert inset_area(area, -5.0, 0.01).area == pytest.approx(ring_with_hole(105.0, 25.0).area, rel=1e-3)


def test_nothing_has_no_lines():
    for nothing in ([], shapely.MultiPolygon(), [np.zeros((2, 2))], shapely.box(0, 0, 10, 1)):
        assert hatch_lines(nothing, 10.0).shape == (0, 2, 2)


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"spacing_um": 0.0}, "spacing_um is 0; it must be above 0"),
        ({"spacing_um": -1.0}, "spacing_um is -1"),
        ({"spacing_um": float("nan")}, "spacing_um is nan"),
        ({"spacing_um": 1.0, "angle_deg": float("inf")}, "angle_deg is inf"),
        ({"spacing_um": 1.0, "order": "spiral"}, "order is 'spiral'; choose 'back-and-forth' or 'one-way'"),
        ({"spacing_um": 1e-9}, "lines in one layer; at most"),
        ({"spacing_um": 1e-300}, "lines in one layer; at most"),
        ({"spacing_um": 1.0, "offset_um": 1e30}, "no room for"),
    ],
)
def test_what_is_no_hatch_is_refused(numbers, words):
    with pytest.raises(UsageError, match=words):
        hatch_lines(shapely.box(0, 0, 100, 100), **numbers)


def test_pieces_move_inward_by_themselves_and_tips_vanish_at_once():
    """Two hundred tips narrower than twice the inset, of many sides, beside a ring: the ring moves, and it takes no time."""
    tips = [shapely.Point(40.0 * i, 300.0 + 40.0 * j).buffer(7.0, quad_segs=32) for i in range(20) for j in range(10)]
    area = shapely.MultiPolygon([*tips, ring_with_hole()])
    began = time.process_time()
    inner = inset_area(area, 8.0, 0.01)
    assert time.process_time() - began < 3.0  # minutes, where loops of all are cut with each other
    assert inner.area == pytest.approx(ring_with_hole(92.0, 38.0).area, rel=1e-3) and len(inner.geoms) == 1
    near = inset_area(shapely.MultiPolygon([shapely.Point(0, 0).buffer(8.1, quad_segs=64)]), 8.0, 1e-4)
    assert near.area == pytest.approx(np.pi * 0.1**2, rel=0.1)  # what is just left stays
