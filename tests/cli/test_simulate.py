"""``pmsl simulate`` as a user meets it: table, JSON, pictures, mesh, what is refused."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pmsl
from pmsl.report.layer_crops import box_px
from pmsl.report.mask_preview import contact_sheet


@pytest.fixture(scope="module")
def jobs(tmp_path_factory, samples):
    """A droplet generator, with and without its design, and the letter F; on 10 µm pixels."""
    folder = tmp_path_factory.mktemp("jobs")
    printer, resin = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pegda-nps-1.0-385")
    process = pmsl.find_process("default")
    placed = pmsl.place([pmsl.load_solid(samples / "droplet_generator.stl")], printer, resin)
    job = pmsl.prepare(placed, printer, resin, process)
    pmsl.write(job, folder / "job.zip")
    pmsl.write(job, folder / "bare.zip", design=False)
    placed = pmsl.place([pmsl.load_solid(samples / "f_orientation.stl")], printer, resin)
    pmsl.write(pmsl.prepare(placed, printer, resin, process), folder / "f")
    return folder


def test_the_table_and_the_json_say_the_same(run, jobs):
    code, out, err = run("simulate", jobs / "job.zip")
    assert code == 0 and "not measured" in out and "memory enclosed (assumed)" in out
    assert "memory-assumed" in err and "not-calibrated" in err
    code, text, err = run("simulate", jobs / "job.zip", "--json")
    found = json.loads(text)
    assert code == 0 and err == "" and "predicted by the same model" in found["predicted"]
    assert 0.9 < found["iou"] < 1 and f"{found['iou']:.4f}" in out
    assert {"median", "median_abs", "p95_abs", "probes", "lost", "merged"} == set(found["epe_um"])
    for side in ("up", "down"):
        assert {"median", "median_abs", "p95_abs", "area_um2", "merged_um2", "lost_um2"} == set(found["z_error_um"][side])
    (network,) = found["openings"]
    assert network["design_um"]["height"] == pytest.approx(80, abs=0.01) and network["design_um"]["width"] == pytest.approx(60, abs=0.5)
    assert network["printed_um"]["height"] == pytest.approx(80 + found["z_error_um"]["down"]["median"], abs=0.01)
    assert network["flushable_um"]["height"] < network["printed_um"]["height"] and not network["blocked"]
    assert found["lost"] == [] and set(found["dose_mj_cm2"]) == {"threshold", "ec", "solid", "void"}


def test_a_job_without_design_takes_the_mesh_it_was_made_of(run, jobs, samples):
    code, out, err = run("simulate", jobs / "bare.zip")
    assert code == 3 and "holds no design" in err and "--design" in err and out == ""
    code, out, err = run("simulate", jobs / "bare.zip", "--design", samples / "f_orientation.stl")
    assert code == 3 and "nothing is compared" in err and out == ""
    code, out, _ = run("simulate", jobs / "bare.zip", "--design", samples / "droplet_generator.stl", "--json")
    with_design = json.loads(run("simulate", jobs / "job.zip", "--json")[1])
    assert code == 0 and {**json.loads(out), "job": with_design["job"]} == with_design


def test_pictures_and_mesh_are_written(run, jobs, tmp_path):
    code, *_ = run("simulate", jobs / "f", "--pictures", "p", "--layers", "8:11", "--section", "x=9600", "--mesh", "m.stl")
    assert code == 0
    names = sorted(p.name for p in Path("p").iterdir())
    assert names == [
        *("doses.png", "layer-00008.png", "layer-00009.png", "layer-00010.png", "section-x-9600um.png", "working-curve.png"),
    ]
    for name in names:
        assert np.array(Image.open(tmp_path / "p" / name).convert("RGB")).std() > 10
    colours = np.array(Image.open(tmp_path / "p" / "layer-00010.png")).reshape(-1, 3)
    assert {(24, 24, 28), (190, 190, 190)} <= {tuple(c) for c in np.unique(colours, axis=0)}
    data = (tmp_path / "m.stl").read_bytes()
    assert len(data) == 84 + 50 * struct.unpack("<I", data[80:84])[0] > 10_000
    assert sorted(p.name for p in tmp_path.iterdir()) == ["m.stl", "p"]


def test_pictures_of_a_job_that_holds_no_parts(run, jobs):
    pmsl.write(pmsl.read(jobs / "f"), "f.sl1", lossy=True)
    job = pmsl.read("f.sl1")
    assert not job.parts
    lit, box = job.bare(0).exposures[0].mask.window, box_px(job)
    assert box[0] <= lit.row0 and box[1] <= lit.col0 and box[2] >= lit.row0 + lit.rows and box[3] >= lit.col0 + lit.cols
    code, out, err = run("simulate", "f.sl1", "--pictures", "p")
    assert code == 3 and out == "" and "holds no design" in err and not Path("p").exists()
    contact_sheet(job, "sheet.png")
    assert np.array(Image.open("sheet.png")).std() > 10


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--layers", "3:9"], 2, "--pictures DIR"),
        (["--pictures", "p", "--layers", "9:3"], 2, "choose from 0:20"),
        (["--pictures", "p", "--layers", "a:b"], 2, "expected A:B"),
        (["--pictures", "p", "--section", "z=3"], 2, "expected x=UM or y=UM"),
        (["--pictures", "p", "--section", "x=1e9"], 2, "outside the part"),
        (["--mesh", "m.obj"], 2, "must end in .stl"),
        (["--mesh", "no/such/m.stl"], 3, "cannot be written"),
    ],
)
def test_wrong_words_are_named_and_nothing_is_left(run, jobs, tmp_path, words, code, says):
    got, out, err = run("simulate", jobs / "f", *words)
    assert got == code and says in err and out == "" and "Traceback" not in err
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_damaged_job_is_refused(run, jobs, tmp_path):
    assert run("simulate", "nothing.zip")[0] == 3
    shutil.copytree(jobs / "f", "bad")
    frames = sorted(Path("bad/frames").iterdir())
    shutil.copy(frames[0], frames[-1])
    code, out, err = run("simulate", "bad")
    assert code == 3 and out == "" and "hash" in err and "Traceback" not in err


def test_files_of_formats_without_designs_say_so_and_what_to_do(run, jobs, samples):
    assert run("convert", jobs / "bare.zip", "job.nanodlp", "--lossy")[0] == 0
    for more in ((), ("--design", samples / "droplet_generator.stl")):
        code, out, err = run("simulate", "job.nanodlp", *more)
        assert code == 3 and out == "" and "--no-design" not in err and "read from a " in err and "pmsl slice MESH -o JOB" in err
