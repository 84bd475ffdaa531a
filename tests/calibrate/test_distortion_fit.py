"""Marks of the picture → keystone, radial, scale and skew of a printer, from any instrument that lies any way."""

import math

import numpy as np
import pytest
from calibration_labs import rows_of, share_inside, write_rows
from click.testing import CliRunner
from distortion_oracle import Formulas

import pmsl
from pmsl.calibrate import coupon, fit
from pmsl.calibrate.kinds import kind_of
from pmsl.cli.app import app
from pmsl.errors import MeasurementError

PRINTER, RESIN = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pr48-405")
COUPON = coupon("scale", PRINTER, RESIN)
MARKS = [row for row in rows_of(COUPON) if row["axis"] == "mark"]
ROWS, COLS = PRINTER.field_px
PITCH = PRINTER.optics.pitch_um.value[0]
SIZE = (COLS * PITCH, ROWS * PITCH)


def lab(seed, folder, noise=1.0, **given):
    rng = np.random.default_rng(seed)
    true = {"scale_x": rng.normal(1, 3e-3), "scale_y": rng.normal(1, 3e-3), "skew": rng.normal(0, 2e-3)}
    true |= {"keystone_x": rng.normal(0, 5e-3), "keystone_y": rng.normal(0, 5e-3), "k1": rng.normal(0, 2e-3)} | given
    keystone = (1, 0, 0, 0, 1, 0, true["keystone_x"], true["keystone_y"])
    right = Formulas(SIZE, keystone, (true["k1"], 0.0), scale=(true["scale_x"], true["scale_y"]), skew=true["skew"])
    turn, shift = rng.uniform(-math.pi, math.pi), rng.uniform(-1e4, 1e4, 2)
    at = np.array([[float(row["x_px"]), float(row["y_px"])] for row in MARKS])
    found = right.plate(at * PITCH) - 0.5 * np.array(SIZE)
    found = found @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]]) + shift + rng.normal(0, noise, at.shape)
    rows = [{"method": "light", "x_px": p[0], "y_px": p[1], "x_um": q[0], "y_um": q[1]} for p, q in zip(at, found, strict=True)]
    return true, write_rows(folder / f"{seed}.csv", rows), right


@pytest.mark.parametrize("flip", [lambda x, y: (y, x), lambda x, y: (-x, y), lambda x, y: (x, 1e4 - y)])
def test_marks_seen_from_the_other_side_make_no_profile(tmp_path, flip):
    """Columns mixed up, or a mirrored picture: no projector lands so, and it is said instead of a bug."""
    rows = [
        {"method": "light", "x_px": x, "y_px": y, "x_um": flip(x * PITCH, y * PITCH)[0], "y_um": flip(x * PITCH, y * PITCH)[1]}
        for x in range(50, 1900, 300)
        for y in range(50, 1050, 200)
    ]
    path, out = write_rows(tmp_path / "s.csv", rows), tmp_path / "p.toml"
    done = CliRunner().invoke(app, ["calibrate", "fit", "scale", str(path), "--printer", "pmsl-10um", "-o", str(out)])
    assert isinstance(done.exception, MeasurementError) and not out.exists(), done.output
    assert "make no profile: optics.distortion: the map folds" in str(done.exception)
    assert "measured from the other side" in str(done.exception)


def labs(seeds, folder):
    for seed in seeds:
        true, path, _ = lab(seed, folder)
        yield true, fit("scale", path, PRINTER)


def test_true_values_lie_inside_their_intervals(tmp_path):
    shares = share_inside(labs(range(25), tmp_path))
    assert np.mean(list(shares.values())) >= 0.9 and min(shares.values()) >= 0.8, shares


@pytest.mark.slow
def test_true_values_lie_inside_their_intervals_of_many_labs(tmp_path):
    shares = share_inside(labs(range(400), tmp_path))
    assert all(0.92 <= share <= 0.98 for share in shares.values()), shares


def test_the_profile_maps_marks_where_they_landed(tmp_path):
    _, path, right = lab(3, tmp_path, noise=0.3)
    words = ["calibrate", "fit", "scale", str(path), "--printer", "pmsl-10um", "-o", str(tmp_path / "p.toml")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    made = pmsl.find_printer(str(tmp_path / "p.toml"))
    at = np.array([[0.0, 0.0], [SIZE[0], 0.0], [0.3 * SIZE[0], SIZE[1]], [0.5 * SIZE[0], 0.5 * SIZE[1]]])
    assert np.abs(made.field_map.plate_um(at) - right.plate(at)).max() < 2.0
    stated = made.optics.distortion.stated
    assert set(stated) == {"keystone", "radial", "scale", "skew"} and all(v.class_ == "measured" and v.sd > 0 for v in stated.values())
    assert made.optics.pitch_um == PRINTER.optics.pitch_um and made.schema == "pmsl.printer/2"


def test_a_print_tells_everything_but_scale(tmp_path):
    _, path, _ = lab(4, tmp_path, scale_x=0.985, scale_y=0.985)
    path.write_text(path.read_text("utf-8").replace("light", "print"), "utf-8")
    found = fit("scale", path, PRINTER)
    assert "values-not-parted" in [f.code for f in found.findings]
    assert set(kind_of("scale").printer(PRINTER, found, None).optics.distortion.stated) == {"keystone", "radial", "skew"}


def text_of(rows, columns="method,x_px,y_px,x_um,y_um"):
    return "\n".join([columns, *(",".join(map(str, row)) for row in rows)])


GOOD = [("light", x, y, x * PITCH, y * PITCH) for x in (100, 600, 1100, 1800) for y in (50, 400, 1000)]
BAD = {
    "few": (text_of(GOOD[::3]), "4 marks for 9 unknowns, limit 5 marks"),
    "one half": (text_of([(m, x / 3, y, u / 3, v) for m, x, y, u, v in GOOD]), "of the field's width and 0.88 of its height, limit 0.5"),
    "outside": (text_of([*GOOD, ("light", 100, 5000, 1000, 50000)]), "the mark is at (100, 5000) px; the field has 1920 × 1080 px"),
    "no number": (text_of([*GOOD, ("light", 100, 50, "inf", 500)]), "x_um is inf; it must be a finite number"),
    "half filled": (text_of([*GOOD, ("light", 100, 50, 1000, "")]), "a mark needs x_px, y_px, x_um, y_um"),
    "another mark": (text_of([*GOOD[:-1], ("light", 1800, 1000, 1000, 500)]), "from the middle of all marks, expected"),
    "both methods": (text_of([*GOOD[:-1], ("print", *GOOD[-1][1:])]), "method is light, print; of marks it must be light or print"),
    "lengths too": (
        text_of([*((m, "mark", x, y, u, v, "", "") for m, x, y, u, v in GOOD), ("light", "x", "", "", "", "", 100, 1000)],
                "method,axis,x_px,y_px,x_um,y_um,length_px,length_um"),
        "a length among places of marks",
    ),
}  # fmt: skip


@pytest.mark.parametrize("text, words", BAD.values(), ids=BAD)
def test_bad_sheets_are_refused_by_name(tmp_path, text, words):
    (tmp_path / "marks.csv").write_text(text, "utf-8")
    with pytest.raises(MeasurementError) as caught:
        fit("scale", tmp_path / "marks.csv", PRINTER)
    assert words in str(caught.value)
