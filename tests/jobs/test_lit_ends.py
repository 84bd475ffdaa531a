"""Jobs end with a layer that has light also where corrections, or the grays of a file, leave their top dark."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solids import box, cone
from tiers import examples, thinned

import pmsl
from pmsl.cli.app import app
from pmsl.pipeline import with_depth
from pmsl.profiles.process import Regions
from pmsl.profiles.tables.strict_struct import Value

replace = msgspec.structs.replace
PROCESS = pmsl.find_process("default")
NEEDLE = cone(64, 10.0, 400, (200, 200, 0))
FIN = [box((150, 150, 0), (250, 250, 30)), box((150, 198, 0), (250, 202, 80))]
PLATE = box((100, 100, 0), (300, 300, 50.4))
TABLE = [box((100, 100, 0), (140, 140, 60)), box((100, 100, 60), (300, 300, 65.5))]
PARTS = {"needle": [NEEDLE], "fin": FIN, "plate": [PLATE], "table": TABLE}


def small_printer():
    printer = pmsl.find_printer("pmsl-2um")
    dmd = replace(printer.dmd, shape=replace(printer.dmd.shape, value=(40, 40)))
    return replace(printer, dmd=dmd, optics=replace(printer.optics, pitch_um=replace(printer.optics.pitch_um, value=(10.0, 10.0))))


def job_of(*parts, memory="enclosed", **changes):
    resin = pmsl.find_resin("pr48-405")
    resin = replace(resin, resin=replace(resin.resin, memory=Value(value=memory, class_="placeholder", source="test")))
    return pmsl.prepare(list(parts), small_printer(), resin, replace(PROCESS, **changes), accept_uncalibrated=True)


def lit(job):
    return [bool(plan.exposures) for plan in job.layers()]


def codes_of(job):
    return [f.code for f in job.findings]


# --- corrections ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "corrections", "coverage"),
    thinned(2, PARTS, [("edges",), ("printthrough",), ("edges", "printthrough")], ["area", "volume"]),
)
def test_corrected_jobs_end_with_light(name, corrections, coverage):
    job = job_of(*PARTS[name], corrections=corrections, coverage=coverage)
    assert lit(job)[-1] and codes_of(job).count("layers-left-out") <= 1
    corrector = job.plan_layer.stages.corrector
    alone, (among, _) = corrector.last_mask(len(job)), *corrector.images(len(job) - 1)
    assert alone.sha256() == among.sha256()  # what decides is what is printed


def test_what_corrections_leave_dark_is_said(tmp_path):
    job = job_of(PLATE, corrections=("printthrough",), coverage="volume")  # less than half of slab 5 is filled
    written = pmsl.write(job, tmp_path / "j")
    assert lit(job) == [True] * 5 and written.n_layers == 5
    (said,) = (f for f in written.findings if f.code == "layers-left-out")
    assert said.message.startswith("layer 5 has no light and is left out, the job ends at 50 µm: ") and "half of their slab" in said.message
    assert "top-rounded" not in codes_of(written)


@pytest.mark.parametrize("memory", ["enclosed", "open"])
def test_a_needle_corrected_ends_with_its_last_lit_layer(memory):
    job = job_of(NEEDLE, corrections=("printthrough",), memory=memory)
    assert lit(job) == [True] * 38
    assert len(job_of(NEEDLE, corrections=("edges",), memory=memory)) == 40  # they raise its grays


@given(st.floats(3, 14), st.floats(30, 200), st.floats(0, 9.9), st.sampled_from(["area", "volume"]), st.sampled_from(["enclosed", "open"]))
@settings(max_examples=examples(6), deadline=None)
def test_the_last_layer_of_corrected_jobs_is_lit(radius, height, shift, coverage, memory):
    parts = [box((100, 100, 0), (140, 140, 20)), cone(24, radius, height, (200 + shift, 200, 0))]
    assert lit(job_of(*parts, corrections=("printthrough",), coverage=coverage, memory=memory))[-1]


# --- layers that depend on those above -----------------------------------------------------------------------------


def test_what_becomes_a_membrane_without_the_layers_above_goes_with_them():
    """Dark by a region, layers 6 to 8 are left out; the 20 µm below them are then a membrane, which this process gives no dose."""
    bridge = pmsl.Solid.from_arrays(*_joined([box((50, 150, 0), (100, 200, 40)), box((100, 100, 40), (300, 300, 90))]))
    off = pmsl.Region(solid=box((50, 50, 60), (350, 350, 120)), label="off", dose_scale=0.0)
    thin = Regions(bulk=1.0, membrane=0.0, membrane_um=25.0)
    for parts, regions, layers in (
        ([bridge], thin, 9),
        ([pmsl.Part(solid=bridge, regions=(off,))], None, 6),
        ([pmsl.Part(solid=bridge, regions=(off,))], thin, 4),
    ):
        job = job_of(*parts, regions=regions)
        assert lit(job) == [True] * layers
    (said,) = (f for f in job.findings if f.code == "layers-left-out")
    assert said.message.startswith("layers 4 to 8 have no light") and said.value == 5


def _joined(solids):
    at = np.cumsum([0, *(len(s.vertices_um) for s in solids)])
    return np.concatenate([s.vertices_um for s in solids]), np.concatenate([s.faces + n for s, n in zip(solids, at, strict=False)])


# --- grays of a file -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def needle_job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("needle")
    pmsl.write(job_of(NEEDLE), folder / "whole")
    return folder / "whole"


@pytest.mark.parametrize("name", ["ctb", "ctb-xor"])
def test_convert_to_fewer_grays_leaves_dark_layers_out(name, needle_job, tmp_path):
    whole = pmsl.read(needle_job)
    written = pmsl.write(whole, tmp_path / "j.ctb", format=name, lossy=True)
    back = pmsl.read(tmp_path / "j.ctb")
    assert len(whole) == 38 and len(back) == written.n_layers == 37 and all(lit(back))
    (said,) = (f for f in written.findings if f.code == "layers-left-out")
    assert said.message.startswith("layer 37 has no light and is left out, the job ends at 370 µm") and f"grays of {name}" in said.message
    assert all(f.layers is None or f.layers[1] < 37 for f in written.findings)
    assert pmsl.verify(tmp_path / "j.ctb") == []


@pytest.mark.parametrize("name", ["native", "sl1", "goo", "nanodlp", "ome-zarr"])
def test_convert_to_all_grays_keeps_every_layer(name, needle_job, tmp_path):
    written = pmsl.write(pmsl.read(needle_job), tmp_path / "j", format=name, lossy=True)
    assert written.n_layers == 38 and "layers-left-out" not in codes_of(written)


def test_convert_on_the_command_line(needle_job, tmp_path, capsys):
    assert app(["convert", str(needle_job), str(tmp_path / "j.ctb"), "--lossy"], standalone_mode=False) in (None, 0)
    assert "left out" in "".join(capsys.readouterr())
    assert len(pmsl.read(tmp_path / "j.ctb")) == 37


def test_tops_that_are_left_out_have_no_remedy():
    """No height of layers meets the top of a part whose last layers few grays leave dark."""
    tip = cone(64, 10.0, 377, (200, 200, 0))
    whole = job_of(tip)
    assert "top-rounded" in codes_of(whole)
    job = with_depth(whole, 1)
    assert len(job) < len(whole) and codes_of(job).count("layers-left-out") == 1 and "top-rounded" not in codes_of(job)
    beside = with_depth(job_of(tip, box((50, 50, 0), (90, 90, 23))), 1)
    (kept,) = (f for f in beside.findings if f.code == "top-rounded")
    assert kept.layers == (1, len(beside) - 1) and "tops of parts below the end" in kept.message and kept.value is None


def test_tops_of_a_job_that_ends_with_light_keep_their_words():
    whole = job_of(PLATE)
    few = with_depth(whole, 1)
    assert len(few) == len(whole) and [f for f in few.findings if f.code == "top-rounded"] == [
        f for f in whole.findings if f.code == "top-rounded"
    ]
    assert np.array_equal(few.grid.z_edges_um, whole.grid.z_edges_um)
