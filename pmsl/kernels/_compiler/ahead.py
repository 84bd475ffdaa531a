"""A second process compiles the kernels that take longest while this one compiles the others: a first slice waits half as long.

    python -m pmsl.kernels._compiler.ahead        compile what `SLOWEST` names, one after the other, into the cache
    python -m pmsl.kernels._compiler.ahead all    what `SLOWEST_OF_ALL` names

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
    "pmsl.kernels.codec.zlib_of_runs.zlib_of_runs(<i81C,int,<i41C,<i41C,|u11C,int,int,int,int,int,|u11C,<i81C,<i81C,<i41C,<i41C,<i82C,|u11C)",
    "pmsl.kernels.solve.faint_grays.far_from_white(<i81C,<i41C,<i41C,|u11C,int,int,<i81C,<u82C,<u82C,<u82C,<i82C)",
    (
        "pmsl.kernels.runs.run_bodies.grow(<i81C,<i41C,<i41C,<i81C,<i81C,<i41C,<i41C,<i81C,<i81C,<i41C,<i41C,<i81C,<i81C,"
        "<i41C,<i41C,<i81C,int,int,float,float,float,<f81C,<i81C,<i82C,<i81C,<i81C)"
    ),
    "pmsl.kernels.runs.run_voids.enclosed(<i81C,<i41C,<i41C,<i81C,<i41C,<i41C,<i81C,<i81C,<i82C)",
    (
        "pmsl.kernels.runs.run_voids.fill(<i81C,<i41C,<i41C,<i81C,<i41C,<i41C,<i81C,<i81C,<i81C,<i41C,<i41C,<i81C,<i41C,"
        "<i41C,<i81C,int,float,<i82C,<f81C,<i81C,<i81C)"
    ),
)
SLOWEST_OF_ALL = (  # of all that a warmup compiles, in the order in which it needs them: about half of its time
    *SLOWEST,
    (
        "pmsl.kernels.raster.volume.cells(<f82C,<i41C,int,<f81C,int,int,<i41C,int,float,<i81C,<i41C,<i41C,<i81C,<f83C,<f83C,"
        "<u82C,<i42C,<i42C,<f83C,<f84C,<i81C,<i41C,<f82C,|u11C,<f82C,<i41C,<f81C)"
    ),
    (
        "pmsl.kernels.light.blur_reuse.see_one(<f42C,<i42C,<i41C,<f41C,<f41C,<f41C,<f41C,float,float,<i82C,|u11C,<u81C,<f42C,"
        "<i42C,<f42C,|u12C,<i41C)"
    ),
    (
        "pmsl.kernels.compare.compare_voxels.compare(<f42C,<f42C,<i41C,|u13C,<u83C,<i41C,<i41C,<i41C,float,<i42C,|u12C,float,float,"
        "<i81C,<i41C,<i41C,<u21C,int,int,<f81C,<i81C,<i81C,<i42C,<f82C,<f42C,<i42C,<i42C,<f41C,<i81C)"
    ),
    "pmsl.kernels.light.blur_reuse.inside(<f42C,<i41C,<i41C,<i41C,<f82C,<f82C,<f82C,|u12C,<i41C,|u11C,<i41C,<f42C)",
    (
        "pmsl.kernels.compare.compare_subpixel.compare_edges(<f42C,<i41C,<f82C,<f81C,int,<i42C,<f41C,<f42C,<f42C,<i41C,float,<f81C,"
        "<i42C,<f82C,<i81C)"
    ),
    (
        "pmsl.kernels.compare.face_matching.faces(<i81C,<i41C,<i41C,<f82C,float,float,int,int,int,float,float,float,<f42C,<f42C,"
        "<i41C,float,<f42C,<i41C,<i42C,<i42C,<i41C,<i41C,<i81C,<f82C,<f42C,<f42C,<f42C,<f42C,<i42C,<i42C,<f82C,<f81C,<i81C,<f81C,"
        "<i81C,float,<f81C,<f82C)"
    ),
    "pmsl.kernels.compare.edge_probes.edges(<f43C,<i41C,<f81C,float,<f82C,<f82C,float,float,<f81C,<f81C,float,float,float,<f81C,<f81C,<f81C)",
)
LOOK_S = 0.02
_second: list[subprocess.Popen[bytes]] = []
_asked: set[str] = set()  # what the second process is to compile


def start(everything: bool = False) -> None:
    """Start the second process, once, where there is a processor for it and something for it to do: for a slice, or for all kernels."""
    names = SLOWEST_OF_ALL if everything else SLOWEST
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if _second or cpus < 2 or not sys.executable or all(disk_cache.load(*_parsed(name)) for name in names):
        return
    try:
        args = [sys.executable, "-P", "-m", __name__, *["all"][: int(everything)]]  # -P: no module of the folder we stand in is run
        _second.append(subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        _asked.update(names)
    except OSError:  # this one compiles everything
        return


def entry_of_second_process(kernel: Source, kinds: tuple[Any, ...]) -> Entry | None:
    """Wait while the second process may still make a kernel, and load that; None where it is not to, or could not."""
    if not _second or disk_cache.name_of(kernel, kinds) not in _asked:
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
    for name in SLOWEST_OF_ALL if sys.argv[1:] == ["all"] else SLOWEST:
        kernel, kinds = _parsed(name)
        kernel.entry_of(kinds)


if __name__ == "__main__":
    _main()
