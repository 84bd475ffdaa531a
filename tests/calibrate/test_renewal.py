"""Renewal and reach: the closed form against what follows liquid in time and on cells, labs inside their intervals, coupon and sheets."""

import json
import math

import msgspec
import numpy as np
import pytest
from calibration_labs import exchanged_roof_um, filled, film_um, rows_of, share_inside, write_rows
from click.testing import CliRunner
from contact_oracle import Print
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

import pmsl
from pmsl.calibrate import CouponOptions, coupon, fit
from pmsl.calibrate.fits.cure_fit import cured_um
from pmsl.calibrate.kinds import kind_of
from pmsl.cli.app import app
from pmsl.core.mask import Window
from pmsl.cure import CureModel, Decay
from pmsl.cure.contact_pass import ContactPass
from pmsl.cure.contact_sum import ContactSum
from pmsl.errors import MeasurementError, UsageError

PRINTER, RESIN = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pegda-nps-1.0-385")
NAMES = ("dp_um", "ec_mj_cm2", "induction_mj_cm2", "renewal", "reach_um")


def closed(dp, ec, induction, dose, layers, layer_um, share):
    one = np.array([dose]), np.ones(1), np.array([float(layers)]), np.array([layer_um]), np.array([share])
    return float(cured_um(np.array([dp, ec, induction, 0.0]), *one)[0])


@given(
    st.floats(8, 60),
    st.floats(0, 0.6),
    st.floats(0, 1),
    st.floats(20, 5000),
    st.floats(1.1, 6),
    st.integers(1, 20),
    st.sampled_from([5.0, 10.0]),
)
def test_the_closed_form_is_what_liquid_followed_in_time_adds_up_to(dp, share, renewal, reach, ratio, layers, height):
    dose, way = ratio * 10 * np.exp(height / dp), 100.0
    slow = exchanged_roof_um(layers, dose, height, dp, 10.0, share * 10, renewal, way, reach)
    fast = closed(dp, 10.0, share * 10, dose, layers, height, renewal * math.exp(-way / reach))
    assert fast == pytest.approx(slow, abs=0.03) or (slow > 390 and fast > 390)


def test_a_sealed_roof_is_the_one_of_the_roofs_coupon():
    values = np.array([20.0, 10.0, 2.0, 0.0])
    rows = np.full(4, 30.0), np.ones(4), np.array([1.0, 3.0, 8.0, 40.0]), np.full(4, 10.0)
    assert cured_um(values, *rows, np.zeros(4)) == pytest.approx(cured_um(values, *rows), abs=1e-9)


def test_from_q_on_more_renewal_changes_nothing():
    q = math.exp(-10 / 20)
    depths = [closed(20.0, 10.0, 0.0, 30.0, 12, 10.0, share) for share in (q, 0.8, 1.0, q - 0.05)]
    assert depths[0] == pytest.approx(depths[1], abs=1e-9) and depths[1] == pytest.approx(depths[2], abs=1e-9) and depths[3] > depths[2]


# --- the coupon ---------------------------------------------------------------------------------------------------


def cropped(made, i, margin=3):
    """Frames 0..1 of the surroundings of a tile, its window, and the dose of white."""
    tile = made.layout.tile(i)
    window = Window(tile.row0 - margin, tile.col0 - margin, tile.rows + 2 * margin, tile.cols + 2 * margin)
    frames, dose = [], 0.0
    for plan in made.job.layers():
        shot = [e for e in plan.exposures if e.mask.within(tile, np.uint8).any()]
        frames.append(shot[0].mask.within(window, np.uint8) / 255 if shot else np.zeros((window.rows, window.cols)))
        dose = shot[0].dose_mj_cm2 if shot else dose
    return np.array(frames), window, dose


def seen(frame, sigma=0.36):
    ways = ((np.arange(n)[None, :] + k - (np.arange(n)[:, None] + 0.5)) / sigma for n in frame.shape for k in (1, 0))
    high_y, low_y, high_x, low_x = (ndtr(way) for way in ways)
    return (high_y - low_y) @ frame @ (high_x - low_x).T


def roof_at(layers, row, col, low, height):
    """Where a column becomes solid above layer `low`."""
    for k in range(low, len(layers)):
        if layers[k].cured_um[row, col] > 0:
            return (k + 1) * height - layers[k].cured_um[row, col]
    return math.inf


@pytest.fixture(scope="module")
def small():
    """Two tiles and two bars, 10 µm pixels."""
    return coupon("renewal", PRINTER, RESIN, options=CouponOptions(cover_layers=[6], layer_um=10.0, dose_range_mj_cm2=(25.0, 50.0)))


@pytest.mark.parametrize(("renewal", "reach"), [(0.45, 400.0), (1.0, math.inf)])
def test_what_its_rows_say_is_where_roofs_of_its_frames_land_by_contact(small, renewal, reach):
    """Ways from the port, doses, covers: followed by the product's own memory of liquid on the frames of every tile."""
    h, dp, ec = 10.0, 20.0, 10.0
    model = CureModel(Decay.single(dp), ec, memory="contact", renewal=renewal, reach_um=reach)
    channel = round(float(rows_of(small)[0]["channel_um"]) / h)
    for i in (0, 2):
        frames, window, dose = cropped(small, i)
        heights = np.full(len(frames), h)
        run = ContactPass(model, frames.shape[1:], (10.0, 10.0), heights)
        for frame in frames:
            run.add([(dose * seen(frame), 1)])
        adding = ContactSum(model, frames.shape[1:], run.shares.left)
        layers = [adding.add(k, h, dose * seen(frames[k])) for k in range(len(frames) - 1, -1, -1)][::-1]
        mine = [(row, mark) for row, mark in zip(rows_of(small), small.marks_px, strict=True) if int(row["tile"]) == i + 1]
        assert {row["port_um"] == "" for row, _ in mine} == ({True, False} if i == 0 else {False})
        for row, (x, y, _) in mine:
            way = float(row["port_um"] or "inf")
            share = renewal * math.exp(-way / reach) if way < math.inf else 0.0
            wanted = (4 + channel) * h - closed(dp, ec, 0.0, dose, 6, h, share)
            found = roof_at(layers, int(y - window.row0), int(x - window.col0), 4, h)
            assert found == pytest.approx(wanted, abs=0.5 if reach < math.inf else 0.05), row


def test_an_oracle_on_cells_of_its_own_says_the_same_of_a_ledge_and_a_cavity(small):
    h, dp, ec, renewal, reach = 10.0, 20.0, 10.0, 0.45, 400.0
    frames, window, dose = cropped(small, 0)
    truth = Print(frames, np.full(len(frames), dose), h, 10.0, 0.36, dp, ec, renewal, reach, sub=1, slices=2)
    plane = (len(frames) - 6) * h
    for (x, y, _), row in zip(small.marks_px[:2], rows_of(small), strict=False):
        share = renewal * math.exp(-float(row["port_um"]) / reach) if row["port_um"] else 0.0
        found = truth.roof_um(np.array([y - window.row0 + 0.5]), np.array([x - window.col0 + 0.5]), 45.0, plane + 5)[0, 0]
        assert found == pytest.approx(plane - closed(dp, ec, 0.0, dose, 6, h, share), abs=0.5)


def test_cavities_are_closed_ledges_open_and_bars_have_one_port(small):
    lit, window, _ = cropped(small, 0, 1)
    channel = len(lit) - 4 - 6
    middle = lit[4 + channel // 2]
    assert lit[:4, 1:-1, 1:-1].min() == 1 and lit[-6:, 1:-1, 13:-1].min() == 1
    assert middle[31, 20] == 0 and middle[31, 13:18].min() == 1 and middle[31, 31:36].min() == 1 and middle[1:-1, 37:].max() == 0
    bar, window, _ = cropped(small, 2, 1)
    across = bar[4 + channel // 2][19]
    assert across[1:7].min() == 1 and across[7:].max() == 0 and window.cols > 5 * window.rows


def test_ways_reach_from_a_tenth_of_a_millimetre_to_ten(small):
    for printer, far in (("pmsl-2um", 3000.0), ("microfluidics-7.6um", 9900.0), ("dlp-27um", 9900.0)):
        ways = [float(row["port_um"]) for row in rows_of(coupon("renewal", pmsl.find_printer(printer), RESIN)) if row["port_um"]]
        assert min(ways) <= 330 and far <= max(ways) <= 10_050


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"layer_um": 30.0, "dose_range_mj_cm2": (7.0, 40.0)}, "does not cure layers of 30 µm"),
        ({"cover_layers": [0, 3]}, "expected 1 to 200 layers"),
        ({"dose_range_mj_cm2": (20.0, 1e6)}, "gives at most"),
        ({"levels": [128]}, "has no levels"),
    ],
)
def test_coupons_that_cannot_be_are_refused(how, words):
    with pytest.raises(UsageError, match=words):
        coupon("renewal", PRINTER, RESIN, options=CouponOptions(**how))


# --- synthetic labs -----------------------------------------------------------------------------------------------


def lab(seed, folder, noise=2.0, **fixed):
    rng = np.random.default_rng(seed)
    dp, ec, height = rng.uniform(12, 40), rng.uniform(3, 15), 10.0
    true = {
        "dp_um": dp,
        "ec_mj_cm2": ec,
        "induction_mj_cm2": rng.uniform(0.05, 0.2) * ec,
        "renewal": rng.uniform(0.1, 0.9),
        "reach_um": math.exp(rng.uniform(math.log(200), math.log(5000))),
        **fixed,
    }
    dp, ec, induction, renewal, reach = (true[name] for name in NAMES)
    curve = [e for e in np.repeat(ec * np.geomspace(1.4, 12, 8), 3) if rng.random() > 0.1]
    films = [{"dose_mj_cm2": e, "thickness_um": max(film_um([e], dp, ec, induction) + rng.normal(0, noise), 0.0)} for e in curve]
    ways = [(n, way) for n in (1, 2, 3, 5, 8, 12, 20, 40) for way in (None, 70.0)] + [(40, way) for way in np.geomspace(100, 8000, 8)]
    roofs = []
    for dose in 1.5 * ec * np.exp(height / dp) * np.array([1.0, 2.0]):
        for layers, way in ways:
            gap = 250 - exchanged_roof_um(layers, dose, height, dp, ec, induction, renewal, way, reach) + rng.normal(0, noise)
            offset = rng.normal(0, 3)
            if rng.random() > 0.1 and gap > 10:
                known = {"dose_mj_cm2": dose, "layer_um": height, "cover_layers": layers, "port_um": way, "channel_um": 250}
                roofs.append({**known, "gap_um": gap + offset, "reference_um": 250 + offset, "reference_design_um": 250})
    sheets = [write_rows(folder / f"r{seed}.csv", roofs), write_rows(folder / f"w{seed}.csv", films)]
    return true, sheets


def labs(seeds, folder, **fixed):
    for seed in seeds:
        true, sheets = lab(seed, folder, **fixed)
        yield true, fit("renewal", sheets)


@pytest.mark.slow
def test_true_values_lie_inside_their_intervals(tmp_path):
    shares = share_inside(labs(range(6), tmp_path))
    assert np.mean(list(shares.values())) >= 0.8 and min(shares.values()) >= 0.6, shares


@pytest.mark.slow
def test_true_values_lie_inside_their_intervals_of_a_thousand_labs(tmp_path):
    shares = share_inside(labs(range(1000), tmp_path))
    assert all(0.925 <= share <= 0.975 for share in shares.values()), shares


@pytest.mark.parametrize("renewal", [0.8, 1.0])
def test_more_than_q_is_one_sided(tmp_path, renewal):
    true, sheets = lab(3, tmp_path, dp_um=20.0, ec_mj_cm2=8.0, renewal=renewal, reach_um=1e9)
    found = fit("renewal", sheets)
    low, high = found.parameters["renewal"].interval95
    q = math.exp(-10 / 20.0)
    assert found.parameters["renewal"].value == 1.0 == high and q - 0.15 < low < q + 0.05
    assert math.isinf(found.parameters["reach_um"].value) and found.parameters["reach_um"].interval95[0] > 5000
    assert [f.code for f in found.findings].count("value-at-bound") == 2
    assert '"inf"' in json.dumps(found.as_dict()) and "Infinity" not in json.dumps(found.as_dict())


@pytest.mark.parametrize("seed", [7, 8])
def test_where_nothing_is_exchanged_it_says_so(tmp_path, seed):
    true, sheets = lab(seed, tmp_path, renewal=0.0)
    found = fit("renewal", sheets)
    assert found.parameters["renewal"].interval95[0] == 0.0
    if seed == 7:  # no renewal at all fits best: there is no reach, and memory is enclosed
        assert "reach_um" not in found.parameters and "value-at-bound" in [f.code for f in found.findings]
        made = kind_of("renewal").resin(RESIN, found, "kept").resin
        assert made.memory.value == "enclosed" and made.renewal is msgspec.UNSET and made.reach_um is msgspec.UNSET
    else:
        assert any("a renewal of 0 describes the tiles as well" in f.message for f in found.findings)


# --- sheets, profiles ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reach", [600.0, math.inf])
def test_the_loop_closes_and_a_resin_is_by_contact(tmp_path, reach):
    rng, (dp, ec, induction, renewal) = np.random.default_rng(2), (24.0, 7.0, 1.0, 0.4)
    made = {kind: coupon(kind, PRINTER, RESIN) for kind in ("renewal", "working-curve")}

    def measured(row):
        dose = float(row["time_s"]) * float(row["irradiance_mw_cm2"])
        if "cover_layers" not in row:
            return {"thickness_um": max(film_um([dose], dp, ec, induction) + rng.normal(0, 1), 0.0)}
        way = float(row["port_um"]) if row["port_um"] else None
        down = exchanged_roof_um(int(row["cover_layers"]), dose, float(row["layer_um"]), dp, ec, induction, renewal, way, reach)
        return {"gap_um": max(float(row["channel_um"]) - down + rng.normal(0, 1), 0.0), "reference_um": float(row["reference_design_um"])}

    sheets = [filled(made[kind], tmp_path / f"{kind}.csv", measured, 0.05, rng) for kind in made]
    done = CliRunner().invoke(app, ["calibrate", "fit", "renewal", *map(str, sheets), "-o", str(tmp_path / "mine.toml"), "--json"])
    assert done.exit_code == 0, done.output
    material = pmsl.find_resin(str(tmp_path / "mine.toml")).resin
    assert material.memory.value == "contact" and material.tail is None and material.memory.class_ == "measured"
    for name, value in {"dp_um": dp, "ec_mj_cm2": ec, "induction_mj_cm2": induction, "renewal": renewal}.items():
        found = getattr(material, name)
        assert abs(found.value - value) < 4 * found.sd and found.class_ == "measured", name
    if reach < math.inf:
        assert abs(material.reach_um.value - reach) < 4 * material.reach_um.sd
    else:
        assert material.reach_um.value == "inf" or material.reach_um.value > 8000
    assert CureModel.of(pmsl.find_resin(str(tmp_path / "mine.toml"))).memory == "contact"


HEAD = "dose_mj_cm2,layer_um,cover_layers,port_um,channel_um,gap_um"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{HEAD}\n20,10,3,,100,60\n20,10,5,,100,50\n30,10,5,,100,45", "all roofs are sealed"),
        (f"{HEAD}\n20,10,3,50,100,60\n20,10,5,50,100,50\n30,10,5,50,100,45", "cannot be parted"),
        (f"{HEAD}\n20,10,3,0,100,60", "port_um is 0; it must be above 0"),
        (f"{HEAD}\n20,10,3,50,100,60\n20,10,5,,100,50", "2 usable measurements for"),
        (f"{HEAD.replace('port_um', 'prot_um')}\n20,10,3,50,100,60", "did you mean 'port_um'"),
        (f"{HEAD}\n20,10,3,50,100,600\n20,10,3,,100,60", "a roof cures down, not up"),
    ],
)
def test_a_sheet_that_is_none_is_refused_by_name(tmp_path, text, words):
    (tmp_path / "ledges.csv").write_text(text, encoding="utf-8")
    with pytest.raises(MeasurementError, match=words):
        fit("renewal", tmp_path / "ledges.csv")


def test_ledges_are_no_roofs(tmp_path):
    (tmp_path / "ledges.csv").write_text(f"{HEAD}\n20,10,3,50,100,60\n20,10,5,,100,50", encoding="utf-8")
    with pytest.raises(MeasurementError, match="port_um"):
        fit("roofs", tmp_path / "ledges.csv")
