"""Sums of light brought into bands: the levels meet every condition of the least change, as another solver finds them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, minimize

from pmsl.kernels.solve import hildreth_qp


def relaxed(w, index, lo, hi, wanted, soft=0.0, sweeps=20_000, y=None):
    v = np.array(wanted, float)
    y = np.zeros(len(w)) if y is None else y
    scratch = np.empty_like(w), np.empty(len(w)), np.zeros(len(w), np.uint8)
    made = hildreth_qp.relax(w, np.ones(len(v)), index, lo, hi, np.full(len(w), soft), v, y, *scratch, sweeps, 1e-10)
    return np.clip(v, 0, 1), y, made, v


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2**31))
def test_sums_of_light_are_those_of_a_matrix(rows, pixels, seed):
    rng = np.random.default_rng(seed)
    w, light = rng.random((rows, pixels)), rng.random(6)
    index = rng.integers(0, 6, (rows, pixels)).astype(np.int32)
    out = np.full(rows, np.nan)
    hildreth_qp.seen(w, index, light, out)
    assert out == pytest.approx((w * light[index]).sum(axis=1))
    hildreth_qp.seen(w[:1].copy(), index, light, out)
    assert out == pytest.approx((w[0] * light[index]).sum(axis=1)), "one row of shares is that of all"


def problem(seed, rows=3, pixels=5, seen=3):
    """Bands around the light of some levels, so that they can be met."""
    rng = np.random.default_rng(seed)
    index = np.array([rng.choice(pixels, seen, replace=False) for _ in range(rows)], np.int32)
    w = rng.uniform(0.2, 1.0, (rows, seen))
    level = rng.uniform(0.1, 0.9, pixels)
    light = (w * level[index]).sum(axis=1)
    return w, index, light - rng.uniform(0, 0.1, rows), light + rng.uniform(0, 0.1, rows), rng.uniform(0, 1, pixels)


@given(st.integers(0, 10**6))
def test_levels_are_those_that_another_solver_finds(seed):
    w, index, lo, hi, wanted = problem(seed)
    levels, y, made, _ = relaxed(w, index, lo, hi, wanted)
    if np.abs(y).max() >= hildreth_qp.PUSH:
        return  # held back: what the next test is about
    matrix = np.zeros((len(w), len(wanted)))
    np.add.at(matrix, (np.arange(len(w))[:, None], index), w)
    best = minimize(
        lambda g: 0.5 * ((g - wanted) ** 2).sum(),
        np.full(len(wanted), 0.5),
        jac=lambda g: g - wanted,
        method="SLSQP",
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, lo, hi),
        options={"maxiter": 500, "ftol": 1e-13},
    )
    if best.success:
        assert levels == pytest.approx(best.x, abs=1e-4)
    assert made <= 20_000 and (matrix @ levels >= lo - 1e-5).all() and (matrix @ levels <= hi + 1e-5).all()


@given(st.integers(0, 10**6))
def test_multipliers_push_only_at_the_border_of_a_band_and_in_its_direction(seed):
    w, index, lo, hi, wanted = problem(seed)
    levels, y, _, v = relaxed(w, index, lo, hi, wanted)
    assert v == pytest.approx(wanted + np.bincount(index.ravel(), (y[:, None] * w).ravel(), len(wanted)), abs=1e-8)
    if np.abs(y).max() < hildreth_qp.PUSH:
        light = (w * levels[index]).sum(axis=1)
        assert light[y > 1e-6] == pytest.approx(lo[y > 1e-6], abs=1e-5)
        assert light[y < -1e-6] == pytest.approx(hi[y < -1e-6], abs=1e-5)


def test_what_is_met_already_is_left_alone_and_a_start_is_gone_on_from():
    w, index = np.array([[1.0, 1.0]]), np.array([[0, 1]], np.int32)
    levels, y, made, _ = relaxed(w, index, np.array([0.5]), np.array([1.5]), [0.3, 0.4])
    assert levels.tolist() == [0.3, 0.4] and y.tolist() == [0.0] and made == 1
    levels, y, *_ = relaxed(w, index, np.array([1.0]), np.array([1.5]), [0.3, 0.4])
    assert levels == pytest.approx([0.45, 0.55]) and y == pytest.approx([0.15])
    again, _, made, _ = relaxed(w, index, np.array([1.0]), np.array([1.5]), [0.3, 0.4], y=y.copy())
    assert again == pytest.approx(levels) and made == 1


def test_a_row_that_cannot_be_met_pushes_no_harder_than_it_may():
    w, index = np.array([[0.5, 0.5]]), np.array([[0, 1]], np.int32)
    levels, y, *_ = relaxed(w, index, np.array([3.0]), np.array([4.0]), [0.2, 0.2], sweeps=500)
    assert levels.tolist() == [1.0, 1.0] and y.tolist() == [hildreth_qp.PUSH]
    levels, y, *_ = relaxed(w, index, np.array([-4.0]), np.array([-3.0]), [0.2, 0.2], sweeps=500)
    assert levels.tolist() == [0.0, 0.0] and y.tolist() == [-hildreth_qp.PUSH]


@pytest.mark.parametrize("soft", [0.1, 1.0])
def test_a_soft_row_misses_its_band_by_its_multiplier(soft):
    """One pixel, band [0.8, 1]: level = 0.2 + y and level + soft · y = 0.8, so y = 0.6 / (1 + soft)."""
    levels, y, *_ = relaxed(np.array([[1.0]]), np.array([[0]], np.int32), np.array([0.8]), np.array([1.0]), [0.2], soft)
    assert y == pytest.approx([0.6 / (1 + soft)]) and levels == pytest.approx([0.2 + 0.6 / (1 + soft)])
