"""Gray levels: labs with a hidden response by all three ways of measuring, a table that never falls, a printer that has it."""

import numpy as np
import pytest
from calibration_labs import filled, rows_of, share_inside, write_rows
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import pmsl
from pmsl.calibrate import CouponOptions, coupon, fit
from pmsl.calibrate.fits.gray_response import gray_table
from pmsl.cli.app import app
from pmsl.errors import MeasurementError, UsageError
from pmsl.exposure import dose_map
from pmsl.profiles.response import response

PRINTER, RESIN = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")
STEPS = (48, 80, 112, 160, 208)


def hidden(level, gamma, lift):
    """A response with a step in it, as of video: relative light of a level."""
    part = np.asarray(level) / 255
    return np.where(part >= 1, 1.0, np.where(part <= 0, 0.0, np.clip((1 - lift) * part**gamma + lift * (part > 0.4), 0, 1)))


def lab(seed, way, folder):
    rng = np.random.default_rng(seed)
    dp, ec, gamma, lift = rng.uniform(20, 90), rng.uniform(2, 20), rng.uniform(0.7, 1.6), rng.uniform(0, 0.1)
    rows = []
    if way == "thickness_um":
        for dose in ec * np.array([12.0, 20.0, 34.0]):
            for level in (*STEPS, 255, 255):
                depth = dp * np.log(dose * hidden(level, gamma, lift) / ec)
                if depth > 6:
                    rows.append({"level": level, "dose_mj_cm2": dose, way: depth + rng.normal(0, 2)})
    else:
        for level in (*((0,) if way == "reading" else ()), *STEPS, 255) * 3:
            light = float(hidden(level, gamma, lift))
            value = 0.04 + 7.3 * light + rng.normal(0, 0.05) if way == "reading" else 0.8 / light * np.exp(rng.normal(0, 0.03))
            rows.append({"level": level, way: max(value, 0.0)})
    rows = [row for i, row in enumerate(rows) if i < 8 or rng.random() > 0.1]
    present = {row["level"] for row in rows}
    true = {f"level_{g}": float(hidden(g, gamma, lift)) for g in STEPS if g in present}
    return true, write_rows(folder / f"{way}{seed}.csv", rows)


def labs(seeds, way, folder):
    for seed in seeds:
        true, path = lab(seed, way, folder)
        yield true, fit("gray", path)


@pytest.mark.parametrize("way", ["first_cure_s", *(pytest.param(way, marks=pytest.mark.slow) for way in ("thickness_um", "reading"))])
def test_true_levels_lie_inside_their_intervals(way, tmp_path):
    shares = list(share_inside(labs(range(24), way, tmp_path)).values())
    assert np.mean(shares) >= 0.86 and min(shares) >= 0.75, shares  # levels of a lab share their white


@pytest.mark.slow
@pytest.mark.parametrize("way", ["thickness_um", "first_cure_s", "reading"])
def test_true_levels_lie_inside_their_intervals_of_a_thousand_labs(way, tmp_path):
    shares = share_inside(labs(range(1000), way, tmp_path))
    assert all(0.925 <= share <= 0.975 for share in shares.values()), shares


def test_exact_readings_give_the_very_table(tmp_path):
    levels = np.arange(0, 256, 5)
    path = write_rows(tmp_path / "m.csv", [{"level": g, "reading": 0.2 + 4 * (g / 255) ** 2.2} for g in levels for _ in range(2)])
    found = fit("gray", path)
    assert np.abs(found.tables["response"] - (np.arange(256) / 255) ** 2.2).max() < 2e-4


@given(st.lists(st.floats(-0.2, 1.3), min_size=1, max_size=9), st.floats(1e-4, 0.1))
def test_a_table_never_falls_whatever_was_measured(relative, sd):
    levels = np.linspace(20, 230, len(relative)).round()
    table = gray_table(levels, np.array(relative), np.full(len(relative), sd)).relative
    assert table[0] == 0 and table[-1] == 1 and (np.diff(table) >= 0).all()


def test_a_level_that_falls_is_said(tmp_path):
    rows = [{"level": g, "reading": r} for g, r in ((64, 2.0), (128, 5.0), (160, 3.0), (255, 8.0)) for _ in range(2)]
    for i, row in enumerate(rows):
        row["reading"] += 0.01 * (-1) ** i
    found = fit("gray", write_rows(tmp_path / "m.csv", rows))
    assert [f.value for f in found.findings if f.code == "response-falls"] == [pytest.approx(0.375, abs=0.01)]


def test_tiles_get_the_light_of_their_level():
    made = coupon("gray", PRINTER, RESIN)
    (plan,) = made.job.layers()
    doses = dose_map(made.job, plan).dense()
    for i, row in enumerate(rows_of(made)):
        tile = made.layout.tile(i)
        white = float(row["time_s"]) * float(row["irradiance_mw_cm2"])
        assert doses[tile.row0 + tile.rows // 2, tile.col0 + tile.cols // 2] == pytest.approx(white * int(row["level"]) / 255, rel=1e-6)


def test_the_loop_closes_on_the_truth_and_a_printer_has_the_table(tmp_path):
    rng = np.random.default_rng(4)

    def measured(row):
        dose = float(row["time_s"]) * float(row["irradiance_mw_cm2"]) * float(hidden(int(row["level"]), 1.4, 0.0))
        return {"thickness_um": max(60 * float(np.log(dose / 15.0)) + rng.normal(0, 1), 0.0)}

    sheet = filled(coupon("gray", PRINTER, RESIN, options=CouponOptions(doses=4)), tmp_path / "gray.csv", measured, 0.05, rng)
    done = CliRunner().invoke(app, ["calibrate", "fit", "gray", str(sheet), "--printer", "pmsl-2um", "-o", str(tmp_path / "mine.toml")])
    assert done.exit_code == 0, done.output
    mine = pmsl.find_printer(str(tmp_path / "mine.toml"))
    assert mine.response.kind == "table" and mine.response.table.class_ == "measured" and 0 < mine.response.table.sd < 0.05
    levels = np.arange(48, 256)
    assert np.abs(response(mine)[levels] - hidden(levels, 1.4, 0.0)).max() < 0.05
    assert mine.optics == PRINTER.optics


def test_white_tiles_of_a_working_curve_join(tmp_path):
    curve = [
        {"dose_mj_cm2": e, "thickness_um": 40 * np.log(e / 8) + w} for e, w in zip((12, 20, 34, 60), (0.3, -0.2, 0.1, -0.2), strict=True)
    ]
    gray = [{"level": g, "dose_mj_cm2": 100, "thickness_um": 40 * np.log(100 * g / 255 / 8)} for g in (64, 128, 192)]
    sheets = [write_rows(tmp_path / "g.csv", gray), write_rows(tmp_path / "w.csv", curve)]
    with pytest.raises(MeasurementError, match="no row of white"):
        fit("gray", sheets[:1])
    found = fit("gray", sheets)
    assert found.n == 7 and found.parameters["level_128"].value == pytest.approx(128 / 255, abs=0.01)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("level,reading\n0,0.1\n255,5\n255,5.1", "no level between black and white"),
        ("level,reading\n300,0.1\n255,5\n255,5.1", "level is 300; it must be a whole number from 0 to 255"),
        ("level,reading\n12.5,0.1\n255,5\n255,5.1", "level is 12.5"),
        ("level,reading\n128,5\n255,-5", "reading is -5; it must be 0 or more"),
        ("level,reading\n0,5\n128,4\n255,4\n128,4\n255,4", "no light at level 255"),
        ("level,reading,thickness_um\n128,5,\n255,,30\n255,9,", "thickness_um and reading in one fit"),
        ("level,thickness_um,dose_mj_cm2\n128,5,20\n255,30,20\n255,31,20", "white tiles (level 255) have fewer than two doses"),
        ("level,thickness_um,dose_mj_cm2\n128,5,20\n255,30,20\n255,21,40\n255,11,80", "falls with dose"),
        ("level,thickness_um,dose_mj_cm2\n128,50,20\n255,30,20\n255,41,40", "for 3 parameters"),
        ("levels,reading\n128,5", "unknown column 'levels'; did you mean 'level'"),
        ("level\n128", "neither a column thickness_um nor first_cure_s nor reading"),
    ],
)
def test_a_sheet_that_is_none_is_refused_by_name(tmp_path, text, words):
    (tmp_path / "gray.csv").write_text(text, encoding="utf-8")
    with pytest.raises(MeasurementError) as caught:
        fit("gray", tmp_path / "gray.csv")
    assert words in str(caught.value)


def test_levels_without_white_are_no_coupon():
    with pytest.raises(UsageError, match="255 among them"):
        coupon("gray", PRINTER, RESIN, options=CouponOptions(levels=[64, 128]))
