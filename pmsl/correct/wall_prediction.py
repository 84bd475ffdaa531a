"""Where walls will be, also if the resin is not what its profile says: other memory, other values."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.correct.prediction_cases import PredictionCase, PredictionCases
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.contact_layers import BlockExchange
from pmsl.correct.solver.influence_rows import Pixels, Spot
from pmsl.correct.solver.layer_problem import BESIDE_PX, beside_walls, seen
from pmsl.correct.solver.target_surfaces import Walls, level_beside

SAMPLE = 48  # points of a layer
STEP_PX, FAR_PX = 0.125, 1.5  # how far from the design a wall is looked for
FAINT = 1e-3  # share of a layer's light: less from further up is left out
COVERED = 0.5
FAINTEST = -50.0  # logarithm of a dose over the threshold: of none


class WallPrediction:
    """Follows the light of the layers above at sampled points of walls.

    Parameters
    ----------
    law : Law
    spot : Spot
    pixels : Pixels
    exchange : BlockExchange
        Of a resin by contact.
    cases : PredictionCases
    masks : callable
        Gives the mask of a layer, None where the job ends before.
    """

    def __init__(
        self,
        law: Law,
        spot: Spot,
        pixels: Pixels,
        exchange: BlockExchange,
        cases: PredictionCases,
        masks: Callable[[int], LayerMask | None],
    ) -> None:
        self._law, self._spot, self._pixels, self._exchange, self._masks = law, spot, pixels, exchange, masks
        self._cases = cases.cases
        self._layers: list[tuple[int, np.ndarray]] = []  # as they come in time: number, light

    def add(self, k: int, own: np.ndarray) -> None:
        """Take the light of layer k, the next toward the plate."""
        z = self._law.z_edges_um
        near = [(m, light) for m, light in self._layers if self._law.left_at(float(z[m + 1] - z[k + 1])) > FAINT]
        self._layers = [(k, own.copy()), *near]

    def errors_px(self, k: int, walls: Walls) -> dict[str, np.ndarray]:
        """Return how far outside of the design walls of layer `k` will be, half-way up its slab: (N,) float64 [px] in every case.

        Of at most `SAMPLE` points; nan where no wall is within `FAR_PX`: a corner that
        is rounded off, or what it bounds is lost or joined with another.
        """
        if len(walls.at_px) == 0:
            return {case.name: np.zeros(0) for case in self._cases}
        points = sampled(walls)
        places = np.arange(-FAR_PX, FAR_PX + STEP_PX / 2, STEP_PX)
        at = (points.at_px[:, None, :] + places[None, :, None] * points.outward[:, None, :]).reshape(-1, 2)
        z = self._law.z_edges_um
        rows = self._spot.rows(at, self._pixels, 0.5 * float(z[k + 1] - z[k]))
        shape = len(points.at_px), len(places)
        light = [(m, seen(*rows, self._spot.views(own, float(z[m + 1] - z[k + 1]))).reshape(shape)) for m, own in self._layers]
        open_up = self._open_up(k, points)
        doses: dict[tuple[object, ...], np.ndarray] = {}
        out = {}
        for case in self._cases:
            if case.light_key not in doses:
                doses[case.light_key] = self._dose(k, light, case, self._left(k, points, case, open_up))
            with np.errstate(divide="ignore"):
                logs = np.maximum(np.log(doses[case.light_key] / case.law.threshold_mj_cm2), FAINTEST)
            out[case.name] = first_fall(logs, places)
        return out

    def _dose(self, k: int, light: list[tuple[int, np.ndarray]], case: PredictionCase, left: dict[int, np.ndarray]) -> np.ndarray:
        """Return the largest dose that liquid ever has half-way up slab `k`, at points (N, S)."""
        z, law = self._law.z_edges_um, case.law
        middle = 0.5 * float(z[k] + z[k + 1])
        dose = most = np.zeros_like(light[0][1])
        for m, own in light:
            brought = np.maximum(own * law.left_at(float(z[m + 1]) - middle) - law.induction_mj_cm2, 0.0)
            stays: np.ndarray | float = 1.0
            if m > k:
                stays = {"enclosed": 1.0, "open": 0.0}.get(law.memory, left.get(m - 1, np.ones(1))[:, None])
            dose = dose * stays + brought
            most = np.maximum(most, dose)
        return most

    def _open_up(self, k: int, walls: Walls) -> dict[int, np.ndarray]:
        """Tell at which points of walls nothing covers the liquid beside them after exposure m, by the design."""
        nothing, out = np.ones(len(walls.at_px), bool), {}
        for m in range(k, self._layers[-1][0]):
            mask = self._masks(m) if m > k else None
            if mask is not None:
                nothing = nothing & (level_beside(mask, walls, BESIDE_PX) < COVERED)
            out[m] = nothing
        return out

    def _left(self, k: int, walls: Walls, case: PredictionCase, open_up: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
        """Return what each recoat leaves of liquid beside points of walls, by contact.

        As it was found for the job; of a resin of other memory as if the way to the vat led straight up, and none did below what
        covers a wall.
        """
        law, last, out = self._law, self._layers[-1][0], {}
        if case.law.memory != "contact":
            return {}
        if law.memory == "contact":
            cells, exchange = beside_walls(walls, k, self._pixels), self._exchange.with_renewal(case.renewal)
            return {m: np.ones(len(walls.at_px)) * exchange.left(cells, m, m + 1) for m in range(k, last)}
        for m in range(k, last):
            depth_um = float(law.z_edges_um[m + 1]) - 0.5 * float(law.z_edges_um[k] + law.z_edges_um[k + 1])
            out[m] = 1.0 - np.where(open_up[m], case.renewal * math.exp(-depth_um / case.reach_um), 0.0)
        return out


def sampled(walls: Walls) -> Walls:
    """Return at most `SAMPLE` points, spread evenly."""
    n = len(walls.at_px)
    return walls if n <= SAMPLE else walls.selected(sample_of(n))


def sample_of(n: int) -> np.ndarray:
    """Tell which of n points are looked at, at most `SAMPLE`, spread evenly: (n,) bool."""
    return np.isin(np.arange(n), np.linspace(0, n - 1, SAMPLE).astype(np.int64)) if n > SAMPLE else np.ones(n, bool)


def first_fall(logs: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return where along (S,) places the logarithm of dose over threshold, (N, S), falls below 0, nearest to 0: (N,), nan where nowhere."""
    falls = (logs[:, :-1] >= 0) & (logs[:, 1:] < 0)
    apart = np.where(falls, np.minimum(np.abs(places[:-1]), np.abs(places[1:])), np.inf)
    i, row = apart.argmin(axis=1), np.arange(len(logs))
    high, low = logs[row, i], logs[row, i + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = places[i] + (places[i + 1] - places[i]) * high / (high - low)
    return np.where(falls.any(axis=1), found, np.nan)
