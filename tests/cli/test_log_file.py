"""A log file shows how far work is; a pipe shows nothing of it. Findings are printed with their place."""

import subprocess
import sys

import pytest

from pmsl.cli import terminal
from pmsl.core.finding import RecordedFinding

SMALL = ["--printer", "pmsl-2um", "--resin", "pr48-405", "--layer-um", "20"]


def spoken(tmp_path, *words, log=True):
    """Standard error of a command, to a file or a pipe."""
    command = [sys.executable, "-m", "pmsl", *map(str, words)]
    if not log:
        return subprocess.run(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, check=True).stderr
    with open(tmp_path / "log.txt", "w") as file:
        subprocess.run(command, cwd=tmp_path, stderr=file, stdout=subprocess.DEVNULL, check=True)
    return (tmp_path / "log.txt").read_text()


def test_slice_convert_and_verify(samples, tmp_path):
    mesh = samples / "f_orientation.stl"
    log = spoken(tmp_path, "slice", mesh, "-o", "a", *SMALL)
    assert "slicing: 10/10 layers, 100 %, in " in log and "\x1b" not in log and "\r" not in log
    pipe = spoken(tmp_path, "slice", mesh, "-o", "b", *SMALL, log=False)
    assert "layers, " not in pipe and set(pipe.splitlines()) < set(log.splitlines())
    assert "verifying: 10/10 layers, 100 %" in spoken(tmp_path, "verify", "a")
    assert "converting: 10/10 layers" in spoken(tmp_path, "convert", "a", "c.zip")
    assert "slicing" not in spoken(tmp_path, "slice", mesh, "-o", "d", *SMALL, "--json")


def test_batch(samples, tmp_path):
    text = f'schema = "pmsl.batch/1"\nout = "out"\n[defaults]\nmeshes = ["{samples / "f_orientation.stl"}"]\nlayer_um = 20\n'
    (tmp_path / "b.toml").write_text(text + '[[job]]\nname = "a"\n[[job]]\nname = "b"\n')
    log = spoken(tmp_path, "batch", "b.toml", "--jobs", "1")
    assert "1/2 jobs: a: done\n2/2 jobs: b: done\n" in log
    assert spoken(tmp_path, "batch", "b.toml", log=False) == ""
    assert "2/2 jobs: b: already done" in spoken(tmp_path, "batch", "b.toml")


def test_play(tmp_path, capsys, monkeypatch):
    from pmsl.cli.commands import play
    from pmsl.host.status import Status

    tell = play._logged()
    for state, done, layer in (("checking", 0, 0), ("checking", 0, 1), ("exposing", 0, 0), ("exposing", 1, 1), ("exposing", 2, 1)):
        tell(Status(state=state, layer=layer, layers_done=done, n_layers=2, light_s=0.0, left_s=None, late=0, message=""))
    said = capsys.readouterr().err
    assert "checking: 2/2 layers, 100 %" in said and "playing: 2/2 layers, 100 %" in said


def test_lines_come_with_tenths_and_not_too_often(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(terminal.time, "monotonic", lambda: now[0])
    line = terminal.LogProgress("slicing")
    for done in range(1, 1001):  # ten layers a second: a tenth takes 10 s
        now[0] += 0.1
        line(done, 1000)
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 10 and said[0] == "slicing: 100/1000 layers, 10 %, 10/s, about 1 min 30 s left"
    assert said[-1] == "slicing: 1000/1000 layers, 100 %, in 100.0 s"
    line = terminal.LogProgress("slicing")
    for done in range(1, 101):  # far more than a tenth a second
        now[0] += 0.02
        line(done, 100)
    assert len(capsys.readouterr().err.splitlines()) == 2
    line = terminal.LogProgress("slicing")
    for done in range(1, 4):  # one layer in 100 s
        now[0] += 100
        line(done, 1000)
    assert len(capsys.readouterr().err.splitlines()) == 3


def test_what_is_a_log(tmp_path, capsys):
    with open(tmp_path / "f", "w") as file:
        assert terminal.is_log(file)
    assert not terminal.is_log(file) and not terminal.is_log(object()) and not terminal.is_log(sys.stderr)
    with open("/dev/null" if sys.platform != "win32" else "NUL", "w") as file:
        assert not terminal.is_log(file)


@pytest.mark.parametrize(
    ("layers", "box", "words"),
    [
        (None, None, "info: c: what it is\n"),
        ((3, 3), None, "info: c (layer 3): what it is\n"),
        ((3, 9), ((0.0, 1.0, 30.0), (5.5, 1.0, 100.0)), "info: c (layers 3..9): what it is [x 0..5.5, y 1, z 30..100 µm]\n"),
    ],
)
def test_findings_print_their_place(layers, box, words, capsys):
    terminal.say_findings([RecordedFinding(code="c", severity="info", message="what it is", layers=layers, box_um=box)])
    assert capsys.readouterr().err == words
