"""Gray response: level → light and back, and what a printer profile may say of it."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solids import box

import pmsl
from pmsl.errors import ExposureError, ProfileError
from pmsl.optics.grayscale import levels_of, response
from pmsl.profiles import Printer, library_text
from pmsl.profiles.printer import Response
from pmsl.profiles.release import recorded
from pmsl.profiles.tables.schema import build, parse
from pmsl.profiles.tables.strict_struct import Value

PRINTER = pmsl.find_printer("dlp-27um")
replace = msgspec.structs.replace


def value(v):
    return Value(value=v, class_="measured", source="test")


def gamma(g):
    return replace(PRINTER, response=Response(kind="gamma", gamma=value(g)))


def table(entries):
    return replace(PRINTER, response=Response(kind="table", table=value([float(e) for e in entries])))


def test_the_default_is_linear():
    assert PRINTER.response.kind == "linear"
    assert np.array_equal(response(PRINTER), np.arange(256) / 255)


def test_gamma():
    light = response(gamma(2.153))  # one measured video path
    assert light[0] == 0 and light[255] == 1
    assert light[128] == pytest.approx((128 / 255) ** 2.153, rel=1e-15)


def test_a_table_of_256_is_taken_as_it_is_scaled_to_white():
    entries = np.cumsum(np.arange(256)) * 0.37
    assert response(table(entries)) == pytest.approx(entries / entries[-1], rel=1e-15)
    assert response(table(entries))[255] == 1


@pytest.mark.parametrize("entries", [257, 511, 1021, 1024, 4096])
def test_a_longer_table_is_read_at_the_256_levels(entries):
    ramp = np.linspace(0, 7.5, entries)
    assert response(table(ramp)) == pytest.approx(np.arange(256) / 255, abs=1e-14)


@st.composite
def measured_tables(draw):
    """Tables with plateaus, jumps, and steps of the last bits."""
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    steps = rng.random(255) * rng.choice([0.0, 1.0, 1e-15, 1e-3], 255, p=[0.3, 0.4, 0.2, 0.1])
    steps[draw(st.integers(0, 254))] = 1.0
    return np.concatenate([[0.0], np.cumsum(steps)])


@given(measured_tables())
def test_light_of_a_level_is_given_back_exactly(entries):
    light = response(table(entries))
    back = levels_of(light, light)
    assert np.array_equal(light[back], light)
    assert (back <= np.arange(256)).all()  # the lowest of those that give the same


@given(measured_tables(), st.floats(0, 1))
def test_no_level_is_nearer(entries, wanted):
    light = response(table(entries))
    assert abs(light[levels_of(wanted, light)] - wanted) == np.abs(light - wanted).min()


@pytest.mark.parametrize("printer", [PRINTER, gamma(2.2), gamma(0.5)])
def test_every_level_comes_back_as_itself(printer):
    light = response(printer)
    assert np.array_equal(levels_of(light, light), np.arange(256))


def test_half_way_the_brighter_and_the_last_bit_above_white_is_white():
    light = np.arange(256.0) / 256
    light[255] = 1.0
    assert levels_of(np.array([0.5, 1.5, 253.5]) / 256, light).tolist() == [1, 2, 254]
    assert levels_of(1 + 1e-12, light) == 255 and levels_of(-1e-12, light) == 0


@pytest.mark.parametrize("bad", [-0.01, 1.01, np.nan, np.inf])
def test_light_that_no_level_gives_is_refused(bad):
    with pytest.raises(ExposureError, match="given by no gray level; expected 0 to 1"):
        levels_of([0.5, bad], response(PRINTER))


def test_dose_maps_use_the_printers_response():
    part = box((54, 54, 0), (54 + 27 * 3.5, 54 + 27 * 2.25, 30))
    printer, resin, process = gamma(2.153), pmsl.find_resin("pr48-385"), pmsl.find_process("default")
    job = pmsl.prepare([part], printer, resin, process)
    exposure = job[1].exposures[0]
    levels = exposure.mask.dense(np.uint8)
    dose = pmsl.dose_map(job, job[1]).dense()
    assert np.allclose(dose, exposure.dose_mj_cm2 * (levels / 255) ** 2.153, rtol=1e-6)
    assert dose.max() == np.float32(exposure.dose_mj_cm2)


def test_a_job_keeps_the_response(tmp_path):
    printer = table(np.arange(256.0) ** 2)
    job = pmsl.prepare([box((54, 54, 0), (148.5, 108, 30))], printer, pmsl.find_resin("pr48-385"), pmsl.find_process("default"))
    pmsl.write(job, tmp_path / "j", dose=True)
    assert pmsl.verify(tmp_path / "j") == []
    read = pmsl.read(tmp_path / "j")
    assert read.printer == recorded(printer)
    assert np.array_equal(pmsl.dose_map(read, read[0]).dose, pmsl.dose_map(job, job[0]).dose)


def test_profiles_without_a_response_still_read():
    old = msgspec.to_builtins(PRINTER)
    del old["response"], old["optics"]["flat_field"]
    for name in set(old["optics"]["psf"]) - {"kind", "sigma_pitch", "sigma_um"}:
        del old["optics"]["psf"][name]
    assert build(old, Printer, "old") == PRINTER


def numbers(entries):
    return "[" + ", ".join(str(float(e)) for e in entries) + "]"


WITH_SOURCE = 'class = "measured", source = "photodiode" }'
BAD = [
    ('kind = "gamma"', "gamma is given for kind 'gamma' and only then"),
    (f'kind = "linear"\ngamma = {{ value = 2.2, {WITH_SOURCE}', "gamma is given for kind 'gamma'"),
    (f'kind = "gamma"\ngamma = {{ value = 0, {WITH_SOURCE}', r"response\.gamma\.value: expected `float` > 0\.0 \(found 0\)"),
    (f'kind = "table"\ntable = {{ value = {numbers(range(255))}, {WITH_SOURCE}', "table has 255 entries; expected 256 or more"),
    (f'kind = "table"\ntable = {{ value = {numbers(range(1, 257))}, {WITH_SOURCE}', "table starts with 1; expected 0"),
    (
        f'kind = "table"\ntable = {{ value = {numbers([*range(200), 150, *range(201, 256)])}, {WITH_SOURCE}',
        "table falls from 199 at entry 199 to 150 at entry 200",
    ),
    (f'kind = "table"\ntable = {{ value = {numbers([0] * 256)}, {WITH_SOURCE}', "table ends with 0"),
    (f'kind = "table"\ntable = {{ value = {numbers([0, -1, *range(2, 256)])}, {WITH_SOURCE}', r"table\.value\[1\]|table\.value\[\.\.\.\]"),
    ('kind = "sigmoid"', "'linear' or 'gamma' or 'table'"),
    ('kin = "linear"', r"unknown key 'kin' in \[response\]; did you mean 'kind'"),
]


@pytest.mark.parametrize(("lines", "words"), BAD)
def test_a_wrong_response_is_refused_with_value_and_limit(lines, words):
    with pytest.raises(ProfileError, match=words):
        parse(f"{library_text('dlp-27um')}\n[response]\n{lines}\n", Printer, "x.toml")
