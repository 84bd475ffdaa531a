"""Layers made by other processes: the same bytes, whatever happens to the processes."""

import contextlib
import dataclasses
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from formats.conformance import job_of, printer_of
from msgspec.structs import replace
from solids import box, icosphere
from tiers import thinned

import pmsl
from pmsl.errors import JobError, MeshError, OutputError, UsageError, WorkerError
from pmsl.formats.native import block_writer, layer_blocks
from pmsl.mesh.part import Part
from pmsl.pipeline import with_depth, workers_of
from pmsl.pipeline.workers import block_task, job_spec, local_pool
from pmsl.pipeline.workers.local_pool import BlockWorker, LocalPool, WorkerLost
from pmsl.pipeline.workers.partition import parted

PROCESS = replace(pmsl.find_process("default"), layer_um=4.0)
RESIN = pmsl.find_resin("pr48-405")
BALL = icosphere(2, 100, (0, 0, 100))
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")


def at(x, y, **more):
    transform = np.eye(4)
    transform[:2, 3] = x, y
    return Part(solid=BALL, transform=transform, label=f"{x},{y}", **more)


TWO = (at(300, 300), at(700, 350.3))


def job_with(parts=TWO, process=PROCESS, resin=RESIN):
    return pmsl.prepare(list(parts), printer_of((96, 120)), resin, process)


def files(path: Path) -> dict[str, str]:
    """Hash of every file."""
    inside = sorted(path.rglob("*")) if path.is_dir() else [path]
    return {str(p.relative_to(path)): hashlib.sha256(p.read_bytes()).hexdigest() for p in inside if p.is_file()}


def same(a: Path, b: Path) -> bool:
    """Tell whether two jobs have the same files with the same bytes."""
    return files(a) == files(b)


@pytest.fixture(scope="module")
def pool():
    """Two workers for all tests that leave them alive."""
    with LocalPool(2) as workers:
        yield workers


@pytest.mark.parametrize(("name", "more"), thinned(2, ["job.zip", "job"], [{}, {"dose": True, "design": False, "png": "small"}]))
def test_the_bytes_are_those_of_one_process(pool, tmp_path, name, more):
    job, told = job_with(), []
    plain = pmsl.write(job, tmp_path / f"a-{name}", **more)
    written = pmsl.write(job, tmp_path / f"b-{name}", workers=pool, progress=lambda *p: told.append(p), **more)
    assert plain == written and same(tmp_path / f"a-{name}", tmp_path / f"b-{name}")
    assert told == [(k + 1, job.n_layers) for k in range(job.n_layers)]
    assert len(list(tmp_path.iterdir())) == 2 and pmsl.verify(tmp_path / f"b-{name}") == []


WAYS = {
    "volume coverage": lambda: job_with([at(300, 300), at(350, 320)], replace(PROCESS, coverage="volume")),
    "dose scales": lambda: job_with([at(300, 300), at(700, 300, dose_scale=1.5), at(500, 520, dose_scale=0.8)]),
    "few grays": lambda: with_depth(job_with(), 3),
    "dropped grays": lambda: job_with(process=replace(PROCESS, coverage="volume", unreachable="drop")),
    "open mesh": lambda: job_with([dataclasses.replace(at(400, 400), solid=pmsl.Solid.from_arrays(BALL.vertices_um, BALL.faces[3:]))]),
    "a bare soup": lambda: job_with([box((100, 100, 0), (500.5, 300.25, 90))]),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_kind_of_job(pool, tmp_path, way):
    job = WAYS[way]()
    pmsl.write(job, tmp_path / "a")
    pmsl.write(WAYS[way](), tmp_path / "b", workers=pool)
    assert same(tmp_path / "a", tmp_path / "b")


def test_a_stl_and_its_copies(pool, tmp_path, samples):
    printer = pmsl.find_printer("pmsl-2um")
    solid = pmsl.load_solid(samples / "f_orientation.stl")
    placed = pmsl.place_copies([solid], printer, RESIN, (3, 2), spacing_um=(50.5, 20), scale=(0.3, 0.3, 1.0))
    job = pmsl.prepare(placed, printer, RESIN)
    pmsl.write(job, tmp_path / "a.zip")
    pmsl.write(job, tmp_path / "b.zip", workers=pool)
    assert same(tmp_path / "a.zip", tmp_path / "b.zip")


def test_corrected_layers_keep_their_blocks(pool, tmp_path):
    process = replace(PROCESS, layer_um=10.0, corrections=("edges", "printthrough"))
    stated = replace(pmsl.find_resin("pegda-nps-1.0-385"))
    stated = replace(
        stated, resin=replace(stated.resin, memory=pmsl.profiles.tables.strict_struct.Value("enclosed", "placeholder", "test"))
    )
    parts = [box((30, 30, 0), (330, 250, 700)), box((340, 30, 300.7), (420, 240, 700))]
    printer = printer_of((40, 60), base="microfluidics-7.6um")
    job = pmsl.prepare(parts, printer, stated, process, accept_uncalibrated=True)
    spans = list(parted(job, 2))
    assert len(spans) > 1 and all(first % job.correction.block_layers == 0 for first, _ in spans)
    pmsl.write(job, tmp_path / "a")
    pmsl.write(job, tmp_path / "b", workers=pool)
    assert same(tmp_path / "a", tmp_path / "b")


def test_grays_that_layers_of_other_blocks_cure(tmp_path):
    """A faint plateau whose light comes from, or is missing in, the layers above the block it is in: found as in one run."""
    parts = [box((76, 76, 0), (228, 228, 60)), *(box((76, 76, z), (380, 300, z + 1.7)) for z in (3.8, 17.7, 31.9, 43.8))]
    job = job_with(parts, replace(PROCESS, coverage="volume", bottom_dose_factors=()))
    whole = job.in_order()
    for k in range(len(job)):
        whole.plans([k])
        whole.passed(k)
    expected = whole.findings()
    assert expected
    for size in (1, 3, 7):
        found = []
        for first in range(0, len(job), size):
            run = job.in_order(min(first + size, len(job)))
            for k in range(first, min(first + size, len(job))):
                run.plans([k])
                run.passed(k)
            found += run.findings()
        assert tuple(found) == expected


def test_a_worker_that_is_killed_costs_its_layers(tmp_path, monkeypatch):
    job, make = job_with(), BlockWorker.make
    pmsl.write(job, tmp_path / "a")
    pmsl.write(job, tmp_path / "a.zip")
    doomed = set()

    def killed(worker, path, span):
        if worker.pid in doomed:
            os.kill(worker.pid, signal.SIGKILL)  # before it has made its block, however quick it is
        return make(worker, path, span)

    monkeypatch.setattr(BlockWorker, "make", killed)
    with LocalPool(2) as pool:
        for name in ("b", "b.zip"):
            doomed.add(pool.workers[0].pid)
            before = [w.pid for w in pool.workers]

            def kill(done, total, before=before):
                if done == 1:
                    for pid in before:
                        with contextlib.suppress(ProcessLookupError):  # it was the one that nobody asked for anything since
                            os.kill(pid, signal.SIGKILL)

            pmsl.write(job, tmp_path / name, workers=pool, progress=kill)
            assert pool.workers[0].pid != before[0]
    assert same(tmp_path / "a", tmp_path / "b") and same(tmp_path / "a.zip", tmp_path / "b.zip")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "a.zip", "b", "b.zip"]


def test_a_block_that_kills_every_worker_is_given_up(pool, tmp_path, monkeypatch):
    monkeypatch.setattr(BlockWorker, "make", lambda self, path, span: (_ for _ in ()).throw(WorkerLost("killed by signal 9")))
    with LocalPool(1) as workers, pytest.raises(WorkerError, match="layers 0..3: 3 workers were lost over them, the last one killed by"):
        pmsl.write(job_with(), tmp_path / "b", workers=workers)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of another process is set")
@pytest.mark.parametrize("name", ["job", "job.zip"])
def test_a_worker_that_cannot_write(tmp_path, name):
    """As a full disk: every file the worker writes ends early."""
    import resource

    with LocalPool(1) as workers:
        resource.prlimit(workers.workers[0].pid, resource.RLIMIT_FSIZE, (50, 50))
        with pytest.raises(OutputError, match=f"{name}: .*nothing was written"):
            pmsl.write(job_with(), tmp_path / name, workers=workers)
    assert not list(tmp_path.iterdir())


def test_no_space_in_a_worker_is_no_space(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device")

    job = job_with()
    work = tmp_path / "work"
    work.mkdir()
    place = block_task.BlockTarget(work=str(work), folder=str(tmp_path), bundled=False, small=False, dose=False)
    path = job_spec.store(job, place)
    monkeypatch.setattr(block_task, "make_block", full)
    with pytest.raises(OSError, match="No space left") as told:
        block_task.block_of(block_task.answer(str(path), 0, 1))
    assert told.value.errno == 28


@pytest.mark.parametrize(
    "error", [JobError("a"), MeshError("b"), pmsl.errors.TargetError("c", "field", 3, 2), MemoryError("d"), ZeroDivisionError("e")]
)
def test_trouble_crosses_the_border(monkeypatch, error):
    def fail(*_):
        raise error

    monkeypatch.setattr(block_task, "_job", fail)
    wanted = RuntimeError if isinstance(error, ZeroDivisionError) else type(error)
    with pytest.raises(wanted, match=str(error)):
        block_task.block_of(block_task.answer("x", 0, 1))


def test_a_worker_that_does_not_see_the_folder(tmp_path):
    with pytest.raises(WorkerError, match="does not see .*recipe.json.*a disk that all workers share"):
        block_task.block_of(block_task.answer(str(tmp_path / "recipe.json"), 0, 4))


def test_a_recipe_of_another_version_is_refused(tmp_path):
    (tmp_path / "recipe.json").write_text('{"version": "9.9"}')
    with pytest.raises(WorkerError, match="made by pmsl 9.9, this worker has"):
        block_task.block_of(block_task.answer(str(tmp_path / "recipe.json"), 0, 4))


def test_files_that_are_not_what_the_worker_wrote(tmp_path, monkeypatch):
    """As on a disk that is not the one the workers write to, or that loses bytes."""
    (tmp_path / "a.png").write_bytes(b"12")
    layer_blocks._check_there(tmp_path / "a.png", layer_blocks.File("a.png", "", 2))
    with pytest.raises(JobError, match="a.png: a worker wrote it, and here it has 2 of 3 bytes"):
        layer_blocks._check_there(tmp_path / "a.png", layer_blocks.File("a.png", "", 3))
    with pytest.raises(JobError, match="frames/b.png: a worker wrote it, and here it is missing"):
        layer_blocks._check_there(tmp_path / "b.png", layer_blocks.File("frames/b.png", "", 3))
    (tmp_path / "work").mkdir()
    (tmp_path / "frames").mkdir()
    job = job_with()
    place = block_task.BlockTarget(work=str(tmp_path / "work"), folder=str(tmp_path), bundled=False, small=False, dose=False)
    path = job_spec.store(job, place)
    monkeypatch.setattr(block_writer, "_put", lambda beside, path, data: path.write_bytes(data[:-1]))
    with pytest.raises(JobError, match="what was read back is not what was written"):
        block_task.block_of(block_task.answer(str(path), 0, 2))


def test_what_cannot_be_spread_is_refused(pool, tmp_path):
    with pytest.raises(UsageError, match="format goo: its layers are made in one process"):
        pmsl.write(job_with(), tmp_path / "a.goo", workers=pool)
    with pytest.raises(UsageError, match="not made of parts and profiles"):
        pmsl.write(job_of([np.ones((9, 9), np.uint8)] * 3, printer_of((9, 9))), tmp_path / "a", workers=pool, design=False)
    with pytest.raises(UsageError, match="--processes 0"):
        pmsl.write(job_with(), tmp_path / "a", processes=0)
    assert workers_of(None, None) is None and not list(tmp_path.iterdir())


def test_the_target_is_refused_and_findings_stop_the_job(pool, tmp_path):
    job = job_with()
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UsageError, match="mine"):
        pmsl.write(job, tmp_path / "mine", workers=pool)
    with pytest.raises(pmsl.errors.FindingsError):
        pmsl.write(job, tmp_path / "b", workers=pool, fail_on="info")
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]


def gone(pid):
    """Tell whether a process has ended; its parent may not have noticed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_an_interrupt_ends_the_workers_in_the_middle(tmp_path):
    job, seen = job_with(), []

    def stop(done, total):
        if done == total // 4:
            seen.extend(w.pid for w in pool.workers)
            raise KeyboardInterrupt

    with LocalPool(2) as pool, pytest.raises(KeyboardInterrupt):
        pmsl.write(job, tmp_path / "b", workers=pool, progress=stop)
    assert len(seen) == 2 and not list(tmp_path.iterdir())
    if sys.platform == "linux":
        assert all(gone(pid) for pid in seen)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is looked at")
def test_workers_end_with_a_parent_that_is_killed():
    """It has no time to tell them."""
    code = (
        "import time; from pmsl.pipeline.workers.local_pool import LocalPool\n"
        "with LocalPool(2) as pool:\n    print(*[w.pid for w in pool.workers], flush=True)\n    time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 20
    while not all(gone(pid) for pid in pids) and time.monotonic() < until:
        time.sleep(0.02)
    assert all(gone(pid) for pid in pids)


def test_blocks_that_are_not_taken_are_ended(tmp_path):
    """`close` returns only when nobody writes any more."""
    job = job_with()
    with LocalPool(2) as pool:
        work, folder = tmp_path / "work", tmp_path / "job"
        for p in (work, folder, folder / "frames"):
            p.mkdir()
        blocks = pool.blocks(job, block_task.BlockTarget(work=str(work), folder=str(folder), bundled=False, small=False, dose=False))
        next(iter(blocks))
        blocks.close()
        there = files(tmp_path)
        assert not [t for t in threading.enumerate() if t.name.startswith("pmsl-worker")]
        time.sleep(0.2)
        assert files(tmp_path) == there and len(there) > 3


def test_layers_are_parted_evenly():
    job = job_with()
    for workers in (1, 2, 16, 1000):
        spans = list(parted(job, workers))
        assert [a for a, _ in spans] == [0, *(b for _, b in spans[:-1])] and spans[-1][1] == job.n_layers
    assert local_pool.LOST_MOST == 3
