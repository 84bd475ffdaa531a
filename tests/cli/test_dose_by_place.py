"""`--dose-scale`, `--region` and `--regions` on the command line and in batches: what is written, said and refused."""

import dataclasses
import json

import jsonschema
import msgspec
import numpy as np
import pytest
from solids import box

import pmsl
from pmsl.batch.batch_file import read_batch
from pmsl.batch.fingerprint import FileHashes, identity
from pmsl.errors import BatchError
from pmsl.formats.native import job_json
from pmsl.mesh.part import Part
from pmsl.mesh.region import OF_LIGHT, SAID, Region, RegionRecord
from pmsl.pipeline.request.region_file import RegionTable, dose_scales, region_of_option
from pmsl.pipeline.slice_jobs import slice_job
from pmsl.pipeline.slice_request import SliceRequest
from pmsl.pipeline.workers.job_spec import RegionEntry

SMALL = ["--printer", "pmsl-2um", "--resin", "pr48-405", "--unit", "um"]


@pytest.fixture
def run(run, tmp_path):
    """Run one command line in a folder with three meshes."""
    write_stl(tmp_path / "plate.stl", box((0, 0, 0), (80, 60, 20)))
    write_stl(tmp_path / "post.stl", box((100, 0, 0), (120, 60, 20)))
    write_stl(tmp_path / "in=side.stl", box((20, -10, -5), (40, 30, 10)))
    return run


def write_stl(path, solid):
    records = np.zeros(len(solid.faces), np.dtype([("n", "<f4", 3), ("v", "<f4", (3, 3)), ("a", "<u2")]))
    records["v"] = solid.vertices_um[solid.faces]
    path.write_bytes(bytes(80) + np.uint32(len(records)).tobytes() + records.tobytes())


def share_by_dose(path, k=0):
    """How many pixels of a layer get which dose, over the ordinary one of the resin's profile."""
    job = pmsl.read(path)
    dose = pmsl.dose_map(job, job[k]).dense()
    ordinary = dose[dose > 0].max()
    values, counts = np.unique((dose.astype(float) / ordinary).round(2), return_counts=True)
    return {float(v): int(n) for v, n in zip(values, counts, strict=True) if v}


def test_meshes_get_a_factor_each(run, tmp_path):
    code, out, _ = run("slice", "plate.stl", "post.stl", "-o", "job", "--dose-scale", "1,2", *SMALL)
    assert code == 0 and "dose      post.stl: 2 × the ordinary dose" in out
    assert share_by_dose("job") == {0.5: 40 * 30, 1.0: 10 * 30}
    doc = json.loads((tmp_path / "job" / "job.json").read_text())
    assert doc["schema"] == "pmsl.job/2" and [p["dose_scale"] for p in doc["parts"]] == [1.0, 2.0]
    code, *_ = run("slice", "plate.stl", "post.stl", "-o", "both", "--dose-scale", "2", *SMALL)
    assert code == 0 and [p.dose_scale for p in pmsl.read("both").parts] == [2.0, 2.0]


def test_a_region_by_option_is_the_one_by_file_and_by_python(run, tmp_path):
    code, out, err = run("slice", "plate.stl", "-o", "a", "--region", "in=side.stl=0.5", *SMALL)
    assert code == 0 and "region    in=side.stl: 0.5 × the dose; 0.02 × 0.04 × 0.015 mm, in the part" in out, err
    assert share_by_dose("a") == {0.5: 10 * 15, 1.0: 40 * 30 - 150} and share_by_dose("a", 1) == {1.0: 1200}
    (tmp_path / "r.toml").write_text('[[region]]\nmesh = "in=side.stl"\ndose_scale = 0.5\n')
    assert run("slice", "plate.stl", "-o", "b", "--regions", "r.toml", *SMALL)[0] == 0
    files = [{p.relative_to(f): p.read_bytes() for p in sorted(f.rglob("*")) if p.is_file()} for f in (tmp_path / "a", tmp_path / "b")]
    assert files[0] == files[1]
    printer, resin = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")
    inside = Region(solid=pmsl.load_solid("in=side.stl", "um"), dose_scale=0.5)
    part = Part(solid=pmsl.load_solid("plate.stl", "um"), regions=(inside,))
    pmsl.write(pmsl.prepare(pmsl.place([part], printer, resin), printer, resin), tmp_path / "c", checks=True)
    assert (tmp_path / "c" / "job.json").read_bytes() == (tmp_path / "a" / "job.json").read_bytes()


def test_the_job_says_its_regions(run, tmp_path):
    (tmp_path / "r.toml").write_text(
        '[[region]]\nmesh = "in=side.stl"\ndose_scale = 0.5\nfocus_um = -20\nwait_after_s = 2\ndilate_um = 4\nlabel = "membrane"\n'
    )
    assert run("slice", "plate.stl", "post.stl", "-o", "job", "--regions", "r.toml", "--region", "post.stl=1.5", *SMALL)[0] == 0
    doc = json.loads((tmp_path / "job" / "job.json").read_text())
    jsonschema.Draft202012Validator(json.loads(job_json.json_schema())).validate(doc)
    assert doc["schema"] == "pmsl.job/2" and [r["label"] for r in doc["regions"]] == ["membrane", "post.stl"]
    first = doc["regions"][0]
    assert (first["file"], first["dose_scale"], first["focus_um"], first["dilate_um"], first["parts"]) == (
        "in=side.stl",
        0.5,
        -20,
        4,
        [0, 1],
    )
    assert [(e["focus_um"], e["wait_after_s"]) for e in doc["layers"][0]["exposures"]] == [(0, 0), (-20, 2)]
    code, out, _ = run("info", "job")
    assert code == 0 and "region    membrane: 0.5 × the dose, focus -20 µm, dark for 2 s after, dilated by 4 µm; " in out
    code, out, _ = run("info", "job", "--json")
    assert json.loads(out)["regions"] == doc["regions"]
    assert run("verify", "job")[0] == 0
    again = pmsl.read("job")
    pmsl.write(again, tmp_path / "again")
    assert (tmp_path / "again" / "job.json").read_bytes() == (tmp_path / "job" / "job.json").read_bytes()
    older = {**doc, "schema": "pmsl.job/1"}
    (tmp_path / "job" / "job.json").write_text(json.dumps(older))
    code, _, err = run("info", "job")
    assert code == 3 and "regions, resin.resin.dp_um.sd, resin.resin.ec_mj_cm2.sd, layers.facts came with pmsl.job/2" in err


def test_seconds_and_doses_of_regions_are_shown(run, tmp_path):
    """Factor × part × ordinary, in words and for programs; of parts with doses of their own each, and with light of its own or none."""
    assert run("slice", "plate.stl", "-o", "one", "--region", "in=side.stl=0.5", "--bottom-dose-factors", "none", *SMALL)[0] == 0
    facts = json.loads(run("info", "one", "--json")[1])
    (white,) = facts["region_doses"]
    usual = facts["exposure"]["ordinary"]
    assert (white["region"], white["mesh"], white["parts"], white["factor"]) == ("in=side.stl", "in=side.stl", [0], 0.5)
    assert white["time_s"] == pytest.approx(usual["time_s"][0] / 2) and white["dose_mj_cm2"] == pytest.approx(usual["dose_mj_cm2"][0] / 2)
    out = run("info", "one")[1]
    assert f"in the part; {white['time_s']:.4g} s, {white['dose_mj_cm2']:.4g} mJ/cm² in ordinary layers" in out
    (tmp_path / "r.toml").write_text('[[region]]\nmesh = "in=side.stl"\ndose_scale = 0\n[[region]]\nmesh = "post.stl"\ndose_scale = 0.8\n')
    options = ["--regions", "r.toml", "--dose-scale", "1,1.5", "--bottom-dose-factors", "none", *SMALL]
    code, out, _ = run("slice", "plate.stl", "post.stl", "-o", "two", *options, "--json")
    doses = json.loads(out)["region_doses"]
    assert code == 0 and [(d["factor"], d["parts"], d["mesh"]) for d in doses] == [
        (0.0, [0, 1], "in=side.stl"),
        (0.8, [0], "post.stl"),
        (pytest.approx(1.2), [1], "post.stl"),
    ]
    assert doses[0]["time_s"] == doses[0]["dose_mj_cm2"] == 0.0 and doses[2]["time_s"] == pytest.approx(1.2 * usual["time_s"][0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"parts": [7]}, "regions[0].parts is [7]; it must name one or more of the job's parts, 0 to 1"),
        ({"parts": []}, "regions[0].parts is []"),
        ({"parts": [-1]}, "regions[0].parts is [-1]"),
        ({"parts": [1, 1]}, "regions[0].parts is [1, 1]"),
        ({"dose_scale": -3}, "dose_scale is -3; it must be 0 to 10"),
        ({"dose_scale": 10.5}, "dose_scale is 10.5"),
        ({"focus_um": 1e9}, "focus_um is 1e+09; it must be -10000 to 10000 µm"),
        ({"wait_after_s": -1}, "wait_after_s is -1"),
        ({"dilate_um": -1}, "dilate_um is -1"),
        ({"factors": ["rim"]}, "factors: 'rim'"),
        ({"power": 0.123}, "regions[0].power is 0.123, no light setting"),
        (None, "parts[1].dose_scale is -3; it must be above 0 and at most 10"),
    ],
)
def test_regions_and_doses_that_no_job_has_are_refused_when_it_is_read(run, tmp_path, change, words):
    assert run("slice", "plate.stl", "post.stl", "-o", "job", "--region", "in=side.stl=0.5", *SMALL)[0] == 0
    doc = json.loads((tmp_path / "job" / "job.json").read_text())
    if change is None:
        doc["parts"][1]["dose_scale"] = -3
    else:
        doc["regions"][0].update(change)
    (tmp_path / "job" / "job.json").write_text(json.dumps(doc))
    for command in ("verify", "info"):
        code, _, err = run(command, "job")
        assert code == 3 and words in err and "the job is damaged" in err


def test_workers_make_the_same_job(run, tmp_path):
    (tmp_path / "r.toml").write_text('[[region]]\nmesh = "in=side.stl"\ndose_scale = 0.5\nfocus_um = 20\ndilate_um = 3\n')
    options = ["--regions", "r.toml", "--region", "post.stl=1.2", "--dose-scale", "1,1.1", *SMALL]
    assert run("slice", "plate.stl", "post.stl", "-o", "a", *options)[0] == 0
    assert run("slice", "plate.stl", "post.stl", "-o", "b", "--processes", "2", *options)[0] == 0
    files = [{p.relative_to(f): p.read_bytes() for p in sorted(f.rglob("*")) if p.is_file()} for f in (tmp_path / "a", tmp_path / "b")]
    assert files[0] == files[1]


def test_copies_of_a_list_multiply_doses(run, tmp_path):
    (tmp_path / "c.csv").write_text("x_um,y_um,dose_scale,label\n0,0,1,low\n200,0,1.5,high\n")
    assert run("slice", "plate.stl", "-o", "job", "--copies", "c.csv", "--dose-scale", "2", "--region", "in=side.stl=0.5", *SMALL)[0] == 0
    job = pmsl.read("job")
    assert [(p.label, p.dose_scale) for p in job.parts] == [("low", 2.0), ("high", 3.0)]
    assert share_by_dose("job") == {0.33: 150, 0.5: 150, 0.67: 1050, 1.0: 1050}


def test_packed_parts_take_doses_and_labels_of_a_list(run, tmp_path):
    pytest.importorskip("rectpack")
    (tmp_path / "doses.csv").write_text("label,dose_scale\nlow,0.8\n,1\nhigh,1.25\n")
    pack = ["--pack", "10", "--copies", "doses.csv", *SMALL]
    assert run("slice", "post.stl", "-o", "job", "--dose-scale", "2", "--region", "post.stl=0.5", *pack)[0] == 0
    job = pmsl.read("job")
    assert [(p.label, p.dose_scale) for p in job.parts] == [("low", 1.6), ("post.stl-1", 2.0), ("high", 2.5)]
    assert share_by_dose("job") == {0.64: 300, 0.8: 300, 1.0: 300} and job.regions[0].parts == (0, 1, 2)
    (tmp_path / "doses.toml").write_text('[[copies]]\nlabel = "low"\ndose_scale = 0.8\n[[copies]]\nlabel = "high"\n')
    assert run("slice", "post.stl", "plate.stl", "-o", "two", "--pack", "10", "--copies", "doses.toml", *SMALL)[0] == 0
    labels = [(p.label, p.dose_scale) for p in pmsl.read("two").parts]
    assert labels == [("low/post.stl", 0.8), ("low/plate.stl", 0.8), ("high/post.stl", 1.0), ("high/plate.stl", 1.0)]
    (tmp_path / "bad.csv").write_text("x_um,y_um,label\n0,0,a\n")
    code, _, err = run("slice", "post.stl", "-o", "no", "--pack", "10", "--copies", "bad.csv", *SMALL)
    assert code == 2 and "expected names of columns, separated by commas: any of dose_scale,label" in err
    (tmp_path / "twice.csv").write_text("label\na\na\n")
    code, _, err = run("slice", "post.stl", "-o", "no", "--pack", "10", "--copies", "twice.csv", *SMALL)
    assert code == 2 and "label 'a' is given twice" in err
    code, _, err = run("slice", "post.stl", "-o", "no", "--pack", "10", "--copies", "2x2", *SMALL)
    assert code == 2 and "or a list of doses and labels" in err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--region", "in=side.stl=much"], 2, "--region in=side.stl= 'much': expected numbers like 0.5"),
        (["--region", "0.5"], 2, "--region '0.5': expected a mesh and its dose factor"),
        (["--region", "in=side.stl=1,2"], 2, "--region in=side.stl= '1,2': expected 1 finite number like 0.5"),
        (["--region", "in=side.stl=-1"], 2, "region in=side.stl: dose_scale is -1; it must be 0 to 10"),
        (["--region", "none.stl=0.5"], 3, "none.stl: "),
        (["--dose-scale", "1,2"], 2, "--dose-scale 1,2: 2 factors for 1 mesh; give one for all or one for each"),
        (["--dose-scale", "0"], 2, "dose_scale is 0; it must be above 0"),
        (["--dose-scale", "x"], 2, "--dose-scale 'x': expected numbers"),
        (["--regions", "none.toml"], 2, "--regions none.toml: cannot be read"),
        (["--regions", "plate.stl"], 2, "--regions plate.stl"),
        (["--regions", "bad.toml"], 2, "did you mean 'dose_scale'"),
        (["--regions", "empty.toml"], 2, "--regions empty.toml"),
        (["--regions", "nothing.toml"], 2, "region in=side.stl: says nothing"),
        (["--region", "in=side.stl=0.5", "--correct", "edges", "--accept-uncalibrated"], 3, "cannot keep regions of a part"),
        (["--region", "in=side.stl=9.9"], 3, "is above the limit"),
    ],
)
def test_bad_words_get_one_clear_error(run, tmp_path, words, code, said):
    (tmp_path / "bad.toml").write_text('[[region]]\nmesh = "in=side.stl"\ndose_scal = 0.5\n')
    (tmp_path / "empty.toml").write_text("")
    (tmp_path / "nothing.toml").write_text('[[region]]\nmesh = "in=side.stl"\n')
    got, out, err = run("slice", "plate.stl", "-o", "job", *words, *SMALL)
    assert got == code and said in err and out == "" and "Traceback" not in err, err
    assert not (tmp_path / "job").exists()


def test_findings_of_regions_stop_a_job_where_asked(run, tmp_path):
    write_stl(tmp_path / "far.stl", box((500, 500, 0), (520, 520, 20)))
    code, _, err = run("slice", "plate.stl", "-o", "job", "--region", "far.stl=0.5", "--fail-on", "warning", *SMALL)
    assert code == 4 and "region-beside-part" in err and not (tmp_path / "job").exists()


def test_a_region_beside_all_parts_leaves_the_box_alone(run):
    assert run("slice", "plate.stl", "-o", "a", "--region", "post.stl=0.5", *SMALL)[0] == 0
    assert run("slice", "plate.stl", "-o", "b", *SMALL)[0] == 0
    a, b = pmsl.read("a"), pmsl.read("b")
    assert a.parts == b.parts and a.n_layers == b.n_layers
    assert [e.mask.sha256() for p in a.layers() for e in p.exposures] == [e.mask.sha256() for p in b.layers() for e in p.exposures]


def test_options_are_split_at_the_last_equals_sign():
    assert region_of_option("a=b=c.stl=0.25") == RegionTable(mesh="a=b=c.stl", dose_scale=0.25)
    assert dose_scales(None, 3) == (1.0, 1.0, 1.0) and dose_scales("1.5", 2) == (1.5, 1.5) and dose_scales("1,2", 2) == (1.0, 2.0)


# --- batches ---------------------------------------------------------------------------------------------------

BATCH = """
schema = "pmsl.batch/{version}"
out = "out"
[[job]]
name = "a"
meshes = ["plate.stl"]
printer = "pmsl-2um"
resin = "pr48-405"
unit = "um"
{more}
"""
TABLE = '[[job.region]]\nmesh = "in=side.stl"\ndose_scale = 0.5\nfocus_um = 20\n'


def orders(folder, more, version=2):
    (folder / "b.toml").write_text(BATCH.format(version=version, more=more))
    return [job.request for job in read_batch(folder / "b.toml").jobs]


def test_a_batch_has_regions_as_tables(run, tmp_path):
    (order,) = orders(tmp_path, "dose_scale = 1.5\n" + TABLE)
    assert order.dose_scale == "1.5" and order.region == [RegionTable(mesh=str(tmp_path / "in=side.stl"), dose_scale=0.5, focus_um=20.0)]
    (tmp_path / "out").mkdir()
    job = slice_job(order).job
    assert [e.focus_um for e in job[0].exposures] == [0.0, 20.0] and job.regions[0].dose_scale == 0.5
    (tmp_path / "r.toml").write_text('[[region]]\nmesh = "in=side.stl"\ndose_scale = 0.5\n')
    (order,) = orders(tmp_path, 'regions = "r.toml"\nregion = ["in=side.stl=0.7"]')
    assert order.regions == str(tmp_path / "r.toml") and order.region[0].dose_scale == 0.7
    swept = orders(tmp_path, "[job.sweep]\ndose_scale = [1.0, 1.5]\n")
    assert [order.dose_scale for order in swept] == ["1.0", "1.5"]


def test_a_batch_says_what_is_wrong_with_a_region(run, tmp_path):
    with pytest.raises(BatchError, match="region came with pmsl.batch/2"):
        orders(tmp_path, TABLE, version=1)
    with pytest.raises(BatchError, match="focus_u"):
        orders(tmp_path, TABLE.replace("focus_um", "focus_u"))
    with pytest.raises(BatchError, match="expected a mesh and its dose factor"):
        orders(tmp_path, 'region = ["0.5"]')


def test_another_region_is_another_job(run, tmp_path):
    (tmp_path / "r.toml").write_text('[[region]]\nmesh = "in=side.stl"\ndose_scale = 0.5\n')
    base = SliceRequest(meshes=[str(tmp_path / "plate.stl")], out="job", unit="um", regions=str(tmp_path / "r.toml"))
    first = identity(base, FileHashes())
    by_table = msgspec.structs.replace(base, regions=None, region=[RegionTable(mesh=str(tmp_path / "in=side.stl"), dose_scale=0.5)])
    assert identity(by_table, FileHashes()) == first
    (tmp_path / "r.toml").write_text('[[region]]\nmesh = "in=side.stl"\ndose_scale = 0.6\n')
    assert identity(base, FileHashes()) != first
    write_stl(tmp_path / "in=side.stl", box((20, -10, -5), (40, 31, 10)))
    assert identity(by_table, FileHashes()) != first
    assert identity(msgspec.structs.replace(by_table, region=[]), FileHashes()) != first


def test_info_of_a_mesh_takes_the_doses_of_slice(run, tmp_path):
    """The same words, seconds and findings as the job that slice writes with these options."""
    doses = ["--dose-scale", "1.5", "--region", "in=side.stl=0.01", "--bottom-dose-factors", "none"]
    assert run("slice", "plate.stl", "-o", "job", *doses, *SMALL)[0] == 0
    job, mesh = json.loads(run("info", "job", "--json")[1]), json.loads(run("info", "plate.stl", "--json", *doses, *SMALL)[1])
    for name in ("region_doses", "exposure", "regions", "layers"):
        assert mesh["print"][name] == job[name], name
    assert mesh["print"]["dose_scale"] == job["parts"][0]["dose_scale"] == 1.5
    assert mesh["print"]["print_time_s"] == pytest.approx(job["print_time_s"])
    said = [f for f in job["findings"] if f["code"] in ("coarse-dose", "weak-layers")]
    assert {f["code"] for f in said} == {"coarse-dose", "weak-layers"} and all(f in mesh["findings"] for f in said)
    code, out, err = run("info", "plate.stl", *doses, *SMALL)
    (line,) = (text for text in run("info", "job")[1].splitlines() if text.startswith("region "))
    assert code == 0 and line in out and "dose      plate.stl: 1.5 × the ordinary dose" in out and "coarse-dose" in err
    plain = json.loads(run("info", "plate.stl", "--json", *SMALL)[1])
    assert plain["print"]["region_doses"] == [] and "regions" not in plain["print"]


def test_info_refuses_doses_that_slice_refuses(run, tmp_path):
    assert run("slice", "plate.stl", "-o", "job", *SMALL)[0] == 0
    for words, code, text in (
        (["info", "job", "--region", "post.stl=0.5"], 2, "a job has its doses already"),
        (["info", "plate.stl", "--region", "post.stl"], 2, "expected a mesh and its dose factor"),
        (["info", "plate.stl", "--dose-scale", "1,2"], 2, "2 factors for 1 mesh"),
        (["info", "plate.stl", "--region", "nothing.stl=0.5"], 3, "nothing.stl"),
    ):
        got, _, err = run(*words)
        assert got == code and text in err, words
    printed = json.loads(run("info", "plate.stl", "--dose-scale", "1000", "--json", *SMALL)[1])["print"]
    assert "dose_scale is 1000" in printed["refused"] and "exposure" not in printed


@pytest.mark.parametrize(("factor", "coarse"), [(0.0, False), (0.001, True), (0.01, True), (0.1, False), (0.5, False), (2.0, False)])
def test_a_dose_that_few_grays_show_badly_is_said(factor, coarse):
    """Held against the light the job gives: one image of 255 levels is off by what the finding says."""
    part = Part(solid=box((0, 0, 0), (80, 60, 20)), regions=(Region(solid=box((40, -10, -5), (90, 70, 25)), dose_scale=factor),))
    process = msgspec.structs.replace(pmsl.find_process("default"), bottom_dose_factors=())
    job = pmsl.prepare([part], pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405"), process)
    said = [f for f in job.findings if f.code == "coarse-dose"]
    assert bool(said) is coarse
    if said:
        dose = pmsl.dose_map(job, job[0]).dense()[:30, :40]
        assert said[0].value == pytest.approx(dose[15, 30] / dose[15, 5] / factor, rel=1e-6) and said[0].value != pytest.approx(1, abs=0.05)


def test_what_is_shown_by_itself_is_not_coarse_and_parts_are_held_to_it_too():
    low, high = box((0, 0, 0), (40, 60, 20)), box((60, 0, 0), (80, 60, 20))
    side = box((-10, -10, -5), (20, 70, 25))

    def codes(*parts):
        return [f.code for f in pmsl.prepare(list(parts), "pmsl-2um", "pr48-405").findings]

    assert "coarse-dose" not in codes(Part(solid=low, regions=(Region(solid=side, dose_scale=0.01, wait_before_s=1.0),)))
    assert "coarse-dose" in codes(Part(solid=low, dose_scale=0.01), Part(solid=high))
    assert "coarse-dose" not in codes(Part(solid=low, dose_scale=0.01))


def test_a_focus_of_its_own_is_said_when_slicing():
    side = box((-10, -10, -5), (20, 70, 25))

    def said(focus_um, solid=side):
        part = Part(solid=box((0, 0, 0), (40, 60, 20)), regions=(Region(solid=solid, label="side", focus_um=focus_um, dose_scale=0.9),))
        return [f for f in pmsl.prepare([part], "pmsl-2um", "pr48-405").findings if f.code == "needs-focus"]

    (finding,) = said(-20.0)
    assert "region side" in finding.message and "pmsl play" in finding.message and finding.value == -20
    assert not said(0.0) and not said(5.0, box((60, 60, 0), (70, 70, 20)))


def test_a_region_has_the_same_fields_wherever_it_is_written():
    own = {"solid", "label"}
    assert {f.name for f in dataclasses.fields(Region)} - own == set(SAID)
    for struct, more in (
        (RegionTable, {"mesh", "label"}),
        (RegionRecord, {"label", "file", "sha256", "unit", "parts", "bounds_um", "repairs"}),
        (RegionEntry, own),
    ):
        assert set(struct.__struct_fields__) - more == set(SAID) and more <= set(struct.__struct_fields__), struct
    said = {"dose_scale": 0.5, "focus_um": 1.0, "power": 2.0, "wait_before_s": 3.0, "wait_after_s": 4.0, "dilate_um": 5.0, "factors": ()}
    region = Region(solid=box((0, 0, 0), (1, 1, 1)), **said)
    assert region.said == said and list(said) == list(SAID)
    for name in OF_LIGHT:
        assert Region(solid=region.solid, **{name: 1.0}).lights
