"""Jobs end with the last layer that gives light, and a part that gives none is refused, whatever way a job is made or written."""

import json
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solids import box, cone
from tiers import examples

import pmsl
from pmsl.cli.app import app
from pmsl.errors import MeshError
from pmsl.pipeline import with_depth
from pmsl.profiles.process import Process, Regions

CASE = Path(__file__).resolve().parents[3] / "shared" / "cases" / "dark_top_layer_50.4um.stl"
PRINTER, RESIN, PROCESS = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405"), pmsl.find_process("default")
replace = msgspec.structs.replace


def plate(height, low=(100, 100), z=0.0, size=200.0):
    return box((*low, z), (low[0] + size, low[1] + size, z + height))


def process(**changes) -> Process:
    return replace(PROCESS, **changes)


def job_of(*parts, **changes):
    return pmsl.prepare(list(parts), PRINTER, RESIN, process(**changes))


def lit(job):
    return [bool(plan.exposures) for plan in job.layers()]


@pytest.mark.skipif(not CASE.exists(), reason="the shared cases are not here")
@pytest.mark.parametrize("coverage", ["area", "volume"])
def test_the_plate_of_50_4_um(coverage, tmp_path):
    options = ["--coverage", coverage, "--json"]
    assert app(["slice", str(CASE), "-o", str(tmp_path / "j"), *options], standalone_mode=False) is None
    job = pmsl.read(tmp_path / "j")
    assert len(job) == (5 if coverage == "area" else 6) and all(lit(job))
    codes = {f.code: f for f in job.findings}
    assert "empty-layer" not in codes
    assert codes["top-rounded"].value == pytest.approx(-0.4 if coverage == "area" else 9.6, abs=1e-3)
    assert codes["top-rounded"].layers == (len(job) - 1,) * 2 and codes["top-rounded"].box_um is not None
    assert not any("float" in f.message for f in job.findings if f.code != "partial-slabs")


FORMATS = {"native": "", "sl1": ".sl1", "nanodlp": ".nanodlp", "goo": ".goo", "ctb": ".ctb", "ome-zarr": ".zarr", "ome-tiff": ".tif"}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_ends_with_the_last_lit_layer(name, tmp_path):
    job = job_of(plate(50.4), box((400, 400, 0), (500, 500, 33)))
    out = tmp_path / f"j{FORMATS[name]}"
    written = pmsl.write(job, out, format=name, lossy=True)
    back = pmsl.read(out)
    assert written.n_layers == len(back) == 5 and all(lit(back))


@pytest.mark.parametrize("suffix", ["svg", "3mf"])
def test_contours_end_with_it_too(suffix, tmp_path):
    pmsl.write(job_of(plate(50.4)), tmp_path / f"j.{suffix}", format={"svg": "svg", "3mf": "3mf-slices"}[suffix], lossy=True)
    from pmsl.formats import registry

    contours = registry.recognise(tmp_path / f"j.{suffix}").contours(tmp_path / f"j.{suffix}")
    assert contours.n_layers == 5 and (np.diff(contours.layer_start) > 0).all()


# --- heights -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("height", "layers"),
    [(50.4, 5), (55, 6), (54.999, 5), (55.001, 6), (100 * np.float32(1.0), 10), (float(np.float32(0.1)) * 1000, 10), (5, 1)],
)
def test_area_ends_with_the_last_middle_inside(height, layers):
    assert lit(job_of(plate(height))) == [True] * layers


@pytest.mark.parametrize(("height", "layers"), [(50.4, 6), (50.009, 5), (50.02, 6), (4, 1)])
def test_volume_ends_with_the_last_slab_entered(height, layers):
    assert lit(job_of(plate(height), coverage="volume")) == [True] * layers


def test_a_slab_of_volume_below_the_lowest_gray_is_not_written():
    job = job_of(plate(50.015), coverage="volume")  # entered by 1.5 thousandths: level 0.38 of 255
    assert lit(job) == [True] * 5
    assert {f.code: f for f in job.findings}["top-rounded"].value == pytest.approx(-0.015)


def test_uneven_heights():
    job = job_of(plate(47), layers=[(2, 5.0), (1, 20.0), (5, 12.0)])  # middles at 2.5 7.5 20 36 48
    assert lit(job) == [True] * 4 and job.grid.z_edges_um.tolist() == [0, 5, 10, 30, 42]
    assert lit(job_of(plate(48), layers=[(2, 5.0), (1, 20.0), (5, 12.0)])) == [True] * 5


def test_a_needle_ends_where_its_tip_is_too_thin_for_the_lowest_gray():
    needle = cone(64, 3.0, 300, (500, 500, 0))
    job = job_of(needle)
    assert 0 < len(job) < 30 and lit(job) == [True] * len(job)
    whole = pmsl.Grid(origin_um=(0, 0), pitch_um=2, shape=job.grid.shape, z_edges_um=np.arange(31) * 10.0)
    masks = list(pmsl.layer_masks([needle], whole))
    assert len(masks) == 30  # an explicit grid keeps its layers, empty ones too
    assert [m.black_at_8_bit for m in masks] == [False] * len(job) + [True] * (30 - len(job))
    top = {f.code: f for f in job.findings}["top-rounded"]
    assert top.value == pytest.approx(10 * len(job) - 300)


def test_a_gap_stays_and_speaks_of_what_is_above(tmp_path):
    gap = [plate(20), plate(13, z=50)]
    written = pmsl.write(job_of(*gap), tmp_path / "j")
    (empty,) = (f for f in written.findings if f.code == "empty-layer")
    assert empty.layers == (2, 4) and "what lies above it would float" in empty.message


def test_empty_slabs_at_the_bottom_stay():
    job = job_of(plate(20, z=32))
    assert lit(job) == [False, False, False, True, True]
    (gap,) = (f for f in job.findings if f.code == "gap-above-plate")
    assert gap.layers == (0, 2) and gap.box_um[0][2] == 0 and gap.box_um[1][2] == 32


@given(
    st.lists(st.tuples(st.floats(0.0, 40), st.floats(0.3, 60)), min_size=1, max_size=3),
    st.floats(3, 25),
    st.sampled_from(["area", "volume"]),
)
@settings(max_examples=examples(25))
def test_the_last_layer_is_lit_and_none_beyond_would_be(parts, layer_um, coverage):
    """Held against the masks of a grid that goes on above the parts; a part that no mask shows is refused."""
    solids = [plate(h, low=(100 + 300 * i, 100), z=z, size=100) for i, (z, h) in enumerate(parts)]
    top = max(z + h for z, h in parts)
    edges = np.arange(int(top / layer_um) + 4) * layer_um
    grid = pmsl.Grid(origin_um=(0, 0), pitch_um=2, shape=PRINTER.field_px, z_edges_um=edges)
    shown = [[not m.black_at_8_bit for m in pmsl.layer_masks([solid], grid, coverage)] for solid in solids]
    printer = replace(PRINTER, limits=replace(PRINTER.limits, max_dose_mj_cm2=replace(PRINTER.limits.max_dose_mj_cm2, value=1e9)))
    printer = replace(printer, limits=replace(printer.limits, max_exposure_s=replace(printer.limits.max_exposure_s, value=1e9)))
    try:
        job = pmsl.prepare(solids, printer, RESIN, process(layer_um=layer_um, coverage=coverage))
    except MeshError as err:
        assert "lights no" in str(err) and not all(any(one) for one in shown)
        return
    assert all(any(one) for one in shown)
    together = np.any(shown, axis=0)
    assert len(job) == np.flatnonzero(together)[-1] + 1


# --- parts that light nothing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ([plate(4)], "lights no layer.*0 to 4 µm.*layers of at most 8 µm"),
        ([plate(50), plate(4, low=(600, 100))], "lights no layer.*0 to 4 µm"),
        ([plate(50), plate(8, low=(600, 100), z=6)], "lights no layer.*6 to 14 µm"),
        ([box((100, 100, 0), (100.002, 300, 50))], "lights no pixel"),
        ([plate(50), box((600, 100, 0), (600.002, 300, 50))], "lights no pixel"),
    ],
)
def test_a_part_that_lights_nothing_is_refused(parts, words, tmp_path):
    with pytest.raises(MeshError, match=words):
        job_of(*parts)


@pytest.mark.parametrize("z", [0.0, 46.0])
@pytest.mark.parametrize("height", [4.0, 4.9999998, 5.000001, float(np.float32(0.005)) * 1000, 3.3333])
def test_the_layers_said_to_be_thin_enough_are(height, z):
    with pytest.raises(MeshError, match="lights no layer") as refused:
        job_of(plate(100), plate(height, low=(600, 100), z=z), layer_um=20.0 if z == 0 else 50.0)
    finest = float(re.search(r"layers of at most (\S+) µm have", str(refused.value)).group(1))
    job_of(plate(100), plate(height, low=(600, 100), z=z), layer_um=finest)
    assert finest > (1.9 if z == 0 else 0.45) * height


def test_a_body_and_its_inverse_are_not_called_thin():
    body = plate(50)
    both = pmsl.Solid.from_arrays(
        np.concatenate([body.vertices_um] * 2), np.concatenate([body.faces, body.faces[:, ::-1] + len(body.vertices_um)])
    )
    for parts in ([both], [plate(50, low=(600, 100)), both]):
        with pytest.raises(MeshError, match="encloses no volume: its surfaces cancel"):
            pmsl.prepare(parts, PRINTER, RESIN, PROCESS, repair="none")
        assert lit(pmsl.prepare(parts, PRINTER, RESIN, PROCESS)) == [True] * 5  # one copy is left out, and said
    assert any(f.code == "repaired-duplicate-faces" for f in pmsl.prepare([both], PRINTER, RESIN, PROCESS).findings)


def test_volume_keeps_what_is_thinner_than_half_a_layer():
    assert lit(job_of(plate(50), plate(4, low=(600, 100)), coverage="volume")) == [True] * 5
    with pytest.raises(MeshError, match="lights no layer.*thousandth"):
        job_of(plate(50), plate(0.005, low=(600, 100)), coverage="volume")
    with pytest.raises(MeshError, match="lights no pixel"):
        job_of(plate(50), plate(0.015, low=(600, 100)), coverage="volume")


def at(x):
    transform = np.eye(4)
    transform[:2, 3] = x, 100
    return transform


def test_copies_are_each_held_to_it():
    """A sliver of a pixel that one copy has to itself, and another shares out to two columns."""
    sliver = box((0, 0, 0), (2 * 0.6 / 255, 200, 50))
    part = pmsl.Part(solid=sliver, transform=at(100.0), label="here")
    assert lit(pmsl.prepare([part, plate(50, low=(600, 100))], PRINTER, RESIN, PROCESS)) == [True] * 5
    with pytest.raises(MeshError, match="across: lights no pixel"):
        pmsl.prepare([part, pmsl.Part(solid=sliver, transform=at(100 - 0.6 / 255), label="across")], PRINTER, RESIN, PROCESS)


def test_the_command_line_refuses_it_in_one_line(tmp_path, samples):
    with pytest.raises(MeshError, match="lights no layer"):
        app(["slice", str(samples / "f_orientation.stl"), "--scale", "1,1,0.001", "-o", str(tmp_path / "j")], standalone_mode=False)
    assert list(tmp_path.iterdir()) == []


# --- what else may leave the top dark ----------------------------------------------------------------------------


def test_dropped_grays_on_top_are_no_layers():
    stub = box((500, 500, 0), (540, 540, 53.0))  # a third of the last slab: far below white, and alone
    weak = {"coverage": "volume", "bottom_dose_factors": ()}
    kept = job_of(stub, **weak)
    assert len(kept) == 6 and any(f.code == "unreachable-gray" for f in kept[5].findings)
    job = job_of(stub, unreachable="drop", **weak)
    assert lit(job) == [True] * 5


def _small_job(*parts, **changes):
    dmd = replace(PRINTER.dmd, shape=replace(PRINTER.dmd.shape, value=(40, 40)))
    pitch = replace(PRINTER.optics.pitch_um, value=(10.0, 10.0))
    small = replace(PRINTER, dmd=dmd, optics=replace(PRINTER.optics, pitch_um=pitch))
    return pmsl.prepare(list(parts), small, RESIN, process(**changes))


NEEDLE = cone(64, 10.0, 400, (200, 200, 0))
FIN = [box((150, 150, 0), (250, 250, 30)), box((150, 198, 0), (250, 202, 80))]


@pytest.mark.parametrize("parts", [[NEEDLE], FIN, [NEEDLE, box((50, 50, 0), (90, 90, 25))]], ids=["needle", "fin", "needle and box"])
@pytest.mark.parametrize("coverage", ["area", "volume"])
def test_light_of_layers_that_are_left_out_cures_nothing_below_them(parts, coverage, tmp_path):
    """Grays that only those above would cure go with them, however many there are; one finding says so."""
    kept = _small_job(*parts, coverage=coverage)
    job = _small_job(*parts, coverage=coverage, unreachable="drop")
    assert 0 < len(job) < len(kept) and lit(job)[-1]
    written = pmsl.write(job, tmp_path / "j")
    (said,) = (f for f in written.findings if f.code == "layers-left-out")
    assert said.value == len(kept) - len(job) and said.layers is None and said.box_um[0][2] == 10 * len(job)
    assert f"layers {len(job)} to {len(kept) - 1} have no light" in said.message and "made black" in said.message
    assert not {f.code for f in written.findings} & {"empty-layer", "layer-without-dose", "nothing-printed"}
    (dropped,) = (f for f in written.findings if f.code == "unreachable-gray" and f.layers is None)
    assert dropped.message.endswith(f"(layers {len(job)} to {len(kept) - 1}, left out)")


@given(st.floats(4, 14), st.floats(60, 300), st.floats(0, 9.9), st.sampled_from(["area", "volume"]))
@settings(max_examples=examples(12), deadline=None)
def test_the_last_layer_of_dropped_grays_is_lit(radius, height, shift, coverage):
    parts = [box((100, 100, 0), (140, 140, 20)), cone(24, radius, height, (200 + shift, 200, 0))]
    assert lit(_small_job(*parts, coverage=coverage, unreachable="drop"))[-1]


@pytest.mark.parametrize("bits", [1, 2])
def test_layers_that_few_grays_leave_dark_are_left_out(bits, tmp_path):
    whole = _small_job(NEEDLE)
    pmsl.write(whole, tmp_path / "whole")
    for job in (with_depth(whole, bits), with_depth(pmsl.read(tmp_path / "whole"), bits)):
        written = pmsl.write(job, tmp_path / "j", force=True)
        back = pmsl.read(tmp_path / "j")
        assert 3 <= len(back) == written.n_layers <= len(whole) and lit(back)[-1]
        said = [f for f in written.findings if f.code == "layers-left-out"]
        assert len(said) == (len(back) < len(whole)) and all(f.value == len(whole) - len(back) for f in said)
        assert bits > 1 or said
        assert all(f.layers is None or f.layers[1] < len(back) for f in written.findings)
        assert pmsl.verify(tmp_path / "j") == []


def test_processes_leave_out_the_same(tmp_path):
    needle = _stl(tmp_path / "m.stl", NEEDLE)
    options = ["--pitch-um", "10", "--field", "40x40", "--resin", "pr48-405", "--printer", "pmsl-2um", "--depth", "1"]
    for name, processes in (("one", "1"), ("two", "2")):
        app(["slice", needle, "-o", str(tmp_path / name), *options, "--processes", processes], standalone_mode=False)
    one, two = (pmsl.read(tmp_path / name) for name in ("one", "two"))
    assert lit(one) == lit(two) and lit(one)[-1]


def test_a_region_that_cuts_the_top_off_is_said_once(tmp_path):
    top = pmsl.Region(solid=box((100, 100, 30), (300, 300, 60)), label="top", dose_scale=0.0)
    part = pmsl.Part(solid=box((150, 150, 0), (250, 250, 50)), regions=(top,))
    job = _small_job(part)
    written = pmsl.write(job, tmp_path / "j")
    codes = [f.code for f in written.findings if f.code != "not-calibrated"]
    assert lit(job) == [True] * 3 and codes.count("layers-left-out") == 1
    assert not set(codes) & {"region-outside-field", "region-beside-part", "top-rounded", "layer-without-dose"}
    (said,) = (f for f in written.findings if f.code == "layers-left-out")
    assert "layers 3 to 4 have no light" in said.message and "dose factors" in said.message


def test_regions_beside_a_shortened_part_are_still_said():
    top = pmsl.Region(solid=box((100, 100, 30), (300, 300, 60)), label="top", dose_scale=0.0)
    beside = pmsl.Region(solid=box((100, 100, 500), (300, 300, 600)), label="beside", dose_scale=0.5)
    job = _small_job(pmsl.Part(solid=box((150, 150, 0), (250, 250, 50)), regions=(top, beside)))
    outside = [f for f in job.findings if f.code == "region-outside-field"]
    assert len(outside) == 1 and "beside" in outside[0].message


def test_regions_without_dose_on_top_are_no_layers():
    table = [box((500, 500, 0), (540, 540, 30)), box((400, 400, 30), (700, 700, 40))]
    regions = Regions(bulk=1.0, membrane=0.0, membrane_um=12.0)
    joined = [pmsl.Solid.from_arrays(*_joined(table))]
    assert lit(pmsl.prepare(joined, PRINTER, RESIN, PROCESS)) == [True] * 4
    job = pmsl.prepare(joined, PRINTER, RESIN, process(regions=regions))
    assert all(lit(job)[-1:]) and len(job) <= 4


def test_contours_moved_inward_take_the_tip_along():
    tip = cone(64, 60, 200, (500, 500, 0))
    moved = job_of(tip, xy_offset_um=-9.0)
    assert lit(moved) == [True] * len(moved) and len(moved) == 17 < len(job_of(tip))  # radius 60 - 0.3 z is above 9 up to z = 170
    assert lit(job_of(cone(64, 3.0, 300, (500, 500, 0)), xy_offset_um=4.0)) == [True] * 30


def _joined(solids):
    at = np.cumsum([0, *(len(s.vertices_um) for s in solids)])
    return np.concatenate([s.vertices_um for s in solids]), np.concatenate([s.faces + n for s, n in zip(solids, at, strict=False)])


@pytest.mark.parametrize("corrections", [("edges",), ("printthrough",)])
def test_corrected_jobs_end_there_too(corrections):
    resin = pmsl.find_resin("pr48-405")
    memory = (
        pmsl.profiles.tables.strict_struct.Value(value="enclosed", class_="placeholder", source="test")
        if resin.resin.memory is None
        else None
    )
    if memory is not None:
        resin = replace(resin, resin=replace(resin.resin, memory=memory))
    small = replace(PRINTER, dmd=replace(PRINTER.dmd, shape=replace(PRINTER.dmd.shape, value=(64, 64))))
    made = process(corrections=corrections)
    job = pmsl.prepare([box((20, 20, 0), (90, 90, 50.4))], small, resin, made, accept_uncalibrated=True)
    assert lit(job) == [True] * 5


# --- other ways to a job -----------------------------------------------------------------------------------------


def _stl(path, solid):
    triangles = solid.vertices_um[solid.faces] / 1000
    record = np.zeros(len(triangles), np.dtype([("normal", "<f4", 3), ("corners", "<f4", 9), ("attribute", "<u2")]))
    record["corners"] = triangles.reshape(-1, 9)
    path.write_bytes(bytes(80) + np.uint32(len(triangles)).tobytes() + record.tobytes())
    return str(path)


@pytest.mark.parametrize(
    "options",
    [["--copies", "3x2"], ["--keep-place"], ["--processes", "2"], ["--at", "10,20"], ["--copies", "2x1", "--processes", "2"]],
    ids=" ".join,
)
def test_every_path_of_slice(options, tmp_path):
    mesh = _stl(tmp_path / "m.stl", plate(50.4))
    app(["slice", mesh, "--printer", "pmsl-2um", "--resin", "pr48-405", "-o", str(tmp_path / "j"), *options], standalone_mode=False)
    job = pmsl.read(tmp_path / "j")
    assert lit(job) == [True] * 5 and pmsl.verify(tmp_path / "j") == []


def test_packed_plates_each_end_by_themselves(tmp_path):
    pytest.importorskip("rectpack")
    tall, low = _stl(tmp_path / "a.stl", plate(50.4, size=2000)), _stl(tmp_path / "b.stl", plate(24.4, size=2000))
    names = ["--printer", "pmsl-2um", "--resin", "pr48-405", "--pack", "50", "--plates", "2"]
    app(["slice", tall, low, "-o", str(tmp_path / "j"), *names], standalone_mode=False)
    assert sorted(len(pmsl.read(tmp_path / f"j-{n}")) for n in (1, 2)) == [2, 5]


def test_a_batch(tmp_path):
    _stl(tmp_path / "m.stl", plate(50.4))
    text = 'schema = "pmsl.batch/1"\nout = "out"\n[[job]]\nname = "a"\nmeshes = ["m.stl"]\nprinter = "pmsl-2um"\nresin = "pr48-405"\n'
    (tmp_path / "b.toml").write_text(text)
    assert app(["batch", str(tmp_path / "b.toml"), "--jobs", "1"], standalone_mode=False) == 0
    assert len(pmsl.read(tmp_path / "out" / "a")) == 5
    document = json.loads((tmp_path / "out" / "a" / "job.json").read_bytes())
    assert len(document["layers"]) == 5 and document["engines"][0]["grid"]["z_edges_um"][-1] == 50
