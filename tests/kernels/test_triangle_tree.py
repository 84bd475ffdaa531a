"""Triangles that cross or come near points, found in a tree of boxes: as exact fractions, and as looking at all of them have it."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pmsl.kernels.mesh import near_triangles, triangle_pairs

soups = st.integers(2, 8).flatmap(lambda n: hnp.arrays(np.float64, (n, 3, 3), elements=st.integers(-6, 6).map(float)))


def arrays_of(soup):
    """Vertices, faces, order along x, and the tree of boxes."""
    n = len(soup)
    vertices, faces = soup.reshape(-1, 3).copy(), np.arange(3 * n, dtype=np.int32).reshape(-1, 3)
    order = np.argsort(soup.mean(axis=1)[:, 0], kind="stable").astype(np.int32)
    leaves = 1
    while leaves * triangle_pairs.LEAF < n:
        leaves *= 2
    boxes = np.full((2 * leaves, 6), 77.0)
    triangle_pairs.tree(vertices, faces, order, boxes)
    return vertices, faces, order, boxes


def crossing(soup, label=None, rim=0, most=1 << 40, room=600):
    vertices, faces, order, boxes = arrays_of(soup)
    shell = np.arange(len(soup), dtype=np.int32) if label is None else np.array(label, np.int32)
    pairs, box, counts = np.zeros((room, 2), np.int32), np.array([[np.inf] * 3, [-np.inf] * 3]), np.zeros(2, np.int64)
    asked, other = np.arange(len(soup), dtype=np.int32), int(label is not None)
    stack = np.zeros(128, np.int64)
    triangle_pairs.find(vertices, faces, shell, asked, order, boxes, other, rim, stack, most, pairs, box, counts)
    return pairs[: min(counts[0], room)], box, counts


def side(a, b, c, d):
    u, v, w = ([Fraction(float(p[k])) - Fraction(float(d[k])) for k in range(3)] for p in (a, b, c))
    det = u[0] * (v[1] * w[2] - v[2] * w[1]) - u[1] * (v[0] * w[2] - v[2] * w[0]) + u[2] * (v[0] * w[1] - v[1] * w[0])
    return (det > 0) - (det < 0)


def edge_through(p, q, triangle):
    a, b, c = triangle
    if side(a, b, c, p) * side(a, b, c, q) >= 0:
        return False
    s = {side(p, q, a, b), side(p, q, b, c), side(p, q, c, a)}
    return len(s) == 1 and 0 not in s


def cross(one, two):
    return any(edge_through(t[i], t[(i + 1) % 3], o) for t, o in ((one, two), (two, one)) for i in range(3))


@given(soups)
def test_pairs_are_those_that_exact_numbers_find_each_once(soup):
    wanted = {(i, j) for i in range(len(soup)) for j in range(i) if cross(soup[i], soup[j])}
    pairs, _, counts = crossing(soup)
    found = [tuple(sorted(pair, reverse=True)) for pair in pairs.tolist()]
    assert counts[0] == len(found) == len(set(found)) and set(found) == wanted


@given(soups, st.integers(0, 2**31))
def test_of_different_shells_only_those(soup, seed):
    label = np.random.default_rng(seed).integers(0, 3, len(soup))
    wanted = {(i, j) for i in range(len(soup)) for j in range(i) if label[i] != label[j] and cross(soup[i], soup[j])}
    pairs, *_ = crossing(soup, label)
    assert {tuple(sorted(pair, reverse=True)) for pair in pairs.tolist()} == wanted


FLAT = [[-3, -3, 0], [3, -3, 0], [0, 4, 0]]


@pytest.mark.parametrize(
    ("other", "through", "with_rim"),
    [
        ([[0, 0, -1], [0, 0, 1], [5, 5, 5]], True, True),
        ([[0, 0, 0], [0, 0, 1], [5, 5, 5]], False, False),  # stands on it
        ([[-3, -3, 0], [3, -3, 0], [0, 0, 5]], False, False),  # a neighbour
        ([[0, -3, -1], [0, -3, 1], [0, -9, 0]], False, True),  # through an edge
        ([[9, 9, -1], [9, 9, 1], [9, 8, 0]], False, False),
    ],
)
def test_what_touches_does_not_cross(other, through, with_rim):
    soup = np.array([FLAT, other], float)
    assert crossing(soup)[2][0] == through and crossing(soup, rim=1)[2][0] == with_rim


def test_where_triangles_meet_is_said_and_no_more_is_written_than_there_is_room():
    soup = np.array([FLAT, *([[x, 0, -1], [x, 0, 1], [x, 1, 5]] for x in (-0.5, 0.0, 0.5))], float)
    pairs, box, counts = crossing(soup, room=2)
    assert counts[0] == 3 and len(pairs) == 2
    assert box.tolist() == [[-0.5, 0.0, 0.0], [0.5, 1.0, 0.0]]


def test_many_triangles_are_found_in_the_tree_as_without_it():
    soup = np.random.default_rng(3).normal(size=(24, 3, 3))
    wanted = {(i, j) for i in range(24) for j in range(i) if cross(soup[i], soup[j])}
    pairs, _, counts = crossing(soup)
    assert {tuple(sorted(pair, reverse=True)) for pair in pairs.tolist()} == wanted and counts[0] == len(wanted) > 10
    assert crossing(soup, most=1)[2][1] < counts[1], "it ends after the triangle that reached the most"


def test_the_boxes_of_a_tree_hold_their_triangles():
    soup = np.random.default_rng(5).normal(size=(37, 3, 3))
    _, _, order, boxes = arrays_of(soup)
    leaves = len(boxes) // 2
    for at, f in enumerate(order):
        node = leaves + at // triangle_pairs.LEAF
        while node:
            assert (boxes[node, :3] <= soup[f].min(axis=0)).all() and (boxes[node, 3:] >= soup[f].max(axis=0)).all()
            node //= 2
    assert np.array_equal(boxes[1], [*soup.min(axis=(0, 1)), *soup.max(axis=(0, 1))])


def nearest(soup, points, reach, room=2000):
    vertices, faces, order, boxes = arrays_of(soup)
    found, out = np.zeros((room, 2), np.int64), np.zeros((room, 4))
    far = np.full(len(points), float(reach))
    n = near_triangles.pairs(vertices, faces, order, boxes, points, far, np.zeros(128, np.int64), np.zeros((2, 3)), found, out)
    return n, found[: min(n, room)], out[: min(n, room)]


def distance(point, triangle):
    """Least distance to a triangle: its plane where the foot lies inside, else the nearest of its edges."""
    a, b, c = triangle
    normal = np.cross(b - a, c - a)
    found = []
    if normal @ normal > 0:
        foot = point - normal * ((point - a) @ normal) / (normal @ normal)
        turns = [np.cross(q - p, foot - p) @ normal for p, q in ((a, b), (b, c), (c, a))]
        if min(turns) >= 0:
            found.append(np.linalg.norm(point - foot))
    for p, q in ((a, b), (b, c), (c, a)):
        length = (q - p) @ (q - p)
        t = np.clip((point - p) @ (q - p) / length, 0, 1) if length > 0 else 0.0
        found.append(np.linalg.norm(point - p - t * (q - p)))
    return min(found)


@given(soups, hnp.arrays(np.float64, (3, 3), elements=st.integers(-16, 16).map(lambda n: n / 2 + 0.1)), st.sampled_from([0.3, 2.0, 50.0]))
def test_triangles_near_points_are_those_that_looking_at_all_finds(soup, points, reach):
    n, found, out = nearest(soup, points, reach)
    far = {(i, f): distance(points[i], soup[f]) for i in range(3) for f in range(len(soup))}
    sure = {key for key, value in far.items() if value < reach - 1e-9}
    seen = set(map(tuple, found.tolist()))
    assert n == len(seen) and sure <= seen and all(far[key] <= reach + 1e-9 for key in seen)
    for (i, f), (*point, value) in zip(found.tolist(), out.tolist(), strict=True):
        assert value == pytest.approx(far[i, f], abs=1e-7) and np.linalg.norm(points[i] - point) == pytest.approx(value, abs=1e-7)
        assert distance(np.array(point), soup[f]) == pytest.approx(0, abs=1e-7)


def test_more_pairs_than_there_is_room_for_are_counted():
    soup = np.array([FLAT] * 9, float)
    n, found, _ = nearest(soup, np.zeros((1, 3)), 1.0, room=4)
    assert n == 9 and len(found) == 4
