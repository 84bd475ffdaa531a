"""A resin of one machine on another: refused at another wavelength, wider at another irradiance, the reason in its source."""

import math
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import pmsl
from pmsl.calibrate import transferred_resin
from pmsl.calibrate.transfer import DP_PER_NM, EC_PER_NM
from pmsl.cli.app import app
from pmsl.errors import UsageError
from pmsl.profiles import library
from pmsl.profiles.resin import Covariance

PRINTER, RESIN = pmsl.find_printer("dlp-27um"), pmsl.find_resin("pr48-385")  # 385 nm, 20.5 mW/cm², both published
LIGHT = PRINTER.optics.settings[0].irradiance_mw_cm2.value
DP, EC = RESIN.resin.dp_um, RESIN.resin.ec_mj_cm2


def at_nm(wavelength_nm):
    optics = msgspec.structs.replace(
        PRINTER.optics, wavelength_nm=msgspec.structs.replace(PRINTER.optics.wavelength_nm, value=wavelength_nm)
    )
    return msgspec.structs.replace(PRINTER, optics=optics)


def test_the_same_light_adds_nothing():
    made = transferred_resin(RESIN, PRINTER, LIGHT).resin
    assert (made.dp_um.sd, made.ec_mj_cm2.sd) == (DP.sd, EC.sd) and "no error added" in made.dp_um.source and DP.source in made.dp_um.source


@given(st.floats(0.01, 100))
def test_another_irradiance_widens_ec_by_what_reciprocity_may_do(ratio):
    made = transferred_resin(RESIN, PRINTER, LIGHT * ratio).resin
    powers = np.linspace(0.5, 1, 20_001)  # of E = I^p t, all alike
    spread = math.sqrt(np.mean(((1 - powers) * math.log(ratio)) ** 2))
    assert made.ec_mj_cm2.sd == pytest.approx(math.hypot(EC.sd, spread * EC.value), rel=1e-3)
    assert (made.ec_mj_cm2.value, made.dp_um.value, made.dp_um.sd) == (EC.value, DP.value, DP.sd)


@pytest.mark.parametrize("off", [-7.5, -3.0, 5.0])
def test_a_wavelength_a_little_off_widens_both(off):
    made = transferred_resin(RESIN, at_nm(385 + off), LIGHT).resin
    assert made.dp_um.sd == pytest.approx(math.hypot(DP.sd, DP_PER_NM * abs(off) * DP.value))
    assert made.ec_mj_cm2.sd == pytest.approx(math.hypot(EC.sd, EC_PER_NM * abs(off) * EC.value))
    assert f"{385 + off:g} nm" in made.dp_um.source and "% error added" in made.dp_um.source


def test_what_a_nanometre_changes_is_that_of_the_published_resins():
    found = {}
    for name in library()["resin"]:
        resin = pmsl.find_resin(name).resin
        if resin.ec_mj_cm2.class_ == "published":
            found.setdefault(name.rpartition("-")[0], []).append((resin.wavelength_nm.value, resin.dp_um.value, resin.ec_mj_cm2.value))
    pairs = [pair for rows in found.values() for pair in pairwise(sorted(rows))]
    for i, stated in ((1, DP_PER_NM), (2, EC_PER_NM)):
        assert math.sqrt(np.mean([(math.log(b[i] / a[i]) / (b[0] - a[0])) ** 2 for a, b in pairs])) == pytest.approx(stated, rel=0.005)
    assert len(pairs) == 11


def test_values_without_an_error_had_ten_percent():
    made = transferred_resin(pmsl.find_resin("liqcreate-strong-x-385"), PRINTER, 2 * LIGHT).resin
    assert made.ec_mj_cm2.sd == pytest.approx(9.56 * math.hypot(0.1, math.log(2) / math.sqrt(12)))
    assert "no sd stated: 10 % assumed" in made.ec_mj_cm2.source and made.dp_um.sd is msgspec.UNSET


def test_covariances_grow_on_their_diagonal():
    resin = msgspec.structs.replace(RESIN, covariance=[Covariance(names=["ec_mj_cm2", "dp_um"], matrix=[[9.0, 8.0], [8.0, 13.69]])])
    made = transferred_resin(resin, at_nm(387), 10 * LIGHT)
    (table,) = made.covariance
    assert table.matrix[0][1] == table.matrix[1][0] == 8.0
    assert np.sqrt(np.diag(table.matrix)) == pytest.approx([made.resin.ec_mj_cm2.sd, made.resin.dp_um.sd])


def test_a_profile_is_written_that_reads_and_says_so(tmp_path):
    words = ["calibrate", "transfer", "pr48-385", "--printer", "dlp-27um", "--irradiance", "2", "-o", str(tmp_path / "mine.toml")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "± " in done.output, done.output
    made = pmsl.find_resin(tmp_path / "mine.toml")
    assert made.name == "mine" and made.resin == transferred_resin(RESIN, PRINTER, 2.0).resin and made.resin.ec_mj_cm2.sd > 8
    again = CliRunner().invoke(app, words)
    assert isinstance(again.exception, UsageError) and "--force" in str(again.exception)


@pytest.mark.parametrize(
    ("printer", "measured", "words"),
    [
        (at_nm(405.0), LIGHT, "measured at 385 nm, .* exposes at 405 nm.*print a working curve"),
        (at_nm(392.6), LIGHT, "exposes at 392.6 nm"),
        (pmsl.find_printer("microfluidics-7.6um"), LIGHT, "20 mW/cm², is a placeholder; measure it"),
        (PRINTER, 0.0, "measured at 0 mW/cm²"),
        (PRINTER, math.nan, "measured at nan mW/cm²"),
        (PRINTER, math.inf, "measured at inf mW/cm²"),
    ],
)
def test_what_is_refused(printer, measured, words):
    with pytest.raises(UsageError, match=words):
        transferred_resin(RESIN, printer, measured)
