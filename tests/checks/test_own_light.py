"""What an exposure cures of its layer by itself: by its levels as by its dose."""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pmsl.checks.light.final_light import own_runs
from pmsl.core.mask import LayerMask

levels = hnp.arrays(np.uint8, (5, 7), elements=st.sampled_from([0, 0, 90, 128, 200, 255]))
DOSE = 20.0 * np.linspace(0.0, 1.0, 256) ** 1.8


def shown(frame, times=1):
    return LayerMask.from_dense(0, frame), DOSE, times


@given(levels, st.floats(0.5, 25.0), st.sampled_from([1, 3]))
def test_one_exposure_cures_what_its_levels_suffice_for(frame, threshold, times):
    dose = times * 0.8 * DOSE[frame]
    assume((abs(dose - threshold) > 1e-3 * threshold).all())
    runs = own_runs([shown(frame, times)], 5, 0.8, threshold, 1e-4 * threshold)
    assert (runs.dense(7) == (dose >= threshold)).all()
    assert (np.diff(runs.col)[np.diff(runs.rows()) == 0] > 1).all()  # maximal


@given(levels, levels, st.floats(0.5, 45.0))
def test_exposures_add_up(frame, other, threshold):
    dose = 0.8 * (DOSE[frame] + DOSE[other])
    assume((abs(dose - threshold) > 1e-3 * threshold).all())
    runs = own_runs([shown(frame), shown(other)], 5, 0.8, threshold, 1e-4 * threshold)
    assert (runs.dense(7) == (dose >= threshold)).all()
