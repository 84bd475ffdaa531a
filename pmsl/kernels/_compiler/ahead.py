"""A second process compiles the kernels that take longest while this one compiles the others: a first slice waits half as long.

    python -m pmsl.kernels._compiler.ahead        compile what `SLOWEST` names, one after the other, into the cache

What the second process is at is waited for; what it could not make is compiled here. Nothing depends on it but time.
"""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
import time
from typing import Any

import numpy as np

from pmsl.kernels._compiler import disk_cache
from pmsl.kernels._compiler.options import Entry, Source

# kernels with the kinds of their arguments as `disk_cache.name_of` writes them: what is needed last, and takes longest, first
SLOWEST = (
    "pmsl.kernels.codec.png_of_runs.zlib_of_runs(<i81C,int,<i41C,<i41C,|u11C,int,int,int,int,int,|u11C,<i81C,<i81C,<i41C,<i41C,<i82C,|u11C)",
    "pmsl.kernels.light.faint_grays.far_from_white(<i81C,<i41C,<i41C,|u11C,int,int,<i81C,<u82C,<u82C,<u82C,<i82C)",
)
LOOK_S = 0.02
_second: list[subprocess.Popen[bytes]] = []


def start() -> None:
    """Start the second process, once, where there is a processor for it and something for it to do."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if _second or cpus < 2 or not sys.executable or all(disk_cache.load(*_parsed(name)) for name in SLOWEST):
        return
    try:
        args = [sys.executable, "-P", "-m", __name__]  # -P: no module of the folder we stand in is run
        _second.append(subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    except OSError:  # this one compiles everything
        return


def entry_of_second_process(kernel: Source, kinds: tuple[Any, ...]) -> Entry | None:
    """Wait while the second process may still make a kernel, and load that; None where it is not to, or could not."""
    if not _second or disk_cache.name_of(kernel, kinds) not in SLOWEST:
        return None
    while _second[0].poll() is None:
        entry = disk_cache.load(kernel, kinds)
        if entry is not None:
            return entry
        time.sleep(LOOK_S)
    return disk_cache.load(kernel, kinds)


def _parsed(name: str) -> tuple[Any, tuple[Any, ...]]:
    """Return the kernel of a name and the kinds of its arguments."""
    dotted, _, kinds = name[:-1].partition("(")
    module, _, function = dotted.rpartition(".")
    return getattr(importlib.import_module(module), function), tuple(_kind(text) for text in kinds.split(","))


def _kind(text: str) -> Any:
    array = re.fullmatch(r"(.+?)(\d)([CA])", text)
    if array:
        return np.dtype(array[1]), int(array[2]), array[3] == "C"
    return {"float": float, "int": int}[text]


def _main() -> None:
    for name in SLOWEST:
        kernel, kinds = _parsed(name)
        kernel.entry_of(kinds)


if __name__ == "__main__":
    _main()
