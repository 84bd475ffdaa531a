"""Where faces will be, also if the resin is not what its profile says: other memory, other values."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pmsl.correct.prediction_cases import PredictionCase, PredictionCases
from pmsl.correct.solver.accumulated_dose import Above, BrightestLayers, enclosed, front_um
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.contact_layers import BlockExchange, ContactLayers, PointCells, StraightUpLayers
from pmsl.correct.solver.influence_rows import Pixels, Spot
from pmsl.correct.solver.layer_problem import seen

TWO = ("enclosed", "open")  # memories at whose ends something may be lost


@dataclass(frozen=True, slots=True, eq=False)
class FacePrediction:
    """What is predicted of a corrected layer.

    Attributes
    ----------
    wall_misses : (W,) float64
        Dose on the layer's own walls in the middle of the slab, relative to Ec, minus 1.
    walls_px : (W, 2) float64
        (y, x) in pixels of the field.
    narrow : (W,) bool
        Whether another wall is nearer than 3 px, through the solid or through the void.
    faces_px : (F, 2) int64
        (row, col) of the faces in the layer's slab, one pixel or more away from walls.
    face_errors_um : dict of str to (F,) float64 [µm]
        Printed minus designed height in every case of `PredictionCases`. Below 0 the face is too low.
    lost : dict of str to (F,) bool
        Whether nothing is left of what is above the face, with "enclosed" and "open" memory.
    wall_errors_px : dict of str to (S,) float64
        How far outside of the design sampled points of the layer's own walls will be [px], nan where none is near, in every case
        (`pmsl.correct.wall_prediction`).
    """

    wall_misses: np.ndarray
    walls_px: np.ndarray
    narrow: np.ndarray
    faces_px: np.ndarray
    face_errors_um: dict[str, np.ndarray]
    lost: dict[str, np.ndarray]
    wall_errors_px: dict[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def nothing(cls) -> FacePrediction:
        """Return the prediction of a layer without surfaces."""
        none = np.zeros((0, 2))
        return cls(np.zeros(0), none, np.zeros(0, bool), none.astype(np.int64), {}, {})

    @classmethod
    def of(
        cls,
        walls: tuple[np.ndarray, np.ndarray, np.ndarray],
        number: np.ndarray,
        depth_um: np.ndarray,
        tracks: PredictionState,
        k: int,
        pixels: Pixels,
    ) -> FacePrediction:
        """Take misses, places and narrowness of walls, and the light of `tracks` at the middles of faces, layer k included.

        Parameters
        ----------
        walls : tuple of three arrays
            `wall_misses`, `walls_px` and `narrow`, as the attributes have them.
        number, depth_um : (F,)
            Pixels of faces in the layer's slab that look at the plate, and how far below its exposure plane they are [µm].
        tracks : PredictionState
            Light of the layers so far, layer `k` included.
        k : int
            The layer, from 0 at the plate.
        pixels : Pixels
            The numbered pixels near surfaces.
        """
        errors, thick = tracks.errors_um(k, number, depth_um)
        lost = {case: errors[case] >= thick for case in TWO}
        return cls(*walls, np.stack([pixels.row[number], pixels.col[number]], axis=1), errors, lost)


class PredictionState:
    """What has to be carried from layer to layer for predictions, besides the dose itself.

    Attributes
    ----------
    number : (F,) int64
        Pixels with a face somewhere in the block, ascending.
    """

    def __init__(
        self,
        number: np.ndarray,
        weights: np.ndarray,
        index: np.ndarray,
        law: Law,
        cases: PredictionCases,
        exchange: BlockExchange,
        top: int,
    ) -> None:
        self.number, self._weights, self._index, self._law, self._cases = number, weights, index, law, cases.cases
        by_contact = exchange if law.memory == "contact" else None
        self._light = {case.light_key: _light(case, len(number), by_contact, top) for case in reversed(self._cases)}
        self._thick_um, self._above_um = np.zeros(len(number)), np.zeros(len(number))

    @classmethod
    def of(
        cls, number: np.ndarray, spot: Spot, pixels: Pixels, law: Law, cases: PredictionCases, exchange: BlockExchange, top: int
    ) -> PredictionState:
        """Start above the light side of the block, whose first layer is `top`."""
        return cls(number, *spot.middles(pixels.row[number], pixels.col[number], pixels), law, cases, exchange, top)

    def add(self, k: int, own: np.ndarray, base: np.ndarray, lit_above: bool) -> None:
        """Take layer k: its dose at the mirror and its coverage, both (P + 1,)."""
        if len(self.number) == 0:
            return
        z, dose = self._law.z_edges_um, seen(self._weights, self._index, own)
        for light in self._light.values():
            if lit_above:
                light.fall(float(z[k + 2] - z[k + 1]))
            light.add(dose)
        self._above_um = self._thick_um
        self._thick_um = np.where(base[self.number] >= 0.5, self._thick_um + float(z[k + 1] - z[k]), 0.0)

    def errors_um(self, k: int, number: np.ndarray, depth_um: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Return printed minus designed height of faces in slab k in every case, and how thick the solid above each is [µm].

        Notes
        -----
        Below a face nothing is lit, so what is left of the light falls there as it does in the resin, and the error is how far up from
        the face it is Ec; where the face is under-dosed the same holds upward as long as the layers just above it are dark.
        """
        law, at = self._law, np.searchsorted(self.number, number)
        lowest = law.z_edges_um[k + 1] - depth_um
        errors, here = {}, {}
        for case in self._cases:
            key = case.light_key
            light = self._light[key]
            if key not in here:
                maps = light.maps()
                here[key] = np.array([each[at] for each in maps]).reshape(len(maps), len(at))
            asked = here[key], depth_um, case.law.threshold_mj_cm2, lowest
            front = light.front_um(*asked, PointCells(k, number)) if isinstance(light, ContactLayers) else front_um(light, *asked)
            errors[case.name] = -front
        inside = law.z_edges_um[k + 1] - law.z_edges_um[k]
        solid = self._thick_um[at]
        return errors, np.where(solid > 0, solid - inside, self._above_um[at]) + depth_um


def _light(case: PredictionCase, n: int, exchange: BlockExchange | None, top: int) -> Above:
    """Return what gathers light at n places in a case; `exchange` is that of the job, None where the resin's memory is another."""
    if case.law.memory == "contact":
        if exchange is None:
            return StraightUpLayers(case.law, case.renewal, case.reach_um, top)
        return ContactLayers(case.law, exchange.with_renewal(case.renewal), top)
    return BrightestLayers(case.law, n) if case.law.memory == "open" else enclosed(case.law, n)
