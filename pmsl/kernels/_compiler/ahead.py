"""Other processes compile part of the kernels while this one compiles the others: a first slice waits half as long on two cores.

    python -m pmsl.kernels._compiler.ahead slice FOLDER     compile what `slice_kernels.txt` names, one after another, into the cache
    python -m pmsl.kernels._compiler.ahead warmup FOLDER    what `warmup_kernels.txt` names

This process compiles kernels in the order in which it needs them, the others what is needed late first: they meet where both have
worked as long (`tests/kernel_names.py` writes the lists). Who makes a folder of a kernel's name in FOLDER compiles it; what another
has claimed is waited for, and what it could not make is compiled here. Nothing depends on it but time.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from pmsl.kernels._compiler import disk_cache
from pmsl.kernels._compiler.options import Entry, Source

LOOK_S = 0.02
MOST = 3  # processes beside this one
_others: list[subprocess.Popen[bytes]] = []
_asked: set[str] = set()  # what they are to compile
_claims: list[Path] = []  # the one folder of claims


def names_of(command: str) -> list[str]:
    """Return the kernels that `slice` of an ordinary part or `warmup` needs, in the order in which the others compile them.

    A name holds the kinds of the arguments too, as `disk_cache.name_of` writes them.
    """
    return Path(__file__).with_name(f"{command}_kernels.txt").read_text(encoding="ascii").splitlines()


def start(everything: bool = False) -> None:
    """Start the others, once, where there are processors and something left to compile: for a slice, or all that a warmup does."""
    command = "warmup" if everything else "slice"
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if _others or cpus < 2 or not sys.executable:
        return
    missing = [name for name in names_of(command) if not disk_cache.load(*_parsed(name))]
    if not missing:
        return
    try:
        folder = tempfile.mkdtemp(prefix="pmsl-kernels-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        _claims.append(Path(folder))
        args = [sys.executable, "-P", "-m", __name__, command, folder]  # -P: no module of the folder we stand in is run
        for _ in range(min(cpus - 1, MOST, len(missing))):
            _others.append(subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    except OSError:  # this one compiles what the others do not
        pass
    if _others:
        _asked.update(missing)


def entry_of_other_process(kernel: Source, kinds: tuple[Any, ...]) -> Entry | None:
    """Wait while another process makes a kernel, and load that; None where none does, or it could not."""
    name = disk_cache.name_of(kernel, kinds)
    if not _others or name not in _asked or _claimed(_claims[0], name):
        return None
    while any(process.poll() is None for process in _others):
        entry = disk_cache.load(kernel, kinds)
        if entry is not None:
            return entry
        time.sleep(LOOK_S)
    return disk_cache.load(kernel, kinds)


def _claimed(folder: Path, name: str) -> bool:
    """Claim a kernel; False where another process has, and for every one once the first process has ended and its folder is gone."""
    try:
        (folder / hashlib.sha256(name.encode()).hexdigest()).mkdir()
        return True
    except OSError:
        return False


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


def _main(command: str, folder: str) -> None:
    for name in names_of(command):
        kernel, kinds = _parsed(name)
        if not disk_cache.load(kernel, kinds) and _claimed(Path(folder), name):
            kernel.entry_of(kinds)


if __name__ == "__main__":
    _main(*sys.argv[1:])
