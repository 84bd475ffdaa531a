"""What runs in a worker process: it makes blocks of layers, one after the other."""

from __future__ import annotations

import os

import msgspec

from pmsl.workers.process import ParentProcess

MAIN = "pmsl.pipeline.workers.child_process:main"
COMPILING = b""  # instead of an answer, which follows
Order = tuple[str, int, int]  # job spec, first layer, one past the last


def main(starter_pid: int) -> None:
    """Work until the starter is gone."""
    starter = ParentProcess(starter_pid)
    orders = starter.inbox()
    from pmsl.core.parallel import keep_to
    from pmsl.pipeline.workers.block_task import answer  # takes a while; orders are heard meanwhile

    keep_to(1)  # the others have the other processors
    while True:
        path, first, last = msgspec.msgpack.decode(orders.get(), type=Order)
        try:
            starter.send(answer(path, first, last, mapped=True, compiling=lambda: starter.send(COMPILING)))
        except BrokenPipeError:
            os._exit(0)
