"""The command line ends the process itself: nothing that others still have to do is lost, and nothing of the output."""

import subprocess
import sys

import pytest

from pmsl.cli.app import _of_the_machine

ENDS = """
import atexit, sys, threading, time
from pmsl.cli import console
{before}
sys.argv = ["pmsl", {words}]
console()
"""


def ended(before, *words):
    code = ENDS.format(before=before, words=", ".join(map(repr, words)))
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["slice"], 2), (["info", "nowhere.stl"], 3)])
def test_the_code_is_that_of_main_and_what_was_registered_runs(words, code):
    done = ended("atexit.register(lambda: sys.stdout.write('registered'))", *words)
    assert done.returncode == code and done.stdout.endswith("registered")
    assert "Error" in done.stderr or "error" in done.stderr or code == 0


def test_threads_that_still_work_are_waited_for():
    done = ended("threading.Thread(target=lambda: (time.sleep(0.3), print('late'))).start()", "--version")
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "late"


def test_a_profile_of_the_command_line_is_told():
    done = subprocess.run([sys.executable, "-m", "cProfile", "-m", "pmsl", "--version"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "function calls" in done.stdout


def test_nothing_of_a_long_answer_to_a_pipe_is_lost(samples, tmp_path):
    job = tmp_path / "job"
    words = [sys.executable, "-m", "pmsl"]
    subprocess.run([*words, "slice", str(samples / "f_orientation.stl"), "-o", str(job)], capture_output=True, check=True, timeout=120)
    shown = subprocess.run([*words, "simulate", str(job), "--json"], capture_output=True, text=True, timeout=120)
    assert shown.returncode == 0 and shown.stdout.rstrip().endswith("}")


@pytest.mark.skipif(sys.platform == "win32", reason="streams are closed by a shell")
@pytest.mark.parametrize("words", ["info {f}", "slice {f} -o job", "profiles --json", "verify nowhere"])
def test_a_closed_standard_output_is_said_before_anything_is_done(samples, tmp_path, words):
    line = f"{sys.executable} -m pmsl {words.format(f=samples / 'f_orientation.stl')} >&-"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert done.returncode == 3 and done.stderr.startswith("error: standard output is closed; give it") and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
@pytest.mark.parametrize("words", [pytest.param("info {f}", marks=pytest.mark.slow), "info {f} --json", "profiles", "--help"])
def test_a_full_standard_output_is_said(samples, words):
    line = f"{sys.executable} -m pmsl {words.format(f=samples / 'f_orientation.stl')} > /dev/full"
    done = subprocess.run(["sh", "-c", line], stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (3, "error: cannot write to standard output (No space left on device)\n")


@pytest.mark.skipif(sys.platform == "win32", reason="streams are closed by a shell")
def test_a_closed_standard_error_takes_no_number_of_a_file_of_the_job(samples, tmp_path):
    small = "--printer pmsl-2um --resin pr48-405 --scale 0.2"
    mesh = samples / "f_orientation.stl"
    for name, end in (("a.zip", ""), ("b.zip", "2>&- <&-")):
        line = f"{sys.executable} -m pmsl slice {mesh} -o {name} {small} {end}"
        assert subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, timeout=120, check=False).returncode == 0
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="needs limits on addresses")
@pytest.mark.parametrize(
    "limit_kb", [60_000, 120_000, 250_000, pytest.param(180_000, marks=pytest.mark.slow), pytest.param(320_000, marks=pytest.mark.slow)]
)
def test_too_little_memory_is_the_reason_that_is_given(samples, tmp_path, limit_kb):
    line = f"ulimit -v {limit_kb}; {sys.executable} -m pmsl slice {samples / 'f_orientation.stl'} -o job --printer pmsl-2um"
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 3) and "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0 or ("memory" in done.stderr.splitlines()[-1] and not list(tmp_path.iterdir())), done.stderr


@pytest.mark.parametrize(
    ("err", "words"),
    [
        (MemoryError(), "not enough memory"),
        (OSError(12, "Cannot allocate memory"), "not enough memory"),
        (ImportError("x.so: failed to map segment from shared object"), "not enough memory"),
        (RuntimeError("can't start new thread"), "no more threads"),
        (OSError(24, "Too many open files", "a.stl"), "a.stl: Too many open files"),
        (OSError(24, "Too many open files"), "the system refused (Too many open files)"),
        (RuntimeError("else"), None),
        (KeyError("else"), None),
    ],
)
def test_what_the_system_does_not_give_is_said_as_it_is(err, words):
    said = _of_the_machine(err)
    assert words is None and said is None or words in said
    later = OSError("no library")
    later.__cause__ = err
    assert ("not enough memory" in _of_the_machine(later)) == (words == "not enough memory")
