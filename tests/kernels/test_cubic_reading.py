"""Values between samples, against plain numpy and cubics themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsl.kernels.compare import cubic_reading


def plain(values, places):
    first, weights = [], []
    for axis in (0, 1):
        cell = np.floor(places[:, axis]).astype(np.int64)
        t = (places[:, axis] - cell)[:, None]
        near = np.arange(-1, 3)
        weights.append(np.stack([np.prod([(t - b) / (a - b) for b in near if b != a], axis=0)[:, 0] for a in near], axis=1))
        first.append(np.clip(cell[:, None] + near, 0, values.shape[axis] - 1))
    return np.einsum("na,nab,nb->n", weights[0], values[first[0][:, :, None], first[1][:, None, :]], weights[1])


def read(values, places, low=-np.inf, high=np.inf):
    out = np.full(len(places), np.nan)
    cubic_reading.cubic(values, low, high, places, out)
    return out


@given(st.integers(0, 2**32 - 1), st.integers(1, 7), st.integers(1, 7))
def test_it_is_lagrange_s_with_the_border_going_on(seed, rows, cols):
    rng = np.random.default_rng(seed)
    values, places = rng.normal(size=(rows, cols)), rng.uniform(-3, 9, (20, 2))
    assert read(values, places) == pytest.approx(plain(values, places), abs=1e-12)
    assert read(values, places, -0.5, 0.7) == pytest.approx(plain(np.clip(values, -0.5, 0.7), places), abs=1e-12)


def test_a_cubic_is_met_everywhere_and_samples_exactly():
    y, x = np.mgrid[0:8.0, 0:9.0]
    surface = lambda y, x: 1.0 + y - 2.0 * x + y**3 - x**2 * y  # noqa: E731
    places = np.random.default_rng(3).uniform(1.0, 5.9, (50, 2))
    assert read(surface(y, x), places) == pytest.approx(surface(*places.T), rel=1e-12)
    assert read(surface(y, x), np.array([[3.0, 4.0]])).tolist() == [surface(3.0, 4.0)]
