"""What is done in one call equals what its steps give; the order of the index against a plain sort."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from solids import icosphere

from pmsl.core.grid import Grid
from pmsl.kernels import crossings
from pmsl.masks import MaskMaker


def test_a_layer_in_one_call_is_the_layer_step_by_step():
    grid = Grid(origin_um=(0, 0), pitch_um=0.25, shape=(210, 190), z_edges_um=np.linspace(-2, 30, 9))
    maker = MaskMaker([icosphere(3, 12, (25, 25, 13))], grid)
    for k in range(grid.n_layers):
        mask, defects = maker.mask_and_defects(k)
        plain, found = maker._local.rows.mask(k, maker.sweep().cells(k))
        assert defects == found and mask.window == plain.window
        assert mask.sum_px() == plain.sum_px() and mask.sha256() == plain.sha256() and mask.black_at_8_bit == plain.black_at_8_bit
        for ours, theirs in zip((*mask.runs(), *mask.runs_8bit()), (*plain.runs(), *plain.runs_8bit()), strict=True):
            assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 36), st.integers(0, 36)), min_size=1, max_size=60))
def test_the_index_is_ordered_by_node_and_range(ranges):
    first, last = np.sort(np.array(ranges, np.int32), axis=1).T.copy()
    levels, width, n = 7, 64, len(first)
    start, start_last = np.zeros(levels * width + 1, np.int32), np.zeros(levels * width + 1, np.int32)
    slots, first_sorted, last_sorted, by_last = (np.zeros(n, np.int32) for _ in range(4))
    crossings.slots_of(first, last, width, start, start_last, slots, first_sorted, last_sorted, by_last)
    level = np.array([int(a ^ b).bit_length() for a, b in zip(first, last, strict=True)])
    node = first >> level
    wanted = np.lexsort((np.arange(n), first, node, level))
    assert np.array_equal(np.argsort(slots), wanted)
    assert np.array_equal(first_sorted, first[wanted]) and np.array_equal(last_sorted, last[wanted])
    assert np.array_equal(by_last, slots[np.lexsort((np.arange(n), -last, node, level))])
    assert all(start[a] == np.count_nonzero(level * width + first < a) for a in range(levels * width))
