"""What is refused before any layer: wavelengths known to differ, corrections that rest on what nobody gave."""

import re

import msgspec
import pytest
from solids import box

import pmsl
from pmsl.errors import ExposureError, ProfileError, UsageError
from pmsl.profiles import library_text
from pmsl.profiles.tables.strict_struct import Value

replace = msgspec.structs.replace
CUBE = [box((540, 540, 0), (1080, 1080, 30))]
PRINTER, RESIN, PROCESS = pmsl.find_printer("dlp-27um"), pmsl.find_resin("pr48-385"), pmsl.find_process("default")


def measured(value):
    return Value(value=value, class_="measured", source="test")


def of(*names):
    return replace(PROCESS, corrections=names)


def test_wavelengths_that_are_known_to_differ_are_refused():
    with pytest.raises(ExposureError, match="characterised at 405 nm, printer dlp-27um exposes at 385 nm"):
        pmsl.prepare(CUBE, PRINTER, "pr48-405")
    near = replace(RESIN, resin=replace(RESIN.resin, wavelength_nm=measured(392.0)))
    assert "wavelength-mismatch" not in [f.code for f in pmsl.prepare(CUBE, PRINTER, near).findings]


def test_a_placeholder_wavelength_is_a_finding_but_corrections_do_not_guess():
    assert "wavelength-mismatch" in [f.code for f in pmsl.prepare(CUBE, "pmsl-25um", RESIN).findings]
    with pytest.raises(ExposureError, match="exposes at 405 nm"):
        pmsl.prepare(CUBE, pmsl.find_printer("pmsl-25um"), RESIN, of("edges"), accept_uncalibrated=True)


def test_corrections_want_values_that_somebody_gave():
    with pytest.raises(ExposureError, match=r"correct edges: rests on placeholder values for .*sigma.*--accept-uncalibrated"):
        pmsl.prepare(CUBE, PRINTER, RESIN, of("edges"))
    with pytest.raises(ExposureError, match="pr48-385 does not state its memory"):
        pmsl.prepare(CUBE, PRINTER, RESIN, of("edges", "printthrough"), accept_uncalibrated=True)
    with pytest.raises(UsageError, match=r"dlp-27um has no optics\.flat_field"):
        pmsl.prepare(CUBE, PRINTER, RESIN, of("flatfield"), accept_uncalibrated=True)


def test_doses_outside_the_measured_range_are_found():
    known = replace(RESIN, resin=replace(RESIN.resin, dose_range_mj_cm2=measured((20.0, 120.0))))
    found = {f.code: f for f in pmsl.prepare(CUBE, PRINTER, known).findings}["dose-outside-measured"]
    assert found.layers == (0, 0) and found.limit == 120.0  # 10, 5, 2.5, 1 times 23.8 mJ/cm², and 119.1 is inside
    assert found.value == pytest.approx(10 * 1.5 * 12.3 * 2.718281828 ** (10 / 39.2))
    wide = replace(RESIN, resin=replace(RESIN.resin, dose_range_mj_cm2=measured((20.0, 1200.0))))
    assert "dose-outside-measured" not in [f.code for f in pmsl.prepare(CUBE, PRINTER, wide).findings]


def test_a_dose_range_that_is_none_is_refused(tmp_path):
    text = library_text("pr48-385") + '\n[resin.dose_range_mj_cm2]\nvalue = [5.0, 5.0]\nclass = "measured"\nsource = "test"\n'
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(ProfileError, match="dose_range_mj_cm2 is 5 to 5"):
        pmsl.find_resin(tmp_path / "r.toml")


def test_each_correction_is_applied_once(tmp_path):
    twice = library_text("default").replace("layer_um", 'corrections = ["edges", "edges"]\nlayer_um', 1)
    (tmp_path / "p.toml").write_text(twice)
    with pytest.raises(ProfileError, match="corrections name 'edges' 2 times"):
        pmsl.find_process(tmp_path / "p.toml")


@pytest.mark.parametrize(
    "text, message",
    [("edges,edges", "edges is named 2 times"), ("edge", "'edge' is no correction; choose from edges"), ("", "is no correction")],
)
def test_the_option_is_strict(text, message):
    from pmsl.pipeline.request.option_parsing import corrections

    with pytest.raises(UsageError, match=re.escape(message)):
        corrections(text)


def test_the_option_takes_any_order_and_none():
    from pmsl.pipeline.request.option_parsing import corrections

    assert corrections("printthrough, edges") == ("edges", "printthrough")
    assert corrections("none") == () and corrections(None) is None
