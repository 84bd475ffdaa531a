"""Closed forms of a drawn line against numbers from print, and sums done one by one."""

import math

import pytest

from pmsl.cure.drawn_line import cured_line_um, hatch_gain, line_dose_mj_cm2, line_speed_um_s, outside_share
from pmsl.errors import ExposureError

SUMS = [(1.2, 1.1123), (1.0, 1.2713), (0.8, 1.5680), (0.5, 2.5066)]


@pytest.mark.parametrize(("ratio", "gain"), SUMS)
def test_an_endless_hatch_over_one_line(ratio, gain):
    assert hatch_gain(ratio * 50.0, 50.0) == pytest.approx(gain, abs=1e-4)


@pytest.mark.parametrize("ratio", [0.05, 0.2, 0.49, 0.4999999, 0.5, 0.51, 1.0, 3.0, 40.0])
@pytest.mark.parametrize("at", [0.0, 0.25, 0.5])
def test_a_hatch_is_the_sum_of_its_lines(ratio, at):
    """Both ways it is reckoned, also where one hands over to the other."""
    lines = range(-int(12 / ratio) - 2, int(12 / ratio) + 3)
    assert hatch_gain(ratio, 1.0, at) == pytest.approx(math.fsum(math.exp(-2 * ((j + at) * ratio) ** 2) for j in lines), rel=1e-12)


def test_width_and_depth_of_a_line():
    """Jacobs: a dose of e² Ec cures 2 Dp deep and 2 w0 wide."""
    speed = line_speed_um_s(10.0 * math.e**2, 20.0, 50.0)
    assert line_dose_mj_cm2(20.0, speed, 50.0) == pytest.approx(10.0 * math.e**2)
    width, depth = cured_line_um(20.0, speed, 50.0, 100.0, 10.0)
    assert depth == pytest.approx(200.0) and width == pytest.approx(100.0)
    assert cured_line_um(20.0, 1e12, 50.0, 100.0, 10.0) == (0.0, 0.0)
    assert line_dose_mj_cm2(1.0, 1000.0, 100.0) == pytest.approx(math.sqrt(2 / math.pi) * 1e3)  # 1 mJ/µm... in a line 100 µm wide


def test_light_beyond_the_end_of_hatches():
    assert outside_share(0.0, 50.0) == pytest.approx(0.5)
    assert outside_share(-200.0, 50.0) == pytest.approx(1.0) and outside_share(200.0, 50.0) < 1e-12


@pytest.mark.parametrize("numbers", [(0.0, 1.0, 1.0), (1.0, -1.0, 1.0), (1.0, 1.0, math.inf), (1.0, math.nan, 1.0)])
def test_what_is_no_line_is_refused(numbers):
    with pytest.raises(ExposureError, match="must be above 0 and finite"):
        line_dose_mj_cm2(*numbers)
    with pytest.raises(ExposureError, match="must be above 0 and finite"):
        hatch_gain(0.0, 1.0)
