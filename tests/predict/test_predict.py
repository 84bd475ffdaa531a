"""Predictions: kernels against slow sums, one way of adding up against the other, invariance, meshes, sections, what is refused."""

import dataclasses
import functools

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from predictions import DP, EC, PX, job_of, resin, tunnel
from scipy.special import ndtr
from solids import box, cone, icosphere, prism
from tiers import examples

import pmsl
from pmsl.core.mask import Window
from pmsl.cure import CureModel, Decay, Recursion
from pmsl.errors import JobError, MeshError, UsageError
from pmsl.kernels._compiler import jit
from pmsl.kernels.compare import compare_subpixel, compare_voxels, edge_probes, histogram
from pmsl.kernels.light import dose
from pmsl.optics import Gaussian, at_points
from pmsl.predict import predicted_mesh as solids_out
from pmsl.predict.cross_section import Section
from pmsl.predict.light.event_model import cubic
from pmsl.predict.light.window_blur import INSIDE_PX, TABLE_PER_PX, Blur, scratch_of
from pmsl.predict.measure.edge_search import edges_along
from pmsl.predict.measure.row_dedup import DedupRows
from pmsl.predict.measure.weighted_quantiles import CentredHistogram, dose_edges, dose_quantiles
from pmsl.predict.predicted_mesh import MeshWriter

FINE = (np.arange(400) + 0.5) / 400 - 0.5
slopes = st.one_of(st.just(0.0), st.floats(-30, 30))


@functools.cache
def py(helper):
    """A helper as a kernel: only kernels call what is compiled for them."""
    return jit.kernel(getattr(helper, "py_func", helper))


@given(st.floats(-20, 20), slopes, slopes)
def test_shares_of_a_pixel_are_what_many_points_give(u, a, b):
    assume(max(abs(a), abs(b)) > 0.05 or abs(u) > 0.05)  # elsewhere the pixel is above or below as a whole
    plane = u + a * FINE[:, None] + b * FINE[None, :]
    assert py(compare_subpixel.mean_thickness)(u, a, b) == pytest.approx(np.clip(plane, 0, 1).mean(), abs=2e-3)
    assert py(compare_subpixel.area_above)(u, a, b) == pytest.approx((plane > 0).mean(), abs=6e-3)


@given(st.floats(-3, 3), slopes, slopes)
def test_thickness_printed_and_not_printed_fill_the_slab(u, a, b):
    assert py(compare_subpixel.mean_thickness)(u, a, b) + py(compare_subpixel.mean_thickness)(1 - u, a, b) == pytest.approx(1, abs=1e-9)


@given(st.integers(0, 2**32 - 1), st.sampled_from([(1.0,), (0.7, 0.3), (0.983, 0.017)]))
def test_fronts_are_the_cured_thickness_of_the_recursion(seed, weights):
    lengths = (40.0, np.inf)[: len(weights)] if weights != (0.7, 0.3) else (40.0, 9.0)
    rng = np.random.default_rng(seed)
    exposed = rng.uniform(0, 6, (5, 6, 7)) * rng.integers(0, 2, (5, 6, 7))
    recursion = Recursion(CureModel(Decay(weights, lengths), 1.0), (6, 7))
    for k in range(4, -1, -1):
        layer = recursion.add(k, 10.0, exposed[k])
    terms = np.array(recursion._terms, np.float32)
    total, front = np.zeros((6, 7), np.float32), np.zeros((6, 7), np.float32)
    dose.front_of_sum(terms, 1.0, 10.0 / np.array(lengths), total, front)
    assert np.allclose(total, layer.dose_mj_cm2, rtol=1e-6)
    assert np.allclose(np.clip(front, 0, 1) * 10, layer.cured_um, atol=2e-4)
    if len(weights) == 1:
        dose.front_of_one(terms[0], terms[0].view(np.int32), 1.0, 4.0, *scratch_of(terms.shape[2]), total)
        assert np.allclose(total, front, atol=1e-4)


@settings(max_examples=examples(10))
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 0.36, 1.1]))
def test_light_in_pixels_is_what_at_points_says(seed, sigma):
    rng, psf = np.random.default_rng(seed), Gaussian((sigma, 1.3 * sigma))
    light = (rng.random((14, 17)) * rng.integers(0, 2, (14, 17))).astype(np.float32)
    blur = Blur(psf, Window(3, 5, 14, 17))
    seen, own = np.zeros((14, 17), np.float32), np.zeros((14 * 17, len(INSIDE_PX) ** 2), np.float32)
    blur(light, seen)
    rows, cols = (a.reshape(-1).astype(np.int32) for a in np.indices((14, 17)))
    blur.inside(light, rows, cols, own)
    middle = np.stack([rows, cols], axis=1) + 0.5
    at_zero = Window(0, 0, 14, 17)
    assert np.abs(seen.reshape(-1) - at_points(light, at_zero, middle, psf)).max() < 3e-7
    for i, v in enumerate(INSIDE_PX):
        for j, u in enumerate(INSIDE_PX):
            assert np.abs(own[:, len(INSIDE_PX) * i + j] - at_points(light, at_zero, middle + (v, u), psf)).max() < 3e-7


@given(st.integers(0, 2**32 - 1))
def test_both_searches_find_the_same_edges(seed):
    rng, psf = np.random.default_rng(seed), Gaussian((0.4, 0.5))
    light = np.zeros((30, 30), np.float32)
    light[8:22, 7 : 15 + int(rng.integers(0, 9))] = rng.uniform(1.2, 6)
    angle = rng.uniform(0, 2 * np.pi, 40)
    points = 15 + 6.5 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    outward = np.stack([np.sin(angle), np.cos(angle)], axis=1)
    blur, offset = Blur(psf, Window(0, 0, 30, 30)), np.zeros(40)
    scratch = [np.zeros(int(2 * r) + 1) for r in blur.reach]
    found = edge_probes.edges(
        *(
            *DedupRows.whole(light[None]),
            np.ones(1),
            1.0,
            points,
            outward,
            0.5,
            9.0,
            *blur.tables,
            float(TABLE_PER_PX),
            *blur.reach,
            *scratch,
            offset,
        )
    )
    assert found is None
    at_zero = Window(0, 0, 30, 30)

    def level(at):
        return np.log(np.maximum(at_points(light, at_zero, at, psf), 1e-12))

    slow = edges_along(level, points, outward, 0.5, 9.0)
    assert np.array_equal(np.isfinite(offset), np.isfinite(slow))
    here = np.isfinite(slow)
    assert np.abs(level(points[here] + offset[here, None] * outward[here])).max() < 2e-3  # each is an edge
    assert np.median(np.abs(offset[here] - slow[here])) < 1e-4


def test_probes_stand_at_every_pixel_of_length_and_look_outward():
    ring = np.array([[10, 10, 30, 10], [30, 10, 30, 25], [30, 25, 10, 25], [10, 25, 10, 10]], float)  # solid on the left
    points, outward = np.zeros((200, 2)), np.zeros((200, 2))
    n = edge_probes.probes(ring, 4, np.array([10.0, 10.0]), 0.5, points, outward)
    assert n == 70
    inside = points[:n] - 0.5 * PX * outward[:n]
    assert (np.abs(outward[:n]).sum(axis=1) == pytest.approx(0.1)) and ((inside > 10) & (inside < 30)).all()
    split = np.concatenate([[[a, b, (a + c) / 2, (b + d) / 2], [(a + c) / 2, (b + d) / 2, c, d]] for a, b, c, d in ring])
    again = np.zeros((200, 2))
    assert edge_probes.probes(split, 8, np.array([10.0, 10.0]), 0.5, again, outward) == n
    assert np.allclose(again[:n], points[:n])


def test_one_way_of_adding_up_agrees_with_the_other():
    """Scatter of next to nothing is added up event by event."""
    parts = [tunnel(40.0, height_um=60.0), icosphere(2, 40, (400, 150, 45))]
    job = job_of(parts)
    slow = pmsl.simulate(dataclasses.replace(job, resin=resin(scatter_um=1e-9)))
    fast = pmsl.simulate(job)
    assert slow.model["edges"] != "exact" == fast.model["edges"]
    assert slow.iou == pytest.approx(fast.iou, abs=2e-3) and slow.printed_um3 == pytest.approx(fast.printed_um3, rel=2e-3)
    assert slow.epe_um["median"] == pytest.approx(fast.epe_um["median"], abs=0.02 * PX)
    assert slow.epe_um["probes"] == fast.epe_um["probes"]
    for side in ("up", "down"):
        assert slow.z_error_um[side]["median"] == pytest.approx(fast.z_error_um[side]["median"], abs=0.005)
    assert slow.openings[0]["printed_um"]["height"] == pytest.approx(fast.openings[0]["printed_um"]["height"], abs=0.01)


def test_open_memory_cures_a_roof_no_deeper_than_one_exposure():
    job = dataclasses.replace(job_of([tunnel(50.0)]), resin=resin(memory="open"))
    found = pmsl.simulate(job)
    assert found.model["memory"] == "open" and not found.model["memory_assumed"]
    assert found.z_error_um["down"]["median"] == pytest.approx(-10.0, abs=0.01)  # Cd - h
    assert "memory-assumed" not in [f.code for f in found.findings]


def test_induction_is_paid_by_every_event():
    job = job_of([tunnel(10.0)])
    two = dataclasses.replace(job, resin=resin(induction_mj_cm2=2.0), plan_layer=lambda k: _halved(job[k]))
    one = dataclasses.replace(job, resin=resin(induction_mj_cm2=2.0))
    deep, shallow = (pmsl.simulate(j).z_error_um["down"]["median"] for j in (one, two))
    assert deep == pytest.approx(-10.0, abs=0.01)  # Ec holds one induction dose
    dose_ec = np.exp(20 / DP) * EC
    left = 2 * (0.5 * dose_ec * np.exp(-np.array([10 - shallow, 0]) / DP) - 2.0)
    assert left[0] == pytest.approx(EC - 2.0, rel=1e-3)


@pytest.mark.parametrize("at", [14.7, 15.0, 16.7, 17.9, 18.2, 20.0])
def test_nothing_lies_between_bodies_that_touch(at):
    """Roof and floor are at one height up to rounding, inside a slab or on its border."""
    turn = 2 * np.pi * np.arange(40) / 40
    ring = np.array([250.0, 240.0]) + 100 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    found = pmsl.simulate(job_of([prism(ring, 0, at), prism(ring, at, 60)]))
    assert found.openings == []
    assert found.z_error_um["down"]["median"] is None and found.z_error_um["down"]["lost_um2"] == 0


@pytest.mark.parametrize("kind", [{"induction_mj_cm2": 2.0}, {"memory": "open"}])
def test_layers_with_nothing_uneven_are_taken(kind):
    """Below a box that hangs free there is no light where recoating replaced the liquid, or where induction takes all of it."""
    job = dataclasses.replace(job_of([box((100, 100, 160), (200, 200, 180))]), resin=resin(**kind))
    counted = []
    found = pmsl.simulate(job, watch=[lambda seen: counted.append(int((seen.lit.cured_um > 0).sum()))])
    assert len(counted) == 18 and counted[0] >= 100 and counted[-1] == 0
    assert found.design_um3 == pytest.approx(100 * 100 * 20, rel=1e-9)


def _halved(plan):
    exposures = tuple(dataclasses.replace(e, time_s=0.5 * e.time_s, dose_mj_cm2=0.5 * e.dose_mj_cm2, repeat=2) for e in plan.exposures)
    return dataclasses.replace(plan, exposures=exposures)


def test_the_design_keeps_its_volume_and_threads_do_not_matter():
    parts = [icosphere(2, 60, (200, 150, 65)), cone(24, 50, 120, (380, 150, 0)), box((180, 130, 0), (220, 170, 20))]
    job = job_of(parts[:2])
    found = [pmsl.simulate(job, threads=n) for n in (1, 2)]
    assert found[0].as_dict() == found[1].as_dict()
    volume = sum(p.health.volume_um3 for p in parts[:2])
    assert found[0].design_um3 == pytest.approx(volume, rel=1e-4)
    assert found[0].z_error_um["down"]["merged_um2"] > 0  # the sphere's underside is cured down to the plate
    shells = pmsl.simulate(job_of([parts[0], parts[2]]))
    assert shells.epe_um["lost"] == 0  # walls inside another shell are none


def test_parts_moved_by_whole_pixels_are_predicted_alike():
    at = [pmsl.simulate(job_of([tunnel(30.0), box((440 + d, 100 + d, 0), (480 + d, 140 + d, 50))])) for d in (0, 20)]
    assert at[0].as_dict()["epe_um"]["probes"] == at[1].as_dict()["epe_um"]["probes"]
    assert at[0].iou == pytest.approx(at[1].iou, rel=1e-9) and at[0].z_error_um == at[1].z_error_um


def test_the_mesh_is_closed_and_holds_what_is_printed(tmp_path, monkeypatch):
    import trimesh

    monkeypatch.setattr(solids_out, "BAND", 20_000)  # several bands
    job = job_of([tunnel(40.0, height_um=60.0)])
    with MeshWriter(tmp_path / "p.stl", job.grid) as writer:
        found = pmsl.simulate(job, watch=[writer])
    mesh = trimesh.load(tmp_path / "p.stl")
    assert mesh.is_watertight and mesh.is_winding_consistent
    assert mesh.volume * 1e9 == pytest.approx(writer.volume_um3, rel=1e-4) == pytest.approx(found.printed_um3, rel=0.02)
    assert np.allclose(mesh.bounds[:, 2] * 1000, (0, 120), atol=0.02)
    under = mesh.ray.intersects_location([[0.25, 0.24, 0.021]], [[0, 0, 1.0]])[0][:, 2].min() * 1000
    assert under == pytest.approx(80 + found.z_error_um["down"]["median"], abs=0.01)


def test_a_mesh_that_was_not_finished_is_not_there(tmp_path):
    job = job_of([box((100, 100, 0), (200, 200, 20))])
    with pytest.raises(KeyboardInterrupt), MeshWriter(tmp_path / "p.stl", job.grid):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_sections_hold_dose_and_thickness():
    job = job_of([tunnel(50.0)])
    across, along = Section(job.grid, "x", 250.0), Section(job.grid, "y", 240.0)
    pmsl.simulate(job, watch=[across, along])
    assert across.dose_mj_cm2.shape == across.cured_um.shape == (27, len(across.along_um) - 1)
    middle = np.searchsorted(across.along_um, 240.0)
    assert across.design_share[:, middle].tolist() == [1] * 2 + [0] * 20 + [1] * 5
    assert across.cured_um[2:22, middle].sum() == pytest.approx(56.845, abs=0.01)
    assert np.array_equal(across.dose_mj_cm2[:, middle], along.dose_mj_cm2[:, np.searchsorted(along.along_um, 250.0)])
    with pytest.raises(UsageError, match="outside the part"):
        pmsl.simulate(job, watch=[Section(job.grid, "x", 5000.0)])


def test_what_cannot_be_compared_is_refused(tmp_path):
    solid = box((100, 100, 0), (200, 200, 20))
    job = job_of([solid])
    pmsl.write(job, tmp_path / "j.zip", design=False)
    bare = pmsl.read(tmp_path / "j.zip")
    with pytest.raises(JobError, match="holds no design"):
        pmsl.simulate(bare)
    from pmsl.predict.measure.design_layers import design_parts

    (part,) = design_parts(bare, [solid])
    assert pmsl.simulate(bare, [part]).iou == pmsl.simulate(job).iou
    with pytest.raises(MeshError, match="is none of those the job was made of"):
        design_parts(bare, [box((100, 100, 0), (200, 201, 20))])
    with pytest.raises(JobError, match="masks and parts do not belong together"):
        pmsl.simulate(job_of([box((10, 10, 0), (540, 400, 20))]), [solid])
    moved = dataclasses.replace(job, plan_layer=lambda k: _shifted(job[k]))
    with pytest.raises(JobError, match="without offsets"):
        pmsl.simulate(moved)


def _shifted(plan):
    return dataclasses.replace(plan, exposures=tuple(dataclasses.replace(e, offset_um=(1.0, 0.0)) for e in plan.exposures))


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=40))
def test_tallies_give_quantiles(values):
    tally = CentredHistogram(2.0**-9, 4.0)
    tally.add(np.array(values))
    assert tally.weight == len(values)
    ordered = np.sort(np.abs(values))
    assert tally.absolute(0.95) == pytest.approx(ordered[int(np.ceil(0.95 * len(values) - 1e-9)) - 1], abs=2.0**-9)
    assert tally.median() == pytest.approx(np.sort(values)[(len(values) + 1) // 2 - 1], abs=2.0**-9)


def test_tallies_of_nothing_say_nothing():
    tally = CentredHistogram(0.5, 4.0)
    assert tally.median() is None and tally.absolute(0.95) is None
    py(histogram.put)(tally.bins, tally.used, -9.0, 2.0, 0.5)
    assert tally.median() == -4.0 and tally.weight == 2.0


def test_doses_are_counted_within_a_hundredth():
    counts = np.zeros(len(dose_edges()) - 1, np.int64)
    for value in (0.3, 6.0, 213.0):
        counts[np.float32(value).view(np.int32) >> compare_voxels.BIN] += 1
    assert dose_quantiles(counts, (0.0, 0.5, 1.0)) == pytest.approx([0.3, 6.0, 213.0], rel=8e-3)


def test_the_cubic_reads_an_edge_to_a_thousandth():
    x = np.arange(60) / 3
    level = np.log(ndtr((10 - x) / 0.36) / 0.3)
    at = np.linspace(8, 10.6, 200)
    read = cubic(np.broadcast_to(np.maximum(level, -12), (4, 60)), np.stack([np.full(200, 1.4), 3 * at], axis=1))
    slope = np.gradient(np.log(ndtr((10 - at) / 0.36)), at)
    near = np.abs(read) < 0.5
    assert np.abs((read - np.log(ndtr((10 - at) / 0.36) / 0.3)) / slope)[near].max() < 2e-3
