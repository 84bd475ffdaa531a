"""PrintJob and the native job on disk: any order, same bytes, round trip, complete or absent, damage found."""

import hashlib
import json
import os
import random
import shutil
import zipfile
from pathlib import Path

import jsonschema
import msgspec
import numpy as np
import pytest
from PIL import Image
from solids import box, cone, prism
from tiers import thinned

import pmsl
from pmsl.errors import FindingsError, JobError, OutputError, UsageError
from pmsl.formats.container.layer_writer import merged
from pmsl.formats.native import job_json
from pmsl.formats.native import write as native_write
from pmsl.pipeline.request.profile_overrides import override_printer
from pmsl.profiles.release import recorded, release_of

PRINTER = override_printer(pmsl.find_printer("pmsl-2um"), pitch_um=None, field="640x800", irradiance=None)
RESIN, PROCESS = pmsl.find_resin("pr48-405"), pmsl.find_process("default")


def f_part(samples):
    return pmsl.load_solid(samples / "f_orientation.stl")


@pytest.fixture(scope="module")
def job(request):
    samples = Path(__file__).resolve().parents[2] / "sample_meshes"
    return pmsl.prepare(pmsl.place([f_part(samples)], PRINTER, RESIN), PRINTER, RESIN, PROCESS)


@pytest.fixture(scope="module")
def folder(job, tmp_path_factory):
    path = tmp_path_factory.mktemp("jobs") / "f"
    pmsl.write(job, path, dose=True, threads=1)
    return path


def tree(path):
    return {p.relative_to(path).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(path.rglob("*")) if p.is_file()}


# --- the job itself --------------------------------------------------------------------------------------------


def test_any_order_any_number_of_times(job):
    first = [plan.exposures[0].mask.sha256() for plan in job.layers()]
    order = list(range(len(job)))
    random.Random(1).shuffle(order)
    for k in order:
        assert job[k].exposures[0].mask.sha256() == first[k]
    assert [plan.exposures[0].mask.sha256() for plan in job.layers()] == first
    assert job[-1].index == len(job) - 1
    with pytest.raises(IndexError):
        job[len(job)]


def test_prepare_moves_nothing_and_refuses_what_is_outside():
    printable = pmsl.prepare([box((100, 200, 0), (300, 400, 50))], PRINTER, RESIN)
    assert printable.parts[0].bounds_um == ((100, 200, 0), (300, 400, 50))
    for low, high in (((-5, 0, 0), (5, 5, 5)), ((0, 0, -3), (5, 5, 5)), ((0, 0, 0), (9000, 5, 5)), ((0, 0, 0), (5, 5, 99999))):
        with pytest.raises(pmsl.errors.MeshError):
            pmsl.prepare([box(low, high)], PRINTER, RESIN)


def test_placeholders_are_listed(job):
    assert not job.calibrated
    assert job.placeholders == ("printer.optics.irradiance_mw_cm2", "printer.optics.psf.sigma")
    assert [f.code for f in job.findings] == ["not-calibrated"]


def test_findings_on_height_facets_and_wavelength():
    step = box((100, 100, 0), (500, 500, 33))
    found = {f.code: f for f in pmsl.prepare([step, box((600, 600, 0), (700, 700, 17))], PRINTER, pmsl.find_resin("pr48-385")).findings}
    assert found["top-rounded"].value == pytest.approx(-3)
    assert (
        found["facets-off-planes"].value == pytest.approx(3)
        and "33" in found["facets-off-planes"].message
        and "17" in found["facets-off-planes"].message
    )
    assert found["wavelength-mismatch"].value == 405
    assert set(found) == {"not-calibrated", "top-rounded", "facets-off-planes", "wavelength-mismatch"}


# --- on disk ---------------------------------------------------------------------------------------------------


def test_same_bytes_for_any_number_of_threads(job, folder, tmp_path):
    for threads in (2, 5):
        pmsl.write(job, tmp_path / str(threads), dose=True, threads=threads)
        assert tree(tmp_path / str(threads)) == tree(folder)
    pmsl.write(job, tmp_path / "a.zip", threads=1)
    pmsl.write(job, tmp_path / "b.zip", threads=3)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_folder_and_zip_hold_the_same_files(job, folder, tmp_path):
    pmsl.write(job, tmp_path / "j.zip", dose=True)
    with zipfile.ZipFile(tmp_path / "j.zip") as z:
        assert {n: hashlib.sha256(z.read(n)).hexdigest() for n in z.namelist()} == tree(folder)
        assert {i.date_time for i in z.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_host_reads_it_with_png_and_json_alone(job, folder):
    doc = json.loads((folder / "job.json").read_text())
    assert doc["schema"] == "pmsl.job/2"
    rows, cols = doc["engines"][0]["grid"]["shape"]
    assert doc["engines"][0]["orientation"] == {"row": "-y", "col": "+x", "seen_from": "light side", "mirrored": False}
    for k, layer in enumerate(doc["layers"]):
        (exposure,) = layer["exposures"]
        data = (folder / exposure["frame"]).read_bytes()
        assert exposure["frame"] == f"frames/{k:05d}.png"
        assert hashlib.sha256(data).hexdigest() == exposure["file_sha256"]
        frame = np.array(Image.open(folder / exposure["frame"]))
        assert frame.shape == (rows, cols) and frame.dtype == np.uint8
        assert np.array_equal(frame, job[k].exposures[0].mask.dense(np.uint8)[::-1])
        assert layer["z_top_um"] == pytest.approx(10 * (k + 1)) and layer["thickness_um"] == pytest.approx(10)
    assert set(layer["motion"]) == {
        "lift_um",
        "lift_um_s",
        "lift_um_s2",
        "retract_um_s",
        "retract_um_s2",
        "wait_before_lift_s",
        "wait_top_s",
        "settle_s",
    }
    assert set(exposure) == {
        *(
            "frame",
            "file_sha256",
            "mask_sha256",
            "time_s",
            "dose_mj_cm2",
            "power",
            "engine",
            "offset_um",
            "focus_um",
            "repeat",
            "wait_before_s",
            "wait_after_s",
        )
    }


def test_text_reads_right_in_a_viewer(folder):
    frame = np.array(Image.open(folder / "frames" / "00004.png")) > 127
    rows, cols = np.flatnonzero(frame.any(1)), np.flatnonzero(frame.any(0))
    f = frame[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    assert f[:, 1].all() and f[1].all()  # the stem on the left, the upper bar on top
    assert not f[-2, f.shape[1] // 2 :].any()  # nothing at the lower right
    peg = np.array(Image.open(folder / "frames" / "00015.png")) > 127
    r, c = (np.flatnonzero(peg.any(a)).mean() for a in (1, 0))
    assert r < rows.mean() and c > cols.mean()  # the peg is at the upper right


def test_dose_maps_are_those_of_the_frames(folder):
    import tifffile

    doc = json.loads((folder / "job.json").read_text())
    for layer in doc["layers"]:
        with tifffile.TiffFile(folder / layer["dose"]) as tiff:
            page = tiff.pages[0]
            assert (page.dtype, int(page.compression), int(page.predictor)) == (np.float32, 8, 1)  # Adobe deflate, no predictor
            dose = page.asarray()
        frame = np.array(Image.open(folder / layer["exposures"][0]["frame"]))
        assert np.allclose(dose, frame / 255 * layer["exposures"][0]["dose_mj_cm2"], rtol=1e-6)


def test_the_document_fits_its_published_schema(folder):
    formats = Path(pmsl.__file__).parent / "formats"
    newest = json.loads((formats / job_json.SCHEMA_FILE).read_text())
    assert newest == json.loads(job_json.json_schema()), "run pmsl.formats.native.job_json.publish()"
    schema = newest
    doc = json.loads((folder / "job.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(doc)
    for change in ({"schema": "pmsl.job/1"}, {"surprise": 1}, {"layers": None}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.Draft202012Validator(schema).validate({**doc, **change})


def test_no_clock_no_host_no_path_in_it(folder):
    text = (folder / "job.json").read_text()
    for word in (str(folder), os.uname().nodename if hasattr(os, "uname") else "\0", "threads", "2026", "/tmp"):
        assert word not in text


def test_design_is_the_placed_part(folder, job):
    solid = pmsl.load_solid(folder / "design" / "000.ply", "um")
    assert np.array_equal(solid.vertices_um[solid.faces], job.design[0].placed_um()[job.design[0].solid.faces])


def test_round_trip(job, folder, tmp_path):
    again = pmsl.read(folder)
    assert (again.printer, again.resin, again.process, again.provenance, again.parts) == (
        recorded(job.printer),
        job.resin,
        job.process,
        job.provenance,
        job.parts,
    )
    assert release_of(again.printer) == release_of(job.printer)
    assert again.grid == job.grid and again.n_layers == job.n_layers
    assert again.estimate() == job.estimate()
    for k in (3, 17, 0):
        a, b = again[k], job[k]
        assert (a.z_top_um, a.thickness_um, a.motion) == (b.z_top_um, b.thickness_um, b.motion)
        assert np.array_equal(a.exposures[0].mask.dense(np.uint8), b.exposures[0].mask.dense(np.uint8))
        assert (a.exposures[0].time_s, a.exposures[0].dose_mj_cm2) == (b.exposures[0].time_s, b.exposures[0].dose_mj_cm2)
    pmsl.write(again, tmp_path / "again", dose=True)
    assert tree(tmp_path / "again") == tree(folder)


def test_uneven_layers_and_two_parts(tmp_path):
    process = pmsl.profiles.tables.schema.build(
        {"schema": "pmsl.process/1", "name": "t", "description": "", "layers": [[2, 5.0], [1, 12.5]]}, pmsl.Process, "t"
    )
    parts = [box((100, 100, 0), (500, 500, 35)), cone(32, 150, 30, (900, 900, 0))]
    pmsl.write(pmsl.prepare(parts, PRINTER, RESIN, process), tmp_path / "j")
    doc = json.loads((tmp_path / "j" / "job.json").read_text())
    assert [layer["thickness_um"] for layer in doc["layers"]] == [5, 5, 12.5, 12.5]
    assert [layer["z_top_um"] for layer in doc["layers"]] == [5, 10, 22.5, 35]
    assert len(doc["parts"]) == len(doc["design"]) == 2
    assert pmsl.verify(tmp_path / "j") == []


# --- verify ----------------------------------------------------------------------------------------------------


def test_a_sound_job_is_sound(folder, job, tmp_path):
    assert pmsl.verify(folder) == []
    pmsl.write(job, tmp_path / "j.zip")
    assert pmsl.verify(tmp_path / "j.zip") == []


@pytest.mark.parametrize(
    ("name", "damage"), thinned(2, ["frames/00003.png", "dose/00003.tif", "design/000.ply"], ["gone", "cut", "bit", "empty"])
)
def test_any_damage_is_found(folder, tmp_path, name, damage):
    shutil.copytree(folder, tmp_path / "j")
    path = tmp_path / "j" / name
    data = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    else:
        data[len(data) // 2] ^= 16
        path.write_bytes({"cut": bytes(data[: len(data) // 2]), "bit": bytes(data), "empty": b""}[damage])
    problems = pmsl.verify(tmp_path / "j")
    assert problems and all(name.split("/")[1] in p for p in problems)


def test_small_frames_show_the_same_and_are_the_same_bytes_for_any_number_of_threads(folder, job, tmp_path):
    for threads in (1, 3):
        pmsl.write(job, tmp_path / f"{threads}", png="small", threads=threads, design=False)
    one, three = (sorted((tmp_path / n).rglob("*.*")) for n in "13")
    assert [p.read_bytes() for p in one] == [p.read_bytes() for p in three] and len(one) == 21
    assert pmsl.verify(tmp_path / "1") == []
    fast = sorted((folder / "frames").iterdir())
    assert all(np.array_equal(np.array(Image.open(a)), np.array(Image.open(b))) for a, b in zip(fast, one, strict=False))
    assert sum(p.stat().st_size for p in one[:20]) < sum(p.stat().st_size for p in fast)
    with pytest.raises(UsageError, match="png is 'tiny'"):
        pmsl.write(job, tmp_path / "no", png="tiny")


@pytest.mark.parametrize("as_zip", [False, True])
def test_problems_and_progress_come_in_order_for_any_number_of_threads(folder, tmp_path, as_zip):
    shutil.copytree(folder, tmp_path / "j")
    for k in (1, 4, 5, 17):
        (tmp_path / f"j/frames/{k:05d}.png").write_bytes(b"no picture")
        (tmp_path / f"j/dose/{k + 1:05d}.tif").write_bytes(b"no picture")
    path = Path(shutil.make_archive(str(tmp_path / "z"), "zip", tmp_path / "j")) if as_zip else tmp_path / "j"
    answers = []
    for threads in (1, 2, 5):
        seen = []
        answers.append(pmsl.verify(path, lambda done, total, seen=seen: seen.append((done, total)), threads))
        assert seen == [(k + 1, 20) for k in range(20)]
    assert answers[0] == answers[1] == answers[2] and len(answers[0]) >= 7


def test_frames_that_are_the_last_one_again_are_decoded_once(tmp_path, monkeypatch):
    """A low box and a high one; each file is still read and held against its hash."""
    from pmsl.formats.native import read as native_read

    parts = [box((0, 0, 0), (60, 50, 30)), box((0, 0, 0), (20, 20, 90))]
    job = pmsl.prepare(pmsl.place(parts, PRINTER, RESIN), PRINTER, RESIN, PROCESS)
    pmsl.write(job, tmp_path / "j")
    decoded, decode = [], native_read.runs_of_png
    monkeypatch.setattr(native_read, "runs_of_png", lambda *args: decoded.append(args[2]) or decode(*args))
    read = pmsl.read(tmp_path / "j")
    kinds = len({plan.exposures[0].mask_sha256 for plan in read.layers()})
    assert kinds == 2 == len(decoded) < len(job)
    for k in random.Random(2).sample(range(len(job)), len(job)):
        mask = read[k].exposures[0].mask
        assert mask.index == k and mask.sha256() == job[k].exposures[0].mask.sha256()
        assert np.array_equal(mask.dense(), job[k].exposures[0].mask.dense())
    doc = json.loads((tmp_path / "j" / "job.json").read_text())
    damaged = tmp_path / "j" / doc["layers"][4]["exposures"][0]["frame"]
    damaged.write_bytes(damaged.read_bytes()[:-1])
    assert read[3].index == 3
    with pytest.raises(JobError, match="does not have the hash"):
        read[4]


def edited(folder, tmp_path, edit):
    shutil.copytree(folder, tmp_path / "j")
    doc = json.loads((tmp_path / "j" / "job.json").read_text())
    edit(doc)
    (tmp_path / "j" / "job.json").write_text(json.dumps(doc))
    return tmp_path / "j"


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d: d["layers"][2]["exposures"][0].update(file_sha256="0" * 64), "00002.png does not have the hash"),
        (lambda d: d["layers"][2]["exposures"][0].update(mask_sha256="0" * 64), "00002.png: its pixels"),
        (lambda d: d["layers"][2].update(z_top_um=31.0), "layer 2"),
        (lambda d: d.update(calibrated=True), "calibrated"),
        (lambda d: d["layers"][2]["exposures"][0].update(time_s=9.0), "its doses are not"),
        (lambda d: d["layers"][2]["exposures"][0].update(dose_mj_cm2=9.0), "is not time_s"),
        (lambda d: d["layers"][2]["exposures"][0].update(repeat=3), "print_time_s"),
        (lambda d: d["layers"][2].update(dose=None), "does not name it"),
    ],
)
def test_a_job_whose_numbers_do_not_fit_is_not_sound(folder, tmp_path, edit, words):
    problems = pmsl.verify(edited(folder, tmp_path, edit))
    assert any(words in p for p in problems), problems


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda d: d.update(schema="pmsl.job/3"), "newer pmsl"),
        (lambda d: d.update(requires=["bleaching"]), "requires bleaching"),
        (lambda d: d.update(requires=5), "requires"),
        (lambda d: d["layers"][2]["exposures"][0].update(time_s=5000.0), "layer 2: time_s is 5000, the limit"),
        (lambda d: d["layers"][2]["exposures"][0].update(time_s=-5.0), "time_s"),
        (lambda d: d["layers"][2]["exposures"][0].update(repeat=-3), "repeat"),
        (lambda d: d["layers"][2]["exposures"][0].update(power=0.3), "power 0.3 is no light setting"),
        (lambda d: d["layers"][2]["exposures"][0].update(frame="frames/\0.png"), "no path inside"),
        (lambda d: d["engines"][0]["orientation"].update(row="+x"), "same axis"),
        (lambda d: d["parts"][0].update(bounds_um=[[0], [1]]), "bounds_um"),
        (lambda d: d["layers"][0].update(colour="red"), "unknown key 'colour'"),
        (lambda d: d["layers"][0]["motion"].update(lift_um=-1), "lift_um"),
        (lambda d: d["layers"].pop(), "19 layers do not fit"),
        (lambda d: d["layers"][0]["exposures"][0].update(frame="../../etc/passwd"), "no path inside"),
        (lambda d: d["layers"][0]["exposures"][0].update(engine=3), "engine the job does not have"),
        (lambda d: d["engines"][0]["grid"].update(shape=[108, 192]), "640x800 px; the job's frames are 192x108 px"),
        (lambda d: d["engines"][0]["orientation"].update(mirrored=True), "mirrored"),
    ],
)
def test_a_job_that_cannot_be_trusted_is_refused(folder, tmp_path, edit, words):
    with pytest.raises(JobError, match=words):
        job = pmsl.read(edited(folder, tmp_path, edit))
        for _ in job.layers():
            pass


@pytest.mark.parametrize("data", [b"[" * 200_000, b'{"schema": "\xff"}', b"5", b""])
def test_a_job_json_that_is_no_document_is_refused(folder, tmp_path, data):
    shutil.copytree(folder, tmp_path / "j")
    (tmp_path / "j" / "job.json").write_bytes(data)
    with pytest.raises(JobError, match="job.json"):
        pmsl.read(tmp_path / "j")


def test_a_zip_with_one_name_twice_is_refused(job, tmp_path):
    pmsl.write(job, tmp_path / "j.zip", design=False)
    with zipfile.ZipFile(tmp_path / "j.zip", "a") as z, pytest.warns(UserWarning, match="Duplicate"):
        z.writestr("frames/00000.png", b"another")
    with pytest.raises(JobError, match="twice"):
        pmsl.read(tmp_path / "j.zip")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")
def test_links_and_pipes_in_place_of_frames_are_no_frames(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "j")
    (tmp_path / "j/frames/00000.png").unlink()
    (tmp_path / "j/frames/00000.png").symlink_to(folder / "frames/00000.png")
    (tmp_path / "j/frames/00001.png").unlink()
    os.mkfifo(tmp_path / "j/frames/00001.png")
    assert sum("no ordinary file" in p for p in pmsl.verify(tmp_path / "j")) == 2


def test_names_too_long_for_the_system_are_refused(job, tmp_path):
    with pytest.raises(JobError):
        pmsl.read(tmp_path / ("a" * 300))
    with pytest.raises(OutputError):
        pmsl.write(job, tmp_path / ("a" * 300))
    pmsl.write(job, tmp_path / ("a" * 240), design=False)


def test_what_is_no_job_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 no zip")
    for name, words in (("nothing", "no such"), ("empty", "no job.json"), ("x.zip", "not a whole zip")):
        with pytest.raises(JobError, match=words):
            pmsl.read(tmp_path / name)


# --- complete or absent ----------------------------------------------------------------------------------------


def names(path):
    return sorted(p.name for p in path.iterdir())


def test_a_failure_half_way_leaves_nothing(job, tmp_path):
    for target in ("j", "j.zip"):
        for stop_at in (0, 7):

            def stop(done, total, stop_at=stop_at):
                if done > stop_at:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                pmsl.write(job, tmp_path / target, progress=stop, threads=3)
            assert names(tmp_path) == []


def test_an_existing_target_is_kept_unless_forced(job, tmp_path):
    pmsl.write(job, tmp_path / "j")
    before = tree(tmp_path / "j")
    with pytest.raises(UsageError, match="--force"):
        pmsl.write(job, tmp_path / "j")

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pmsl.write(job, tmp_path / "j", force=True, progress=stop)
    assert tree(tmp_path / "j") == before and names(tmp_path) == ["j"]
    pmsl.write(job, tmp_path / "j", force=True, design=False)
    assert not (tmp_path / "j" / "design").exists() and names(tmp_path) == ["j"]


def test_force_replaces_an_empty_folder_but_nothing_else(job, tmp_path):
    (tmp_path / "empty").mkdir()
    pmsl.write(job, tmp_path / "empty", force=True)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("ten years")
    (tmp_path / "a.zip").write_text("not a job")
    pmsl.write(job, tmp_path / "notes", design=False)
    (tmp_path / "notes" / "notes.txt").write_text("my notes")
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "job.json").write_text('{"x": 1}')
    (tmp_path / "precious" / "thesis.txt").write_text("ten years")
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for name in ("full", "a.zip", "notes", "precious", "link"):
        with pytest.raises(UsageError, match="neither a pmsl job nor an empty folder"):
            pmsl.write(job, tmp_path / name, force=True)
    assert (tmp_path / "full" / "thesis.txt").read_text() == (tmp_path / "precious" / "thesis.txt").read_text() == "ten years"
    assert (tmp_path / "notes" / "notes.txt").read_text() == "my notes"


@pytest.mark.parametrize("interrupted", [1, 2])
def test_an_interrupt_between_the_renames_loses_nothing(job, tmp_path, monkeypatch, interrupted):
    pmsl.write(job, tmp_path / "j")
    before, rename, calls = tree(tmp_path / "j"), os.rename, []

    def interrupting(a, b):
        calls.append(a)
        if len(calls) == 2 and interrupted == 2:
            raise KeyboardInterrupt
        rename(a, b)
        if len(calls) == 1 and interrupted == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", interrupting)
    with pytest.raises(KeyboardInterrupt):
        pmsl.write(job, tmp_path / "j", force=True, design=False)
    assert tree(tmp_path / "j") == before and names(tmp_path) == ["j"]


def test_no_space_is_one_clear_error(job, tmp_path, monkeypatch):
    def full(self, name, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pmsl.formats.container.containers.FolderSink.add", full)
    with pytest.raises(OutputError, match="no space left"):
        pmsl.write(job, tmp_path / "j")
    assert names(tmp_path) == []


def test_what_is_read_back_must_be_what_was_written(job, tmp_path, monkeypatch):
    real = native_write.__globals__["FolderSink"].add

    def flips(self, name, data):
        real(self, name, data[:-1] + bytes([data[-1] ^ 1]) if name == "frames/00004.png" else data)

    monkeypatch.setattr("pmsl.formats.container.containers.FolderSink.add", flips)
    with pytest.raises(JobError, match="00004.png: what was read back"):
        pmsl.write(job, tmp_path / "j")
    assert names(tmp_path) == []


def test_a_missing_parent_is_refused(job, tmp_path):
    with pytest.raises(OutputError, match="no such folder"):
        pmsl.write(job, tmp_path / "no" / "j")


def test_findings_at_the_wanted_severity_stop_the_job(job, tmp_path):
    with pytest.raises(FindingsError) as caught:
        pmsl.write(job, tmp_path / "j", fail_on="warning")
    assert caught.value.exit_code == 4 and names(tmp_path) == []


def test_leaks_of_neighbouring_layers_become_one_finding(tmp_path):
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    whole = prism(np.c_[300 + 200 * np.cos(angle), 300 + 200 * np.sin(angle)], 0, 50)
    wall = (np.ptp(whole.vertices_um[whole.faces, 2], axis=1) > 0) & (whole.vertices_um[whole.faces, 0].min(axis=1) > 495 - 25)
    y = whole.vertices_um[whole.faces, 1]
    wall &= (y.min(axis=1) >= 300) & (y.max(axis=1) < 360)  # one of the sides
    opened = pmsl.Solid.from_arrays(whole.vertices_um, whole.faces[~wall])
    assert wall.sum() == 2
    written = pmsl.write(pmsl.prepare([opened], PRINTER, RESIN, repair="none"), tmp_path / "j")
    (found,) = (f for f in written.findings if f.code == "open-rows")
    assert found.layers == (0, 4) and 5 <= found.value <= 40 and found.severity == "warning"
    assert found in pmsl.read(tmp_path / "j").findings


def test_empty_layers_are_reported(tmp_path):
    parts = [box((100, 100, 0), (500, 500, 20)), box((100, 100, 50), (500, 500, 63))]
    found = {f.code: f for f in pmsl.write(pmsl.prepare(parts, PRINTER, RESIN), tmp_path / "j").findings if f.code == "empty-layer"}
    assert found["empty-layer"].severity == "warning" and "above it would float" in found["empty-layer"].message
    layers = [f.layers for f in pmsl.read(tmp_path / "j").findings if f.code == "empty-layer"]
    assert layers == [(2, 4)] and len(pmsl.read(tmp_path / "j")) == 6
    (top,) = (f for f in pmsl.read(tmp_path / "j").findings if f.code == "top-rounded")
    assert top.value == pytest.approx(-3)


def test_a_part_inside_out_is_turned_and_said(tmp_path):
    solid = box((100, 100, 0), (500, 500, 50))
    job = pmsl.prepare([pmsl.Solid.from_arrays(solid.vertices_um, solid.faces[:, ::-1])], PRINTER, RESIN)
    assert "inside-out" in {f.code for f in job.findings}
    assert job.provenance.inputs[0].repairs == ("faces turned: the mesh was inside out",)


def test_volume_coverage_is_recorded_and_warns_of_partial_slabs(tmp_path):
    process = msgspec.structs.replace(PROCESS, coverage="volume")
    flat, rounded = box((100, 100, 0), (500, 500, 50)), cone(32, 150, 50, (900, 900, 0))
    upside_down = pmsl.Solid.from_arrays(rounded.vertices_um * (1, 1, -1) + (0, 0, 50), rounded.faces[:, ::-1])
    sunk = box((100, 100, 0), (500, 500, 47))
    partial = {}
    for name, part in (("flat", flat), ("rounded", rounded), ("upside_down", upside_down), ("sunk", sunk)):
        job = pmsl.prepare([part], PRINTER, RESIN, process)
        partial[name] = [f for f in job.findings if f.code == "partial-slabs"]
    assert partial["flat"] == partial["upside_down"] == []
    assert partial["rounded"][0].layers == (0, 4) and partial["rounded"][0].value == 32
    assert partial["sunk"][0].layers == (4, 4)
    written = pmsl.write(pmsl.prepare([rounded], PRINTER, RESIN, process), tmp_path / "j")
    assert written.estimate.resin_ml == pytest.approx(rounded.health.volume_um3 * 1e-12, rel=1e-4)
    assert pmsl.read(tmp_path / "j").process.coverage == "volume" and pmsl.verify(tmp_path / "j") == []
    area = pmsl.prepare([rounded], PRINTER, RESIN)
    assert not [f for f in area.findings if f.code == "partial-slabs"]


def test_findings_of_neighbouring_layers_join_with_the_box_around_all():
    def of(k, x, v, code="open-rows"):
        return pmsl.Finding(
            code=code,
            severity="info" if code == "face-error" else "warning",
            message="m",
            layers=(k, k),
            box_um=((x, 0.0, 10.0 * k), (x + 5, 9.0, 10.0 * k + 10)),
            value=v,
        )

    joined = merged([of(2, 30.0, 4.0), of(2, 0.0, 1.0, "face-error"), of(3, 10.0, 7.0), of(4, 20.0, 5.0), of(7, 0.0, 1.0)])
    assert [(f.code, f.layers, f.value) for f in joined] == [
        ("open-rows", (2, 4), 7.0),
        ("face-error", (2, 2), 1.0),
        ("open-rows", (7, 7), 1.0),
    ]
    assert joined[0].box_um == ((10.0, 0.0, 20.0), (35.0, 9.0, 50.0))
