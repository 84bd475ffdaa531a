"""Files of two-photon writers: the array is the exact coverage through the response; GWL replays to the part, block by block."""

import json
import tracemalloc

import numpy as np
import pytest
import two_photon_jobs as jobs
from gwl_reader import read_gwl
from solids import box, icosphere
from tiers import thinned

import pmsl
from pmsl.errors import FindingsError, JobError, TargetError, UsageError
from pmsl.pipeline.two_photon.write_two_photon import write_two_photon


def write(job, path, **how):
    return write_two_photon(job, path, **{"threads": 1, "fail_on": None, **how})


def replayed(job, path, **how):
    write(job, path, **how)
    return read_gwl(path.read_text(encoding="ascii"))


def on_plate(job, drawn):
    """Polylines where they lie on the plate: a file's numbers begin in the middle of the blocks."""
    centres = np.array([block.centre_um for block in job.blocks])
    middle = np.round(500.0 * (centres.min(axis=0) + centres.max(axis=0))) / 1000.0
    return [line.plate_um + [*middle, 0.0] for line in drawn]


@pytest.mark.parametrize("exponent", [2.0, 3.4])
def test_the_array_is_the_exact_volume_coverage_through_the_response_bit_for_bit(tmp_path, exponent):
    job = jobs.job(resin=jobs.resin(exponent=exponent), base_dose_factors=((0.0, 0.7), (3.0, 1.0)))
    write(job, tmp_path / "a.npy")
    array = np.load(tmp_path / "a.npy")
    assert array.dtype == np.float32 and array.flags.f_contiguous and array.shape == (*job.grid.shape, job.n_layers)
    masks = list(pmsl.layer_masks(job.design, job.grid, "volume"))
    assert any(0 < level < 65535 for level in masks[3].runs().value)
    for k, mask in enumerate(masks):
        z = (k + 0.5) * 0.3
        power = 18.0 * np.interp(z, [0.0, 3.0], [0.7, 1.0]) ** (1.0 / exponent) if z < 3.0 else 18.0
        wanted = (mask.dense(np.uint16) / 65535) ** (1.0 / exponent) * power / 50.0
        assert np.allclose(array[:, :, k], wanted, rtol=3e-7, atol=0)
        assert (array[:, :, k] == job.levels(k)[mask.dense(np.uint16)]).all()


def test_the_sidecar_says_pitches_and_where_the_array_lies(tmp_path):
    job = jobs.job(unreachable="drop")
    written = write(job, tmp_path / "a.npy")
    facts = json.loads((tmp_path / "a.npy.json").read_text())
    assert (
        facts["axes"] == ["y", "x", "z"]
        and facts["pitch_um"] == [0.2, 0.2, 0.3]
        and facts["shape"] == list(np.load(tmp_path / "a.npy").shape)
    )
    low = np.array(facts["origin_um"])[[1, 0, 2]]
    part = np.array(job.parts[0].bounds_um)
    assert (low <= part[0] + 1e-9).all() and (low > part[0] - 0.2).all()
    assert facts["threshold_mw"] == 12.0 and facts["burn_mw"] == pytest.approx(21.2) and not facts["calibrated"] and facts["placeholders"]
    assert [f["code"] for f in facts["findings"]] == [f.code for f in written.findings]
    assert str(tmp_path) not in (tmp_path / "a.npy.json").read_text()
    assert pmsl.verify(tmp_path / "a.npy") == []


@pytest.mark.parametrize("do", ["keep", "lift", "drop"])
def test_voxels_below_the_threshold_are_found_and_kept_lifted_or_dropped(tmp_path, do):
    job = jobs.job(unreachable=do)
    written = write(job, tmp_path / "a.npy")
    array = np.load(tmp_path / "a.npy").astype(float) * 50.0
    cover = np.stack([mask.dense(np.uint16) for mask in pmsl.layer_masks(job.design, job.grid, "volume")], axis=2) / 65535
    weak = (cover > 0) & (18.0 * np.sqrt(cover) < 12.0 * (1 - 1e-9))
    (found,) = [f for f in written.findings if f.code == "voxels-below-threshold"]
    assert found.message.startswith(f"{weak.sum()} voxels") and found.value == pytest.approx(100 * cover[weak].sum() / cover.sum())
    assert np.allclose(array[weak], {"keep": 18.0 * np.sqrt(cover[weak]), "lift": 12.0, "drop": 0.0}[do], rtol=1e-6)
    assert np.allclose(array[~weak], 18.0 * np.sqrt(cover[~weak]), rtol=1e-6)


def test_bytes_do_not_depend_on_threads_and_memory_not_on_the_height(tmp_path):
    tower = jobs.job(box((10.0, 10.0, 0.0), (30.1, 30.1, 50.0)), slice_um=0.5)
    tracemalloc.start()
    write(tower, tmp_path / "a.npy", threads=1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "a.npy").stat().st_size > 4e6 and peak < 2e6
    small = jobs.job()
    for name in ("b.npy", "b.gwl"):
        write(small, tmp_path / name, threads=1)
        write(small, tmp_path / f"c{name[1:]}", threads=3)
    assert (tmp_path / "b.npy").read_bytes() == (tmp_path / "c.npy").read_bytes()
    assert (tmp_path / "b.gwl").read_bytes() == (tmp_path / "c.gwl").read_bytes()


def marked(job, lines):
    """Which voxels' middles hatch lines pass over: (rows, cols, layers) int, how often, and which lie within 2 nm of an end.

    Lines lie along x in the middle of rows.
    """
    (rows, cols), hatch, height = job.grid.shape, job.process.two_photon.hatch_um, job.process.two_photon.slice_um
    out, at_end = np.zeros((rows, cols, job.n_layers), int), np.zeros((rows, cols, job.n_layers), bool)
    middles = job.grid.origin_um[0] + hatch * (np.arange(cols) + 0.5)
    for line in lines:
        (x0, y0, z0), (x1, y1, z1) = line
        row, layer = (y0 - job.grid.origin_um[1]) / hatch - 0.5, z0 / height - 0.5
        assert y0 == y1 and z0 == z1 and abs(row - round(row)) < 0.01 and abs(layer - round(layer)) < 0.01
        low, high = min(x0, x1), max(x0, x1)
        out[round(row), (middles > low) & (middles < high), round(layer)] += 1
        at_end[round(row), np.minimum(abs(middles - low), abs(middles - high)) < 2e-3, round(layer)] = True
    return out, at_end


def inside(job):
    """Which voxels' middles lie inside the part in the middle of their slice, by rays along x: the same shape, bool."""
    out = np.zeros((*job.grid.shape, job.n_layers), bool)
    contours = pmsl.slice_contours(job.design, job.grid)
    hatch = job.process.two_photon.hatch_um
    xs, ys = (job.grid.origin_um[axis] + hatch * (np.arange(n) + 0.5) for axis, n in ((0, out.shape[1]), (1, out.shape[0])))
    for k in range(job.n_layers):
        winding = np.zeros(out.shape[:2], int)
        for ring in contours.rings(k):
            for (ax, ay), (bx, by) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                for row in np.flatnonzero((ys >= min(ay, by)) & (ys < max(ay, by))):
                    winding[row, xs < ax + (ys[row] - ay) / (by - ay) * (bx - ax)] += 1 if by > ay else -1
        out[:, :, k] = winding > 0
    return out


@pytest.mark.parametrize(("order", "z_drive", "solids"), thinned(4, ["blocks", "slices"], ["piezo", "stage"], [(jobs.SPHERE,), jobs.FRAME]))
def test_hatches_replay_to_the_voxels_of_the_part(tmp_path, order, z_drive, solids):
    how = {"contours": 0, "compensate": False, "hatch_step_deg": 180.0, "block_um": 7.0, "order": order, "z_drive": z_drive}
    job = jobs.job(*solids, **how)
    assert len(job.blocks) > 1
    drawn, stage, settings = replayed(job, tmp_path / "a.gwl")
    assert np.allclose(stage, 0.0, atol=1e-9) and settings["ScanSpeed"] == 10_000
    times, at_end = marked(job, on_plate(job, drawn))
    wanted = inside(job)
    assert (times == wanted)[~at_end].all()  # each once: blocks that do not overlap share nothing
    assert wanted.sum() > 10_000 and at_end.sum() < 0.02 * wanted.sum()


def test_seams_move_from_slice_to_slice_within_the_field(tmp_path):
    how = {"contours": 0, "compensate": False, "hatch_step_deg": 0.0, "stagger_um": 0.6}
    job = jobs.job(printer=jobs.printer(field_um=6.0), **how)
    assert job.blocks[0].side_um == pytest.approx(6.0 - 3 * 0.6)
    drawn, stage, _ = replayed(job, tmp_path / "a.gwl")
    assert max(np.abs(line.field_um[:, :2]).max() for line in drawn) <= 3.0 and np.allclose(stage, 0.0, atol=1e-9)
    times, at_end = marked(job, on_plate(job, drawn))
    assert (times == inside(job))[~at_end].all()
    pitch = job.block_pitch_um[0]
    for k in range(8, 16):  # where the sphere is wide
        ends = [x for line in on_plate(job, drawn) if abs(line[0, 2] - 0.3 * (k + 0.5)) < 1e-6 for x in line[:, 0]]
        values, counts = np.unique(np.round(ends, 3), return_counts=True)
        seam = values[counts.argmax()] - (k % 4 - 1.5) * 0.6  # where most lines end, less what it moved
        off = (seam - job.blocks[0].centre_um[0] - 0.5 * pitch) / pitch
        assert off == pytest.approx(round(off), abs=1e-3)


def test_every_line_lies_in_the_field_and_away_from_seams_in_one_block(tmp_path):
    job = jobs.job(jobs.SPHERE, block_um=4.0, overlap_um=0.7, contours=2, hatch_angle_deg=30.0, hatch_step_deg=67.0)
    drawn, *_ = replayed(job, tmp_path / "a.gwl")
    assert len(job.blocks) >= 9 and max(np.abs(line.field_um[:, :2]).max() for line in drawn) <= 2.0
    centres = np.array([block.centre_um for block in job.blocks])
    middle = np.round(500.0 * (centres.min(axis=0) + centres.max(axis=0))) / 1000.0
    block_of = {tuple(np.round(centre - middle, 3) + 0.0): i for i, centre in enumerate(centres)}
    used = [block_of[tuple(np.round(line.stage_um[:2], 3) + 0.0)] for line in drawn]
    assert used == sorted(used)  # block by block
    lattice = [np.unique(np.round(c, 6))[:-1] + 0.5 * p for c, p in zip(centres.T, job.block_pitch_um, strict=True)]
    shared = 4.0 - np.array(job.block_pitch_um)
    points = np.concatenate([line.mean(axis=0)[None, :2] for line in on_plate(job, drawn)])
    far = np.all([np.abs(points[:, axis, None] - seams).min(axis=1) > 0.5 * shared[axis] for axis, seams in enumerate(lattice)], axis=0)
    nearest = np.abs(points[:, None] - centres).max(axis=2).argmin(axis=1)
    assert far.sum() > 50 and (nearest[far] == np.array(used)[far]).all()


def test_blocks_and_orders_change_nothing_of_what_is_drawn(tmp_path):
    """Lines of all blocks together are those of one block; overlaps are drawn twice."""
    part = icosphere(2, 1.5, (31.03, 29.47, 1.5))

    def length(**how):
        drawn, *_ = replayed(jobs.job(part, contours=2, hatch_step_deg=45.0, **how), tmp_path / "a.gwl", force=True)
        return sum(np.linalg.norm(np.diff(line.field_um, axis=0), axis=1).sum() for line in drawn)

    whole = length()
    assert length(block_um=1.2) == pytest.approx(whole, rel=2e-3) == pytest.approx(length(block_um=1.2, order="slices"), rel=2e-3)
    assert length(block_um=1.2, overlap_um=0.3) > 1.2 * whole


def test_compensated_lines_stay_half_a_line_inside_the_outline(tmp_path):
    job = jobs.job(box((10.0, 10.0, 0.0), (20.0, 18.0, 0.9)), hatch_step_deg=90.0)
    drawn, *_ = replayed(job, tmp_path / "a.gwl")
    points = np.concatenate(on_plate(job, drawn))
    width = job.voxel_um[0]
    assert width == pytest.approx(0.264 * np.sqrt(np.log((18.0 / 12.0) ** 2)), rel=1e-9)
    edges = np.array([points[:, :2].min(axis=0), points[:, :2].max(axis=0)])
    assert np.allclose(edges, [[10 + width / 2, 10 + width / 2], [20 - width / 2, 18 - width / 2]], atol=2e-3)
    contours = [line for line in on_plate(job, drawn) if len(line) > 2]
    assert len(contours) == 3 and np.allclose(contours[0][0], contours[0][-1])


def test_powers_follow_the_base_factors_and_heights_the_slices(tmp_path):
    job = jobs.job(jobs.SPHERE, base_dose_factors=((0.0, 0.6), (2.0, 1.0)), z_drive="stage", order="slices", block_um=4.0)
    drawn, *_ = replayed(job, tmp_path / "a.gwl")
    for line in drawn:
        z = line.plate_um[0, 2]
        assert abs(z / 0.3 - 0.5 - round(z / 0.3 - 0.5)) < 1e-6 and line.field_um[0, 2] == 0.0
        assert line.power == pytest.approx(36.0 * np.sqrt(np.interp(z, [0, 2], [0.6, 1.0])), abs=1e-4)
    heights = [round(line.plate_um[0, 2], 6) for line in drawn]
    assert heights == sorted(heights) and len(set(heights)) == job.n_layers


def test_stage_and_drive_come_back_from_every_block_and_pass_those_that_are_empty(tmp_path):
    job = jobs.job(*jobs.FRAME, block_um=6.0, z_drive="stage", contours=0, hatch_um=0.5)
    drawn, stage, _ = replayed(job, tmp_path / "a.gwl")
    assert np.allclose(stage, 0.0, atol=1e-9)
    points = np.concatenate(on_plate(job, drawn))
    assert points.min(axis=0) == pytest.approx([10.0, 10.0, 0.15], abs=0.4) and points.max(axis=0) == pytest.approx(
        [30.5, 40.0, 1.05], abs=0.4
    )
    assert set(np.round(points[:, 2], 6)) == {0.15, 0.45, 0.75, 1.05}
    corner = (points[:, 0] > 13.5) & (points[:, 1] > 16.0)  # the L has nothing there, whole blocks of it
    assert not corner.any() and len({line.stage_um[:2] for line in drawn}) < len(job.blocks)


def test_hatches_turn_from_slice_to_slice(tmp_path):
    job = jobs.job(box((10.0, 10.0, 0.0), (16.0, 16.0, 0.9)), contours=0, hatch_angle_deg=20.0, hatch_step_deg=50.0)
    drawn, *_ = replayed(job, tmp_path / "a.gwl")
    for k, angle in enumerate((20.0, 70.0, 120.0)):
        ways = np.array([np.diff(line.field_um[:, :2], axis=0)[0] for line in drawn if abs(line.field_um[0, 2] - 0.3 * (k + 0.5)) < 1e-6])
        long = ways[np.linalg.norm(ways, axis=1) > 2.0]
        assert len(long) > 10
        assert np.degrees(np.arctan2(long[:, 1], long[:, 0])) % 180.0 == pytest.approx(np.full(len(long), angle), abs=0.1)


def test_a_voxel_at_the_threshold_cures(tmp_path):
    """A box that covers a quarter of the voxels at one of its edges: with a threshold of just their power none is weak."""
    part = box((10.0, 10.0, 0.0), (12.1, 12.1, 0.9))
    quarter = float(18.0 * np.sqrt(round(65535 * 0.25) / 65535))
    for above, weak in ((1.0, False), (1.0001, True)):
        job = jobs.job(part, resin=jobs.resin(threshold_mw=quarter * above))
        codes = [f.code for f in write(job, tmp_path / "a.npy", force=True).findings]
        assert ("voxels-below-threshold" in codes) == weak


def test_what_is_cut_short_or_changed_is_found(tmp_path):
    job = jobs.job()
    write(job, tmp_path / "a.npy")
    write(job, tmp_path / "a.gwl")
    text = (tmp_path / "a.gwl").read_bytes()
    assert pmsl.verify(tmp_path / "a.gwl") == []
    (tmp_path / "a.gwl").write_bytes(text[:-200])
    assert "cut short" in pmsl.verify(tmp_path / "a.gwl")[0]
    array = np.load(tmp_path / "a.npy", mmap_mode="r+")
    array[3, 3, 3] = 2.0
    array.flush()
    problems = pmsl.verify(tmp_path / "a.npy")
    assert "above 1" in problems[0] and "sha256" in problems[1]
    (tmp_path / "a.npy.json").write_text("[" * 100_000)
    assert "cannot be read" in pmsl.verify(tmp_path / "a.npy")[-1]
    for size, said in ((100, "is no array as voxel-npy writes it"), (5000, "has 5000 bytes")):
        (tmp_path / "c.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:size])
        assert said in pmsl.verify(tmp_path / "c.npy")[0]
    np.save(tmp_path / "b.npy", np.zeros((2, 2)))
    assert "is no array as voxel-npy writes it" in pmsl.verify(tmp_path / "b.npy")[0]
    np.save(tmp_path / "b.npy", np.asfortranarray(np.zeros((2, 3, 4), np.float32)))
    assert "b.npy.json: cannot be read" in pmsl.verify(tmp_path / "b.npy")[0]  # the array itself is one
    for name in ("a.npy", "a.gwl"):
        with pytest.raises(JobError, match="no exposures"):
            pmsl.read(tmp_path / name)


def test_files_are_whole_or_absent(tmp_path):
    job = jobs.job(power_mw=30.0)
    assert [f.code for f in job.findings if f.severity == "error"] == ["power-above-burning"]
    for name in ("a.npy", "a.gwl"):
        with pytest.raises(FindingsError):
            write(job, tmp_path / name, fail_on="error")
        with pytest.raises(FindingsError):
            write(jobs.job(), tmp_path / name, fail_on="warning")

        def stop(done, of):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write(jobs.job(block_um=4.0), tmp_path / name, progress=stop)
    assert list(tmp_path.iterdir()) == []
    write(jobs.job(), tmp_path / "a.gwl")
    with pytest.raises(UsageError, match="--force"):
        write(jobs.job(), tmp_path / "a.gwl")
    (tmp_path / "b.gwl").write_text("not ours")
    with pytest.raises(UsageError, match="no gwl file"):
        write(jobs.job(), tmp_path / "b.gwl", force=True)


def test_frames_and_voxels_refuse_each_other_by_name(tmp_path, microfluidics):
    voxels = jobs.job()
    for name in ("native", "sl1", "goo", "ome-tiff", "svg"):
        with pytest.raises(TargetError, match=f"{name} cannot hold this job: technique is two photons, it must be pictures"):
            write(voxels, tmp_path / "a", format=name)
    for name in ("gwl", "voxel-npy"):
        with pytest.raises(TargetError, match=f"{name} cannot hold this job: technique is that of printer {microfluidics.printer.name}"):
            pmsl.write(microfluidics, tmp_path / "b", format=name)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def microfluidics():
    printer = pmsl.find_printer("microfluidics-7.6um")
    return pmsl.prepare([box((100.0, 100.0, 0.0), (200.0, 200.0, 20.0))], printer, "pegda-nps-1.0-385")
