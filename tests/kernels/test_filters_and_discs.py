"""PNG filters undone, discs grown, histograms, folded rows: each against the few lines that its specification is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pmsl.kernels.codec import png_unfilter
from pmsl.kernels.compare import histogram, row_dedup
from pmsl.kernels.runs import dilate

frames = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=10))


def paeth(a, b, c):
    """PNG specification, 9.4: left, above, upper left."""
    p = a + b - c
    pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
    return a if pa <= pb and pa <= pc else b if pb <= pc else c


def filtered(frame, above, kinds):
    """Rows as an encoder filters them, with their filter bytes."""
    before, out = [int(v) for v in above], []
    for line, kind in zip(frame.tolist(), kinds, strict=True):
        row = [kind]
        for i, x in enumerate(line):
            a, b, c = (line[i - 1] if i else 0), before[i], (before[i - 1] if i else 0)
            row.append((x - (0, a, b, (a + b) // 2, paeth(a, b, c))[kind]) % 256)
        out.append(row)
        before = line
    return np.array(out, np.uint8)


@given(frames, st.data())
def test_every_filter_is_undone(frame, data):
    kinds = data.draw(st.lists(st.integers(0, 4), min_size=len(frame), max_size=len(frame)))
    above = data.draw(hnp.arrays(np.uint8, frame.shape[1]))
    band = filtered(frame, above, kinds)
    png_unfilter.undo(band, np.concatenate([[0], above]).astype(np.uint8))
    assert not band[:, 0].any()
    assert np.array_equal(band[:, 1:], frame)


@given(frames, st.integers(1, 9), st.lists(st.integers(0, 4), min_size=10, max_size=10))
def test_bands_of_any_height_give_the_same_rows(frame, rows, kinds):
    stream = filtered(frame, np.zeros(frame.shape[1], np.uint8), kinds[: len(frame)])
    above = np.zeros(frame.shape[1] + 1, np.uint8)
    for begin in range(0, len(frame), rows):
        band = stream[begin : begin + rows].copy()
        png_unfilter.undo(band, above)
        assert np.array_equal(band[:, 1:], frame[begin : begin + rows])
        above = band[-1]


sets = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=14), elements=st.sampled_from([0, 0, 0, 0, 1, 200]))


@given(sets, st.integers(0, 6).map(lambda n: n / 2))
def test_discs_reach_what_lies_within_their_radius(inside, radius):
    reach = int(radius)
    half_width = np.array([int(np.floor(np.sqrt(radius**2 - r**2))) for r in range(-reach, reach + 1)], np.int64)
    out = np.zeros_like(inside)
    dilate.grow(inside, half_width, out)
    rows, cols = np.nonzero(inside)
    for r, c in np.ndindex(*inside.shape):
        assert out[r, c] == bool(((rows - r) ** 2 + (cols - c) ** 2 <= radius**2).any())


def test_discs_leave_what_was_set_and_rows_they_do_not_reach():
    inside, out = np.zeros((5, 5), np.uint8), np.zeros((5, 5), np.uint8)
    inside[2, 2], out[0, 4] = 1, 7
    dilate.grow(inside, np.array([-1, 1, -1]), out)
    assert np.argwhere(out).tolist() == [[0, 4], [2, 1], [2, 2], [2, 3]] and out[0, 4] == 7


values = st.lists(st.floats(-50, 50) | st.sampled_from([0.0, np.inf, -np.inf, 1e300, -1e300]), max_size=30)


@given(values, st.sampled_from([0.25, 1.0, 3.0]))
def test_histograms_count_every_value_once(found, step):
    bins, used, missed = np.zeros(41), np.array([41, -1]), np.zeros(2, np.int64)
    histogram.count(np.array(found, float), step, bins, used, missed)
    wanted = np.zeros(41)
    finite = [v for v in found if np.isfinite(v)]
    for v in finite:
        wanted[int(20 + min(max(np.floor(v / step + 0.5), -20), 20))] += 1
    assert np.array_equal(bins, wanted)
    assert missed.tolist() == [found.count(-np.inf), found.count(np.inf)]
    if finite:
        assert used.tolist() == [np.flatnonzero(wanted)[0], np.flatnonzero(wanted)[-1]]
    else:
        assert used.tolist() == [41, -1]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_in_no_bin(value):
    bins, used, missed = np.zeros(5), np.array([5, -1]), np.zeros(2, np.int64)
    histogram.count(np.array([value]), 1.0, bins, used, missed)
    assert not bins.any() and missed.sum() == 1


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.sampled_from([0, 1, 2.5])))
def test_folded_rows_unfold_to_what_they_were(rows):
    held = np.arange(len(rows), dtype=np.int32)
    for r in range(1, len(rows)):
        if np.array_equal(rows[r], rows[r - 1]):
            held[r] = held[r - 1]
    folded = np.where((held == np.arange(len(rows)))[:, None], rows, np.float32(-7))
    row_dedup.unfold(folded, held)
    assert np.array_equal(folded, rows)
    assert held.tolist() == list(range(len(rows)))
