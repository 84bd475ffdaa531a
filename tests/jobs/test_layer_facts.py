"""Facts of layers: against labels of dense frames, closed forms, and the same from threads, processes and files."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jobs_of_arrays import f_job, job_of, options
from scipy import ndimage
from solids import box

import pmsl
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.formats import registry
from pmsl.formats.native import job_json
from pmsl.job.layer_facts import FactsOfLayers, measured
from pmsl.job.layer_plan import Exposure, LayerFacts, LayerPlan
from pmsl.profiles import Motion

MOTION = Motion(lift_um=2500.0, lift_um_s=1500.0, retract_um_s=2500.0, wait_before_lift_s=0.5, wait_top_s=0.25, settle_s=2.0)
PRINTER = pmsl.find_printer("microfluidics-7.6um")
WITHOUT_SD = "pmsl-2um", "pr48-bennett-405"  # whose profiles are of version 1
PX, PY = 7.0, 5.0
frames = hnp.arrays(np.uint8, (9, 11), elements=st.sampled_from([0, 0, 0, 60, 127, 128, 255]))


def plan_of(k, *levels, **more):
    shown = [Exposure(mask=LayerMask.from_dense(k, f), time_s=1.0, dose_mj_cm2=1.0, power=1.0, **more) for f in levels if f.any()]
    return LayerPlan(index=k, z_top_um=10.0 * k + 10, thickness_um=10.0, motion=MOTION, exposures=tuple(shown))


def grid_of(shape, pitch=(PX, PY), n=2):
    return Grid(origin_um=(3.0, -4.0), pitch_um=pitch, shape=shape, z_edges_um=np.arange(n + 1) * 10.0)


def solid_of(*levels):
    """What counts, dense."""
    out = np.zeros(levels[0].shape, bool)
    for frame in levels:
        out |= (2 * frame.astype(int) >= frame.max()) & (frame > 0)
    return out


def by_labels(solid, grid):
    """Facts of a dense layer, by scipy, lines through it counted one by one."""
    label, n = ndimage.label(solid, np.ones((3, 3)))
    px = ndimage.sum_labels(solid, label, np.arange(n) + 1)
    wide = np.pad(solid, 2).astype(int)
    along, across = np.abs(np.diff(wide, axis=1)).sum(), np.abs(np.diff(wide, axis=0)).sum()
    tilted = np.abs(wide[1:, 1:] - wide[:-1, :-1]).sum() + np.abs(wide[1:, :-1] - wide[:-1, 1:]).sum()
    (x, y), slope = grid.pitch_um, math.atan2(grid.pitch_um[1], grid.pitch_um[0])
    length = 0.5 * (slope * along * y + (math.pi / 2 - slope) * across * x + math.pi / 4 * tilted * x * y / math.hypot(x, y))
    rows, cols = np.nonzero(solid)
    low = np.array([cols.min(), rows.min()]) * grid.pitch_um + grid.origin_um
    high = np.array([cols.max() + 1, rows.max() + 1]) * grid.pitch_um + grid.origin_um
    return n, px.max() * x * y, px.min() * x * y, length, (*low, *high)


@given(st.lists(frames, min_size=1, max_size=3), frames)
def test_facts_are_those_of_labels(levels, below):
    grid = grid_of(below.shape)
    one, other = measured(plan_of(1, *levels), grid), measured(plan_of(0, below), grid)
    solid = solid_of(*levels)
    facts = FactsOfLayers(grid, PRINTER, other).add(1, one)
    assert facts.overhang_um2 == pytest.approx((solid & ~solid_of(below)).sum() * PX * PY)
    if not solid.any():
        assert facts == LayerFacts()
        return
    n, largest, smallest, length, box_um = by_labels(solid, grid)
    assert (facts.components, facts.largest_um2, facts.smallest_um2) == (n, pytest.approx(largest), pytest.approx(smallest))
    assert facts.perimeter_um == pytest.approx(length, abs=1e-3) and facts.bounds_um == pytest.approx(box_um)
    grays = max(f.sum() for f in levels) / 255
    assert facts.area_um2 == pytest.approx(grays * PX * PY, abs=1e-3)


@given(frames)
def test_facts_do_not_depend_on_which_way_a_frame_lies(frame):
    wanted = measured(plan_of(0, frame), grid_of(frame.shape, 5.0)).facts
    for other in (frame[::-1], frame[:, ::-1], frame.T):
        facts = measured(plan_of(0, np.ascontiguousarray(other)), grid_of(other.shape, 5.0)).facts
        assert facts.components == wanted.components and facts.largest_um2 == wanted.largest_um2
        assert facts.perimeter_um == pytest.approx(wanted.perimeter_um, abs=2e-3)


@pytest.mark.parametrize("pitch", [5.0, 10.0, 20.0])
def test_the_edge_of_a_disc(pitch):
    r, n = 1000.0, int(2400 / pitch)
    y, x = (np.mgrid[:n, :n] + 0.5) * pitch - 1200
    frame = ((x**2 + y**2 <= r**2) * 255).astype(np.uint8)
    assert measured(plan_of(0, frame), grid_of(frame.shape, pitch)).facts.perimeter_um == pytest.approx(2 * math.pi * r, rel=0.01)


@pytest.mark.parametrize("turn", [0, 10, 22.5, 45, 60])
def test_the_edge_of_a_square_at_any_turn(turn):
    y, x = np.mgrid[:600, :600] + 0.5 - 300
    c, s = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
    frame = ((np.abs(c * x + s * y) <= 150) & (np.abs(c * y - s * x) <= 150)).astype(np.uint8) * 255
    assert measured(plan_of(0, frame), grid_of(frame.shape, 1.0)).facts.perimeter_um == pytest.approx(1200, rel=0.06)


def test_light_off_the_grid_has_no_facts():
    frame = np.full((4, 4), 255, np.uint8)
    grid = grid_of(frame.shape)
    assert measured(plan_of(0, frame, offset_um=(1.0, 0.0)), grid) is None and measured(plan_of(0, frame, engine=1), grid) is None
    run = FactsOfLayers(grid, PRINTER)
    assert run.add(0, None) is None
    above = run.add(1, measured(plan_of(1, frame), grid))
    assert above.components == 1 and "overhang_um2" not in json.loads(job_json.msgspec.json.encode(above))


def facts_in(path):
    return [layer.get("facts") for layer in json.loads((path / "job.json").read_text())["layers"]]


def test_a_written_job_carries_them_and_gives_them_back(tmp_path, samples):
    job = f_job(samples)
    pmsl.write(job, tmp_path / "job")
    doc = json.loads((tmp_path / "job" / "job.json").read_text())
    assert doc["schema"] == "pmsl.job/2" and not doc["requires"]
    back = pmsl.read(tmp_path / "job")
    for k, stored in enumerate(facts_in(tmp_path / "job")):
        facts = json.loads(job_json.msgspec.json.encode(back[k].facts))
        assert facts == stored == json.loads(job_json.msgspec.json.encode(job[k].facts))
    assert back[0].facts.components == 1 and back[0].facts.overhang_um2 == 0 and pmsl.verify(tmp_path / "job") == []
    assert sum(
        f["area_um2"] * 1e-12 * layer["thickness_um"] for f, layer in zip(facts_in(tmp_path / "job"), doc["layers"], strict=True)
    ) == (pytest.approx(doc["estimate"]["resin_ml"], rel=1e-6))


def test_without_them_a_job_is_of_version_1(tmp_path, samples):
    job = f_job(samples, *WITHOUT_SD)
    pmsl.write(job, tmp_path / "job", facts=False)
    assert json.loads((tmp_path / "job" / "job.json").read_text())["schema"] == "pmsl.job/1"
    assert facts_in(tmp_path / "job") == [None] * job.n_layers
    again, first = pmsl.read(tmp_path / "job")[1].facts, job[1].facts  # measured when asked for, of grays of 8 bit and of 16
    assert again.area_um2 == pytest.approx(first.area_um2, rel=1e-5)
    assert job_json.msgspec.structs.replace(again, area_um2=first.area_um2) == first


@pytest.mark.parametrize("bundled", [pytest.param(False, marks=pytest.mark.slow), True])
def test_processes_and_threads_write_the_same_bytes(tmp_path, bundled):
    """A ledge begins with each layer: overhang over the seams of blocks."""
    parts = [box((0, 0, 10 * k), (200 + 10 * (k % 7), 100, 10 * k + 10)) for k in range(40)]
    machine, resin = PRINTER, pmsl.find_resin("pegda-nps-1.0-385")
    job = pmsl.prepare(pmsl.place(parts, machine, resin), machine, resin, accept_uncalibrated=True)
    end = ".zip" if bundled else ""
    names = {"one": {"threads": 1}, "three": {"threads": 3}, "two": {"processes": 2}}
    for name, how in names.items():
        pmsl.write(job, tmp_path / f"{name}{end}", **how)
    heads = [pmsl.read(tmp_path / f"{name}{end}") for name in names]
    facts = [[plan.facts for plan in job.layers()] for job in heads]
    assert facts[0] == facts[1] == facts[2] and len({f.overhang_um2 for f in facts[0]}) > 2
    if bundled:
        assert len({(tmp_path / f"{name}{end}").read_bytes() for name in names}) == 1
    else:
        assert len({(tmp_path / name / "job.json").read_bytes() for name in names}) == 1


def test_verify_holds_them_against_frames(tmp_path, samples):
    pmsl.write(f_job(samples), tmp_path / "job")
    file = tmp_path / "job" / "job.json"
    doc = json.loads(file.read_text())
    doc["layers"][2]["facts"]["components"] = 7
    file.write_text(json.dumps(doc))
    assert any("layers[2].facts" in problem for problem in pmsl.verify(tmp_path / "job"))


def test_a_job_that_declares_version_1_has_none(tmp_path, samples):
    pmsl.write(f_job(samples, *WITHOUT_SD), tmp_path / "job")
    doc = json.loads((tmp_path / "job" / "job.json").read_text())
    with pytest.raises(pmsl.errors.JobError, match=r"job\.json: layers\.facts came with pmsl\.job/2"):
        job_json.decode(json.dumps(doc | {"schema": "pmsl.job/1"}).encode(), "job.json")


def test_peel_force_where_the_printer_states_a_release_stress():
    value = {"value": 12.0, "class": "placeholder", "source": "test"}
    frame = np.zeros((60, 60), np.uint8)
    frame[10:50, 10:50] = 255
    grid = grid_of(frame.shape, 10.0)
    one = measured(plan_of(0, frame), grid)
    assert FactsOfLayers(grid, PRINTER).add(0, one).peel_n is job_json.msgspec.UNSET
    stage = job_json.msgspec.to_builtins(PRINTER.stage) | {"release_stress_kpa": value}
    table = job_json.msgspec.to_builtins(PRINTER) | {"schema": "pmsl.printer/2"}
    by_area = job_json.msgspec.convert(table | {"stage": stage}, pmsl.Printer)
    assert by_area.schema == "pmsl.printer/2"
    assert FactsOfLayers(grid, by_area).add(0, one).peel_n == pytest.approx(12e3 * 1.6e-7, abs=1e-6)
    by_both = job_json.msgspec.convert(table | {"stage": stage | {"release_line_n_m": value | {"value": 0.5}}}, pmsl.Printer)
    assert FactsOfLayers(grid, by_both).add(0, one).peel_n == pytest.approx(12e3 * 1.6e-7 + 0.5 * one.facts.perimeter_um * 1e-6, abs=1e-6)


def test_a_dark_layer_and_a_foreign_one(tmp_path):
    levels = np.zeros((3, 8, 8), np.uint8)
    levels[0, 2:4, 2:4] = levels[2, 5:7, 1:7] = 255
    job = job_of(levels, [1, 0, 1])
    assert job[1].facts == LayerFacts() and job[2].facts.overhang_um2 == 12 * 7.5 * 5 and job[0].facts.bounds_um == (15, 10, 30, 20)
    registry.find("native").write(job, tmp_path / "job", options(facts=True))
    assert [f["components"] for f in facts_in(tmp_path / "job")] == [1, 0, 1]
