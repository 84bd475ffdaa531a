"""The other processes of a first slice: they compile what the first one then loads, and nothing else depends on them."""

import subprocess
import sys

import kernel_names
import numpy as np
import pytest
from kernel_names import asked_for

from pmsl.kernels._compiler import ahead, disk_cache, jit
from pmsl.kernels._compiler.jit import kernel

KINDS = ((np.dtype(np.float64), 1, True), int)


@kernel
def doubled(array, n):
    for i in range(n):
        array[i] *= 2.0


@pytest.fixture
def claims(monkeypatch, tmp_path):
    """A folder of claims, one kernel that others are asked for, and no process yet."""
    monkeypatch.setattr(ahead, "_others", [])
    monkeypatch.setattr(ahead, "_asked", {disk_cache.name_of(doubled, KINDS)})
    monkeypatch.setattr(ahead, "_claims", [tmp_path])
    return tmp_path


def other(code):
    """Start another process that runs `code`."""
    ahead._others.append(subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE))
    return ahead._others[-1]


def test_the_lists_are_what_commands_ask_for(tmp_path, samples):
    """Kinds of arguments are part of a name: a kernel that takes another array would be compiled twice, unseen."""
    told = "run tests/kernel_names.py"
    assert set(ahead.names_of("slice")) == set(kernel_names.of_a_slice(samples, tmp_path)), told
    assert set(ahead.names_of("warmup")) == set(asked_for("warmup")), told


def test_a_warmup_leaves_nothing_to_compile(tmp_path, samples):
    """Whatever commands ask for of an ordinary part, corrected or not, has been compiled by then."""
    warm, job = set(asked_for("warmup")), str(tmp_path / "job")
    mesh = str(samples / "f_orientation.stl")
    assert set(asked_for("slice", mesh, "-o", job, "--correct", "edges,optimise", "--coverage", "volume", "--accept-uncalibrated")) <= warm
    for words in (["check", mesh], ["report", job, "-o", str(tmp_path / "page.html")]):
        assert set(asked_for(*words)) <= warm, words


@pytest.mark.parametrize("command", ["slice", "warmup"])
def test_names_are_read_back(command):
    names = ahead.names_of(command)
    assert len(set(names)) == len(names) > 20
    for name in names:
        assert disk_cache.name_of(*ahead._parsed(name)) == name


def test_nobody_is_waited_for_where_there_is_no_other_process(claims):
    assert ahead.entry_of_other_process(doubled, KINDS) is None and not list(claims.iterdir())


def test_another_that_ends_without_a_kernel_is_not_waited_for(claims, monkeypatch):
    other("raise SystemExit(1)").communicate()
    assert ahead._claimed(claims, disk_cache.name_of(doubled, KINDS)), "claimed by the one that has ended"
    monkeypatch.setattr(disk_cache, "load", lambda *_: None)
    monkeypatch.setattr(jit, "uncached", [])  # commands of later tests would say it
    assert ahead.entry_of_other_process(doubled, KINDS) is None
    a = np.ones(3)
    doubled(a, 3)
    assert a.tolist() == [2, 2, 2]


def test_what_another_has_claimed_is_waited_for_and_loaded(claims, monkeypatch):
    running, looks = other("input()"), iter([None, None, "entry"])
    monkeypatch.setattr(disk_cache, "load", lambda *_: next(looks))
    assert ahead.entry_of_other_process(doubled, (*KINDS, int)) is None, "another kind of arguments is not what it was asked for"
    assert ahead._claimed(claims, disk_cache.name_of(doubled, KINDS))
    assert ahead.entry_of_other_process(doubled, KINDS) == "entry"
    running.communicate(b"\n")


def test_what_nobody_has_claimed_is_compiled_here_and_by_nobody_else(claims, monkeypatch):
    running = other("input()")
    monkeypatch.setattr(disk_cache, "load", lambda *_: pytest.fail("was waited for"))
    assert ahead.entry_of_other_process(doubled, KINDS) is None
    assert not ahead._claimed(claims, disk_cache.name_of(doubled, KINDS)), "two would compile it"
    running.communicate(b"\n")


def test_others_compile_what_is_not_claimed_and_stop_when_the_first_has_ended(claims, monkeypatch):
    names = ahead.names_of("slice")
    compiled = []
    monkeypatch.setattr(disk_cache, "load", lambda *_: None)
    monkeypatch.setattr(jit.Kernel, "entry_of", lambda self, kinds: compiled.append(disk_cache.name_of(self, kinds)))
    if not isinstance(ahead._parsed(names[0])[0], jit.Kernel):
        pytest.skip("kernels are not compiled in this run")
    assert ahead._claimed(claims, names[3])
    ahead._main("slice", str(claims))
    assert compiled == names[:3] + names[4:]
    ahead._main("slice", str(claims))
    ahead._main("slice", str(claims / "gone"))
    assert len(compiled) == len(names) - 1


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize(("processors", "others"), [(1, 0), (2, 1), (4, 3), (64, ahead.MOST)])
def test_they_are_started_once_and_only_where_processors_are_free(claims, monkeypatch, processors, others, everything):
    started = []
    monkeypatch.setattr(ahead, "_asked", set())
    monkeypatch.setattr(ahead, "_claims", [])
    monkeypatch.setattr(disk_cache, "load", lambda *_: None)
    monkeypatch.setattr(ahead.tempfile, "mkdtemp", lambda **_: str(claims))
    monkeypatch.setattr(ahead.os, "sched_getaffinity", lambda _: set(range(processors)), raising=False)
    monkeypatch.setattr(ahead.subprocess, "Popen", lambda args, **_: started.append(args))
    ahead.start(everything)
    ahead.start(everything)
    command = "warmup" if everything else "slice"
    assert len(started) == others
    assert all(args[-2:] == [command, str(claims)] for args in started)
    assert ahead._asked == (set(ahead.names_of(command)) if started else set())
    assert all("-P" in args for args in started), "a numpy.py in the folder of a mesh would be run"


def test_none_is_started_where_nothing_is_left_to_do(claims, monkeypatch):
    monkeypatch.setattr(disk_cache, "load", lambda *_: "entry")
    monkeypatch.setattr(ahead.subprocess, "Popen", lambda *_, **__: pytest.fail("was started"))
    ahead.start()


def test_a_machine_without_room_for_claims_compiles_alone(claims, monkeypatch):
    def full(**_):
        raise OSError("no room")

    monkeypatch.setattr(disk_cache, "load", lambda *_: None)
    monkeypatch.setattr(ahead.tempfile, "mkdtemp", full)
    monkeypatch.setattr(ahead.os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(ahead.subprocess, "Popen", lambda *_, **__: pytest.fail("was started"))
    ahead.start()
    assert ahead.entry_of_other_process(doubled, KINDS) is None
