"""Printed, common and outside volumes against sampling; edges under induction against closed forms."""

import dataclasses
import math
from pathlib import Path

import manifold3d
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from predictions import DP, EC, PX, H, job_of, printer, resin, tunnel
from print_oracle import sampled
from scipy.optimize import brentq
from scipy.special import ndtri
from solids import box, cone, icosphere, prism
from tiers import examples, thinned

import pmsl
from pmsl.cure import CureModel, Decay, EventSum
from pmsl.kernels.compare import compare_subpixel
from pmsl.predict.measure.design_layers import DesignLayers
from pmsl.predict.measure.subplanes import CELLS, leaning_and_steps

CASES = Path(__file__).resolve().parents[3] / "shared" / "cases"
SIGMA = 0.36


def corrected_job(solids, corrections=("edges", "printthrough"), shape=(60, 60)):
    how = msgspec.structs.replace(pmsl.find_process("default"), layer_um=H, corrections=corrections)
    return pmsl.prepare(solids, printer(SIGMA, shape), resin(20.0, memory="enclosed"), how, accept_uncalibrated=True)


def assert_volumes(job, points=16, outside=0.005):
    found, slow = pmsl.simulate(job), sampled(job, SIGMA, points)
    assert found.design_um3 == pytest.approx(slow["design"], rel=1e-3)
    assert found.iou == pytest.approx(slow["iou"], rel=2e-3)
    assert found.printed_um3 == pytest.approx(slow["printed"], rel=2e-3)
    assert found.outside_um3 == pytest.approx(slow["outside"], rel=outside, abs=2e-4 * found.design_um3)
    return found


@pytest.mark.skipif(not CASES.is_dir(), reason="the case files are not beside this checkout")
@pytest.mark.parametrize(("name", "iou"), [("slots", 0.937), pytest.param("slope", 0.949, marks=pytest.mark.slow)])
def test_thin_walls_slots_and_slopes_as_an_independent_integration_has_them(name, iou):
    job = corrected_job([pmsl.load_solid(CASES / f"{name}.stl", unit="um")])
    assert assert_volumes(job).iou == pytest.approx(iou, rel=2e-3)


def turned(solid, angle, at):
    c, s = np.cos(angle), np.sin(angle)
    xy = solid.vertices_um[:, :2] - at
    moved = np.column_stack([xy @ np.array([[c, s], [-s, c]]) + at, solid.vertices_um[:, 2]])
    return pmsl.Solid.from_arrays(moved, solid.faces)


PARTS = {
    "walls of 1.5 and 2.3 px": lambda: [box((120.5, 100.0, 0), (135.5, 300.0, 60)), box((181.5, 100.0, 0), (204.5, 300.0, 60))],
    "a turned bar": lambda: [turned(box((150.0, 180.0, 0), (330.0, 201.0, 50)), 0.4, (240.0, 190.0))],
    "a top between layers": lambda: [box((103.0, 104.0, 0), (260.0, 258.0, 54.0))],
    "a needle": lambda: [cone(24, 60, 150, (250.3, 240.9, 0))],
    "a sphere": lambda: [icosphere(3, 70, (240.0, 240.0, 72.0))],
    "a channel": lambda: [tunnel(53.0, height_um=61.0, floor_um=23.0, width_um=44.0)],
    "a ledge that leans": lambda: [leaning()],
}


def leaning():
    points = [(x + 0.7 * z, y, z) for x in (110.0, 180.0) for y in (120.0, 300.0) for z in (0.0, 120.0)]
    mesh = manifold3d.Manifold.hull_points(points).to_mesh()
    return pmsl.Solid.from_arrays(mesh.vert_properties[:, :3], mesh.tri_verts)


@pytest.mark.parametrize(("name", "corrections"), thinned(2, PARTS, [(), ("edges", "printthrough")]))
def test_volumes_are_those_of_many_points(name, corrections):
    assert_volumes(corrected_job(PARTS[name](), corrections), points=20, outside=0.04)


def test_a_print_below_and_above_its_design_in_one_voxel_is_both():
    """The design fills the lower half of each top voxel, light the upper half: nothing is common there."""
    made, wanted = box((150, 150, 0), (250, 250, 10)), box((150, 150, 0), (250, 250, 5))
    job = job_of([made], 20.0, sigma_px=0.05)
    (exposure,) = job[0].exposures
    faint = dataclasses.replace(exposure, time_s=exposure.time_s * math.exp(-15.0 / DP))  # cures 5 µm
    found = pmsl.simulate(dataclasses.replace(job, plan_layer=lambda k: dataclasses.replace(job[k], exposures=(faint,))), [wanted])
    middle = found.printed_um3 - found.outside_um3
    assert found.printed_um3 == pytest.approx(10_000 * 5, rel=0.08) and middle == pytest.approx(0, abs=0.04 * found.printed_um3)
    assert found.iou == pytest.approx(0, abs=0.04)


@settings(max_examples=examples(4), deadline=None)
@given(st.integers(200, 224), st.integers(30, 90), st.sampled_from([0.0, 0.1, -0.33, 0.7]), st.integers(2, 6))
def test_bars_of_any_width_turn_and_height(x, width, angle, layers):
    x, width = 0.5 * x, 0.5 * width  # on the points' borders
    job = job_of([turned(box((x, 150, 0), (x + width, 200, layers * H)), angle, (x + 0.5 * width, 175.0))], 20.0)
    found, slow = pmsl.simulate(job), sampled(job, SIGMA, 20)
    assert found.printed_um3 == pytest.approx(slow["printed"], rel=5e-3) and found.iou == pytest.approx(slow["iou"], abs=4e-3)
    assert found.outside_um3 <= found.printed_um3 and 0 <= found.iou <= 1


@settings(max_examples=examples(15), deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 5))
def test_shares_of_pixels_printed_and_common_are_those_of_many_points(seed, n):
    """Planes over the pixel and cells that are designed or not: both sums are closed forms."""
    rng = np.random.default_rng(seed)
    u, a, b = rng.uniform(-1, 2), *rng.uniform(-4, 4, 2)
    at = np.linspace(-0.5, 0.5, n)
    inside = (u + a * at[:, None] + b * at[None, :]).astype(np.float32).reshape(1, -1)
    cells = rng.integers(0, 2, (2, n - 1, n - 1))
    depths, plane = np.array([0.0, 0.25, 0.5, 0.75, 1.0]), np.array([0, 0, 1, 1], np.int32)
    design, found, corners, sums = np.float32([0.5]), np.zeros((1, 4)), np.zeros(n * n), np.zeros(6)
    edge, which, partly = np.array([[0], [0], [1]], np.int32), np.zeros(1, np.int32), np.zeros(1, np.int64)
    front, held, slot = np.zeros((1, 1), np.float32), np.zeros(1, np.int32), np.full((1, 1), -1, np.int32)
    maps = front, np.zeros((0, 0), np.float32), held, 1.0
    left = compare_subpixel.compare_edges(inside, which, found, corners, n, edge, design, *maps, sums, slot, np.zeros((1, 9)), partly)
    fine = (np.arange(60 * (n - 1)) + 0.5) / (60 * (n - 1)) - 0.5
    front = u + a * fine[:, None] + b * fine[None, :]
    assert found[0, 0] == pytest.approx(np.clip(front, 0, 1).mean(), abs=2e-3) and left == (0 < found[0, 0] < 1)
    if left:
        pieces = np.zeros(4 * (n - 1) ** 2)
        designed = cells.reshape(1, 2, -1).astype(np.float32)
        compare_subpixel.common(inside, which, found, corners, n, design, partly, designed, depths, plane, pieces, sums)
        wide = np.kron(cells, np.ones((60, 60)))
        common = sum((np.clip(front - d, 0, 0.25) * wide[p]).mean() for d, p in zip(depths, plane, strict=False))
        assert sums[0] == pytest.approx(min(common, 0.5), abs=3e-3) and sums[5 - 1] == pytest.approx(sums[2] - sums[0])


def test_cells_of_a_voxel_add_up_to_its_volume():
    parts = [box((103.0, 104.0, 0), (260.0, 258.0, 54.0)), prism(np.array([[300, 100], [391, 122], [340, 301]]), 13.0, 38.5)]
    job = job_of(parts)
    design = DesignLayers(job.design, job.grid)
    rows, cols = (a.reshape(-1).astype(np.int32) for a in np.indices(job.grid.shape))
    for k in range(job.n_layers):
        layer = design.layer(k)
        within = layer.within
        cells = within.cells(rows, cols, pmsl.predict.measure.design_layers.Window(0, 0, *job.grid.shape))
        volume = np.einsum("s,nsc->n", np.diff(within.depths), cells[:, within.plane]) / CELLS**2
        assert np.allclose(volume, layer.mask.dense(np.float32).reshape(-1), atol=3e-5)
        assert len(within.masks) == (2 if k in (1, 3, 5) else 1)


def test_which_slabs_lean_and_where_something_begins_or_ends():
    edges = np.arange(5) * 10.0
    upright = np.array([[0, 0, 0, 1, 0, 0, 1, 0, 13.0]])
    flat, lean = np.array([[0, 0, 25.0, 1, 0, 25, 1, 1, 25]]), np.array([[0, 0, 20.0, 1, 0, 20, 1, 1, 30]])
    leaning_, steps = leaning_and_steps(np.concatenate([upright, flat, lean]), edges)
    assert leaning_.tolist() == [0, 0, 2, 0]
    assert [s.tolist() for s in steps] == [[0.0], [13.0], [25.0], []]


@pytest.mark.parametrize(("induction", "dp"), thinned(4, [1.0, 2.0, 4.0, 7.0], [20.0, 40.0]))
def test_walls_of_a_resin_with_induction_stand_where_the_closed_form_has_them(induction, dp):
    """Every event fades across a wall as one profile p does; the edge is where ``Σ max(0, E p - E_ind)`` is the threshold."""
    layers = 24
    job = dataclasses.replace(job_of([box((150, 150, 0), (350, 330, layers * H))], dp=dp), resin=resin(dp, induction_mj_cm2=induction))
    events = EC * np.exp((20.0 - H / 2 - H * np.arange(layers)) / dp)

    def over(p, k):
        return np.maximum(events[: layers - k] * p - induction, 0).sum() - (EC - induction)

    walls = [-SIGMA * ndtri(brentq(over, 1e-9, 1, args=(k,))) for k in range(layers)]
    found = pmsl.simulate(job).epe_um
    assert found["median"] / PX == pytest.approx(np.median(walls), abs=1.5e-3) and found["merged"] == 0


@settings(max_examples=examples(15), deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["enclosed", "open"]), st.floats(0.1, 6))
def test_where_the_effective_dose_reaches_the_threshold_beyond_the_layer(seed, memory, induction):
    rng = np.random.default_rng(seed)
    model = CureModel(Decay((1.0,), (DP,)), 10.0, induction_mj_cm2=induction, memory=memory)
    total = EventSum(model, (1, 12), beyond_um=1000.0)
    doses = rng.uniform(0, 40, (4, 2, 1, 12)) * rng.integers(0, 2, (4, 2, 1, 12))
    for k in (3, 2, 1, 0):
        cured = total.add(k, H, *doses[k])
    reaches = cured.light.reaches_um(np.arange(12), model.threshold_mj_cm2)

    def dose(depth, column):
        groups = [sum(max(e * math.exp(-(depth + k * H) / DP) - induction, 0) for e in doses[k][:, 0, column]) for k in range(4)]
        return max(groups) if memory == "open" else sum(groups)

    for column, reach in enumerate(reaches):
        if np.isfinite(reach):
            assert dose(reach, column) == pytest.approx(model.threshold_mj_cm2, rel=1e-9)
        else:
            assert not doses[:, :, 0, column].any()
        assert cured.cured_um[0, column] == pytest.approx(np.clip(reach, 0, H), abs=1e-6)
