"""Induction: the closed form of split doses, labs inside their intervals, sheets joined, a profile that has it."""

import csv
import io

import numpy as np
import pytest
from calibration_labs import filled, film_um, rows_of, share_inside, write_rows
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import pmsl
from pmsl.calibrate import CouponOptions, coupon, fit
from pmsl.calibrate.coupons.measuring_sheet import sheet_text
from pmsl.calibrate.fits.cure_fit import cured_um
from pmsl.cli.app import app
from pmsl.cure import CureModel
from pmsl.errors import MeasurementError, UsageError
from pmsl.exposure import dose_map

PRINTER, RESIN = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")


def closed(dp, ec, induction, tail, dose, events):
    return float(cured_um(np.array([dp, ec, induction, tail]), np.array([dose]), np.array([float(events)]), np.zeros(1), np.zeros(1))[0])


@given(st.floats(8, 80), st.floats(2, 20), st.floats(0, 0.8), st.sampled_from([0.0, 0.01]), st.floats(1.2, 12), st.integers(1, 4))
def test_the_closed_form_is_what_events_add_up_to(dp, ec, share, tail, ratio, events):
    dose = ratio * ec * (1 + (events - 1) * share)
    slow = film_um([dose / events] * events, dp, ec, share * ec, tail)
    assert closed(dp, ec, share * ec, tail, dose, events) == pytest.approx(slow, abs=0.03)


def test_every_tile_gets_its_dose_in_its_events():
    made = coupon("induction", PRINTER, RESIN)
    (plan,) = made.job.layers()
    doses = dose_map(made.job, plan).dense()
    lit = [e.mask.dense(np.uint8) > 0 for e in plan.exposures]
    for i, row in enumerate(rows_of(made)):
        tile = made.layout.tile(i)
        middle = tile.row0 + tile.rows // 2, tile.col0 + tile.cols // 2
        n = int(row["events"])
        assert doses[middle] == pytest.approx(n * float(row["time_s"]) * float(row["irradiance_mw_cm2"]), rel=1e-6)
        assert sum(bool(mask[middle]) for mask in lit) == n
    assert [e.wait_before_s for e in plan.exposures if e.wait_before_s > 0] == [30.0, 30.0, 30.0]  # the tiles wait together


def test_the_forward_model_of_pmsl_cures_what_the_fit_says():
    """The same tiles by the product's own event sum: an independent implementation of the closed form."""
    from pmsl.cure.events import EventSum

    model = CureModel(pmsl.cure.Decay.single(20.0), 10.0, 2.5)
    for events in (1, 2, 4):
        dose = np.full((1, 1), 80.0 / events)
        layer = EventSum(model, (1, 1)).add(0, 400.0, *[dose] * events)
        assert float(layer.cured_um[0, 0]) == pytest.approx(closed(20.0, 10.0, 2.5, 0.0, 80.0, events), abs=1e-6)


# --- synthetic labs -----------------------------------------------------------------------------------------------


def lab(seed, folder, noise=2.0, lowest=0.05):
    """A working curve and split doses of one resin, measured to 2 µm, a tenth of the tiles lost."""
    rng = np.random.default_rng(seed)
    dp, ec = rng.uniform(10, 100), rng.uniform(2, 20)
    induction = rng.uniform(lowest, 0.7) * ec
    curve = [{"dose_mj_cm2": e, "events": 1} for e in np.repeat(ec * np.geomspace(1.5, 8, 6), 2)]
    split = [{"dose_mj_cm2": e * ec, "events": n} for e in (5.0, 9.0) for n in (1, 2, 4) for _ in range(2)]
    rows = []
    for i, row in enumerate(curve + split):
        n = row["events"]
        depth = film_um([row["dose_mj_cm2"] / n] * n, dp, ec, induction) + rng.normal(0, noise)
        if i % 8 < 2 or rng.random() > 0.1:
            rows.append({**row, "thickness_um": max(depth, 0.0)})
    path = write_rows(folder / f"lab{seed}.csv", rows)
    return {"dp_um": dp, "ec_mj_cm2": ec, "induction_mj_cm2": induction}, path


def labs(seeds, folder):
    for seed in seeds:
        true, path = lab(seed, folder)
        yield true, fit("induction", path)


def test_true_values_lie_inside_their_intervals(tmp_path):
    shares = share_inside(labs(range(40), tmp_path))
    assert all(share >= 0.85 for share in shares.values()) and np.mean(list(shares.values())) >= 0.9, shares


@pytest.mark.slow
def test_true_values_lie_inside_their_intervals_of_a_thousand_labs(tmp_path):
    shares = share_inside(labs(range(1000), tmp_path))
    assert all(0.925 <= share <= 0.975 for share in shares.values()), shares


def test_without_induction_its_upper_end_is_one_sided(tmp_path):
    """Values at a bound: the truth of 0 is inside, and the data say how large it is at most."""
    ends = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        rows = [
            {"dose_mj_cm2": e, "events": n, "thickness_um": 20 * np.log(e / 6) + rng.normal(0, 1)}
            for e in (15, 30, 60)
            for n in (1, 2, 4, 4)
        ]
        found = fit("induction", write_rows(tmp_path / f"{seed}.csv", rows))
        p = found.parameters["induction_mj_cm2"]
        assert p.interval95[0] == 0.0 < p.interval95[1] < 1.5
        ends.append("value-at-bound" in [f.code for f in found.findings])
    assert 2 <= sum(ends) <= 10  # half of all labs


def test_the_loop_closes_on_the_truth(tmp_path):
    """Two coupons, printed by a resin that they do not know, in one fit and into a profile."""
    rng = np.random.default_rng(1)

    def measured(row):
        n = int(row.get("events", 1))
        event = float(row["time_s"]) * float(row["irradiance_mw_cm2"])
        return {"thickness_um": max(film_um([event] * n, 55.0, 14.0, 5.0) + rng.normal(0, 1), 0.0)}

    sheets = [filled(coupon(kind, PRINTER, RESIN), tmp_path / f"{kind}.csv", measured, 0.1, rng) for kind in ("induction", "working-curve")]
    found = fit("induction", sheets, PRINTER, RESIN)
    for name, true in (("dp_um", 55.0), ("ec_mj_cm2", 14.0), ("induction_mj_cm2", 5.0)):
        assert abs(found.parameters[name].value - true) < 4 * found.parameters[name].sd < 0.4 * true
    assert not [f for f in found.findings if f.severity == "warning"]
    assert [f.value for f in found.findings if f.code == "value-holds-for"] == [30.0]
    done = CliRunner().invoke(
        app, ["calibrate", "fit", "induction", *map(str, sheets), "--resin", "pr48-405", "-o", str(tmp_path / "mine.toml")]
    )
    assert done.exit_code == 0, done.output
    mine = pmsl.find_resin(str(tmp_path / "mine.toml"))
    assert mine.resin.induction_mj_cm2.class_ == "measured" and mine.resin.induction_mj_cm2.sd > 0
    assert mine.covariance[0].names == ["dp_um", "ec_mj_cm2", "induction_mj_cm2"]
    assert CureModel.of(mine).induction_mj_cm2 == pytest.approx(found.parameters["induction_mj_cm2"].value)


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "dose_mj_cm2,events,thickness_um\n10,1,9\n20,1,20\n40,1,31\n60,1,39\n80,1,44",
            "say nothing about induction_mj_cm2; print one dose in 1, 2",
        ),
        ("dose_mj_cm2,events,thickness_um\n20,1,20\n20,2,18\n40,4,30", "for 3 parameters"),
        ("time_s,events,thickness_um\n20,1,20\n20,2,18\n40,4,30\n40,1,31", "no irradiance"),
        ("dose_mj_cm2,event,thickness_um\n20,1,20", "unknown column 'event'; did you mean 'events'"),
        ("dose_mj_cm2,events,thickness_um\n20,0,20", "events is 0; it must be above 0"),
        ("dose_mj_cm2,events,thickness_um\n20,1,-20", "thickness_um is -20; it must be 0 or more"),
        ("dose_mj_cm2,events,thickness_um\n20,1,0.02\n30,1,0.03", "is that mm"),
        ("dose_mj_cm2,events,thickness_um\n10,1,20\n10,2,-0\n10,4,0\n20,1,34", "usable measurements for 3"),
        ("dose_mj_cm2,events,thickness_um\n40,1,40\n20,1,26\n80,1,54\n80,4,8\n60,2,18\n40,4,1\n80,2,21", "not below Ec"),
    ],
)
def test_a_sheet_that_is_none_is_refused_by_name(tmp_path, text, words):
    (tmp_path / "tiles.csv").write_text(text, encoding="utf-8")
    with pytest.raises(MeasurementError) as caught:
        fit("induction", tmp_path / "tiles.csv")
    assert words in str(caught.value)


def test_a_sheet_of_another_coupon_is_refused(tmp_path):
    made, other = coupon("induction", PRINTER, RESIN), coupon("induction", PRINTER, RESIN, options=CouponOptions(wait_s=5.0))
    rows = rows_of(made)
    for row in rows:
        row["thickness_um"] = "30"
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    (tmp_path / "s.csv").write_text(sheet_text(made).splitlines()[0] + "\n" + buffer.getvalue(), encoding="utf-8")
    with pytest.raises(MeasurementError, match=f"the job: is coupon {other.digest}, the sheet is of coupon {made.digest}"):
        fit("induction", tmp_path / "s.csv", job=other.job)
    with pytest.raises(MeasurementError, match="is the sheet of a induction coupon"):
        fit("working-curve", tmp_path / "s.csv")
    with pytest.raises(MeasurementError, match="no (dp_um|ec_mj_cm2) describes the measurements"):
        fit("induction", tmp_path / "s.csv", job=made.job)  # its own coupon; all thicknesses alike


def test_an_option_of_another_kind_is_refused():
    with pytest.raises(UsageError, match="coupon induction has no levels; it knows"):
        coupon("induction", PRINTER, RESIN, options=CouponOptions(levels=[255]))
    with pytest.raises(UsageError, match="did you mean 'induction'"):
        coupon("inductions")


def test_sheets_that_contradict_each_other_are_said(tmp_path):
    """Two working curves and split doses of one resin agree; of two resins they do not, whichever kind is fitted."""

    def sheet(name, ec, events, seed):
        rng = np.random.default_rng(seed)
        rows = [
            {"dose_mj_cm2": e, "events": n, "thickness_um": film_um([e / n] * n, 40.0, ec, 1.5) + rng.normal(0, 1)}
            for e in np.geomspace(25, 120, 8)
            for n in events
        ]
        rows = rows if len(events) > 1 else [{k: v for k, v in row.items() if k != "events"} for row in rows]
        return write_rows(tmp_path / name, rows)

    split, curve = sheet("split.csv", 8.0, (1, 2, 4), 1), sheet("curve.csv", 8.0, (1,), 2)
    other = sheet("other.csv", 11.0, (1,), 3)

    def said(kind, *sheets):
        return [f.message for f in fit(kind, sheets).findings if f.code == "lack-of-fit" and "contradict" in f.message]

    assert not said("induction", split, curve) and len(said("induction", split, other)) == 1
    assert len(said("working-curve", curve, other)) == 1 and not said("working-curve", curve)
