"""Verniers across seams: what is drawn, what a lab reads off it, and the errors of a stage that come back."""

import csv

import numpy as np
import pytest
from calibration_labs import rows_of, share_inside, write_rows
from click.testing import CliRunner
from distortion_oracle import KEYSTONE, Formulas, distorted
from field_plates import moving_printer

import pmsl
from pmsl.calibrate import coupon, fit
from pmsl.calibrate.coupons.measuring_sheet import drawing_text, sheet_text
from pmsl.calibrate.kinds import kind_of
from pmsl.cli.app import app
from pmsl.errors import MeasurementError, UsageError
from pmsl.profiles.tables.template import template

SHAPE, PITCH = (600, 800), 10.0
PRINTER, RESIN = moving_printer(SHAPE, PITCH, step_um=0.1), pmsl.find_resin("pr48-405")
COUPON = coupon("seams", PRINTER, RESIN)
NAMES = ("x_per_x", "y_per_x", "x_per_y", "y_per_y")


def fields():
    """The frames of the coupon: where each is sent [px], and what it lights."""
    return [(np.rint(np.array(e.offset_um) / PITCH).astype(int), e.mask.dense()) for e in COUPON.job[0].exposures]


def plate():
    """All frames at their places, each with a number of its own; more where two light a pixel."""
    out = np.zeros((2 * SHAPE[0], 2 * SHAPE[1]))
    for n, ((x, y), light) in enumerate(fields()):
        out[y : y + SHAPE[0], x : x + SHAPE[1]] += light * 10**n
    return out


def test_lines_of_both_fields_meet_and_never_overlap():
    lit = plate()
    assert set(np.unique(lit)) == {0.0, 1.0, 10.0, 100.0}
    for row in rows_of(COUPON):
        x, y = int(float(row["x_px"])), int(float(row["y_px"]))
        other = 10.0 if row["seam"] == "x" else 100.0
        across = (slice(y, y + 1), slice(x - 1, x + 1)) if row["axis"] == "x" else (slice(y - 1, y + 1), slice(x, x + 1))
        before = (slice(y - 1, y), across[1]) if row["axis"] == "x" else (across[0], slice(x - 1, x))
        assert (lit[across] == 1.0).all() and (lit[before] == other).all(), row  # middle lines lie in one line


def test_a_pixel_apart_the_next_lines_meet():
    row = next(r for r in rows_of(COUPON) if r["seam"] == r["axis"] == "x")
    x, y = int(float(row["x_px"])), int(float(row["y_px"]))
    lit = plate()
    first, second = (
        np.flatnonzero(np.diff(np.concatenate([[0], line[x - 60 : x + 60] > 0, [0]])) == 1) for line in (lit[y + 2], lit[y - 3])
    )
    assert len(first) == len(second) == 9
    assert np.array_equal(first - second, np.arange(-4, 5))


def lab(seed, folder, rows=None, noise=1.0, printer=None):
    rng = np.random.default_rng(seed)
    true = dict(zip(NAMES, rng.normal(0, 1.5, 4), strict=True))
    wild = np.array([[true["x_per_x"], true["x_per_y"]], [true["y_per_x"], true["y_per_y"]]]) * 1e-3
    out = []
    for row in rows or rows_of(COUPON):
        sent = float(row["moved_um"]) * np.array([row["seam"] == "x", row["seam"] == "y"])
        off = wild @ sent + (0.0 if printer is None else printer(row, sent))
        read = off[0 if row["axis"] == "x" else 1] + float(row["drawn_um"]) + rng.normal(0, noise)
        out.append({**row, "off_um": read})
    return true, write_rows(folder / f"{seed}.csv", out)


def test_true_values_lie_inside_their_intervals(tmp_path):
    def labs():
        for seed in range(30):
            true, path = lab(seed, tmp_path)
            yield true, fit("seams", path, PRINTER)

    shares = share_inside(labs())
    assert np.mean(list(shares.values())) >= 0.88 and min(shares.values()) >= 0.8, shares


def test_what_the_optics_distort_is_taken_off(tmp_path):
    right = Formulas((8000.0, 6000.0), keystone=KEYSTONE)

    def apart(row, sent):
        first = np.array([float(row["x_px"]), float(row["y_px"])]) * PITCH
        return (right.plate(first - sent) - (first - sent)) - (right.plate(first) - first)

    true, path = lab(2, tmp_path, noise=0.01, printer=apart)
    found = fit("seams", path, distorted(PRINTER, keystone=KEYSTONE))
    assert all(found.parameters[name].value == pytest.approx(true[name], abs=0.02) for name in NAMES)
    assert fit("seams", path, PRINTER).rmse > 20 * found.rmse


def test_the_stage_has_them_and_the_next_job_makes_up_for_them(tmp_path):
    (tmp_path / "moves.toml").write_text(template(PRINTER), "utf-8")
    words = ["calibrate", "coupon", "seams", "-o", str(tmp_path / "c.zip"), "--sheet", str(tmp_path / "s.csv")]
    made = CliRunner().invoke(app, [*words, "--printer", str(tmp_path / "moves.toml"), "--resin", "pr48-405"])
    assert made.exit_code == 0, made.output
    assert "tiles" not in made.output, "it has none"
    assert pmsl.verify(tmp_path / "c.zip") == []
    lines = [line for line in (tmp_path / "s.csv").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert len(list(csv.DictReader(lines))) == 12 and sheet_text(COUPON).splitlines()[-1] == lines[-1]
    assert drawing_text(COUPON).count("<path") == 12
    true, path = lab(5, tmp_path, noise=0.2)
    words = ["calibrate", "fit", "seams", str(path), "--printer", str(tmp_path / "moves.toml"), "-o", str(tmp_path / "p.toml")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    error = pmsl.find_printer(str(tmp_path / "p.toml")).stage.xy.error
    six = (true["x_per_x"], true["y_per_x"], 0.0, true["x_per_y"], true["y_per_y"], 0.0)
    assert error.value == pytest.approx(six, abs=5 * error.sd) and error.class_ == "measured" and 0 < error.sd < 0.1


def test_a_printer_that_stands_still_has_no_seams():
    with pytest.raises(UsageError, match=r"no \[stage.xy\]"):
        coupon("seams", pmsl.find_printer("dlp-27um"), pmsl.find_resin("pr48-385"))
    with pytest.raises(UsageError, match="the field has 200 × 100 px; limit 360 px along both"):
        coupon("seams", moving_printer((100, 200), PITCH), RESIN)


HEAD = "seam,axis,moved_um,off_um"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{HEAD}\nz,x,5000,1", "seam is 'z'; it must be x or y"),
        (f"{HEAD}\nx,x,5000,900", "off_um is 900 for a way of 5000 µm, limit 500; is that another unit?"),
        (f"{HEAD}\nx,x,,1", "no moved_um"),
        (f"{HEAD}\nx,x,5000,1", "1 usable measurements for 1 parameters"),
        (f"{HEAD}\nx,x,5000,inf", "off_um is inf; it must be a finite number"),
    ],
)
def test_a_sheet_that_is_none_is_refused_by_name(tmp_path, text, words):
    (tmp_path / "seams.csv").write_text(text, "utf-8")
    with pytest.raises(MeasurementError) as caught:
        fit("seams", tmp_path / "seams.csv", PRINTER)
    assert words in str(caught.value)


def test_half_of_the_seams_make_no_profile(tmp_path):
    rows = [row for row in rows_of(COUPON) if row["seam"] == "x"]
    _, path = lab(1, tmp_path, rows)
    found = fit("seams", path, PRINTER)
    assert set(found.parameters) == {"x_per_x", "y_per_x"}
    with pytest.raises(MeasurementError, match="tell nothing of x_per_y, y_per_y"):
        kind_of("seams").printer(PRINTER, found, None)
