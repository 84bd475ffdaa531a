"""A worker process: takes blocks from standard input, answers on standard output, ends when its parent does.

Messages are msgpack behind their length in 4 bytes. A thread of its own waits for them, so that the end of the parent ends the
worker in the middle of a block: nothing goes on writing for nobody.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
from typing import BinaryIO

import msgspec

COMPILING = b""  # instead of an answer, which follows
Order = tuple[str, int, int]  # recipe, first layer, one past the last


def send(stream: BinaryIO, data: bytes) -> None:
    """Write one message."""
    stream.write(len(data).to_bytes(4, "little") + data)
    stream.flush()


def receive(stream: BinaryIO) -> bytes | None:
    """Read one message; None where there is no whole one any more."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    size = int.from_bytes(head, "little")
    data = stream.read(size)
    return data if len(data) == size else None


def main() -> None:
    """Work until the parent is gone."""
    orders: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not come between the answers

    def listen() -> None:
        while (data := receive(source)) is not None:
            orders.put(data)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    from pmsl.core.parallel import keep_to
    from pmsl.pipeline.crew.labour import answer  # takes a while; orders are heard meanwhile

    keep_to(1)  # the others have the other processors
    while True:
        path, first, last = msgspec.msgpack.decode(orders.get(), type=Order)
        try:
            send(sink, answer(path, first, last, mapped=True, compiling=lambda: send(sink, COMPILING)))
        except BrokenPipeError:
            os._exit(0)


def command() -> list[str]:
    """Return what starts a worker that finds the same modules as this process."""
    code = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from pmsl.pipeline.crew.child import main; main()"
    return [sys.executable, "-c", code, msgspec.json.encode([str(p) for p in sys.path]).decode()]
