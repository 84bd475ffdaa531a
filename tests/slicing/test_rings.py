"""Segments become rings as a walk with a dictionary makes them, and rings the area that they wind around."""

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pmsl.errors import MeshError
from pmsl.slicing.contours import link
from pmsl.slicing.polygons import region, solid_region

POINTS = st.tuples(st.integers(-2, 2), st.integers(-2, 2))
LATTICE = 1e-6


def walked(segments):
    """The rings by a dictionary, or the point at which the boundary ends."""
    leaving = {}
    for *begin, x, y in segments.tolist():
        if tuple(begin) != (x, y):
            leaving.setdefault(tuple(begin), []).append((x, y))
    rings = []
    for start in list(leaving):
        while leaving[start]:
            ring, point = [], start
            while not ring or point != start:
                if not leaving.get(point):
                    return point
                ring.append(point)
                point = leaving[point].pop()
            rings.append(ring)
    return rings


def segments_of(rings):
    pairs = [(*a, *b) for ring in rings for a, b in zip(ring, [*ring[1:], *ring[:1]], strict=True)]
    return np.array(pairs, float).reshape(-1, 4) * 0.5


@given(st.lists(st.lists(POINTS, min_size=1, max_size=7), max_size=5), st.randoms(), st.booleans())
@example([[(0, 0), (1, 0), (0, 0), (0, 1)]], None, False)  # a point that is passed twice
def test_segments_are_linked_as_by_a_dictionary(rings, random, is_open):
    segments = segments_of(rings)
    if random is not None:
        segments = segments[random.sample(range(len(segments)), len(segments))]
    segments = segments[: len(segments) - is_open]
    expected = walked(segments)
    if isinstance(expected, tuple):
        with pytest.raises(MeshError, match=rf"layer 7: the boundary ends at pixel \({expected[0]:.3f}, {expected[1]:.3f}\)"):
            link(segments, 7)
    else:
        assert [ring.tolist() for ring in link(segments, 7)] == [[list(p) for p in ring] for ring in expected]


def square(x, y, side, turns=1):
    ring = np.array([(x, y), (x + side, y), (x + side, y + side), (x, y + side)], float)
    return ring[::turns]


SQUARES = st.builds(square, st.integers(0, 6), st.integers(0, 6), st.integers(1, 6), st.sampled_from([1, -1]))


@settings(deadline=None)
@given(st.lists(SQUARES, max_size=5))
@example([square(0, 0, 8), square(2, 2, 2)])  # wound around twice: one piece
@example([square(0, 0, 8), square(2, 2, 2, -1), square(10, 0, 3)])  # a hole, and another piece
@example([square(0, 0, 4), square(4, 4, 2)])  # a corner in common
@example([square(0, 0, 4), square(2, 2, 4)])  # across each other
@example([square(0, 0, 8), square(1, 1, 6, -1), square(2, 2, 2)])  # an island in a hole
def test_the_area_is_the_same_whether_rings_meet_or_not(rings):
    area, expected = solid_region(rings, LATTICE), region(rings, LATTICE, positive=True)
    assert area.geom_type == "MultiPolygon" and area.is_valid
    assert shapely.area(shapely.symmetric_difference(area, expected)) < 1e-4
    assert len(shapely.get_parts(area)) == len(shapely.get_parts(expected))
