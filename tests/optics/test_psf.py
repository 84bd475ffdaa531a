"""Point spreads: closed forms, sums, and the acceptance numbers of edges, lines and dots."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, optimize
from scipy.special import ndtr, ndtri

from pmsl.core.mask import Window
from pmsl.optics import Gaussian, Lorentzian, Sampled, spread

SIGMAS = [0.25, 0.36, 0.5, 0.75, 1.0]


def at(light, psf, y, x):
    """Point value at (y, x) px from the outer corner of the light's first pixel; dark outside."""
    source = Window(0, 0, *light.shape)
    row, col = math.floor(y), math.floor(x)
    return float(spread(light, source, Window(row, col, 1, 1), psf, (y - row - 0.5, x - col - 0.5))[0, 0])


def columns(values, rows=41):
    """Light that is the same along y, `rows` px long: its middle is at y = rows / 2."""
    return np.tile(np.asarray(values, dtype=float), (rows, 1))


def crossing(light, psf, tau, low, high):
    return optimize.brentq(lambda x: at(light, psf, light.shape[0] / 2, x) - tau, low, high, xtol=1e-13)


def white(n):
    return [1.0] * n


# --- sums and closed forms -------------------------------------------------------------------------------------


@given(st.floats(0.05, 4), st.floats(0.05, 4), st.floats(0.3, 1))
def test_a_white_field_stays_white_in_the_mean(sigma_y, sigma_x, mirror):
    psf = Gaussian((sigma_y, sigma_x), mirror)
    for axis, reach in enumerate(psf.reach_px):
        taps = psf.line(np.arange(-reach, reach + 1), axis, mean=True)
        assert abs(taps.sum() - 1) < 2e-12 and taps.min() >= 0
        assert np.array_equal(taps, taps[::-1])


@given(st.floats(0.05, 4), st.floats(-0.5, 0.5))
def test_and_at_every_point_where_mirrors_fill_their_pitch(sigma, inside):
    psf = Gaussian((sigma, sigma))
    reach = psf.reach_px[0]
    assert abs(psf.line(np.arange(-reach, reach + 1) + inside, 0, mean=False).sum() - 1) < 2e-12


@given(st.floats(0.02, 3), st.integers(1, 60))
def test_the_lorentzian_sums_to_its_closed_form_over_a_square(gamma, n):
    k = np.arange(-n, n + 1.0)
    half = (n + 0.5) / gamma
    inside = 4 * math.atan(half * half / math.sqrt(1 + 2 * half * half)) / (2 * math.pi)
    assert Lorentzian((gamma, gamma)).kernel(k, k, mean=False).sum() == pytest.approx(inside, abs=1e-12)


def test_a_sampled_spread_sums_to_one():
    spot = np.random.default_rng(1).random((7, 11))
    psf = Sampled(spot / spot.sum(), (0.3, 0.7))
    (down, right) = psf.reach_px
    y, x = np.arange(-down, down + 1.0), np.arange(-right, right + 1.0)
    assert psf.kernel(y, x, mean=True).sum() == pytest.approx(1, abs=1e-13)
    for v, u in ((0.5, -0.5), (0.13, 0.4), (-0.31, 0)):
        assert psf.kernel(y + v, x + u, mean=False).sum() == pytest.approx(1, abs=1e-13)


def averaged(point, k, nodes=60):
    """Mean over a pixel of a function of one number, by Gauss points in 40 pieces."""
    edges = np.linspace(-0.5, 0.5, 41)
    u, w = np.polynomial.legendre.leggauss(nodes // 5)
    return sum((0.5 * (b - a) * w * point(k + 0.5 * (a + b) + 0.5 * (b - a) * u)).sum() for a, b in zip(edges, edges[1:], strict=False))


@pytest.mark.parametrize("mirror", [1.0, math.sqrt(0.92), 0.4])
@pytest.mark.parametrize("sigma", [0.1, 0.36, 1.3])
def test_means_are_means_of_point_values(sigma, mirror):
    psf = Gaussian((sigma, sigma), mirror)
    for k in range(4):
        assert psf.line(np.array([k]), 0, mean=True)[0] == pytest.approx(averaged(lambda x: psf.line(x, 0, mean=False), k), abs=1e-13)


@pytest.mark.parametrize("gamma", [(0.3, 0.3), (0.7, 0.2), (2.0, 2.0)])
def test_lorentzian_means_are_means_of_point_values_near_and_far(gamma):
    psf = Lorentzian(gamma)
    edges = np.linspace(-0.5, 0.5, 21)
    u, w = np.polynomial.legendre.leggauss(8)
    places = np.concatenate([0.5 * (a + b) + 0.5 * (b - a) * u for a, b in zip(edges, edges[1:], strict=False)])
    weights = np.tile(w / 40, 20)
    for y, x in ((0, 0), (0, 1), (2, 1), (8, 8), (9, 0), (8, 9), (20, 13), (48, 3), (49, 49), (120, 7)):
        mean = psf.kernel(np.array([float(y)]), np.array([float(x)]), mean=True)[0, 0]
        assert mean == pytest.approx(weights @ psf.kernel(y + places, x + places, mean=False) @ weights, abs=1e-13, rel=1e-9)


def test_lorentzian_point_values_are_the_integral_over_the_mirror():
    gy, gx = 0.4, 0.7
    psf = Lorentzian((gy, gx))
    for y, x in ((0.0, 0.0), (0.3, -1.2), (-2.1, 0.4)):
        wanted, _ = integrate.dblquad(
            lambda v, u: 1 / (2 * math.pi * gy * gx * (1 + (v / gy) ** 2 + (u / gx) ** 2) ** 1.5), x - 0.5, x + 0.5, y - 0.5, y + 0.5
        )
        assert psf.kernel(np.array([y]), np.array([x]), mean=False)[0, 0] == pytest.approx(wanted, rel=1e-7)


@given(st.floats(0.1, 2), st.floats(0.1, 2), st.floats(-4, 4))
def test_a_gaussian_blurred_by_a_gaussian_is_a_gaussian(first, second, x):
    u, w = np.polynomial.hermite_e.hermegauss(120)
    twice = (w * Gaussian((first, first)).line(x + second * u, 0, mean=False)).sum() / math.sqrt(2 * math.pi)
    both = math.hypot(first, second)
    if first > 0.5 * second:  # where 120 points are enough
        assert twice == pytest.approx(Gaussian((both, both)).line(np.array([x]), 0, mean=False)[0], abs=1e-9)


def test_a_finely_sampled_gaussian_is_the_gaussian():
    sigma, step, n = 0.5, 0.02, 351
    edges = (np.arange(n + 1) - n / 2) * step
    cells = np.diff(ndtr(edges / math.sqrt(sigma**2 - step**2 / 6)))  # to sum over cells and to spread over them adds step² / 12 each
    psf, same = Sampled(np.outer(cells, cells) / cells.sum() ** 2, (step, step)), Gaussian((sigma, sigma))
    k = np.arange(-3.0, 4)
    for mean, d in ((True, k), (False, k + 0.3)):
        line = same.line(d, 0, mean)
        step_light = 2e-7 if mean else 5e-5  # a point sees one cell, and its spot steps from cell to cell: step² / 8 of its curvature
        assert psf.kernel(d, d, mean) == pytest.approx(np.outer(line, line), abs=step_light)


def test_mirrors_that_leave_gaps():
    fill = 0.92
    sharp = Gaussian((1e-4, 1e-4), math.sqrt(fill))
    light = np.ones((5, 5))
    assert at(light, sharp, 2.5, 2.5) == pytest.approx(1 / fill, rel=1e-12)
    assert at(light, sharp, 2.5, 3.0) == 0  # between two mirrors
    assert np.allclose(Gaussian((0.4, 0.4), 1.0).line(np.arange(3), 0, True), Gaussian((0.4, 0.4)).line(np.arange(3), 0, True))


def test_a_skew_spot_throws_light_where_it_points():
    spot = np.zeros((3, 5))
    spot[2, 4] = 1.0  # one cell up, two to the right
    seen = spread(np.ones((1, 1)), Window(10, 20, 1, 1), Window(5, 15, 11, 11), Sampled(spot, (1.0, 1.0)))
    top = np.unravel_index(seen.argmax(), seen.shape)
    assert (top[0] + 5, top[1] + 15) == (11, 22)


# --- acceptance numbers ----------------------------------------------------------------------------------------

OVERDOSE = [1.25, 1.5, 2, 2.5, 3, 4, 5, 10]


@pytest.mark.parametrize(("over", "bias"), list(zip(OVERDOSE, [-0.8416, -0.4307, 0, 0.2533, 0.4307, 0.6745, 0.8416, 1.2816], strict=True)))
@pytest.mark.parametrize("sigma", [0.36, 0.8])
def test_edge_bias_of_a_gaussian(over, bias, sigma):
    x = crossing(columns(white(20)), Gaussian((sigma, sigma)), 1 / over, 16, 24) - 20
    assert x / sigma == pytest.approx(bias, abs=1e-4)
    assert x == pytest.approx(sigma * ndtri(1 - 1 / over), abs=1e-10)


@pytest.mark.parametrize(("over", "bias"), list(zip(OVERDOSE, [-1.3764, -0.5774, 0, 0.3249, 0.5774, 1.0000, 1.3764, 3.0777], strict=True)))
def test_edge_bias_of_a_lorentzian(over, bias):
    gamma, n = 0.36, 1e6  # a half plane as one mirror, many pixels wide and long
    far = Lorentzian((gamma / n, gamma / n))

    def seen(x):
        return far.kernel(np.zeros(1), np.array([0.5 + x / n]), mean=False)[0, 0]

    x = optimize.brentq(lambda x: seen(x) - 1 / over, -5, 5)
    assert x / gamma == pytest.approx(bias, abs=1e-4)
    assert x == pytest.approx(gamma * math.tan(math.pi * (0.5 - 1 / over)), abs=1e-5)


@pytest.mark.parametrize(
    ("sigma", "tau", "places"),
    [
        (0.36, 0.5, [0, 0.0642, 0.1520, 0.2852, 0.5, 0.7148, 0.8480, 0.9358, 1]),
        (0.5, 0.5, [0, 0.0839, 0.1914, 0.3307, 0.5, 0.6693, 0.8086, 0.9161, 1]),
        (1.0, 0.5, [0, 0.1122, 0.2344, 0.3649, 0.5, 0.6351, 0.7656, 0.8878, 1]),
        (0.36, 0.25, [0.2428, 0.3750, 0.6071, 0.8589, 1.0024, 1.0919, 1.1553, 1.2038, 1.2428]),
    ],
)
def test_a_gray_edge_pixel_places_the_edge(sigma, tau, places):
    found = [crossing(columns([*white(20), g]), Gaussian((sigma, sigma)), tau, 16, 26) - 20 for g in np.arange(9) / 8]
    assert found == pytest.approx(places, abs=1e-4)


def test_the_edge_table():
    sigma, tau = 0.36, 0.5
    for i, level in enumerate([0.2161, 0.3474, 0.4336, 0.5000, 0.5664, 0.6526, 0.7839], start=1):
        x = i / 8
        g = (tau - ndtr(-x / sigma)) / (ndtr((1 - x) / sigma) - ndtr(-x / sigma))
        assert g == pytest.approx(level, abs=1e-4)
        assert crossing(columns([*white(20), g]), Gaussian((sigma, sigma)), tau, 16, 26) - 20 == pytest.approx(x, abs=1e-6)


@pytest.mark.parametrize(("tau", "line", "slit"), [(0.5, 1.3490, 1.3490), (0.4, 1.0488, 1.6832), (0.25, 0.6373, 2.3007)])
def test_minimum_features(tau, line, slit):
    for width, light, x in ((line, [1.0], 0.5), (slit, [*white(20), 0.0, *white(20)], 20.5)):
        psf = Gaussian((1 / width, 1 / width))  # one pixel is `width` σ
        assert at(columns(light), psf, 20.5, x) == pytest.approx(tau, abs=1e-4)


@pytest.mark.parametrize(
    ("sigma", "line", "dot"),
    list(zip(SIGMAS, [0.9545, 0.8351, 0.6827, 0.4950, 0.3829], [0.9111, 0.6974, 0.4661, 0.2450, 0.1466], strict=True)),
)
def test_single_pixel_peaks(sigma, line, dot):
    psf = Gaussian((sigma, sigma))
    assert at(columns([1.0]), psf, 20.5, 0.5) == pytest.approx(line, abs=1e-4)
    assert at(np.ones((1, 1)), psf, 0.5, 0.5) == pytest.approx(dot, abs=1e-4)


@pytest.mark.parametrize(
    ("sigma", "tau", "widths"),
    [
        (0.36, 0.5, [0.9950, 2.0000, 3.0000, 4.0000]),
        (0.36, 0.4, [1.1801, 2.1824, 3.1824, 4.1824]),
        (1.0, 0.5, [0, 1.8665, 2.9932, 3.9998]),
    ],
)
def test_line_widths(sigma, tau, widths):
    psf = Gaussian((sigma, sigma))
    for n, width in enumerate(widths, start=1):
        if width == 0:
            assert at(columns(white(n)), psf, 20.5, n / 2) < tau
        else:
            assert 2 * (crossing(columns(white(n)), psf, tau, n / 2, n / 2 + 4) - n / 2) == pytest.approx(width, abs=1e-4)


def test_corners_pull_back():
    sigma = 0.36
    psf, light = Gaussian((sigma, sigma)), np.ones((20, 20))
    for tau, pull in ((0.5, 0.5450), (0.25, 0.0)):
        d = optimize.brentq(lambda d, tau=tau: at(light, psf, 20 - d, 20 - d) - tau, -2, 5)
        assert d / sigma == pytest.approx(pull, abs=1e-4)
        assert math.sqrt(2) * d / sigma == pytest.approx(math.sqrt(2) * pull, abs=1e-4)


@pytest.mark.parametrize(
    ("period", "contrasts"), [(1, [0.9090, 0.6703, 0.3708, 0.0793, 0.0092]), (2, [0.9999, 0.9891, 0.9090, 0.6353, 0.3708])]
)
def test_line_and_space_contrast(period, contrasts):
    light = columns(([1.0] * period + [0.0] * period) * 20)
    middle = 20 * period
    for sigma, contrast in zip(SIGMAS, contrasts, strict=True):
        psf = Gaussian((sigma, sigma))
        peak, valley = (at(light, psf, 20.5, middle + part * period) for part in (0.5, 1.5))
        assert (peak - valley) / (peak + valley) == pytest.approx(contrast, abs=1e-4)


@pytest.mark.parametrize(("change", "band"), [(0.10, 0.2539), (0.05, 0.1257), (0.02, 0.0502)])
def test_process_window_of_an_edge(change, band):
    sigma = 0.36
    low, high = (crossing(columns(white(20)), Gaussian((sigma, sigma)), 0.5 / dose, 16, 24) for dose in (1 - change, 1 + change))
    assert (high - low) / sigma == pytest.approx(band, abs=1e-4)


def test_sensitivity_of_an_edge_to_dose():
    sigma, step = 0.36, 1e-4
    low, high = (crossing(columns(white(20)), Gaussian((sigma, sigma)), 0.5 * math.exp(-d), 16, 24) for d in (-step, step))
    assert (high - low) / (2 * step) / sigma == pytest.approx(1.2533, abs=1e-4)


def test_a_wide_lorentzian_edge_through_the_field():
    """Between the two edges of a square of w pixels the spread over pixels is the closed form of the square."""
    gamma, w = 0.36, 101
    psf = Lorentzian((gamma, gamma))

    def corner(y, x):
        return math.atan2(y * x, gamma * math.sqrt(x * x + y * y + gamma * gamma)) / (2 * math.pi)

    for x in (-3.3, -0.4, 0.0, 0.2, 2.6):  # from the right edge
        wanted = 2 * (corner(w / 2, w + x) - corner(w / 2, x))
        assert at(np.ones((w, w)), psf, w / 2, w + x) == pytest.approx(wanted, abs=1e-12)
