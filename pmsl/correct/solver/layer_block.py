"""A block of layers, from the far end of its halo to its first: geometry, pixels near surfaces, then layer by layer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from pmsl.core.mask import LayerMask, Window
from pmsl.correct.face_prediction import FacePrediction, PredictionState
from pmsl.correct.optimise.optimiser import LayerToSolve, OptimisedWalls, optimised
from pmsl.correct.solver.accumulated_dose import Above, above_of
from pmsl.correct.solver.contact_layers import BlockExchange, ContactLayers, PointCells
from pmsl.correct.solver.influence_rows import Pixels
from pmsl.correct.solver.layer_problem import (
    BESIDE_PX,
    SWEEPS,
    SWEEPS_BELOW,
    THIN_DP,
    DoseConstraints,
    FaceRows,
    before_a_seal,
    face_rows,
    faces_reached,
    lit_through,
    own_walls,
    rim_joints,
    rim_rows,
    seen,
    solved,
    to_join,
    under_membranes,
    walls_below,
)
from pmsl.correct.solver.observed_surfaces import NO_FACES, free_faces, observed_faces
from pmsl.correct.solver.robust_dose import RobustLayers
from pmsl.correct.solver.solver_setup import SolverSetup
from pmsl.correct.solver.tailed_light import TailedLight
from pmsl.correct.solver.target_surfaces import Faces, Walls, level_beside, levels_at, near_another, steep, walls_of
from pmsl.correct.wall_prediction import WallPrediction, sampled
from pmsl.optics.grayscale import levels_of

CLOSED = 0.999  # of the dose is left by a recoat: it does not reach there
TURNS = 2  # of solving a layer whose own far light hangs on its grays
NEXT_PX = 2.0  # pitches: a face that is no wall rises less from one pixel to the next


@dataclass(frozen=True, slots=True, eq=False)
class LayerSolution:
    """A corrected layer: gray levels (P,) uint8 of the pixels near surfaces, what is predicted of it, and what solving it again came to."""

    index: int
    pixels: Pixels
    levels: np.ndarray
    prediction: FacePrediction
    optimised: OptimisedWalls | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LayerDemands:
    """What surfaces ask of a layer: rows, its own walls first; faces it reaches; levels (P + 1,) it would have without walls.

    `given` is what its own walls have from the layers above [mJ/cm²], `overhangs` whether some rows are walls below that it must not
    cure.
    """

    rows: DoseConstraints
    given: np.ndarray
    faces: FaceRows
    wanted: np.ndarray
    overhangs: bool


class Block:
    """Corrects layers `first` to `last` - 1; `top` is where its halo ends.

    Parameters
    ----------
    setup : SolverSetup
    first, last : int
    """

    def __init__(self, setup: SolverSetup, first: int, last: int) -> None:
        law = setup.law
        self.setup, self.first, self.last = setup, first, last
        self.top = law.halo_top(last - 1)
        low_um = law.z_edges_um[first + 1] - self._reach_um(first)
        self.low = max(0, min(int(np.searchsorted(law.z_edges_um, low_um, side="right")) - 1, first - setup.roof_layers))
        self.masks = {k: setup.maker.mask(k) for k in range(max(0, self.low - 1), self.top)}
        placed = range(self.low, self.top) if setup.edges else range(0)
        index, edges = setup.maker.index.whole(), law.z_edges_um
        self.walls = {k: walls_of(index, setup.grid, k, self.masks[k]) for k in placed}
        self._corners = {k: under_membranes(self.walls[k], self.masks[k + 1], self._thin_above(k)) for k in placed[:-1]}
        self.faces, self._observed = NO_FACES, NO_FACES
        if setup.printthrough:
            self.faces = free_faces(setup.finder, edges, self.low, self.top, self._mask)
        else:
            self._observed = observed_faces(setup.finder, edges, first, last, self._mask)
        self._predicted_walls = {
            k: steep(self.walls[k]) if setup.edges else sampled(steep(walls_of(index, setup.grid, k, self.masks[k])))
            for k in range(first, last)
        }
        self._number_pixels()
        self._exchange = BlockExchange(setup.exchange, self.pixels)
        number = np.unique(np.concatenate([self._face_number, self._observed_number]))
        self.tracks = PredictionState.of(number, setup.spot, self.pixels, law, setup.cases, self._exchange, self.top - 1)

    def _number_pixels(self) -> None:
        """Number the pixels that are placed, and with them those that are only looked at."""
        walls = [w for k, w in self._predicted_walls.items() if k not in self.walls]
        self.placed = self._pixels(list(self.walls.values()), [self.faces])
        self.pixels = self.placed
        if any(len(w.at_px) for w in walls) or len(self._observed.row):
            self.pixels = self._pixels([*self.walls.values(), *walls], [self.faces, self._observed])
        self._face_number, self._observed_number = (self.pixels.number(f.row, f.col) for f in (self.faces, self._observed))

    def _mask(self, k: int) -> LayerMask:
        """Return the mask of any layer."""
        return self.masks.get(k) or self.setup.maker.mask(k)

    def _thin_above(self, k: int) -> LayerMask | None:
        """Return the first layer above `k` that a membrane does not reach; None where the job ends before."""
        edges = self.setup.law.z_edges_um
        first = int(np.searchsorted(edges, edges[k + 1] + THIN_DP * self.setup.law.dp_um))
        return None if first >= len(edges) - 1 else self._mask(first)

    def _pixels(self, walls: list[Walls], faces: list[Faces]) -> Pixels:
        """Number all pixels that a row of any of these can see."""
        shape, reach, margin = self.setup.grid.shape, self.setup.spot.reach, max(self.setup.spot.taps) + 2
        places = [np.floor(w.at_px).astype(np.int64) for w in walls]
        places += [np.stack([f.row, f.col], axis=1).astype(np.int64) for f in faces]
        place = np.concatenate(places)
        if len(place) == 0:
            return Pixels.around(np.zeros((1, 1), bool), Window(-9, -9, 1, 1), 0, shape)
        low, high = place.min(axis=0) - margin, place.max(axis=0) + margin + 1
        window = Window(int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1]))
        marks = np.zeros((window.rows, window.cols), bool)
        marks[place[:, 0] - window.row0, place[:, 1] - window.col0] = True
        return Pixels.around(marks, window, reach, shape)

    def layers(self) -> Iterator[LayerSolution]:
        """Yield the layers from `last` - 1 down to `first`, after those of the halo."""
        setup, law, n = self.setup, self.setup.law, len(self.pixels.row)
        if n == 0:
            for k in range(self.last - 1, self.first - 1, -1):
                yield LayerSolution(k, self.placed, np.zeros(0, np.uint8), FacePrediction.nothing())
            return
        flat = np.ones(n) if setup.flat is None else setup.flat[self.pixels.row, self.pixels.col]
        self._tails = TailedLight.of(setup, self.pixels, flat, self._mask, range(self.low, self.top))
        self._walls_seen = WallPrediction(law, setup.spot, self.pixels, self._exchange, setup.cases, self.masks.get)
        above = self._above(n + 1)
        self._pushed = np.zeros(0, np.int64), np.zeros(0)
        below = self._level(self.top - 1)
        for k in range(self.top - 1, self.first - 1, -1):
            white = np.append(law.white_mj_cm2[k] * flat, 0.0)
            if k + 1 < self.top:
                above.fall(law.z_edges_um[k + 2] - law.z_edges_um[k + 1])
            base, below = below, self._level(k - 1)
            far = None if self._tails is None else self._tails.far(k, base * white, above, None)
            for _ in range(1 if self._tails is None else TURNS):
                asked = self._asked(k, base, below, above, white)
                g = self._solved(k, asked, white)
                levels = self._levels(g[:-1], asked.faces)
                own = np.append(setup.response[levels], 0.0) * white
                far = None if self._tails is None else self._tails.far(k, own, above, far)
            levels, again = self._optimised(k, levels, asked, base, above, white)
            own = own if again is None else np.append(setup.response[levels], 0.0) * white
            above.add(own if far is None else np.append(own, np.zeros(len(own))))
            lit = own if far is None else np.append(own, far)
            self.tracks.add(k, lit, base, k + 1 < self.top)
            self._exchange.forget(k + 1)
            self._walls_seen.add(k, lit)
            if k < self.last:
                shown = levels if self.placed is self.pixels else levels[self.pixels.number(self.placed.row, self.placed.col)]
                yield LayerSolution(k, self.placed, shown, self._predicted(k, asked, own), again)

    def _above(self, n: int) -> Above:
        """Return what gathers the light of layers at n places, of one resin or of all that a robust choice reckons with."""
        law, top = self.setup.law, self.top - 1
        if self.setup.robust:
            return RobustLayers(law, self.setup.robust, self._exchange, n, top)
        views = self.setup.spot.views if law.scatter_um > 0 else None
        if law.memory == "contact":
            return ContactLayers(law, self._exchange, top, views=views)
        return above_of(law, 2 * n if self.setup.spot.lights_all else n, views)

    def _solved(self, k: int, asked: LayerDemands, white: np.ndarray) -> np.ndarray:
        """Solve layer k, its walls begun with what the layer above pushed in the same places."""
        walls = steep(self.walls[k]) if self.setup.edges else None
        pushes = np.zeros(len(asked.rows.index))
        if walls is not None and len(self._pushed[0]) and len(walls.cell):
            cells, values = self._pushed
            at = np.minimum(np.searchsorted(cells, walls.cell), len(cells) - 1)
            pushes[: len(at)] = np.where(cells[at] == walls.cell, values[at], 0.0)
        scale = float(self.setup.law.white_mj_cm2[k])
        g = solved(asked.rows, asked.wanted, white, scale, pushes, SWEEPS_BELOW if asked.overhangs else SWEEPS)
        if walls is not None:
            self._pushed = walls.cell, pushes[: len(walls.cell)].copy()
        return g

    def _levels(self, g: np.ndarray, faces: FaceRows) -> np.ndarray:
        """Round to gray levels (P,) uint8; over faces by a chequered quarter level up and down, so that their mean is nearer."""
        gray = (g > 0) & (g < 1)
        chequer = np.zeros(len(g))
        inner = faces.pixel[faces.inner]
        chequer[inner] = np.where((self.pixels.row[inner] + self.pixels.col[inner]) % 2 == 0, 0.25, -0.25) / 255
        levels = np.where(g >= 1, levels_of(1.0, self.setup.response), np.uint8(0)).astype(np.uint8)
        levels[gray] = levels_of(np.clip(g[gray] + chequer[gray], 0.0, 1.0), self.setup.response)
        return levels

    def _optimised(
        self, k: int, levels: np.ndarray, asked: LayerDemands, base: np.ndarray, above: Above, white: np.ndarray
    ) -> tuple[np.ndarray, OptimisedWalls | None]:
        """Return the levels of layer k solved again where its walls are off, if that is asked for."""
        s, walls = self.setup, steep(self.walls[k]) if self.setup.optimise else None
        if walls is None:
            return levels, None
        misses = self._misses(k, asked, len(walls.at_px), np.append(s.response[levels], 0.0) * white)
        layer = LayerToSolve(
            k, levels, white, base, asked.wanted, asked.rows, asked.faces, walls, misses, asked.given, self.masks[k], above
        )
        return optimised(layer, s.maker.index.whole(), s.grid, s.law, s.spot, self.pixels, s.response)

    def _misses(self, k: int, asked: LayerDemands, n: int, own: np.ndarray) -> np.ndarray:
        """Return the dose over Ec, minus 1, at the first n rows of layer k, its own walls: (n,) float64."""
        law, light = self.setup.law, seen(asked.rows.weights[:n], asked.rows.index[:n], own)
        middle = 0.5 * (law.z_edges_um[k + 1] - law.z_edges_um[k])
        return np.asarray(law.effective_mj_cm2(middle, light, asked.given) / law.threshold_mj_cm2 - 1.0)

    def _level(self, k: int) -> np.ndarray:
        """Coverage of the numbered pixels in layer k, (P + 1,); of the plate it stands on, 1."""
        if k < 0:
            return np.ones(len(self.pixels.row) + 1)
        mask = self.masks.get(k)
        return np.append(np.zeros(len(self.pixels.row)) if mask is None else levels_at(mask, self.pixels.row, self.pixels.col), 0.0)

    def _asked(self, k: int, base: np.ndarray, below: np.ndarray, above: Above, white: np.ndarray) -> LayerDemands:
        """Find what surfaces ask of layer k."""
        setup, law, spot, pixels = self.setup, self.setup.law, self.setup.spot, self.pixels
        wanted, parts, given, overhangs = base.copy(), [], np.zeros(0), False
        if setup.edges:
            own, given = own_walls(self.walls[k], k, law, spot, pixels, above)
            parts.append(own)
            for j in range(k - 1, self.low - 1, -1):
                if law.z_edges_um[k + 1] - law.z_edges_um[j + 1] > law.reach_um(k):
                    break
                outside = level_beside(self.masks[k], self.walls[j], BESIDE_PX)
                under = walls_below(self.walls[j], outside, self._corners[j], j, k, law, spot, pixels, above)
                if under is not None:
                    parts.append(under)
                    overhangs = True
        solid = np.minimum(base, below) > 0.5
        face_um = self._highest_faces(k)
        known = above if self._tails is None else self._tails.foreseen(k, face_um, above, self._highest_faces)
        faces = faces_reached(k, face_um, self._faces_go_on(k), base, solid, law, spot, pixels, known)
        if len(faces.pixel):
            z_um = law.z_edges_um[k + 1] - faces.depth_um
            least = to_join(faces, k, law, spot, pixels, above) if setup.roof_layers else np.zeros(len(z_um))
            most: np.ndarray | float = np.inf
            if law.memory == "contact" and setup.exchange is not None and setup.exchange.shares.renewal > 0:
                closed = self._exchange.left(PointCells(faces.slab, faces.pixel), k, k + 1)
                most = before_a_seal(
                    faces, k, white, law, np.broadcast_to(closed, len(z_um)) > CLOSED, to_join(faces, k, law, spot, pixels, above)
                )
            seen_white = white * float(faces.weights[0].sum()) if spot.lights_all else white  # what is not far light
            lit_through(faces, wanted, seen_white, law.shares(k, z_um, faces.slab, setup.roof_layers), least, most)
            parts += face_rows(faces, wanted, white)
            parts += rim_joints(faces, k, solid, law, spot, pixels, above)
            parts += rim_rows(faces, k, wanted, (base > 0.999) & (below > 0.999), law, spot, pixels, above)
        return LayerDemands(DoseConstraints.joined(parts, spot.width, len(pixels.row)), given, faces, wanted, overhangs)

    def _highest_faces(self, k: int) -> np.ndarray:
        """Height of the highest face below the plane of layer k that its light can reach: (P + 1,), -inf where there is none."""
        law = self.setup.law
        plane = law.z_edges_um[k + 1]
        slack = 1e-6 * (plane - law.z_edges_um[k])
        shared = law.z_edges_um[max(k + 1 - self.setup.roof_layers, 0)] - slack
        first, last = np.searchsorted(self.faces.z_um, [min(plane - self._reach_um(k), shared), plane - slack])
        z = np.full(len(self.pixels.row) + 1, -np.inf)
        z[self._face_number[first:last]] = self.faces.z_um[first:last]  # from the lowest up: the highest stays
        return z

    def _reach_um(self, k: int) -> float:
        """Return how far below its plane layer `k` looks for faces: by contact one layer more, for `before_a_seal`."""
        law = self.setup.law
        more = float(law.z_edges_um[k] - law.z_edges_um[max(k - 1, 0)]) if law.memory == "contact" else 0.0
        return law.reach_um(k) + more

    def _faces_go_on(self, k: int) -> np.ndarray:
        """Tell which pixels have a face so little above the plane of layer k that a slope may lead there: (P + 1,) bool."""
        plane, near = self.setup.law.z_edges_um[k + 1], NEXT_PX * float(self.setup.grid.pitch_um.max())
        first, last = np.searchsorted(self.faces.z_um, [plane, plane + near])
        found = np.zeros(len(self.pixels.row) + 1, bool)
        found[self._face_number[first:last]] = True
        return found

    def _predicted(self, k: int, asked: LayerDemands, own: np.ndarray) -> FacePrediction:
        """Say how well the walls of layer k are met and where its own faces will be."""
        law, points = self.setup.law, self._predicted_walls[k]
        walls = np.zeros(0), np.zeros((0, 2)), np.zeros(0, bool)
        if self.setup.edges:
            walls = self._misses(k, asked, len(points.at_px), own), points.at_px, near_another(self.masks[k], points)
        kept = asked.faces.own & asked.faces.inner
        number, depth_um = asked.faces.pixel[kept], asked.faces.depth_um[kept]
        if not self.setup.printthrough:
            slack = 1e-6 * (law.z_edges_um[k + 1] - law.z_edges_um[k])
            own_slab = (self._observed.z_um >= law.z_edges_um[k] - slack) & (self._observed.z_um < law.z_edges_um[k + 1] - slack)
            number, depth_um = self._observed_number[own_slab], law.z_edges_um[k + 1] - self._observed.z_um[own_slab]
        predicted = FacePrediction.of(walls, number, depth_um, self.tracks, k, self.pixels)
        return replace(predicted, wall_errors_px=self._walls_seen.errors_px(k, points))
