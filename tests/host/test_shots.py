"""Exposures for hosts with their own loop: bytes, order, buffers, back-pressure, workers that stop."""

import asyncio
import dataclasses
import gc
import threading
import time

import numpy as np
import pytest
from host_doubles import doubled, small_job

import pmsl
from pmsl.errors import HostError, JobError, UsageError
from pmsl.formats.frames.device_frame import device_frame, painted_frame
from pmsl.host.control.layer_prefetch import LayerPrefetch
from pmsl.profiles.printer import Orientation

ORIENTATIONS = [Orientation(row=r, col=c) for r in ("+x", "-x", "+y", "-y") for c in ("+x", "-x", "+y", "-y") if r[1] != c[1]]


@pytest.fixture(scope="module")
def job():
    return doubled(small_job(4))


def workers():
    return [t for t in threading.enumerate() if t.name.startswith("pmsl-frame")]


def counted(job, made, wait=None):
    def plan_layer(k):
        if wait is not None:
            wait(k)
        made.append(k)
        return job.plan_layer(k)

    return dataclasses.replace(job, plan_layer=plan_layer)


@pytest.mark.parametrize("prefetch", [0, 1, 3, 100])
def test_all_exposures_in_order(job, prefetch):
    pulled = list(pmsl.host.exposures(job, prefetch=prefetch))
    assert [(s.layer, s.exposure) for s in pulled] == [(k, j) for k in range(4) for j in range(2)]
    for shot in pulled:
        e = job[shot.layer].exposures[shot.exposure]
        assert np.array_equal(shot.frame, device_frame(e.mask, job.printer.orientation))
        assert shot.frame.flags.c_contiguous and not shot.frame.flags.writeable and shot.frame.dtype == np.uint8
        assert (shot.time_s, shot.repeat, shot.sha256, shot.wavelength_nm) == (e.time_s, e.repeat, e.mask.sha256(), 405)
        assert (shot.z_um, shot.thickness_um) == (pytest.approx(10 * (shot.layer + 1)), pytest.approx(10))
    assert not workers()


def test_slicing_on_demand_gives_the_bytes_of_the_written_job_in_any_order(tmp_path):
    job = small_job(6)
    pmsl.write(job, tmp_path / "j.zip")
    written = pmsl.read(tmp_path / "j.zip")
    for k in (5, 0, 3, -1, 3):
        for ours, theirs in zip(pmsl.host.shots(job, k), pmsl.host.shots(written, k), strict=True):
            assert np.array_equal(ours.frame, theirs.frame) and ours.sha256 == theirs.sha256
            assert (ours.layer, ours.time_s, ours.power, ours.z_um) == (theirs.layer, theirs.time_s, theirs.power, theirs.z_um)
    with pytest.raises(IndexError):
        pmsl.host.shots(job, 6)


@pytest.mark.parametrize(("start", "first", "many"), [(0, (0, 0), 8), (2, (2, 0), 4), ((2, 1), (2, 1), 3), ((1, 2), (2, 0), 4)])
def test_start(job, start, first, many):
    pulled = list(pmsl.host.exposures(job, start=start))
    assert (pulled[0].layer, pulled[0].exposure) == first and len(pulled) == many


def test_buffers_are_used_in_turn(job):
    out = [np.full((24, 40), 7, np.uint8) for _ in range(3)]
    kept = []
    for i, shot in enumerate(pmsl.host.exposures(job, out=out)):
        assert shot.frame is out[i % 3]
        kept.append(shot.frame.copy())
    assert all(np.array_equal(a, s.frame) for a, s in zip(kept, pmsl.host.exposures(job), strict=True))


@pytest.mark.parametrize(
    "out",
    [
        [],
        [np.zeros((40, 24), np.uint8)],
        [np.zeros((24, 40), np.uint16)],
        [np.zeros((48, 40), np.uint8)[::2]],
        [np.zeros((24, 40), np.uint8)] * 2,
        [np.frombuffer(bytes(24 * 40), np.uint8).reshape(24, 40)],
    ],
)
def test_buffers_that_do_not_fit(job, out):
    with pytest.raises(UsageError, match="out"):
        pmsl.host.exposures(job, out=out)


def test_calls_that_do_not_fit(job):
    for wrong in ({"start": 4}, {"start": -1}, {"start": (0, -1)}, {"prefetch": -1}):
        with pytest.raises(UsageError):
            pmsl.host.exposures(job, **wrong)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("form", ["runs", "dense"])
def test_painted_frames_are_device_frames(orientation, form):
    levels = np.zeros((7, 11), np.uint8)
    levels[1:6, 2:9] = np.random.default_rng(3).choice([0, 0, 90, 255, 255], (5, 7))
    mask = pmsl.LayerMask.from_dense(0, levels)
    if form == "runs":
        mask = pmsl.LayerMask.from_runs(0, (7, 11), mask.window.row0, mask.runs_8bit())
    wanted = np.ascontiguousarray(device_frame(mask, orientation))
    out = np.full(wanted.shape, 9, np.uint8)
    assert np.array_equal(painted_frame(mask, orientation), wanted) and painted_frame(mask, orientation, out) is out
    assert np.array_equal(out, wanted) and painted_frame(mask, orientation).flags.c_contiguous


# --- workers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ahead", [1, 3])
def test_no_more_is_made_than_the_window_holds(ahead):
    made, job = [], small_job(12)
    pulled = pmsl.host.exposures(counted(job, made), prefetch=ahead)
    assert made == []  # nothing before it is asked for
    for n in range(1, 6):
        next(pulled)
        until = time.monotonic() + 30
        while len(made) < n + ahead and time.monotonic() < until:
            time.sleep(0.001)
        time.sleep(0.01)
        assert sorted(made) == list(range(n + ahead))
    pulled.close()
    assert not workers() and len(made) == 5 + ahead


def test_workers_stop_when_the_loop_is_left():
    job = small_job(12)

    def leave_with(how):
        for shot in pmsl.host.exposures(job):
            if shot.layer == 2:
                if how == "break":
                    break
                raise KeyError(how)

    leave_with("break")
    with pytest.raises(KeyError):
        leave_with("error")
    gc.collect()
    assert not workers()


def test_a_frame_that_fails_ends_the_exposures():
    def wait(k):
        if k == 2:
            raise JobError("layer 2 is damaged")

    pulled = pmsl.host.exposures(counted(small_job(6), [], wait))
    assert [next(pulled).layer for _ in range(2)] == [0, 1]
    with pytest.raises(JobError, match="damaged"):
        next(pulled)
    assert next(pulled, None) is None and not [t for t in workers() if not t.join(10) and t.is_alive()]
    for ahead in (0, 2):
        feed = LayerPrefetch(counted(small_job(6), [], wait), range(2, 6), ahead)
        with pytest.raises(JobError):
            feed.next()
        with pytest.raises(HostError, match="closed"):  # a feed that failed is not one that is finished
            feed.next()


def test_asyncio_pulls_the_same_and_leaves_nothing_behind(job):
    async def pull(stop):
        got = []
        async for shot in pmsl.host.aexposures(job):
            got.append((shot.layer, shot.exposure))
            if len(got) == stop:
                break
        return got

    assert asyncio.run(pull(99)) == [(k, j) for k in range(4) for j in range(2)]
    assert asyncio.run(pull(3)) == [(0, 0), (0, 1), (1, 0)]
    gate = threading.Event()

    async def cancelled():
        slow = counted(job, [], lambda k: gate.wait(60))
        task = asyncio.ensure_future(anext(pmsl.host.aexposures(slow)))
        await asyncio.sleep(0.01)
        task.cancel()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert not workers()


def test_an_impatient_caller_leaves_no_worker_behind_either():
    """Cancelled again while it waits for the thread that makes the frame: the workers still stop before the task ends."""
    gate, begun = threading.Event(), threading.Event()

    def slow(k):
        begun.set()
        gate.wait(60)

    async def cancelled():
        task = asyncio.ensure_future(anext(pmsl.host.aexposures(counted(small_job(4), [], slow))))
        while not begun.is_set():
            await asyncio.sleep(0.001)
        for _ in range(5):
            task.cancel()
            await asyncio.sleep(0)
        assert not task.done()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not workers()

    asyncio.run(cancelled())
