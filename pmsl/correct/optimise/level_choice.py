"""Which levels every neighbourhood gets: those found where they put its walls nearer to the design, part of the way to them, or none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmsl.correct.optimise.contour_error import ContourError, contour_errors
from pmsl.correct.optimise.sides import PER_PX, SidePoints
from pmsl.correct.optimise.wall_level_problem import WallLevelProblem
from pmsl.correct.solver.accumulated_dose import Above
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.contact_layers import PointCells
from pmsl.correct.solver.influence_rows import Pixels, Spot
from pmsl.correct.solver.layer_problem import seen
from pmsl.optics.grayscale import levels_of

STRAY = 0.5 / PER_PX**2  # px³: an area that is wrong counts as if it were off by 0.7 px along a pixel of wall
PRICE_PX = 0.05  # root mean square that walls may be further off for less that is wrong beside them
SHARES = 1.0, 0.7, 0.4  # of the way from the closed form to what was found


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """How good the light of a layer is, exactly, in every neighbourhood, (G,) float64 each.

    Attributes
    ----------
    walls : ndarray
        The square of how far off they are, summed along them [px³].
    others : ndarray
        The same of what else is asked.
    lost : ndarray
        Length of walls that are not there [px].
    stray : ndarray
        Points that cure outside or stay liquid inside.
    length : ndarray
        Of the contour [px].
    errors : ContourError
        Of the points of the contour that were looked at.
    """

    walls: np.ndarray
    others: np.ndarray
    lost: np.ndarray
    stray: np.ndarray
    length: np.ndarray
    errors: ContourError

    def better_than(self, other: Quality) -> np.ndarray:
        """Tell where it is better, (G,) bool: less in all, no more walls lost or wrong beside them, and less of that, or walls nearer."""
        less = self.walls + self.others + STRAY * self.stray < other.walls + other.others + STRAY * other.stray
        nearer = (self.walls < other.walls) | ((self.stray < other.stray) & (self.walls <= other.walls + PRICE_PX**2 * self.length))
        return np.asarray(less & nearer & (self.lost <= other.lost) & (self.stray <= other.stray))


@dataclass(frozen=True, slots=True, eq=False)
class LayerScene:
    """What measuring a layer needs beside its problem."""

    index: int
    sides: SidePoints
    white: np.ndarray
    above: Above
    law: Law
    spot: Spot
    pixels: Pixels

    def qualities(self, problem: WallLevelProblem, lights: list[np.ndarray], which: np.ndarray) -> list[Quality]:
        """Measure some ways to light pixels (P + 1,), each relative to its own white, in some neighbourhoods (G,) bool."""
        contour, places, rows = problem.contour, problem.places, problem.rows
        point = which[contour.group]
        cells = PointCells(self.index, np.asarray(problem.cells.pixel)[point])
        doses = [light * self.white for light in lights]
        measured = contour_errors(contour.walls.selected(point), cells, self.index, doses, self.above, self.law, self.spot, self.pixels)
        first, n = len(contour.group), places.n
        index, soft = rows.index[first:], rows.soft[first:]
        group = np.where(places.slot[index] >= 0, places.group[index], -1).max(axis=1, initial=-1)
        mine = group >= 0
        out = []
        for light, dose, errors in zip(lights, doses, measured, strict=True):
            now = seen(rows.weights[first:], index, light)
            beyond = np.maximum(now - rows.high[first:], 0.0) + np.maximum(rows.low[first:] - now, 0.0)
            length, off = contour.length_px[point], errors.off_px
            walls = np.bincount(contour.group[point], length * off**2, n)
            others = np.bincount(group[mine], (beyond**2 / soft)[mine], n)
            lost = np.bincount(contour.group[point], length * np.isnan(errors.error_px), n)
            stray = np.bincount(places.group[self.sides.cell], self.sides.stray(self.index, dose, self.law), n)
            along = np.bincount(contour.group[point], length, n)
            out.append(Quality(walls, others, lost, stray, along, errors))
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """Levels (P,) uint8, which neighbourhoods have others than the closed form's, and how far off the contour was and is."""

    levels: np.ndarray
    changed: np.ndarray
    before: ContourError
    after: ContourError


def chosen(problem: WallLevelProblem, scene: LayerScene, closed: np.ndarray, found: np.ndarray, response: np.ndarray) -> Choice:
    """Choose between the levels of the closed form (P,) uint8 and those that were found.

    Where they are not better as they are, part of the way to them may be: nothing that is right at the beginning is wrong near by.
    """
    places, group = problem.places, problem.contour.group
    levels, changed = closed.copy(), np.zeros(places.n, bool)
    first, last = (np.append(response[each], 0.0) for each in (closed, found))
    before: Quality | None = None
    parts = ("error_px", "at_top_px", "at_bottom_px")
    now: dict[str, np.ndarray] = {}
    for share in SHARES:
        still = ~changed
        if not still.any():
            break
        trial = levels_of(first[:-1] + share * (last[:-1] - first[:-1]), response)
        light = np.append(response[trial], 0.0)
        if before is None:
            before, after = scene.qualities(problem, [first, light], still)
            now = {name: getattr(before.errors, name).copy() for name in parts}
        else:
            (after,) = scene.qualities(problem, [light], still)
        better = still & after.better_than(before)
        mine, point = places.number[better[places.group[places.number]]], still[group]
        levels[mine] = trial[mine]
        for name in parts:
            now[name][better[group]] = getattr(after.errors, name)[better[group[point]]]
        changed |= better
    assert before is not None
    return Choice(levels, changed, before.errors, ContourError(**now))
