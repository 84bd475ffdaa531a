"""Faces turned to agree, and rings closed with the least surface: against a colouring of the graph, and every triangulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsl.kernels.mesh import orient_and_fill

FACES = 9
edges = st.lists(st.tuples(st.integers(0, FACES - 1), st.integers(0, FACES - 1), st.booleans()).filter(lambda e: e[0] != e[1]), max_size=16)


def agreed(found, faces=FACES):
    pairs = np.array([[a, b] for a, b, _ in found], np.int64).reshape(-1, 2)
    same_way = np.array([same for *_, same in found], bool)
    parent, size, turn = np.full(faces, 5, np.int32), np.full(faces, 5, np.int32), np.ones(faces, bool)
    clashes = orient_and_fill.agree(pairs, same_way, parent, size, turn)
    return clashes, parent, turn


def coloured(found, faces=FACES):
    """Patches and which of their faces turn, face 0 of each left as it is; None where an edge cannot be had."""
    patch, turn, clash = [-1] * faces, [False] * faces, False
    for first in range(faces):
        if patch[first] >= 0:
            continue
        patch[first], waiting = first, [first]
        while waiting:
            f = waiting.pop()
            for a, b, same in found:
                if f in (a, b):
                    g = b if f == a else a
                    wanted = turn[f] ^ same
                    if patch[g] < 0:
                        patch[g], turn[g] = first, wanted
                        waiting.append(g)
                    clash |= turn[g] != wanted
    return patch, None if clash else turn


@given(edges)
def test_faces_agree_as_in_a_colouring_of_their_graph(found):
    clashes, parent, turn = agreed(found)
    patch, wanted = coloured(found)
    for i in range(FACES):
        for j in range(FACES):
            assert (parent[i] == parent[j]) == (patch[i] == patch[j])
    assert (clashes == 0) == (wanted is not None)
    if wanted is not None:
        assert all(turn[a] ^ turn[b] == same for a, b, same in found)
    for root in set(parent.tolist()):
        assert 2 * turn[parent == root].sum() <= (parent == root).sum(), "the fewer of a patch turn"


def test_a_strip_with_one_turned_face_and_one_closed_to_a_moebius_strip():
    strip = [(i, i + 1, i in (3, 4)) for i in range(8)]  # face 4 lies the other way
    clashes, _, turn = agreed(strip)
    assert clashes == 0 and np.flatnonzero(turn).tolist() == [4]
    assert agreed([*strip, (8, 0, False)])[0] == 0
    assert agreed([*strip, (8, 0, True)])[0] == 1


def closed(ring):
    n = len(ring)
    triangles = np.full((n - 2, 3), -1, np.int32)
    area = orient_and_fill.least_surface(
        np.array(ring, float), np.zeros((n, n)), np.zeros((n, n), np.int32), np.zeros((2 * n, 2), np.int32), triangles
    )
    return area, triangles


def area_of(ring, triangle):
    a, b, c = (np.asarray(ring[i], float) for i in triangle)
    return 0.5 * np.linalg.norm(np.cross(b - a, c - a))


def triangulations(i, k):
    """Every way to close the points i..k of a ring."""
    if k - i < 2:
        yield ()
        return
    for j in range(i + 1, k):
        for left in triangulations(i, j):
            for right in triangulations(j, k):
                yield (*left, *right, (i, j, k))


points = st.tuples(*[st.integers(-9, 9).map(float)] * 3)


@given(st.lists(points, min_size=3, max_size=7))
def test_no_triangulation_has_less_surface(ring):
    area, triangles = closed(ring)
    least = min(sum(area_of(ring, t) for t in ways) for ways in triangulations(0, len(ring) - 1))
    assert area == pytest.approx(least, abs=1e-9)
    assert sum(area_of(ring, t) for t in triangles) == pytest.approx(area, abs=1e-9)


@given(st.lists(points, min_size=3, max_size=12))
def test_triangles_run_along_the_ring_and_inner_edges_twice(ring):
    _, triangles = closed(ring)
    n = len(ring)
    directed = [(int(t[i]), int(t[(i + 1) % 3])) for t in triangles for i in range(3)]
    assert len(set(directed)) == len(directed)
    outer = {e for e in directed if e[::-1] not in directed}
    assert outer == {(i, (i + 1) % n) for i in range(n)}


@pytest.mark.parametrize("n", [3, 4, 7, 20])
def test_a_flat_convex_ring_has_the_area_of_its_polygon(n):
    angle = 2 * np.pi * np.arange(n) / n
    ring = np.stack([np.cos(angle), np.sin(angle), np.full(n, 3.0)], axis=1)
    assert closed(ring)[0] == pytest.approx(0.5 * n * np.sin(2 * np.pi / n))
