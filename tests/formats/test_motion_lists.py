"""Moves that differ in the first layers, in every format that has a place for them; refused, or listed, where there is none."""

import json

import msgspec
import numpy as np
import pytest
from solids import box

import pmsl
from pmsl.errors import TargetError
from pmsl.pipeline.estimate.cost_estimate import _print_time_s
from pmsl.profiles import MotionSchedule
from pmsl.profiles.tables.strict_struct import Value

replace = msgspec.structs.replace
LISTS = {"lift_um": (4000.0, 3000.0, 1500.0), "retract_um_s": (500.0, 500.0, 500.0, 2000.0), "settle_s": (2.0, 1.0)}
PRINTER = pmsl.find_printer("pmsl-2um")
PRINTER = replace(PRINTER, dmd=replace(PRINTER.dmd, shape=Value(value=(24, 40), class_="measured", source="test")))


def job_of(**lists):
    process = replace(pmsl.find_process("default"), motion=MotionSchedule(**lists), bottom_dose_factors=())
    return pmsl.prepare([box((10, 10, 0), (50, 30, 60))], PRINTER, pmsl.find_resin("pr48-405"), process)


def moves(job):
    return [plan.motion for plan in job.layers()]


def test_layers_have_the_entries_and_the_estimate_counts_them():
    job = job_of(**LISTS)
    assert [m.lift_um for m in moves(job)] == [4000, 3000, 1500, 1500, 1500, 1500]
    assert [m.retract_um_s for m in moves(job)] == [500, 500, 500, 2000, 2000, 2000] and [m.settle_s for m in moves(job)] == [
        2,
        1,
        1,
        1,
        1,
        1,
    ]
    light = sum(e.duration_s for plan in job.layers() for e in plan.exposures)
    assert job.estimate().print_time_s == pytest.approx(light + sum(m.duration_s for m in moves(job)))
    assert job.estimate().print_time_s > job_of().estimate().print_time_s + 5


def test_a_plan_of_a_few_layers_extrapolates_light_and_counts_every_move():
    from types import SimpleNamespace

    job = job_of(**LISTS)
    ready = SimpleNamespace(job=job, times_s=job.layer_source.times_s)
    costs = [(job[k].duration_s, 0.0) for k in (0, 4)]
    blocks = [range(1), range(4, 5)]
    assert _print_time_s(ready, blocks, costs) == pytest.approx(job.estimate().print_time_s)


@pytest.mark.parametrize("name", ["native", "native.zip", "a.zip", "a.tif", "a.zarr"])
def test_formats_that_hold_all_of_a_motion_give_it_back(tmp_path, name):
    format = "byu" if name == "a.zip" else None
    if name == "a.zarr":
        pytest.importorskip("zarr")
    job = job_of(**LISTS)
    pmsl.write(job, tmp_path / name, format=format)
    again = pmsl.read(tmp_path / name, format=format)
    assert moves(again) == moves(job)
    assert again.estimate().print_time_s == pytest.approx(job.estimate().print_time_s)
    assert pmsl.verify(tmp_path / name, format=format) == []


def test_the_job_on_disk_keeps_the_lists_and_each_layers_own(tmp_path):
    job = job_of(**LISTS)
    pmsl.write(job, tmp_path / "job")
    doc = json.loads((tmp_path / "job" / "job.json").read_text())
    assert (doc["schema"], doc["process"]["schema"]) == ("pmsl.job/2", "pmsl.process/2")
    assert doc["process"]["motion"]["lift_um"] == [4000, 3000, 1500] and doc["process"]["motion"]["lift_um_s"] == 2000
    assert [layer["motion"]["lift_um"] for layer in doc["layers"]] == [4000, 3000, 1500, 1500, 1500, 1500]
    assert pmsl.read(tmp_path / "job").process == job.process
    import jsonschema

    schema = json.loads((tmp_path.__class__(pmsl.__file__).parent / "formats/job-2.schema.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(doc)


@pytest.mark.parametrize("name", ["a.goo", "a.ctb"])
def test_printers_files_have_bottom_and_normal_moves_and_every_layers_own(tmp_path, name):
    job = job_of(**LISTS if name == "a.goo" else LISTS | {"retract_um_s": (2000.0, 500.0, 500.0, 2000.0)})
    pmsl.write(job, tmp_path / name, lossy=name == "a.ctb")
    again = pmsl.read(tmp_path / name)
    for ours, theirs in zip(moves(job), moves(again), strict=True):
        assert (theirs.lift_um, theirs.lift_um_s, theirs.retract_um_s) == pytest.approx(
            (ours.lift_um, ours.lift_um_s, ours.retract_um_s), rel=1e-6
        )
        assert theirs.duration_s == pytest.approx(ours.duration_s, rel=1e-5)


def test_headers_say_the_first_move_and_the_one_that_goes_on(tmp_path):
    from pmsl.formats.ctb.ctb_records import EXT
    from pmsl.formats.ctb.ctb_records import HEADER as CTB
    from pmsl.formats.goo.goo_records import HEADER as GOO

    job = job_of(**LISTS)
    pmsl.write(job, tmp_path / "a.goo")
    head = GOO.unpack((tmp_path / "a.goo").read_bytes()[: GOO.size], "a")
    assert (head["bottom_lift_mm"], head["lift_mm"], head["bottom_after_retract_s"], head["after_retract_s"]) == pytest.approx(
        (4, 1.5, 2, 1)
    )
    pmsl.write(job, tmp_path / "a.ctb", lossy=True)
    data = (tmp_path / "a.ctb").read_bytes()
    head = CTB.unpack(data[: CTB.size], "a")
    ext = EXT.unpack(data[head["ext_at"] : head["ext_at"] + EXT.size], "a")
    assert (ext["bottom_lift_mm"], ext["lift_mm"]) == pytest.approx((4, 1.5))
    assert head["light_off_s"] == pytest.approx(job.process.motion.last.duration_s, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "lists", "field"),
    [
        ("a.goo", {"lift_um_s2": (1000.0, 20000.0)}, "lift_um_s2 = 1000"),
        ("a.ctb", {"retract_um_s2": (1000.0, 20000.0)}, "retract_um_s2 = 1000"),
        ("a.ctb", {"retract_um_s": (500.0, 500.0, 2000.0)}, "retract_um_s = 500"),  # before the first layer; later ones have it
        ("a.sl1", {"lift_um": (4000.0, 1000.0)}, "lift_um = 4000"),
        ("a.nanodlp", {"lift_um": (4000.0, 1000.0), "lift_um_s": (100.0, 2000.0)}, "lift_um_s = 100"),
    ],
)
def test_what_a_file_has_no_place_for_is_refused_or_listed(tmp_path, name, lists, field):
    job = job_of(**lists)
    with pytest.raises(TargetError, match=rf"layer 0: motion is of its own \(.*{field}"):
        pmsl.write(job, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    lossy = pmsl.write(job, tmp_path / name, lossy=True)
    listed = [f for f in lossy.findings if f.code == "lossy-motion"]
    assert [f.layers for f in listed] == [(0, 0)] and field in listed[0].message
    held = 1 if name == "a.ctb" and "retract_um_s" in lists else 0  # what layer 1 keeps
    one = (6 - held) * job.process.motion.last.duration_s + held * job.process.motion.at(1).duration_s
    assert lossy.estimate.print_time_s == pytest.approx(sum(e.duration_s for p in job.layers() for e in p.exposures) + one, rel=1e-3)


def test_single_values_are_refused_nowhere_for_their_motion(tmp_path):
    for name in ("a.goo", "a.nanodlp", "a.sl1"):
        assert not [f for f in pmsl.write(job_of(), tmp_path / name, lossy=True).findings if f.code == "lossy-motion"]


def test_the_simulated_machine_moves_as_each_layer_says():
    job = job_of(**LISTS)
    machine = pmsl.host.Simulation(job)
    status = pmsl.host.play(job, machine.engine, machine.stage, clock=machine.clock)
    assert status.elapsed_s == pytest.approx(job.estimate().print_time_s, abs=6 * 20 / 500 + 1e-9)
    assert np.isfinite(status.elapsed_s)
