"""Time of the stage along x and y: in estimates, files and on the simulated machine the same, by an independent sum."""

from __future__ import annotations

import dataclasses
import json
import math

import msgspec
import numpy as np
import pytest
from host_doubles import CLOCK

import pmsl
from pmsl.errors import ProfileError
from pmsl.job.stage_way import StageWay
from pmsl.profiles.printer import Printer
from pmsl.profiles.tables.schema import build
from tests.field_plates import moving_printer
from tests.fields.test_field_jobs import PITCH, plate_job
from tests.fields.test_fields_through_doors import Moving
from tests.solids import box

PACE = (5000.0, 20000.0, 0.25)
ERROR = (0.8, -0.3, 0.5, 0.2, 1.1, -0.4)


def ways_s(job, pace):
    """Trapezoids and triangles from picture to picture, over the borders of layers, and a rest after each; slow and plain."""
    speed, accel, settle = pace
    at, total = None, 0.0
    for plan in job.layers():
        for e in plan.exposures:
            if at == e.offset_um:
                continue
            if at is not None:
                way = math.hypot(e.offset_um[0] - at[0], e.offset_um[1] - at[1])
                ramp = speed * speed / accel
                total += 2 * math.sqrt(way / accel) if way < ramp else way / speed + speed / accel
            total += settle
            at = e.offset_um
    return total


@pytest.mark.parametrize("order", ["travel", "rows"])
def test_print_time_has_the_ways_between_all_pictures(order):
    solids = [box((123.0, 87.0, 0), (1190.0, 790.0, 40))]
    job, _ = plate_job(printer=moving_printer((60, 80), PITCH, pace=PACE), solids=solids, order=order)
    plain, _ = plate_job(solids=solids, order=order)
    assert job.n_layers == 4 and all(len(plan.exposures) > 1 for plan in job.layers())
    assert job.estimate().print_time_s == pytest.approx(plain.estimate().print_time_s + ways_s(job, PACE), rel=1e-12)
    machine = pmsl.host.Simulation(job)
    status = pmsl.host.play(job, machine.engine, machine.stage, clock=machine.clock)
    first_um = job[0].z_top_um  # what the plate's moves differ from their nominal lift by: the layers themselves
    assert status.elapsed_s == pytest.approx(job.estimate().print_time_s, abs=first_um / 100)


def test_the_shorter_order_is_the_faster_print():
    printer, solids = moving_printer((60, 80), PITCH, pace=PACE), [box((10.0, 10.0, 0), (2300.0, 1700.0, 20))]
    travel, rows = (plate_job(printer=printer, solids=solids, order=order)[0].estimate().print_time_s for order in ("travel", "rows"))
    assert travel < rows


def test_a_written_job_states_the_same_time_and_is_held_to_it(tmp_path):
    job, _ = plate_job(printer=moving_printer((60, 80), PITCH, pace=PACE, error=ERROR))
    pmsl.write(job, tmp_path / "job")
    assert pmsl.verify(tmp_path / "job") == []
    back = pmsl.read(tmp_path / "job")
    assert back.estimate().print_time_s == pytest.approx(job.estimate().print_time_s, rel=1e-12)
    path = tmp_path / "job" / "job.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    document["estimate"]["print_time_s"] -= ways_s(job, PACE)
    path.write_text(json.dumps(document), encoding="utf-8")
    (problem,) = pmsl.verify(tmp_path / "job")
    assert "print_time_s" in problem


def test_time_left_counts_the_ways_too():
    job, _ = plate_job(printer=moving_printer((60, 80), PITCH, pace=PACE))
    machine, left = pmsl.host.Simulation(job), []
    pmsl.host.play(
        job, machine.engine, machine.stage, clock=machine.clock, on_status=lambda s: left.append(s.left_s) if s.state == "ready" else None
    )
    assert left[-1] == pytest.approx(job.estimate().print_time_s, rel=1e-12)


def test_the_player_rests_after_a_way_and_only_then():
    job, _ = plate_job(printer=moving_printer((60, 80), PITCH, pace=(1e9, 1e9, 7.5)))
    machine, rests = Moving(job), []

    class Clock:
        now_s = staticmethod(CLOCK.now_s)

        def wait(self, seconds, cancelled):
            rests.append((seconds, machine.log[-1][0]))

    pmsl.host.play(job, machine, machine, clock=Clock())
    shifts = sum(what[0] == "shift" for what in machine.log)
    assert [what for seconds, what in rests if seconds == 7.5] == ["shift"] * shifts


def test_a_printer_that_states_no_speed_takes_no_time_and_half_a_statement_is_refused():
    assert StageWay.of(moving_printer((60, 80), PITCH), made_up=False) is None
    printer = moving_printer((60, 80), PITCH, pace=PACE)
    table = json.loads(msgspec.json.encode(printer))
    del table["stage"]["xy"]["accel_um_s2"]
    with pytest.raises(ProfileError, match="speed_um_s is stated without accel_um_s2"):
        build(table, Printer, "p")


def test_a_job_of_one_field_takes_the_time_it_took():
    job = pmsl.prepare([box((0, 0, 0), (300, 300, 20))], moving_printer((60, 80), PITCH, pace=PACE), "pr48-405")
    assert job.estimate().print_time_s == sum(plan.duration_s for plan in job.layers())
    assert np.isfinite(dataclasses.replace(job, known_estimate=None).estimate().print_time_s)
