"""Roofs: the closed form against slow sums and the product's own, labs inside their intervals, a coupon whose channels are there."""

import math

import numpy as np
import pytest
from calibration_labs import filled, film_um, roof_um, rows_of, share_inside, write_rows
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares

import pmsl
from pmsl.calibrate import CouponOptions, coupon, fit
from pmsl.calibrate.fits.cure_fit import cured_um, read_cure_rows
from pmsl.calibrate.fits.regression import student
from pmsl.calibrate.kinds.kind import FitOptions
from pmsl.cli.app import app
from pmsl.cure import CureModel, Decay, print_through_um
from pmsl.errors import MeasurementError, UsageError

PRINTER, RESIN = pmsl.find_printer("microfluidics-7.6um"), pmsl.find_resin("pegda-nps-1.0-385")


def closed(dp, ec, induction, tail, dose, layers, layer_um):
    values = np.array([dp, ec, induction, tail])
    return float(cured_um(values, np.array([dose]), np.ones(1), np.array([float(layers)]), np.array([layer_um]))[0])


@given(
    st.floats(8, 60),
    st.floats(0, 0.6),
    st.sampled_from([0.0, 0.002, 0.01]),
    st.floats(1.1, 6),
    st.integers(1, 20),
    st.sampled_from([5.0, 10.0]),
)
def test_the_closed_form_is_what_layers_add_up_to(dp, share, tail, ratio, layers, height):
    dose = ratio * 10 * np.exp(height / dp)
    slow = roof_um(layers, dose, height, dp, 10.0, share * 10, tail)
    fast = closed(dp, 10.0, share * 10, tail, dose, layers, height)
    assert fast == pytest.approx(slow, abs=0.03) or (slow > 390 and fast > 390)


@pytest.mark.parametrize(("dp", "height", "depth"), [(40, 10, 20), (100, 50, 75), (9.5, 10, 20)])
def test_the_acceptance_numbers_of_print_through(dp, height, depth):
    for layers in (1, 2, 3, 5, 10, 20):
        found = closed(dp, 10.0, 0.0, 0.0, 10 * np.exp(depth / dp), layers, height)
        assert found == pytest.approx(print_through_um(layers, height, dp, depth), abs=1e-9)


def test_the_products_own_sum_of_events_says_the_same():
    from pmsl.cure.events import EventSum

    dp, ec, induction, tail, dose = 20.0, 10.0, 2.0, 0.005, 40.0
    stack = EventSum(CureModel(Decay((1 - tail, tail), (dp, np.inf)), ec, induction), (1, 1))
    for k in range(6, 0, -1):
        stack.add(k, 10.0, np.full((1, 1), dose))
    below = stack.add(0, 200.0)
    assert float(below.cured_um[0, 0]) == pytest.approx(closed(dp, ec, induction, tail, dose, 6, 10.0), abs=1e-6)


# --- synthetic labs -----------------------------------------------------------------------------------------------


def lab(seed, folder, noise=2.0):
    rng = np.random.default_rng(seed)
    dp, ec, height = rng.uniform(10, 40), rng.uniform(3, 15), 10.0
    induction, tail = rng.uniform(0.05, 0.25) * ec, rng.uniform(0.004, 0.02)
    curve = [e for e in np.repeat(ec * np.geomspace(1.4, 12, 8), 2) if rng.random() > 0.1]
    films = [{"dose_mj_cm2": e, "thickness_um": max(film_um([e], dp, ec, induction, tail) + rng.normal(0, noise), 0.0)} for e in curve]
    roofs = []
    for factor in (0.7, 1.0, 2.0):
        dose = factor * 1.5 * ec * np.exp(height / dp)
        for layers in (1, 2, 3, 5, 8, 12, 20, 40):
            gap = 250 - roof_um(layers, dose, height, dp, ec, induction, tail) + rng.normal(0, noise)
            offset = rng.normal(0, 3)
            if rng.random() > 0.1 and gap > 10:
                roofs.append({"dose_mj_cm2": dose, "layer_um": height, "cover_layers": layers, "channel_um": 250, "gap_um": gap + offset,
                              "reference_um": 250 + offset, "reference_design_um": 250})  # fmt: skip
    sheets = [write_rows(folder / f"r{seed}.csv", roofs), write_rows(folder / f"w{seed}.csv", films)]
    return {"dp_um": dp, "ec_mj_cm2": ec, "induction_mj_cm2": induction, "tail": tail}, sheets


def labs(seeds, folder):
    for seed in seeds:
        true, sheets = lab(seed, folder)
        yield true, fit("roofs", sheets)


def test_true_values_lie_inside_their_intervals(tmp_path):
    shares = share_inside(labs(range(10), tmp_path))
    assert np.mean(list(shares.values())) >= 0.85 and min(shares.values()) >= 0.7, shares


@pytest.mark.slow
def test_true_values_lie_inside_their_intervals_of_a_thousand_labs(tmp_path):
    shares = share_inside(labs(range(1000), tmp_path))
    assert all(0.925 <= share <= 0.975 for share in shares.values()), shares


NAMES = ("dp_um", "ec_mj_cm2", "induction_mj_cm2", "tail")


def least_squares_held(rows, found, i, value):
    """Sum of squares with one value held, the least of searches from around the optimum."""
    best, rng = math.inf, np.random.default_rng(1)
    others = [j for j in range(4) if j != i]
    values = np.array([found.parameters[name].value for name in NAMES])

    def left(some):
        trial = values.copy()
        trial[others], trial[i] = some, value
        return cured_um(trial, rows.dose_mj_cm2, rows.events, rows.cover_layers, rows.layer_um) - rows.y_um

    for _ in range(6):
        start = values[others] * np.exp(rng.normal(0, 0.15, 3))
        best = min(best, 2 * least_squares(left, start, bounds=(0.0, np.inf), x_scale=start).cost)
    return best


def test_an_end_is_that_of_the_valley_that_holds_the_optimum(tmp_path):
    """Of this lab a straight leap along the profile lands in another valley, where all is much worse: no end of the interval."""
    _, sheets = lab(3, tmp_path)
    found = fit("roofs", sheets)
    rows = read_cure_rows(sheets, FitOptions(printer=PRINTER, resin=RESIN), ("roofs", "working-curve"))
    least = float(found.residuals @ found.residuals)
    dof = found.n - 4
    risen = least_squares_held(rows, found, 1, found.parameters["ec_mj_cm2"].interval95[0]) - least
    assert math.sqrt(risen / (least / dof)) == pytest.approx(student(dof), rel=0.03)


# --- the coupon ---------------------------------------------------------------------------------------------------


def test_the_loop_closes_and_a_resin_has_all_four(tmp_path):
    rng, true = np.random.default_rng(2), (24.0, 7.0, 1.5, 0.008)

    def measured(row):
        dose = float(row["time_s"]) * float(row["irradiance_mw_cm2"])
        if "cover_layers" not in row:
            return {"thickness_um": max(film_um([dose], *true) + rng.normal(0, 1), 0.0)}
        gap = float(row["channel_um"]) - roof_um(int(row["cover_layers"]), dose, float(row["layer_um"]), *true) + rng.normal(0, 1)
        return {"gap_um": max(gap, 0.0), "reference_um": float(row["reference_design_um"])}

    sheets = [filled(coupon(kind, PRINTER, RESIN), tmp_path / f"{kind}.csv", measured, 0.05, rng) for kind in ("roofs", "working-curve")]
    done = CliRunner().invoke(app, ["calibrate", "fit", "roofs", *map(str, sheets), "-o", str(tmp_path / "mine.toml")])
    assert done.exit_code == 0, done.output
    material = pmsl.find_resin(str(tmp_path / "mine.toml")).resin
    for name, value in zip(("dp_um", "ec_mj_cm2", "induction_mj_cm2", "tail"), true, strict=True):
        found = getattr(material, name)
        assert abs(found.value - value) < 4 * found.sd and found.class_ == "measured", name


@pytest.mark.slow
def test_channels_are_closed_and_roofs_have_their_layers():
    made = coupon("roofs", PRINTER, RESIN, options=CouponOptions(cover_layers=[1, 4]))
    row = rows_of(made)[0]
    channel = round(float(row["channel_um"]) / float(row["layer_um"]))
    lit = [sum((e.mask.dense(np.uint8) > 0).astype(int) for e in made.job[k].exposures) for k in range(made.job.n_layers)]
    assert len(lit) == 4 + channel + 4 and max(layer.max() for layer in lit) == 1
    for i, row in enumerate(rows_of(made)):
        tile = made.layout.tile(i)
        middle = tile.row0 + tile.rows // 2, tile.col0 + tile.cols // 3
        column = np.array([layer[middle] for layer in lit])
        assert column.tolist() == [1] * 4 + [0] * channel + [1] * int(row["cover_layers"]) + [0] * (4 - int(row["cover_layers"]))


def test_doses_that_cure_nothing_are_refused():
    with pytest.raises(UsageError, match="does not cure layers of 30 µm"):
        coupon("roofs", PRINTER, RESIN, options=CouponOptions(layer_um=30.0, dose_range_mj_cm2=(7.0, 40.0)))


ROOF = "dose_mj_cm2,layer_um,cover_layers,channel_um,gap_um"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{ROOF}\n20,10,3,100,60\n20,10,5,100,50\n30,10,5,100,45", "add the sheet of a working curve"),
        (f"{ROOF}\n20,10,3,100,700", "a roof cures down, not up"),
        (f"{ROOF}\n20,10,,100,70", "no cover_layers; every row of roofs has one"),
        (f"{ROOF},reference_um\n20,10,3,100,70,100", "without reference_design_um|no column|reference"),
        (f"{ROOF}\n20,0.010,3,0.1,0.07", "is that mm"),
        ("dose_mj_cm2,thickness_um\n20,30\n40,44\n60,51", "no row has a gap"),
        ("dose_mj_cm2,layer_um,channel_um,gap_um\n20,10,100,70", "no column cover_layers"),
    ],
)
def test_a_sheet_that_is_none_is_refused_by_name(tmp_path, text, words):
    (tmp_path / "roofs.csv").write_text(text, encoding="utf-8")
    with pytest.raises(MeasurementError, match=words):
        fit("roofs", tmp_path / "roofs.csv")


@pytest.mark.slow
def test_roofs_at_several_heights_of_a_slab(tmp_path):
    """What is lit is what holds a slab's middle; the fit goes by that, and says how far plain roofs are from their design."""
    rng, true = np.random.default_rng(3), (24.0, 7.0, 1.5, 0.008)
    how = CouponOptions(cover_layers=[1, 4, 12], slab_heights=[0.0, 0.25, 0.5, 0.75])
    made = coupon("roofs", PRINTER, RESIN, options=how)
    rows = rows_of(made)
    lit = [sum((e.mask.dense(np.uint8) > 0).astype(int) for e in made.job[k].exposures) for k in range(made.job.n_layers)]
    for i, row in enumerate(rows):
        tile, layer = made.layout.tile(i), float(row["layer_um"])
        column = [one[tile.row0 + tile.rows // 2, tile.col0 + tile.cols // 3] for one in lit]
        channel, share = float(row["channel_um"]) / layer, float(row["roof_design_um"]) / layer % 1
        assert column[4 : 4 + round(channel)] == [0] * round(channel) and sum(column) == 4 + int(row["cover_layers"])
        assert float(row["roof_design_um"]) - float(row["channel_um"]) == pytest.approx(layer * (share if share <= 0.5 else share - 1))
    design = made.job.design
    assert {round(float(part.bounds_um()[1, 2]), 6) % 10 for part in design} == {0.0, 2.5, 5.0, 7.5}

    def measured(row):
        dose = float(row["time_s"]) * float(row["irradiance_mw_cm2"])
        if "cover_layers" not in row:
            return {"thickness_um": max(film_um([dose], *true) + rng.normal(0, 1), 0.0)}
        gap = float(row["channel_um"]) - roof_um(int(row["cover_layers"]), dose, float(row["layer_um"]), *true) + rng.normal(0, 1)
        return {"gap_um": max(gap, 0.0), "reference_um": float(row["reference_design_um"])}

    sheets = [filled(made, tmp_path / "r.csv", measured), filled(coupon("working-curve", PRINTER, RESIN), tmp_path / "w.csv", measured)]
    found = fit("roofs", sheets)
    for name, value in zip(("dp_um", "ec_mj_cm2", "induction_mj_cm2", "tail"), true, strict=True):
        assert abs(found.parameters[name].value - value) < 4 * found.parameters[name].sd, name
    off = [f.value for f in found.findings if f.code == "roofs-from-design"]
    assert len(off) == 4 and off[1] - off[0] == pytest.approx(-2.5, abs=1.0) and off[3] - off[0] == pytest.approx(2.5, abs=1.0)
    with pytest.raises(UsageError, match="expected shares from 0 to below 1"):
        coupon("roofs", PRINTER, RESIN, options=CouponOptions(slab_heights=[1.0]))
