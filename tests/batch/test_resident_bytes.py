"""The memory `--memory` counts is what a process really holds, asked of the system in a way that all of them answer."""

import subprocess
import sys

import psutil
import pytest

from pmsl.batch.pool import JobWorker
from pmsl.core.process_memory import resident_bytes

MIB = 1 << 20
HOLD = "import sys\nheld = bytearray(b'x') * (int(sys.argv[1]) << 20)\nprint(len(held), flush=True)\nsys.stdin.read()"


@pytest.fixture
def holding():
    """Return a function that starts a process which holds so many MiB, and returns it."""
    children = []

    def start(mib):
        child = subprocess.Popen([sys.executable, "-c", HOLD, str(mib)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        children.append(child)
        assert int(child.stdout.readline()) == mib * MIB
        return child

    yield start
    for child in children:
        child.communicate()


def test_of_another_process_and_of_this_one(holding):
    small, large = holding(1), holding(129)
    assert 120 * MIB < resident_bytes(large.pid) - resident_bytes(small.pid) < 140 * MIB
    assert resident_bytes() == pytest.approx(psutil.Process().memory_info().rss, rel=0.2)


def test_of_a_process_that_is_gone(holding):
    child = holding(1)
    child.communicate()
    assert resident_bytes(child.pid) is None


def test_nothing_of_one_system_is_needed(monkeypatch, holding):
    """Psutil is asked and nobody else: an answer of its own arrives, a refusal means unknown."""

    class Stranger:
        def __init__(self, pid):
            raise psutil.AccessDenied(pid)

    worker = JobWorker(holding(1), None)
    assert 1 * MIB < worker.holds_bytes(7 * MIB * MIB) < 100 * MIB
    monkeypatch.setattr(psutil, "Process", Stranger)
    assert resident_bytes() is None and worker.holds_bytes(7 * MIB) == 7 * MIB
