"""Single values of profiles by dotted name."""

import pytest

from pmsl.errors import ProfileError
from pmsl.profiles import find_printer, find_process, find_resin
from pmsl.profiles.tables.overrides import SOURCE, check_name, with_values


@pytest.fixture
def profiles():
    return find_printer("pmsl-2um"), find_resin("pr48-405"), find_process("default")


def test_values_are_changed_and_nothing_else(profiles):
    printer, resin, process = with_values(
        *profiles,
        {
            "resin.dp_um": 40,
            "process.motion.settle_s": 2.5,
            "process.bottom_dose_factors.1": 3,
            "printer.optics.settings.0.irradiance_mw_cm2": 3.5,
        },
    )
    assert (resin.resin.dp_um.value, resin.resin.dp_um.class_, resin.resin.dp_um.source) == (40, "placeholder", SOURCE)
    assert resin.resin.ec_mj_cm2 == profiles[1].resin.ec_mj_cm2
    assert (process.motion.settle_s, process.bottom_dose_factors) == (2.5, (10.0, 3.0, 2.5))
    assert printer.optics.settings[0].irradiance_mw_cm2.value == 3.5 and printer.dmd == profiles[0].dmd


def test_a_value_that_the_profile_says_anyway_keeps_its_source(profiles):
    same = {
        "resin.dp_um": profiles[1].resin.dp_um.value,
        "resin.resin.ec_mj_cm2": profiles[1].resin.ec_mj_cm2.value,
        "process.layer_um": 10,
    }
    assert with_values(*profiles, same) == profiles == with_values(*profiles, {})


def test_a_value_with_its_source_is_taken_as_it_is(profiles):
    mine = {"value": 33.0, "class": "measured", "source": "me"}
    resin = with_values(*profiles, {"resin.dp_um": mine})[1]
    assert (resin.resin.dp_um.value, resin.resin.dp_um.class_, resin.resin.dp_um.source) == (33.0, "measured", "me")


def test_one_layer_height_replaces_a_list_of_them(profiles):
    process = with_values(*profiles, {"process.layers": [[3, 5.0], [1, 10.0]]})[2]
    assert process.layers == [(3, 5.0), (1, 10.0)]
    assert with_values(profiles[0], profiles[1], process, {"process.layer_um": 20})[2].layers is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("resin.dpum", 1, "did you mean 'dp_um'"),
        ("resn.dp_um", 1, "did you mean 'resin.dp_um'"),
        ("resin", 1, "begins with printer., resin. or process."),
        ("process.motion.settle", 1, "did you mean 'settle_s'"),
        ("process.layer_um.x", 1, "nothing lies below it"),
        ("process.layer_um", -1, "process.layer_um = -1: layer_um: expected `float` > 0.0"),
        ("process.layer_um", float("inf"), "<= 100000"),
        ("resin.dp_um", "x", "expected `float`"),
        ("process.regions.bulk", 1, "the profile has no [regions]"),
        ("printer.optics.settings.4.power", 1, "no place 4 in a list of 1"),
    ],
)
def test_what_no_profile_has_is_refused(profiles, name, value, words):
    with pytest.raises(ProfileError) as err:
        with_values(*profiles, {name: value})
    assert words in str(err.value)


def test_names_are_looked_at_without_a_profile():
    for name in ("process.regions.bulk", "printer.optics.settings.4.power", "resin.extra_decays", "printer.optics.psf.sigma_um"):
        check_name(name)
