"""Working curves: published ones to the last digit, synthetic labs inside their intervals, bad sheets refused by name."""

import json
import math

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import pmsl
from pmsl.calibrate import WorkingCurveData, curve_sd_um, fit_working_curve, read_working_curve
from pmsl.calibrate.fits import regression
from pmsl.cli.app import app
from pmsl.errors import MeasurementError

IRRADIANCE = 1.93824
RESIN_A = "8.2 112.7625, 7.6 105.7425, 7.0 92.115, 6.4 79.9275, 5.8 69.535, 5.2 56.385, 4.6 32.49"
RESIN_B = "3.3 121.3925, 3.0 113.165, 2.7 101.695, 2.4 95.6025, 2.1 83.4825, 1.8 69.4775, 1.5 57.1925"


def pairs(text):
    return np.array([[float(v) for v in pair.split()] for pair in text.split(",")]).T


def data_of(time, thickness, irradiance=IRRADIANCE, sd=math.nan):
    time, thickness = np.broadcast_arrays(np.asarray(time, float), np.asarray(thickness, float))
    power = np.broadcast_to(np.asarray(irradiance, float), time.shape)
    rows = tuple(f"tiles.csv:{i + 2}" for i in range(len(time)))
    return WorkingCurveData(time * power, time, thickness, power, np.broadcast_to(np.asarray(sd, float), time.shape), rows, "tiles.csv")


# --- published curves (OpenSLAice, Anycubic Mono 4 Ultra) -------------------------------------------------------


@pytest.mark.parametrize(
    ("tiles", "held_out", "values", "rmse"),
    [
        (RESIN_A, "6.0 73.25, 5.6 60.29, 4.8 44.22", (135.58, 5.39, 3.524, 0.085, 0.949, 6.831), 2.08),
        (RESIN_B, "2.2 86.01, 2.0 79.53, 1.6 63.15", (81.72, 2.19, 0.756, 0.023, 0.974, 1.465), 1.31),
    ],
)
def test_published_curves_to_the_last_digit(tiles, held_out, values, rmse):
    found = fit_working_curve(data_of(*pairs(tiles)))
    dp, tc, ec = (found.parameters[name] for name in ("dp_um", "tc_s", "ec_mj_cm2"))
    got = (round(dp.value, 2), round(dp.sd, 2), round(tc.value, 3), round(tc.sd, 3), round(found.correlation("dp_um", "tc_s"), 3))
    assert (*got, round(ec.value, 3)) == values
    time, thickness = pairs(held_out)
    assert round(float(np.sqrt(np.mean((thickness - dp.value * np.log(time / tc.value)) ** 2))), 2) == rmse
    at = found.prediction["dose_mj_cm2"]
    low, high = (np.interp(np.log(time * IRRADIANCE), np.log(at), found.prediction[name]) for name in ("low_um", "high_um"))
    assert ((thickness > low) & (thickness < high)).all()


def test_the_band_needs_the_covariance():
    found = fit_working_curve(data_of(*pairs(RESIN_A)))
    assert round(curve_sd_um(found, 6 * IRRADIANCE), 2) == 1.07
    dp, ec = found.parameters["dp_um"], found.parameters["ec_mj_cm2"]
    alone = math.hypot(math.log(6 * IRRADIANCE / ec.value) * dp.sd, dp.value / ec.value * ec.sd)
    assert round(alone, 2) == 4.36


def test_students_interval():
    found = fit_working_curve(data_of(*pairs(RESIN_A)))
    dp = found.parameters["dp_um"]
    assert (dp.interval95[1] - dp.value) / dp.sd == pytest.approx(2.5706, abs=1e-4)  # t of 5 degrees of freedom


# --- closed forms and invariances -------------------------------------------------------------------------------


@given(st.floats(5, 300), st.floats(0.5, 50), st.lists(st.floats(1.05, 30), min_size=3, max_size=12, unique=True))
def test_exact_data_give_the_very_curve(dp, ec, ratios):
    ratios = np.array(ratios)
    if np.ptp(np.log(ratios)) < 0.05:
        ratios = np.append(ratios, 40.0)
    found = fit_working_curve(data_of(ec * ratios / 4.0, dp * np.log(ratios), 4.0))
    assert found.parameters["dp_um"].value == pytest.approx(dp, rel=1e-6)
    assert found.parameters["ec_mj_cm2"].value == pytest.approx(ec, rel=1e-5)
    assert found.rmse < 1e-6 * dp


def test_other_units_of_exposure_scale_the_values_and_nothing_else():
    time, thickness = pairs(RESIN_A)
    one, two = fit_working_curve(data_of(time, thickness)), fit_working_curve(data_of(time, thickness, 10 * IRRADIANCE))
    assert two.parameters["ec_mj_cm2"].value == pytest.approx(10 * one.parameters["ec_mj_cm2"].value)
    assert two.parameters["tc_s"].value == pytest.approx(one.parameters["tc_s"].value)
    assert two.parameters["dp_um"] == pytest.approx(one.parameters["dp_um"]) or two.parameters["dp_um"].sd == pytest.approx(
        one.parameters["dp_um"].sd
    )


def test_rows_repeated_with_weights_are_weights():
    """Stated errors of 1 and 1/√2 µm are as tiles measured once and twice."""
    time, thickness = pairs(RESIN_A)
    sd = np.where(np.arange(7) < 3, math.sqrt(0.5), 1.0)
    weighted = fit_working_curve(data_of(time, thickness, sd=sd))
    again = np.repeat(np.arange(7), np.where(np.arange(7) < 3, 2, 1))
    repeated = fit_working_curve(data_of(time[again], thickness[again]))
    for name in ("dp_um", "ec_mj_cm2"):
        assert weighted.parameters[name].value == pytest.approx(repeated.parameters[name].value, rel=1e-9)


def test_a_line_by_the_normal_equations():
    rng = np.random.default_rng(3)
    x, y, w = np.column_stack([np.ones(9), rng.normal(size=(9, 2))]), rng.normal(size=9), rng.uniform(0.5, 2, 9)
    line = regression.fit_line(x, y, w)
    normal = np.linalg.inv(x.T @ np.diag(w) @ x)
    assert np.allclose(line.coefficients, normal @ x.T @ (w * y))
    assert np.allclose(line.covariance, normal * float(w @ line.residuals**2) / 6)
    for i in range(9):  # each residual by the fit of all others
        rest = np.arange(9) != i
        other = regression.fit_line(x[rest], y[rest], w[rest])
        off = y[i] - x[i] @ other.coefficients
        sd = math.sqrt(other.spread**2 / w[i] + x[i] @ other.covariance @ x[i])
        assert line.studentised[i] == pytest.approx(off / sd)


# --- synthetic labs: an own, slow forward model -----------------------------------------------------------------


DEPTH = np.linspace(0, 400, 80_001)


def cured_um(dose, dp, ec):
    """Depth at which the dose has fallen to Ec, looked for on a grid."""
    lost = -np.exp(-DEPTH / dp)
    return DEPTH[np.searchsorted(lost, -ec / dose, side="right") - 1]


def lab(seed, noise=2.0, power=1.0, ratio=1.0, repeats=1, bleach_um=0.0):
    rng = np.random.default_rng(seed)
    dp, ec, irradiance = rng.uniform(10, 140), rng.uniform(1, 20), rng.uniform(1, 30)
    doses = np.repeat(ec * np.geomspace(1.3, 6, 8), repeats)
    light = np.repeat(irradiance * np.where(np.arange(len(doses) // repeats) % 2, ratio, 1.0), repeats)
    effective = doses * (light / irradiance) ** (power - 1)
    thickness = cured_um(effective, dp, ec) + rng.normal(0, noise, len(doses))
    if bleach_um:
        at = np.log(doses)
        thickness = thickness + bleach_um * ((at - at.mean()) ** 2 - np.var(at))
    used = rng.random(len(doses)) > 0.1  # tiles that were lost
    used[: 3 * repeats] = True
    return dp, ec, data_of((doses / light)[used], np.maximum(thickness[used], 0), light[used])


def coverage(seeds):
    inside = {"dp_um": 0, "ec_mj_cm2": 0}
    for seed in seeds:
        dp, ec, data = lab(seed)
        found = fit_working_curve(data)
        for name, true in (("dp_um", dp), ("ec_mj_cm2", ec)):
            low, high = found.parameters[name].interval95
            inside[name] += low <= true <= high
    return {name: count / len(seeds) for name, count in inside.items()}


def test_true_values_lie_inside_their_intervals():
    """The interval of Ec is that of a straight line's zero: of 200 labs 95 % ± 4.5 %."""
    assert all(0.905 <= share <= 0.995 for share in coverage(range(200)).values())


@pytest.mark.slow
def test_true_values_lie_inside_their_intervals_of_a_thousand_labs():
    shares = coverage(range(1000))
    assert all(0.925 <= share <= 0.975 for share in shares.values()), shares
    assert 0.94 <= np.mean(list(shares.values())) <= 0.96, shares


def raised(code, seeds, **how):
    return np.mean([code in [f.code for f in fit_working_curve(lab(seed, **how)[2]).findings] for seed in seeds])


def test_failing_reciprocity_and_bleaching_are_lack_of_fit():
    assert raised("lack-of-fit", range(30), power=0.8, ratio=10.0, repeats=3) >= 0.9
    assert raised("lack-of-fit", range(30), repeats=3, bleach_um=8.0) >= 0.9
    assert raised("lack-of-fit", range(30), repeats=3) <= 0.2


def test_an_outlier_is_named_and_only_robust_changes_the_values():
    time, thickness = pairs(RESIN_B)
    exact = 80 * np.log(time / 0.75) + np.array([0.3, -0.2, 0.1, -0.4, 0.2, -0.1, 0.1])
    spoilt = exact.copy()
    spoilt[2] += 25
    plain, robust = fit_working_curve(data_of(time, spoilt)), fit_working_curve(data_of(time, spoilt), robust=True)
    (named,) = [f for f in plain.findings if f.code == "measurement-outlier"]
    assert named.message.startswith("tiles.csv:4:") and named.value > 15
    assert abs(robust.parameters["dp_um"].value - 80) < 3 < abs(plain.parameters["dp_um"].value - 80) or abs(
        robust.parameters["ec_mj_cm2"].value - 0.75 * IRRADIANCE
    ) < abs(plain.parameters["ec_mj_cm2"].value - 0.75 * IRRADIANCE)
    clean = fit_working_curve(data_of(time, exact))
    assert not [f for f in clean.findings if f.code == "measurement-outlier"]


def test_stated_errors_tell_a_bad_fit():
    time, thickness = pairs(RESIN_A)
    assert "lack-of-fit" in [f.code for f in fit_working_curve(data_of(time, thickness, sd=0.3)).findings]
    assert "lack-of-fit" not in [f.code for f in fit_working_curve(data_of(time, thickness, sd=3.0)).findings]


# --- sheets -----------------------------------------------------------------------------------------------------

SHEET = "time_s,thickness_um\n" + "\n".join(f"{t},{c}" for t, c in pairs(RESIN_A).T)


@pytest.fixture
def sheet(tmp_path):
    def write(text, name="tiles.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return write


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("time_s,thickness\n1,2", "unknown column 'thickness'; did you mean 'thickness_um'"),
        ("time_s,thickness_um,colour\n1,2,3", "unknown column 'colour'"),
        ("time_s,time_s,thickness_um\n1,2,3", "stands there 2 times"),
        ("thickness_um\n1", "neither a column time_s nor dose_mj_cm2"),
        ("time_s\n1", "no column thickness_um"),
        ("time_s;thickness_um\n1;2", "semicolons"),
        ("time_s,thickness_um\n1,2,5\n", "3 cells under 2 columns; decimals are written with a point"),
        ('time_s,thickness_um\n"1,5",2', "is '1,5', no number; decimals"),
        ("time_s,thickness_um\n1,two", "thickness_um is 'two', no number"),
        ("time_s,thickness_um\n1,-2", "thickness_um is -2; it must be 0 or more"),
        ("time_s,thickness_um\n0,2", "time_s is 0; it must be above 0"),
        ("time_s,thickness_um\n1,inf", "it must be"),
        ("time_s,thickness_um\n,2", "neither time_s nor dose_mj_cm2"),
        ("time_s,thickness_um\n1,\n2,", "no row has a thickness"),
        ("time_s,thickness_um\n1,0.03\n2,0.04\n3,0.05", "is that mm"),
        ("time_s,thickness_um\n1,30000\n2,40000\n3,50000", "is that nm"),
        ("time_s,thickness_um,use\n1,30,2", "use is 2; it must be 0 or 1"),
        ("time_s,thickness_um,irradiance_mw_cm2\n1,30,5\n2,40,", "no irradiance, others have one"),
        ("time_s,irradiance_mw_cm2,dose_mj_cm2,thickness_um\n1,5,8,30", "× irradiance_mw_cm2 is 5 mJ/cm², dose_mj_cm2 says 8"),
        ("time_s,thickness_um\n1,30\n2,40", "at least 3 are needed"),
        ("time_s,thickness_um\n2,30\n2,40\n2,35", "the tiles are alike"),
        ("time_s,thickness_um\n1,40\n2,30\n3,20", "thickness falls with dose"),
    ],
)
def test_a_sheet_that_is_none_is_refused_by_name(sheet, text, words):
    with pytest.raises(MeasurementError) as caught:
        fit_working_curve(sheet(text))
    assert words in str(caught.value) and "tiles.csv" in str(caught.value) or "parameters" in words or "needed" in words or "alike" in words


def test_rows_may_be_left_out_repeated_and_commented(sheet):
    text = (
        "# printed on Monday\n"
        + SHEET.replace("thickness_um", "thickness_um,use,note", 1).replace("\n", ",1,fine\n")
        + ",1,\n9,999,0,broken\n7,,1,lost\n"
    )
    text = text.replace("thickness_um,use,note,1,fine", "thickness_um,use,note").replace("Monday,1,fine", "Monday")
    found = fit_working_curve(sheet(text), IRRADIANCE)
    assert found.n == 7 and round(found.parameters["dp_um"].value, 2) == 135.58
    (said,) = [f for f in found.findings if f.code == "rows-left-out"]
    assert said.value == 2 and "tiles.csv:10" in said.message


def test_several_sheets_join(sheet):
    lines = SHEET.splitlines()
    one, two = sheet("\n".join(lines[:5]), "a.csv"), sheet("\n".join([lines[0], *lines[5:]]), "b.csv")
    found = fit_working_curve([one, two], IRRADIANCE)
    assert found.n == 7 and round(found.parameters["dp_um"].value, 2) == 135.58 and "a.csv" in found.source and "b.csv" in found.source


def test_doses_alone_and_times_alone(sheet):
    time, thickness = pairs(RESIN_A)
    doses = "dose_mj_cm2,thickness_um\n" + "\n".join(f"{t * IRRADIANCE},{c}" for t, c in zip(time, thickness, strict=True))
    by_dose, by_time = fit_working_curve(sheet(doses, "d.csv")), fit_working_curve(sheet(SHEET))
    assert list(by_dose.parameters) == ["dp_um", "ec_mj_cm2"] and list(by_time.parameters) == ["dp_um", "tc_s"]
    assert by_dose.parameters["ec_mj_cm2"].value == pytest.approx(by_time.parameters["tc_s"].value * IRRADIANCE)
    assert "irradiance-unknown" in [f.code for f in by_time.findings]


def test_a_byte_order_mark_and_other_line_ends(sheet):
    read = read_working_curve([sheet("\ufeff" + SHEET.replace("\n", "\r\n"))], IRRADIANCE)
    assert len(read.time_s) == 7


# --- the command, and the profile -------------------------------------------------------------------------------


def run(*words):
    return CliRunner().invoke(app, ["calibrate", "fit", "working-curve", *map(str, words)])


def test_the_command_writes_a_profile_that_prints_and_says_what_was_measured(sheet, tmp_path, samples):
    out = tmp_path / "mine.toml"
    done = run(sheet(SHEET), "--irradiance", IRRADIANCE, "-o", out)
    assert done.exit_code == 0, done.output
    resin = pmsl.find_resin(str(out))
    dp, ec = resin.resin.dp_um, resin.resin.ec_mj_cm2
    assert (dp.class_, ec.class_, resin.schema) == ("measured", "measured", "pmsl.resin/2")
    assert round(dp.value, 2) == 135.58 and round(dp.sd, 2) == 5.39 and "tiles.csv (sha256" in dp.source
    (together,) = resin.covariance
    assert together.names == ["dp_um", "ec_mj_cm2"] and math.sqrt(together.matrix[0][0]) == pytest.approx(dp.sd)
    printer = pmsl.find_printer("microfluidics-7.6um")
    job = pmsl.prepare(pmsl.place([pmsl.load_solid(samples / "f_orientation.stl")], printer, resin), printer, resin)
    assert not any(name.startswith("resin.") for name in job.placeholders)
    pmsl.write(job, tmp_path / "job.zip")
    again = pmsl.read(tmp_path / "job.zip")
    assert again.resin == job.resin and json.loads(CliRunner().invoke(app, ["info", str(tmp_path / "job.zip"), "--json"]).stdout)


def test_the_json_of_a_fit(sheet):
    done = json.loads(run(sheet(SHEET), "--irradiance", IRRADIANCE, "--json").stdout)
    dp = done["parameters"]["dp_um"]
    assert (
        set(dp) == {"value", "sd", "interval95", "unit"} and dp["unit"] == "µm" and dp["interval95"][0] < dp["value"] < dp["interval95"][1]
    )
    assert {"covariance", "rmse", "n", "lack_of_fit", "prediction", "findings"} <= set(done) and done["n"] == 7
    assert set(done["prediction"][0]) == {"dose_mj_cm2", "thickness_um", "sd_um", "low_um", "high_um"}


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--irradiance", "0"], 2, "--irradiance 0"),
        (["--irradiance", "nan"], 2, "--irradiance nan"),
        (["--fail-on", "warning"], 4, "irradiance-unknown"),
        (["-o", "OUT"], 3, "no dose"),
        (["--resin", "nothing"], 3, "nothing"),
    ],
)
def test_nothing_is_written_where_a_fit_failed(sheet, tmp_path, words, code, text, capfd):
    from pmsl.cli import app as cli

    out = tmp_path / "mine.toml"
    import sys

    argv = ["pmsl", "calibrate", "fit", "working-curve", str(sheet(SHEET)), *[str(out) if w == "OUT" else w for w in words]]
    before, sys.argv = sys.argv, argv
    try:
        assert cli.main() == code
    finally:
        sys.argv = before
    assert text in capfd.readouterr().err and not out.exists()


def test_a_profile_that_is_there_is_replaced_only_when_asked(sheet, tmp_path):
    out = tmp_path / "mine.toml"
    out.write_text("precious")
    assert run(sheet(SHEET), "--irradiance", 2, "-o", out).exit_code != 0 and out.read_text() == "precious"
    assert run(sheet(SHEET), "--irradiance", 2, "-o", out, "--force").exit_code == 0 and "dp_um" in out.read_text()


# --- sd and covariance in profiles ------------------------------------------------------------------------------


def changed(text, old, new):
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("matrix", "names", "words"),
    [
        ("[[1.0, 0.0]]", '["dp_um", "ec_mj_cm2"]', "expected 2 × 2"),
        ("[[1.0, 0.5], [0.4, 1.0]]", '["dp_um", "ec_mj_cm2"]', "not symmetric"),
        ("[[1.0, 2.0], [2.0, 1.0]]", '["dp_um", "ec_mj_cm2"]', "negative variance"),
        ("[[1.0, 0.0], [0.0, 1.0]]", '["dp_um", "depth"]', "expected different keys"),
        ("[[1.0, 0.0], [0.0, 1.0]]", '["dp_um", "dp_um"]', "expected different keys"),
        ("[[1.0]]", '["dp_um"]', "length"),
    ],
)
def test_a_covariance_that_is_none(tmp_path, matrix, names, words):
    from pmsl.errors import ProfileError
    from pmsl.profiles import library_template

    text = library_template("pr48-405").replace("pmsl.resin/1", "pmsl.resin/2")
    (tmp_path / "r.toml").write_text(f"{text}\n[[covariance]]\nnames = {names}\nmatrix = {matrix}\n", encoding="utf-8")
    with pytest.raises(ProfileError, match=words):
        pmsl.find_resin(str(tmp_path / "r.toml"))


def test_a_standard_deviation_is_a_key_of_version_2():
    from pmsl.errors import ProfileError
    from pmsl.profiles import Printer, Resin, library_text
    from pmsl.profiles.tables.schema import parse

    for name, kind, key in (("pegda-nps-1.0-385", Resin, "dp_um"), ("pmsl-2um", Printer, "wavelength_nm")):
        text = library_text(name)
        word = kind.__name__.lower()
        start = text.index(f"{key} = {{")
        stated = text[:start] + text[start:].replace("{", "{ sd = 0.5,", 1)
        with pytest.raises(ProfileError, match=f"{word}/2"):
            parse(stated.replace(f"{word}/2", f"{word}/1"), kind, "a.toml")
        two = stated.replace(f"{word}/1", f"{word}/2")
        assert parse(two, kind, "a.toml").schema == f"pmsl.{word}/2"
        with pytest.raises(ProfileError):
            parse(two.replace("sd = 0.5", "sd = -0.5"), kind, "a.toml")
