"""What the projection spreads, in runs, against the same by convolution of dense maps."""

import numpy as np
import pytest
from dense_runs import DOSE, advanced, dense, masks, painted
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from pmsl.kernels.light import run_blur, run_dose


def taps(sigma_px, reach):
    """Weights from the middle outward; all of them add up to one."""
    half = np.exp(-0.5 * (np.arange(reach + 1) / sigma_px) ** 2)
    return half / (half[0] + 2 * half[1:].sum())


def seen(steps, shape, share, limit, down, across, room=None):
    """Return where the kernel sees the limit reached, and what it returned."""
    rows, cols = shape
    most = rows * cols
    raw = np.zeros(rows + 1, np.int64), np.zeros(most, np.int32), np.zeros(most, np.int32)
    n = run_dose.above(*steps, share, limit, *raw)
    raw = raw[0], raw[1][:n], raw[2][:n]
    many = 2 * len(down) - 1
    low, high = np.zeros((2, 4, many * (int(np.diff(raw[0]).max()) + 1) + 1), np.int64)
    line, pointer = np.zeros(cols + 2 * len(across)), np.zeros(many, np.int64)
    out = np.zeros(rows + 1, np.int64), np.full(room or most, -9, np.int32), np.full(room or most, -9, np.int32)
    n = run_blur.seen_above(*steps, share, limit, *raw, down, across, cols, low, high, line, pointer, *out)
    return (dense(out[0], out[1][:n], out[2][:n], shape) if n >= 0 else None), n, out


def blurred(image, down, across):
    """Spread a map over a field that is dark outside."""
    for axis, half in enumerate((down, across)):
        image = ndimage.correlate1d(image, np.concatenate([half[:0:-1], half]), axis=axis, mode="constant")
    return image


DECAYS = [(np.array([0.6]), np.array([1.0])), (np.array([0.7, 0.2]), np.array([0.6, 0.4]))]
SPREADS = [(taps(0.36, 1), taps(0.36, 1)), (taps(0.8, 2), taps(0.5, 1)), (taps(1.5, 4), taps(1.5, 4)), (taps(0.4, 1), np.ones(1))]


@given(masks(rows=9, cols=11), st.sampled_from(DECAYS), st.sampled_from(SPREADS), st.floats(0.05, 2.5))
def test_runs_are_where_the_spread_map_reaches_the_limit(layers, decays, spread, limit):
    share = np.linspace(1.0, 0.5, decays[0].size)
    shape = layers[0].shape
    for steps in advanced(layers, *decays):
        total = np.tensordot(share, painted(*steps, shape), 1)
        light = blurred(total, *spread)
        found, n, _ = seen(steps, shape, share, limit, *spread)
        assert n >= 0
        clear = np.abs(light - limit) > 1e-9 * limit  # a mean of equal sides is what it is, but for rounding
        assert np.array_equal(found[clear], (light >= limit)[clear])


@given(masks(rows=12, cols=6), st.sampled_from(SPREADS))
def test_rows_that_repeat_are_as_those_that_do_not(layers, spread):
    """Where all rows around are alike the row before is taken: the same as if each were looked at."""
    image = np.repeat(layers[0][:2], 9, axis=0)
    one = np.ones(1)
    (steps,) = advanced([image], one, one)
    found, _, _ = seen(steps, image.shape, one, 0.5, *spread)
    light = blurred(DOSE[image], *spread)
    clear = np.abs(light - 0.5) > 1e-9
    assert np.array_equal(found[clear], (light >= 0.5)[clear])


@pytest.mark.parametrize(("sigma", "kept"), [(0.36, True), (2.0, False)])
def test_a_line_of_one_pixel_is_lost_to_a_wide_spread(sigma, kept):
    image = np.zeros((9, 9), np.uint8)
    image[:, 4] = 255
    one = np.ones(1)
    (steps,) = advanced([image], one, one)
    found, _, _ = seen(steps, image.shape, one, 0.5 * DOSE[255], taps(sigma, 4), taps(sigma, 4))
    assert found.sum() == (9 if kept else 0) and found[:, 4].all() == kept


def test_no_room_is_said_and_nothing_is_written_beyond():
    image = np.zeros((6, 9), np.uint8)
    image[:, ::4] = 255
    one, spread = np.ones(1), (taps(0.36, 1), taps(0.36, 1))
    (steps,) = advanced([image], one, one)
    _, n, _ = seen(steps, image.shape, one, 0.5, *spread)
    assert n == 18
    _, n, out = seen(steps, image.shape, one, 0.5, *spread, room=17)
    assert n == -1 and (out[1] >= 0).all()
    found, n, out = seen(steps, image.shape, one, 0.5, *spread, room=18)
    assert n == 18 and np.array_equal(found, image > 0)
