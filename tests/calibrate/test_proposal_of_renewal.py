"""The next print of ledges and channels: what is stated comes of it, bars where reach is wanted, and what is refused."""

import math

import numpy as np
import pytest
from calibration_labs import exchanged_roof_um, filled, film_um, write_rows
from click.testing import CliRunner

import pmsl
from pmsl.calibrate import fit, propose, proposed_coupon
from pmsl.cli.app import app
from pmsl.errors import MeasurementError, UsageError

PRINTER, RESIN = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pr48-405")
TRUE = (20.0, 8.0, 0.8)  # Dp, Ec, E_ind
RENEWAL, REACH_UM, LAYER_UM = 0.35, 900.0, 10.0


def down_um(layers, dose, way):
    return exchanged_roof_um(layers, dose, LAYER_UM, *TRUE, RENEWAL, way, REACH_UM)


def first_sheets(folder, seed, noise=2.0, reach=True):
    """A small first print: films, sealed roofs, ledges at two ways from the vat."""
    rng, (dp, ec, induction) = np.random.default_rng(seed), TRUE
    films = [
        {"dose_mj_cm2": e, "thickness_um": film_um([e], dp, ec, induction) + rng.normal(0, noise)} for e in ec * np.geomspace(1.5, 12, 8)
    ]
    ledges = []
    for dose in 1.5 * ec * math.exp(LAYER_UM / dp) * np.array([1.0, 2.0]):
        for layers, way in [(n, way) for n in (2, 8, 20) for way in (None, 100.0)] + [(20, 500.0), (20, 2000.0)]:
            gap = 250 - down_um(layers, dose, way) + rng.normal(0, noise)
            known = {"dose_mj_cm2": dose, "layer_um": LAYER_UM, "cover_layers": layers, "port_um": way, "channel_um": 250}
            ledges.append({**known, "gap_um": gap})
    return [write_rows(folder / f"ledges{seed}.csv", ledges), write_rows(folder / f"films{seed}.csv", films)]


def check_stated(folder, seed, goal):
    """Print and measure what is proposed: standard deviations of the goal, as expected and as they came."""
    sheets, rng = first_sheets(folder, seed), np.random.default_rng(seed + 100)
    found = propose("renewal", sheets, goal, printer=PRINTER, resin=RESIN)
    assert found.sd_expected < found.sd_ladder * 1.001 and found.columns["bar"].sum() == 2 and len(found.dose_mj_cm2) == 12

    def measured(row):
        dose, way = float(row["time_s"]) * float(row["irradiance_mw_cm2"]), float(row["port_um"]) if row["port_um"] else None
        gap = float(row["channel_um"]) - down_um(int(row["cover_layers"]), dose, way) + rng.normal(0, 2.0)
        return {"gap_um": max(gap, 0.0), "reference_um": float(row["reference_design_um"])}

    made = proposed_coupon(found, PRINTER, RESIN)
    assert {(row["time_s"], row["cover_layers"]) for row in made.rows} == set(
        zip(found.time_s.tolist(), found.columns["cover_layers"].tolist(), strict=True)
    )
    after = fit("renewal", [*sheets, filled(made, folder / f"next{seed}.csv", measured)], PRINTER, RESIN)
    (said,) = [f for f in after.findings if f.code == "proposal-outcome"]
    assert said.limit == pytest.approx(found.sd_expected, rel=1e-3)
    return found.sd_now, found.sd_expected, said.value


def test_a_proposed_print_gives_about_what_it_states(tmp_path):
    now, expected, came = check_stated(tmp_path, 2, "ledges")
    assert expected < 0.7 * now and came == pytest.approx(expected, rel=0.35)


@pytest.mark.slow
@pytest.mark.parametrize("goal", ["ledges", "channels", "roofs", "dp"])
def test_proposed_prints_give_what_they_state_of_many_labs(goal, tmp_path):
    ratios = [came / expected for _, expected, came in (check_stated(tmp_path, seed, goal) for seed in range(8))]
    assert float(np.median(ratios)) == pytest.approx(1.0, abs=0.2), ratios


def test_the_command_says_what_a_tile_is(tmp_path):
    sheets = first_sheets(tmp_path, 1)
    words = ["calibrate", "propose", "renewal", *map(str, sheets), "--goal", "ledges", "--tiles", "8", "--printer", "pmsl-10um"]
    done = CliRunner().invoke(app, [*words, "--resin", "pr48-405", "--sheet", str(tmp_path / "next.csv")])
    assert done.exit_code == 0, done.output
    assert "a bar" in done.output and "Proposed for ledges, layers of 10 um" in (tmp_path / "next.csv").read_text("utf-8")


def test_what_it_cannot_say_is_refused(tmp_path):
    ledges, films = first_sheets(tmp_path, 1)
    with pytest.raises(MeasurementError, match="add the sheet of a working curve"):
        propose("renewal", [ledges], "ledges", printer=PRINTER, resin=RESIN)
    with pytest.raises(UsageError, match="renewal say nothing of walls; their goals: dp, roofs, ledges, channels"):
        propose("renewal", [ledges, films], "walls", printer=PRINTER, resin=RESIN)
    with pytest.raises(UsageError, match="working-curve say nothing of ledges"):
        propose("working-curve", [films], "ledges", printer=PRINTER, resin=RESIN)
