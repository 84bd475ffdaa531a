"""A layer's levels from the closed form on: solved again where walls are off, taken where that puts them nearer to the design."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.correct.optimise.contour_error import ContourError
from pmsl.correct.optimise.level_choice import LayerScene, chosen
from pmsl.correct.optimise.level_solution import solved
from pmsl.correct.optimise.neighbourhoods import Neighbourhoods, off_or_bent, wide
from pmsl.correct.optimise.sides import SidePoints, StartingLight
from pmsl.correct.optimise.wall_level_problem import contour_of, posed
from pmsl.correct.solver.accumulated_dose import Above
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.influence_rows import Pixels, Spot
from pmsl.correct.solver.layer_problem import FREE, DoseConstraints, FaceRows
from pmsl.correct.solver.target_surfaces import Walls, cut_at
from pmsl.slicing.plane_index import CrossingIndex

BESIDE_PX = 2  # pixels around where a contour turns that are looked at for what cures beside it
ASKED = 2.5e-3  # weight of what faces and walls below ask, times the inverse of their softness: walls are 1 a pixel of length


@dataclass(frozen=True, slots=True, eq=False)
class OptimisedWalls:
    """What solving a layer's walls again has come to.

    Attributes
    ----------
    neighbourhoods, taken : int
        How many places were solved again, and how many have the new levels; the others keep the closed form's.
    unsettled_px : int
        Pixels that the last sweep still moved.
    before_px, after_px : (N,) float64
        How far off each point of the contour there is, with the levels of the closed form and with those that were taken; `LOST_PX` where
        there is no wall.
    length_px : (N,) float64
        What each point stands for.
    at_px : (N, 2) float64
    lean_px : (float, float)
        How far outside of its middle the wall is at the top and at the bottom of the slab, in the median.
    """

    neighbourhoods: int
    taken: int
    unsettled_px: int
    before_px: np.ndarray
    after_px: np.ndarray
    length_px: np.ndarray
    at_px: np.ndarray
    lean_px: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class LayerToSolve:
    """A layer as the closed form leaves it.

    Attributes
    ----------
    index : int
    levels : (P,) uint8
    white : (P + 1,) float64
        White dose of each pixel [mJ/cm²].
    base, wanted : (P + 1,) float64
        Coverage, and the levels it would have without walls.
    rows : DoseConstraints
        What surfaces ask of it, the points of its own walls first.
    faces : FaceRows
    walls : Walls
        Its own.
    misses, given : (N,) float64
        Dose on these over Ec, minus 1, and what the layers above give them [mJ/cm²].
    mask : LayerMask
    above : Above
    """

    index: int
    levels: np.ndarray
    white: np.ndarray
    base: np.ndarray
    wanted: np.ndarray
    rows: DoseConstraints
    faces: FaceRows
    walls: Walls
    misses: np.ndarray
    given: np.ndarray
    mask: LayerMask
    above: Above


def optimised(
    layer: LayerToSolve, crossings: CrossingIndex, grid: Grid, law: Law, spot: Spot, pixels: Pixels, response: np.ndarray
) -> tuple[np.ndarray, OptimisedWalls | None]:
    """Return the levels (P,) uint8 of a layer, and what solving it again came to, None where nothing was off.

    Parameters
    ----------
    layer : LayerToSolve
    crossings : CrossingIndex
        Of middle planes.
    grid, law, spot, pixels, response
        Of the block.
    """
    k, (off, bent) = layer.index, off_or_bent(layer.walls, layer.misses, layer.given >= law.threshold_mj_cm2, pixels)
    if len(off) == 0:
        return layer.levels, None
    places = Neighbourhoods.around(off, layer.white, pixels, spot)
    segments, rise = cut_at(crossings, grid, k)
    contour = contour_of(segments, rise, layer.mask, bent, places, pixels)
    if len(contour.group) == 0 or len(places.number) == 0:
        return layer.levels, None
    start = StartingLight.of(np.append(response[layer.levels], 0.0) * layer.white, layer.white, places.number)
    sides = SidePoints.of(k, segments, _decided(layer, bent, places, pixels), start, layer.above, law, spot, pixels)
    problem = posed(k, contour, sides, places, _others(layer), layer.white, layer.above, law, spot, pixels)
    found = solved(problem, layer.levels, response)
    scene = LayerScene(k, sides, layer.white, layer.above, law, spot, pixels)
    made = chosen(problem, scene, layer.levels, found.levels, response)
    off_px = made.before.off_px, made.after.off_px, contour.length_px, contour.walls.at_px
    return made.levels, OptimisedWalls(places.n, int(made.changed.sum()), found.unsettled, *off_px, _lean(made.after))


def _others(layer: LayerToSolve) -> list[DoseConstraints]:
    """Return what else is asked: of walls below and faces as for the closed form, and of every face, though it had no row there."""
    rows, faces, n = layer.rows, layer.faces, len(layer.walls.at_px)
    asked = DoseConstraints(rows.weights[n:], rows.index[n:], rows.low[n:], rows.high[n:], rows.soft[n:] / ASKED)
    low = np.where(faces.own, faces.low, -FREE)
    high = np.where(faces.own & faces.walled, FREE, faces.high)
    return [asked, DoseConstraints.asking(faces.weights, faces.index, low, high, 1e-3 / ASKED)]


def _decided(layer: LayerToSolve, bent: np.ndarray, places: Neighbourhoods, pixels: Pixels) -> np.ndarray:
    """Tell in which pixels the contour decides what has to be solid: near where it turns, and no face of the layer there; (P + 1,) bool."""
    window, by_face = pixels.window, layer.wanted != layer.base
    near = np.append(wide(bent, BESIDE_PX)[pixels.row - window.row0, pixels.col - window.col0], False)
    by_face[layer.faces.pixel] = True
    return np.asarray(near & (places.group >= 0) & ~by_face)


def _lean(errors: ContourError) -> tuple[float, float]:
    """Return how far outside of its middle the wall is at the top and the bottom of the slab, in the median of points that have one."""
    out = []
    for at_px in (errors.at_top_px, errors.at_bottom_px):
        apart = (at_px - errors.error_px)[~np.isnan(at_px - errors.error_px)]
        out.append(float(np.median(apart)) if len(apart) else 0.0)
    return out[0], out[1]
