"""The dose of drawn lines: against the spot added up along them, turned, cut, and all of its energy."""

import math

import numpy as np
import pytest

from pmsl.optics.drawn_dose import REACH_W0, add_lines, reached

W0 = 10.0


def dose_of(lines, shape=(90, 110), pitch=(2.0, 2.0), corner=(-60.0, -50.0), mj_um=1e-6):
    out = np.zeros(shape)
    add_lines(out, np.asarray(lines, float), mj_um, W0, corner, pitch)
    return out


def spots(line, shape=(90, 110), pitch=(2.0, 2.0), corner=(-60.0, -50.0), mj_um=1e-6, n=4000):
    """The clear way: a spot at many places of the line, each with its share of the energy."""
    a, b = np.asarray(line, float)
    x = corner[0] + (np.arange(shape[1]) + 0.5) * pitch[0]
    y = corner[1] + (np.arange(shape[0]) + 0.5) * pitch[1]
    out = np.zeros(shape)
    for share in (np.arange(n) + 0.5) / n:
        px, py = a + share * (b - a)
        out += np.outer(np.exp(-2 * (y - py) ** 2 / W0**2), np.exp(-2 * (x - px) ** 2 / W0**2))
    return out * 2 / (math.pi * W0**2) * mj_um * math.dist(a, b) / n * 1e8


@pytest.mark.parametrize("line", [[(0, 0), (50, 0)], [(0, 0), (0, 30)], [(-20, -10), (60, 45)], [(5, 5), (5.1, 5)], [(60, 45), (-20, -10)]])
def test_a_line_is_the_sum_of_its_spots(line):
    dose, wanted = dose_of([line]), spots(line)
    np.testing.assert_allclose(dose, wanted, atol=2e-6 * wanted.max())
    assert dose.max() > 0


def test_lines_add_up_however_they_are_cut():
    a, b, c = (-30.0, -20.0), (10.0, 13.0), (70.0, 62.5)
    whole = dose_of([[a, c]])
    np.testing.assert_allclose(dose_of([[a, b], [b, c]]), whole, atol=3e-9 * whole.max())
    np.testing.assert_allclose(dose_of([[a, c], [a, a]]), whole)  # a line without length leaves nothing
    long_level = dose_of([[(-1e5, 3.0), (1e5, 3.0)]])
    peak = math.sqrt(2 / math.pi) * 1e-6 / W0 * 1e8
    np.testing.assert_allclose(
        long_level[:, 50], peak * np.exp(-2 * ((-50.0 + (np.arange(90) + 0.5) * 2) - 3.0) ** 2 / W0**2), atol=2e-9 * peak
    )


def test_energy_stays():
    """Pixels add up to the energy of the line."""
    dose = dose_of([[(-10, -10), (40, 30)]])
    assert dose.sum() * 4.0 * 1e-8 == pytest.approx(1e-6 * math.dist((-10, -10), (40, 30)), rel=1e-7)


def test_pixels_may_be_oblong_and_lie_beyond_the_field():
    line = [(-70.0, -60.0), (60.0, 48.0)]  # begins outside
    dose = dose_of([line], shape=(60, 50), pitch=(2.5, 1.5), corner=(-60.0, -50.0))
    wanted = spots(line, shape=(60, 50), pitch=(2.5, 1.5), corner=(-60.0, -50.0))
    np.testing.assert_allclose(dose, wanted, atol=2e-6 * wanted.max())
    assert dose_of([[(1e4, 1e4), (1.1e4, 1e4)]]).max() == 0


def test_what_light_reaches():
    points = np.array([(100.0, 200.0), (150.0, 200.0)])
    window = reached(points, W0, np.zeros(2), np.array([2.0, 4.0]), (1000, 1000))
    reach = REACH_W0 * W0
    assert window.col0 * 2.0 <= 100 - reach < (window.col0 + 1) * 2.0 and window.row0 * 4.0 <= 200 - reach
    assert (window.col0 + window.cols) * 2.0 >= 150 + reach
    assert reached(points - 1e5, W0, np.zeros(2), np.ones(2), (10, 10)).rows == 0
    assert reached(points[:0], W0, np.zeros(2), np.ones(2), (10, 10)) == (0, 0, 0, 0)
