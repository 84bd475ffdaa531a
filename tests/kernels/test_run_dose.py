"""Doses as steps of runs against dense maps: sums, falls, the larger of two, limits."""

import numpy as np
import pytest
from dense_runs import DOSE, IMAGES, advanced, dense, level_runs, masks, painted, runs
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from pmsl.kernels.light import run_dose
from pmsl.kernels.runs import vat_distance

DECAYS = st.sampled_from([(np.array([0.6]), np.array([1.0])), (np.array([0.7, 0.2, 1.0]), np.array([0.5, 0.3, 0.2]))])


@given(masks(), DECAYS, st.sampled_from([0, 1]), st.integers(-2, 3))
def test_steps_are_the_sums_of_dense_maps(layers, decays, highest, row0):
    """Of masks that begin above, in or below the rows of the map."""
    factor, weight = decays
    shape = len(layers[0]) + 2, layers[0].shape[1]
    wanted = np.zeros((factor.size, *shape))
    for image, steps in zip(layers, advanced(layers, factor, weight, row0, shape[0], highest=highest), strict=True):
        moved = np.zeros(shape, np.uint8)
        for r, row in enumerate(image):
            if 0 <= r + row0 < shape[0]:
                moved[r + row0] = row
        old, new = factor[:, None, None] * wanted, weight[:, None, None] * DOSE[moved]
        wanted = np.maximum(old, new) if highest else old + new
        np.testing.assert_allclose(painted(*steps, shape), wanted, rtol=1e-14, atol=0)


@given(masks(), DECAYS)
def test_rows_that_are_alike_share_their_steps_and_steps_ascend(layers, decays):
    for begin, stop, col, value in advanced(layers, *decays):
        for r in range(len(begin)):
            mine = col[begin[r] : stop[r]]
            assert (np.diff(mine) > 0).all()
            assert not mine.size or not value[:, stop[r] - 1].any(), "the last of a row is 0"
        if all((image == image[0]).all() for image in layers):
            assert set(begin.tolist()) == {0} and set(stop.tolist()) == {col.size}


@given(masks(), st.sampled_from([0.05, 0.4]))
def test_what_is_less_than_the_least_is_none_and_nothing_else_changes(layers, least):
    factor, weight = np.array([0.6]), np.array([1.0])
    shape, wanted = layers[0].shape, np.zeros(layers[0].shape)
    for image, steps in zip(layers, advanced(layers, factor, weight, least=least), strict=True):
        wanted = 0.6 * wanted + DOSE[image]
        wanted[wanted < least] = 0.0
        np.testing.assert_allclose(painted(*steps, shape)[0], wanted, rtol=1e-14, atol=0)


@given(masks(), st.sampled_from([0.01, 0.2]))
def test_steps_that_are_near_are_none_and_cost_no_more_than_said(layers, near):
    factor, weight = np.array([0.6]), np.array([1.0])
    for exact, steps in zip(advanced(layers[:1], factor, weight), advanced(layers[:1], factor, weight, near=near), strict=True):
        a, b = painted(*exact, layers[0].shape)[0], painted(*steps, layers[0].shape)[0]
        assert (np.abs(a - b) <= near * np.maximum(a, b) * (1 + 1e-12)).all()
        assert steps[2].size <= exact[2].size


@given(masks(), DECAYS, st.floats(0.01, 3.0))
def test_runs_that_reach_a_limit(layers, decays, limit):
    share = np.linspace(1.0, 0.3, decays[0].size)
    shape = layers[0].shape
    for steps in advanced(layers, *decays):
        total = np.zeros(shape)
        for t, part in enumerate(painted(*steps, shape)):
            total += share[t] * part
        most = 2 * shape[0] * shape[1]
        out = np.zeros(shape[0] + 1, np.int64), np.zeros(most, np.int32), np.zeros(most, np.int32)
        n = run_dose.above(*steps, share, limit, *out)
        found = out[0], out[1][:n], out[2][:n]
        assert all(np.array_equal(a, b) for a, b in zip(found, runs(total >= limit), strict=True))


def test_no_room_is_said_and_nothing_is_written_beyond():
    (image,) = [np.array([[255, 0, 255, 0, 255]], np.uint8)]
    begin, stop, col, value = np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros((1, 0))
    out = np.zeros(1, np.int64), np.zeros(1, np.int64), np.full(5, -9, np.int32), np.full((1, 5), -9.0)
    one = np.array([1.0])
    assert run_dose.advance(begin, stop, col, value, one, *level_runs(image), 0, DOSE, one, 0.0, 0.0, 0, *out) == -1
    assert (out[2] == -9).all() and (out[3] == -9).all()
    (steps,) = advanced([image], one, one)
    few = np.zeros(2, np.int64), np.full(2, -9, np.int32), np.full(2, -9, np.int32)
    assert run_dose.above(*steps, one, 0.5, *few) == -1


@given(masks(), st.integers(-2, 3), st.sets(st.sampled_from([40, 128, 255])))
def test_runs_of_some_levels(layers, row0, wanted):
    image, rows = layers[0], len(layers[0]) + 2
    start, col, length, level = level_runs(image)
    enough = np.zeros(256, np.uint8)
    enough[list(wanted)] = 1
    out = np.full(rows + 1, -1, np.int64), np.zeros(col.size, np.int32), np.zeros(col.size, np.int32)
    n = run_dose.runs_enough(start, col, length, level, row0, enough, *out)
    moved = np.zeros((rows, image.shape[1]), bool)
    for r, row in enumerate(np.isin(image, list(wanted))):
        if 0 <= r + row0 < rows:
            moved[r + row0] = row
    assert all(np.array_equal(a, b) for a, b in zip((out[0], out[1][:n], out[2][:n]), runs(moved), strict=True))


@given(IMAGES)
def test_columns_that_are_vat_are_those_a_flood_over_light_reaches(shadow):
    out, queue = np.full(shadow.shape, 9, np.uint8), np.zeros(shadow.size, np.int32)
    vat_distance.outside(shadow.astype(np.uint8), queue, out)
    padded = np.pad(~shadow, 1, constant_values=True)
    label = ndimage.label(padded)[0]
    assert np.array_equal(out == 1, (label == label[0, 0])[1:-1, 1:-1])


def test_a_courtyard_is_not_vat_and_one_with_a_gate_is():
    shadow = np.ones((5, 5), np.uint8)
    shadow[1:4, 1:4] = 0
    out, queue = np.zeros((5, 5), np.uint8), np.zeros(25, np.int32)
    vat_distance.outside(shadow, queue, out)
    assert not out.any()
    shadow[0, 2] = 0
    vat_distance.outside(shadow, queue, out)
    assert np.array_equal(out, 1 - shadow)


@pytest.mark.parametrize("highest", [0, 1])
def test_light_of_layers_without_a_mask_only_falls(highest):
    image, dark = np.array([[255, 255, 40]], np.uint8), np.zeros((1, 3), np.uint8)
    *_, last = advanced([image, dark, dark], np.array([0.5]), np.array([1.0]), highest=highest)
    np.testing.assert_allclose(painted(*last, (1, 3))[0], DOSE[image] / 4, rtol=1e-15)
    assert np.array_equal(dense(np.array([0, 1]), last[2][:1], last[2][-1:], (1, 3)), image > 0)
