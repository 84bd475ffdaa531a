"""Areas of a mask and groups of voids: as a flood fill and a plain search over all pairs have them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components as connected_components_of

from pmsl.core.arrays import linked_groups
from pmsl.kernels.runs import connected_components

levels = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.sampled_from([0, 0, 0, 51, 102, 255]))


def runs_of(frame):
    """Maximal runs of one gray, row by row."""
    row_start, col, length, level = [0], [], [], []
    for line in frame.tolist():
        c = 0
        while c < len(line):
            end = c
            while end < len(line) and line[end] == line[c]:
                end += 1
            if line[c]:
                col.append(c)
                length.append(end - c)
                level.append(line[c])
            c = end
        row_start.append(len(col))
    return np.array(row_start), np.array(col, np.int32), np.array(length, np.int32), np.array(level, np.uint8)


def areas_of(frame):
    runs = runs_of(frame)
    parent, area = np.full(len(runs[1]), 7, np.int64), np.full(len(runs[1]), np.nan)
    return area[: connected_components.areas(*runs, parent, area)]


@given(levels)
def test_areas_are_those_of_a_flood_fill_over_sides_and_corners(frame):
    label, n = ndimage.label(frame, np.ones((3, 3)))
    assert areas_of(frame) == pytest.approx(ndimage.sum_labels(frame / 255.0, label, np.arange(n) + 1), abs=1e-9)


@given(levels)
def test_areas_do_not_depend_on_which_way_a_frame_lies(frame):
    wanted = sorted(areas_of(frame))
    for other in (frame[::-1], frame[:, ::-1], frame.T):
        assert sorted(areas_of(other)) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (["#.#", "#.#", "###"], [7]),  # two that a later row joins
        (["#..", ".#.", "..#"], [3]),  # by corners
        (["#.#", "...", "#.#"], [1, 1, 1, 1]),
        (["####", "#..#", "####"], [10]),
        (["..#", "#.."], [1, 1]),
        (["...", "..."], []),
    ],
)
def test_named_areas(rows, wanted):
    assert areas_of(np.array([[255 * (c == "#") for c in row] for row in rows], np.uint8)).tolist() == wanted


heights = st.tuples(st.integers(0, 8), st.integers(1, 4))
columns = st.dictionaries(st.tuples(st.integers(0, 4), st.integers(0, 4)), st.lists(heights, max_size=3), max_size=16)


def voids_of(places, width=6):
    """Arrays of voids in columns at (row, col), and the group of each by the kernel."""
    rows = sorted((r * width + c, low, low + high) for (r, c), found in places.items() for low, high in found)
    column = np.array([a for a, _, _ in rows], np.int64)
    floor, roof = (np.array([row[i] for row in rows], float) for i in (1, 2))
    parent, label = np.zeros(len(rows), np.int64), np.full(len(rows), -9, np.int64)
    n = connected_components.voids(column, floor, roof, width, parent, label)
    return column, floor, roof, n, label


@given(columns)
def test_voids_hang_together_as_a_search_over_all_pairs_has_them(places):
    column, floor, roof, n, label = voids_of(places)
    every = range(len(column))
    pairs = [(i, j) for i in every for j in every if abs(column[i] - column[j]) in (1, 6) and floor[i] < roof[j] and floor[j] < roof[i]]
    group = list(every)
    for _ in every:
        for i, j in pairs:
            group[i] = group[j] = min(group[i], group[j])
    firsts = sorted(set(group))
    assert n == len(firsts)
    assert label.tolist() == [firsts.index(g) for g in group]


def test_voids_that_touch_in_one_height_or_in_a_corner_of_columns_are_apart():
    *_, n, label = voids_of({(0, 0): [(0, 2)], (0, 1): [(2, 2)]})
    assert n == 2 and label.tolist() == [0, 1], "the roof of one is the floor of the other"
    assert voids_of({(0, 0): [(0, 4)], (1, 1): [(0, 4)]})[3] == 2
    assert voids_of({(0, 4): [(0, 4)], (1, 0): [(0, 4)]})[3] == 2, "the end of a row is not beside the next one's begin"
    assert voids_of({(0, 0): [(0, 4)], (0, 1): [(3, 4)]})[3] == 1


links = st.integers(1, 30).flatmap(
    lambda n: st.tuples(st.just(n), st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=40))
)


@given(links)
def test_groups_of_links_are_those_of_a_sparse_graph(case):
    n, pairs = case
    table = np.array(pairs, np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(table), np.int8), (table[:, 0], table[:, 1])), shape=(n, n))
    wanted, label = connected_components_of(graph, directed=False)
    many, found = linked_groups(table, n)
    assert many == wanted and found.tolist() == label.tolist()  # both number groups by their first members


def test_nothing_has_no_groups():
    assert linked_groups(np.zeros((0, 2), np.int64), 0)[0] == 0 and linked_groups(np.zeros((0, 2), np.int64), 3)[0] == 3
