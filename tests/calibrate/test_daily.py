"""The daily print: in control where nothing changed, and what changed where something did."""

import msgspec
import numpy as np
import pytest
from calibration_labs import filled, film_um
from click.testing import CliRunner

import pmsl
from pmsl.calibrate import coupon, fit
from pmsl.calibrate.fits.wall_widths import features_of, widths_um
from pmsl.cli.app import app
from pmsl.errors import MeasurementError

PRINTER = pmsl.find_printer("pmsl-10um")
PLAIN = pmsl.find_resin("pr48-405")
DP, EC = PLAIN.resin.dp_um.value, PLAIN.resin.ec_mj_cm2.value
RESIN = msgspec.structs.replace(
    PLAIN,
    resin=msgspec.structs.replace(
        PLAIN.resin,
        dp_um=msgspec.structs.replace(PLAIN.resin.dp_um, sd=0.01 * DP),
        ec_mj_cm2=msgspec.structs.replace(PLAIN.resin.ec_mj_cm2, sd=0.01 * EC),
    ),
)
MADE = coupon("daily", PRINTER, RESIN)


def day(path, seed, light=1.0, dp=1.0, edge=0.0, noise=0.7):
    rng = np.random.default_rng(seed)

    def measured(row):
        dose = float(row["time_s"]) * float(row["irradiance_mw_cm2"]) * light
        if not row["width_px"]:
            return {"thickness_um": float(film_um([dose], dp * DP, EC) + rng.normal(0, noise))}
        line = features_of(np.array(["line"]), np.array([90.0]), np.array([4.0]), np.array([dose]), (10.0, 10.0), np.arange(256) / 255)
        return {"width_um": float(widths_um(line, 0.36, EC)[0] + edge + rng.normal(0, noise))}

    return filled(MADE, path, measured)


def alarms(found):
    return {f.message.split()[0] for f in found.findings if f.code == "out-of-control"}


@pytest.mark.parametrize("many", [12, pytest.param(400, marks=pytest.mark.slow)])
def test_a_day_like_the_others_is_in_control(tmp_path, many):
    days = [alarms(fit("daily", day(tmp_path / f"{seed}.csv", seed), PRINTER, RESIN)) for seed in range(many)]
    assert sum(bool(names) for names in days) <= 1 + 0.05 * many  # three tests at 1 % each


@pytest.mark.parametrize(
    ("name", "change"),
    [("light_ratio", {"light": 0.8}), ("light_ratio", {"light": 1.25}), ("dp_ratio", {"dp": 0.85}), ("edge_um", {"edge": 9.0})],
)
def test_what_changed_is_named_with_how_much(tmp_path, name, change):
    seen = [fit("daily", day(tmp_path / f"{seed}.csv", seed, **change), PRINTER, RESIN) for seed in range(5)]
    assert sum(name in alarms(found) for found in seen) >= 4
    true = {"light": 1.0, "dp": 1.0, "edge": 0.0} | change
    for found in seen:
        for key, value in (("light_ratio", true["light"]), ("dp_ratio", true["dp"]), ("edge_um", true["edge"])):
            assert abs(found.parameters[key].value - value) < 8 * found.parameters[key].sd + 1e-6


def test_the_command_ends_with_what_it_found(tmp_path):
    sheet = day(tmp_path / "bad.csv", 3, light=0.6, noise=0.3)
    words = ["calibrate", "fit", "daily", str(sheet), "--printer", "pmsl-10um", "--resin", "pr48-405", "--irradiance", "20"]
    done = CliRunner().invoke(app, [*words, "--fail-on", "warning"])
    assert done.exit_code != 0 and "light_ratio" in done.output
    assert CliRunner().invoke(app, [*words, "-o", str(tmp_path / "x.toml")]).exit_code != 0 and not (tmp_path / "x.toml").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dose_mj_cm2,thickness_um\n40,50\n40,51\n40,49", "fewer than two doses"),
        ("dose_mj_cm2,thickness_um,width_um\n40,50,\n80,,40", "a width_um without width_px"),
        ("time_s,thickness_um\n4,50\n8,70", "no irradiance"),
        ("dose_mj_cm2,thickness_um\n40,50\n80,90", "for 2 parameters"),
        ("dose_mj_cm2,thickness\n40,50", "did you mean 'thickness_um'"),
    ],
)
def test_a_sheet_that_is_none_is_refused_by_name(tmp_path, text, words):
    (tmp_path / "day.csv").write_text(text, encoding="utf-8")
    with pytest.raises(MeasurementError) as caught:
        fit("daily", tmp_path / "day.csv", PRINTER)
    assert words in str(caught.value)
