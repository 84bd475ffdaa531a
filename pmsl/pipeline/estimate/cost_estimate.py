"""What slicing an order will cost, from slicing a little of it: time, memory, bytes on disk, print time, resin.

The mesh is loaded, repaired and placed as for the job itself, and the clock runs with it. Then a few blocks of layers, spread
over the height, are made and written by the writer of the order's format, to a folder for passing files: what a layer takes
is a difference of two such jobs, what a job takes besides is the rest. The machine's speed is in all of it. The work that is
not seen is that between the blocks. Memory is told from the triangles, the field and the threads, with measured constants
(`pmsl.pipeline.estimate.memory_estimate`). Print time is exact where layers differ only in dose; resin is the volume of
one closed body (layers round its top), or a mean of the sampled layers.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from pmsl.errors import FindingsError, OutputError
from pmsl.formats.registry import CONTOURS
from pmsl.job.meter import LayerCost
from pmsl.job.print_job import PrintJob
from pmsl.mesh.part import Part
from pmsl.pipeline.estimate.layer_sample import thin
from pmsl.pipeline.estimate.memory_estimate import likely_bytes
from pmsl.pipeline.io import refuse_findings
from pmsl.pipeline.slice_jobs import SlicedJob, check, prepare_job, write_job
from pmsl.pipeline.slice_request import SliceRequest
from pmsl.profiles.tables.strict_struct import Strict

BLOCK = 8  # layers side by side: what looks at neighbours finds them
FEW, MANY = 4, 16  # blocks
SHORT_S = 0.15  # a sample that takes less is too small a measure
LOW = 160  # layers of a job of which a third is always tried: on a busy machine a small sample takes long too


class Cost(Strict, frozen=True, kw_only=True):
    """What a job will cost.

    Attributes
    ----------
    seconds : float
        From loading the mesh to the job on disk, in a process that runs [s].
    peak_bytes : int
        The most memory the process takes.
    disk_bytes : int
        Sizes of the files of the job.
    layers, sampled : int
        Layers in all, and those that were made to know.
    print_time_s, resin_ml : float
        Of the print, motion included.
    """

    seconds: float
    peak_bytes: int
    disk_bytes: int
    layers: int
    sampled: int
    print_time_s: float
    resin_ml: float


@dataclass(frozen=True, slots=True)
class _Tried:
    """A thin job that was written: seconds, bytes, and time [s] and resin [µm³] of each layer."""

    seconds: float
    size: int
    costs: list[LayerCost]


def predicted(request: SliceRequest) -> Cost:
    """Return what an order will cost; its target is not touched.

    Raises
    ------
    PmslError
        What would stop the order before its first layer, or in the layers that are tried.
    """
    began = time.perf_counter()
    ready = prepare_job(request)
    return predicted_of(request, ready, time.perf_counter() - began)


def rehearsed(request: SliceRequest) -> Cost:
    """Return what an order will cost, but refuse it where carrying it out would refuse it (`pmsl.pipeline.slice_jobs.slice_job`).

    Its target, preview and options are checked, what is found of it is held against `fail_on`, and its format writes the layers that
    are tried, the first ones among them, as the order says. Where warnings are to stop it every layer is looked at.

    Raises
    ------
    PmslError
        What stops the order itself; of single layers, those that are tried.
    """
    began = time.perf_counter()
    _check_target(request)
    ready = prepare_job(request)
    ready_s = time.perf_counter() - began
    refuse_findings(ready.job.findings, request.fail_on, request.out)
    cost = predicted_of(request, ready, ready_s, as_ordered=True)
    if request.fail_on != "error":
        run = ready.job.in_order()
        for k in range(ready.job.n_layers):
            (plan,) = run.plans([k])
            refuse_findings(plan.findings, request.fail_on, request.out)
            run.passed(k)
        refuse_findings(run.findings(), request.fail_on, request.out)
    return cost


def _check_target(request: SliceRequest) -> None:
    """Check an order whose folder may not be there yet, because whoever carries it out makes it first."""
    out = Path(request.out).absolute()
    if out.parent.is_dir():
        check(request)
        return
    check_folder(out.parent)
    with tempfile.TemporaryDirectory(prefix="pmsl-plan-") as folder:
        preview = request.preview
        if preview is not None and Path(preview).absolute().parent == out.parent:
            preview = str(Path(folder) / Path(preview).name)
        check(replace(request, out=str(Path(folder) / out.name), preview=preview))


def check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be made; raises `OutputError`."""
    there = next(path for path in (folder, *folder.parents) if os.path.lexists(path))
    if not there.is_dir():
        raise OutputError(f"{folder}: cannot be made: {there} is no folder; choose another place")
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(f"{folder}: cannot be made or written: no permission in {there}; choose another place")


def predicted_of(request: SliceRequest, ready: SlicedJob, ready_s: float, as_ordered: bool = False) -> Cost:
    """Return what an order will cost of which is known how long (`ready_s`) it takes to make it ready.

    With `as_ordered` what its format or its `fail_on` refuses in the layers that are tried is refused.
    """
    job, n = ready.job, ready.job.n_layers
    blocks = blocks_of(job, FEW, request)
    one = _apart(blocks, n)
    with tempfile.TemporaryDirectory(prefix="pmsl-plan-") as folder:

        def tried(some: Sequence[range], design: bool = False) -> _Tried:
            return _written(request, ready, some, design, Path(folder), as_ordered)

        if as_ordered:  # the first layers differ from the others
            tried([range(min(n, BLOCK))])
        first = tried([one], design=not request.no_design)
        single, double = tried([one]), tried([one, one])
        many = tried(blocks)
        if (many.seconds < SHORT_S or n <= LOW) and len(more := blocks_of(job, MANY, request)) > len(blocks):
            blocks, many = more, tried(more)
    layer = double.size - single.size
    besides = single.size - layer
    count = sum(len(b) for b in blocks)
    each_s = max(many.seconds - single.seconds, 0.0) / max(count - 1, 1) if count > 1 else single.seconds
    each = max(many.size - besides, 0) / count
    return Cost(
        seconds=ready_s + first.seconds + max(n - _solved_at_once(job), 0) * each_s,
        peak_bytes=likely_bytes(request, ready),
        disk_bytes=int(besides + first.size - single.size + n * each),
        layers=n,
        sampled=count + 1,
        print_time_s=_print_time_s(ready, blocks, many.costs),
        resin_ml=_resin_ml(ready, blocks, many.costs),
    )


def blocks_of(job: PrintJob, count: int, request: SliceRequest) -> list[range]:
    """Return blocks of layers spread evenly over the height: those that corrections solve at once, or a few side by side."""
    n = job.n_layers
    if request.chosen_format().name in CONTOURS:
        long = min(n, BLOCK * count)
        return [range((n - long) // 2, (n - long) // 2 + long)]
    if job.correction is not None and job.correction.block_layers > 1:
        size = job.correction.block_layers
        chosen = np.unique(np.linspace(0, -(-n // size), min(FEW, count) + 2)[1:-1].astype(int))
        return [range(b * size, min((b + 1) * size, n)) for b in chosen.tolist() if b * size < n]
    size = BLOCK if n >= 2 * BLOCK * count else max(1, n // (3 * count))
    count = min(count, n // size)
    return [range(int((b + 0.5) * n / count - size / 2), int((b + 0.5) * n / count - size / 2) + size) for b in range(count)]


def _apart(blocks: Sequence[range], n: int) -> range:
    """Return a layer that is in no block, if there is one: what is made for it is not made for the blocks."""
    taken = {k for block in blocks for k in block}
    around = sorted(range(n), key=lambda k: abs(k - n // 2))
    k = next((k for k in around if k not in taken), n // 2)
    return range(k, k + 1)


def _solved_at_once(job: PrintJob) -> int:
    return 1 if job.correction is None else job.correction.block_layers


def _written(request: SliceRequest, ready: SlicedJob, blocks: Sequence[range], design: bool, folder: Path, as_ordered: bool) -> _Tried:
    """Write a thin job; what would be refused or found in it does not matter here, unless it is to be written `as_ordered`."""
    job, sampled = thin(ready.job, blocks, design or request.chosen_format().name in CONTOURS)
    target = folder / f"{len(os.listdir(folder))}{Path(request.out).suffix}"
    draft = replace(request, out=str(target), no_design=not design, lossy=request.lossy or not as_ordered, force=False, preview=None)
    began = time.perf_counter()
    try:
        write_job(draft, SlicedJob(job, ready.placed, ready.times_s), accept=not as_ordered, checks=False)
    except FindingsError as err:
        raise FindingsError(str(err).replace(str(target), request.out), err.findings) from None
    return _Tried(time.perf_counter() - began, size_of(target), sampled.costs)


def size_of(path: Path) -> int:
    """Return the sizes of a file, or of all files of a folder [bytes]."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def _print_time_s(ready: SlicedJob, blocks: Sequence[range], costs: list[LayerCost]) -> float:
    """Extrapolate the time of the sampled layers by the time that every layer's ordinary dose takes."""
    layers = [k for block in blocks for k in block]
    motion = ready.job.process.motion
    lit = sum(seconds for seconds, *_ in costs) - sum(motion.at(k).duration_s for k in layers)
    ordinary = float(ready.times_s[layers].sum())
    share = lit / ordinary if ordinary > 0 else 1.0
    return motion.duration_s(ready.job.n_layers) + share * float(ready.times_s.sum())


def _resin_ml(ready: SlicedJob, blocks: Sequence[range], costs: list[LayerCost]) -> float:
    """Return the volume of a single closed body whose contours stay, else the mean of the sampled layers by height."""
    parts = ready.job.design
    moved = any(ready.job.process.xy_offsets_um)
    if not moved and len(parts) == 1 and parts[0].solid.health.watertight and parts[0].solid.health.bodies == 1:
        return _volume_um3(parts[0]) * 1e-12
    heights = ready.job.grid.thickness_um
    seen = sum(float(heights[k]) for block in blocks for k in block)
    return sum(um3 for _, um3, *_ in costs) / seen * float(heights.sum()) * 1e-12


def _volume_um3(part: Part) -> float:
    return abs(part.solid.health.volume_um3 * float(np.linalg.det(part.transform[:3, :3])))
