"""Profiles: the shipped library is what the house plan says; what is misspelt is refused with the near match."""

import json
import re

import pytest

import pmsl
from pmsl.errors import ProfileError
from pmsl.profiles import Printer, Process, Resin, library, library_text
from pmsl.profiles.printer import Orientation
from pmsl.profiles.tables.schema import build, parse

RESINS = {  # Dp [µm], Ec [mJ/cm²]; of those without a published Ec: None
    **{f"pegda-nps-{c}-385": (dp, None) for c, dp in (("0.5", 37.55), ("0.8", 25.41), ("1.0", 20.94), ("1.5", 14.58), ("2.0", 11.19))},
    **{f"pegda-avobenzone-{c}-365": (dp, None) for c, dp in (("1.0", 4.2), ("1.5", 2.9), ("2.0", 2.2))},
    **{f"pegda-{c}": (dp, None) for c, dp in (("nps-2.0-365", 9.5), ("nps-3.0-365", 6.5), ("nps-2.0-405", 20.0), ("nps-3.0-405", 14.0))},
    "pegda-avobenzone-2.0-nps-2.0-365": (1.8, None),
    "pegda-avobenzone-2.0-nps-2.0-405": (18.0, None),
    "pegda-avobenzone-2.0-sudan-0.6-365": (2.0, None),
    "pegda-avobenzone-2.0-sudan-0.6-405": (13.0, None),
    "pr48-385": (39.2, 12.3),
    "pr48-405": (69.3, 17.9),
    "pr48-385-405": (69.3, 17.9),
    "pr48-bennett-365": (42.0, 18.3),
    "pr48-bennett-405": (53.0, 6.3),
    "formlabs-clear-365": (146.0, 5.2),
    "formlabs-clear-405": (192.0, 12.6),
    "veroclear-365": (186.0, 2.1),
    "veroclear-405": (568.0, 6.9),
    "verowhiteplus-365": (43.0, 0.7),
    "verowhiteplus-405": (145.0, 1.9),
    "tangoblackplus-365": (95.0, 2.4),
    "tangoblackplus-405": (151.0, 4.1),
    "liqcreate-premium-black-385": (90.0, 2.47),
    "liqcreate-premium-black-405": (170.0, 5.0),
    "liqcreate-premium-white-385": (80.0, 3.8),
    "liqcreate-premium-white-405": (350.0, 6.87),
    "liqcreate-premium-tough-385": (120.0, 7.22),
    "liqcreate-premium-tough-405": (560.0, 14.47),
    "liqcreate-strong-x-385": (90.0, 9.56),
    "liqcreate-strong-x-405": (200.0, 9.88),
    "liqcreate-composite-x-385": (110.0, 14.3),
    "liqcreate-composite-x-405": (180.0, 9.55),
}
LIBRARY = {
    "printer": {
        "microfluidics-7.6um",
        "microfluidics-7.6um-2um",
        "dlp6500",
        "dlp9000",
        "pmsl-2um",
        "pmsl-10um",
        "pmsl-25um",
        "dlp-27um",
        "prusa-sl1",
        "prusa-sl1s",
        "laser-405",
    },
    "resin": set(RESINS),
    "process": {"default", "laser"},
}


def test_the_library_is_complete_and_every_profile_is_valid():
    assert {kind: set(names) for kind, names in library().items()} == LIBRARY
    for kind, find in (("printer", pmsl.find_printer), ("resin", pmsl.find_resin), ("process", pmsl.find_process)):
        for name in LIBRARY[kind]:
            assert find(name).name == name


@pytest.mark.parametrize(
    ("name", "field_mm"),
    [
        ("microfluidics-7.6um", (19.456, 12.16)),
        ("dlp6500", (14.52, 8.16)),
        ("dlp9000", (19.35, 12.10)),
        ("pmsl-2um", (3.84, 2.16)),
        ("pmsl-10um", (19.2, 10.8)),
        ("pmsl-25um", (48, 27)),
        ("prusa-sl1", (120.96, 68.04)),
        ("prusa-sl1s", (128, 81)),
    ],
)
def test_fields(name, field_mm):
    printer = pmsl.find_printer(name)
    (rows, cols), (px, py) = printer.dmd.shape.value, printer.optics.pitch_um.value
    assert (cols * px / 1000, rows * py / 1000) == pytest.approx(field_mm, abs=0.01)


@pytest.mark.parametrize(("name", "format"), [("prusa-sl1", "sl1-prusa"), ("prusa-sl1s", "sl1s-prusa")])
def test_a_prusa_is_the_panel_its_files_are_written_for(name, format):
    from pmsl.formats import registry
    from pmsl.formats.frames.device_frame import frame_shape

    printer, target = pmsl.find_printer(name), registry.find(format).capability
    assert printer.optics.pitch_um.value == target.exact_pitch_um and printer.orientation == target.orientation
    assert frame_shape(printer.field_px, printer.orientation) == target.exact_size


def test_nothing_unpublished_passes_as_known():
    for name in LIBRARY["printer"]:
        irradiance = pmsl.find_printer(name).optics.settings[0].irradiance_mw_cm2
        assert (irradiance.class_ == "published") == (name == "dlp-27um")
    for name in LIBRARY["resin"]:
        resin = pmsl.find_resin(name).resin
        assert resin.dp_um.class_ == "published"
        assert (resin.ec_mj_cm2.class_ == "published") == (not name.startswith("pegda"))


@pytest.mark.parametrize("name", RESINS)
def test_published_numbers(name):
    resin, (dp, ec) = pmsl.find_resin(name).resin, RESINS[name]
    assert resin.dp_um.value == dp and name.endswith(f"-{resin.wavelength_nm.value:.0f}")
    assert (resin.ec_mj_cm2.value, resin.ec_mj_cm2.class_) == ((6.0, "placeholder") if ec is None else (ec, "published"))
    assert ("no Ec is published" in resin.ec_mj_cm2.source) == (ec is None)


def test_standard_deviations_are_those_that_are_published():
    stated = {name: pmsl.find_resin(name).resin for name in RESINS if "sd = " in library_text(name)}
    assert {name: (r.dp_um.sd, r.ec_mj_cm2.sd) for name, r in stated.items()} == {
        "pr48-385": (3.7, 3.0),
        "pr48-405": (3.8, 2.3),
        "pr48-385-405": (3.8, 2.3),
    }


@pytest.mark.parametrize("kind", LIBRARY)
def test_every_source_names_something(kind):
    for name in LIBRARY[kind]:
        for source in re.findall(r'source = "([^"]*)"', library_text(name)):
            assert len(source.split()) >= 4, (name, source)


def test_values_that_contradict_each_other_say_so():
    for name, other in (("pr48-405", ("Bennett 2017 gives 53 um", "6.3 mJ/cm2")), ("pr48-bennett-405", ("69.3 um", "17.9 mJ/cm2"))):
        resin = pmsl.find_resin(name).resin
        for value, words in zip((resin.dp_um, resin.ec_mj_cm2), other, strict=True):
            assert words in value.source and "measure yours" in value.source


def test_a_shipped_text_saved_edited_and_passed_back_by_path(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        library_text("pr48-385").replace('name = "pr48-385"', 'name = "mine"').replace("value = 12.3", "value = 11"), encoding="utf-8"
    )
    assert pmsl.find_resin(path).resin.ec_mj_cm2.value == 11.0
    assert pmsl.find_resin(str(path)).name == "mine"


BAD = [
    ("pegda-nps-1.0-385", Resin, "dp_um", "dp_u", r"unknown key 'dp_u' in \[resin\]; did you mean 'dp_um'"),
    ("pegda-nps-1.0-385", Resin, "20.94", "-3", r"resin\.dp_um\.value: expected `float` > 0\.0 \(found -3\)"),
    ("pegda-nps-1.0-385", Resin, "20.94", "inf", r"resin\.dp_um\.value is inf"),
    ("pegda-nps-1.0-385", Resin, "20.94", "nan", r"resin\.dp_um\.value"),
    ("pegda-nps-1.0-385", Resin, '"published"', '"publishd"', "'measured' or 'published' or 'placeholder'"),
    ("pegda-nps-1.0-385", Resin, "pmsl.resin/1", "pmsl.resin/3", r"expected 'pmsl\.resin/1' or 'pmsl\.resin/2' \(found 'pmsl\.resin/3'\)"),
    ("pegda-nps-1.0-385", Resin, "[resin]", "[resin", "not valid TOML"),
    ("pegda-nps-1.0-385", Resin, "[0.0, 0.0, 0.0]", "[0.0, 0.9, 0.0]", r"shrinkage\.value\[1\]"),
    ("pmsl-2um", Printer, "power = 1.0", "powr = 1.0", r"unknown key 'powr' in \[optics\.settings\[0\]\]; did you mean 'power'"),
    ("pmsl-2um", Printer, "[stage]", "[stag]", "unknown key 'stag'; did you mean 'stage'"),
    ("pmsl-2um", Printer, '"-y"', '"-x"', "same axis"),
    ("pmsl-2um", Printer, "frame_locked = false", "frame_locked = true", "needs frame_s"),
    ("pmsl-2um", Printer, "sigma_pitch", "sigma_um", None),
    ("default", Process, "layer_um = 10.0", "layer_um = 0", r"layer_um: expected `float` > 0\.0 \(found 0\)"),
    ("default", Process, "lift_um_s = 2000.0", "lift_um_s = 1e300", r"motion\.lift_um_s"),
    ("default", Process, "lift_um_s = 2000.0", "lift_um_s = 1e-320", r"motion\.lift_um_s"),
    ("default", Process, "bottom_dose_factors", "bottom_dose_factor", "did you mean 'bottom_dose_factors'"),
]


@pytest.mark.parametrize(("name", "kind", "old", "new", "words"), BAD)
def test_what_is_wrong_is_named(name, kind, old, new, words):
    text = library_text(name)
    assert old in text
    changed = text.replace(old, new, 1)
    if words is None:
        parse(changed, kind, "x.toml")
    else:
        with pytest.raises(ProfileError, match=words):
            parse(changed, kind, "x.toml")


def test_a_file_with_a_byte_order_mark_is_read(tmp_path):
    (tmp_path / "bom.toml").write_bytes(b"\xef\xbb\xbf" + library_text("pr48-385").encode())
    assert pmsl.find_resin(tmp_path / "bom.toml").name == "pr48-385"


def test_a_bare_number_is_told_how_to_say_its_source():
    text = re.sub(r"dp_um = .*", "dp_um = 20.0", library_text("pr48-385"))
    with pytest.raises(ProfileError, match="class = .*source"):
        parse(text, Resin, "x.toml")


def test_a_missing_key_is_named():
    with pytest.raises(ProfileError, match=r"key 'dp_um' is missing in \[resin\]"):
        parse(re.sub(r"dp_um = .*", "", library_text("pr48-385")), Resin, "x.toml")


def test_unknown_names_have_a_near_match():
    with pytest.raises(ProfileError, match="did you mean 'microfluidics-7.6um'"):
        pmsl.find_printer("microfluidic-7.6um")
    with pytest.raises(ProfileError, match="No such file"):
        pmsl.find_printer("nowhere.toml")


@pytest.mark.parametrize(
    ("row", "col", "mirrored"),
    [("-y", "+x", False), ("+y", "+x", True), ("-y", "-x", True), ("+y", "-x", False), ("+x", "+y", False), ("-x", "+y", True)],
)
def test_mirrored_is_told_by_the_axes(row, col, mirrored):
    assert Orientation(row=row, col=col).mirrored is mirrored


def test_profiles_survive_json():
    import msgspec

    for name in LIBRARY["printer"]:
        printer = pmsl.find_printer(name)
        assert build(json.loads(msgspec.json.encode(printer)), Printer, "json") == printer


def test_shipped_files_are_named_after_kind_and_name():
    from importlib.resources import files

    from pmsl.profiles import library

    names = {f"{kind}-{name}.toml" for kind, found in library().items() for name in found}
    assert names == {f.name for f in (files("pmsl.profiles") / "library").iterdir() if f.name.endswith(".toml")}
