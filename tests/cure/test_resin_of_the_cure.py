"""Resin profiles: optional values of light and oxygen reach the cure model, and no dose is planned without them in silence."""

import json
import math

import msgspec
import pytest
from solids import box

import pmsl
from pmsl.cure import CureModel
from pmsl.errors import ProfileError
from pmsl.profiles import Resin, library_text
from pmsl.profiles.tables.schema import build, parse

PLAIN = library_text("pr48-405")  # Dp 69.3 µm, Ec 17.9 mJ/cm²
TOLD = 'class = "measured", source = "test"'
LINES = {
    "induction_mj_cm2": f"induction_mj_cm2 = {{ value = 2.5, {TOLD} }}",
    "extra_decays": f"extra_decays = {{ value = [{{ share = 0.2, length_um = 150.0 }}], {TOLD} }}",
    "tail": f"tail = {{ value = 0.05, {TOLD} }}",
    "scatter_um": f"scatter_um = {{ value = 0.5, {TOLD} }}",
    "memory": f'memory = {{ value = "open", {TOLD} }}',
}


def resin(*lines):
    return parse("\n".join([PLAIN, *lines, ""]), Resin, "x.toml")


def test_a_resin_without_them_is_pure_absorption():
    model = CureModel.of(resin())
    assert (model.decay.weights, model.decay.lengths_um, model.ec_mj_cm2) == ((1.0,), (69.3,), 17.9)
    assert (model.induction_mj_cm2, model.scatter_um, model.memory) == (0.0, 0.0, "enclosed")


def test_all_of_them_reach_the_model():
    model = CureModel.of(resin(*LINES.values()))
    assert model.decay.weights == pytest.approx((0.75, 0.2, 0.05)) and model.decay.lengths_um == (69.3, 150.0, math.inf)
    assert (model.induction_mj_cm2, model.threshold_mj_cm2, model.scatter_um, model.memory) == (2.5, 17.9 - 2.5, 0.5, "open")


def test_resins_are_stored_with_what_they_give_and_nothing_else():
    for lines, more in (((), set()), (LINES.values(), set(LINES))):
        given = resin(*lines)
        stored = json.loads(msgspec.json.encode(given))
        assert set(stored["resin"]) == {"wavelength_nm", "dp_um", "ec_mj_cm2", "shrinkage"} | more
        assert build(stored, Resin, "job.json") == given


@pytest.mark.parametrize(
    ("key", "old", "new", "message"),
    [
        ("induction_mj_cm2", "2.5", "17.9", "induction_mj_cm2 is 17.9, it must be below ec_mj_cm2 = 17.9"),
        ("induction_mj_cm2", "2.5", "-1.0", "induction_mj_cm2.value"),
        ("extra_decays", "0.2", "1.0", "share"),
        ("extra_decays", "150.0", "0.0", "length_um"),
        ("extra_decays", "length_um", "lenght_um", "did you mean 'length_um'"),
        ("tail", "0.05", "0.0", "tail.value"),
        ("tail", "0.05", "1.0", "tail.value"),
        ("scatter_um", "0.5", "-0.5", "scatter_um.value"),
        ("memory", '"open"', '"opened"', "'enclosed' or 'open'"),
        ("memory", "source", "sauce", "did you mean 'source'"),
    ],
)
def test_values_that_cannot_be_are_named(key, old, new, message):
    with pytest.raises(ProfileError, match=message):
        resin(LINES[key].replace(old, new))


def test_shares_leave_something_for_dp():
    with pytest.raises(ProfileError, match="take 1 of the dose"):
        resin(LINES["extra_decays"].replace("0.2", "0.95"), LINES["tail"])


@pytest.mark.parametrize("key", LINES)
def test_doses_are_planned_with_what_the_resin_gives(key):
    solid = box((1000, 1000, 0), (1100, 1100, 40))
    plain, given = (pmsl.prepare([solid], "pmsl-25um", r) for r in (resin(), resin(LINES[key])))
    (before,), (after,) = plain[3].exposures, given[3].exposures
    model = CureModel.of(given.resin)
    assert after.dose_mj_cm2 * model.decay.fraction(10) == pytest.approx(1.5 * model.ec_mj_cm2, rel=1e-12)
    assert (after.dose_mj_cm2 == before.dose_mj_cm2) == (key not in ("extra_decays", "tail"))


def test_an_induction_dose_of_zero_is_no_induction():
    solid = box((1000, 1000, 0), (1100, 1100, 30))
    assert pmsl.prepare([solid], "pmsl-25um", resin(LINES["induction_mj_cm2"].replace("2.5", "0.0"))).n_layers == 3
