"""Focus and tilt: labs inside their intervals, a coupon that shows its offsets, bad sheets by name."""

import numpy as np
import pytest
from calibration_labs import rows_of, share_inside, write_rows

import pmsl
from pmsl.calibrate import CouponOptions, coupon, fit
from pmsl.errors import MeasurementError, UsageError

PRINTER, RESIN = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pr48-405")
MADE = coupon("focus", PRINTER, RESIN)
COLUMNS = ("x_um", "y_um", "focus_um")


def lab(seed, folder, noise=2.0):
    rng = np.random.default_rng(seed)
    true = {"focus_um": rng.uniform(-25, 25), "tilt_x_um_mm": rng.normal(0, 1), "tilt_y_um_mm": rng.normal(0, 1)}
    rows = []
    for row in rows_of(MADE):
        x, y, z = (float(row[name]) for name in COLUMNS)
        off = z - true["focus_um"] - true["tilt_x_um_mm"] * (x - 9600) / 1000 - true["tilt_y_um_mm"] * (y - 5400) / 1000
        if len(rows) < 8 or rng.random() > 0.1:
            rows.append({**{name: row[name] for name in COLUMNS}, "width_um": 30 + 25 * (off / 60) ** 2 + rng.normal(0, noise)})
    return true, write_rows(folder / f"{seed}.csv", rows)


def labs(seeds, folder):
    for seed in seeds:
        true, path = lab(seed, folder)
        yield true, fit("focus", path, PRINTER)


def test_true_values_lie_inside_their_intervals(tmp_path):
    shares = share_inside(labs(range(40), tmp_path))
    assert np.mean(list(shares.values())) >= 0.9 and min(shares.values()) >= 0.82, shares


@pytest.mark.slow
def test_true_values_lie_inside_their_intervals_of_a_thousand_labs(tmp_path):
    shares = share_inside(labs(range(1000), tmp_path))
    assert all(0.925 <= share <= 0.975 for share in shares.values()), shares


def test_each_tile_is_shown_at_its_focus():
    (plan,) = MADE.job.layers()
    shown = {e.focus_um: e.mask for e in plan.exposures[1:]}
    for i, row in enumerate(rows_of(MADE)):
        tile = MADE.layout.tile(i)
        lit = {z: int((mask.within(tile) > 0).sum()) for z, mask in shown.items()}
        assert lit.pop(float(row["focus_um"])) >= 3 * 3 * tile.rows and not any(lit.values())


def test_a_measure_that_is_largest_in_focus_does_as_well(tmp_path):
    rows = [{"x_um": x, "y_um": 50, "focus_um": z, "width_um": 40 - 0.01 * (z - 7) ** 2} for z in range(-40, 41, 10) for x in (50, 9000)]
    found = fit("focus", write_rows(tmp_path / "f.csv", rows), PRINTER)
    assert found.parameters["focus_um"].value == pytest.approx(7, abs=1e-3) and "tilt_y_um_mm" not in found.parameters


HEAD = "x_um,y_um,focus_um,width_um"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{HEAD}\n1,1,0,30\n1,1,10,31\n1,1,10,31", "2 focus offsets; print lines at five"),
        (f"{HEAD}\n99000,1,0,30", "the field of pmsl-10um is 19200 × 10800"),
        (f"{HEAD}\n,1,0,30", "is blank"),
        (f"{HEAD}\n1,1,0,30\n1,1,10,31\n1,1,20,33", "at least 4 are needed"),
        ("x_um,y_um,focus_mm,width_um\n1,1,0,30", "unknown column 'focus_mm'; did you mean 'focus_um'"),
    ],
)
def test_a_sheet_that_is_none_is_refused_by_name(tmp_path, text, words):
    (tmp_path / "focus.csv").write_text(text, encoding="utf-8")
    with pytest.raises(MeasurementError) as caught:
        fit("focus", tmp_path / "focus.csv", PRINTER)
    assert words in str(caught.value)


def test_a_coupon_of_one_offset_is_refused():
    with pytest.raises(UsageError, match="four different ones"):
        coupon("focus", PRINTER, RESIN, options=CouponOptions(focus_um=[0.0]))
