"""A batch that is killed at any moment goes on where it ended, and makes the same bytes as one that was left alone."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
from batched import batch_file, digests, ran, started, states

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on this system")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    code, events, _ = ran(batch_file(folder), "--jobs", 2)
    assert code == 0 and len(states(events)) == 6 and set(states(events).values()) == {"done"}
    return digests(folder / "night")


def killed_somewhere(file, draw):
    """Kill a batch some events and some milliseconds after it has started: itself, or its workers with it. True where it was in work."""
    process = started(file, "--jobs", draw.choice([1, 2]))
    for _ in range(draw.randrange(1, 9)):
        if not process.stdout.readline():
            break
    time.sleep(draw.uniform(0.0, 0.06))
    alive = process.poll() is None
    if alive:
        (os.killpg if draw.random() < 0.3 else os.kill)(process.pid, signal.SIGKILL)
    process.communicate()
    return alive


def killed_many_times(folder, times, seed, undisturbed):
    draw, hit, again = random.Random(seed), 0, 0
    while hit < times:
        place = folder / f"r{again}"
        place.mkdir()
        again += 1
        file = batch_file(place)
        for _ in range(draw.randrange(2, 5)):
            hit += killed_somewhere(file, draw)
        code, events, err = ran(file)
        assert code == 0, err
        assert set(states(events).values()) <= {"done", "already done"} and len(states(events)) == 6
        assert digests(place / "night") == undisturbed
        assert not list((place / "night").glob(".*.partial")) and not list((place / "night").glob(".*.new"))
    code, events, _ = ran(file)
    assert code == 0 and set(states(events).values()) == {"already done"}
    assert digests(place / "night") == undisturbed


def test_killed_at_random_points(tmp_path, undisturbed):
    killed_many_times(tmp_path, 2, 1, undisturbed)


@pytest.mark.slow
def test_killed_at_fifty_random_points(tmp_path, undisturbed):
    killed_many_times(tmp_path, 50, 2, undisturbed)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc on this system, so the worker cannot be found")
def test_a_killed_worker_costs_one_job_and_is_replaced(tmp_path, undisturbed):
    process = started(batch_file(tmp_path), "--jobs", 1)
    while b'"job-start"' not in process.stdout.readline():
        pass
    while not (workers := workers_of(process.pid)):
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(workers[0], signal.SIGKILL)
    out, err = process.communicate()
    assert process.returncode == 3, err
    ended = [line for line in out.splitlines() if b'"event":"job"' in line]
    assert sum(b'"failed"' in line for line in ended) == 1 and sum(b'"done"' in line for line in ended) == 5
    assert b"killed" in next(line for line in ended if b'"failed"' in line)
    assert ran(tmp_path / "batch.toml")[0] == 0
    assert digests(tmp_path / "night") == undisturbed


def workers_of(pid):
    found = []
    for other in filter(str.isdigit, os.listdir("/proc")):
        try:
            status, command = (Path("/proc", other, name).read_bytes() for name in ("stat", "cmdline"))
        except OSError:
            continue
        if int(status.rpartition(b")")[2].split()[1]) == pid and b"pmsl.batch.worker" in command:
            found.append(int(other))
    return found


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc on this system, so the worker cannot be found")
def test_a_worker_that_still_starts_does_not_hear_of_it(tmp_path):
    """Ctrl-C goes to every process of a terminal, also to one that has not come to say that it is not for it."""
    process = started(batch_file(tmp_path), "--jobs", 2)
    while not workers_of(process.pid):
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130 and err.strip() == b"cancelled; nothing half-written is left", err


def test_interrupted_leaves_nothing_half_written(tmp_path, undisturbed):
    process = started(batch_file(tmp_path), "--jobs", 2)
    while b'"event":"job"' not in process.stdout.readline():
        pass
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: everyone gets it
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and b"cancelled" in err and b"Traceback" not in err, err
    assert b'"end"' in out.splitlines()[-1] and b'"cancelled"' in out.splitlines()[-1]
    night = tmp_path / "night"
    assert not list(night.glob(".*.partial"))
    made = digests(night)
    assert made.items() <= undisturbed.items() and made
    code, events, _ = ran(tmp_path / "batch.toml")
    assert code == 0 and "already done" in states(events).values()
    assert digests(night) == undisturbed
