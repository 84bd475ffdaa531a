"""Optional terms of resins: keys, limits, version; a resin that states none is as it was."""

import msgspec
import pytest

import pmsl
from pmsl.cure import CureModel
from pmsl.errors import ExposureError, ProfileError
from pmsl.profiles import Resin, library_template, library_text
from pmsl.profiles.placeholders import placeholders
from pmsl.profiles.tables.schema import build, parse

PLAIN = library_text("pegda-nps-1.0-385")
ALL = {"reciprocity": 0.8, "reciprocity_mw_cm2": 20.0, "bleach_share": 0.5, "bleach_cm2_mj": 0.01, "flush_share": 0.3}


def written(schema=2, **values):
    keys = [f'{key} = {{ value = {value}, class = "placeholder", source = "test" }}' for key, value in values.items()]
    return PLAIN.replace("resin/1", f"resin/{schema}").replace("[resin]", "\n".join(["[resin]", *keys]))


def resin(**values):
    return parse(written(**values), Resin, "a.toml")


def test_they_are_read_written_and_read_again_and_reach_the_model():
    made = resin(**ALL)
    assert made.schema == "pmsl.resin/2"
    assert build(msgspec.json.decode(msgspec.json.encode(made)), Resin, "job.json") == made
    light = CureModel.of(resin(**{k: v for k, v in ALL.items() if k.startswith("reciprocity")}))
    assert (light.reciprocity, light.reciprocity_mw_cm2, light.bleaching, light.flush_share) == (0.8, 20.0, None, 0.5)
    bleached = CureModel.of(resin(bleach_share=0.5, bleach_cm2_mj=0.01, flush_share=0.3))
    assert (bleached.bleaching.share, bleached.bleaching.cm2_mj, bleached.flush_share) == (0.5, 0.01, 0.3)
    with pytest.raises(ExposureError, match=r"bleach_share is 0\.5 beside reciprocity = 0\.8"):
        CureModel.of(made)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"reciprocity": 0.0, "reciprocity_mw_cm2": 20.0}, r"resin\.reciprocity\.value: expected `float` > 0\.0 \(found 0\.0\)"),
        ({"reciprocity": -0.5, "reciprocity_mw_cm2": 20.0}, r"resin\.reciprocity\.value: expected `float` > 0\.0 \(found -0\.5\)"),
        ({"reciprocity": 2.5, "reciprocity_mw_cm2": 20.0}, r"resin\.reciprocity\.value: expected `float` <= 2\.0"),
        ({"reciprocity": 0.8}, "reciprocity is stated without reciprocity_mw_cm2"),
        ({"reciprocity_mw_cm2": 0.8}, "reciprocity_mw_cm2 is stated without reciprocity"),
        ({"bleach_cm2_mj": 0.1}, "bleach_cm2_mj is stated without bleach_share"),
        ({"bleach_share": 1.1, "bleach_cm2_mj": 0.1}, r"resin\.bleach_share\.value: expected `float` <= 1\.0"),
        ({"bleach_share": 0.5, "bleach_cm2_mj": 0.0}, r"resin\.bleach_cm2_mj\.value: expected `float` > 0\.0"),
        ({"flush_share": 1.0}, r"resin\.flush_share\.value: expected `float` < 1\.0"),
        ({"flush_share": 0.0}, r"resin\.flush_share\.value: expected `float` > 0\.0"),
    ],
)
def test_what_cannot_be_is_refused_with_value_and_limit(values, message):
    with pytest.raises(ProfileError, match=message):
        resin(**values)


def test_they_came_with_version_2_and_the_template_names_them_with_units():
    for key in ALL:
        other = {"reciprocity": "reciprocity_mw_cm2", "bleach_share": "bleach_cm2_mj"}
        pairs = other | {b: a for a, b in other.items()}
        values = {key: ALL[key]} | ({pairs[key]: ALL[pairs[key]]} if key in pairs else {})
        with pytest.raises(ProfileError, match=rf"{key}.* came with pmsl\.resin/2"):
            parse(written(1, **values), Resin, "a.toml")
    text = library_template("pegda-nps-1.0-385")
    assert all(f"## {key} = {{ value = " in text for key in ALL) and "cm²/mJ" in text


def test_a_job_rests_on_their_placeholders():
    printer = pmsl.find_printer("pmsl-2um")
    named = placeholders(printer, resin(bleach_share=0.5, bleach_cm2_mj=0.01), printer.optics.settings[0].power)
    assert {"resin.bleach_share", "resin.bleach_cm2_mj"} <= set(named)
