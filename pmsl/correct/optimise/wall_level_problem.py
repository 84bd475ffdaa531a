"""The problem of a layer's walls: which pixels may change, and what the contour, pixels beside it and faces ask of their light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.correct.optimise.neighbourhoods import Neighbourhoods
from pmsl.correct.optimise.sides import SidePoints
from pmsl.correct.solver.accumulated_dose import Above
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.contact_layers import PointCells
from pmsl.correct.solver.influence_rows import Pixels, Spot
from pmsl.correct.solver.layer_problem import FREE, DoseConstraints, beside_walls, from_above
from pmsl.correct.solver.target_surfaces import STEEP, Walls, points_of

STRAIGHT_PER_PX, BENT_PER_PX = 2, 8  # points
TILT_PX = 0.05  # to both sides of a point the dose is looked at for how steeply it falls
STEEPNESS, SHARPEN = 1.5, 0.002  # Ec a pixel that the dose should fall at walls, and the weight of what lacks


@dataclass(frozen=True, slots=True, eq=False)
class Contour:
    """Points of a contour that see free pixels.

    Attributes
    ----------
    walls : Walls
    length_px : (N,) float64
        What each of them stands for.
    group : (N,) int64
        The neighbourhood of each.
    bent : (N,) bool
        Whether it lies where walls turn, or another is near.
    """

    walls: Walls
    length_px: np.ndarray
    group: np.ndarray
    bent: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class WallLevelProblem:
    """What is asked of the light of free pixels; doses are relative to white.

    Attributes
    ----------
    places : Neighbourhoods
    contour : Contour
    cells : PointCells
        The liquid that its points border on.
    rows : DoseConstraints
        Of these points first, then of points on either side and of faces; weights include the white dose of each pixel, `soft` is 1 over
        the weight of a row.
    fall, fall_above : (N, J) and (N,) float64
        How steeply light falls outward at each point: of the layer itself, by row, and of those above.
    unit : float
        What is Ec of light, half-way up the slab.
    side_rows : slice
        The rows of points on either side.
    """

    places: Neighbourhoods
    contour: Contour
    cells: PointCells
    rows: DoseConstraints
    fall: np.ndarray
    fall_above: np.ndarray
    unit: float
    side_rows: slice


def contour_of(
    segments: np.ndarray, rise: np.ndarray, mask: LayerMask, bent: np.ndarray, places: Neighbourhoods, pixels: Pixels
) -> Contour:
    """Find the points of a contour that see free pixels, closer together in the pixels of the window where it is `bent`."""
    window = pixels.window

    def cells(at_px: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        place = np.floor(at_px).astype(np.int64) - (window.row0, window.col0)
        inside = ((place >= 0) & (place < (window.rows, window.cols))).all(axis=1)
        place[~inside] = 0
        return inside, place[:, 0], place[:, 1]

    def group_of(at_px: np.ndarray) -> np.ndarray:
        inside, row, col = cells(at_px)
        return np.asarray(np.where(inside, places.group[pixels.slot[row, col]], -1))

    found = []
    for per_px, turns in ((STRAIGHT_PER_PX, False), (BENT_PER_PX, True)):

        def wanted(at_px: np.ndarray, turns: bool = turns) -> np.ndarray:
            _, row, col = cells(at_px)
            return np.asarray((group_of(at_px) >= 0) & (bent[row, col] == turns))

        walls, length = points_of(segments, rise, mask, per_px, wanted)
        kept = (walls.rise >= -STEEP) & (group_of(walls.at_px) >= 0)  # points put together may lie beyond the field
        found.append((walls.selected(kept), length[kept], np.full(int(kept.sum()), turns)))
    one, other = (walls for walls, *_ in found)
    walls = Walls(*(np.concatenate([getattr(w, name) for w in (one, other)]) for name in ("at_px", "outward", "rise", "cell")))
    length, turned = (np.concatenate(parts) for parts in list(zip(*found, strict=True))[1:])
    return Contour(walls, length, group_of(walls.at_px), turned)


def posed(
    k: int, contour: Contour, sides: SidePoints, places: Neighbourhoods, others: list[DoseConstraints],
    white: np.ndarray, above: Above, law: Law, spot: Spot, pixels: Pixels,
) -> WallLevelProblem:  # fmt: skip
    """Write down what is asked.

    Parameters
    ----------
    k : int
    contour : Contour
    sides : SidePoints
    places : Neighbourhoods
    others : list of DoseConstraints
        What else holds of the layer's light [mJ/cm²]; rows that see no free pixel are left out.
    white : (P + 1,) float64
    above, law, spot, pixels
        Of the block.
    """
    scale, height = float(law.white_mj_cm2[k]), float(law.z_edges_um[k + 1] - law.z_edges_um[k])
    depth, cells, bent = 0.5 * height, beside_walls(contour.walls, k, pixels), contour.bent
    (weights, index), fall, ends = fall_rows(contour.walls, spot, pixels)
    given = from_above(weights, index, above, depth, cells)
    low, high = law.own_mj_cm2(depth, given)
    inner, outer = (from_above(w, index, above, depth, cells) for w in ends)
    left = float(law.left_at(depth))
    above_fall = (inner - outer) / (2 * TILT_PX) / left
    unit = law.threshold_mj_cm2 / left
    parts = [DoseConstraints.asking(weights, index, low, high, 1.0)]
    soft = (scale / unit) ** -2 / (SHARPEN * contour.length_px[bent])
    parts.append(DoseConstraints.asking(fall[bent], index[bent], STEEPNESS * unit - above_fall[bent], FREE, soft))
    first = sum(len(part.index) for part in parts)
    parts += [sides.asking(k, law), *(_seeing(rows, places.slot) for rows in others)]
    rows = DoseConstraints.joined(parts, max(spot.width, weights.shape[1]), len(pixels.row))
    relative = np.append(white[:-1] / scale, 0.0)
    rows = DoseConstraints(rows.weights * relative[rows.index], rows.index, rows.low / scale, rows.high / scale, rows.soft)
    fall = np.pad(fall * relative[index], ((0, 0), (0, rows.index.shape[1] - index.shape[1])))
    return WallLevelProblem(places, contour, cells, rows, fall, above_fall / scale, unit / scale, slice(first, first + len(sides.cell)))


def fall_rows(walls: Walls, spot: Spot, pixels: Pixels) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return rows of points, rows of how steeply light falls outward there [1/px], and rows `TILT_PX` inside and outside, same pixels."""
    weights, index = spot.rows(walls.at_px, pixels)
    inner, outer = (spot.shifted(walls.at_px, side * TILT_PX * walls.outward) for side in (-1.0, 1.0))
    return (weights, index), (inner - outer) / (2 * TILT_PX), (inner, outer)


def _seeing(rows: DoseConstraints, slot: np.ndarray) -> DoseConstraints:
    """Return the rows that see a free pixel."""
    which = (slot[rows.index] >= 0).any(axis=1)
    return DoseConstraints(rows.weights[which], rows.index[which], rows.low[which], rows.high[which], rows.soft[which])
