"""``pmsl play`` as a user meets it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from host_doubles import small_job, small_printer

import pmsl

MACHINE = '''
"""A real machine, for the tests: it waits as long as it should be lit, and writes down that it was."""
import pmsl, time, pathlib

class Engine:
    levels, max_exposure_s, max_power = 256, 1e3, 1e6
    def __init__(self, job):
        e = job.engines[0]
        self.shape, self.wavelength_nm = e.grid.shape, e.wavelength_nm
    def load(self, frame): self.frame = frame.copy()
    def expose(self, time_s, power):
        with open("lit.txt", "a") as file: print(int(self.frame.sum()), file=file)
        time.sleep(60 if SLOW else time_s)
        return time_s
    def dark(self): pathlib.Path("dark.txt").write_text("dark")

class Stage:
    travel_um, step_um, homed, position_um = 1e5, 0.01, True, 0.0
    def move(self, distance_um, speed_um_s, accel_um_s2):
        self.position_um = distance_um
        return distance_um
    def stop(self): pass

def make(job): return Engine(job), Stage()
def no_stage(job): return Engine(job)
def half(job): return Engine(job), object()
def broken(job): raise OSError("cable")
'''


def bright_job():
    """A job of so strong a light that its exposures take milliseconds."""
    optics = small_printer().optics
    (setting,) = optics.settings
    bright = msgspec.structs.replace(setting.irradiance_mw_cm2, value=1000 * setting.irradiance_mw_cm2.value)
    return small_job(4, optics=msgspec.structs.replace(optics, settings=[msgspec.structs.replace(setting, irradiance_mw_cm2=bright)]))


@pytest.fixture
def run(run, monkeypatch, tmp_path):
    """Run ``pmsl play`` in a folder with a job and a machine."""
    pmsl.write(bright_job(), "job")
    Path("machines.py").write_text(MACHINE.replace("SLOW", "False"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "machines", raising=False)
    return lambda *words: run("play", *words)


REAL = ("--engine", "machines:make", "--arm", "--accept-uncalibrated")


def test_the_simulated_engine_is_the_default_and_leaves_no_record(run):
    code, out, err = run("job")
    assert code == 0 and err == "" and out.startswith("job: done, 4 of 4 layers, 4 exposures") and "(simulated)" in out
    assert sorted(p.name for p in Path().iterdir() if p.name != "__pycache__") == ["job", "machines.py"]


def test_json_is_the_last_status(run):
    code, out, _ = run("job", "--json", "--start", 1, "--record", "p.jsonl")
    facts = json.loads(out)
    assert code == 0 and (facts["state"], facts["layers_done"], facts["exposures_done"]) == ("done", 4, 3)
    assert (facts["engine"], facts["record"], facts["late"]) == ("simulated", "p.jsonl", 0)
    lines = [json.loads(line) for line in Path("p.jsonl").read_text().splitlines()]
    assert [x["state"] for x in lines] == ["job"] + ["planned", "lit", "done"] * 3 and lines[0]["start"] == 1


def test_a_real_engine_is_armed_calibrated_and_recorded(run):
    assert "say --arm" in run("job", "--engine", "machines:make")[2] and not Path("lit.txt").exists()
    code, _, err = run("job", "--engine", "machines:make", "--arm")
    assert code == 3 and "not calibrated" in err and "--accept-uncalibrated" in err and not Path("lit.txt").exists()
    code, out, err = run("job", *REAL)
    assert code == 0 and "4 exposures" in out and "uncalibrated-print" in err and Path("dark.txt").exists()
    assert [int(x) for x in Path("lit.txt").read_text().split()] == [
        int(e.mask.dense(np.uint8).astype(int).sum()) for plan in bright_job().layers() for e in plan.exposures
    ]
    assert Path("played.jsonl").exists()
    code, _, err = run("job", *REAL)
    assert code == 2 and "record is there already" in err
    assert run("job", *REAL, "--resume")[1].count(" 0 exposures") == 1
    code, _, err = run("job", *REAL, "--resume", "--start", 2)
    assert code == 3 and "lit already" in err
    assert "2 exposures" in run("job", *REAL, "--resume", "--start", 2, "--again")[1]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--engine", "machines:nothing", "--arm"], 2, "no function nothing"),
        (["--engine", "no_such_module:make", "--arm"], 2, "cannot be imported"),
        (["--engine", "machines.py", "--arm"], 2, "package.module:factory"),
        (["--engine", "machines:no_stage", "--arm"], 2, "expected (engine, stage)"),
        (["--engine", "machines:half", "--arm"], 2, "its stage has no travel_um"),
        (["--engine", "machines:broken", "--arm"], 3, "cable"),
        (["--arm"], 2, "simulated one needs none"),
        (["--start", "9"], 3, "layers 0..3"),
        (["--start", "-1"], 3, "start is layer -1"),
        (["--record", "p.jsonl", "--resume", "--skip", "4"], 3, "skip is layer 4; the job has layers 0..3"),
        (["--record", "p.jsonl", "--resume", "--relight", "-1"], 3, "relight is layer -1"),
        (["--skip", "0"], 2, "skip is about what a record says"),
        (["--resume"], 2, "needs the record"),
        (["--record", "no/such/p.jsonl"], 3, "cannot be written"),
        (["--record", "none.jsonl", "--resume"], 3, "no record can be read"),
    ],
)
def test_wrong_words(run, words, code, told):
    got, out, err = run("job", *words)
    assert (got, out) == (code, "") and told in err, err
    assert not Path("lit.txt").exists()


def test_a_job_cannot_name_its_engine(run):
    doc = json.loads(Path("job/job.json").read_text())
    for where in (doc, doc["engines"][0], doc["printer"], doc["layers"][0]):
        where["engine"] = "machines:make"
        Path("job/job.json").write_text(json.dumps(doc))
        code, _, err = run("job")
        assert code == 3 and "engine" in err and "machines" not in sys.modules
        del where["engine"]


def test_a_damaged_job_is_refused_in_the_dark(run):
    frame = sorted(Path("job/frames").iterdir())[-1]
    frame.write_bytes(frame.read_bytes()[:-9])
    code, _, err = run("job", *REAL)
    assert code == 3 and "00003.png" in err and not Path("lit.txt").exists() and not Path("played.jsonl").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_is_130_and_the_print_goes_on(run, tmp_path):
    Path("machines.py").write_text(MACHINE.replace("SLOW", "pathlib.Path('slow').exists()"), encoding="utf-8")
    Path("slow").touch()
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path(pmsl.__file__).parents[1])])}
    process = subprocess.Popen([sys.executable, "-m", "pmsl", "play", "job", *REAL], env=env, stderr=subprocess.PIPE, text=True)
    while not Path("lit.txt").exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in err and Path("dark.txt").exists()
    assert (
        "cancelled at layer 0 of 4" in err
        and "the light is out; go on with --resume --record played.jsonl, and --relight 0 or --skip 0" in err
    )
    Path("slow").unlink()
    code, out, err = run("job", *REAL, "--resume")
    assert (
        (code, out) == (3, "")
        and "layer 0, exposure 0, repeat 0: may have got no light" in err
        and "--relight 0" in err
        and "--skip 0" in err
    )
    code, out, err = run("job", *REAL, "--resume", "--skip", 0)
    assert code == 0 and "3 exposures" in out and "exposure-cut-off" in err


def test_progress_on_a_terminal(run, tmp_path):
    pty = pytest.importorskip("pty", reason="no terminals of POSIX on this system")
    main_end, other = pty.openpty()
    env = {**os.environ, "PYTHONPATH": str(Path(pmsl.__file__).parents[1]), "TERM": "xterm"}
    done = subprocess.run([sys.executable, "-m", "pmsl", "play", "job"], env=env, stderr=other, stdout=subprocess.PIPE, text=True)
    os.close(other)
    drawn = os.read(main_end, 65536).decode()
    os.close(main_end)
    assert done.returncode == 0 and "4/4" in drawn and "of light" in drawn and done.stdout.startswith("job: done")
