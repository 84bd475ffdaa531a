"""Shells: triangles that hang together by equal corners, against components of the graph of corners."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from solids import box, grid
from tiers import examples

from pmsl import Part
from pmsl.kernels.mesh import shells
from pmsl.slicing.plane_index import index_crossings


def components(corners, group):
    """Number the components in the order of their first triangles."""
    m = len(corners)
    points = np.hstack([np.repeat(group, 3)[:, None], corners.reshape(-1, 3) + 0.0])
    _, ids = np.unique(points, axis=0, return_inverse=True)
    edges = coo_array((np.ones(3 * m), (np.repeat(np.arange(m), 3), m + ids.ravel())), shape=(m + ids.max() + 1,) * 2)
    found = connected_components(edges, directed=False)[1][:m]
    _, first, number = np.unique(found, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number]


def labelled(corners, group, room, late):
    labels = np.empty(len(corners), np.int32)
    keys, first = np.zeros(room, np.uint64), np.zeros(room, np.int32)
    return shells.label(corners, group, keys, first, np.zeros(late, np.uint64), np.zeros(late, np.int32), labels), labels


@settings(max_examples=examples(12))
@given(st.integers(0, 1 << 30), st.integers(1, 60), st.sampled_from([2, 3, 5]), st.sampled_from([1, 4, 1 << 10]))
def test_shells_are_the_components_of_equal_corners(seed, m, side, late):
    rng = np.random.default_rng(seed)
    corners = rng.integers(-side, side + 1, (m, 9)).astype(float) * rng.choice([1.0, -0.0, 0.1], (m, 9))
    group = rng.integers(0, 2, m).astype(np.int32)
    n, labels = labelled(corners, group, 1 << 10, late)
    wanted = components(corners, group)
    assert n == wanted.max() + 1
    assert np.array_equal(labels, wanted)


def test_a_table_too_small_for_the_corners_says_so():
    corners = np.arange(9 * 40.0).reshape(40, 9)
    group = np.zeros(40, np.int32)
    assert labelled(corners, group, 128, 4)[0] == -1
    assert labelled(corners, group, 256, 4)[0] == 40


def test_triangles_with_three_corners_each_of_their_own_are_as_many_shells():
    loose = [Part(solid=box((3 * i, 1, 0), (3 * i + 1, 2, 2)), label=str(i)) for i in range(6)]
    index = index_crossings(loose, grid(8, 24, edges=(0.0, 1.0, 2.0)), slabs=True)
    labels = index.shells()
    assert labels.max() == 5 and np.array_equal(np.unique(labels), np.unique(index.part))
    assert all(len(np.unique(labels[index.part == part])) == 1 for part in range(6))
