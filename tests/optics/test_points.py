"""Light at points: against the plain sum over pixels, the edge's closed form, `spread` at the same places, and the adjoint."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from tiers import examples

from pmsl.core.mask import Window
from pmsl.optics import Gaussian, Lorentzian, Sampled, at_points, at_points_adjoint, spread

SKEW = np.random.default_rng(3).random((5, 9))
SPREADS = {
    "gaussian": Gaussian((0.36, 0.36)),
    "uneven pitch": Gaussian((0.3, 1.1)),
    "box": Gaussian((0.4, 0.4), 0.959),
    "lorentzian": Lorentzian((0.3, 0.5)),
    "sampled": Sampled(SKEW / SKEW.sum(), (0.6, 0.4)),
}
spreads = pytest.mark.parametrize("psf", SPREADS.values(), ids=SPREADS.keys())
SOURCE = Window(3, 4, 21, 26)
seeds = st.integers(0, 2**32 - 1)


@spreads
@settings(max_examples=examples(6))
@given(seed=seeds)
def test_points_in_the_middle_of_cells_are_what_spread_gives_there(psf, seed):
    rng = np.random.default_rng(seed)
    light, (v, u) = rng.random((SOURCE.rows, SOURCE.cols)), rng.uniform(-0.5, 0.4999, 2)
    target = Window(0, 0, 30, 40)
    pixels = np.stack(np.meshgrid(np.arange(30), np.arange(40), indexing="ij"), axis=-1).reshape(-1, 2)
    seen = at_points(light, SOURCE, pixels + 0.5 + (v, u), psf)
    within = 2e-5 if isinstance(psf, Lorentzian) else 1e-12
    assert np.abs(seen - spread(light, SOURCE, target, psf, (v, u)).reshape(-1)).max() <= within


@spreads
@settings(max_examples=examples(6))
@given(seed=seeds)
def test_dot_test(psf, seed):
    rng = np.random.default_rng(seed)
    light, points = rng.standard_normal((SOURCE.rows, SOURCE.cols)), rng.uniform(-3, 40, (50, 2))
    values = rng.standard_normal(50)
    forward = float(at_points(light, SOURCE, points, psf) @ values)
    assert abs(forward - float((light * at_points_adjoint(values, SOURCE, points, psf)).sum())) <= 1e-12 * max(1.0, abs(forward))


@pytest.mark.parametrize("sigma", [0.25, 0.36, 1.0])
def test_straight_edge_is_the_normal_distribution(sigma):
    x = np.linspace(-3, 3, 61)
    points = np.stack([np.full(61, 20.3), 20 + x], axis=1)
    seen = at_points(np.ones((40, 20)), Window(0, 0, 40, 20), points, Gaussian((sigma, sigma)))
    assert np.abs(seen - ndtr(-x / sigma)).max() < 1e-12


def test_nothing_is_lit_without_light_or_points():
    psf = Gaussian((0.36, 0.36))
    assert at_points(np.zeros((0, 0)), Window(0, 0, 0, 0), np.ones((2, 2)), psf).tolist() == [0, 0]
    assert at_points(np.ones((2, 2)), Window(0, 0, 2, 2), np.zeros((0, 2)), psf).shape == (0,)
    assert at_points(np.ones((2, 2)), Window(0, 0, 2, 2), np.array([[50.0, -40.0]]), psf).tolist() == [0]
