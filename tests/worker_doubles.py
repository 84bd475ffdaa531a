"""What runs in the worker processes of the tests, and in one that starts them."""

import os
import sys
import time
from pathlib import Path

MAIN = "worker_doubles:main"


def main(pid, *arguments):
    """Answer every word with itself, but for some that do more."""
    from pmsl.workers.process import ParentProcess

    starter = ParentProcess(pid)
    inbox = starter.inbox()
    while True:
        word = inbox.get()
        if word == b"facts":
            starter.send(repr((pid, *arguments, sys.path)).encode())
        elif word == b"print":
            print("this is no message", flush=True)
            os.write(1, b"nor is this\n")
            starter.send(b"printed")
        elif word == b"exit":
            os._exit(5)
        elif word == b"busy":
            starter.send(b"busy")
            time.sleep(1000)
        else:
            starter.send(word)


def start_and_wait(held):
    """Start a worker that is busy, print its number, wait to be killed; with `held` a forked child keeps its pipes open."""
    from pmsl.workers.process import WorkerProcess

    worker = WorkerProcess(MAIN)
    worker.send(b"busy")
    worker.receive()
    pids = [worker.pid]
    if held:
        child = os.fork()
        if child == 0:
            os.close(1)
            time.sleep(1000)
        pids.append(child)
    print(*pids, flush=True)
    time.sleep(1000)


def gone(pid):
    """Whether a process has ended, also one that nobody has asked for its status."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.parent.parent.is_dir() or not Path("/proc/self/stat").exists():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        return False
    try:
        return stat.read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
