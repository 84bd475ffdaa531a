"""The second process of a first slice: it compiles what the first one then loads, and nothing else depends on it."""

import json
import subprocess
import sys

import numpy as np
import pytest

from pmsl.kernels._compiler import ahead, disk_cache, jit
from pmsl.kernels._compiler.jit import kernel

NAMES = """
import json, sys
from pmsl.kernels._compiler import disk_cache
load, names = disk_cache.load, []
disk_cache.load = lambda kernel, kinds: names.append(disk_cache.name_of(kernel, kinds)) or load(kernel, kinds)
from pmsl.cli.app import app
app(sys.argv[1:], standalone_mode=False)
print(json.dumps(names))
"""
KINDS = ((np.dtype(np.float64), 1, True), int)


@kernel
def doubled(array, n):
    for i in range(n):
        array[i] *= 2.0


@pytest.fixture
def second(monkeypatch):
    monkeypatch.setattr(ahead, "_second", [])
    monkeypatch.setattr(ahead, "_asked", {disk_cache.name_of(doubled, KINDS)})

    def run(code):
        ahead._second.append(subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE))
        return ahead._second[0]

    return run


def asked_for(*words):
    """Names of the kernels that a command asks for."""
    out = subprocess.run([sys.executable, "-c", NAMES, *words], capture_output=True, text=True, check=True, timeout=300).stdout
    return set(json.loads(out.strip().splitlines()[-1]))


def test_what_is_compiled_ahead_is_what_a_slice_asks_for(tmp_path, samples):
    """Kinds of arguments are part of a name: a kernel that takes another array would be compiled twice, unseen."""
    assert set(ahead.SLOWEST) <= asked_for("slice", str(samples / "grating.stl"), "-o", str(tmp_path / "job"))


def test_what_is_compiled_ahead_is_what_a_warmup_asks_for():
    assert set(ahead.SLOWEST_OF_ALL) <= asked_for("warmup")


def test_a_warmup_leaves_nothing_to_compile(tmp_path, samples):
    """Whatever commands ask for of an ordinary part, corrected or not, has been compiled by then."""
    warm, job = asked_for("warmup"), str(tmp_path / "job")
    mesh = str(samples / "f_orientation.stl")
    assert asked_for("slice", mesh, "-o", job, "--correct", "edges,optimise", "--coverage", "volume", "--accept-uncalibrated") <= warm
    for words in (["check", mesh], ["report", job, "-o", str(tmp_path / "page.html")]):
        assert asked_for(*words) <= warm, words


def test_names_are_read_back():
    assert ahead.SLOWEST_OF_ALL[: len(ahead.SLOWEST)] == ahead.SLOWEST and len(set(ahead.SLOWEST_OF_ALL)) > len(ahead.SLOWEST)
    for name in ahead.SLOWEST_OF_ALL:
        assert disk_cache.name_of(*ahead._parsed(name)) == name


def test_nobody_is_waited_for_where_there_is_no_second_process(monkeypatch):
    monkeypatch.setattr(ahead, "_second", [])
    assert ahead.entry_of_second_process(doubled, KINDS) is None


def test_a_second_process_that_ends_without_a_kernel_is_not_waited_for(second, monkeypatch):
    second("raise SystemExit(1)").communicate()
    monkeypatch.setattr(disk_cache, "load", lambda *_: None)
    monkeypatch.setattr(jit, "uncached", [])  # commands of later tests would say it
    assert ahead.entry_of_second_process(doubled, KINDS) is None
    a = np.ones(3)
    doubled(a, 3)
    assert a.tolist() == [2, 2, 2]


def test_what_the_second_process_makes_is_waited_for_and_loaded(second, monkeypatch):
    running, looks = second("input()"), iter([None, None, "entry"])
    monkeypatch.setattr(disk_cache, "load", lambda *_: next(looks))
    assert ahead.entry_of_second_process(doubled, KINDS) == "entry"
    assert ahead.entry_of_second_process(doubled, (*KINDS, int)) is None, "another kind of arguments is not what it was asked for"
    running.communicate(b"\n")


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("processors", [1, 2])
def test_it_is_started_once_and_only_where_a_processor_is_free(monkeypatch, processors, everything):
    started = []
    monkeypatch.setattr(ahead, "_second", [])
    monkeypatch.setattr(ahead, "_asked", set())
    monkeypatch.setattr(disk_cache, "load", lambda *_: None)
    monkeypatch.setattr(ahead.os, "sched_getaffinity", lambda _: set(range(processors)), raising=False)
    monkeypatch.setattr(ahead.subprocess, "Popen", lambda args, **_: started.append(args))
    ahead.start(everything)
    ahead.start(everything)
    assert len(started) == (processors > 1)
    assert all((args[-1] == "all") == everything for args in started)
    assert ahead._asked == (set(ahead.SLOWEST_OF_ALL if everything else ahead.SLOWEST) if started else set())
    assert all("-P" in args for args in started), "a numpy.py in the folder of a mesh would be run"


def test_it_is_not_started_where_nothing_is_left_for_it(monkeypatch):
    monkeypatch.setattr(ahead, "_second", [])
    monkeypatch.setattr(disk_cache, "load", lambda *_: "entry")
    monkeypatch.setattr(ahead.subprocess, "Popen", lambda *_, **__: pytest.fail("was started"))
    ahead.start()
