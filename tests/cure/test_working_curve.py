"""The working curve and the induction dose: closed forms, their inverses, and what cannot be."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsl.cure.curve import cure_depth_um, dose_for_depth_mj_cm2, effective_dose_mj_cm2, scaled_dose_mj_cm2
from pmsl.errors import ExposureError

dp = st.floats(1, 500)
ec = st.floats(0.1, 100)


@given(st.floats(0, 1000), dp, ec)
def test_depth_and_dose_are_inverse(depth, dp_um, ec_mj_cm2):
    if depth / dp_um > 50:
        return
    dose = dose_for_depth_mj_cm2(depth, dp_um, ec_mj_cm2)
    assert dose * math.exp(-depth / dp_um) == pytest.approx(ec_mj_cm2), "what is left at the depth is Ec"
    assert cure_depth_um(dose, dp_um, ec_mj_cm2) == pytest.approx(depth, abs=1e-6 * dp_um)


@given(dp, ec, st.floats(1, 20))
def test_twice_the_dose_is_deeper_by_the_same_everywhere(dp_um, ec_mj_cm2, factor):
    deeper = cure_depth_um(2 * factor * ec_mj_cm2, dp_um, ec_mj_cm2) - cure_depth_um(factor * ec_mj_cm2, dp_um, ec_mj_cm2)
    assert deeper == pytest.approx(dp_um * math.log(2))


@pytest.mark.parametrize("dose", [0.0, 5.0, 10.0])
def test_nothing_is_cured_up_to_ec(dose):
    assert cure_depth_um(dose, 50.0, 10.0) == 0.0


@pytest.mark.parametrize(("dp_um", "ec_mj_cm2"), [(0.0, 1.0), (-1.0, 1.0), (1.0, 0.0), (1.0, -2.0), (math.nan, 1.0), (1.0, math.nan)])
def test_dp_and_ec_are_above_zero(dp_um, ec_mj_cm2):
    for call in (cure_depth_um, dose_for_depth_mj_cm2):
        with pytest.raises(ExposureError, match=f"Dp is {dp_um} µm and Ec {ec_mj_cm2} mJ/cm²; both must be above 0"):
            call(5.0, dp_um, ec_mj_cm2)


def test_doses_that_no_light_gives_are_refused():
    with pytest.raises(ExposureError, match="dose is -1.0 mJ/cm²; it cannot be negative"):
        cure_depth_um(-1.0, 50.0, 10.0)
    with pytest.raises(ExposureError, match=r"curing 4000 µm deep takes exp\(400\) times Ec at Dp = 10 µm; make the layer thinner"):
        dose_for_depth_mj_cm2(4000, 10, 5)
    assert dose_for_depth_mj_cm2(3000, 10, 5) == pytest.approx(5 * math.exp(300))


events = st.lists(st.floats(0, 100), max_size=8)


@given(events, st.floats(0, 100))
def test_every_event_pays_the_induction_dose_by_itself(doses, induction):
    found = effective_dose_mj_cm2(doses, induction)
    assert found == pytest.approx(sum(d - induction for d in doses if d > induction), abs=1e-9)
    assert effective_dose_mj_cm2(doses, 0.0) == pytest.approx(sum(doses))
    assert effective_dose_mj_cm2([sum(doses)], induction) >= found - 1e-9, "at once it is paid once"


@pytest.mark.parametrize(("doses", "induction", "lowest"), [([1.0, -2.0], 0.0, -2.0), ([1.0], -3.0, -3.0)])
def test_negative_events_are_refused(doses, induction, lowest):
    with pytest.raises(ExposureError, match=f"dose is {lowest} mJ/cm²; it cannot be negative"):
        effective_dose_mj_cm2(doses, induction)


@given(st.floats(0, 50), st.floats(0, 50), st.floats(0, 20), st.floats(0.1, 5))
def test_a_scaled_dose_scales_what_the_event_does(more, induction, factor, again):
    dose = induction + more
    scaled = scaled_dose_mj_cm2(dose, factor, induction)
    assert effective_dose_mj_cm2([scaled], induction) == pytest.approx(factor * effective_dose_mj_cm2([dose], induction), abs=1e-9)
    assert scaled_dose_mj_cm2(scaled, again, induction) == pytest.approx(scaled_dose_mj_cm2(dose, factor * again, induction), abs=1e-9)


@pytest.mark.parametrize(("dose", "factor", "induction"), [(5.0, -0.1, 1.0), (5.0, 1.0, 6.0), (5.0, 1.0, -1.0), (math.nan, 1.0, 0.0)])
def test_scales_that_cannot_be_are_refused(dose, factor, induction):
    with pytest.raises(ExposureError, match="the factor cannot be negative, and the dose not below the induction dose"):
        scaled_dose_mj_cm2(dose, factor, induction)
