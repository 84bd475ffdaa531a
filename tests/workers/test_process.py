"""Worker processes: framing, modules, what prints, and that they end with whoever started them."""

import io
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worker_doubles import MAIN, gone

from pmsl.workers.process import LENGTH_BYTES, WorkerProcess, receive, send

PATIENCE_S = 60.0


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time, as pipes may."""

    def __init__(self, data, step):
        self.data, self.step = data, step

    def read(self, size=-1):
        piece, self.data = self.data[: min(size, self.step)], self.data[min(size, self.step) :]
        return piece


@given(st.lists(st.binary(max_size=300), max_size=5), st.integers(1, 40))
def test_messages_arrive_whole_and_in_turn(messages, step):
    stream = io.BytesIO()
    for message in messages:
        send(stream, message)
    source = Trickle(stream.getvalue(), step)
    assert [receive(source) for _ in messages] == messages
    assert receive(source) is None


@given(st.binary(max_size=50), st.integers(1, 60))
def test_a_message_that_is_cut_off_is_none(message, lost):
    stream = io.BytesIO()
    send(stream, message)
    data = stream.getvalue()
    assert len(data) == LENGTH_BYTES + len(message)
    assert receive(io.BytesIO(data[: max(0, len(data) - lost)])) is None


def test_a_stream_that_is_closed_gives_none():
    stream = io.BytesIO(b"x" * 100)
    stream.close()
    assert receive(stream) is None


@pytest.fixture
def worker():
    process = WorkerProcess(MAIN, "µ", 7, None)
    yield process
    process.end()
    process.close_output()


def ask(worker, word):
    worker.send(word)
    return worker.receive()


def test_it_gets_its_arguments_and_the_modules_of_its_starter(worker):
    assert ask(worker, b"facts").decode() == repr((os.getpid(), "µ", 7, None, sys.path))


def test_what_it_prints_is_no_message(worker):
    assert ask(worker, b"print") == b"printed" and ask(worker, b"again") == b"again"


@pytest.mark.parametrize("size", [0, 1, 200_000])
def test_messages_of_any_size(worker, size):
    assert ask(worker, b"x" * size) == b"x" * size


def test_the_status_of_its_end(worker):
    assert ask(worker, b"exit") is None and worker.wait(PATIENCE_S) == 5
    with pytest.raises((OSError, ValueError)):
        for _ in range(3):
            worker.send(b"nobody")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_worker_that_is_killed():
    process = WorkerProcess(MAIN, "", 0, None)
    os.kill(process.pid, signal.SIGKILL)
    assert process.receive() is None and process.wait(PATIENCE_S) == -signal.SIGKILL
    process.end()
    process.close_output()


def test_it_ends_in_the_middle_of_its_work_when_nothing_more_is_wanted(worker):
    worker.send(b"busy")
    assert worker.receive() == b"busy"
    worker.close_input()
    assert worker.wait(PATIENCE_S) == 0


@pytest.mark.skipif(not hasattr(os, "setsid"), reason="sessions")
def test_ctrl_c_of_a_terminal_is_not_for_it(worker):
    assert os.getsid(worker.pid) == worker.pid != os.getsid(0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a child that holds the pipe is forked")
@pytest.mark.parametrize("held", [False, True])
def test_it_ends_when_its_starter_is_killed_whoever_holds_the_pipe(held):
    code = f"from worker_doubles import start_and_wait; start_and_wait({held})"
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env, start_new_session=True)
    pid, *holders = (int(word) for word in starter.stdout.readline().split())
    assert len(holders) == held and not gone(pid)
    try:
        starter.kill()
        starter.wait()
        until = time.monotonic() + PATIENCE_S
        while not gone(pid) and time.monotonic() < until:
            time.sleep(0.02)
        assert gone(pid)
    finally:
        starter.stdout.close()
        for holder in holders:
            os.kill(holder, signal.SIGKILL)
