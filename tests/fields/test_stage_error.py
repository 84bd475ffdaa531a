"""A stage that is off, as `simulate` shows it: the closed forms of seams, jogs of walls, the same every time, and what is refused."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

import pmsl
from pmsl.cli import main
from pmsl.errors import JobError, UsageError
from pmsl.fields.seam_errors import butt_dip, ramp_error
from pmsl.fields.stage_error import StageError, on_fine_plate
from pmsl.profiles.optics import Psf
from tests.field_plates import measured, moving_printer, process_with, replace, resin_with
from tests.solids import box

PITCH = 10.0
SLAB = [box((60.0, 60.0, 0), (800.0, 240.0, 20.0))]


def slab_job(overlap_px, shape=(40, 50), sigma=0.36, counts=(2, 1), solids=None, **fields):
    blend = "linear" if overlap_px else "none"
    printer = moving_printer(shape, PITCH, psf=Psf(kind="gaussian", sigma_pitch=measured(sigma)))
    process = process_with(overlap_px=overlap_px, blend=blend, **{"stagger_px": 0, **fields})
    return pmsl.prepare(solids or SLAB, printer, resin_with(0.0), process, fields=counts)


@pytest.mark.parametrize(("shift_px", "dip"), [(0.1, 0.1105), (0.5, 0.513)])
def test_a_butt_joint_dips_as_the_closed_form_says(shift_px, dip):
    seams = pmsl.simulate(slab_job(0), threads=1, stage_error=StageError(shift_px * PITCH)).seams
    assert -seams["dose"]["least"] == pytest.approx(butt_dip(shift_px, 0.36), abs=2e-4) == pytest.approx(dip, abs=5e-4)
    assert seams["jog_um"] == seams["gap_um"] == shift_px * PITCH
    assert seams["dose"]["most"] <= 1e-6


def test_a_linear_overlap_is_off_by_the_shift_over_its_width():
    """Half a pixel on 20: 2.5 % in the mean of every pixel; within pixels steps show, by 0.3 %. A level of the sum is 0.2 %."""
    seams = pmsl.simulate(slab_job(20), threads=1, stage_error=StageError(0.5 * PITCH)).seams
    off = max(-seams["pixel_dose"]["least"], seams["pixel_dose"]["most"])
    assert ramp_error(0.5, 20) == 0.025
    assert 0.02 <= off <= 0.025 + 0.5 / 255
    assert max(-seams["dose"]["least"], seams["dose"]["most"]) <= 0.028 + 0.5 / 255


def test_without_an_error_nothing_is_off_and_walls_are_those_of_the_plate():
    job = slab_job(10)
    plain, same = pmsl.simulate(job, threads=1), pmsl.simulate(job, threads=1, stage_error=StageError(0.0))
    assert same.seams["parts_of_a_pixel"] == 1
    assert same.seams["dose"] == {"least": 0.0, "most": 0.0}
    assert same.epe_um == plain.epe_um and plain.seams is None
    assert "seams" not in plain.as_dict()


def test_walls_jog_by_the_error_and_parts_of_pixels_change_nothing_else():
    """Half of the walls along x are off by a fifth of a pixel; on finer pixels without an error none is."""
    job = slab_job(10)
    error = StageError(2.0)
    meant, off = on_fine_plate(job, error, moved=False).job, pmsl.simulate(job, threads=1, stage_error=error)
    still, plain = pmsl.simulate(meant, threads=1), pmsl.simulate(job, threads=1)
    assert off.seams["parts_of_a_pixel"] == 5
    assert off.seams["jog_um"] == 2.0
    assert still.epe_um["median"] == pytest.approx(plain.epe_um["median"], abs=0.02)
    assert still.epe_um["p95_abs"] == pytest.approx(plain.epe_um["p95_abs"], abs=0.1)
    assert off.epe_um["p95_abs"] == pytest.approx(still.epe_um["p95_abs"] + 2.0, abs=0.25)
    assert still.printed_um3 == pytest.approx(plain.printed_um3, rel=1e-3)


def test_random_places_are_those_of_their_seed():
    error = StageError(1.0, seed=7)
    places = np.array([error.off_um(i, j, k) for i in range(10) for j in range(10) for k in range(20)])
    assert (places == [StageError(1.0, seed=7).off_um(i, j, k) for i in range(10) for j in range(10) for k in range(20)]).all()
    assert places.std() == pytest.approx(1.0, abs=0.05) and abs(places.mean()) < 0.05
    assert (places != [StageError(1.0, seed=8).off_um(i, j, k) for i in range(10) for j in range(10) for k in range(20)]).all()
    job = slab_job(10)
    a, b = (pmsl.simulate(job, threads=n, stage_error=StageError(3.0, seed=1)).as_dict() for n in (1, 2))
    assert a == b and a["seams"]["jog_um"] > 0 and a["seams"]["seed"] == 1


def test_fields_between_pixels_are_put_together_on_finer_ones():
    printer = moving_printer((40, 50), PITCH, step_um=2.5 * 1.7)
    job = pmsl.prepare(SLAB, printer, resin_with(0.0), process_with(overlap_px=10, stagger_px=0), fields="auto")
    with pytest.raises(JobError, match="no common grid"):
        pmsl.simulate(job)
    found = pmsl.simulate(job, threads=1, stage_error=StageError(0.0))
    assert found.seams["rounded_um"] <= 0.5
    assert found.epe_um["lost"] <= 4 and found.epe_um["p95_abs"] < 2.0  # corners are round, grays uncorrected


def test_the_command_says_what_seams_do(tmp_path, capsys, monkeypatch):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["pmsl", "simulate", str(tmp_path / "job"), *words])
        return main()

    pmsl.write(slab_job(0), tmp_path / "job")
    assert call("--stage-error", "5", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["seams"]["dose"]["least"] == pytest.approx(-0.513, abs=5e-4)
    assert [f["severity"] for f in facts["findings"] if f["code"] == "stage-off"] == ["warning"]
    assert call("--stage-error", "5") == 0
    assert "seams      jog 5 µm, gap 5 µm, dose -51." in capsys.readouterr().out
    assert call("--seed", "5") == call("--stage-error", "-1") == 2


def test_what_no_fine_plate_holds_is_refused_with_the_number():
    job = slab_job(10)
    with pytest.raises(JobError, match="one field"):
        pmsl.simulate(pmsl.prepare(SLAB, moving_printer((60, 100), PITCH), resin_with(0.0)), stage_error=StageError(1.0))
    with pytest.raises(UsageError, match="0 or more"):
        StageError(float("nan"))
    spot = Psf(kind="box", sigma_pitch=measured(0.36), fill=measured(0.9))
    boxed = replace(job.printer, optics=replace(job.printer.optics, psf=spot))
    with pytest.raises(JobError, match="fill their pixels"):
        on_fine_plate(pmsl.prepare(SLAB, boxed, resin_with(0.0), process_with(overlap_px=10, stagger_px=0), fields="auto"), StageError(1.0))
