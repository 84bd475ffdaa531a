"""Problem → gray levels: light is found by descent as steepness changes with it, then levels one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pmsl.correct.optimise.wall_level_problem import WallLevelProblem
from pmsl.correct.solver.layer_problem import seen
from pmsl.optics.grayscale import levels_of

ROUNDS, SWEEPS, SETTLING = 7, 12, 12  # of steepness, of pixels in each, of levels
STRETCH = 1.3
FLATTEST = 0.3  # Ec a pixel: a dose that falls less steeply is reckoned with as if it fell so
OFF, FIRMER = 0.03, 4.0  # of Ec: points on either side that are off by more weigh so many times more from round to round
FINE = 0.25 / 255  # light: a sweep that moves no pixel by more is the last
HOLD = 1e-5  # weight of the closed form's light


class Columns(NamedTuple):
    """The rows that each free pixel is in: entries ``start[p]:start[p + 1]`` of `row` and `weight`."""

    start: np.ndarray
    row: np.ndarray
    weight: np.ndarray

    @classmethod
    def of(cls, problem: WallLevelProblem) -> Columns:
        """List them."""
        from pmsl.kernels.levels import level_descent

        rows, places = problem.rows, problem.places
        start = np.empty(len(places.number) + 2, np.int64)
        row, weight = np.empty(rows.index.size, np.int32), np.empty(rows.index.size)
        n = level_descent.by_column(rows.index, rows.weights, places.slot, start, row, weight)
        return cls(start, row[:n].copy(), weight[:n].copy())

    def pulled(self, value: np.ndarray) -> np.ndarray:
        """Return what values of rows (N,) pull at free pixels: the adjoint of the light that rows see, (F,) float64."""
        from pmsl.kernels.levels import level_descent

        out = np.empty(len(self.start) - 2)
        level_descent.pulled(*self, np.ascontiguousarray(value), out)
        return out


@dataclass(frozen=True, slots=True, eq=False)
class LevelSolution:
    """Levels (P,) uint8, and how many pixels the last sweep still moved; 0 where no level alone could be any better."""

    levels: np.ndarray
    unsettled: int


def weights_of(problem: WallLevelProblem, light: np.ndarray, firm: np.ndarray | float = 1.0) -> np.ndarray:
    """Return the weight of each row, (N,) float64, for pixels that are so light (P + 1,): of points length over the square of the fall.

    So what is summed up of points is the square of how far off [px] the wall is. `firm` (N,) multiplies the weights of other rows.
    """
    rows, n = problem.rows, len(problem.contour.length_px)
    fall = seen(problem.fall, rows.index[:n], light) + problem.fall_above
    push = firm / rows.soft
    push[:n] = problem.contour.length_px / np.maximum(fall, FLATTEST * problem.unit) ** 2
    return push


def firmer(problem: WallLevelProblem, firm: np.ndarray, now: np.ndarray) -> np.ndarray:
    """Return factors on the weights of rows, larger where a point on either side is still off in light `now` (N,): (N,) float64."""
    rows, out = problem.rows, firm.copy()
    off = np.maximum(now - rows.high, rows.low - now)[problem.side_rows]
    out[problem.side_rows][off > OFF * problem.unit] *= FIRMER
    return out


def sum_and_pull(problem: WallLevelProblem, columns: Columns, light: np.ndarray, push: np.ndarray) -> tuple[float, np.ndarray]:
    """Return ``½ Σ push · off²`` of pixels that are so light (P + 1,), and its gradient in the light of free pixels (F,).

    Parameters
    ----------
    problem : WallLevelProblem
    columns : Columns
    light : (P + 1,) float64
        Relative to white.
    push : (N,) float64
        As `weights_of` gives it.
    """
    from pmsl.kernels.levels import level_descent

    rows, off = problem.rows, np.empty(len(push))
    total = level_descent.off_band(seen(rows.weights, rows.index, light), rows.low, rows.high, push, off)
    return float(total), columns.pulled(off)


def solved(problem: WallLevelProblem, levels: np.ndarray, response: np.ndarray) -> LevelSolution:
    """Solve for the levels of free pixels.

    Parameters
    ----------
    problem : WallLevelProblem
    levels : (P,) uint8
        To begin with.
    response : (256,) float64
    """
    from pmsl.kernels.levels import level_descent

    rows, free = problem.rows, problem.places.number
    columns = Columns.of(problem)
    light = np.append(response[levels], 0.0)
    wanted = light[free].copy()
    g, moving = wanted.copy(), np.zeros(len(free), np.uint8)
    firm = np.ones(len(rows.index))
    for _ in range(ROUNDS):
        now = seen(rows.weights, rows.index, light)
        firm = firmer(problem, firm, now)
        push = weights_of(problem, light, firm)
        level_descent.descend(*columns, rows.low, rows.high, push, HOLD, wanted, g, now, moving, STRETCH, SWEEPS, FINE)
        light[free] = g
    push = weights_of(problem, light, firm)
    level = levels_of(g, response).astype(np.int64)
    light[free] = response[level]
    now = seen(rows.weights, rows.index, light)
    left = level_descent.settle(*columns, rows.low, rows.high, push, HOLD, wanted, response, level, now, SETTLING)
    out = levels.copy()
    out[free] = level
    return LevelSolution(out, int(left))
