"""Where the dose is Ec along the normals of a designed contour: the exact measure that levels are held to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmsl.correct.solver.accumulated_dose import Above
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.contact_layers import PointCells
from pmsl.correct.solver.influence_rows import Pixels, Spot
from pmsl.correct.solver.layer_problem import from_above, seen
from pmsl.correct.solver.target_surfaces import Walls
from pmsl.correct.wall_prediction import first_fall

PLACES_PX = np.array([-1.0, -0.6, -0.35, -0.2, -0.1, 0.0, 0.1, 0.2, 0.35, 0.6, 1.0])  # outward
LOST_PX = 1.0  # what counts where no wall is within that
CHUNK = 4096  # points looked at at once


@dataclass(frozen=True, slots=True, eq=False)
class ContourError:
    """Signed distance from the contour to the printed one along its normal, (N,) float64 [px]: above 0 outside, nan where there is none.

    `at_top_px` and `at_bottom_px` are those of the printed contour at both ends of the slab: how the wall leans.
    """

    error_px: np.ndarray
    at_top_px: np.ndarray
    at_bottom_px: np.ndarray

    @property
    def off_px(self) -> np.ndarray:
        """How far off, `LOST_PX` where there is no wall: (N,) float64."""
        return np.where(np.isnan(self.error_px), LOST_PX, np.abs(self.error_px))


def contour_errors(
    walls: Walls, cells: PointCells, k: int, lights: list[np.ndarray], above: Above, law: Law, spot: Spot, pixels: Pixels
) -> list[ContourError]:
    """Measure where each of some ways to light a layer puts its walls, half-way up the slab.

    Parameters
    ----------
    walls : Walls
        Points of the contour.
    cells : PointCells
        The liquid they border on.
    k : int
    lights : list of (P + 1,) float64
        Doses of pixels at the exposure plane [mJ/cm²].
    above : Above
        Light of the layers above.
    law : Law
    spot : Spot
    pixels : Pixels
    """
    n, height = len(walls.at_px), float(law.z_edges_um[k + 1] - law.z_edges_um[k])
    relative = np.empty((len(lights), n, len(PLACES_PX)))
    pixel = np.asarray(cells.pixel)
    for first in range(0, n, CHUNK):
        part = slice(first, first + CHUNK)
        at = (walls.at_px[part, None, :] + PLACES_PX[:, None] * walls.outward[part, None, :]).reshape(-1, 2)
        weights, index = spot.rows(at, pixels)
        given = from_above(weights, index, above, 0.5 * height, PointCells(k, np.repeat(pixel[part], len(PLACES_PX))))
        for which, light in enumerate(lights):
            dose = law.effective_mj_cm2(0.5 * height, seen(weights, index, light), given)
            relative[which, part] = (dose / law.threshold_mj_cm2).reshape(-1, len(PLACES_PX))
    middle = float(law.left_at(0.5 * height))
    ends = float(law.left_at(0.0)) / middle, float(law.left_at(height)) / middle
    return [ContourError(crossing(each), crossing(each * ends[0]), crossing(each * ends[1])) for each in relative]


def crossing(relative: np.ndarray) -> np.ndarray:
    """Return where along `PLACES_PX` dose over threshold, (N, S), falls below 1, nearest to 0: (N,) float64, nan where nowhere."""
    return first_fall(np.log(np.maximum(relative, 1e-20)), PLACES_PX)
