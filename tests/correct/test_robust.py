"""The robust choice: of all resins that a profile may stand for the worst is least off, by an oracle that follows the liquid."""

import dataclasses
import json
import math

import numpy as np
import pytest
from click.testing import CliRunner
from contact_parts import COLS, DP, EC, ROWS, P, Printed, channel, resin
from forward_model import grid_of, printer_of
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy.special import ndtri

import pmsl
from pmsl.cli.app import app
from pmsl.correct import Corrector
from pmsl.correct.prediction_cases import robust_names
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.contact_layers import BlockExchange, PointCells
from pmsl.correct.solver.robust_dose import PossibleResin, RobustLayers
from pmsl.errors import ExposureError, ProfileError, UsageError
from pmsl.profiles.process import Process
from pmsl.profiles.tables.strict_struct import Value

BOTH = ("edges", "printthrough")
NAMES = ["enclosed", "open", "contact", "ec_low", "ec_high", "renewal_low", "renewal_high"]


def measured(number, sd):
    return Value(number, "measured", "test", sd)


def by_contact(low, high):
    """A resin whose renewal alone is uncertain."""
    values = {"dp_um": measured(DP, 1e-3), "ec_mj_cm2": measured(EC, 1e-3), "renewal": measured(0.5 * (low + high), 0.5 * (high - low))}
    made = resin("contact", reach_um="inf", **values)
    return replace(made, resin=replace(made.resin, memory=Value("contact", "measured", "test")))


def worst(printed, renewals):
    """Worst wall [px] and roof [µm] of some truths."""
    truths = [printed.truth(r) for r in renewals]
    return max(abs(printed.walls_px(t)) for t in truths), max(abs(printed.roofs_um(t)) for t in truths)


@pytest.mark.slow
def test_with_a_renewal_between_half_and_one_the_worst_wall_is_halved():
    nominal, robust = (Printed(channel(True), by_contact(0.5, 1.0), names) for names in (BOTH, (*BOTH, "robust")))
    before, after = worst(nominal, (0.5, 0.75, 1.0)), worst(robust, (0.5, 0.75, 1.0))
    assert after[0] <= 0.53 * before[0] and before[0] > 0.04
    assert after[1] <= 0.3  # the roof is sealed, and lands whatever the renewal


def test_with_a_memory_that_is_a_guess_walls_and_roofs_are_halved():
    """Of open and enclosed liquid, and 10 % in Ec and Dp: walls 0.71 px and roofs 22 µm off at worst when one is corrected for."""
    nominal, robust = (Printed(channel(False), resin("enclosed"), names) for names in (BOTH, (*BOTH, "robust")))
    before, after = worst(nominal, (0.0, 1.0)), worst(robust, (0.0, 1.0))
    assert before == (pytest.approx(0.705, abs=0.01), pytest.approx(21.9, abs=0.3))
    assert after[0] <= 0.35 * before[0] and after[1] <= 0.6 * before[1]
    told = robust.corrector.prediction(8).face_errors_um
    ends = [np.median(told[case]) for case in ("open", "dp_high")]
    assert ends[0] == pytest.approx(-ends[1], abs=0.5)  # as far too high as too low


numbers = st.floats(0.0, 1.5)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(12.0, 30.0), st.floats(0.7, 1.4), st.booleans()), min_size=1, max_size=5), numbers, numbers, st.booleans()
)
def test_no_other_dose_has_a_lesser_worst_case(resins, above, further, walls):
    """Against a search over all doses, of any resins, and any light of two layers above."""
    law = plain_law()
    possible = tuple(
        PossibleResin(dataclasses.replace(law, lengths_um=np.array([dp]), ec_mj_cm2=EC * ec, memory="open" if is_open else "enclosed"), 0.0)
        for dp, ec, is_open in resins
    )
    light = RobustLayers(law, possible, BlockExchange.nothing(), 1, 2)
    light.add(np.array([EC * further]))
    light.fall(10.0)
    light.add(np.array([EC * above]))
    light.fall(10.0)
    depth = 5.0
    seen = np.array(light.maps()).reshape(-1, 1)
    low, _ = law.own_mj_cm2(depth, light.dose(seen, depth, PointCells(0, np.zeros(1, np.int64), walls)))

    def off(own):
        found = []
        for one in possible:
            left = one.law.left_at
            parts = [
                own * left(depth),
                np.full_like(own, EC * above * left(depth + 10)),
                np.full_like(own, EC * further * left(depth + 20)),
            ]
            dose = np.max(parts, axis=0) if one.law.memory == "open" else np.sum(parts, axis=0)
            ratio = np.maximum(dose / one.law.threshold_mj_cm2, 1e-9)
            found.append(ndtri(1 - np.minimum(1 / (2 * ratio), 1)) if walls else one.law.dp_um * np.log(ratio))
        return np.abs(found).max(axis=0)

    every = np.linspace(0.0, 4.0 * EC, 4001)
    assert off(np.atleast_1d(low))[0] <= off(every).min() + (0.01 if walls else 0.1)


def plain_law():
    return Law.of(resin("enclosed"), grid_of(ROWS, COLS, 6, pitch=P), np.full(6, 25.0), True)


def test_what_is_measured_is_not_doubted():
    def named(memory, class_):
        made = resin(memory)
        return robust_names(replace(made, resin=replace(made.resin, memory=Value(memory, class_, "test"))), NAMES)

    assert named("open", "measured") == {"open", "ec_low", "ec_high", "renewal_low", "renewal_high"}
    assert named("open", "placeholder") == robust_names(resin(), NAMES) == {"enclosed", "open", "ec_low", "ec_high"}


def test_any_order_gives_the_same_bytes():
    one, two = (Printed(channel(True), resin("enclosed"), (*BOTH, "robust")).corrector for _ in range(2))
    back = [two.images(k)[0][0].sha256() for k in range(17, -1, -1)][::-1]
    assert [one.images(k)[0][0].sha256() for k in range(18)] == back


def test_what_is_refused():
    with pytest.raises(UsageError, match="neither edges, printthrough nor optimise"):
        Printed(channel(True), resin("enclosed"), ("robust",))
    with pytest.raises((ValueError, ProfileError), match="add one of these"):
        replace(pmsl.find_process("default"), corrections=("robust",))
    grid = grid_of(ROWS, COLS, 18, pitch=P)
    with pytest.raises(ExposureError, match="leave robust out"):
        Corrector(
            [channel(True)], grid, printer_of((ROWS, COLS), pitch=P), resin("enclosed"), np.full(18, 25.0), (*BOTH, "robust"), roof_layers=4
        )


def test_a_job_says_what_it_reckons_with_and_the_price(tmp_path):
    printer, process = printer_of((ROWS, COLS), pitch=P), pmsl.find_process("default")
    process = replace(process, corrections=("edges", "robust"), bottom_dose_factors=(1.0,))
    assert isinstance(process, Process) and process.schema == "pmsl.process/2"
    job = pmsl.prepare([channel(True)], printer, resin("enclosed"), process, accept_uncalibrated=True)
    pmsl.write(job, tmp_path / "job")
    assert pmsl.read(tmp_path / "job").correction.names == ("edges", "robust")
    output = CliRunner().invoke(app, ["info", str(tmp_path / "job")]).output
    assert "corrected edges, robust" in output and "±10 % of dp_um and ec_mj_cm2 assumed, no sd stated" in output
    assert "enclosed liquid, as the profile says *" in output and "open liquid *" in output
    assert "* chosen so that the worst of these is least" in output and "the price where" in output
    rows = json.loads(CliRunner().invoke(app, ["info", str(tmp_path / "job"), "--json"]).stdout)["correction"]["predicted"]["rows"]
    assert [row["case"] for row in rows if row["robust"]] == ["enclosed", "open", "ec_low", "ec_high", "dp_low", "dp_high"]
    assert math.isclose(max(abs(r["walls"]["mean"]) for r in rows if r["robust"]), 0.2, abs_tol=0.05)
