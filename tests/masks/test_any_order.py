"""Any layer in any order, from any thread; uneven slabs; px ≠ py; the index against plain search."""

import random
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import section
from solids import cone, icosphere, soup

import pmsl
from pmsl import Grid
from pmsl.core.parallel import ordered_map
from pmsl.masks import coverage, masks_of
from pmsl.slicing.plane_index import index_crossings


def ball_grid(layers=37):
    edges = np.concatenate([[0], np.cumsum(np.linspace(0.3, 1.7, layers))])
    return Grid(origin_um=(0.0, 0.0), pitch_um=(0.9, 1.3), shape=(40, 60), z_edges_um=edges)


@given(st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_the_index_finds_what_a_plain_search_finds(layers, seed):
    rng = np.random.default_rng(seed)
    solid = pmsl.Solid.from_arrays(np.round(rng.uniform(0, 10, (60, 3)), 1), np.arange(60).reshape(-1, 3))  # a soup: any triangle will do
    g = Grid(origin_um=(0, 0), pitch_um=1, shape=(10, 10), z_edges_um=np.linspace(0, 10, layers + 1))
    index = index_crossings([solid], g)
    for k in range(layers):
        got, n = index.segments(k, np.zeros((2, 4)))
        wanted = section(solid, g.mid_planes_um[k])
        assert n == len(wanted)
        if solid.inside_out:
            wanted = wanted[:, [2, 3, 0, 1]]
        assert np.allclose(sorted(map(tuple, got[:n])), sorted(map(tuple, wanted)), atol=1e-12)


def test_any_order_and_any_thread_give_the_same_masks():
    g = ball_grid()
    maker = masks_of([soup(icosphere(3, 12, (25, 25, 15))), cone(40, 9, 30, (40, 20, 2))], g)
    wanted = [m.sha256() for m in pmsl.layer_masks([soup(icosphere(3, 12, (25, 25, 15))), cone(40, 9, 30, (40, 20, 2))], g)]
    shuffled = list(range(g.n_layers)) * 2
    random.Random(4).shuffle(shuffled)
    for threads in (1, 4):
        assert list(ordered_map(lambda k: maker.mask(k).sha256(), shuffled, threads)) == [wanted[k] for k in shuffled]


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("slow_s", [0.0, 0.002])
def test_items_made_together_come_in_order_each_once(threads, slow_s):
    sizes = []

    def together(block):
        sizes.append(len(block))
        time.sleep(slow_s * len(block))
        return [-i for i in block]

    def one(i):
        time.sleep(slow_s)
        return -i

    assert list(ordered_map(one, range(60), threads, together)) == [-i for i in range(60)]
    assert sum(sizes) <= 58 and (not sizes or max(sizes) <= 16) and (threads > 1 or not sizes)
    assert sizes or threads == 1 or slow_s == 0.0


def test_what_fails_in_a_block_is_raised_in_its_turn():
    def fails(block):
        return [1 // (40 - i) for i in block]

    def one(i):
        time.sleep(0.001)
        return 1 // (40 - i)

    taken = []
    with pytest.raises(ZeroDivisionError):
        for found in ordered_map(one, range(60), 2, fails):
            taken.append(found)
    assert len(taken) <= 40


def test_uneven_slabs_are_cut_in_their_middles():
    g = ball_grid()
    even = Grid(origin_um=(0, 0), pitch_um=(0.9, 1.3), shape=(40, 60), z_edges_um=[g.mid_planes_um[5] - 0.1, g.mid_planes_um[5] + 0.1])
    solid = icosphere(3, 12, (25, 25, 15))
    assert np.abs(coverage([solid], g, 5) - coverage([solid], even, 0)).max() <= 1e-12


def test_area_does_not_depend_on_the_pitch():
    solid = cone(60, 9, 30, (25, 25, 0))
    areas = [
        coverage([solid], Grid(origin_um=(0, 0), pitch_um=p, shape=(200, 200), z_edges_um=[0, 10]), 0).sum() * p[0] * p[1]
        for p in ((0.5, 0.5), (1.7, 0.3), (0.31, 2.9))
    ]
    assert np.ptp(areas) < 1e-9 * areas[0]


def test_shared_vertices_and_a_soup_are_the_same_solid():
    solid = icosphere(3, 12, (25, 25, 15))
    g = ball_grid()
    for a, b in zip(pmsl.layer_masks([solid], g), pmsl.layer_masks([soup(solid)], g), strict=True):
        assert a.sha256() == b.sha256()


def test_a_mirrored_part_keeps_its_outside_outside():
    solid = icosphere(2, 5, (0, 0, 0))
    flip = np.diag([-1.0, 1, 1, 1])
    flip[:3, 3] = (25, 25, 10)
    plain = np.eye(4)
    plain[:3, 3] = (18, 25, 10)
    g = ball_grid()
    parts = [pmsl.Part(solid=solid, transform=flip), pmsl.Part(solid=solid, transform=plain)]
    alone = [coverage([p], g, 10) for p in parts]
    both = coverage(parts, g, 10)
    assert (both >= np.maximum(*alone) - 1e-9).all() and both.max() <= 1


def test_memory_of_a_layer_does_not_grow_with_the_layers():
    import tracemalloc

    solid = icosphere(2, 12, (25, 25, 15))

    def peak(layers):
        g = Grid(origin_um=(0, 0), pitch_um=1, shape=(50, 50), z_edges_um=np.linspace(0, 30, layers + 1))
        for _ in pmsl.layer_masks([solid], g):
            pass
        tracemalloc.start()
        for _ in pmsl.layer_masks([solid], g):
            pass
        _, top = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return top

    assert peak(2000) - peak(1000) < 1000 * 200  # bytes a layer: slab edges and tree nodes, no masks
