"""Ends of intervals lie where the sum of squares is worse by Student's t (of roofs: test_roofs)."""

import math

import numpy as np
import pytest

from pmsl.calibrate.fits.model_fit import Unknown, fit_model
from pmsl.calibrate.fits.regression import student


def test_ends_of_a_bent_profile_are_exact():
    """Y = exp(-a x): the profile of the only value is the sum of squares itself."""
    x = np.linspace(0.5, 3, 12)
    y = np.exp(-1.3 * x) + 0.02 * np.cos(np.arange(12) * 2.0)
    found = fit_model(lambda v: np.exp(-v[0] * x), [Unknown("a", "", 1.0, 0.0, 50.0)], y)

    def squares(a):
        return float(((np.exp(-a * x) - y) ** 2).sum())

    least, t = squares(found.values[0]), student(11)
    for end in found.intervals[0]:
        assert math.sqrt((squares(end) - least) / (least / 11)) == pytest.approx(t, rel=0.02)
