"""`--pause`: asked for, written, said, refused by formats, and waited for by `pmsl play`."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from solids import box

import pmsl
from pmsl.batch.batch_file import read_batch
from pmsl.errors import PmslError, TargetError, UsageError
from pmsl.formats import registry
from pmsl.formats.goo.goo_records import LAYER
from pmsl.job.pauses import PAUSE, Pause
from pmsl.pipeline import with_depth, with_pauses
from tests.cli.test_dose_by_place import write_stl
from tests.host_doubles import small_job

OPTIONS = ("--printer", "pmsl-2um", "--resin", "pr48-405", "--unit", "um", "--field", "60x40", "--layer-um", "10", "--no-checks")
CHANGE = "change to resin B"


@pytest.fixture
def run(run, tmp_path):
    write_stl(tmp_path / "post.stl", box((0, 0, 0), (40, 40, 50)))
    return run


def sliced(run, name, *words):
    code, out, err = run("slice", "post.stl", "-o", name, *OPTIONS, *words)
    assert code == 0, err
    return out, err


def test_a_pause_stands_in_the_job_and_is_said(run, tmp_path):
    out, err = sliced(run, "job", "--pause", "3=lay in the lens", "--pause", f"12 um={CHANGE}")
    assert "without 2 pauses" in out
    assert "pause-between-planes" in err and "a pause at 12 µm is before layer 2, which begins at 20 µm" in err
    document = json.loads((tmp_path / "job" / "job.json").read_text(encoding="utf-8"))
    assert document["schema"] == "pmsl.job/2" and document["requires"] == [PAUSE]
    assert document["pauses"] == [{"before_layer": 2, "message": CHANGE}, {"before_layer": 3, "message": "lay in the lens"}]
    assert run("verify", "job")[0] == 0
    code, out, _ = run("info", "job")
    assert "motion included, without 2 pauses" in out and f"pause     before layer 2, at 20 µm: {CHANGE}" in out
    facts = json.loads(run("info", "job", "--json")[1])
    assert facts["pauses"][1] == {"before_layer": 3, "message": "lay in the lens", "z_um": 30.0}
    assert run("report", "job", "-o", "job.html")[0] == 0
    assert "before layer 2, at 20 µm: change to resin B" in Path("job.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("pause", [3, None, 1.5, ("1", "a"), b"1=a"])
def test_what_is_no_pause_is_refused_by_its_value(pause):
    with pytest.raises(UsageError, match="give a layer, as 12=change the resin, or a height.*, or a Pause"):
        with_pauses(small_job(2), [pause])


@pytest.mark.parametrize("given", [{"before_layer": 1.5}, {"before_layer": "1"}, {"message": None}, {"message": 3}])
def test_a_pause_of_another_kind_of_value_is_none(given):
    with pytest.raises(ValueError, match="expected the number of a layer|expected one line of 1 to 500 characters"):
        Pause(**({"before_layer": 1, "message": "a"} | given))


def test_a_job_without_pauses_says_nothing_of_them(run, tmp_path):
    out, _ = sliced(run, "job")
    document = json.loads((tmp_path / "job" / "job.json").read_text(encoding="utf-8"))
    assert "pause" not in out and "pauses" not in document and document["requires"] == []


def test_frames_do_not_depend_on_pauses(run, tmp_path):
    sliced(run, "plain")
    sliced(run, "paused", "--pause", f"2={CHANGE}")
    for path in sorted((tmp_path / "plain" / "frames").iterdir()):
        assert path.read_bytes() == (tmp_path / "paused" / "frames" / path.name).read_bytes()
    code, out, _ = run("diff", "plain", "paused")
    assert code == 4 and "pause before layer 2" in out and CHANGE in out
    assert run("diff", "paused", "paused")[0] == 0 and run("diff", "plain", "paused", "--kind", "light")[0] == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("5=late", "the pause 'late' is before layer 5; the job has layers 0..4"),
        ("60um=late", "the last layer begins at 40 µm; no layer comes after 60 µm"),
        ("3", "give a layer"),
        ("-1=x", "give a layer"),
        ("3mm=x", "give a layer"),
        ("3=", "--pause 3=: its message is ''; expected one line of 1 to 500 characters"),
        ("3=a\x1b[2Jb", "that can be printed"),
        ("3=" + 501 * "x", "expected one line of 1 to 500"),
    ],
)
def test_what_is_no_pause_is_refused_and_nothing_is_written(run, text, words):
    code, _, err = run("slice", "post.stl", "-o", "job", *OPTIONS, "--pause", text)
    assert code == 2 and words in err and not Path("job").exists()


def test_two_pauses_before_one_layer_are_refused():
    job = small_job(3)
    with pytest.raises(UsageError, match="two pauses are before layer 1"):
        with_pauses(job, ["1=a", Pause(before_layer=1, message="b")])
    assert with_pauses(job, []) is job
    assert with_pauses(with_pauses(job, ["2=b"]), ["10um=a"]).pauses == tuple(
        Pause(before_layer=k, message=m) for k, m in ((1, "a"), (2, "b"))
    )


def test_a_batch_pauses_as_the_command_does(tmp_path):
    (tmp_path / "b.toml").write_text(
        'schema = "pmsl.batch/2"\nout = "o"\n[[job]]\nname = "a"\nmeshes = ["post.stl"]\npause = ["2=x", "30um=y"]\n'
    )
    assert read_batch(tmp_path / "b.toml").jobs[0].request.pause == ["2=x", "30um=y"]
    (tmp_path / "b.toml").write_text('schema = "pmsl.batch/1"\nout = "o"\n[[job]]\nname = "a"\nmeshes = ["post.stl"]\npause = ["2=x"]\n')
    with pytest.raises(PmslError, match="pmsl.batch/2"):
        read_batch(tmp_path / "b.toml")


@pytest.mark.parametrize("name", sorted(set(registry.names()) - {"native", "gwl", "voxel-npy"}))
def test_formats_without_pauses_refuse_them_by_name_lossy_or_not(tmp_path, name):
    job = with_pauses(small_job(3), [f"1={CHANGE}"])
    target = tmp_path / f"job{(registry.find(name).suffixes or ('',))[0]}"
    for lossy in (False, True):
        with pytest.raises(TargetError, match=f"{name} cannot hold this job: before layer 1: pause is '{CHANGE}', it must be none"):
            pmsl.write(job, target, format=name, lossy=lossy)
    assert not target.exists()


def test_fewer_grays_keep_pauses_and_dark_layers_lose_them(tmp_path):
    job = with_pauses(small_job(4), ["1=a", "3=b"])
    assert with_depth(job, 4).pauses == job.pauses

    from tests.host_doubles import with_exposures

    dark = with_exposures(job, lambda k, es: () if k == 3 else es)
    short = with_depth(dark, 4)
    assert [p.message for p in short.pauses] == ["a"] and short.requires == (PAUSE,)
    assert any(f.code == "layers-left-out" and "so are the pauses before them" in f.message for f in short.findings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"requires": []}, "asks for operator-pause, which the job does not require"),
        ({"pauses": []}, "requires operator-pause and has no pauses"),
        ({"pauses": [{"before_layer": 3, "message": "x"}]}, "is before layer 3; the job has layers 0..2"),
        ({"pauses": [{"before_layer": 2, "message": "x"}, {"before_layer": 1, "message": "y"}]}, "comes after the one before layer 2"),
        ({"pauses": [{"before_layer": 1, "message": "x\ny"}]}, "one line"),
        ({"schema": "pmsl.job/1"}, "pauses"),
    ],
)
def test_a_job_whose_pauses_are_not_sound_is_refused(run, tmp_path, change, words):
    pmsl.write(with_pauses(small_job(3), ["1=x"]), tmp_path / "job", facts=False)
    path = tmp_path / "job" / "job.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    code, out, err = run("verify", "job")
    assert code in (1, 3, 4) and words in out + err


def test_a_goo_file_that_pauses_says_that_its_pauses_were_not_read(tmp_path):
    target = tmp_path / "job.goo"
    pmsl.write(small_job(3), target, lossy=True)
    data = bytearray(target.read_bytes())
    at = 195_477 + LAYER.size + int.from_bytes(data[195_477 + LAYER.size - 4 : 195_477 + LAYER.size], "big") + 2
    assert data[at : at + 2] == b"\0\0"
    data[at + 1] = 1
    target.write_bytes(data)
    (found,) = [f for f in pmsl.read(target).findings if f.code == "pauses-not-read"]
    assert found.layers == (1, 1)


def test_play_refuses_pauses_that_nobody_would_see(run, monkeypatch):
    pmsl.write(with_pauses(small_job(3), [f"1={CHANGE}"]), "job")
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    code, out, err = run("play", "job")
    assert (code, out) == (2, "") and "--accept-pauses" in err and CHANGE in err
    code, out, err = run("play", "job", "--accept-pauses")
    assert code == 0 and f"pause before layer 1: {CHANGE}; not waited for (--accept-pauses)" in err


def test_play_waits_for_enter_at_a_terminal(run, tmp_path):
    pty = pytest.importorskip("pty", reason="no terminals of POSIX on this system")
    pmsl.write(with_pauses(small_job(3), [f"1={CHANGE}"]), "job")
    keyboard, other = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(Path(pmsl.__file__).parents[1])}
    words = [sys.executable, "-m", "pmsl", "play", "job", "--record", "played.jsonl"]
    process = subprocess.Popen(words, env=env, stdin=other, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    os.close(other)
    said = ""
    while "press Enter" not in said:
        said += process.stderr.readline()
    assert CHANGE in said and process.poll() is None
    assert '"confirmed"' not in Path("played.jsonl").read_text(encoding="utf-8")
    os.write(keyboard, b"\n")
    out, _ = process.communicate(timeout=60)
    os.close(keyboard)
    assert process.returncode == 0 and out.startswith("job: done")
    assert '"confirmed"' in Path("played.jsonl").read_text(encoding="utf-8")


def test_print_time_does_not_count_pauses():
    job = small_job(3)
    assert with_pauses(job, ["1=x"]).estimate() == job.estimate()
    assert np.isfinite(job.estimate().print_time_s)
