"""How does one big job scale over processes and a Dask cluster, what is done by one, and what does a block cost?

Wall times of `pmsl.write` of a job that is prepared, workers started, to a folder on this machine; single-threaded workers. "costs" is
what the model of docs/scaling.md is made of: what the parent does alone, what a worker does before its first layer, a layer, a block
that holds next to nothing. "strong" is one job on more workers, "weak" as many more layers as workers; efficiency is against one
worker of the same kind: of wall time, and of the CPU seconds of the busiest worker, which hold on a machine that others use too, but
miss what is waited for. More workers than processors are not asked for: they would measure the system's scheduler. The error counts
the files that are not those of one process without workers.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import meshes
from measure import seconds
from msgspec.structs import replace

import pmsl
from pmsl.core.parallel import default_threads
from pmsl.formats.container.containers import FolderSink, FolderSource, check_written
from pmsl.formats.native.layer_blocks import gather
from pmsl.formats.protocol import BlockTarget, WriteOptions
from pmsl.job.print_job import PrintJob
from pmsl.optics.grayscale import response
from pmsl.pipeline import workers_of
from pmsl.pipeline.workers import block_task, job_spec

LAYERS, QUICK_LAYERS, QUICK_SIZE = 1500, 40, 0.25  # about a minute on one worker; half of the quick layers are thin enough too
EMPTY_BLOCKS = 200
HEIGHT_UM = 5000.0


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield the costs, then the scaling of both kinds of workers."""
    mesh = meshes.ellipsoid80k() if quick else meshes.ellipsoid1300k()
    if mesh.path is None:
        yield {"skipped": f"{mesh.name}: {mesh.skipped}"}
        return
    layers, size = (QUICK_LAYERS, QUICK_SIZE) if quick else (LAYERS, 1.0)
    with tempfile.TemporaryDirectory(prefix="pmsl-bench-") as scratch:
        yield from _costs(mesh, layers, Path(scratch), size)
        yield from _scaling(mesh, layers, Path(scratch), size)


def job_of(mesh: meshes.Mesh, layers: int, size: float = 1.0) -> PrintJob:
    """The mesh, or a smaller one, in so many layers, volume coverage; they are written with their dose maps."""
    printer, resin = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pr48-405")
    process = replace(pmsl.find_process("default"), coverage="volume", layer_um=size * HEIGHT_UM / layers)
    placed = pmsl.place([pmsl.load_solid(str(mesh.path))], printer, resin, scale=(size,) * 3)
    return pmsl.prepare(placed, printer, resin, process)


def _costs(mesh: meshes.Mesh, layers: int, scratch: Path, size: float) -> Iterator[dict[str, Any]]:
    """What is done once by the parent, once by each worker, once a layer and once a block."""
    solid: list[Any] = []
    yield _cost("parent", "load the mesh", seconds(lambda: solid.append(pmsl.load_solid(str(mesh.path)))))
    jobs: list[PrintJob] = []
    whole = seconds(lambda: jobs.append(job_of(mesh, layers, size)))
    yield _cost("parent", "load, place, prepare", whole)
    place = _place(scratch, "costs", dose=True)
    paths: list[Path] = []
    yield _cost("parent", "give the recipe, mesh included", seconds(lambda: paths.append(job_spec.store(jobs[0], place))))
    code = "import pmsl.pipeline.workers.block_task"
    yield _cost("worker", "start, imports", seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True)))
    yield _cost("worker", "read the mesh, prepare", seconds(lambda: block_task._job(str(paths[0]), True)))
    first = seconds(lambda: block_task.answer(str(paths[0]), layers // 2, layers // 2 + 1, True))
    yield _cost("worker", "index, first layer (kernels loaded from the cache)", first)
    many = min(layers // 2, 100)
    answers: list[bytes] = []
    took = seconds(lambda: answers.append(block_task.answer(str(paths[0]), layers // 4, layers // 4 + many, True)))
    block = block_task.msgspec.msgpack.decode(block_task.block_of(answers[0]))
    written = sum(size for layer in block[0] for _, _, size in layer[1])
    yield _cost("layer", "mask, frame, dose map, files", took / many) | {
        "bytes": written // many,
        "bytes to the parent": len(answers[0]) // many,
    }
    options = WriteOptions(response=response(jobs[0].printer))
    taken = seconds(lambda: gather([block_task.block_of(answers[0])], jobs[0], options, Path(place.folder), FolderSink(scratch), {}))
    yield _cost("layer", "take back, see that the files are there", taken / many)
    yield from _of_parent(jobs[0], scratch)
    yield from _of_blocks(scratch)


def _of_parent(job: PrintJob, scratch: Path) -> Iterator[dict[str, Any]]:
    """What the parent does for every layer when all are there."""
    from pmsl.formats.native import job_json

    whole = scratch / "whole"
    pmsl.write(job, whole, design=False, dose=True)
    data = (whole / "job.json").read_bytes()
    entries = job_json.decode(data, "job.json")
    yield _cost("layer", "job.json", seconds(lambda: job_json.encode(entries)) / job.n_layers) | {"bytes": len(data) // job.n_layers}
    hashes = {f"{p.parent.name}/{p.name}": hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(whole.glob("*/*"))}
    yield _cost("layer", "read back (a zip)", seconds(lambda: check_written(FolderSource(whole), hashes, 1)) / job.n_layers)


def _of_blocks(scratch: Path) -> Iterator[dict[str, Any]]:
    """What a block costs whose layers cost next to nothing."""
    printer, resin = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pr48-405")
    post = pmsl.Solid.from_arrays(
        [[0, 0, 0], [20, 0, 0], [0, 20, 0], [0, 0, 4.0 * EMPTY_BLOCKS]], [[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]]
    )
    job = pmsl.prepare(pmsl.place([post], printer, resin), printer, resin, replace(pmsl.find_process("default"), layer_um=1.0))
    for name, kind in _kinds():
        with kind(1) as crew:
            place = _place(scratch, f"blocks-{name}")
            blocks = crew.blocks(job, place)  # the worker reads the job
            list(blocks)
            blocks.close()
            path, spans = f"{place.work}/recipe.json", [(k, k + 1) for k in range(EMPTY_BLOCKS)]
            own = [seconds(lambda path=path, spans=spans: [block_task.answer(path, *span) for span in spans]) for _ in range(2)][1]
            again = type(blocks)(crew, path, spans)
            took = seconds(lambda again=again: list(again))
            again.close()
            yield _cost("block", f"hand over and take back, {name}", max(took - own, 0.0) / len(spans))


def _place(scratch: Path, name: str, dose: bool = False) -> BlockTarget:
    work, folder = scratch / f"{name}-work", scratch / f"{name}-job"
    for p in (work, folder, folder / "frames", folder / "dose"):
        p.mkdir()
    return BlockTarget(work=str(work), folder=str(folder), bundled=False, small=False, dose=dose)


def _cost(whose: str, what: str, took: float) -> dict[str, Any]:
    return {"table": "costs", "once a": whose, "what": what, "ms": 1e3 * took}


def _kinds() -> list[tuple[str, Callable[[int], Any]]]:
    kinds = [("processes", lambda n: workers_of(n, None))]
    try:
        import distributed  # noqa: F401
    except ImportError:
        return kinds
    return [*kinds, ("Dask", lambda n: workers_of(n, "local"))]


def _scaling(mesh: meshes.Mesh, layers: int, scratch: Path, size: float) -> Iterator[dict[str, Any]]:
    most = default_threads()
    counts = sorted({1, 2, most} & set(range(1, most + 1)))
    strong = job_of(mesh, layers, size)
    plain = _written(strong, scratch / "plain", None)[2]
    for name, kind in _kinds():
        base: dict[str, tuple[float, float]] = {}
        for n in counts:
            with kind(n) as crew:
                _written(strong, scratch / f"start-{name}-{n}", crew, only=True)
                took, busy, files = _written(strong, scratch / f"{name}-{n}", crew)
                wrong = sum(files.get(k) != v for k, v in plain.items()) + len(set(files) ^ set(plain))
                yield _scaled("strong", name, n, layers, took, busy, base.setdefault("strong", (took, busy)), 1.0) | {"ERROR files": wrong}
                if n < most:
                    took, busy, _ = _written(job_of(mesh, layers * n // most, size), scratch / f"{name}-weak-{n}", crew)
                few = layers * n // most
                yield _scaled("weak", name, n, few, took, busy, base.setdefault("weak", (took, busy)), float(n)) | {"ERROR files": 0}


def _cpu_s(crew: Any) -> list[float]:
    """CPU seconds of every worker so far."""
    if crew is None:
        return [time.process_time()]
    if hasattr(crew, "workers"):
        import psutil

        times = [psutil.Process(worker.pid).cpu_times() for worker in crew.workers]
        return [t.user + t.system for t in times]
    return list(crew._client.run(time.process_time).values())


def _written(job: PrintJob, path: Path, crew: Any, only: bool = False) -> tuple[float, float, dict[str, str]]:
    """Wall seconds of writing, CPU seconds of the busiest worker, and the hash of every file; with `only` a small job: workers start."""
    if only:
        printer, resin = pmsl.find_printer("pmsl-10um"), pmsl.find_resin("pr48-405")
        small = pmsl.load_solid(str(meshes.ellipsoid80k().path))
        job = pmsl.prepare(pmsl.place([small], printer, resin, scale=(0.1,) * 3), printer, resin)
    os.sync()
    before, began = _cpu_s(crew), time.perf_counter()
    pmsl.write(job, path, design=False, dose=True, workers=crew)
    took = time.perf_counter() - began
    busy = max(after - start for after, start in zip(_cpu_s(crew), before, strict=True))
    files = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in path.rglob("*") if p.is_file()}
    shutil.rmtree(path)
    return took, busy, files


def _scaled(
    table: str, kind: str, workers: int, layers: int, took: float, busy: float, one: tuple[float, float], work: float
) -> dict[str, Any]:
    return {
        "table": table,
        "workers are": kind,
        "workers": workers,
        "layers": layers,
        "wall s": took,
        "layers/s": layers / took,
        "efficiency %": 100 * work * one[0] / took / workers,
        "CPU s, busiest": busy,
        "of CPU %": 100 * work * one[1] / busy / workers,
    }
