"""Where walls will be, also if the resin is not what its profile says: other memory, other Ec, other Dp."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from msgspec import UnsetType

from pmsl.core.mask import LayerMask
from pmsl.correct.face_prediction import CASES, LEAST, OFF
from pmsl.correct.solver.attenuation import Law
from pmsl.correct.solver.contact_layers import BlockExchange
from pmsl.correct.solver.influence_rows import Pixels, Spot
from pmsl.correct.solver.layer_problem import BESIDE_PX, beside_walls, seen
from pmsl.correct.solver.target_surfaces import Walls, level_beside
from pmsl.profiles import Resin

SAMPLE = 48  # points of a layer
STEP_PX, FAR_PX = 0.125, 1.5  # how far from the design a wall is looked for
FAINT = 1e-3  # share of a layer's light: less from further up is left out
RENEWAL, REACH_UM = 1.0, 200.0  # of a resin that states none
COVERED = 0.5
WALL_CASES = (*CASES[:2], "contact", *CASES[2:])


class WallPrediction:
    """Follows the light of the layers above at sampled points of walls.

    Parameters
    ----------
    law : Law
    spot : Spot
    pixels : Pixels
    exchange : BlockExchange
        Of a resin by contact.
    rule : (float, float)
        Renewal and reach [µm] for a resin of other memory (`exchange_rule`).
    masks : callable
        Gives the mask of a layer, None where the job ends before.
    """

    def __init__(
        self,
        law: Law,
        spot: Spot,
        pixels: Pixels,
        exchange: BlockExchange,
        rule: tuple[float, float],
        masks: Callable[[int], LayerMask | None],
    ) -> None:
        self._law, self._spot, self._pixels, self._exchange, self._rule, self._masks = law, spot, pixels, exchange, rule, masks
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
        n = len(walls.at_px)
        if n == 0:
            return {case: np.zeros(0) for case in WALL_CASES}
        points = walls if n <= SAMPLE else walls.selected(np.isin(np.arange(n), np.linspace(0, n - 1, SAMPLE).astype(np.int64)))
        places = np.arange(-FAR_PX, FAR_PX + STEP_PX / 2, STEP_PX)
        at = (points.at_px[:, None, :] + places[None, :, None] * points.outward[:, None, :]).reshape(-1, 2)
        rows = self._spot.rows(at, self._pixels)
        shape = len(points.at_px), len(places)
        light = [(m, seen(*rows, own).reshape(shape)) for m, own in self._layers]
        law, memory = self._law, self._law.memory
        left = self._left(k, points)
        out = {}
        for case in WALL_CASES:
            other_dp = {"dp_low": law.dp_um * (1 - OFF), "dp_high": law.dp_um * (1 + OFF)}.get(case)
            threshold = law.threshold_mj_cm2 + {"ec_low": -OFF, "ec_high": OFF}.get(case, 0.0) * law.ec_mj_cm2
            of_case = case if case in WALL_CASES[:3] else memory
            dose = self._dose(k, light, of_case, left, other_dp)
            out[case] = _crossing(dose / max(threshold, LEAST * law.ec_mj_cm2), places)
        return out

    def _dose(
        self, k: int, light: list[tuple[int, np.ndarray]], memory: str, left: dict[int, np.ndarray], dp_um: float | None
    ) -> np.ndarray:
        """Return the largest dose that liquid ever has half-way up slab `k`, at points (N, S)."""
        z = self._law.z_edges_um
        middle = 0.5 * float(z[k] + z[k + 1])
        dose = most = np.zeros_like(light[0][1])
        for m, own in light:
            brought = np.maximum(own * self._law.left_at(float(z[m + 1]) - middle, dp_um) - self._law.induction_mj_cm2, 0.0)
            stays: np.ndarray | float = 1.0
            if m > k:
                stays = {"enclosed": 1.0, "open": 0.0}.get(memory, left[m - 1][:, None])
            dose = dose * stays + brought
            most = np.maximum(most, dose)
        return most

    def _left(self, k: int, walls: Walls) -> dict[int, np.ndarray]:
        """Return what each recoat leaves of liquid beside points of walls.

        By contact as it was found for the job; else as if the way to the vat led straight up, and none did below what covers a wall.
        """
        law, last, out = self._law, self._layers[-1][0], {}
        if law.memory == "contact":
            cells = beside_walls(walls, k, self._pixels)
            return {m: np.ones(len(walls.at_px)) * self._exchange.left(cells, m, m + 1) for m in range(k, last)}
        renewal, reach_um = self._rule
        open_up = np.ones(len(walls.at_px), bool)
        for m in range(k, last):
            mask = self._masks(m) if m > k else None
            if mask is not None:
                open_up = open_up & (level_beside(mask, walls, BESIDE_PX) < COVERED)
            depth_um = float(law.z_edges_um[m + 1]) - 0.5 * float(law.z_edges_um[k] + law.z_edges_um[k + 1])
            out[m] = 1.0 - np.where(open_up, renewal * math.exp(-depth_um / reach_um), 0.0)
        return out


def _crossing(relative: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return where along (S,) places dose over threshold, (N, S), falls below 1, nearest to 0: (N,) float64, nan where nowhere."""
    with np.errstate(divide="ignore"):
        logs = np.maximum(np.log(relative), -50.0)
    falls = (logs[:, :-1] >= 0) & (logs[:, 1:] < 0)
    apart = np.where(falls, np.abs(places[:-1] + 0.5 * STEP_PX), np.inf)
    i, row = apart.argmin(axis=1), np.arange(len(logs))
    high, low = logs[row, i], logs[row, i + 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        found = places[i] + STEP_PX * high / (high - low)
    return np.where(falls.any(axis=1), found, np.nan)


def exchange_rule(resin: Resin) -> tuple[float, float]:
    """Return renewal and reach [µm] of a resin, or those that are assumed where it states none."""
    renewal, reach = resin.resin.renewal, resin.resin.reach_um
    return (
        RENEWAL if isinstance(renewal, UnsetType) else renewal.value,
        REACH_UM if isinstance(reach, UnsetType) else float(reach.value),
    )
