"""LayerMask: runs and dense are the same mask; maximal runs; hashes do not depend on the form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pmsl.core.mask import LayerMask
from pmsl.core.runs import Runs, painted, runs_of
from pmsl.errors import GridError

levels16 = hnp.arrays(
    np.uint16,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=9),
    elements=st.sampled_from([0, 1, 128, 129, 257, 300, 32768, 65534, 65535]),
)


def as_runs(levels):
    """The mask in run form, made by a second, plain way."""
    row_start, col, length, value = [0], [], [], []
    for row in levels:
        c = 0
        while c < len(row):
            end = c
            while end < len(row) and row[end] == row[c]:
                end += 1
            if row[c]:
                col.append(c), length.append(end - c), value.append(row[c])
            c = end
        row_start.append(len(col))
    return Runs(np.array(row_start, np.int64), np.array(col, np.int32), np.array(length, np.int32), np.array(value, np.uint16))


@given(levels16)
def test_runs_and_dense_are_the_same_mask(levels):
    runs, dense = LayerMask.from_runs(3, levels.shape, 0, as_runs(levels)), LayerMask.from_dense(3, levels.copy())
    assert runs.window == dense.window and runs.empty == dense.empty
    for dtype in (np.uint8, np.uint16, np.float32, np.float64):
        assert np.array_equal(runs.dense(dtype), dense.dense(dtype)) and runs.dense(dtype).dtype == dtype
    assert np.array_equal(runs.dense(np.uint16), levels)
    assert np.array_equal(runs.dense(np.uint8), (levels.astype(int) + 128) // 257)
    assert np.allclose(runs.dense(), levels / 65535)
    assert runs.sum_px() == pytest.approx(levels.sum(dtype=int) / 65535) == dense.sum_px()
    assert np.allclose(runs.column_sums_px(), levels.sum(axis=0, dtype=int) / 65535) and np.allclose(
        dense.column_sums_px(), runs.column_sums_px()
    )
    for a, b in zip(runs.runs(), dense.runs(), strict=True):
        assert np.array_equal(a, b)
    for a, b in zip(runs.runs_8bit(), dense.runs_8bit(), strict=True):
        assert np.array_equal(a, b)
    assert runs.sha256() == dense.sha256()


@given(levels16)
def test_runs_are_maximal_and_not_black(levels):
    runs = LayerMask.from_dense(0, levels.copy()).runs_8bit()
    assert (runs.value > 0).all() and (runs.length > 0).all()
    for a, b in zip(runs.row_start[:-1], runs.row_start[1:], strict=True):
        col, length, value = runs.col[a:b], runs.length[a:b], runs.value[a:b]
        assert not ((col[:-1] + length[:-1] == col[1:]) & (value[:-1] == value[1:])).any()


@given(levels16)
def test_the_hash_tells_masks_apart_and_is_that_of_the_8_bit_picture(levels):
    mask = LayerMask.from_dense(0, levels.copy())
    assert LayerMask.from_dense(7, mask.dense(np.uint8)).sha256() == mask.sha256()
    other = mask.dense(np.uint8)
    other[0, 0] ^= 1
    assert LayerMask.from_dense(0, other).sha256() != mask.sha256()


def test_the_hash_is_the_documented_one():
    import hashlib

    levels = np.array([[0, 255, 255], [9, 9, 0]], np.uint8)
    words = np.array([2, 3, 0, 2, 1, 1, 1, 0, 2, 2], "<i4")
    assert LayerMask.from_dense(0, levels).sha256() == hashlib.sha256(words.tobytes() + bytes([255, 9])).hexdigest()
    black = np.array([2, 3, 0, 0], "<i4")
    assert LayerMask.from_dense(0, np.zeros((2, 3), np.uint8)).sha256() == hashlib.sha256(black.tobytes()).hexdigest()


def test_other_types_are_refused():
    with pytest.raises(GridError, match="int64"):
        LayerMask.from_dense(0, np.zeros((2, 2), np.int64))
    with pytest.raises(GridError, match="int32"):
        LayerMask.from_dense(0, np.zeros((2, 2), np.uint8)).dense(np.int32)


def test_runs_of_an_empty_window():
    assert len(runs_of(np.zeros((3, 3), np.uint8), LayerMask.from_dense(0, np.zeros((3, 3), np.uint8)).window).col) == 0


@pytest.mark.parametrize("shape", [(300, 700), (1, 5000), (700, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_runs_of_views_in_any_order_of_memory(shape, dtype):
    rng = np.random.default_rng(3)
    levels = np.resize(np.repeat(rng.choice([0, 3, 255], 9000), rng.geometric(0.04, 9000)), shape[::-1]).astype(dtype)
    for view in (levels.T, levels.T[::-1], levels.T[:, ::-1], levels[:, ::-1].T):
        straight = np.ascontiguousarray(view)
        for a, b in zip(runs_of(view, (0, 0, *shape)), runs_of(straight, (0, 0, *shape)), strict=True):
            assert np.array_equal(a, b)
        found = runs_of(view, (0, 0, *shape))
        assert np.array_equal(painted(found, found.value, 0, shape), straight)
