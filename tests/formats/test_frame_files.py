"""GOO, CTB, OME-TIFF and OME-Zarr: what is written is read, to the bit; what they cannot hold is refused; damage is told."""

import dataclasses
import shutil
from pathlib import Path

import jobs_of_arrays
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

from pmsl.core.mask import LayerMask
from pmsl.errors import JobError, TargetError, UsageError
from pmsl.formats import registry
from pmsl.formats.ctb.ctb_records import GRAYS
from pmsl.formats.frames.frame_runs import relevelled
from pmsl.formats.protocol import VerifyOptions

FORMATS = ("goo", "ctb", "ctb-xor", "ome-tiff", "ome-zarr")
TURNS = {
    "goo": [("-y", "+x"), ("-y", "-x"), ("+y", "+x"), ("+y", "-x")],
    "ctb": [("-y", "+x"), ("-y", "-x")],
    "ctb-xor": [("-y", "+x")],
    "ome-tiff": [(a + u, b + v) for u, v in ("xy", "yx") for a in "+-" for b in "+-"],
    "ome-zarr": [("-y", "+x"), ("-x", "+y")],
}
PARTIAL = {"partial-file"}


def target(name, folder):
    return folder / f"job{'.zarr' if name == 'ome-zarr' else '.bin'}"


def write(name, job, folder, **more):
    path = target(name, folder)
    written = registry.find(name).write(job, path, jobs_of_arrays.options(force=True, **more))
    return path, written


def same(job, again):
    assert np.array_equal(jobs_of_arrays.levels_of(again), jobs_of_arrays.levels_of(job))
    assert jobs_of_arrays.times_of(again) == pytest.approx(jobs_of_arrays.times_of(job), rel=1e-6)
    assert again.grid.z_edges_um == pytest.approx(job.grid.z_edges_um, rel=1e-6) and again.grid.pitch_um == pytest.approx(job.grid.pitch_um)
    assert again.engines[0].orientation == job.engines[0].orientation
    assert again.resin.name == job.resin.name or "ctb" in again.resin.name
    for plan, other in zip(job.layers(), again.layers(), strict=True):
        assert plan.z_top_um == pytest.approx(other.z_top_um, rel=1e-6)
        assert plan.motion.duration_s == pytest.approx(other.motion.duration_s, rel=1e-5)
        assert (plan.motion.lift_um, plan.motion.lift_um_s) == pytest.approx((other.motion.lift_um, other.motion.lift_um_s), rel=1e-6)


DEGENERATE = {
    "every gray": np.arange(256).reshape(2, 8, 16),
    "last pixel": np.pad([[[255]]], ((1, 1), (4, 0), (8, 0))),
    "empty and full layers": np.array([[[255] * 7] * 3, [[0] * 7] * 3, [[255] * 7] * 3]),
    "single columns": np.tile([0, 255], (2, 5, 6)),
    "one pixel": np.array([[[255]], [[3]]]),
    "one row": np.arange(1, 34).reshape(1, 1, 33) * 7,
    "one column": np.arange(1, 34).reshape(1, 33, 1) * 7,
}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_frames(name, case, tmp_path):
    levels = DEGENERATE[case].astype(np.uint8)
    if name.startswith("ctb"):
        levels = np.where(levels < 2, 0, levels | 1).astype(np.uint8)
    job = jobs_of_arrays.job_of(levels, np.where(levels.any(axis=(1, 2)), 1.5, 0))
    path, _ = write(name, job, tmp_path)
    same(job, registry.recognise(path).read(path))
    assert registry.find(name).verify(path, VerifyOptions()) == []


@given(data=st.data())
@settings(max_examples=examples(5))
@pytest.mark.parametrize("name", FORMATS)
def test_what_is_written_is_read(name, data, tmp_path_factory):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    n, rows, cols = random.integers(1, 5), random.integers(1, 9), random.integers(1, 21)
    kept = np.array(GRAYS if name.startswith("ctb") else range(256))
    levels = random.choice(kept[random.integers(0, len(kept), 5)] if random.random() < 0.5 else kept, (n, rows, cols))
    edges = np.concatenate([[0], np.cumsum(random.integers(1, 40000, n) / 1000)])
    row, col = data.draw(st.sampled_from(TURNS[name]))
    times = np.where(levels.any(axis=(1, 2)), random.uniform(0.01, 9, n), 0)
    job = jobs_of_arrays.job_of(levels, times, edges, row, col, pitch_um=(7.6, 7.6))
    path, _ = write(name, job, tmp_path_factory.mktemp("t"))
    same(job, registry.find(name).read(path))


@pytest.mark.parametrize("name", FORMATS)
def test_the_f_lies_as_it_does_in_the_job(name, samples, tmp_path):
    job = jobs_of_arrays.f_job(samples)
    path, written = write(name, job, tmp_path, lossy=True)
    again = registry.recognise(path).read(path)
    lossy = {f.code for f in written.findings if f.code.startswith("lossy")}
    assert lossy == ({"lossy-gray"} if name.startswith("ctb") else set())
    want = jobs_of_arrays.levels_of(job)
    if name.startswith("ctb"):
        want = np.where(want < 2, 0, want | 1)
    assert np.array_equal(jobs_of_arrays.levels_of(again), want)
    assert {f.code for f in again.findings} >= PARTIAL and not again.calibrated


def test_grays_between_are_refused_by_ctb(tmp_path):
    with pytest.raises(TargetError, match="gray is 4 of 255, it must be one of 128 levels"):
        write("ctb", jobs_of_arrays.job_of(np.full((1, 3, 4), 4), [1.0]), tmp_path)
    assert not any(tmp_path.iterdir())


def test_frames_wider_than_a_goo_can_say_are_refused(tmp_path):
    with pytest.raises(TargetError, match="frame size is 65536x1 px"):
        write("goo", jobs_of_arrays.job_of(np.full((1, 1, 65536), 255), [1.0]), tmp_path, lossy=True)


@given(st.integers(0, 2**32))
def test_grays_are_taken_to_others_run_by_run_as_pixel_by_pixel(seed):
    random = np.random.default_rng(seed)
    levels = np.repeat(random.integers(0, 256, (6, 9)), random.integers(1, 5, 9), axis=1).astype(np.uint8)
    levels[random.integers(0, 6)] = 0
    table = np.sort(random.choice([0, 3, 90, 255], 256)).astype(np.uint8)
    table[0] = 0
    made_of = relevelled(LayerMask.from_dense(4, levels), table)
    assert np.array_equal(made_of.dense(np.uint8), table[levels]) and made_of.index == 4
    assert made_of.sha256() == LayerMask.from_dense(4, table[levels]).sha256()


def test_another_light_setting_in_one_layer_is_refused(tmp_path):
    job = jobs_of_arrays.job_of(np.full((3, 2, 2), 255), [1.0, 1.0, 1.0])
    brighter = dataclasses.replace(job[1], exposures=(dataclasses.replace(job[1].exposures[0], power=0.5),))
    mixed = dataclasses.replace(job, plan_layer=lambda k: brighter if k == 1 else job[k])
    with pytest.raises(TargetError, match="layer 1: power is 0.5, it must equal 1 in all layers"):
        write("goo", mixed, tmp_path, lossy=True)


def test_dose_maps_go_only_where_they_have_a_place(tmp_path):
    for name in ("goo", "ctb"):
        with pytest.raises(UsageError, match="holds no dose maps"):
            write(name, jobs_of_arrays.job_of(np.full((1, 3, 4), 255), [1.0]), tmp_path, dose_of=lambda *_: None)


def test_each_layer_keeps_its_own_move(tmp_path):
    from msgspec.structs import replace

    motions = [replace(jobs_of_arrays.MOTION, lift_um=1000.0 * (k + 1), settle_s=k + 1.0) for k in range(3)]
    job = jobs_of_arrays.job_of(np.full((3, 2, 2), 255), [1.0, 2.0, 3.0], motions=motions)
    for name in FORMATS:
        (tmp_path / name).mkdir()
        path, _ = write(name, job, tmp_path / name)
        again = registry.find(name).read(path)
        assert [again[k].motion.lift_um for k in range(3)] == pytest.approx([1000, 2000, 3000])
        assert [again[k].motion.duration_s for k in range(3)] == pytest.approx([job[k].motion.duration_s for k in range(3)], rel=1e-5)


def test_only_a_file_of_its_kind_is_replaced(tmp_path):
    job = jobs_of_arrays.job_of(np.full((1, 2, 2), 255), [1.0])
    for name in FORMATS:
        path = target(name, tmp_path)
        if name == "ome-zarr":
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
            (path / "letter.txt").write_text("mine")
        else:
            path.write_bytes(b"II*\0 my own picture")
        with pytest.raises(UsageError, match="--force does not replace it"):
            write(name, job, tmp_path)
    mine = tmp_path / "letter.txt"
    mine.write_text("no folder")
    with pytest.raises(UsageError, match="does not replace"):
        registry.find("ome-zarr").write(job, mine, jobs_of_arrays.options(force=True))


def files_in(path):
    return [f for f in sorted(path.rglob("*")) if f.is_file()] if path.is_dir() else [path]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """One small file of each format."""
    levels = np.zeros((3, 6, 10), np.uint8)
    levels[:, 1:5, 2:8] = 255
    levels[1, 3, 3] = 129
    folder = tmp_path_factory.mktemp("small")
    return {
        name: write(name, jobs_of_arrays.job_of(levels, [3.0, 1.0, 1.0]), folder / name)[0]
        for name in FORMATS
        if (folder / name).mkdir() is None
    }


def read_all(name, path):
    """Read a file to its last layer; only a JobError may come."""
    try:
        job = registry.find(name).read(path)
        jobs_of_arrays.levels_of(job)
    except JobError as err:
        assert str(err)
        return None
    return job


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_cut_anywhere_is_refused(name, small, tmp_path):
    for i, file in enumerate(files_in(small[name])):
        data = file.read_bytes()
        for share in (0.0, 0.3, 0.9, 0.999):
            path = tmp_path / f"{i}{share}"
            shutil.copytree(small[name], path) if small[name].is_dir() else shutil.copy(small[name], path)
            (path / file.relative_to(small[name]) if path.is_dir() else path).write_bytes(data[: int(share * len(data))])
            assert read_all(name, path) is None


@given(data=st.data())
@settings(max_examples=examples(15))
@pytest.mark.parametrize("name", FORMATS)
def test_changed_bytes_are_read_or_refused(name, data, small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("t")
    path = folder / small[name].name
    shutil.copytree(small[name], path) if small[name].is_dir() else shutil.copy(small[name], path)
    file = data.draw(st.sampled_from(files_in(path)))
    raw = bytearray(file.read_bytes())
    places = st.integers(0, len(raw) - 1)
    if name == "goo":  # its pictures fill most of it
        places = st.integers(0, 0xC2) | st.integers(0x2FAEC, len(raw) - 1)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(places)
        raw[at] = data.draw(st.sampled_from([0, 255, 127, 128, 1, raw[at] ^ 1]) | st.integers(0, 255))
    file.write_bytes(raw)
    read_all(name, path)
    shutil.rmtree(folder)


def test_empty_and_foreign_files_are_told_apart(tmp_path):
    for name in FORMATS:
        for content in (b"", b"PK\3\4", bytes(200_000)):
            path = tmp_path / "x"
            path.write_bytes(content)
            with pytest.raises(JobError):
                registry.find(name).read(path)
        with pytest.raises(JobError):
            registry.find(name).read(Path(tmp_path / "nothing"))
