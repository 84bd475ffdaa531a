"""Runs of frames: found and painted back, cut to windows, summed by columns, as the dense frame has it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pmsl.core import runs as core_runs
from pmsl.core.arrays import distinct, evenly, frozen
from pmsl.core.runs import clipped, column_sums, joined, painted, runs_of, runs_of_band

dtypes = st.sampled_from([np.uint8, np.uint16])
frames = dtypes.flatmap(
    lambda t: hnp.arrays(t, hnp.array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.sampled_from([0, 0, 0, 7, 255]))
)


def whole(frame):
    return 0, 0, *frame.shape


def hold_maximal(found):
    """Runs of a row ascend, none is black or empty, and no two that touch have one level."""
    assert (found.length > 0).all() and (found.value > 0).all()
    for a, b in zip(found.row_start[:-1], found.row_start[1:], strict=True):
        ends, begins = found.col[a:b] + found.length[a:b], found.col[a:b]
        assert (ends[:-1] <= begins[1:]).all()
        assert (found.value[a:b][:-1][ends[:-1] == begins[1:]] != found.value[a:b][1:][ends[:-1] == begins[1:]]).all()


@given(frames)
def test_runs_are_maximal_and_paint_the_frame(frame):
    found = runs_of(frame, whole(frame))
    hold_maximal(found)
    assert found.value.dtype == frame.dtype and found.col.dtype == found.length.dtype == np.int32
    assert np.array_equal(painted(found, found.value, 0, frame.shape), frame)


@given(frames, st.sampled_from([20, 60, 1 << 19]))
def test_bands_and_a_turned_frame_give_the_same_runs(frame, band):
    before, core_runs.BAND = core_runs.BAND, band
    try:
        found = runs_of(frame, whole(frame))
        turned = runs_of(frame.T, whole(frame.T))
    finally:
        core_runs.BAND = before
    assert all(np.array_equal(a, b) for a, b in zip(found, runs_of(frame, whole(frame)), strict=True))
    assert np.array_equal(painted(turned, turned.value, 0, frame.T.shape), frame.T)


@given(frames, st.data())
def test_a_window_has_what_lies_inside_it(frame, data):
    rows, cols = frame.shape
    row0, col0 = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, cols - 1))
    window = row0, col0, data.draw(st.integers(0, rows - row0)), data.draw(st.integers(1, cols - col0))
    part = frame[row0 : row0 + window[2], col0 : col0 + window[3]]
    found = runs_of(frame, window)
    out = np.zeros_like(frame)
    out[row0 : row0 + window[2], col0 : col0 + window[3]] = part
    assert np.array_equal(painted(found, found.value, row0, frame.shape), out), "columns are those of the frame"
    cut = clipped(runs_of(frame, whole(frame)), 0, window)
    hold_maximal(cut)
    assert np.array_equal(painted(cut, cut.value, 0, part.shape), part), "columns are those of the window"


@given(frames, st.integers(-6, 6), st.integers(0, 20))
def test_windows_may_reach_beyond_the_rows_of_the_runs(frame, row0, rows):
    cut = clipped(runs_of(frame, whole(frame)), row0, (0, 0, rows, frame.shape[1]))
    out = np.zeros((rows, frame.shape[1]), frame.dtype)
    for r in range(rows):
        if 0 <= r - row0 < len(frame):
            out[r] = frame[r - row0]
    assert np.array_equal(painted(cut, cut.value, 0, out.shape), out)


@given(frames, st.integers(1, 5))
def test_bands_that_follow_each_other_are_joined(frame, rows):
    rimmed = np.pad(frame, ((0, 0), (1, 0)))
    found = joined(runs_of_band(np.ascontiguousarray(rimmed[a : a + rows])) for a in range(0, len(frame), rows))
    assert all(np.array_equal(a, b) for a, b in zip(found, runs_of(frame, whole(frame)), strict=True))


@given(frames)
def test_sums_of_columns(frame):
    assert column_sums(runs_of(frame, whole(frame)), frame.shape[1]).tolist() == frame.sum(axis=0, dtype=np.int64).tolist()


@given(frames, st.data())
def test_runs_are_painted_with_other_values(frame, data):
    found = runs_of(frame, whole(frame))
    other = data.draw(hnp.arrays(np.float32, len(found.col), elements=st.sampled_from([0.0, 1.5, -2.0])))
    out = painted(found, other, 0, frame.shape)
    assert out.dtype == np.float32 and not out[frame == 0].any()
    for r in range(len(frame)):
        for i in range(found.row_start[r], found.row_start[r + 1]):
            assert (out[r, found.col[i] : found.col[i] + found.length[i]] == other[i]).all()


@given(hnp.arrays(np.int64, hnp.array_shapes(min_dims=1, max_dims=2, min_side=0, max_side=9), elements=st.integers(-3, 3)))
def test_distinct_values_are_those_of_numpy(values):
    found, which = distinct(values)
    assert found.tolist() == np.unique(values).tolist() and np.array_equal(found[which], values)


@given(st.integers(1, 500), st.integers(1, 60))
def test_some_of_many_are_spread_evenly_with_both_ends(n, most):
    found = evenly(n, most)
    assert found == sorted(set(found)) and len(found) <= most and found[0] >= 0 and found[-1] <= n - 1
    if most > 1:
        assert found[0] == 0 and found[-1] == n - 1
    if n <= most:
        assert found == list(range(n))
    elif most > 1:
        assert len(found) == most and np.ptp(np.diff(found)) <= 1


def test_what_is_frozen_cannot_be_written():
    array = frozen(np.zeros(3))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1
