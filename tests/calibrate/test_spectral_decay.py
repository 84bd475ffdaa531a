"""Decays from a spectrum and an absorbance curve: closed forms, all wavelengths by themselves, and what is refused."""

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import pmsl
from pmsl.calibrate import read_spectral_decay, resin_of_spectrum, spectral_decay
from pmsl.cli.app import app
from pmsl.cure import CureModel
from pmsl.errors import MeasurementError, UsageError

LN10 = math.log(10.0)
FLAT = np.array([350.0, 420.0])


def found_of(nm, power, rates_nm, rates, path=10.0):
    """`rates` [1/µm] as the absorbance of a film of 10 µm."""
    return spectral_decay(np.array(nm, float), np.array(power, float), np.array(rates_nm, float), np.array(rates) * path / LN10, path)


def test_a_line_is_the_law_of_beer_lambert_and_bouguer():
    """PHYSICS: Dp = path / (ln 10 · absorbance)."""
    found = spectral_decay(np.array([385.0]), np.array([3.0]), FLAT, np.array([0.5, 0.5]), 25.0)
    assert found.decay.weights == (1.0,) and found.decay.lengths_um[0] == pytest.approx(25.0 / (LN10 * 0.5), rel=1e-12)
    assert found.initial_depth_um == pytest.approx(found.decay.lengths_um[0], rel=1e-12) and found.wavelength_nm == 385.0


def test_equal_absorbance_is_one_decay_whatever_the_spectrum():
    found = found_of([370, 380, 390], [1, 5, 2], FLAT, [0.05, 0.05])
    assert found.decay.lengths_um == pytest.approx((20.0,), rel=1e-12) and found.error < 1e-12


def test_two_bands_are_two_decays():
    """A step of the absorbance between two bands: exactly two exponentials, by their powers."""
    found = found_of([360, 370, 370.001, 395, 395.001, 405], [3, 3, 0, 0, 1, 1], [350, 380, 380.001, 410], [0.1, 0.1, 0.02, 0.02])
    assert found.decay.lengths_um == pytest.approx((10.0, 50.0), rel=1e-6)
    assert found.decay.weights == pytest.approx((0.75, 0.25), rel=1e-4)


def test_an_absorbance_that_rises_evenly_has_its_closed_form():
    """Even power, rates from a to b: A(z) = (exp(-a z) - exp(-b z)) / ((b - a) z); the terms come within what is said."""
    a, b = 0.02, 0.12
    found = found_of([360, 400], [1, 1], [360, 400], [a, b])
    assert 1 < len(found.decay.weights) <= 6 and math.fsum(found.decay.weights) == pytest.approx(1.0, abs=1e-12)
    assert found.error <= 2e-3
    for z in (1e-3, 3.0, 20.0, 60.0, 120.0):
        wanted = (math.exp(-a * z) - math.exp(-b * z)) / ((b - a) * z)
        assert found.fraction(z) == pytest.approx(wanted, rel=1e-4)
        assert found.decay.fraction(z) == pytest.approx(wanted, rel=2.5e-3)
    assert found.initial_depth_um == pytest.approx(2 / (a + b), rel=1e-6)


def test_what_is_not_absorbed_is_a_tail():
    """1.7 % of the power beyond the absorber, as an unfiltered 365 nm LED in an avobenzone resin leaves (BYU spectral analysis)."""
    found = found_of([360, 370, 370.001, 420, 420.001, 430], [98.3, 98.3, 0, 0, 1.7, 1.7], [350, 400, 400.001, 440], [0.1, 0.1, 0.0, 0.0])
    assert found.decay.tail == pytest.approx(0.017, rel=1e-3) and found.decay.lengths_um[0] == pytest.approx(10.0, rel=1e-6)


@given(st.lists(st.floats(0.0, 5.0), min_size=2, max_size=9), st.lists(st.floats(0.0, 3.0), min_size=2, max_size=9))
@settings(max_examples=60, deadline=None)
def test_terms_stay_between_all_wavelengths_and_near_their_sum(power, absorbance):
    nm, of = np.linspace(360, 400, len(power)), np.linspace(350, 410, len(absorbance))
    if sum(power) < 1e-3 or min(absorbance) < 0.02:
        return
    found = spectral_decay(nm, np.array(power), of, np.array(absorbance), 10.0)
    assert math.fsum(found.decay.weights) == pytest.approx(1.0, abs=1e-9) and (found.error <= 2e-3 or len(found.decay.weights) == 8)
    assert found.error <= 2e-2
    assert 1 / found.rates_per_um.max() * (1 - 1e-9) <= min(found.decay.lengths_um)
    assert max(found.decay.lengths_um) <= 1 / found.rates_per_um.min() * (1 + 1e-9)
    slope = sum(a / b for a, b in zip(found.decay.weights, found.decay.lengths_um, strict=True))
    assert 1 / slope == pytest.approx(found.initial_depth_um, rel=1e-6)


@pytest.mark.parametrize(
    ("nm", "power", "of", "absorbance", "path", "message"),
    [
        (
            [450, 460],
            [1, 1],
            FLAT,
            [1, 1],
            10,
            r"the spectrum, 450 to 460 nm, and the absorbance curve, 350 to 420 nm, do not overlap; at most 1 %",
        ),
        ([400, 440], [1, 1], FLAT, [1, 1], 10, r"overlap in part: 49\.9 % of the power lies outside; at most 1 %"),
        ([380, 370], [1, 1], FLAT, [1, 1], 10, r"the spectrum: wavelengths must be finite and ascend; there are 370 nm after 380 nm"),
        ([380, 390], [1, 1], [350, 350], [1, 1], 10, r"the absorbance curve: wavelengths must be finite and ascend"),
        ([380, 390], [0, 0], FLAT, [1, 1], 10, r"no power from 380 to 390 nm; it must be above 0"),
        ([380, 390], [1, 1], FLAT, [0, 0], 10, r"absorbs nothing from 380 to 390 nm"),
        ([380, 390], [1, 1], FLAT, [1, 1], 0, r"the path of the absorbance is 0 µm; it must be above 0"),
        ([385], [1], [380, 390], [1e9, 1e9], 10.0, "light falls to 1/e within 4.34.*e-09 µm; limit 0.01 to 1e.06 µm: is the path"),
        ([385], [1], [380, 390], [1.0, 1.0], 1e9, "limit 0.01 to 1e.06 µm: is the path of the absorbance in µm, 1e.09"),
        ([385, 4e8], [1, 1], [380, 390], [1.0, 1.0], 10.0, "the spectrum: from 385 to 4e.08 nm; limit 100 to 10000 nm"),
        ([385], [1], [0.38, 0.39], [1.0, 1.0], 10.0, "the absorbance curve: from 0.38 to 0.39 nm; limit 100 to 10000 nm: are they in nm"),
    ],
)
def test_what_cannot_be_is_refused_with_value_and_limit(nm, power, of, absorbance, path, message):
    with pytest.raises(MeasurementError, match=message):
        spectral_decay(*(np.array(v, float) for v in (nm, power, of, absorbance)), path)


def write(folder, light="360,0.1\n365,1\n370,0.2\n400,0.02\n", film="350,1.05\n370,0.98\n390,0.2\n410,0.01\n"):
    (folder / "led.csv").write_text("wavelength_nm,power\n" + light)
    (folder / "film.csv").write_text("wavelength_nm,absorbance\n" + film)
    return str(folder / "led.csv"), str(folder / "film.csv")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"light": "360,1\n359,1\n"}, r"led\.csv:3: wavelength_nm is 359 after 360; wavelengths must ascend"),
        ({"film": "360,1\n360,1\n"}, r"film\.csv:3: wavelength_nm is 360 after 360"),
        ({"film": "360,-1\n370,1\n"}, r"film\.csv:2: absorbance is -1; it must be 0 or more"),
        ({"light": "360,x\n"}, r"led\.csv:2: power is 'x', no number"),
    ],
)
def test_files_are_refused_by_the_line(tmp_path, files, message):
    with pytest.raises(MeasurementError, match=message):
        read_spectral_decay(*write(tmp_path, **files), 10.0)


def test_the_command_writes_a_resin_that_falls_so(tmp_path):
    led, film = write(tmp_path)
    out = tmp_path / "mine.toml"
    command = ["calibrate", "decays", led, film, "--path-um", "10", "--resin", "pegda-nps-1.0-385", "-o", str(out), "--json"]
    ran = CliRunner().invoke(app, command)
    assert ran.exit_code == 0, ran.output
    told, found = json.loads(ran.output), read_spectral_decay(led, film, 10.0)[0]
    made = pmsl.find_resin(out)
    model = CureModel.of(made)
    for z in (0.0, 5.0, 30.0):
        assert model.decay.fraction(z) == pytest.approx(found.fraction(z), rel=2.5e-3)
    assert made.name == "mine" and made.resin.ec_mj_cm2 == pmsl.find_resin("pegda-nps-1.0-385").resin.ec_mj_cm2
    assert made.resin.dp_um.class_ == "measured" and "led.csv (sha256 " in made.resin.dp_um.source and "film.csv (sha256 " in told["source"]
    assert [t["share"] for t in told["decay"]] == pytest.approx(model.decay.weights)
    again = CliRunner().invoke(app, command)
    assert again.exit_code != 0 and "--force" in again.output + str(again.exception)


def test_resin_and_file_belong_together(tmp_path):
    ran = CliRunner().invoke(app, ["calibrate", "decays", *write(tmp_path), "--path-um", "10", "--resin", "pr48-405"])
    assert isinstance(ran.exception, (UsageError, SystemExit)) and "belong together" in ran.output + str(ran.exception)


def test_a_covariance_of_the_old_values_is_left_out(tmp_path):
    import msgspec

    from pmsl.profiles.resin import Covariance

    old = pmsl.find_resin("pr48-385")
    old = msgspec.structs.replace(old, covariance=[Covariance(names=["dp_um", "ec_mj_cm2"], matrix=[[1.0, 0.0], [0.0, 1.0]])])
    found, source = read_spectral_decay(*write(tmp_path), 10.0)
    assert resin_of_spectrum(old, found, source).covariance is msgspec.UNSET
