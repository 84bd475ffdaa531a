"""Pitch, skew and shrinkage: labs inside their intervals, what cannot be parted, profiles of printer and resin."""

import math

import numpy as np
import pytest
from calibration_labs import rows_of, share_inside, write_rows
from click.testing import CliRunner

import pmsl
from pmsl.calibrate import coupon, fit
from pmsl.cli.app import app
from pmsl.errors import MeasurementError

PRINTER, RESIN = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pr48-405")
COUPON = coupon("scale", PRINTER, RESIN)


def corners(px, py, skew_mrad, n, axis):
    """Length between two marks by coordinates of a skewed field: an own model."""
    way = {"x": (1, 0), "y": (0, 1), "up": (math.sqrt(0.5), math.sqrt(0.5)), "down": (math.sqrt(0.5), -math.sqrt(0.5))}[axis]
    lean = math.radians(90) - skew_mrad * 1e-3
    x = n * way[0] * px + n * way[1] * py * math.cos(lean)
    return math.hypot(x, n * way[1] * py * math.sin(lean))


def lab(seed, folder, methods=("print", "light"), noise=2.0):
    rng = np.random.default_rng(seed)
    true = {"pitch_x_um": rng.normal(10, 0.02), "pitch_y_um": rng.normal(10, 0.02), "skew_mrad": rng.normal(0, 2)}
    shrink = rng.uniform(0, 0.03, 2)
    rows, seen = [], set()
    for row in (one for one in rows_of(COUPON) if one["axis"] != "mark"):
        first = (row["method"], row["axis"]) not in seen
        seen.add((row["method"], row["axis"]))
        if row["method"] in methods and (first or rng.random() > 0.1):
            s = shrink if row["method"] == "print" else (0.0, 0.0)
            px, py = true["pitch_x_um"] * (1 - s[0]), true["pitch_y_um"] * (1 - s[1])
            length = corners(px, py, true["skew_mrad"], float(row["length_px"]), row["axis"])
            rows.append({**{k: row[k] for k in ("method", "axis", "length_px")}, "length_um": length + rng.normal(0, noise)})
    return {**true, "shrinkage_x": shrink[0], "shrinkage_y": shrink[1]}, write_rows(folder / f"{seed}.csv", rows)


def labs(seeds, folder):
    for seed in seeds:
        true, path = lab(seed, folder)
        yield true, fit("scale", path, PRINTER)


def test_true_values_lie_inside_their_intervals(tmp_path):
    shares = share_inside(labs(range(40), tmp_path))
    assert np.mean(list(shares.values())) >= 0.9 and min(shares.values()) >= 0.82, shares


@pytest.mark.slow
def test_true_values_lie_inside_their_intervals_of_a_thousand_labs(tmp_path):
    shares = share_inside(labs(range(1000), tmp_path))
    assert all(0.925 <= share <= 0.975 for share in shares.values()), shares


def test_a_print_alone_parts_nothing(tmp_path):
    _, path = lab(1, tmp_path, methods=("print",))
    found = fit("scale", path, PRINTER)
    assert "values-not-parted" in [f.code for f in found.findings] and "shrinkage_x" not in found.parameters
    done = CliRunner().invoke(app, ["calibrate", "fit", "scale", str(path), "--printer", "pmsl-10um", "-o", str(tmp_path / "mine.toml")])
    assert done.exit_code != 0 and not (tmp_path / "mine.toml").exists()


def test_both_profiles_have_what_is_theirs(tmp_path):
    true, path = lab(3, tmp_path)
    words = ["calibrate", "fit", "scale", str(path), "--printer", "pmsl-10um", "--resin", "pr48-405"]
    done = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "p.toml"), "--resin-out", str(tmp_path / "r.toml")])
    assert done.exit_code == 0, done.output
    pitch = pmsl.find_printer(str(tmp_path / "p.toml")).optics.pitch_um
    shrinkage = pmsl.find_resin(str(tmp_path / "r.toml")).resin.shrinkage
    assert pitch.value[0] == pytest.approx(true["pitch_x_um"], abs=5 * pitch.sd) and pitch.class_ == "measured"
    assert shrinkage.value[1] == pytest.approx(true["shrinkage_y"], abs=5 * shrinkage.sd) and shrinkage.class_ == "measured"


HEAD = "method,axis,length_px,length_um"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{HEAD}\nprint,z,100,1000", "axis is 'z'; it must be one of x, y, up, down"),
        (f"{HEAD}\nruler,x,100,1000", "method is 'ruler'; it must be one of light, print"),
        (f"{HEAD}\nprint,x,100,10", "a pitch of 0.1 µm; printer pmsl-10um has 10 × 10"),
        (f"{HEAD}\nprint,x,100,1000\nprint,x,200,2000\nprint,x,300,3000", "no row along y"),
        (f"{HEAD}\nprint,x,100,-1", "length_um is -1; it must be above 0"),
        (f"{HEAD}\nprint,x,100,1000\nlight,y,200,2000", "for 2 parameters"),
    ],
)
def test_a_sheet_that_is_none_is_refused_by_name(tmp_path, text, words):
    (tmp_path / "scale.csv").write_text(text, encoding="utf-8")
    with pytest.raises(MeasurementError) as caught:
        fit("scale", tmp_path / "scale.csv", PRINTER)
    assert words in str(caught.value)
