"""Where walls and faces will be, whatever the resin is: every correction says it of both, as findings and as one table."""

import dataclasses
import json
import math

import numpy as np
import pytest
from click.testing import CliRunner
from contact_parts import COLS, DP, EC, ROOF, ROWS, H, P, Printed, channel, resin
from forward_model import printer_of
from msgspec.structs import replace
from solids import box

import pmsl
from pmsl.cli.app import app
from pmsl.core.finding import PredictedErrors
from pmsl.correct.error_table import error_table
from pmsl.correct.prediction_cases import PredictionCases
from pmsl.formats.container.layer_writer import merged
from pmsl.profiles.resin import Covariance
from pmsl.profiles.tables.strict_struct import Value
from pmsl.report.page.job_summary import summary


def value(number, sd):
    return Value(number, "measured", "test", sd)


@pytest.mark.parametrize(
    "corrections", [("edges",), *(pytest.param(some, marks=pytest.mark.slow) for some in [("printthrough",), ("edges", "printthrough")])]
)
def test_what_a_correction_leaves_alone_is_predicted_too(corrections):
    """Edges alone: roofs sink by their print-through; printthrough alone: walls grow. Both as an oracle prints them."""
    printed = Printed(channel(True), resin("enclosed"), corrections)
    for memory, renewal in (("enclosed", 0.0), ("contact", 1.0)):
        truth, told = printed.truth(renewal, 200.0), printed.corrector.prediction(8)
        walls = printed.corrector.prediction(4).wall_errors_px[memory]
        outer = walls[np.abs(walls - printed.walls_px(truth)) < 0.03]
        assert len(outer) > 0.3 * len(walls)
        if memory == "contact" and corrections == ("edges",):
            continue  # rims of roofs are dark there, and liquid comes in from the side
        inner = (told.faces_px[:, 1] == 13) & (np.abs(told.faces_px[:, 0] - 15) < 5)
        printed_um = truth.roof_um(np.array([14.5]), np.array([13.5]), ROOF - 50, ROOF + 50)[0, 0] - ROOF
        assert inner.any() and np.median(told.face_errors_um[memory][inner]) == pytest.approx(printed_um, abs=0.3)
    codes = {f.code for k in range(18) for f in printed.corrector.findings(k)}
    assert {"wall-error", "face-error"} <= codes


def test_frames_do_not_depend_on_what_is_looked_at():
    """Neighbours of observed faces are numbered, and not placed: edges alone leave them as the mask has them."""
    printed = Printed(channel(True), resin("enclosed"), ("edges",))
    plain = Printed(channel(True))
    middle = np.s_[:, 13:17, 12:14]
    assert np.array_equal(printed.frames[middle], plain.frames[middle])


@pytest.mark.parametrize("correlation", [0.0, 0.9, -0.9])
def test_values_that_vary_together_are_propagated(correlation):
    """Of a thick roof: print-through is Dp ln(S / Ec), with S from the geometric series; first order in both values."""
    sd = 0.4, 0.3
    made = replace(
        resin("enclosed", dp_um=value(DP, sd[0]), ec_mj_cm2=value(EC, sd[1])),
        covariance=[
            Covariance(
                names=["dp_um", "ec_mj_cm2"],
                matrix=[[sd[0] ** 2, correlation * sd[0] * sd[1]], [correlation * sd[0] * sd[1], sd[1] ** 2]],
            )
        ],
    )
    printed = Printed(channel(True), made, ("edges",))
    (found,) = (f for f in printed.corrector.findings(8) if f.code == "face-error")

    def face(dp, ec):
        light = 1.5 * 10.0 * math.exp(H / 20.0) * np.exp(-H * np.arange(1, 11) / dp).sum()
        return -dp * math.log(light / ec)

    slopes = np.array([(face(DP + 1e-4, EC) - face(DP - 1e-4, EC)), (face(DP, EC + 1e-4) - face(DP, EC - 1e-4))]) / 2e-4
    asked = slopes @ np.array(made.covariance[0].matrix) @ slopes
    assert found.predicted.errors["enclosed"] == pytest.approx(face(DP, EC), abs=1.5)  # its rims are darker
    assert found.predicted.sd == pytest.approx(math.sqrt(asked), rel=0.03)
    assert "from the stated sd" in found.message and "assumed)" not in found.message.split("together")[1]


def test_without_any_sd_ten_percent_is_assumed_and_said():
    printed = Printed(channel(True), resin("enclosed"), ("edges",))
    (found,) = (f for f in printed.corrector.findings(8) if f.code == "face-error")
    assert "Ec ± 10 %" in found.message and "±10 % of dp_um and ec_mj_cm2 assumed, no sd stated" in found.message


def test_induction_and_renewal_are_varied_where_there_are_any():
    law = Printed(channel(True), resin("enclosed"), ("edges",)).corrector.cases.cases[0].law
    plain = PredictionCases.of(resin("enclosed"), law)
    assert [c.name for c in plain.cases] == ["enclosed", "open", "contact", "ec_low", "ec_high", "dp_low", "dp_high"]
    with_induction = PredictionCases.of(resin("enclosed", induction_mj_cm2=value(1.0, 0.25)), law)
    assert [c.law.induction_mj_cm2 for c in with_induction.cases[-2:]] == [0.75, 1.25]
    by_contact = PredictionCases.of(resin("contact", renewal=value(0.9, 0.3), reach_um="inf"), dataclasses.replace(law, memory="contact"))
    assert [(c.name, c.renewal) for c in by_contact.cases[-2:]] == [("renewal_low", pytest.approx(0.6)), ("renewal_high", 1.0)]


def test_findings_of_neighbouring_layers_are_one_and_add_up():
    """The value farthest from 0 stays, also below it; points, means and shares are those of all layers."""
    one = PredictedErrors(points=10, errors={"open": -0.1}, worst={"open": -0.1}, lost={}, sd=0.1)
    two = PredictedErrors(points=30, errors={"open": -0.5}, worst={"open": -0.5}, lost={"open": 0.2}, sd=0.3)

    def finding(k, predicted):
        worst = predicted.errors["open"]
        return pmsl.Finding(code="wall-error", severity="warning", message="m", layers=(k, k), value=worst, predicted=predicted)

    (both,) = merged([finding(3, one), finding(4, two)])
    assert both.value == -0.5 and both.layers == (3, 4)
    assert both.predicted == PredictedErrors(points=40, errors={"open": -0.4}, worst={"open": -0.5}, lost={"open": 0.15}, sd=0.25)
    assert one.joined(two) == two.joined(one)


def test_the_table_is_shown_and_recorded(tmp_path):
    """At the end of slicing, by info, and for programs; of a job that was read as of one just made."""
    printer, process = printer_of((ROWS, COLS), pitch=P), pmsl.find_process("default")
    process = replace(process, corrections=("edges",), bottom_dose_factors=(1.0,))
    job = pmsl.prepare([channel(True)], printer, resin("enclosed"), process, accept_uncalibrated=True)
    pmsl.write(job, tmp_path / "job")
    assert '"pmsl.job/2"' in (tmp_path / "job" / "job.json").read_text("utf-8")
    runner = CliRunner()
    words = runner.invoke(app, ["info", str(tmp_path / "job")]).output
    assert "enclosed liquid, as the profile says" in words and "by contact (renewal 1, reach 200 µm, assumed)" in words
    facts = json.loads(runner.invoke(app, ["info", str(tmp_path / "job"), "--json"]).stdout)["correction"]["predicted"]
    rows = {row["case"]: row for row in facts["rows"]}
    assert rows["enclosed"]["nominal"] and not rows["open"]["nominal"]
    assert rows["enclosed"]["faces"]["mean"] == pytest.approx(-26.0, abs=0.7)
    assert -8.5 < rows["open"]["faces"]["mean"] < -6.0
    shown = dict(summary(pmsl.read(tmp_path / "job"), None))
    assert "walls off by" in shown["With open liquid"] and "faces to the plate off by" in shown["With enclosed liquid"]
    assert "±10 % of dp_um and ec_mj_cm2 assumed" in shown["Known to"]
    table = error_table(pmsl.read(tmp_path / "job").findings, job.resin)
    assert table.faces_sd_um == pytest.approx(facts["faces_sd_um"])


def test_a_plain_job_has_none_and_stays_version_1(tmp_path):
    printer = printer_of((ROWS, COLS), pitch=P)
    job = pmsl.prepare([box((40, 40, 0), (200, 200, 50))], printer, resin("enclosed"), pmsl.find_process("default"))
    pmsl.write(job, tmp_path / "job", facts=False)
    assert '"pmsl.job/1"' in (tmp_path / "job" / "job.json").read_text("utf-8")
    assert json.loads(CliRunner().invoke(app, ["info", str(tmp_path / "job"), "--json"]).stdout)["correction"] is None


def test_a_resin_without_memory_is_corrected_only_after_the_table_was_shown(tmp_path, monkeypatch):
    """Numbers stand in the job before any layer is made, and on the terminal before any is written."""
    printer, process = printer_of((ROWS, COLS), pitch=P), pmsl.find_process("default")
    process = replace(process, corrections=("edges",), bottom_dose_factors=(1.0,))
    job = pmsl.prepare([channel(True)], printer, resin(), process, accept_uncalibrated=True)
    (shown,) = (f for f in job.findings if f.code == "assumed-memory")
    assert "of layers 0 to" in shown.message and "open liquid: walls -0.6" in shown.message and "enclosed liquid: walls" in shown.message
    stating = pmsl.prepare([channel(True)], printer, resin("enclosed"), process, accept_uncalibrated=True)
    assert not [f for f in stating.findings if f.code == "assumed-memory"]

    from pmsl.cli.commands import slice as command

    lines = []
    monkeypatch.setattr("pmsl.cli.terminal.print_line", lines.append)
    monkeypatch.setattr(command, "print_line", lines.append)
    command._show_memory(job)
    assert lines[0].endswith("states no memory; the first layers, corrected as if it were enclosed:")
    assert any(line.startswith("  open liquid  ") for line in lines) and any("enclosed liquid, assumed" in line for line in lines)
    before = len(lines)
    command._show_memory(stating)
    assert len(lines) == before
