"""Drawn jobs on disk: the same lines come back, damage is seen, and what holds pictures or plays them refuses."""

import json

import numpy as np
import pytest
from drawn import PROCESS, RESIN, box, pixels

import pmsl
from pmsl.errors import HostError, JobError, TargetError, UsageError

PRINTER = pixels(8.0, (120, 140))


@pytest.fixture(scope="module")
def job():
    return pmsl.prepare([box(200, 200, 500, 400, 75)], PRINTER, RESIN, PROCESS)


@pytest.fixture(scope="module")
def folder(job, tmp_path_factory):
    path = tmp_path_factory.mktemp("drawn") / "job"
    pmsl.write(job, path, dose=True)
    return path


def same_lines(a, b):
    for k in range(len(a)):
        ours, theirs = pmsl.vectors(a, k), pmsl.vectors(b, k)
        assert len(ours) == len(theirs) > 0
        for one, two in zip(ours, theirs, strict=True):
            assert (one.kind, one.power_mw, one.speed_um_s) == (two.kind, two.power_mw, two.speed_um_s)
            assert np.array_equal(one.points_um, two.points_um)


def test_a_drawn_job_comes_back(job, folder, tmp_path):
    again = pmsl.read(folder)
    same_lines(job, again)
    assert again.drawn and again.requires == ("drawn-by-laser",) and not again.calibrated
    assert json.loads((folder / "job.json").read_text())["schema"] == "pmsl.job/2"
    assert pmsl.verify(folder) == []
    np.testing.assert_array_equal(pmsl.dose_map(job, job[1]).dose, pmsl.dose_map(again, again[1]).dose)
    assert again.estimate() == job.estimate()
    pmsl.write(again, tmp_path / "again.zip", dose=True)
    same_lines(job, pmsl.read(tmp_path / "again.zip"))


@pytest.mark.parametrize("name", ["job", "job.zip"])
def test_a_drawn_job_replaces_a_drawn_job(job, tmp_path, name):
    for dose in (True, False):
        pmsl.write(job, tmp_path / name, force=True, dose=dose)
    with pytest.raises(UsageError, match="exists already"):
        pmsl.write(job, tmp_path / name)
    assert pmsl.verify(tmp_path / name) == []


def test_bytes_do_not_depend_on_threads(job, tmp_path):
    for threads in (1, 3):
        pmsl.write(job, tmp_path / str(threads), threads=threads)
    files = sorted(p.relative_to(tmp_path / "1") for p in (tmp_path / "1").rglob("*") if p.is_file())
    assert len([f for f in files if f.suffix == ".lines"]) == 3
    for file in files:
        assert (tmp_path / "1" / file).read_bytes() == (tmp_path / "3" / file).read_bytes(), file


def damaged(folder, tmp_path, change):
    import shutil

    shutil.copytree(folder, tmp_path / "bad")
    text = json.loads((tmp_path / "bad/job.json").read_text())
    change(text, tmp_path / "bad")
    (tmp_path / "bad/job.json").write_text(json.dumps(text))
    return tmp_path / "bad"


def drawing(text, k=1):
    return text["layers"][k]["exposures"][0]["drawing"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t, f: (f / drawing(t)["file"]).write_bytes(b"x"), "does not have the hash job.json gives"),
        (lambda t, f: drawing(t)["groups"][0].update(points=10**7), "does not hold the"),
        (lambda t, f: drawing(t)["groups"][0].update(lines=drawing(t)["groups"][0]["lines"] + 1), "does not hold the"),
        (lambda t, f: drawing(t)["groups"][0].update(points=2**26), "at most 67108864 of a layer are read"),
        (lambda t, f: t["layers"][0]["exposures"][0].pop("drawing"), "and layer 0 shows a picture"),
        (lambda t, f: t.update(requires=[]), "layer 0 asks for drawn-by-laser, which the job does not require"),
        (lambda t, f: (f / "drawings/extra.lines").write_bytes(b""), "drawings/extra.lines: job.json does not name it"),
    ],
)
def test_damage_is_seen(folder, tmp_path, change, words):
    bad = damaged(folder, tmp_path, change)
    try:
        found = pmsl.verify(bad)
    except JobError as err:
        found = [str(err)]
    assert any(words in problem for problem in found), found


@pytest.mark.parametrize("name", ["a.sl1", "a.goo", "a.ctb", "a.nanodlp", "a.ome.tif"])
def test_files_of_pictures_refuse_a_drawn_job(job, tmp_path, name):
    with pytest.raises(TargetError, match="technique is a laser that draws, it must be pictures; write its lines as cli"):
        pmsl.write(job, tmp_path / name)
    assert not (tmp_path / name).exists()


def test_nobody_plays_a_drawn_job(job):
    machine = pmsl.host.Simulation(job)
    with pytest.raises(HostError, match="drawn by a laser and has no frames to play"):
        pmsl.host.play(job, machine.engine, machine.stage)
