"""Resins whose liquid is exchanged by contact: keys, limits, version, and what a job says rests on placeholders."""

import math

import msgspec
import pytest

import pmsl
from pmsl.cure import CureModel
from pmsl.errors import ExposureError, ProfileError
from pmsl.profiles import Resin, library, library_template, library_text
from pmsl.profiles.placeholders import placeholders
from pmsl.profiles.tables.overrides import with_values
from pmsl.profiles.tables.schema import build, parse

PLAIN = library_text("pegda-nps-1.0-385")


def written(schema=2, **values):
    """The text of a resin with some keys more."""
    keys = [f'{key} = {{ value = {value}, class = "placeholder", source = "test" }}' for key, value in values.items()]
    return PLAIN.replace("resin/1", f"resin/{schema}").replace("[resin]", "\n".join(["[resin]", *keys]))


def resin(**values):
    return parse(written(**values), Resin, "a.toml")


def test_contact_is_read_written_and_read_again():
    for reach, wanted in ((200.0, 200.0), ("inf", math.inf), ('"inf"', math.inf), (1e-9, 1e-9)):
        made = resin(memory='"contact"', renewal=0.5, reach_um=reach)
        assert made.schema == "pmsl.resin/2"
        again = build(msgspec.json.decode(msgspec.json.encode(made)), Resin, "job.json")
        assert again == made
        cure = CureModel.of(again)
        assert (cure.memory, cure.renewal, cure.reach_um) == ("contact", 0.5, wanted)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"renewal": 1.01}, r"resin\.renewal\.value: expected `float` <= 1\.0 \(found 1\.01\)"),
        ({"renewal": -0.1}, r"resin\.renewal\.value: expected `float` >= 0\.0 \(found -0\.1\)"),
        ({"renewal": "nan"}, r"resin\.renewal\.value"),
        ({"renewal": "inf"}, r"resin\.renewal\.value"),
        ({"reach_um": 0.0}, r"resin\.reach_um\.value: expected `float` > 0\.0 \(found 0\.0\)"),
        ({"reach_um": -3}, r"resin\.reach_um\.value: expected `float` > 0\.0 \(found -3\)"),
        ({"reach_um": "-inf"}, r"resin\.reach_um\.value: expected `float` > 0\.0"),
        ({"reach_um": "nan"}, r"resin\.reach_um\.value"),
        ({"reach_um": '"far"'}, r"resin\.reach_um\.value: expected a number or 'inf' \(found 'far'\)"),
        ({"memory": '"both"'}, r"resin\.memory\.value: expected 'enclosed' or 'open' or 'contact'"),
        ({"memory": '"contact"'}, r"needs renewal \(0 to 1\) and reach_um \(above 0, or \"inf\"\); renewal and reach_um are missing"),
        ({"memory": '"contact"', "renewal": 1.0}, r"needs renewal .*; reach_um is missing"),
    ],
)
def test_what_cannot_be_is_refused_with_value_and_limit(values, message):
    with pytest.raises(ProfileError, match=message):
        resin(**values)


def test_it_came_with_version_2():
    for values, names in (
        ({"renewal": 1.0}, "renewal"),
        ({"renewal": 1.0, "reach_um": 20.0, "memory": '"contact"'}, "renewal, .*reach_um"),
    ):
        with pytest.raises(ProfileError, match=rf"{names} came with pmsl\.resin/2"):
            parse(written(1, **values), Resin, "a.toml")
    assert resin(memory='"open"').schema == "pmsl.resin/1"


def test_shipped_resins_say_what_they_said():
    with_sd = {"pr48-385", "pr48-405", "pr48-385-405"}
    for name in library()["resin"]:
        found = pmsl.find_resin(name)
        assert found.resin.memory is None and found.resin.own_version() == (2 if name in with_sd else 1)
        text = library_template(name)
        assert "## renewal = { value = 1.0" in text and "## reach_um = { value = 200.0" in text and '"contact"' in text


def test_a_job_rests_on_them_only_by_contact():
    printer = pmsl.find_printer("pmsl-2um")
    named = {"resin.renewal", "resin.reach_um"}
    by_contact = resin(memory='"contact"', renewal=0.5, reach_um=20.0)
    assert named <= set(placeholders(printer, by_contact, printer.optics.settings[0].power))
    stated = resin(memory='"enclosed"', renewal=0.5, reach_um=20.0)
    assert not named & set(placeholders(printer, stated, printer.optics.settings[0].power))


def test_a_study_may_change_them():
    printer, process = pmsl.find_printer("pmsl-2um"), pmsl.find_process("default")
    made = resin(memory='"contact"', renewal=0.5, reach_um=20.0)
    _, other, _ = with_values(printer, made, process, {"resin.reach_um": math.inf, "resin.renewal": 1.0})
    assert (other.resin.reach_um.value, other.resin.renewal.value) == ("inf", 1.0)
    with pytest.raises(ProfileError, match="renewal"):
        with_values(printer, made, process, {"resin.renewal": 1.5})


@pytest.mark.parametrize(("renewal", "reach"), [(-0.1, 10.0), (1.1, 10.0), (math.nan, 10.0), (0.5, 0.0), (0.5, -1.0), (0.5, math.nan)])
def test_the_model_refuses_them_too(renewal, reach):
    cure = CureModel.of(pmsl.find_resin("pr48-405"))
    with pytest.raises(ExposureError, match="renewal|reach"):
        CureModel(cure.decay, cure.ec_mj_cm2, memory="contact", renewal=renewal, reach_um=reach)
