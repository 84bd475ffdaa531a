"""What does a job of a batch cost beside the slicing itself, and does a worker stay the same over 2 000 jobs?

A hundred small jobs, once as `pmsl batch --jobs 1` (a whole process: two interpreters, the kernels loaded once, hashes, journal,
summary) and once one after the other in a process that is warm: the difference by a hundred is the overhead of a job, 50 ms at
most is the aim. Then the same batch when all of it is done. Last 2 000 jobs in one worker: memory, open files and threads after
every so many; the growth is from the first tenth to the end. The error is the number of jobs whose bytes differ.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from batched import HEAD
from measure import pmsl, process, python

from pmsl.batch import read_batch
from pmsl.batch.fingerprint import fingerprint
from pmsl.pipeline.slice_jobs import slice_job


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the batch, then the soak."""
    with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
        yield from _hundred(Path(scratch), 20 if quick else 100)
    with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
        told = process(python(__file__, str(scratch), "100" if quick else "2000")).output
        yield from json.loads(told)


def _hundred(folder: Path, many: int) -> Iterator[dict[str, Any]]:
    file = folder / "batch.toml"
    heights = [round(10 + 0.1 * i, 1) for i in range(many)]
    file.write_text(HEAD + f'[[job]]\nname = "part"\n[job.sweep]\n"process.layer_um" = {heights}\n')
    jobs = read_batch(file).jobs
    alone = folder / "alone"
    alone.mkdir()
    orders = [json_order(job.request, alone / job.name) for job in jobs]
    slice_job(json_order(jobs[0].request, folder / "first"))  # loads the kernels
    began = time.perf_counter()
    for order in orders:
        slice_job(order)
    slicing = time.perf_counter() - began
    for what in ("all to be made", "all made already"):
        ran = process(pmsl("batch", str(file), "--jobs", "1"))
        differ = sum(fingerprint(alone / job.name) != fingerprint(folder / "night" / job.name) for job in jobs)
        base = slicing if what == "all to be made" else 0.0
        yield {
            "table": "a batch of small jobs, one at a time",
            "batch": what,
            "jobs": many,
            "wall s": ran.wall_s,
            "slicing alone s": base,
            "overhead a job ms": (ran.wall_s - base) / many * 1e3,
            "CPU s": ran.cpu_s,
            "ERROR jobs that differ": differ,
        }


def json_order(order: Any, out: Path) -> Any:
    """Return an order with another target, one thread."""
    from msgspec.structs import replace

    return replace(order, out=str(out), threads=1)


def soak(folder: Path, many: int) -> list[dict[str, Any]]:
    """Carry out many jobs in this process; return what it holds after every tenth of them."""
    from pmsl.core.process_memory import resident_bytes

    file = folder / "batch.toml"
    file.write_text(HEAD + '[[job]]\nname = "a"\n[[job]]\nname = "b.zip"\ncoverage = "volume"\n[[job]]\nname = "c.sl1"\nlossy = true\n')
    jobs = read_batch(file).jobs
    (folder / "night").mkdir()
    found: list[dict[str, Any]] = []
    first: dict[str, str] = {}
    differ = 0
    for i in range(1, many + 1):
        job = jobs[i % len(jobs)]
        from msgspec.structs import replace

        slice_job(replace(job.request, force=True, threads=2))
        mark = fingerprint(Path(job.request.out))
        differ += first.setdefault(job.name, mark) != mark
        if i % (many // 10) == 0:
            mib = (resident_bytes() or 0) / 2**20
            base = found[0]["resident MiB"] if found else mib
            files = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
            row = {"table": "many jobs in one process", "jobs": i, "resident MiB": mib, "growth MiB": mib - base, "open files": files}
            found.append(row | {"ERROR jobs that differ": differ})
    return found


if __name__ == "__main__":
    print(json.dumps(soak(Path(sys.argv[1]), int(sys.argv[2]))))
