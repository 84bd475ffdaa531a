"""What is done in one call equals what its steps give; the order of the index against a plain sort."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solids import icosphere
from tiers import examples

from pmsl.core.grid import Grid
from pmsl.kernels.geometry import plane_crossings
from pmsl.masks import masks_of
from pmsl.masks.mask_source import RecentMasks


def test_a_layer_in_one_call_is_the_layer_step_by_step():
    grid = Grid(origin_um=(0, 0), pitch_um=0.25, shape=(210, 190), z_edges_um=np.linspace(-2, 30, 9))
    maker = masks_of([icosphere(3, 12, (25, 25, 13))], grid)
    for k in range(grid.n_layers):
        mask, defects = maker.mask_and_defects(k)
        plain, found = maker.rows().mask(k, maker.sweep().cells(k))
        assert defects == found and mask.window == plain.window
        assert mask.sum_px() == plain.sum_px() and mask.sha256() == plain.sha256() and mask.black_at_8_bit == plain.black_at_8_bit
        for ours, theirs in zip((*mask.runs(), *mask.runs_8bit()), (*plain.runs(), *plain.runs_8bit()), strict=True):
            assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs)


@settings(max_examples=examples(12), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 36), st.integers(0, 36)), min_size=1, max_size=60))
def test_the_index_is_ordered_by_node_and_range(ranges):
    first, last = np.sort(np.array(ranges, np.int32), axis=1).T.copy()
    levels, width, n = 7, 64, len(first)
    start, start_last = np.zeros(levels * width + 1, np.int32), np.zeros(levels * width + 1, np.int32)
    slots, first_sorted, last_sorted, by_last = (np.zeros(n, np.int32) for _ in range(4))
    plane_crossings.slots_of(first, last, width, start, start_last, slots, first_sorted, last_sorted, by_last)
    level = np.array([int(a ^ b).bit_length() for a, b in zip(first, last, strict=True)])
    node = first >> level
    wanted = np.lexsort((np.arange(n), first, node, level))
    assert np.array_equal(np.argsort(slots), wanted)
    assert np.array_equal(first_sorted, first[wanted]) and np.array_equal(last_sorted, last[wanted])
    assert np.array_equal(by_last, slots[np.lexsort((np.arange(n), -last, node, level))])
    assert all(start[a] == np.count_nonzero(level * width + first < a) for a in range(levels * width))


def everything(mask):
    return mask.index, mask.window, mask.sum_px(), *(a.tobytes() for a in (*mask.runs(), *mask.runs_8bit()))


@pytest.mark.parametrize("cut", [0.1, 1.0])
def test_layers_in_one_call_are_the_layers_one_by_one(cut):
    """In a thread whose arrays are still small, so that some layers have to be made again; two balls overlap."""
    grid = Grid(origin_um=(0, 0), pitch_um=0.02 / cut, shape=(2400, 2400), z_edges_um=np.linspace(-2, 30, 17))
    balls = [icosphere(4, 12, (22, 24, 13)), icosphere(3, 9, (22 + 8, 24, 13))]
    wanted = [masks_of(balls, grid).mask_and_defects(k) for k in range(grid.n_layers)]
    maker = masks_of(balls, grid)
    for layers in ([3], [7, 2, 8, 9], [], list(range(grid.n_layers))):
        found = maker.masks_and_defects(layers)
        assert [(everything(m), d) for m, d in found] == [(everything(wanted[k][0]), wanted[k][1]) for k in layers]
    assert any(d.overlap for _, d in wanted) and any(m.empty for m, _ in wanted)
    assert max(len(m.runs().col) for m, _ in wanted) > 4096 or cut == 0.1


@pytest.mark.parametrize("mode", ["area", "volume"])
def test_masks_of_layers_that_are_kept_are_not_made_again(mode):
    grid = Grid(origin_um=(0, 0), pitch_um=1.0, shape=(50, 50), z_edges_um=np.linspace(0, 26, 9))
    maker = masks_of([icosphere(3, 12, (25, 25, 13))], grid, mode)
    recent = RecentMasks(maker, 4)
    kept = recent(2)
    (first, defects), (second, _), (third, _) = recent.of_layers([1, 2, 3], keep=False)
    assert second is kept is recent.plain(2) and defects == maker.mask_and_defects(1)[1]
    assert everything(first) == everything(maker.mask(1)) == everything(recent.plain(1)) and recent.plain(1) is not first
    assert everything(third) == everything(maker.mask(3)) and recent.of_layers([], keep=True) == []
    assert [m is recent(k) for k, (m, _) in enumerate(recent.of_layers([0, 1, 2, 3], keep=True))] == [True] * 4
    recent.of_layers([4, 5], keep=True)  # four are kept: the oldest make room
    assert recent.plain(0) is not recent.plain(0) and recent.plain(2) is kept
