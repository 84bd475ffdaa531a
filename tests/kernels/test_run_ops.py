"""Runs to 8 bit, what a mask says of its runs, means of rectangles: as dense arrays have them."""

import numpy as np
from dense_runs import level_runs
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pmsl.kernels.runs import run_ops

LEVELS = [0, 0, 0, 1, 128, 129, 385, 386, 40_000, 65_000, 65_407, 65_535]
frames = hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.sampled_from(LEVELS))


def dense_of(row_start, col, length, level, shape):
    out = np.zeros(shape, int)
    for r in range(shape[0]):
        for i in range(row_start[r], row_start[r + 1]):
            assert (out[r, col[i] : col[i] + length[i]] == 0).all()
            out[r, col[i] : col[i] + length[i]] = level[i]
    return out


@given(frames)
@example(np.array([[40_000, 40_000, 0], [0, 0, 40_000]], np.uint16))  # one ends in the column where the next row's begins
def test_8_bit_is_rounded_and_runs_are_maximal(frame):
    runs = level_runs(frame)
    size = len(runs[1])
    out = np.zeros(len(frame) + 1, np.int64), np.zeros(size, np.int32), np.zeros(size, np.int32), np.zeros(size, np.uint8)
    n = run_ops.to_8bit(*runs, *out)
    wanted = np.floor(frame / 257.0 + 0.5).astype(int)
    assert np.array_equal(dense_of(*out, frame.shape), wanted)
    for mine, slow in zip(out, level_runs(wanted, np.uint8), strict=True):
        assert np.array_equal(mine if len(mine) == len(frame) + 1 and mine.dtype == np.int64 else mine[:n], slow)
    assert out[0][-1] == n


def test_levels_at_the_borders_of_rounding():
    levels = np.arange(65_536)
    assert np.array_equal((levels + 128) // 257, np.floor(levels / 257 + 0.5)), "no level lies in the middle: 257 is odd"
    runs = level_runs(np.array([[128, 129, 385, 386]], np.uint16))
    out = np.zeros(2, np.int64), np.zeros(4, np.int32), np.zeros(4, np.int32), np.zeros(4, np.uint8)
    assert run_ops.to_8bit(*runs, *out) == 2
    assert out[1][:2].tolist() == [1, 3] and out[2][:2].tolist() == [2, 1] and out[3][:2].tolist() == [1, 2]


@given(frames.filter(lambda f: f.any()))
def test_facts_are_the_box_and_the_sum(frame):
    found = np.full(5, -1, np.int64)
    run_ops.facts(*level_runs(frame), found)
    rows, cols = np.flatnonzero(frame.any(axis=1)), np.flatnonzero(frame.any(axis=0))
    assert found.tolist() == [rows[0], rows[-1] + 1, cols[0], cols[-1] + 1, frame.sum(dtype=np.int64)]


@given(
    hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.sampled_from([0, 0, 9, 200, 255])), st.data()
)
def test_means_of_rectangles(frame, data):
    """Rectangles may overlap, and lie partly outside the rows of the runs."""
    row0 = data.draw(st.integers(0, 4))
    whole = np.pad(frame, ((row0, 5), (0, 5)))

    def ranges(size):
        low = sorted(data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=4)))
        high = sorted(data.draw(st.integers(a + 1, size)) for a in low)
        return np.array(low), np.array([max(a + 1, b) for a, b in zip(low, high, strict=True)])

    low_row, high_row = ranges(whole.shape[0])
    low_col, high_col = ranges(whole.shape[1])
    out = np.full((len(low_row), len(low_col)), 77, np.uint8)
    work = np.full((2, whole.shape[1] + 1), 5, np.int64)
    run_ops.shrink(*level_runs(frame, np.uint8), row0, low_row, high_row, low_col, high_col, work, out)
    for r in range(len(low_row)):
        for c in range(len(low_col)):
            mean = whole[low_row[r] : high_row[r], low_col[c] : high_col[c]].astype(float).mean()
            assert out[r, c] == int(np.floor(mean + 0.5 + 1e-12))
