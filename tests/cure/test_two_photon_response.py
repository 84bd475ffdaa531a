"""Dose by a power of intensity: closed forms, their inverses, and the ellipsoid against the field of dose itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

from pmsl.cure.two_photon import TwoPhotonResponse, base_factor

POWERS = st.floats(0.5, 100.0)
ORDERS = st.floats(1.0, 6.0)


def test_published_closed_forms_of_two_photons():
    """Serbin 2003: width w sqrt(ln X) with X = (P / P_th)²; four times the speed needs twice the power."""
    response = TwoPhotonResponse(threshold_mw=10.0, burn_mw=40.0, exponent=2.0)
    width, height = response.voxel_um(20.0, (0.3, 0.9))
    assert width == pytest.approx(0.3 * np.sqrt(np.log(4.0)), rel=1e-12) and height == pytest.approx(3.0 * width, rel=1e-12)
    fast = TwoPhotonResponse.at_speed(10.0, 40.0, 2.0, 10_000.0, 40_000.0)
    assert (fast.threshold_mw, fast.burn_mw) == pytest.approx((20.0, 80.0), rel=1e-12)
    assert response.voxel_um(10.0, (0.3, 0.9)) == (0.0, 0.0) == response.voxel_um(3.0, (0.3, 0.9))
    assert response.shares_of_power()[65535] == 1.0 and response.shares_of_power()[0] == 0.0


@settings(max_examples=examples(20), deadline=None)
@given(POWERS, ORDERS, st.floats(1.01, 50.0))
def test_power_is_the_root_of_dose_and_the_ellipsoid_is_where_the_dose_is_the_threshold(threshold, order, above):
    response = TwoPhotonResponse(threshold_mw=threshold, burn_mw=1e9, exponent=order)
    power = response.power_mw(above)
    assert response.dose(power) == pytest.approx(above, rel=1e-9)
    assert response.scaled_mw(power, 0.25) == pytest.approx(response.power_mw(0.25 * above), rel=1e-9)
    assert response.scaled_mw(power, 1.0) == power
    spot = (0.27, 0.71)
    width, height = response.voxel_um(power, spot)
    for r, z in ((width / 2, 0.0), (0.0, height / 2), (0.6 * width / 2, 0.8 * height / 2)):  # on the axes and between
        dose = above * np.exp(-2.0 * order * (r**2 / spot[0] ** 2 + z**2 / spot[1] ** 2))
        assert dose == pytest.approx(1.0, rel=1e-9)


@settings(max_examples=examples(20), deadline=None)
@given(POWERS, ORDERS, st.floats(0.2, 20.0))
def test_the_first_coverage_that_cures_is_the_one_that_counting_finds(threshold, order, ratio):
    response = TwoPhotonResponse(threshold_mw=threshold, burn_mw=1e9, exponent=order)
    shares = response.shares_of_power()
    assert (np.diff(shares) > 0).all()
    doses = (shares * ratio) ** order  # in units of the threshold dose
    counted = int((doses < 1.0 - 1e-9).sum())
    assert abs(response.first_cured(ratio * threshold) - counted) <= 1
    assert np.allclose(shares**order, np.arange(65536) / 65535, rtol=1e-12, atol=0)


def test_base_factors_are_linear_between_heights_and_go_on():
    factors = ((0.5, 0.8), (2.5, 1.2))
    assert [base_factor(factors, z) for z in (0.0, 0.5, 1.5, 2.5, 99.0)] == pytest.approx([0.8, 0.8, 1.0, 1.2, 1.2])
    assert base_factor((), 3.0) == 1.0
