"""What comes from files, names and drivers never steers the terminal, whatever it goes through."""

import ast
import dataclasses
import json
import logging
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import msgspec
import pytest
from host_doubles import small_job
from hypothesis import given
from hypothesis import strategies as st
from sources import FILES, ROOT, tree_of
from threemf_files import cubes, mesh_xml, model, obj
from threemf_files import write as write_3mf

import pmsl
import pmsl.cli
from pmsl.cli.terminal import printable, say, say_findings
from pmsl.core.finding import RecordedFinding

EVIL = "\x1b]0;pwned\x07\x1b[2J\x9b31m\u202e\r\x08\x00\nerror: none"
NAME = EVIL.replace("\x00", "")  # of a file
C1 = "\x9b2J\u202e\u2028"  # what a batch takes for a name
CASE = Path(__file__).resolve().parents[3] / "shared" / "cases" / "escape_sequences.job.json"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="such names are refused by the system")


def check_clean(*texts, said=True):
    """Nothing in a text steers a terminal, no line of it was begun by foreign text; it did come by, where it had to."""
    text = "".join(texts)
    assert all(line.isprintable() for line in text.split("\n")), [line for line in text.split("\n") if not line.isprintable()]
    assert not any(line.startswith("error: none") for line in text.split("\n")), text
    assert not said or r"\x9b" in text, text


def evil_job(folder="job"):
    """A job whose every name is foreign."""
    job = small_job(3)
    named = [msgspec.structs.replace(profile, name=f"n{EVIL}", description=EVIL) for profile in (job.printer, job.resin, job.process)]
    found = RecordedFinding(code=f"x{EVIL}", severity="warning", message=EVIL, layers=(0, 1), box_um=((0, 0, 0), (1, 1, 1)))
    parts = tuple(msgspec.structs.replace(part, label=EVIL, dose_scale=2.0) for part in job.parts)
    made = msgspec.structs.replace(job.provenance, placement=EVIL)
    names = ("printer", "resin", "process")
    facts = dict(zip(names, named, strict=True)) | {"findings": (*job.findings, found), "parts": parts, "provenance": made}
    pmsl.write(dataclasses.replace(job, placeholders=(*job.placeholders, EVIL), **facts), folder)
    return folder


def test_names_and_findings_of_a_job(run):
    evil_job()
    for words in (("info", "job"), ("verify", "job"), ("play", "job"), ("simulate", "job"), ("convert", "job", "b.zip")):
        code, out, err = run(*words)
        assert code in (0, 3, 4), err
        check_clean(out, err, said=words[0] in ("info", "convert"))
    assert json.loads(run("info", "job", "--json")[1])["printer"] == f"n{EVIL}"


@pytest.mark.skipif(not CASE.exists(), reason="the shared cases are not here")
def test_the_case_of_escapes_in_job_json(run, samples):
    assert run("slice", samples / "f_orientation.stl", "-o", "job", "--printer", "pmsl-2um", "--resin", "pr48-405")[0] == 0
    shutil.copy(CASE, "job/job.json")
    for command in ("info", "verify", "play"):
        code, out, err = run(command, "job")
        check_clean(out, err, said=False)
        assert command != "info" or r"\x1b]0;pwned\x07\x1b[2J\x1b[31mhello\rerror: none" in err


def test_names_of_files(run, samples):
    mesh, job = f"m{NAME}.stl", f"j{NAME}"
    shutil.copy(samples / "f_orientation.stl", mesh)
    small = ["--printer", "pmsl-2um", "--resin", "pr48-405", "--scale", "0.2"]
    sliced = run("slice", mesh, "-o", job, *small, "--region", f"{mesh}=1.5", "--preview", f"p{NAME}.png")
    assert sliced[0] == 0, sliced
    check_clean(*sliced[1:])
    for words in (
        ("info", mesh, "--region", f"{mesh}=2"),
        ("check", mesh),
        ("info", job),
        ("verify", job),
        ("play", job, "--record", f"r{NAME}"),
        ("simulate", job, "--design", f"no{NAME}.stl"),
        ("convert", job, f"c{NAME}.zip"),
        ("slice", mesh, "-o", job, *small),  # it is there
        ("slice", mesh, "-o", "x", "--printer", f"p{NAME}.toml"),
        ("batch", f"b{NAME}.toml"),
        ("slice", f"no{NAME}.stl", "-o", "x"),
    ):
        code, out, err = run(*words)
        assert code in (0, 2, 3), (words, err)
        check_clean(out, err)
    assert json.loads(run("verify", job, "--json")[1])["job"] == job


def test_bytes_that_are_no_text(run, samples):
    mesh = os.fsdecode(b"m\xff\x9b.stl")
    shutil.copy(samples / "f_orientation.stl", mesh)
    assert json.loads(run("info", mesh, "--json")[1])["mesh"] == r"m\udcff\udc9b.stl"
    code, out, err = run("check", mesh)
    assert code == 0 and r"m\udcff\udc9b.stl" in out
    job = os.fsdecode(b"j\xff")
    os.mkdir(job)
    code, out, err = run("verify", job, "--json")
    assert code == 3 and r"j\udcff" in err + out


XML = NAME.translate({ord(c): f"&#{ord(c)};" for c in "\n\r"} | dict.fromkeys(map(ord, "\x1b\x07\x08")))  # others are no XML


def test_names_in_3mf(run):
    (one,) = cubes(((0, 0, 0), (100, 100, 100)))
    write_3mf(Path("a.3mf"), model(obj(1, mesh_xml(one), f'type="support" name="{XML}"') + obj(2, mesh_xml(one), f'name="{XML}"'),
              '<item objectid="1"/><item objectid="2"/>'))  # fmt: skip
    write_3mf(Path("b.3mf"), model(obj(1, mesh_xml(one), f'type="{XML}"')))
    write_3mf(Path("c.3mf"), model(obj(1, mesh_xml(one)), f'<item objectid="{XML}"/>'))
    for name in ("a.3mf", "b.3mf", "c.3mf"):
        for command in ("check", "info"):
            check_clean(*run(command, name)[1:], said=False)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.stl", f"solid x\nfacet normal 0 0 {EVIL}\nouter loop\nvertex 0 0 q{EVIL}\nendloop\nendfacet\nendsolid"),
        ("a.obj", f"v 0 0 q{EVIL}\nf 1 1 1\n"),
        ("a.obj", f"v 0 0 0\nv 0 1 0\nv 1 0 0\nf 1 2 q{EVIL}\n"),
        ("a.ply", f"ply\nformat {EVIL} 1.0\nelement vertex 3\nend_header\n"),
        ("a.ply", f"ply\nformat ascii 1.0\nelement vertex 3\nproperty {EVIL} x\nend_header\n"),
        ("a.toml", f'schema = "pmsl.printer/1"\n"k{EVIL}" = 1\n'.replace("\n", "\\u000a").replace("\\u000a", "\n", 1)),
        ("job/job.json", json.dumps({"schema": EVIL})),
        ("job/job.json", json.dumps({"schema": "pmsl.job/1", "requires": [EVIL]})),
        ("job/job.json", json.dumps({"schema": "pmsl.job/1", "requires": [], EVIL: 1})),
        ("b.toml", f'schema = "pmsl.batch/2"\nout = "o"\n[[job]]\nname = {json.dumps(EVIL)}\n'),
        ("b.toml", f'schema = "pmsl.batch/2"\nout = "o"\n[[job]]\nname = "n"\n{json.dumps(EVIL)} = 1\n'),
    ],
)
def test_errors_that_quote_files(run, samples, name, text):
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_bytes(text.encode())
    words = {"a.toml": ("slice", samples / "f_orientation.stl", "-o", "x", "--printer", name), "b.toml": ("batch", name)}
    code, out, err = run(*words.get(name, ("info", name.removesuffix("/job.json"))))
    assert code == 3
    check_clean(out, err, said=False)


def test_words_that_were_typed(run):
    for words in (
        (f"x{EVIL}",),
        ("info", f"--x{EVIL}", "a"),
        ("info", "a", "b", EVIL),
        ("slice", "a.stl", "-o", "x", "--coverage", EVIL),
        ("slice", "a.stl", "-o", "x", "--threads", EVIL),
        ("slice", "a.stl", "-o", "x", "--at", EVIL),
        ("slice", "a.stl", "-o", "x", "--format", EVIL),
        ("profiles", "show", EVIL),
    ):
        code, out, err = run(*words)
        assert code in (2, 3) and out == "", err
        check_clean(err)


DRIVER = """
EVIL = {evil!r}
def broken(job): raise RuntimeError(EVIL)
class Engine:
    levels, max_exposure_s, max_power = 256, 1e3, 1e6
    def __init__(self, job):
        e = job.engines[0]
        self.shape, self.wavelength_nm = e.grid.shape, e.wavelength_nm
    def load(self, frame): raise OSError(EVIL)
    def expose(self, time_s, power): raise OSError(EVIL)
    def dark(self): pass
class Stage:
    travel_um, step_um, homed, position_um = 1e5, 0.01, True, 0.0
    def move(self, distance_um, speed_um_s, accel_um_s2):
        self.position_um = distance_um
        return distance_um
    def stop(self): pass
def make(job): return Engine(job), Stage()
"""


def test_words_of_drivers(run, monkeypatch, tmp_path):
    Path("evildriver.py").write_text(DRIVER.format(evil=EVIL), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    evil_job()
    for engine in ("evildriver:broken", "evildriver:make", f"evildriver:{EVIL}", f"no{EVIL}:x"):
        code, out, err = run("play", "job", "--engine", engine, "--arm", "--accept-uncalibrated")
        assert code in (2, 3), err
        check_clean(out, err)


BATCH = f"""
schema = "pmsl.batch/2"
out = "night"
[defaults]
printer = "pmsl-10um"
field = "160x160"
[[job]]
name = "bad{C1}"
meshes = [{json.dumps("no" + NAME + ".stl")}]
"""


def test_a_batch_in_a_pipe_a_log_a_plan_and_on_a_terminal(run):
    Path("b.toml").write_text(BATCH, encoding="utf-8")
    for words in (("batch", "b.toml"), ("batch", "b.toml", "--dry-run")):
        code, out, err = run(*words)
        assert code == 3
        check_clean(out, err)
    words = [sys.executable, "-m", "pmsl", "batch", "b.toml"]
    with open("log", "wb") as log:
        subprocess.run(words, stdout=log, stderr=log, timeout=120, check=False)
    check_clean(Path("log").read_text(encoding="utf-8"))
    shown = on_a_terminal(words)
    assert b"no" in shown and b"pwned\x07" not in shown and "\x9b".encode() not in shown and "\u202e".encode() not in shown
    assert rb"\x9b" in shown


def on_a_terminal(words):
    """Return all that a command writes to a terminal."""
    import pty

    main, other = pty.openpty()
    with subprocess.Popen(words, stdout=other, stderr=other, env=os.environ | {"COLUMNS": "400", "TERM": "xterm"}) as started:
        os.close(other)
        shown = b""
        try:
            while piece := os.read(main, 1 << 16):
                shown += piece
        except OSError:  # the other end is closed
            pass
        started.wait(60)
    os.close(main)
    return shown


def test_progress_on_a_terminal_shows_a_name_that_is_no_format():
    label = f"slicing [red]{{x}} {EVIL}"
    code = f"from pmsl.cli import terminal\nterminal.BAR_S = 0\nwith terminal.layer_progress({label!r}, False) as p: p(1, 1)"
    shown = on_a_terminal([sys.executable, "-c", code])
    assert b"pwned\x07" not in shown and "\x9b".encode() not in shown and b"[red]{x} \\x1b]0;pwned" in shown, shown


def test_short_work_on_a_terminal_waits_for_no_bar():
    code = "import sys\nfrom pmsl.cli import terminal\nwith terminal.layer_progress('x', False) as p: p(1, 1)\nprint('rich' in sys.modules)"
    assert on_a_terminal([sys.executable, "-c", code]).split() == [b"False"]


def test_what_libraries_warn_of(capsys, monkeypatch):
    from pmsl.cli import app

    monkeypatch.setattr(logging, "lastResort", logging.lastResort)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    app._print_words_of_libraries()
    logging.lastResort.handle(logging.LogRecord("x", logging.WARNING, EVIL, 1, EVIL, None, None))
    warnings.showwarning(UserWarning(EVIL), UserWarning, EVIL, 3)
    check_clean(capsys.readouterr().err)


def test_a_bug_keeps_its_lines_and_steers_nothing(run, monkeypatch, capsys):
    from pmsl import profiles

    def broken(**_):
        raise KeyError(EVIL)

    monkeypatch.setattr(profiles, "library", broken)
    monkeypatch.setattr(sys, "argv", ["pmsl", "profiles"])
    assert pmsl.cli.main() == 1
    err = capsys.readouterr().err
    check_clean(err)
    assert err.startswith("Traceback (most recent call last):\n") and err.endswith("with the lines above\n")


def test_findings_as_they_are_said(capsys):
    say_findings([RecordedFinding(code=EVIL, severity="info", message=EVIL, unit=EVIL)])
    check_clean(capsys.readouterr().err)


@given(st.text())
def test_printable_is_one_line_that_steers_nothing_and_keeps_what_is_plain(text):
    shown = printable(text)
    assert shown.isprintable() and printable(shown) == shown
    assert "".join(c for c in text if c.isprintable()) == text or shown != text
    assert text.isprintable() == (shown == text)


def test_say_where_standard_error_is_full_loses_the_line_and_nothing_else(monkeypatch):
    class Full:
        def write(self, text):
            raise OSError(28, "No space left on device")

        def flush(self):
            """Nothing is kept."""

    monkeypatch.setattr(sys, "stderr", Full())
    say("lost")


PRINTS = {"print", "secho", "print_exc", "print_exception", "print_stack"}


def called(function):
    """Text of a function that is called, where it may be one that writes; nothing of any other."""
    root = function
    while isinstance(root, ast.Attribute):
        root = root.value
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return ast.unparse(function) if name in PRINTS or getattr(root, "id", "") in ("click", "sys") else ""


def test_only_one_module_prints():
    """Nothing of the package writes to the standard streams but the module that escapes; ruff's T20 says the same of `print`."""
    found = []
    for path in FILES:
        if path == ROOT / "cli" / "terminal.py":
            continue
        for node in ast.walk(tree_of(path)):
            words = called(node.func) if isinstance(node, ast.Call) else ""
            if (
                words.split(".")[-1] in PRINTS
                or words == "click.echo"
                or words.startswith(("sys.stdout.w", "sys.stderr.w", "sys.stdout.b"))
            ):
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {words}")
    assert not found
