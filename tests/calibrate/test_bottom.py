"""First layers: labs inside their intervals, what stuck, a coupon with its doses, bad sheets by name."""

import numpy as np
import pytest
from calibration_labs import rows_of, share_inside, write_rows

import pmsl
from pmsl.calibrate import CouponOptions, coupon, fit
from pmsl.errors import MeasurementError, UsageError
from pmsl.exposure import dose_map

PRINTER, RESIN = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pr48-405")
MADE = coupon("bottom", PRINTER, RESIN)


def lab(seed, folder, noise=2.0):
    rng = np.random.default_rng(seed)
    true = {
        "zero_um": rng.normal(0, 15),
        "shrinkage_z": rng.uniform(0, 0.03),
        "foot_um": rng.uniform(0, 5),
        "foot_growth_um": rng.uniform(3, 12),
    }
    rows = []
    for row in rows_of(MADE):
        factor, stack = float(row["factor"]), int(row["layers"]) * float(row["layer_um"])
        height = true["zero_um"] + sum([float(row["layer_um"]) * (1 - true["shrinkage_z"])] * int(row["layers"])) + rng.normal(0, noise)
        foot = true["foot_um"] + true["foot_growth_um"] * np.log(factor) + rng.normal(0, noise)
        if len(rows) < 6 or rng.random() > 0.1:
            rows.append({"factor": factor, "layers": row["layers"], "layer_um": stack / int(row["layers"]), "stuck": int(factor > 1.2),
                         "height_um": max(height, 1.0), "foot_um": foot})  # fmt: skip
    return true, write_rows(folder / f"{seed}.csv", rows)


def labs(seeds, folder):
    for seed in seeds:
        true, path = lab(seed, folder)
        yield true, fit("bottom", path, PRINTER)


def test_true_values_lie_inside_their_intervals(tmp_path):
    shares = share_inside(labs(range(100), tmp_path))
    assert np.mean(list(shares.values())) >= 0.9 and min(shares.values()) >= 0.88, shares


@pytest.mark.slow
def test_true_values_lie_inside_their_intervals_of_a_thousand_labs(tmp_path):
    shares = share_inside(labs(range(1000), tmp_path))
    assert all(0.925 <= share <= 0.975 for share in shares.values()), shares


def test_what_stuck_is_said(tmp_path):
    _, path = lab(1, tmp_path)
    assert [f.value for f in fit("bottom", path, PRINTER).findings if f.code == "adhesion"] == [1.5]


def test_first_layers_have_their_factors():
    doses = [dose_map(MADE.job, MADE.job[k]).dense() for k in (0, 1, 29)]
    for i, row in enumerate(rows_of(MADE)):
        tile = MADE.layout.tile(i)
        first, second, last = (float(dose[tile.row0 + tile.rows // 2, tile.col0 + tile.cols // 2]) for dose in doses)
        assert first == pytest.approx(float(row["factor"]) * second, rel=1e-6) and (last > 0) == (int(row["layers"]) == 30)


HEAD = "factor,layers,layer_um,stuck,height_um,foot_um"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{HEAD}\n1,10,10,1,101,\n2,10,10,1,102,\n4,10,10,1,100,", "all pillars are 100 µm high"),
        (f"{HEAD}\n1,10,10,1,,", "no row has a height_um"),
        (f"{HEAD}\n1,10,10,2,100,", "stuck is 2; it must be 0 or 1"),
        (f"{HEAD}\n1,,10,1,100,", "no layers"),
        (f"{HEAD}\n1,10,10,1,10000,", "the pillar was designed 100 µm high"),
        (f"{HEAD}\n1,10,10,1,100,\n1,30,10,1,300,", "at least 3 are needed"),
        (f"{HEAD}\n1,10,10,1,-1,", "height_um is -1; it must be 0 or more"),
    ],
)
def test_a_sheet_that_is_none_is_refused_by_name(tmp_path, text, words):
    (tmp_path / "bottom.csv").write_text(text, encoding="utf-8")
    with pytest.raises(MeasurementError) as caught:
        fit("bottom", tmp_path / "bottom.csv", PRINTER)
    assert words in str(caught.value)


def test_one_factor_is_no_coupon():
    with pytest.raises(UsageError, match="two factors or more"):
        coupon("bottom", PRINTER, RESIN, options=CouponOptions(factors=[2.0]))
