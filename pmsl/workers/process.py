"""A worker process and the messages between it and the process that started it.

`WorkerProcess` is the starter's end, `ParentProcess` the worker's. Messages are bytes behind their length in 8 bytes, on standard input and
output of the worker. It finds the same modules as its starter, never gets the Ctrl-C of a terminal (it has a session of its own: the
starter is interrupted, and decides), and ends when the starter does, in the middle of its work: a thread of its own waits for
messages, another one for the end of the starter, whoever else may hold its pipes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any, BinaryIO

from pmsl.workers.parent_end import wait_for_end

LENGTH_BYTES = 8
END_S = 5.0  # how long a worker that is not killed may take to end
CODE = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from {} import {} as main; main(*json.loads(sys.argv[2]))"


def send(stream: BinaryIO, data: bytes) -> None:
    """Write one message; raises `OSError` or `ValueError` where the other side is gone or the stream closed."""
    stream.write(len(data).to_bytes(LENGTH_BYTES, "little") + data)
    stream.flush()


def receive(stream: BinaryIO) -> bytes | None:
    """Read one message, also where a read gives fewer bytes; None where there is no whole one any more."""
    with contextlib.suppress(OSError, ValueError):
        head = _exactly(stream, LENGTH_BYTES)
        return None if head is None else _exactly(stream, int.from_bytes(head, "little"))
    return None


def _exactly(stream: BinaryIO, size: int) -> bytes | None:
    out = bytearray()
    while len(out) < size:
        piece = stream.read(size - len(out))
        if not piece:
            return None
        out += piece
    return bytes(out)


class WorkerProcess:
    """A process that was started to work for this one.

    Parameters
    ----------
    main : str
        ``package.module:function`` that runs in it; it gets the number of this process, and `arguments`.
    *arguments : str, int or None
        What else it gets.

    Raises
    ------
    OSError
        The system starts no more processes.
    """

    def __init__(self, main: str, *arguments: str | int | None) -> None:
        apart: dict[str, Any] = {"start_new_session": True}  # Ctrl-C is for the starter
        if sys.platform == "win32":
            apart = {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
        module, function = main.split(":")
        paths, given = json.dumps([str(p) for p in sys.path]), json.dumps([os.getpid(), *arguments])
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", CODE.format(module, function), paths, given],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            **apart,
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._to: BinaryIO = self._process.stdin  # type: ignore[assignment]
        self._from: BinaryIO = self._process.stdout  # type: ignore[assignment]
        self._sending = threading.Lock()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def send(self, data: bytes) -> None:
        """Send a message, from any thread; raises `OSError` or `ValueError` where the worker is gone."""
        with self._sending:
            send(self._to, data)

    def receive(self) -> bytes | None:
        """Wait for a message; None where the worker has ended instead."""
        return receive(self._from)

    def wait(self, within_s: float | None = None) -> int:
        """Return the status with which the worker ended, below 0 the signal; raises `subprocess.TimeoutExpired`."""
        return self._process.wait(within_s)

    def kill(self) -> None:
        """End the worker at once."""
        self._process.kill()

    def close_input(self) -> None:
        """Send no more: the worker ends as soon as it notices."""
        with self._sending, contextlib.suppress(OSError):
            self._to.close()

    def close_output(self) -> None:
        """Give back the pipe; nobody may be waiting in `receive`."""
        self._from.close()

    def end(self, kill: bool = True) -> None:
        """Return when the worker has ended: at once, or where it is not killed within `END_S`."""
        if kill:
            self._process.kill()
        self.close_input()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class ParentProcess:
    """The process that started this one, as it is seen in a worker; there is one in a process.

    Parameters
    ----------
    pid : int
        Its number, the first argument of the worker's main function.
    on_end : callable, optional
        Called in a thread when the starter has ended or wants nothing more, maybe twice; by default this process ends at once.
    """

    def __init__(self, pid: int, on_end: Callable[[], object] = lambda: os._exit(0)) -> None:
        self._pid, self._on_end = pid, on_end
        self._source: Any = io.FileIO(os.dup(0))  # without a buffer, whose lock a waiting thread would hold at the end
        self._sink = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # whatever prints must not come between the messages
        self._sending = threading.Lock()

    def listen(self, message: Callable[[bytes], object]) -> None:
        """Give every message to `message`, in a thread, from now on."""
        for work in (lambda: self._read(message), self._watch):
            threading.Thread(target=work, daemon=True).start()

    def inbox(self) -> queue.SimpleQueue[bytes]:
        """Return the queue of messages from now on."""
        messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.listen(messages.put)
        return messages

    def send(self, data: bytes) -> None:
        """Send a message, from any thread; raises `OSError` where the starter is gone."""
        with self._sending:
            send(self._sink, data)

    def _read(self, message: Callable[[bytes], object]) -> None:
        while (data := receive(self._source)) is not None:
            message(data)
        self._on_end()

    def _watch(self) -> None:
        wait_for_end(self._pid)
        self._on_end()
