"""Clocks: medians of calls, and wall time, CPU time and peak memory of whole processes.

Run as a script this file is a small launcher. Linux counts the memory of the process that starts another one as part of
the other's peak, so commands are not started from a benchmark full of arrays but from a fresh, small interpreter.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Process:
    """One finished process; CPU and memory are None where the system does not tell."""

    wall_s: float
    cpu_s: float | None
    peak_mib: float | None
    output: str


def seconds(call: Callable[[], Any]) -> float:
    """Return the wall time of one call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def in_turn(calls: Sequence[Callable[[], Any]], repeats: int) -> list[float]:
    """Run the calls in turn (A B A B ...), `repeats` times, and return the median seconds of each."""
    taken = [[seconds(call) for call in calls] for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def process(command: Sequence[str], environment: Mapping[str, str] | None = None, limit_s: float = 3600.0) -> Process:
    """Run one command to its end from the launcher; one that takes longer than the limit is killed.

    Raises
    ------
    RuntimeError
        The command failed, and the message has what it printed; or it took too long.
    """
    launcher = [sys.executable, "-I", "-S", __file__, str(limit_s), *command]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # as an installed package has it
    told = subprocess.run(launcher, capture_output=True, text=True, env={**kept, **(environment or {})}, check=True)
    facts = json.loads(told.stdout)
    if facts.pop("late"):
        raise RuntimeError(f"{' '.join(command)} failed:\nstopped after {limit_s:g} s")
    if status := facts.pop("status"):
        raise RuntimeError(f"{' '.join(command)} failed:\n{facts['output'] or f'exit status {status}'}")
    return Process(**facts)


def python(*arguments: str) -> list[str]:
    """Return the command that runs this interpreter."""
    return [sys.executable, *arguments]


def pmsl(*arguments: str) -> list[str]:
    """Return the command that runs the command line of the package."""
    return python("-m", "pmsl", *arguments)


def median_process(
    command: Callable[[], Sequence[str]], repeats: int, environment: Mapping[str, str] | None = None
) -> tuple[Process, float, float]:
    """Run `command()` several times; return the run of median wall time, and the shortest and longest wall time."""
    ran = [process(command(), environment) for _ in range(repeats)]
    walls = [p.wall_s for p in ran]
    return median_of(ran), min(walls), max(walls)


def median_of(ran: Sequence[Process]) -> Process:
    """Return the run of median wall time."""
    return sorted(ran, key=lambda p: p.wall_s)[(len(ran) - 1) // 2]


@contextmanager
def one_core() -> Iterator[bool]:
    """Keep this process, and those it starts, on one core meanwhile; say whether the system can."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if not cores:
        yield False
        return
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield True
    finally:
        os.sched_setaffinity(0, cores)


def _launch(limit_s: float, command: Sequence[str]) -> dict[str, Any]:
    late = threading.Event()
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        guard = threading.Timer(limit_s, lambda: (late.set(), _kill(child)))
        guard.start()
        cpu_s = peak_mib = None
        try:
            if hasattr(os, "wait4"):
                _, status, usage = os.wait4(child.pid, 0)
                child.returncode = os.waitstatus_to_exitcode(status)
                cpu_s = usage.ru_utime + usage.ru_stime
                peak_mib = usage.ru_maxrss / (1024.0 if sys.platform != "darwin" else 1024.0**2)
            else:
                child.wait()
        except BaseException:  # Ctrl+C does not reach a session of its own
            guard.cancel()
            _kill(child)
            raise
        wall_s = time.perf_counter() - began
        guard.cancel()
        output.seek(0)
        text = output.read().decode(errors="replace")
    return {"late": late.is_set(), "status": child.returncode, "wall_s": wall_s, "cpu_s": cpu_s, "peak_mib": peak_mib, "output": text}


def _kill(child: subprocess.Popen) -> None:
    """End a process and those it started, as pools of workers outlive a killed parent."""
    if hasattr(os, "killpg"):
        os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()


if __name__ == "__main__":
    print(json.dumps(_launch(float(sys.argv[1]), sys.argv[2:])))
