"""Jobs of several fields at the doors: hosts with and without an xy stage, formats with and without offsets, requests."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import trimesh
from host_doubles import CLOCK, Machine

import pmsl
from pmsl.cli import main
from pmsl.cli.commands.view import _job_of
from pmsl.errors import HostError, JobError, PmslError, UsageError
from pmsl.fields.tiles import FieldLayout
from pmsl.formats import registry
from pmsl.job.print_job import STAGE_ERROR
from pmsl.pipeline.slice_jobs import prepare_job, slice_job
from pmsl.pipeline.slice_request import SliceRequest
from tests.field_plates import moving_printer
from tests.fields.test_field_jobs import PITCH, plate_job
from tests.solids import box

GOLDEN = Path("/work/shared/cases/openmfd_golden_2x2_stitched.zip")


class Moving(Machine):
    """A machine whose stage moves along x and y."""

    def shift(self, x_um, y_um, focus_um):
        self._call("shift", x_um, y_um, focus_um)


def test_a_machine_that_moves_is_sent_to_every_field_and_shows_its_frame():
    job, _ = plate_job()
    machine = Moving(job)
    pmsl.host.play(job, machine, machine, clock=CLOCK)
    shifts = [what[1:] for what in machine.log if what[0] == "shift"]
    wanted = [(*e.offset_um, 0.0) for plan in job.layers() for e in plan.exposures]
    assert shifts == [w for i, w in enumerate(wanted) if i == 0 or w != wanted[i - 1]]
    assert len(machine.shown) == len(wanted)


def test_a_machine_that_does_not_move_is_refused_before_any_light():
    job, _ = plate_job()
    machine = Machine(job)
    with pytest.raises(HostError, match="shifts image or focus"):
        pmsl.host.play(job, machine, machine, clock=CLOCK)
    assert not machine.shown


def test_the_simulated_machine_moves_as_far_as_the_printer_says():
    job, _ = plate_job()
    machine = pmsl.host.Simulation(job)
    pmsl.host.play(job, machine.engine, machine.stage, clock=machine.clock)
    assert machine.stage.shifted_um == (*job[-1].exposures[-1].offset_um, 0.0)
    with pytest.raises(HostError, match="its travel is 1e"):
        machine.stage.shift(2e6, 0.0, 0.0)
    assert not hasattr(pmsl.host.Simulation(dataclasses.replace(job, tiles=None)).stage, "shift")


@pytest.mark.slow
def test_errors_of_the_stage_are_made_up_for_by_the_player():
    """It is sent to a whole number of steps, from where it goes to where the frame belongs."""
    error = (0.8, -0.3, 0.5, 0.2, 1.1, -0.4)
    job, _ = plate_job(printer=moving_printer((60, 80), PITCH, error=error))
    assert job.requires == (STAGE_ERROR,)
    machine = Moving(job)
    pmsl.host.play(job, machine, machine, clock=CLOCK)
    sent = np.array([what[1:] for what in machine.log if what[0] == "shift"])
    assert np.abs(sent[:, :2] / 0.1 - np.rint(sent[:, :2] / 0.1)).max() < 1e-4
    reached = sent[:, :2] + sent[:, :2] @ (np.array([[0.8, 0.2], [-0.3, 1.1]]) * 1e-3).T
    corners = np.array([e.offset_um for plan in job.layers() for e in plan.exposures])
    assert np.abs(reached - corners).max() < 1e-4


def test_a_native_job_keeps_what_it_requires(tmp_path):
    job, _ = plate_job(printer=moving_printer((60, 80), PITCH, error=(0.8, -0.3, 0.5, 0.2, 1.1, -0.4)))
    pmsl.write(job, tmp_path / "job")
    back = pmsl.read(tmp_path / "job")
    assert back.requires == (STAGE_ERROR,)
    assert back[1].exposures[1].focus_um == job[1].exposures[1].focus_um != 0


@pytest.mark.parametrize("name", sorted(set(registry.names()) - {"native", "byu", "3mf-slices", "cli", "cli-binary"}))
def test_formats_without_offsets_refuse_a_plate_and_leave_nothing(tmp_path, name):
    job, _ = plate_job()
    target = tmp_path / f"plate{(registry.find(name).suffixes or ('',))[0]}"
    with pytest.raises(PmslError):
        pmsl.write(job, target, format=name)
    assert not target.exists()


def test_slices_without_pixels_are_those_of_the_plate(tmp_path):
    job, _ = plate_job(solids=[box((103.0, 77.0, 0), (1163.0, 761.0, 20))])
    pmsl.write(job, tmp_path / "plate.3mf", format="3mf-slices")
    with zipfile.ZipFile(tmp_path / "plate.3mf") as archive:
        text = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".model")).decode()
    xs = [float(word) for word in re.findall(r'<s:vertex x="([^"]+)"', text)]
    assert max(xs) - min(xs) == pytest.approx(1.06)


def test_the_research_host_s_format_keeps_the_places_of_fields(tmp_path):
    job, _ = plate_job()
    pmsl.write(job, tmp_path / "plate.zip", format="byu", lossy=True)
    back = pmsl.read(tmp_path / "plate.zip")
    for plan, mine in zip(back.layers(), job.layers(), strict=True):
        assert [e.offset_um for e in plan.exposures] == [e.offset_um for e in mine.exposures]
        assert [e.mask.sha256() for e in plan.exposures] == [e.mask.sha256() for e in mine.exposures]


def test_a_request_of_python_is_the_command(tmp_path):
    mesh = tmp_path / "slab.stl"
    write_slab(mesh, 40.0, 25.0, 0.02)
    done = slice_job(SliceRequest(meshes=[str(mesh)], out=str(tmp_path / "job"), printer="pmsl-25um", resin="pr48-405", fields="auto"))
    assert done.job.tiles == (1, 1)
    assert done.job[0].exposures[0].offset_um == (0.0, 0.0)


def test_options_that_do_not_go_with_fields_are_refused_by_name(tmp_path):
    for more in ({"dose": True}, {"pack": 1.0}):
        request = SliceRequest(meshes=["a.stl"], out=str(tmp_path / "job"), fields="2x2", **more)
        with pytest.raises(UsageError, match=f"--fields: not offered with --{next(iter(more))}"):
            slice_job(request)


def test_meshes_are_checked_and_looked_at_as_a_plate(tmp_path, capsys, monkeypatch):
    """As `slice` would print them: what is found is what is found of the job."""
    mesh = tmp_path / "cup.stl"
    cup = [box((0, 0, 0), (6.0, 2.0, 0.05)), box((2.5, 0.5, 0.05), (3.5, 1.5, 0.1)), box((2.0, 0.5, 0.2), (4.0, 1.5, 0.25))]
    parts = [trimesh.Trimesh(solid.vertices_um, solid.faces, process=False) for solid in cup]
    trimesh.util.concatenate(parts).export(mesh)
    plate = {"printer": "pmsl-25um", "field": "200x150", "resin": "pr48-405", "fields": "2x1"}
    words = [word for name, value in plate.items() for word in (f"--{name}", value)]
    monkeypatch.setattr(sys, "argv", ["pmsl", "check", str(mesh), "--json", "--fail-on", "error", *words])
    assert main() == 0
    found = {f["code"] for f in json.loads(capsys.readouterr().out)["findings"]}
    job = prepare_job(SliceRequest(meshes=[str(mesh)], out=str(tmp_path / "job"), **plate)).job
    assert job.tiles == (2, 1)
    assert "island" in found and {f.code for f in pmsl.check(job)} <= found
    settings = SliceRequest(meshes=["a"], out="b", **plate)
    seen = _job_of(None, str(mesh), {name: getattr(settings, name) for name in (*plate, "unit", "repair", "region")})
    assert seen.tiles is None and seen.grid.shape == FieldLayout.of(job.printer, job.process, (2, 1)).plate_px


def test_a_job_that_asks_for_more_than_it_has_is_damaged(tmp_path):
    job, _ = plate_job()
    moved = dataclasses.replace(job, printer=moving_printer((60, 80), PITCH, travel_um=(10.0, 10.0)))
    with pytest.raises(UsageError, match="travel"):
        pmsl.simulate(moved)
    plan = job[0]
    off = dataclasses.replace(plan, exposures=(dataclasses.replace(plan.exposures[0], offset_um=(3.3, 0.0)),))
    with pytest.raises(JobError, match="lies between pixels"):
        pmsl.simulate(dataclasses.replace(job, plan_layer=lambda k: off))


@pytest.mark.skipif(not GOLDEN.exists(), reason="the peer's job is not here")
def test_the_peer_s_stitched_job_gives_its_seams_two_and_four_times_the_time(tmp_path):
    """Read with its offsets, its white frames add up to 300, 600 and 1200 ms."""
    job = pmsl.read(GOLDEN, pitch_um=7.6)
    e = job[25].exposures
    assert len(e) == 4
    px, py = job.grid.pitch_um
    at = np.rint(np.array([one.offset_um for one in e]) / (px, py)).astype(int)
    at -= at.min(axis=0)
    assert at.max(axis=0).tolist() == [2556, 1596]
    rows, cols = job.grid.shape
    lit = np.zeros((at[:, 1].max() + rows, at[:, 0].max() + cols), np.float32)
    for one, (x, y) in zip(e, at, strict=True):
        lit[y : y + rows, x : x + cols] += one.time_s * 1000 * (one.mask.dense(np.uint8) / np.float32(255))
    assert {300.0, 600.0, 1200.0} <= set(np.unique(np.round(lit)).tolist())


def write_slab(path, x_mm, y_mm, z_mm):
    solid = box((0, 0, 0), (x_mm, y_mm, z_mm))
    trimesh.Trimesh(solid.vertices_um, solid.faces, process=False).export(path)
