"""Overhangs of sections: closed forms at any turn and pitch, and branch and bound against a dense search."""

import time

import numpy as np
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import ndimage
from solids import box, cone, prism

from pmsl.core.grid import Grid
from pmsl.kernels._compiler import jit
from pmsl.kernels.geometry import unsupported
from pmsl.mesh.part import Part, as_part
from pmsl.slicing.overhangs import overhangs


def found(solids, turn_deg=0.0, pitch=7.6, layer=10.0, **how):
    a = np.deg2rad(turn_deg)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]
    turn[:2, 3] = 2000.0
    parts = [Part(solid=as_part(s).solid, transform=turn) for s in solids]
    top = max(p.bounds_um()[1, 2] for p in parts)
    grid = Grid(origin_um=(3.0, -7.0), pitch_um=pitch, shape=(600, 600), z_edges_um=np.arange(0, top + layer, layer))
    return overhangs(parts, grid, **how)


LEDGE = [box((0, 0, 0), (200, 300, 200)), box((150, 0, 100), (500, 300, 200))]  # 300 µm beyond the wall
BRIDGE = [box((0, 0, 0), (200, 300, 200)), box((800, 0, 0), (1000, 300, 200)), box((100, 0, 150), (900, 300, 200))]  # spans 600 µm


@pytest.mark.parametrize("pitch", [5.0, 20.0])
@pytest.mark.parametrize("turn", [0.0, 17.3, 45.0, 90.0])
@pytest.mark.parametrize(("solids", "layer"), [(LEDGE, 10), (BRIDGE, 15)])
def test_a_ledge_and_half_a_bridge(solids, layer, turn, pitch):
    (place,) = found(solids, turn, pitch)
    assert place.reach_um == pytest.approx(300, abs=0.2) and place.layers == (layer, layer)


def test_what_stands_on_the_plate_and_what_a_slope_carries_is_none():
    assert found([box((0, 0, 0), (100, 100, 100))]) == []
    leaning = prism([(0, 0), (100, 0), (300, 100), (200, 100)], 0, 50)
    upright = leaning.vertices_um[:, [0, 2, 1]]
    assert found([type(leaning).from_arrays(upright, leaning.faces[:, ::-1])], layer=5.0) == []


@pytest.mark.parametrize(("slope", "named"), [(1.0, False), (2.8, False), (3.2, True), (8.0, True)])
def test_slopes_count_from_three_heights_a_layer(slope, named):
    """A wedge whose lower side rises by one for `slope` outward: every layer reaches that much farther."""
    profile = [(0, 0), (50, 0), (50 + 40 * slope, 40), (50 + 40 * slope, 60), (0, 60)]
    lying = prism(profile, 0, 80)
    places = found([type(lying).from_arrays(lying.vertices_um[:, [0, 2, 1]], lying.faces[:, ::-1])], layer=2.0)
    assert bool(places) == named
    if named:
        (place,) = places
        assert place.reach_um == pytest.approx(2 * slope, abs=0.2) and place.layers[1] - place.layers[0] >= 17


def test_an_island_hangs_on_nothing_and_is_no_overhang():
    plate, dot = box((0, 0, 0), (300, 300, 50)), box((400, 0, 100), (500, 100, 200))
    assert found([plate, dot]) == []
    assert found([box((0, 0, 0), (300, 300, 200)), dot]) == []  # beside something that goes on


@pytest.mark.parametrize("turn", [0.0, 17.3, 90.0])
@pytest.mark.parametrize("islands", [1, 2])
def test_boxes_that_touch_at_a_corner_are_not_one(islands, turn):
    """The lower one stands on a post; another hangs on nothing beside it, farther from the post than what the post carries."""
    post, carried = box((0, 0, 0), (100, 100, 200)), box((0, 0, 100), (300, 300, 200))
    beside = [box((300, 300, 100), (800, 800, 200)), box((300, -400, 100), (700, 0, 200))][:islands]
    (place,) = found([post, carried, *beside], turn)
    assert place.reach_um == pytest.approx(200 * np.sqrt(2), abs=0.2) and place.layers == (10, 10)
    assert found([box((-400, -400, 0), (-300, -300, 200)), carried, *beside], turn) == []  # islands all


def test_a_stalactite_is_an_island_and_its_ceiling_an_overhang():
    wall, roof, drop = box((0, 0, 0), (100, 400, 300)), box((0, 0, 200), (600, 400, 300)), box((400, 150, 120), (450, 200, 250))
    (place,) = found([wall, roof, drop])
    assert place.layers == (20, 20) and 200 < place.reach_um < 500


def test_a_hook_around_a_corner_is_one_overhang():
    """The arm goes out and back: a straight way from its end to the wall passes through air, yet it is no island."""
    wall, out, back = box((0, 0, 0), (100, 100, 200)), box((50, 0, 100), (400, 60, 200)), box((340, 0, 100), (400, 300, 200))
    (place,) = found([wall, out, back])
    assert place.reach_um == pytest.approx(np.hypot(300, 200), abs=0.2)


def test_grooves_of_a_ceiling_do_not_hide_it():
    """A ceiling of 45° grooves, 4 µm deep: none of its faces is flat, and it spans 600 µm."""
    walls = [box((0, 0, 0), (200, 60, 250)), box((800, 0, 0), (1000, 60, 250))]
    halves = [((x, 149), (x + 4, 153)) if i % 2 == 0 else ((x, 153), (x + 4, 149)) for i, x in enumerate(range(200, 800, 4))]
    lying = [prism([a, b, (b[0], 250), (a[0], 250)], 0, 60) for a, b in halves]
    teeth = [type(p).from_arrays(p.vertices_um[:, [0, 2, 1]], p.faces[:, ::-1]) for p in lying]
    (place,) = found([*walls, *teeth])
    assert place.reach_um == pytest.approx(300, abs=0.2)


def test_a_cone_on_its_tip_and_many_feet():
    feet = [box((100 * i, 100 * j, 0), (100 * i + 20, 100 * j + 20, 100)) for i in range(4) for j in range(4)]
    (place,) = found([*feet, box((0, 0, 100), (320, 320, 150))])
    assert place.reach_um == pytest.approx(40 * np.sqrt(2), abs=0.2) and place.layers == (10, 10)
    assert found([cone(64, 100, 300, (0, 0, 0))]) == []


def test_the_roof_of_a_long_channel_is_bounded_by_its_walls_not_cut_to_pieces():
    """18 mm, straight: triangles halved until each is as small as the tolerance would be some 100 000, and take 0.2 s."""
    walls = [box((0, 0, 0), (18_000, 100, 200)), box((0, 700, 0), (18_000, 800, 200))]
    taken = []
    for _ in range(3):
        began = time.process_time()
        (place,) = found([*walls, box((0, 7, 150), (18_000, 791, 300))], 17.3)
        taken.append(time.process_time() - began)
        assert place.reach_um == pytest.approx(300, abs=0.1)
    assert min(taken) < 0.06


bound_by_two, farthest_corner = (
    jit.kernel(getattr(helper, "py_func", helper)) for helper in (unsupported.bound_by_two, unsupported.farthest_corner)
)
coordinates = st.floats(-100, 100)
corners = st.lists(coordinates, min_size=6, max_size=6)


@given(corners, st.lists(coordinates, min_size=8, max_size=8))
def test_no_point_of_a_triangle_is_farther_than_two_segments_bound_it(triangle, ends):
    triangle, segments, point = np.array(triangle), np.array(ends).reshape(2, 4), np.zeros(2)
    bound = bound_by_two(triangle, segments, 0, 1, point)
    share = np.random.default_rng(1).dirichlet(np.ones(3), 200)
    inside = share @ triangle.reshape(3, 2)
    both = [np.min([shapely.LineString(s.reshape(2, 2)).distance(shapely.Point(p)) for s in segments]) for p in inside]
    assert max(both) <= bound + 1e-9
    assert bound <= min(farthest_corner(triangle, segments, s) for s in (0, 1)) + 1e-9


@given(st.lists(st.floats(0, 10), min_size=3, max_size=3), st.lists(st.floats(-50, 50), min_size=3, max_size=3))
def test_between_parallel_walls_the_bound_is_what_is_reached(across, along):
    triangle, point = np.array([across, along]).T.ravel(), np.zeros(2)
    walls = np.array([[0.0, -60.0, 0.0, 60.0], [10.0, -60.0, 10.0, 60.0]])
    bound = bound_by_two(triangle, walls, 0, 1, point)
    assert bound == pytest.approx(min(point[0], 10 - point[0]), abs=1e-9)
    low, high = min(across), max(across)
    assert bound == pytest.approx(5.0 if low <= 5.0 <= high else min(max(low, high), 10 - min(low, high)), abs=1e-9)


def test_threads_find_the_same():
    assert found(BRIDGE, 30.0, threads=3) == found(BRIDGE, 30.0) != []


boxes = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(5, 60), st.integers(5, 60)), min_size=1, max_size=4)


@given(boxes, boxes, st.floats(0, 90))
@example([(0, 0, 5, 5)], [(0, 5, 6, 31)], 1.0)  # touches along a side, to the rounding of a turn
@example([(0, 0, 5, 5)], [(0, 0, 6, 58), (0, 58, 5, 5)], 1.0)
def test_the_reach_is_that_of_a_dense_search(lower, upper, turn):
    low = [box((x, y, 0), (x + w, y + h, 10)) for x, y, w, h in lower]
    high = [box((x, y, 10), (x + w, y + h, 20)) for x, y, w, h in upper]
    below, above = np.zeros((2, 130, 130), bool)
    for grid, drawn in ((below, lower), (above, upper)):
        for x, y, w, h in drawn:
            grid[y : y + h, x : x + w] = True
    label, _ = ndimage.label(above)
    carried = np.isin(label, np.unique(label[below & above])) & above
    reach = ndimage.distance_transform_edt(~below)[carried].max(initial=0.0)
    places = found([*low, *high], turn, layer=10.0)
    largest = max((p.reach_um for p in places), default=0.0)
    if reach > 32:
        assert largest == pytest.approx(reach, abs=1.5)
    elif reach < 28:
        assert largest == 0.0
