"""Spreading light over a field: adjoint, windows, edges of the field, and kernels against the plain sum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsl.core.mask import LayerMask, Window
from pmsl.errors import GridError
from pmsl.kernels.light import convolution_1d
from pmsl.optics import Gaussian, Lorentzian, Projector, Sampled, spread, spread_adjoint, target_of

SKEW = np.random.default_rng(3).random((5, 9))
SPREADS = {
    "gaussian": Gaussian((0.36, 0.36)),
    "uneven pitch": Gaussian((0.3, 1.1)),
    "box": Gaussian((0.4, 0.4), 0.959),
    "lorentzian": Lorentzian((0.3, 0.5)),
    "sampled": Sampled(SKEW / SKEW.sum(), (0.6, 0.4)),
}
FIELD = (23, 31)
spreads = pytest.mark.parametrize("psf", SPREADS.values(), ids=SPREADS.keys())


@st.composite
def windows(draw, shape=FIELD):
    row0, col0 = draw(st.integers(0, shape[0] - 1)), draw(st.integers(0, shape[1] - 1))
    return Window(row0, col0, draw(st.integers(1, shape[0] - row0)), draw(st.integers(1, shape[1] - col0)))


def noise(seed, rows, cols):
    return np.random.default_rng(seed).standard_normal((rows, cols))


def same(a, b):
    return abs(a - b) <= 1e-12 * max(1.0, abs(a))


@spreads
@given(windows(), windows(), st.none() | st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)))
def test_dot_test_of_spread(psf, source, target, offset):
    a, b = noise(1, *source[2:]), noise(2, *target[2:])
    forward = float((spread(a, source, target, psf, offset) * b).sum())
    assert same(forward, float((a * spread_adjoint(b, source, target, psf, offset)).sum()))


@spreads
@pytest.mark.parametrize("points", [None, 1, 3])
def test_dot_test_of_the_projector(psf, points):
    flat = 0.5 + np.random.default_rng(5).random(FIELD)
    projector, source = Projector(FIELD, psf, flat), Window(3, 4, 11, 13)
    target = target_of(source, FIELD, psf)
    n = points or 1
    a, b = noise(1, *source[2:]), noise(2, target.rows * n, target.cols * n)
    forward = float((projector.project(a, source, target, points) * b).sum())
    assert same(forward, float((a * projector.project_adjoint(b, source, target, points)).sum()))


def plain(light, source, target, psf, offset):
    """The sum over all pairs of pixels."""
    y, x = (
        np.arange(t0, t0 + n)[:, None] - np.arange(s0, s0 + m)[None, :]
        for t0, n, s0, m in ((target[0], target[2], source[0], source[2]), (target[1], target[3], source[1], source[3]))
    )
    v, u = offset or (0.0, 0.0)
    mean = offset is None
    if isinstance(psf, Gaussian):
        return psf.line(y + v, 0, mean) @ light @ psf.line(x + u, 1, mean).T
    kernel = psf.kernel((y + v).ravel(), (x + u).ravel(), mean).reshape(*y.shape, *x.shape)
    return np.einsum("asbt,st->ab", kernel, light)


@spreads
@pytest.mark.parametrize("offset", [None, (0.25, -0.4)])
def test_spread_is_the_plain_sum_over_pixels(psf, offset):
    source, target = Window(2, 5, 7, 6), Window(0, 3, 12, 14)
    light = np.abs(noise(1, 7, 6))
    assert spread(light, source, target, psf, offset) == pytest.approx(plain(light, source, target, psf, offset), abs=5e-12)


@spreads
def test_the_window_of_a_mask_gives_the_same_as_the_whole_field(psf):
    levels = np.zeros(FIELD, np.uint8)
    levels[9:13, 14:19] = np.random.default_rng(2).integers(0, 256, (4, 5))
    levels[9, 14] = levels[12, 18] = 200
    light, whole = levels / 255, Window(0, 0, *FIELD)
    image = Projector(FIELD, psf).aerial_image(LayerMask.from_dense(7, levels), np.arange(256) / 255)
    full = np.zeros(FIELD)
    row0, col0, rows, cols = image.window
    full[row0 : row0 + rows, col0 : col0 + cols] = image.irradiance
    assert image.index == 7 and image.shape == FIELD
    assert full == pytest.approx(spread(light, whole, whole, psf), abs=2e-12)


@spreads
def test_outside_of_the_field_is_no_light(psf):
    """A field padded with real black pixels shows the same: nothing is reflected, clamped or repeated at the edge."""
    light, whole = np.abs(noise(4, *FIELD)), Window(0, 0, *FIELD)
    padded = np.zeros((FIELD[0] + 40, FIELD[1] + 40))
    padded[20:-20, 20:-20] = light
    wide = spread(padded, Window(0, 0, *padded.shape), Window(0, 0, *padded.shape), psf)
    assert spread(light, whole, whole, psf) == pytest.approx(wide[20:-20, 20:-20], abs=2e-12)


def test_a_white_field_fades_to_a_half_at_its_edge_and_a_quarter_at_its_corner():
    psf, whole = SPREADS["gaussian"], Window(0, 0, *FIELD)
    seen = spread(np.ones(FIELD), whole, whole, psf, (-0.5, -0.5))  # the lower corner of each pixel
    assert seen[0, 0] == pytest.approx(0.25, abs=1e-12)
    assert seen[0, 15] == pytest.approx(0.5, abs=1e-12) and seen[11, 0] == pytest.approx(0.5, abs=1e-12)
    assert seen[11, 15] == pytest.approx(1, abs=1e-11)


@spreads
def test_light_is_kept(psf):
    """What a pixel far from the edge gives is one pixel's light, but for the tail outside of the field."""
    shape = (81, 91)
    source = Window(40, 45, 1, 1)
    kept = spread(np.ones((1, 1)), source, target_of(source, shape, psf), psf).sum()
    assert kept == pytest.approx(1, abs=2e-2 if isinstance(psf, Lorentzian) else 3e-12)


def test_points_are_finer_than_pixels_and_average_to_the_means():
    projector, source = Projector(FIELD, SPREADS["gaussian"]), Window(9, 10, 3, 4)
    light, target = np.abs(noise(1, 3, 4)), target_of(Window(9, 10, 3, 4), FIELD, SPREADS["gaussian"])
    points = projector.project(light, source, target, 40)
    means = points.reshape(target.rows, 40, target.cols, 40).mean(axis=(1, 3))
    assert means == pytest.approx(projector.project(light, source, target), abs=2e-4)
    assert np.array_equal(projector.project(light, source, target, 1), spread(light, source, target, projector.psf, (0.0, 0.0)))


@spreads
def test_empty_masks_have_empty_images(psf):
    image = Projector(FIELD, psf).aerial_image(LayerMask.from_dense(0, np.zeros(FIELD, np.uint8)), np.arange(256) / 255)
    assert image.window == (0, 0, 0, 0) and image.irradiance.shape == (0, 0)
    nothing = Window(0, 0, 0, 0)
    assert spread_adjoint(np.ones((2, 3)), nothing, Window(0, 0, 2, 3), psf).shape == (0, 0)
    assert not spread(np.zeros((0, 0)), nothing, Window(0, 0, 2, 3), psf).any()


def test_a_mask_of_another_field_is_refused():
    with pytest.raises(GridError, match=r"layer 3 is \(4, 5\) px, the projector's field \(23, 31\)"):
        Projector(FIELD, SPREADS["box"]).aerial_image(LayerMask.from_dense(3, np.ones((4, 5), np.uint8)), np.arange(256) / 255)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 7), st.integers(-6, 12), st.integers(1, 12))
def test_kernels_against_the_plain_loop(m, n, t, shift, k):
    light, taps = noise(1, m, n), noise(2, 1, t)[0]
    wanted = np.zeros((k, n))
    for r in range(k):
        for i in range(t):
            if 0 <= r + shift - i < m:
                wanted[r] += taps[i] * light[r + shift - i]
    down, across = np.zeros((k, n)), np.zeros((n, k))
    convolution_1d.along_rows_axis(light, taps, shift, down)
    convolution_1d.along_cols_axis(np.ascontiguousarray(light.T), taps, shift, across)
    assert down == pytest.approx(wanted, abs=1e-14) and across == pytest.approx(wanted.T, abs=1e-14)
