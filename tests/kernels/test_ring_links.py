"""Segments in any order are linked to the rings they were cut from."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pmsl.kernels.geometry import ring_links


def follow(begins, ends):
    begins, ends = (np.array(x, np.int64) for x in (begins, ends))
    points = int(max(begins.max(initial=-1), ends.max(initial=-1))) + 1
    order, ring_start = np.full(begins.size, -1, np.int64), np.full(begins.size + 1, -1, np.int64)
    n = ring_links.follow(begins, ends, np.zeros(points, np.int64), np.zeros(begins.size, np.int64), order, ring_start)
    return n, order, ring_start


@st.composite
def shuffled_rings(draw):
    """Rings of some points each, which may share points, and their segments in any order."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=6))
    points = draw(st.integers(1, sum(sizes)))
    begins, ends = [], []
    for size in sizes:
        ring = draw(st.lists(st.integers(0, points - 1), min_size=size, max_size=size))
        begins += ring
        ends += [*ring[1:], ring[0]]
    order = draw(st.permutations(range(len(begins))))
    return np.array(begins)[order], np.array(ends)[order]


@given(shuffled_rings())
def test_every_segment_is_in_one_closed_ring(segments):
    begins, ends = segments
    n, order, ring_start = follow(begins, ends)
    assert n >= 1 and sorted(order.tolist()) == list(range(begins.size))
    assert ring_start[0] == 0 and ring_start[n] == begins.size and (np.diff(ring_start[: n + 1]) > 0).all()
    for a, b in zip(ring_start[:n], ring_start[1 : n + 1], strict=True):
        ring = order[a:b]
        assert np.array_equal(ends[ring], np.roll(begins[ring], -1)), "each goes on where the one before ended"
        assert (begins[ring[1:]] != begins[ring[0]]).all(), "a ring ends when it comes back to where it began"


@given(st.permutations(range(12)))
def test_rings_without_common_points_are_those_they_were(order):
    begins, ends = np.arange(12), np.array([1, 2, 3, 0, 5, 6, 4, 8, 7, 10, 11, 9])
    n, found, ring_start = follow(begins[list(order)], ends[list(order)])
    rings = [frozenset(begins[list(order)][found[a:b]].tolist()) for a, b in zip(ring_start[:n], ring_start[1 : n + 1], strict=True)]
    assert set(rings) == {frozenset(range(4)), frozenset(range(4, 7)), frozenset((7, 8)), frozenset((9, 10, 11))}
    firsts = [begins[list(order)][found[a]] for a in ring_start[:n]]
    places = [list(begins[list(order)]).index(first) for first in firsts]
    assert places == sorted(places), "in the order in which their points first begin a segment"


@given(shuffled_rings(), st.data())
def test_what_does_not_close_is_said_with_the_segment_after_which_it_ends(segments, data):
    begins, ends = segments
    cut = data.draw(st.integers(0, begins.size - 1))
    left = np.arange(begins.size) != cut
    if begins[cut] == ends[cut]:
        return  # a ring of its own: the others close without it
    n, _, _ = follow(begins[left], ends[left])
    assert n < 0
    last = -1 - n
    assert ends[left][last] == begins[cut], "where the segment that is missing would go on"


def test_none():
    n, _, ring_start = follow([], [])
    assert n == 0 and ring_start.tolist() == [0]
