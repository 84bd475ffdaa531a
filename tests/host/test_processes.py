"""Real processes: a host that is killed, interrupted, or crashes leaves the engine dark, and the print goes on from its record."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from host_doubles import small_job
from tiers import thinned

import pmsl
from pmsl.errors import HostError, UsageError
from pmsl.host.record.play_log import read_record

TESTS = Path(__file__).resolve().parents[1]
LONG_S, PATIENCE_S = 110.0, 60.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("host") / "job"
    pmsl.write(small_job(3), path)
    return path


def start(folder, tmp_path, how, seconds, *options):
    command = [sys.executable, str(TESTS / "host_process.py"), str(folder), str(tmp_path / "log"), str(tmp_path / "played.jsonl"), how]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([*os.environ.get("PMSL_TEST_PATH", "").split(), str(TESTS), str(TESTS.parent)])}
    return subprocess.Popen([*command, str(seconds), *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def words(tmp_path):
    log = tmp_path / "log"
    return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


def wait_for(what, process=None):
    until = time.monotonic() + PATIENCE_S
    while not what():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def lit(tmp_path):
    return bool(words(tmp_path)) and words(tmp_path)[-1] == "on"


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on this system")
def test_a_host_killed_in_mid_exposure_leaves_the_engine_dark_and_the_print_goes_on(folder, tmp_path, how="sync"):
    process = start(folder, tmp_path, how, LONG_S)
    wait_for(lambda: lit(tmp_path), process)
    process.kill()
    process.communicate()
    wait_for(lambda: not lit(tmp_path))  # long before the time asked for
    played = read_record(tmp_path / "played.jsonl")
    assert (type(played.last).__name__, played.last.key) == ("Lit", (0, 0, 0))
    seen = len(words(tmp_path))
    out, err = start(folder, tmp_path, how, LONG_S, "resume").communicate(timeout=PATIENCE_S)
    assert out == "" and "layer 0, exposure 0, repeat 0: may have got no light" in err and "--relight 0" in err
    out, err = start(folder, tmp_path, how, LONG_S, "resume", "skip=0").communicate(timeout=PATIENCE_S)
    assert out == "done 2 ['exposure-cut-off']\n", err
    assert words(tmp_path)[seen:].count("on") == 2 and words(tmp_path)[-1] == "off"
    out, err = start(folder, tmp_path, how, LONG_S, "resume").communicate(timeout=PATIENCE_S)
    assert out == "done 0 ['exposure-cut-off']\n", err


@pytest.mark.skipif(os.name == "nt", reason="no fork on this system")
@pytest.mark.parametrize("way", ["as the system tells it", "by looks"])
def test_a_killed_host_that_had_forked_leaves_the_engine_dark(folder, tmp_path, monkeypatch, way):
    monkeypatch.setenv("PMSL_TEST_FORK", str(tmp_path / "child"))
    if way == "by looks":
        (tmp_path / "sitecustomize.py").write_text(
            "import os, select\nfor m, n in ((os, 'pidfd_open'), (select, 'kqueue')):\n    vars(m).pop(n, 0)\n"
        )
        monkeypatch.setenv("PMSL_TEST_PATH", str(tmp_path))
    process = start(folder, tmp_path, "sync", LONG_S)
    wait_for(lambda: lit(tmp_path) and (tmp_path / "child").exists(), process)
    child = int((tmp_path / "child").read_text())
    process.kill()
    process.wait()
    try:
        wait_for(lambda: not lit(tmp_path))
        os.kill(child, 0)  # still there: it is not its end that put the light out
    finally:
        os.kill(child, signal.SIGKILL)
    process.communicate()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("number", "how"), thinned(2, ["SIGINT", "SIGTERM", "SIGHUP"], ["sync", "async"]))
def test_a_signal_puts_the_light_out_and_ends_the_print(folder, tmp_path, how, number):
    process = start(folder, tmp_path, how, LONG_S)
    wait_for(lambda: lit(tmp_path), process)
    process.send_signal(getattr(signal, number))
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode != 0 and ("KeyboardInterrupt" in err or "CancelledError" in err)
    assert words(tmp_path).count("on") == 1 and not lit(tmp_path)
    assert read_record(tmp_path / "played.jsonl").lit == {(0, 0, 0)}


@pytest.mark.skipif(os.name == "nt", reason="no SIGSTOP on this system")
def test_a_host_that_hangs_does_not_keep_the_light_on(folder, tmp_path, monkeypatch):
    """The switch itself stops the host as soon as it is lit: nothing here has to be quick enough to see it."""
    monkeypatch.setenv("PMSL_TEST_STOP_HOST", "1")
    process = start(folder, tmp_path, "sync", 0.5)
    try:
        _, state = os.waitpid(process.pid, os.WUNTRACED)  # returns when it is stopped, or has ended
        assert os.WIFSTOPPED(state)
        wait_for(lambda: not lit(tmp_path))
        assert words(tmp_path)[-2:] == ["on", "off"]
        assert os.waitpid(process.pid, os.WUNTRACED | os.WNOHANG) == (0, 0)  # the host did nothing for it: it is stopped still
    finally:
        process.kill()
        process.communicate()


# --- the watchdog itself, from here ------------------------------------------------------------------------------


@pytest.fixture
def watched(tmp_path, monkeypatch):
    monkeypatch.setenv("PMSL_TEST_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("PMSL_TEST_SHAPE", "4x6")
    engine = pmsl.host.Watched("host_process:switch")
    yield engine
    engine.close()
    assert words(tmp_path)[-1] == "off"


def test_it_is_a_light_engine_with_the_facts_of_its_switch(watched):
    assert isinstance(watched, pmsl.host.LightEngine)
    assert (watched.shape, watched.wavelength_nm, watched.levels, watched.real) == ((4, 6), 405.0, 256, False)


def test_it_lights_as_long_as_it_was_asked_and_refuses_what_it_cannot(watched, tmp_path):
    watched.load(np.zeros((4, 6), np.uint8))
    assert watched.expose(0.05, 1.0) >= 0.05
    assert words(tmp_path)[:4] == ["off", "load", "on", "off"]
    for wrong in (0.0, -1.0, 1001.0, float("nan")):
        with pytest.raises(HostError, match="1000 s"):
            watched.expose(wrong, 1.0)
    with pytest.raises(HostError, match="another shape"):
        watched.load(np.zeros((6, 4), np.uint8))


def test_dark_from_another_thread_ends_the_exposure(watched, tmp_path):
    import threading

    watched.load(np.zeros((4, 6), np.uint8))
    got = []
    thread = threading.Thread(target=lambda: got.append(watched.expose(LONG_S, 1.0)))
    thread.start()
    wait_for(lambda: lit(tmp_path))
    watched.dark()
    assert not lit(tmp_path)
    thread.join(PATIENCE_S)
    assert 0 < got[0] < LONG_S
    watched.dark()


def test_a_watchdog_that_is_killed_is_told(watched):
    watched._process.kill()
    watched._process.wait()
    for _ in range(2):
        with pytest.raises(HostError, match="watchdog"):
            watched.load(np.zeros((4, 6), np.uint8))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("host_process:failing", "no such light"),
        ("host_process:nothing", "no function nothing"),
        ("no.such.module:x", "cannot be imported"),
    ],
)
def test_a_factory_that_fails_is_told(name, words):
    with pytest.raises(HostError, match=words):
        pmsl.host.Watched(name)


def test_names_of_factories():
    from pmsl.host.machine.engine_factory import call_factory

    for wrong in ("x", "a:b:c", "../a:b", "a.b:", ":f", "a b:c"):
        with pytest.raises(UsageError, match="package.module:factory"):
            call_factory(wrong)
