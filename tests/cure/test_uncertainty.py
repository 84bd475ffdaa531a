"""Bands of depths: the published covariance of a fit, closed forms, and what is assumed and said where nothing is stated."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pmsl
from pmsl.cure import print_through_um
from pmsl.cure.uncertainty import ResinUncertainty, depth_bands
from pmsl.profiles.resin import Covariance, ExtraDecay
from pmsl.profiles.tables.strict_struct import Value

DP, TC, SD_DP, SD_TC, R = 135.58, 3.524, 5.39, 0.085, 0.949  # of a published curve, rounded as there, times in s
RATE = 1.93824  # mW/cm²


def value(v, sd=msgspec.UNSET):
    return Value(value=v, class_="measured", source="test", sd=sd)


def resin(covariance=True, induction=None, memory="enclosed", **changed):
    base = pmsl.find_resin("pegda-nps-1.0-385")
    fields = {"dp_um": value(DP, SD_DP), "ec_mj_cm2": value(RATE * TC, RATE * SD_TC), "memory": value(memory)}
    if induction is not None:
        fields["induction_mj_cm2"] = induction
    material = msgspec.structs.replace(base.resin, **fields | changed)
    both = R * SD_DP * RATE * SD_TC
    table = Covariance(names=["dp_um", "ec_mj_cm2"], matrix=[[SD_DP**2, both], [both, (RATE * SD_TC) ** 2]])
    return msgspec.structs.replace(base, resin=material, covariance=[table] if covariance else msgspec.UNSET)


def test_the_band_of_a_published_curve_with_and_without_its_covariance():
    known, unknown = (depth_bands(resin(both), 6 * RATE, 10.0) for both in (True, False))
    assert known.cured_depth_um.value == pytest.approx(DP * math.log(6 / TC), abs=1e-6)
    assert known.cured_depth_um.sd == pytest.approx(1.07, abs=0.015) and known.reason == "from the stated sd"
    assert unknown.cured_depth_um.sd == pytest.approx(4.36, abs=0.015) and unknown.reason == "correlations unknown"


def test_without_sd_a_tenth_is_assumed_and_said():
    plain = pmsl.find_resin("pegda-nps-1.0-385")
    dp, ec = plain.resin.dp_um.value, plain.resin.ec_mj_cm2.value
    got = depth_bands(plain, 3 * ec, 10.0)
    assert got.cured_depth_um.sd == pytest.approx(math.hypot(0.1 * dp * math.log(3), 0.1 * dp), rel=1e-6)
    assert got.reason == "±10 % of dp_um and ec_mj_cm2 assumed, no sd stated"


def test_a_value_without_sd_beside_one_with_it():
    mixed = ResinUncertainty.of(resin(False, induction=value(2.0)))
    assert mixed.assumed == ("induction_mj_cm2",) and mixed.correlations_unknown
    assert np.sqrt(np.diag(mixed.covariance)) == pytest.approx([SD_DP, RATE * SD_TC, 0.2])
    assert "induction_mj_cm2 assumed" in mixed.reason and mixed.reason.endswith("correlations unknown")


def test_an_induction_of_zero_has_no_band():
    assert ResinUncertainty.of(resin(induction=value(0.0))).names == ("dp_um", "ec_mj_cm2")


@given(st.floats(5.0, 40.0), st.floats(1.2, 8.0), st.floats(2.0, 60.0))
def test_a_thick_roof_is_the_closed_form(dp, ratio, height):
    ec = 10.0
    got = depth_bands(resin(dp_um=value(dp, 0.1), ec_mj_cm2=value(ec, 0.1), covariance=False), ratio * ec, height)
    assert got.print_through_um.value == pytest.approx(print_through_um(math.inf, height, dp, dp * math.log(ratio)), abs=1e-5)
    assert got.cured_depth_um.value == pytest.approx(dp * math.log(ratio), abs=1e-6)


def test_open_memory_keeps_the_brightest_layer_alone():
    got = depth_bands(resin(memory="open"), 6 * RATE, 10.0)
    assert got.print_through_um.value == pytest.approx(got.cured_depth_um.value - 10.0) and got.print_through_um.sd == pytest.approx(
        got.cured_depth_um.sd, rel=1e-6
    )


@pytest.mark.parametrize(("draws", "within"), [(100, 0.2), pytest.param(1000, 0.1, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "more", [{}, {"extra_decays": value((ExtraDecay(share=0.1, length_um=300.0),))}, {"induction_mj_cm2": value(2.0, 0.3)}]
)
def test_bands_are_what_many_draws_give(more, draws, within):
    """To first order; against plain sampling of the values, each depth searched for anew."""
    made = resin(**more)
    made = msgspec.structs.replace(made, covariance=msgspec.UNSET)
    material = made.resin
    small = {n: msgspec.structs.replace(getattr(material, n), sd=0.01 * getattr(material, n).value) for n in ("dp_um", "ec_mj_cm2")}
    made = msgspec.structs.replace(made, resin=msgspec.structs.replace(material, **small))
    u, rng = ResinUncertainty.of(made), np.random.default_rng(3)
    drawn = u.values + rng.normal(size=(draws, len(u.values))) * np.sqrt(np.diag(u.covariance))

    def depth(values):
        own = dict(zip(u.names, values.tolist(), strict=True))
        fields = {n: msgspec.structs.replace(getattr(made.resin, n), value=v) for n, v in own.items()}
        got = depth_bands(msgspec.structs.replace(made, resin=msgspec.structs.replace(made.resin, **fields)), 4 * RATE * TC, 25.0)
        return got.cured_depth_um.value, got.print_through_um.value

    alone, roof = np.std([depth(v) for v in drawn], axis=0)
    got = depth_bands(made, 4 * RATE * TC, 25.0)
    assert got.cured_depth_um.sd == pytest.approx(alone, rel=within) and got.print_through_um.sd == pytest.approx(roof, rel=within)


def test_a_dose_that_cures_nothing_has_no_depth():
    got = depth_bands(resin(), 0.5 * RATE * TC, 1e4)
    assert got.cured_depth_um.value == 0.0 and got.cured_depth_um.sd == 0.0
