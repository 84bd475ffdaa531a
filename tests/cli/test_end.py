"""The command line ends the process itself: nothing that others still have to do is lost, and nothing of the output."""

import subprocess
import sys

import pytest

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
