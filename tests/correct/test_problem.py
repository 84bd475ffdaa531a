"""The pieces: levels that meet rows against a quadratic programme of scipy, points of walls, faces under pixels, levels in runs."""

import numpy as np
import pytest
from forward_model import grid_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear, minimize
from solids import box, cone, hull, moved
from tiers import examples

from pmsl.correct.solver.target_surfaces import FaceFinder, levels_at, walls_of
from pmsl.kernels.light import psf_rows
from pmsl.kernels.solve import hildreth_qp
from pmsl.masks import masks_of
from pmsl.optics import Gaussian
from pmsl.slicing.plane_index import index_crossings

seeds = st.integers(0, 2**32 - 1)


def problem(rng, rows=12, pixels=20, width=6):
    index = np.stack([rng.choice(pixels, width, replace=False) for _ in range(rows)]).astype(np.int32)
    weights = rng.random((rows, width)) ** 2 * 0.5
    dense = np.zeros((rows, pixels))
    np.put_along_axis(dense, index.astype(np.int64), weights, axis=1)
    return index, weights, dense, rng.uniform(-0.5, 1.5, pixels), np.full(rows, 0.05)


def relaxed(weights, index, low, high, soft, wanted, begun=None):
    v, y = wanted.copy(), np.zeros(len(index)) if begun is None else begun.copy()
    scratch = np.empty_like(weights), np.empty(len(index)), np.zeros(len(index), np.uint8)
    hildreth_qp.relax(weights, np.ones(len(v)), index, low, high, soft, v, y, *scratch, 5000, 1e-12)
    return np.clip(v, 0, 1), y


def test_shares_of_light_are_those_of_the_spread():
    """The kernel against `Gaussian.line`, a rectangle of pixels, unequal blur along y and x, mirrors that do not fill their pitch."""
    psf, rng = Gaussian((0.36, 0.5), 0.95), np.random.default_rng(5)
    at, out = rng.uniform(0, 4, (40, 2)), np.zeros((40, 5 * 4))
    psf_rows.weights(at, 5, 4, np.array([psf.sigma_px]), np.full(2, psf.mirror_px), np.zeros(5), out)
    down, across = (psf.line(at[:, i, None] - np.arange(n), i, mean=False) for i, n in ((0, 5), (1, 4)))
    assert out.reshape(40, 5, 4) == pytest.approx(down[:, :, None] * across[:, None, :], rel=1e-13, abs=1e-300)
    each, alone = np.linspace([0.3, 0.4], [0.9, 0.6], 40), np.zeros((1, 20))
    psf_rows.weights(at, 5, 4, each, np.full(2, psf.mirror_px), np.zeros(5), out)
    for i in (0, 17, 39):  # a blur of its own for every point
        psf_rows.weights(at[i : i + 1], 5, 4, each[i : i + 1], np.full(2, psf.mirror_px), np.zeros(5), alone)
        assert np.array_equal(out[i], alone[0])
    slot, first = rng.integers(0, 99, (9, 8)).astype(np.int32), np.array([[0, 0], [4, 4], [2, 1]])
    found = np.zeros((3, 20), np.int32)
    psf_rows.numbers(slot, first, 5, 4, found)
    assert all(np.array_equal(f.reshape(5, 4), slot[r : r + 5, c : c + 4]) for f, (r, c) in zip(found, first, strict=True))


@given(seed=seeds)
def test_levels_are_those_of_bounded_least_squares(seed):
    rng = np.random.default_rng(seed)
    index, weights, dense, wanted, soft = problem(rng)
    asked = rng.uniform(0, 1.2, len(index))
    g, y = relaxed(weights, index, asked, asked, soft, wanted)
    if np.abs(y).max() < 9.99:  # no multiplier at its limit
        root = np.sqrt(soft)[:, None]
        best = lsq_linear(np.vstack([np.eye(len(wanted)), dense / root]), np.concatenate([wanted, asked / root[:, 0]]), (0, 1), tol=1e-14)
        assert np.abs(g - best.x).max() < 1e-4
        again, _ = relaxed(weights, index, asked, asked, soft, wanted, rng.uniform(-1, 1, len(index)))
        assert np.abs(again - g).max() < 1e-5  # wherever it begins


@settings(max_examples=examples(5))
@given(seed=seeds)
def test_bands_are_met_as_well_as_they_can_be(seed):
    rng = np.random.default_rng(seed)
    index, weights, dense, wanted, soft = problem(rng)
    low = np.where(rng.random(len(index)) < 0.5, rng.uniform(0, 1, len(index)), -1e9)
    high = np.where(rng.random(len(index)) < 0.5, np.maximum(low, 0) + rng.uniform(0, 0.5, len(index)), 1e9)

    def cost(g):
        seen = dense @ g
        off = seen - np.clip(seen, low, high)
        return 0.5 * ((g - wanted) ** 2).sum() + 0.5 * (off**2 / soft).sum(), g - wanted + dense.T @ (off / soft)

    g, y = relaxed(weights, index, low, high, soft, wanted)
    if np.abs(y).max() < 9.99:
        best = minimize(cost, np.clip(wanted, 0, 1), jac=True, bounds=[(0, 1)] * len(wanted), method="L-BFGS-B", tol=1e-14)
        assert cost(g)[0] <= best.fun + 1e-6


def test_a_row_that_cannot_be_met_leaves_far_pixels_alone():
    index = np.array([[0, 1, 2]], np.int32)
    weights = np.array([[0.5, 1e-4, 1e-6]])
    g, y = relaxed(weights, index, np.array([-9.0]), np.array([-9.0]), np.array([1e-6]), np.ones(3))
    assert g[0] == 0.0 and g[1] > 0.99 and g[2] > 0.9999 and y[0] == -10.0


@given(seed=seeds)
def test_levels_in_runs_are_those_of_the_mask(seed):
    rng = np.random.default_rng(seed)
    grid = grid_of(20, 24, 3, pitch=1.0, h=1.0)
    mask = masks_of([hull(rng.uniform(2, 18, (12, 3)) * (1.1, 1.0, 0.15))], grid).mask(1)
    row, col = np.meshgrid(np.arange(-2, 22), np.arange(-2, 26), indexing="ij")
    dense = np.pad(mask.dense(np.float64), 2)
    assert np.array_equal(levels_at(mask, row.ravel(), col.ravel()), dense.ravel())


@given(seed=seeds)
def test_faces_under_pixels_are_where_a_ray_meets_the_hull(seed):
    """A convex solid: under every pixel's middle inside its shadow lies one face; its height solves the planes of the hull."""
    rng = np.random.default_rng(seed)
    solid = hull(rng.uniform(0, 1, (14, 3)) * (16, 14, 6) + (2, 2, 1))
    grid = grid_of(20, 20, 8, pitch=1.0, h=1.0)
    found = FaceFinder(index_crossings([solid], grid, slabs=True), grid).between(-1.0, 99.0)
    corners = solid.vertices_um[solid.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    steep = normals[:, 2] < -0.6 * np.linalg.norm(normals, axis=1)
    down = normals[:, 2] < 0
    for row, col, z in zip(found.row, found.col, found.z_um, strict=True):
        x, y = col + 0.5, row + 0.5
        planes = (np.einsum("ij,ij->i", normals, corners[:, 0]) - normals[:, 0] * x - normals[:, 1] * y) / normals[:, 2]
        assert abs(planes[down].max() - z) < 1e-9  # the highest of the lower planes bounds a convex solid from below
        assert steep[down][np.argmax(planes[down])]
    assert len(set(zip(found.row.tolist(), found.col.tolist(), strict=True))) == len(found.row)
    assert (np.diff(found.z_um) >= 0).all()


def test_a_flat_face_on_pixel_middles_is_found_once_each():
    """The diagonal of the face runs through middles of pixels, and so do its sides."""
    grid = grid_of(12, 12, 6, pitch=1.0, h=1.0)
    found = FaceFinder(index_crossings([box((2.5, 2.5, 2), (8.5, 8.5, 5))], grid, slabs=True), grid).between(0, 9)
    assert len(found.row) == len(set(zip(found.row.tolist(), found.col.tolist(), strict=True))) == 36 and (found.z_um == 2).all()


def test_points_of_walls_lie_on_the_contour_with_normals_and_rise():
    grid = grid_of(40, 40, 5, pitch=1.0, h=1.0)
    solid = cone(64, 15.0, 5.0, (20.3, 19.8, 0.0))
    walls = walls_of(index_crossings([solid], grid), grid, 1, masks_of([solid], grid).mask(1))
    d = walls.at_px - (19.8, 20.3)
    r = np.hypot(*d.T)
    assert np.abs(r - 10.5).max() < 0.03 and len(r) > 100
    assert (np.einsum("ij,ij->i", d / r[:, None], walls.outward) > 0.998).all()
    assert np.abs(walls.rise - 15 / np.hypot(15, 5)).max() < 1e-2
    assert (np.diff(walls.cell) > 0).all()


def test_walls_inside_other_solids_are_none():
    grid = grid_of(40, 40, 4, pitch=1.0, h=1.0)
    parts = [box((5, 5, 0), (30, 30, 4)), moved(box((0, 0, 0), (20, 20, 4)), (20.2, 12.3, 0))]
    mask = masks_of(parts, grid).mask(1)
    walls = walls_of(index_crossings(parts, grid), grid, 1, mask)
    y, x = walls.at_px.T
    within_first = (x > 5.9) & (x < 29.1) & (y > 5.9) & (y < 29.1)
    within_second = (x > 21.1) & (x < 39.3) & (y > 13.2) & (y < 31.4)
    assert len(x) > 150 and not within_first.any() and not within_second.any()
