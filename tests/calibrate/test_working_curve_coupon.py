"""The coupon of a working curve: one exposure a tile within the limits, numbers that survive, and a loop that closes on the sheet."""

import csv
import json
import math

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import pmsl
from pmsl.calibrate import fit_working_curve, read_working_curve
from pmsl.calibrate.coupons.measuring_sheet import sheet_text
from pmsl.calibrate.coupons.tile_layout import DIGIT_COLS, DIGITS, drawn_number, tile_layout
from pmsl.calibrate.coupons.working_curve_coupon import working_curve_coupon
from pmsl.cli.app import app
from pmsl.cure import CureModel
from pmsl.errors import MeasurementError, TargetError, UsageError
from pmsl.exposure import dose_map

RESIN, PROCESS = pmsl.find_resin("pr48-405"), pmsl.find_process("default")


def coupon(printer="pmsl-2um", **how):
    return working_curve_coupon(pmsl.find_printer(printer), RESIN, PROCESS, **how)


@pytest.mark.parametrize("printer", ["pmsl-2um", "microfluidics-7.6um", pytest.param("dlp-27um", marks=pytest.mark.slow)])
def test_every_tile_has_one_exposure_within_the_limits(printer):
    made = coupon(printer)
    limits, (plan,) = made.job.printer.limits, list(made.job.layers())
    assert len(plan.exposures) == 24 and all(set(np.unique(e.mask.dense(np.uint8))) == {0, 255} for e in plan.exposures)
    together = sum((e.mask.dense(np.uint8) > 0).astype(int) for e in plan.exposures)
    assert together.max() == 1  # nothing is lit twice
    assert (made.time_s <= limits.max_exposure_s.value).all() and (made.dose_mj_cm2 <= limits.max_dose_mj_cm2.value * (1 + 1e-9)).all()
    assert np.allclose(made.time_s * made.irradiance_mw_cm2, made.dose_mj_cm2)
    assert np.unique(np.round(made.dose_mj_cm2, 6)).size == 8


def test_the_dose_of_a_tile_is_that_of_the_sheet():
    made = coupon()
    (plan,) = made.job.layers()
    doses = dose_map(made.job, plan).dense()
    for i, dose in enumerate(made.dose_mj_cm2):
        row0, col0, rows, cols = made.layout.tile(i)
        assert np.allclose(doses[row0 : row0 + rows, col0 : col0 + cols], dose, rtol=1e-6)


def test_doses_are_spread_over_the_field():
    """No dose lies on one side: uneven light does not look like a curve."""
    made = coupon(doses=6, repeats=4)
    column = np.array([made.layout.tile(i).col0 for i in range(24)], float)
    assert abs(np.corrcoef(column, np.log(made.dose_mj_cm2))[0, 1]) < 0.35


@given(st.integers(1, 999), st.integers(1, 4))
def test_numbers_are_drawn_as_they_are(number, stroke):
    drawn = drawn_number(number, stroke)[::-1]  # as seen, y upward
    coarse = drawn[::stroke, ::stroke] > 0
    assert np.array_equal(np.kron(coarse, np.ones((stroke, stroke))), drawn > 0)
    read = ""
    for i in range(0, coarse.shape[1], DIGIT_COLS + 1):
        rows = "".join(str(int("".join("01"[b] for b in row), 2)) for row in coarse[:, i : i + DIGIT_COLS].astype(int))
        read += str(DIGITS.index(rows))
    assert read == str(number)


@pytest.mark.parametrize("printer", ["pmsl-2um", "dlp-27um"])
def test_numbers_survive_the_print(printer):
    """Each stroke of the numbers cures with its tile, and no gap between strokes is filled."""
    made = coupon(printer, doses=3, repeats=2)
    model, seen = CureModel.of(RESIN), []
    pmsl.simulate(made.job, watch=[lambda layer: seen.append((layer.window, layer.lit.front > 0))])
    ((window, cured),) = seen
    whole = np.zeros(made.job.grid.shape, bool)
    whole[window.row0 : window.row0 + window.rows, window.col0 : window.col0 + window.cols] = cured
    for i in range(6):
        row0, col0, rows, cols = made.layout.tile(i)
        s, text = made.layout.stroke_px, drawn_number(i + 1, 1) > 0
        base = row0 + rows + 2 * s
        middle = whole[base + s // 2 : base + s * len(text) : s, col0 + s // 2 : col0 + s * text.shape[1] : s]
        assert np.array_equal(middle[: len(text), : text.shape[1]], text), i
    assert model.ec_mj_cm2 < made.dose_mj_cm2.min()


def test_two_powers_part_time_from_irradiance():
    printer = pmsl.find_printer("pmsl-2um")
    import msgspec

    bright = printer.optics.settings[0]
    dim = msgspec.structs.replace(
        bright,
        power=bright.power / 10,
        irradiance_mw_cm2=msgspec.structs.replace(bright.irradiance_mw_cm2, value=bright.irradiance_mw_cm2.value / 10),
    )
    both = msgspec.structs.replace(printer, optics=msgspec.structs.replace(printer.optics, settings=[bright, dim]))
    made = working_curve_coupon(both, RESIN, PROCESS, doses=4, repeats=2, dose_range_mj_cm2=(27, 80), powers=[bright.power, dim.power])
    assert len(made.time_s) == 16
    for power in (bright.power, dim.power):
        assert sorted(np.round(made.dose_mj_cm2[made.power == power], 6)) == sorted(np.repeat(np.round(np.geomspace(27, 80, 4), 6), 2))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"doses": 2}, "at least 3 doses"),
        ({"repeats": 0}, "1 repeat"),
        ({"doses": 100, "repeats": 100}, "at most 999 tiles"),
        ({"dose_range_mj_cm2": (50, 20)}, "a lower and a higher"),
        ({"dose_range_mj_cm2": (0, 20)}, "above 0"),
        ({"dose_range_mj_cm2": (5, 1e9)}, "gives at most"),
        ({"powers": [77.0]}, "power 77 is no light setting"),
        ({"doses": 30, "repeats": 30}, "has room for 900 tiles"),
        ({"tile_um": 5000.0}, "has room for 24 tiles"),
    ],
)
def test_what_cannot_be_printed_is_refused_with_the_limit(how, words):
    with pytest.raises(UsageError, match=words):
        coupon(**how)


def test_a_layout_keeps_tiles_and_numbers_apart():
    layout = tile_layout(37, (1080, 1920), (2.0, 2.0), (2.2, 2.2))
    seen = np.zeros((1080, 1920), int)
    for i in range(37):
        seen += layout.mask(i).dense(np.uint8) > 0
        rectangles = np.zeros_like(seen)
        for row, col, rows, cols in layout.rectangles(i):
            rectangles[row : row + rows, col : col + cols] += 1
        assert np.array_equal(rectangles, layout.mask(i).dense(np.uint8) > 0)
    assert seen.max() == 1


# --- the loop: coupon, print, sheet, fit -------------------------------------------------------------------------


@pytest.mark.parametrize(("dp", "ec"), [(12.0, 9.0), (60.0, 25.0)])
def test_the_loop_closes_on_the_truth(tmp_path, dp, ec):
    """Tiles of a resin that the coupon does not know, measured to 0.5 µm, some of them lost."""
    made, rng = coupon(dose_range_mj_cm2=(30.0, 200.0)), np.random.default_rng(5)
    rows = list(csv.DictReader(line for line in sheet_text(made).splitlines() if not line.startswith("#")))
    for row in rows:
        dose = float(row["time_s"]) * float(row["irradiance_mw_cm2"])
        row["thickness_um"] = f"{dp * math.log(dose / ec) + rng.normal(0, 0.5):.2f}" if rng.random() > 0.1 else ""
    with open(tmp_path / "filled.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    found = fit_working_curve(tmp_path / "filled.csv")
    for name, true in (("dp_um", dp), ("ec_mj_cm2", ec)):
        p = found.parameters[name]
        assert abs(p.value - true) < 4 * p.sd and p.sd < 0.05 * true
    assert not [f for f in found.findings if f.severity == "warning"]


def test_an_empty_sheet_says_what_to_do(tmp_path):
    (tmp_path / "blank.csv").write_text(sheet_text(coupon()), encoding="utf-8")
    with pytest.raises(MeasurementError, match="fill in thickness_um"):
        read_working_curve([tmp_path / "blank.csv"])


def test_the_command_writes_job_and_sheet_that_verify(tmp_path):
    words = [
        "calibrate",
        "coupon",
        "working-curve",
        "-o",
        str(tmp_path / "job"),
        "--sheet",
        str(tmp_path / "s.csv"),
        "--printer",
        "pmsl-2um",
        "--resin",
        "pr48-405",
    ]
    done = CliRunner().invoke(app, [*words, "--json"])
    facts = json.loads(done.stdout)
    assert done.exit_code == 0 and facts["tiles"] == 24 and pmsl.verify(tmp_path / "job") == []
    again = pmsl.read(tmp_path / "job")
    assert [e.time_s for e in again[0].exposures] == pytest.approx(facts["time_s"])
    assert "pmsl-2um" in (tmp_path / "s.csv").read_text()
    assert CliRunner().invoke(app, words).exit_code != 0  # nothing is replaced


def test_a_format_that_shows_one_image_a_layer_refuses_it(tmp_path):
    with pytest.raises(TargetError):
        pmsl.write(coupon("dlp-27um").job, tmp_path / "job.sl1")
    assert not list(tmp_path.iterdir())
