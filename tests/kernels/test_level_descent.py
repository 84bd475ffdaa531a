"""Levels by descent: columns are the transpose, light is what another solver finds, levels are such that none alone could be better."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from pmsl.kernels.levels import level_descent


def problem(seed, rows=9, pixels=7, seen=4):
    """Rows of which one pixel, the last, is not free, and one has no light; as sparse rows, columns and a matrix."""
    rng = np.random.default_rng(seed)
    index = np.array([rng.choice(pixels, seen, replace=False) for _ in range(rows)], np.int32)
    weights = rng.uniform(0.1, 1.0, (rows, seen))
    slot = np.arange(pixels, dtype=np.int32)
    slot[-1] = -1
    start, row, weight = np.empty(pixels + 1, np.int64), np.empty(index.size, np.int32), np.empty(index.size)
    n = level_descent.by_column(index, weights, slot, start, row, weight)
    matrix = np.zeros((rows, pixels))
    np.add.at(matrix, (np.arange(rows)[:, None], index), weights)
    return (start, row[:n], weight[:n]), matrix, rng


def asked(rng, rows):
    """Bands, some of no width and some open, and weights."""
    low = rng.uniform(0.2, 1.4, rows)
    high = low + np.where(rng.random(rows) < 0.5, 0.0, rng.uniform(0, 0.3, rows))
    high[rng.random(rows) < 0.2] = 1e9
    return low, high, rng.uniform(0.2, 3.0, rows)


def cost(matrix, g, low, high, push, hold, wanted):
    seen = matrix @ g
    off = np.maximum(seen - high, 0) + np.minimum(seen - low, 0)
    return 0.5 * (push * off**2).sum() + 0.5 * hold * ((g[:-1] - wanted) ** 2).sum()


@given(st.integers(0, 10**6))
def test_columns_are_the_adjoint_of_rows(seed):
    columns, matrix, rng = problem(seed)
    light, value, out = rng.normal(size=6), rng.normal(size=9), np.full(6, np.nan)
    level_descent.pulled(*columns, value, out)
    assert out == pytest.approx(matrix[:, :-1].T @ value, rel=1e-12)
    assert value @ (matrix[:, :-1] @ light) == pytest.approx(out @ light, rel=1e-10, abs=1e-10)


def test_too_little_room_is_said_and_nothing_listed():
    index, weights = np.array([[0, 1]], np.int32), np.ones((1, 2))
    row = np.full(1, -7, np.int32)
    assert level_descent.by_column(index, weights, np.arange(2, dtype=np.int32), np.empty(4, np.int64), row, np.empty(1)) == 2
    assert row.tolist() == [-7]


@given(st.integers(0, 10**6))
def test_light_is_what_another_solver_finds(seed):
    columns, matrix, rng = problem(seed)
    low, high, push = asked(rng, len(matrix))
    g, wanted, hold = rng.random(7), rng.random(6), 0.05
    free, fixed = g[:-1].copy(), g[-1]
    seen = matrix @ g
    level_descent.descend(*columns, low, high, push, hold, wanted, free, seen, np.zeros(6, np.uint8), 1.2, 5000, 1e-12)
    best = minimize(
        lambda v: cost(matrix, np.append(v, fixed), low, high, push, hold, wanted),
        np.full(6, 0.5),
        bounds=[(0, 1)] * 6,
        options={"ftol": 1e-15, "gtol": 1e-10},
    )
    assert cost(matrix, np.append(free, fixed), low, high, push, hold, wanted) <= best.fun * (1 + 1e-6) + 1e-12
    assert seen == pytest.approx(matrix @ np.append(free, fixed), abs=1e-9) and free.min() >= 0 and free.max() <= 1


@given(st.integers(0, 10**6), st.sampled_from([1.0, 2.2]))
def test_no_level_alone_could_be_better(seed, gamma):
    columns, matrix, rng = problem(seed)
    low, high, push = asked(rng, len(matrix))
    high = np.where(high > 100, low, high)  # without hinges a pixel's cost is a parabola
    low = high.copy()
    response, wanted, hold = (np.arange(256) / 255) ** gamma, rng.random(6), 0.05
    level, fixed = rng.integers(0, 256, 6), rng.random()

    def of(levels):
        return cost(matrix, np.append(response[levels], fixed), low, high, push, hold, wanted)

    before, seen = of(level), matrix @ np.append(response[level], fixed)
    left = level_descent.settle(*columns, low, high, push, hold, wanted, response, level, seen, 200)
    assert left == 0 and of(level) <= before
    for p in range(6):
        for step in (-1, 1):
            other = level.copy()
            other[p] = np.clip(other[p] + step, 0, 255)
            assert of(other) >= of(level) - 1e-12


@given(st.integers(0, 10**6))
def test_levels_never_become_worse_whatever_is_asked(seed):
    columns, matrix, rng = problem(seed)
    low, high, push = asked(rng, len(matrix))
    response, wanted, hold, fixed = np.arange(256) / 255, rng.random(6), 0.05, rng.random()
    level = rng.integers(0, 256, 6)
    before = cost(matrix, np.append(response[level], fixed), low, high, push, hold, wanted)
    for _ in range(3):
        level_descent.settle(*columns, low, high, push, hold, wanted, response, level, matrix @ np.append(response[level], fixed), 1)
        after = cost(matrix, np.append(response[level], fixed), low, high, push, hold, wanted)
        assert after <= before + 1e-12
        before = after
