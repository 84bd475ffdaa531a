"""One layer: rows from its walls, the walls and faces below that its light reaches, and the levels that meet them best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.correct.solver.accumulated_dose import Above, Depth
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.contact_layers import PointCells
from pmsl.correct.solver.influence_rows import Pixels, Spot
from pmsl.correct.solver.target_surfaces import STEEP, Walls, level_beside, steep

FREE = 1e9  # no bound
SWEEPS, SWEEPS_BELOW = 18, 150  # of rows of the layer's own walls and faces; where it must not cure what lies below
ENOUGH = 1e-3  # of white: moves no edge by 0.001 px
SOFT_WALL, SOFT_BELOW, SOFT_FACE, SOFT_RIM = 1e-3, 1e-2, 1e-4, 2e-2
SOFT_JOINT = 1e-3  # of a rim that a wall holds: it must not crack
SOFT_CORNER = 0.3  # under the rim of a membrane: that corner may be round
BELOW = 0.97  # of Ec is what walls below may get from the layers above: the rest is left to their own, whose edge is sharp
ALONE = 1.1  # of Ec at the far face: what a solid pixel beside a dark face needs
KNIT = 1.06  # of Ec at the far face beside a wall: what the layers of a membrane need, between points too
SEALED = 1.45  # of Ec at the exposure plane: a skin that closes a void, also along its rim and in its corners
JOINED = 1.03  # of Ec at the far face: what layers need that share out the light of a face
BESIDE_PX = 0.75  # outside of a wall: covered there means overhung
THIN_DP = 1.0  # a membrane is thinner: no layer above it could take over what its rim lacks
LIQUID_PX = 0.5  # outside of a wall: the pixel whose liquid borders on it
LEANS = -0.05  # rise of a wall from which on it overhangs


@dataclass(frozen=True, slots=True, eq=False)
class DoseConstraints:
    """What points ask of a layer: `low` to `high` [mJ/cm²] of its own light at its exposure plane; see `hildreth_qp` for the rest."""

    weights: np.ndarray
    index: np.ndarray
    low: np.ndarray
    high: np.ndarray
    soft: np.ndarray

    @classmethod
    def asking(
        cls, weights: np.ndarray, index: np.ndarray, low: np.ndarray | float, high: np.ndarray | float, soft: object
    ) -> DoseConstraints:
        """Make rows; numbers stand for every row."""
        n = len(index)
        return cls(weights, index, *(np.broadcast_to(np.asarray(a, np.float64), (n,)) for a in (low, high, soft)))

    @classmethod
    def joined(cls, parts: list[DoseConstraints], width: int, dark: int) -> DoseConstraints:
        """Put rows of up to `width` pixels together; `dark` is the number of a pixel without light."""
        if not parts:
            none = np.zeros(0)
            return cls(np.zeros((0, width)), np.zeros((0, width), np.int32), none, none, none)
        if len(parts) == 1 and parts[0].index.shape[1] == width and parts[0].weights.flags.c_contiguous:
            return parts[0]
        n = sum(len(p.index) for p in parts)
        weights, index, at = np.zeros((n, width)), np.full((n, width), dark, np.int32), 0
        for p in parts:
            here, used = slice(at, at + len(p.index)), slice(0, min(p.index.shape[1], width))  # views of layers above are no unknowns
            weights[here, used], index[here, used] = p.weights[:, used], p.index[:, used]
            at += len(p.index)
        return cls(weights, index, *(np.concatenate([getattr(p, name) for p in parts]) for name in ("low", "high", "soft")))


def seen(weights: np.ndarray, index: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Return the light at points: (N,) float64; of light (P + 1,) of the layer itself columns of views are left out."""
    from pmsl.kernels.solve import hildreth_qp

    out = np.zeros(len(index))
    if len(index) and index[0, -1] >= len(light):
        own = index[0] < len(light)
        weights, index = weights[:, own], np.ascontiguousarray(index[:, own])
    alike = weights.strides[0] == 0 and len(weights) > 0  # rows of `Spot.middles` are one row, shown many times
    hildreth_qp.seen(np.ascontiguousarray(weights[:1] if alike else weights), index, light, out)
    return out


def from_above(weights: np.ndarray, index: np.ndarray, above: Above, depth_um: Depth, cells: PointCells) -> np.ndarray:
    """Return the effective dose of the layers above at points so far below the plane, in `cells`: (N,) float64 [mJ/cm²]."""
    light = [seen(weights, index, each) for each in above.maps()]
    return above.dose(np.array(light).reshape(len(light), len(index)), depth_um, cells)


def beside_walls(walls: Walls, layer: int, pixels: Pixels) -> PointCells:
    """Return the cells of liquid that points of walls of a layer border on."""
    place = np.floor(walls.at_px + LIQUID_PX * walls.outward).astype(np.int64)
    return PointCells(layer, pixels.number(place[:, 0], place[:, 1]), walls=True)


def own_walls(walls: Walls, k: int, law: Law, spot: Spot, pixels: Pixels, above: Above) -> tuple[DoseConstraints, np.ndarray]:
    """Ask for Ec on the layer's own walls in the middle of the slab; return what they have from above too."""
    depth = 0.5 * float(law.z_edges_um[k + 1] - law.z_edges_um[k])
    points = steep(walls)
    weights, index = spot.rows(points.at_px, pixels, depth)
    given = from_above(weights, index, above, depth, beside_walls(points, k, pixels))
    return DoseConstraints.asking(weights, index, *law.own_mj_cm2(depth, given), SOFT_WALL), given


def under_membranes(walls: Walls, next_above: LayerMask, beyond: LayerMask | None) -> np.ndarray:
    """Tell which points of walls end at a membrane: covered outside in the layer above, void `THIN_DP` depths higher: (N,) bool.

    `beyond` is the layer up there, None where the job ends before.
    """
    corner = (walls.rise >= LEANS) & (level_beside(next_above, walls, BESIDE_PX) > 0.5)
    return corner if beyond is None else corner & (level_beside(beyond, walls, BESIDE_PX) < 0.5)


def walls_below(
    walls: Walls, outside: np.ndarray, corner: np.ndarray, j: int, k: int, law: Law, spot: Spot, pixels: Pixels, above: Above
) -> DoseConstraints | None:
    """Ask layer `k` not to cure what lies outside the walls of layer `j` below it, where `k` overhangs them.

    `outside` is the coverage of layer `k` just outside of the points; `corner` (N,) bool: they meet a membrane (`under_membranes`).
    """
    depth = float(law.z_edges_um[k + 1]) - 0.5 * float(law.z_edges_um[j] + law.z_edges_um[j + 1])
    under = (walls.rise >= -STEEP) & ((walls.rise < LEANS) | (outside > 0.5))
    if law.most_at(k, depth) <= BELOW * law.threshold_mj_cm2 or not under.any():
        return None
    points = walls.selected(under)
    weights, index = spot.rows(points.at_px, pixels, depth)
    _, most = law.own_mj_cm2(depth, from_above(weights, index, above, depth, beside_walls(points, j, pixels)), BELOW)
    return DoseConstraints.asking(weights, index, -FREE, most, np.where(corner[under], SOFT_CORNER, SOFT_BELOW))


@dataclass(frozen=True, slots=True, eq=False)
class FaceRows:
    """What faces ask of a layer.

    Attributes
    ----------
    pixel : (N,) int64
        Numbers of the pixels with a face at or below the layer that its light can reach.
    own : (N,) bool
        Faces inside the layer's own slab.
    inner : (N,) bool
        No pixel beside it is without a face; a slope goes on where the next is a little higher.
    walled : (N,) bool
        A pixel beside it is solid and goes on below: a wall holds it.
    depth_um : (N,) float64
        Of the face below the layer's exposure plane.
    above : (N,) float64
        Effective dose it has from the layers above [mJ/cm²].
    low, high : (N,) float64
        What it takes of the layer's own light at its plane [mJ/cm²]; see `Law.own_mj_cm2`.
    slab : (N,) int64
        The layer each face lies in.
    weights, index
        As in `DoseConstraints`.
    """

    pixel: np.ndarray
    own: np.ndarray
    inner: np.ndarray
    walled: np.ndarray
    depth_um: np.ndarray
    above: np.ndarray
    low: np.ndarray
    high: np.ndarray
    slab: np.ndarray
    weights: np.ndarray
    index: np.ndarray


def faces_reached(
    k: int, z_um: np.ndarray, go_on: np.ndarray, base: np.ndarray, solid: np.ndarray, law: Law, spot: Spot, pixels: Pixels, above: Above
) -> FaceRows:
    """Find the faces that the light of layer `k` reaches: `z_um` (P + 1,) is the highest below its plane, -inf where there is none.

    `go_on` (P + 1,) bool: pixels with a face just above the plane, to which slopes lead. `base` (P + 1,): coverage of the layer;
    `solid` (P + 1,) bool: half of it at least, and of the layer below.
    """
    bottom = law.z_edges_um[k] - 1e-6 * (law.z_edges_um[k + 1] - law.z_edges_um[k])
    number = np.flatnonzero((z_um > -np.inf) & ((base > 0) | (z_um >= bottom)))
    depth = law.z_edges_um[k + 1] - z_um[number]
    weights, index = spot.middles(pixels.row[number], pixels.col[number], pixels, depth)
    is_face = np.zeros(len(z_um), bool)
    is_face[number] = True
    own = z_um[number] >= bottom
    slab = np.minimum(np.searchsorted(law.z_edges_um, z_um[number] + (law.z_edges_um[k] - bottom), side="right") - 1, k)
    beside = index[:, spot.beside()]
    inner, walled = (is_face | go_on)[beside].all(axis=1), (solid & ~is_face)[beside].any(axis=1)
    given = from_above(weights, index, above, depth, PointCells(slab, number))
    weights, index = weights[:, : spot.width], np.ascontiguousarray(index[:, : spot.width])
    return FaceRows(number, own, inner, walled, depth, given, *law.own_mj_cm2(depth, given), slab, weights, index)


def lit_through(
    faces: FaceRows, wanted: np.ndarray, white: np.ndarray, shares: np.ndarray, least: np.ndarray, most: np.ndarray | float = np.inf
) -> None:
    """Set the wanted levels over faces to what brings them to Ec: white as long as that is less, the fraction, dark once it is reached.

    `shares` (N,): over the layers next to a face what is missing may be shared out evenly instead: what all layers from this one down
    to the face's give it when they are equally gray, in this layer's light; else 1 (`Law.shares`). But no less than `least` (N,) of
    the layer's own light [mJ/cm²], which joins it to the one below, and no more than `most` (`before_a_seal`).
    """
    asked = np.minimum(np.minimum(np.maximum(faces.low / shares, least), faces.low), most)
    solid = np.where(faces.own, 1.0, wanted[faces.pixel])
    wanted[faces.pixel] = np.minimum(solid, np.clip(asked / white[faces.pixel], 0.0, 1.0))


def before_a_seal(faces: FaceRows, k: int, white: np.ndarray, law: Law, closed: np.ndarray, joined: np.ndarray) -> np.ndarray:
    """Return what layer `k` may give at most so that the next one below is left enough to close the void: (N,) float64 [mJ/cm²].

    By contact a gray that does not close the void over a face is washed away by the next recoat. So where white would leave the layer
    below such a gray, this one leaves it what just closes. `closed` (N,) bool: the void is, after the exposure of layer `k`; `joined` (N,)
    is what keeps layer `k` solid (`to_join`).
    """
    height = float(law.z_edges_um[k + 1] - law.z_edges_um[k])
    here, below = law.left_at(faces.depth_um), law.left_at(faces.depth_um - height)
    seal = SEALED * law.threshold_mj_cm2 + law.induction_mj_cm2
    rest = (faces.low - white[faces.pixel]) * here / below
    allowed = faces.low - seal * below / here
    return np.where(closed & (faces.slab < k) & (rest > 0) & (rest < seal) & (allowed >= joined), allowed, np.inf)


def to_join(faces: FaceRows, k: int, law: Law, spot: Spot, pixels: Pixels, above: Above) -> np.ndarray:
    """Return what layer `k` has to give itself so that it is solid down to its far face, over faces below it: (N,) float64 [mJ/cm²]."""
    height = float(law.z_edges_um[k + 1] - law.z_edges_um[k])
    rows = spot.middles(pixels.row[faces.pixel], pixels.col[faces.pixel], pixels, height)
    least, _ = law.own_mj_cm2(height, from_above(*rows, above, height, PointCells(k, faces.pixel)), JOINED)
    return np.where(faces.own, 0.0, least)


def face_rows(faces: FaceRows, wanted: np.ndarray, white: np.ndarray) -> list[DoseConstraints]:
    """Ask for at most Ec on every face, and for as much on those of the layer's own slab; even stretches need no row.

    Own faces beside a wall may get more: its light comes over.
    """
    dose = seen(faces.weights, faces.index, wanted * white)
    is_face = np.zeros(len(wanted), bool)
    is_face[faces.pixel] = True
    lit_wall = (wanted > 0) & ~is_face
    short = np.where(faces.own, faces.low - dose, -FREE)
    off = np.maximum(short, dose - faces.high) > 0.5 * ENOUGH * white[faces.pixel]
    off |= lit_wall[faces.index].any(axis=1)
    touched = np.zeros(len(wanted), bool)
    touched[faces.index[off]] = True
    touched[-1] = False
    off |= touched[faces.index].any(axis=1)  # what is changed for a row must not be paid by one that was left out
    soft = np.where(faces.inner, SOFT_FACE, np.where(faces.walled, SOFT_JOINT, SOFT_RIM))
    low = np.where(faces.own, faces.low, -FREE)
    high = np.where(faces.own & faces.walled, FREE, faces.high)
    return [DoseConstraints(faces.weights[off], faces.index[off], low[off], high[off], soft[off])]


def rim_joints(faces: FaceRows, k: int, solid: np.ndarray, law: Law, spot: Spot, pixels: Pixels, above: Above) -> list[DoseConstraints]:
    """Ask for enough half-way from faces that a wall holds to those beside them: in the middles alone a crack would not show.

    Down to the face if it is the layer's own, else to the layer's far face where the layer is `solid` (P + 1,) over it.
    """
    depth_um, share = np.full(len(pixels.row) + 1, np.nan), np.ones(len(pixels.row) + 1)
    through = np.where(solid[faces.pixel], law.z_edges_um[k + 1] - law.z_edges_um[k], np.nan)
    depth_um[faces.pixel] = np.where(faces.own, faces.depth_um, through)
    share[faces.pixel] = np.where(faces.own, 1.0, KNIT)
    number = faces.pixel[faces.walled]
    row, col, own = pixels.row[number], pixels.col[number], depth_um[number]
    asked = [(np.zeros((0, 2)), np.zeros(0), np.zeros(0))]
    for down, right in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)):
        other = pixels.number(row + down, col + right)
        depth = 0.5 * (own + np.where(solid[other] & np.isnan(depth_um[other]), own, depth_um[other]))
        place = np.stack([row + 0.5 + 0.5 * down, col + 0.5 + 0.5 * right], axis=1)
        asked.append(tuple(a[np.isfinite(depth)] for a in (place, depth, share[number])))
    at, depth, shares = (np.concatenate(parts) for parts in zip(*asked, strict=True))
    weights, index = spot.rows(at, pixels, depth)
    cells = PointCells(k, pixels.number(*np.floor(at).astype(np.int64).T))
    enough, _ = law.own_mj_cm2(depth, from_above(weights, index, above, depth, cells), shares)
    short = enough > 0
    return [DoseConstraints.asking(weights[short], index[short], enough[short], FREE, SOFT_JOINT)]


def rim_rows(
    faces: FaceRows, k: int, wanted: np.ndarray, through: np.ndarray, law: Law, spot: Spot, pixels: Pixels, above: Above
) -> list[DoseConstraints]:
    """Ask for enough in solid pixels beside a darkened face; `through` (P + 1,): solid in this slab and the next below."""
    dim = faces.pixel[wanted[faces.pixel] < 0.999]
    _, index = spot.middles(pixels.row[dim], pixels.col[dim], pixels)
    is_rim = np.zeros(len(wanted), bool)
    is_rim[index[:, spot.beside()]] = True
    is_rim[faces.pixel] = False
    number = np.flatnonzero(is_rim & through)
    if len(number) == 0:
        return []
    height = float(law.z_edges_um[k + 1] - law.z_edges_um[k])
    weights, index = spot.middles(pixels.row[number], pixels.col[number], pixels, height)
    enough, _ = law.own_mj_cm2(height, from_above(weights, index, above, height, PointCells(k, number)), ALONE)
    return [DoseConstraints.asking(weights, index, enough, FREE, SOFT_WALL)]


def solved(rows: DoseConstraints, wanted: np.ndarray, white: np.ndarray, scale: float, pushes: np.ndarray, sweeps: int) -> np.ndarray:
    """Return the levels (P + 1,) nearest to the wanted ones that meet the rows as well as can be.

    Parameters
    ----------
    rows : DoseConstraints
    wanted : (P + 1,) float64
        0..1.
    white : (P + 1,) float64
        White dose of each pixel [mJ/cm²]; 0 for the last, which stands for all without light.
    scale : float
        Dose that counts as 1 [mJ/cm²].
    pushes : (N,) float64
        Multipliers of the rows to begin with; updated.
    sweeps : int
    """
    from pmsl.kernels.solve import hildreth_qp

    n = len(rows.index)
    v, soft = wanted.copy(), np.ascontiguousarray(rows.soft)
    asked = rows.weights, white / scale, rows.index, rows.low / scale, rows.high / scale, soft
    scratch = np.empty_like(rows.weights), np.empty(n), np.zeros(n, np.uint8)
    hildreth_qp.relax(*asked, v, pushes, *scratch, sweeps, ENOUGH)
    v[-1] = 0.0
    return np.asarray(np.clip(v, 0.0, 1.0))
