"""Terms that a resin may have: reciprocity, an absorber that bleaches, and when a channel flushes; against closed forms and slow sums."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from pmsl.cure import CureModel, Decay, ExposedLayer, cured_layers
from pmsl.cure.bleached_recursion import BleachedRecursion
from pmsl.cure.bleaching import Bleaching
from pmsl.errors import ExposureError

DP, EC = 20.0, 10.0
POSITIVE = st.floats(1e-3, 1e3)


def model(**more):
    return CureModel(decay=Decay.single(DP), ec_mj_cm2=EC, **more)


def test_reciprocity_is_irradiance_to_p_times_time():
    """E = I^p t, in doses at the irradiance of the working curve: doses of equal I^p t count alike."""
    resin = model(reciprocity=0.8, reciprocity_mw_cm2=20.0)
    for light, time_s in ((20.0, 3.0), (2.0, 7.0), (200.0, 0.4)):
        counts = float(resin.effective_mj_cm2(np.float64(light * time_s), time_s))
        assert counts == pytest.approx(20.0**0.2 * light**0.8 * time_s, rel=1e-12)
    assert float(resin.effective_mj_cm2(np.float64(60.0), 3.0)) == pytest.approx(60.0, rel=1e-12)


def test_ten_times_the_irradiance_cures_less_of_the_same_dose():
    """The working curve at another irradiance is shifted by Dp (p - 1) ln(I / I0), and as steep."""
    resin = model(reciprocity=0.8, reciprocity_mw_cm2=20.0)
    for dose in (30.0, 90.0):
        depth = [DP * math.log(float(resin.effective_mj_cm2(np.float64(dose), dose / light)) / EC) for light in (20.0, 200.0)]
        assert depth[1] - depth[0] == pytest.approx(-0.2 * DP * math.log(10.0), rel=1e-12)


@given(st.floats(0.3, 1.5), POSITIVE, POSITIVE, POSITIVE)
def test_at_the_irradiance_of_white_the_same_is_solid(p, reference, light, dose):
    """Of doses in other units, with another Ec: whether a dose cures does not depend on the units."""
    resin = model(reciprocity=p, reciprocity_mw_cm2=reference)
    own = resin.at_irradiance(light)
    gray = np.array([0.1, 0.5, 1.0]) * dose
    time_s = dose / light
    assert resin.effective_mj_cm2(gray, time_s) / resin.ec_mj_cm2 == pytest.approx(
        own.effective_mj_cm2(gray, time_s) / own.ec_mj_cm2, rel=1e-9
    )
    assert float(own.effective_mj_cm2(np.float64(dose), time_s)) == pytest.approx(dose, rel=1e-9)


def test_an_exponent_of_1_changes_nothing():
    dose = np.array([0.0, 1e-300, 3.7])
    assert model(reciprocity_mw_cm2=5.0).effective_mj_cm2(dose, 2.0) is dose and model().at_irradiance(7.0) == model()


def test_all_that_absorbs_bleaches_has_its_closed_form():
    """E(z) = ln(1 + (exp(C E0) - 1) exp(-A z)) / C, the solution of Dill's equations without B."""
    bleached, e0, z = Bleaching(1.0, 0.03), 80.0, np.linspace(0, 100, 21)
    wanted = np.log1p(np.expm1(0.03 * e0) * np.exp(-z / DP)) / 0.03
    assert bleached.below(e0, z, DP) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97, 1.0])
@pytest.mark.parametrize("c", [1e-6, 0.01, 0.2, 5.0])
def test_dose_over_depth_is_what_dills_equation_says(share, c):
    """Against an integration of dE/dz step by step."""
    a, b, e0 = share / DP, (1 - share) / DP, 150.0
    z = np.linspace(0, 90, 10)
    found = solve_ivp(lambda _, e: -(a * -np.expm1(-c * e) / c + b * e), (0, 90), [e0], t_eval=z, rtol=1e-11, atol=1e-14, method="DOP853")
    assert Bleaching(share, c).below(e0, z, DP) == pytest.approx(found.y[0], rel=2e-8)


def test_both_of_dills_equations_in_time_and_depth():
    """Slow sums over time and depth, nothing integrated beforehand: 1 % of steps."""
    a, b, c, light = 0.8 / DP, 0.2 / DP, 0.02, 20.0
    dz, dt, n = 0.05, 0.005, 800
    left, dose = np.ones(n), np.zeros(n)
    for _ in range(800):
        absorbs = a * left + b
        here = light * np.exp(-np.concatenate([[0.0], np.cumsum(absorbs[:-1])]) * dz - 0.5 * absorbs * dz)
        dose += here * dt
        left *= np.exp(-c * here * dt)
    middles = (np.arange(n) + 0.5) * dz
    assert Bleaching(0.8, c).below(light * 4.0, middles, DP) == pytest.approx(dose, rel=1e-3)


@given(st.floats(0.01, 1.0), st.floats(1e-5, 3.0), st.floats(1e-4, 1e4), st.floats(0.0, 300.0), st.floats(0.0, 300.0))
@settings(max_examples=60)
def test_falling_twice_is_falling_once_and_back_again(share, c, dose, first, second):
    bleached = Bleaching(share, c)
    half_way = bleached.below(dose, first, DP)
    assert float(bleached.below(half_way, second, DP)) == pytest.approx(float(bleached.below(dose, first + second, DP)), rel=1e-7)
    assert float(bleached.below(half_way, -first, DP)) == pytest.approx(dose, rel=1e-7)
    assert float(bleached.depth_um(dose, float(half_way), DP)) == pytest.approx(first, abs=1e-6)
    assert half_way >= dose * math.exp(-first / DP) * (1 - 1e-9)  # it lets through more, never less


def test_a_stack_that_bleaches_adds_up_as_exposures_in_time_do():
    """Exposure by exposure through slabs that remember what they were lit with, against one pass from the light side."""
    bleached, height, n = Bleaching(0.9, 0.02), 10.0, 6
    own = np.array([40.0, 55.0, 10.0, 0.0, 70.0, 33.0])
    fine = np.linspace(0, height, 2001)
    dz, absorbed = fine[1], (0.9 / DP, 0.1 / DP)
    before = np.zeros((n, len(fine)))
    for k in range(n):
        for part in np.full(400, own[k] / 400):
            light = part
            for j in range(k, -1, -1):
                rate = absorbed[0] * np.exp(-0.02 * before[j]) + absorbed[1]
                falls = light * np.exp(-np.concatenate([[0.0], np.cumsum(0.5 * (rate[1:] + rate[:-1]))]) * dz)
                before[j] += falls
                light = falls[-1]
    layers = [ExposedLayer(k, height, [np.full((1, 1), own[k])]) for k in range(n - 1, -1, -1)]
    for cured in cured_layers(model(bleaching=bleached), (1, 1), layers):
        for depth in (0.0, 3.0, 9.5):
            wanted = np.interp(depth, fine, before[cured.index])
            assert cured.dose_at_mj_cm2(depth)[0, 0] == pytest.approx(wanted, rel=3e-3)


def test_a_bleaching_layer_ends_where_its_dose_is_the_threshold():
    resin = model(bleaching=Bleaching(0.6, 0.05))
    cured = BleachedRecursion(resin, (1, 3)).add(0, 50.0, np.array([[5.0, 20.0, 1e4]]))
    thick = cured.cured_um[0]
    assert thick[0] == 0 and thick[2] == 50.0 and cured.dose_at_mj_cm2(float(thick[1]))[0, 1] == pytest.approx(EC, rel=1e-9)
    assert thick[1] > DP * math.log(2.0)  # deeper than without


def test_nothing_that_bleaches_is_plain_absorption():
    slow = Bleaching(0.5, 1e-12)
    assert slow.below(30.0, np.array([0.0, 10.0]), DP) == pytest.approx(30.0 * np.exp([0.0, -0.5]), rel=1e-7)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"reciprocity": 0.0}, "exponent of reciprocity is 0"),
        ({"reciprocity": 2.1}, "at most 2"),
        ({"reciprocity_mw_cm2": 0.0}, "irradiance of reciprocity is 0"),
        ({"flush_share": 1.0}, "flush_share is 1.0; it must be above 0 and below 1"),
        ({"reciprocity": 0.8, "scatter_um": 0.1}, "scatter_um 0.1"),
        ({"bleaching": Bleaching(0.5, 0.1), "scatter_um": 0.1}, "beside scatter_um = 0.1"),
        ({"bleaching": Bleaching(0.5, 0.1), "induction_mj_cm2": 1.0}, "beside induction_mj_cm2 = 1"),
        ({"bleaching": Bleaching(0.5, 0.1), "memory": "open"}, "beside memory = 'open'"),
        ({"bleaching": Bleaching(0.5, 0.1), "reciprocity": 0.9}, "beside reciprocity = 0.9"),
        ({"bleaching": Bleaching(0.5, 0.1), "decay": Decay((0.9, 0.1), (20.0, 60.0))}, "beside extra_decays or tail"),
    ],
)
def test_what_does_not_hold_together_is_refused_by_name(more, message):
    with pytest.raises(ExposureError, match=message):
        msgspec.structs.replace(model(), **more) if "decay" in more else model(**more)


@pytest.mark.parametrize(("share", "rate"), [(0.0, 0.1), (1.01, 0.1), (0.5, 0.0), (0.5, math.inf)])
def test_bleaching_out_of_range_is_refused(share, rate):
    with pytest.raises(ExposureError, match="bleach_"):
        Bleaching(share, rate)
