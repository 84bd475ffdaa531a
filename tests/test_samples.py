"""Every sample mesh is small, closed, stands on the plate, and prints with the default profiles."""

from pathlib import Path

import numpy as np
import pytest

import pmsl

FOLDER = Path(__file__).resolve().parents[1] / "sample_meshes"
FINER = ("gyroid_lattice", "micro_gripper", "microlens_array", "microneedle_array")  # tips thinner than a pixel
WANTED = {
    *("droplet_generator", "f_orientation", "grating", "gyroid_lattice", "horn_antenna", "mems_comb"),
    *("microfluidic_chip", "micro_gripper", "microlens_array", "microneedle_array", "spinneret"),
}


def test_there_is_one_for_every_use():
    assert {p.stem for p in FOLDER.glob("*.stl")} == WANTED


@pytest.mark.parametrize("name", sorted(WANTED))
def test_sample(name):
    path = FOLDER / f"{name}.stl"
    assert path.stat().st_size < 1_000_000
    solid = pmsl.load_solid(path)
    health = solid.health
    assert health.watertight and health.winding_consistent and health.bodies == 1 and health.findings == ()
    assert solid.bounds_um[0, 2] == pytest.approx(0, abs=1e-6)
    printer, resin = pmsl.find_printer("microfluidics-7.6um"), pmsl.find_resin("pegda-nps-1.0-385")
    job = pmsl.prepare(pmsl.place([solid], printer, resin), printer, resin)
    chosen = np.unique(np.linspace(0, len(job) - 1, 25).round().astype(int))
    plans = [job[int(k)] for k in chosen]
    assert {f.code for plan in plans for f in plan.findings} == ({"unreachable-gray"} if name in FINER else set())
    assert all(plan.exposures for plan in plans)
    if len(chosen) == len(job):  # few layers: all were made, and they hold the volume but for the mid-slab rule
        volume = sum(p.exposures[0].mask.sum_px() * job.grid.pixel_um2 * p.thickness_um for p in plans)
        assert volume == pytest.approx(health.volume_um3, rel=0.02)


def test_text_on_the_f_reads_right_from_the_light_side():
    printer, resin = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")
    job = pmsl.prepare(pmsl.place([pmsl.load_solid(FOLDER / "f_orientation.stl")], printer, resin), printer, resin)
    mask = job[2].exposures[0].mask
    row0, col0, rows, cols = mask.window
    letter = mask.dense()[row0 : row0 + rows, col0 : col0 + cols]  # row 0 is the smallest y
    assert letter[:, : cols // 10].all() and letter[-rows // 10 :].all()
    assert not letter[: rows // 4, cols // 2 :].any()
