"""What a resin and a ladder of white doses make of light, layer by layer: thresholds, what is left below, how far a layer reaches."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from pmsl.core.grid import Grid
from pmsl.cure import CureModel
from pmsl.cure.contact_sum import check_contact
from pmsl.cure.model import Memory
from pmsl.errors import ExposureError
from pmsl.profiles import Resin

LEFT = 1e-4  # share of a layer's light that may be left out at the far end of the halo
MOST_TAILED = 300  # layers: a constant tail has no far end, and all of them are held at once
NEAR = 1e-9  # of a depth
WITHOUT = "leave it out of the profile to correct without it, or print without --correct edges and printthrough"


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """Absorption in every slab; exposure plane of layer k at ``z_edges_um[k + 1]``.

    Attributes
    ----------
    weights, lengths_um : (T,) float64
        Decay terms: of a dose ``A(z) = Σ a_i exp(-z / b_i)`` is left at depth z; the first is Dp, inf a constant tail.
    ec_mj_cm2, induction_mj_cm2 : float
        A point is solid where ``Σ_e max(0, E_e - E_ind)`` reaches ``Ec - E_ind``.
    memory : {"enclosed", "open", "contact"}
        Whether liquid keeps the dose of the layers above it.
    z_edges_um : (L + 1,) float64
    white_mj_cm2 : (L,) float64
        Dose of a white pixel.
    most_mj_cm2 : (L, T) float64
        Terms of the dose at the exposure plane where all layers above are white too: no place can have more.
    keeps_all : bool
        Whether these are of liquid that keeps its dose, though `memory` may say otherwise.
    scatter_um : float
        Growth of the light's lateral variance with depth [µm² per µm].
    """

    weights: np.ndarray
    lengths_um: np.ndarray
    ec_mj_cm2: float
    induction_mj_cm2: float
    memory: Memory
    z_edges_um: np.ndarray
    white_mj_cm2: np.ndarray
    most_mj_cm2: np.ndarray
    keeps_all: bool = False
    scatter_um: float = 0.0

    @classmethod
    def of(cls, resin: Resin, grid: Grid, white_mj_cm2: np.ndarray, printthrough: bool) -> Law:
        """Read a resin; raises ExposureError where it gives what no correction reckons with, or not what one needs."""
        cure = CureModel.of(resin)
        _check_resin(resin, cure, grid.n_layers)
        if printthrough and resin.resin.memory is None:
            raise ExposureError(
                f"resin {resin.name} does not say its memory: printthrough needs resin.memory, "
                "'enclosed' where liquid keeps the dose of the layers above it, 'open' where recoating replaces it, 'contact' for both"
            )
        white = np.array(white_mj_cm2, dtype=np.float64)
        if white.shape != (grid.n_layers,) or not np.isfinite(white).all() or (white <= 0).any():
            raise ExposureError(
                f"white_dose_mj_cm2 has shape {white.shape}; expected ({grid.n_layers},), one dose above 0 mJ/cm² for every layer"
            )
        weights, lengths = np.array(cure.decay.weights), np.array(cure.decay.lengths_um)
        most = _most(white, weights, lengths, grid.z_edges_um, cure.memory)
        rest = cure.memory, grid.z_edges_um, white, most, False, cure.scatter_um
        return cls(weights, lengths, cure.ec_mj_cm2, cure.induction_mj_cm2, *rest)

    def widest(self) -> Law:
        """Return the same law, where liquid may have kept all light: as far as any layer can reach, whatever the memory."""
        most = _most(self.white_mj_cm2, self.weights, self.lengths_um, self.z_edges_um, "enclosed")
        return replace(self, most_mj_cm2=most, keeps_all=True)

    def up_to(self, n_layers: int) -> Law:
        """Return the law of a job that ends with layer `n_layers` - 1."""
        white, edges = self.white_mj_cm2[:n_layers], self.z_edges_um[: n_layers + 1]
        most = _most(white, self.weights, self.lengths_um, edges, "enclosed" if self.keeps_all else self.memory)
        return replace(self, z_edges_um=edges, white_mj_cm2=white, most_mj_cm2=most)

    @property
    def dp_um(self) -> float:
        """Length of the first term [µm]."""
        return float(self.lengths_um[0])

    @property
    def threshold_mj_cm2(self) -> float:
        """Effective dose from which on a point is solid [mJ/cm²]."""
        return self.ec_mj_cm2 - self.induction_mj_cm2

    def lengths_um_of(self, dp_um: float | None) -> np.ndarray:
        """Return the decay lengths, with another Dp where one is given."""
        return self.lengths_um if dp_um is None else np.array([dp_um, *self.lengths_um[1:]])

    def left_at(self, depth_um: np.ndarray | float, dp_um: float | None = None) -> np.ndarray:
        """Return the share of a dose that is left at a depth."""
        lengths = self.lengths_um_of(dp_um)
        total = self.weights[0] * np.exp(-np.asarray(depth_um) / lengths[0])
        for weight, length in zip(self.weights[1:], lengths[1:], strict=True):
            total = total + weight * np.exp(-np.asarray(depth_um) / length)
        return np.asarray(total)

    def own_mj_cm2(
        self, depth_um: np.ndarray | float, above: np.ndarray | float, share: np.ndarray | float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the least and the most that a layer itself may give at its plane so that a point has `share` of the threshold.

        Parameters
        ----------
        depth_um : float or (N,)
            Of the point below the plane.
        above : (N,) float64
            Effective dose from the layers above [mJ/cm²].
        share : float or (N,)

        Returns
        -------
        (N,) and (N,) float64 [mJ/cm²]
            One dose, where the layers above give less; else from nothing to what the induction takes.
        """
        missing, left = share * self.threshold_mj_cm2 - np.asarray(above), self.left_at(depth_um)
        most = (np.maximum(missing, 0.0) + self.induction_mj_cm2) / left
        return np.where(missing > 0, most, 0.0), most

    def effective_mj_cm2(self, depth_um: np.ndarray | float, own: np.ndarray, above: np.ndarray) -> np.ndarray:
        """Return the effective dose of points that see `own` of a layer at its plane and have `above` from the layers above."""
        return np.asarray(above + np.maximum(own * self.left_at(depth_um) - self.induction_mj_cm2, 0.0))

    def shares(self, k: int, z_um: np.ndarray, slab: np.ndarray, roof_layers: int) -> np.ndarray:
        """Return what layers `slab` to `k` give a face at `z_um` in `slab` when equally gray, in the light of layer `k`: (N,) float64.

        1 where they are more than `roof_layers`. The equal gray is the roof dose factor, as `cure.relief_factor` has it for equal
        layers without end; light of several layers adds up only in enclosed memory and without induction.
        """
        out, total = np.ones(len(slab)), np.zeros(len(slab))
        if roof_layers == 0:
            return out
        own = self.white_mj_cm2[k] * self.left_at(self.z_edges_um[k + 1] - z_um)
        for j in range(k, max(k - roof_layers, -1), -1):
            total += self.white_mj_cm2[j] * self.left_at(self.z_edges_um[j + 1] - z_um) / own
            out[slab == j] = total[slab == j]
        return out

    def most_at(self, k: int, depth_um: float) -> float:
        """Return the most light that can arrive so far below the plane of layer `k`, from it and all above [mJ/cm²]."""
        return float((self.most_mj_cm2[k] * np.exp(-depth_um / self.lengths_um)).sum())

    def reach_um(self, k: int) -> float:
        """Return how far below its plane layer `k` and all above can still cure; inf with a tail that cures by itself."""
        endless = self.lengths_um == math.inf
        if self.most_mj_cm2[k, endless].sum() >= self.threshold_mj_cm2:
            return math.inf
        finite = self.lengths_um[~endless]
        beyond = float(finite.max()) * math.log(max(self.most_at(k, 0.0) / self.threshold_mj_cm2, 1.0))
        if len(self.weights) == 1:
            return beyond
        low, high = 0.0, beyond if not endless.any() else _first_below(self, k, max(beyond, float(finite.max())))
        while high - low > NEAR * (1.0 + high):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if self.most_at(k, middle) >= self.threshold_mj_cm2 else (low, middle)
        return high

    def halo_top(self, k: int) -> int:
        """Return the first layer above `k` whose light does not matter to `k` any more: less than `LEFT` of it arrives; at most L."""
        if not np.isfinite(self.lengths_um).all():
            return len(self.white_mj_cm2)
        far = self.z_edges_um[k + 1] - float(self.lengths_um.max()) * math.log(LEFT)
        return max(k + 1, min(int(np.searchsorted(self.z_edges_um[1:], far, side="right")), len(self.white_mj_cm2)))

    def halo(self) -> tuple[int, float]:
        """Return the most layers that a halo has, and the largest dose [Ec] of the layers beyond it."""
        n, z = len(self.white_mj_cm2), self.z_edges_um
        tops = [self.halo_top(k) for k in range(n)]
        beyond = (
            float((self.most_mj_cm2[t] * np.exp(-(z[t + 1] - z[k + 1]) / self.lengths_um)).sum()) for k, t in enumerate(tops) if t < n
        )
        return max(top - 1 - k for k, top in enumerate(tops)), max(beyond, default=0.0) / self.ec_mj_cm2


def _most(white: np.ndarray, weights: np.ndarray, lengths: np.ndarray, z_edges_um: np.ndarray, memory: str) -> np.ndarray:
    """Return the terms of the dose at every exposure plane where all layers above are white too: (L, T) float64."""
    most = white[:, None] * weights
    for k in range(len(white) - 2, -1, -1):
        above = most[k + 1] * np.exp(-(z_edges_um[k + 2] - z_edges_um[k + 1]) / lengths)
        most[k] = most[k] + above if memory != "open" else np.maximum(most[k], above)
    return np.asarray(most)


def _first_below(law: Law, k: int, um: float) -> float:
    """Return a depth, double by double from `um`, where less than the threshold can arrive."""
    while law.most_at(k, um) >= law.threshold_mj_cm2:
        um *= 2.0
    return um


def _check_resin(resin: Resin, cure: CureModel, n_layers: int) -> None:
    """Refuse what no correction reckons with."""
    if cure.memory == "contact":
        check_contact(cure)
    optional = {
        f"reciprocity = {cure.reciprocity:g}": cure.reciprocity != 1,
        f"bleach_share = {cure.bleaching.share if cure.bleaching else 0:g}": cure.bleaching is not None,
    }
    for what, there in optional.items():
        if there:
            raise ExposureError(
                f"resin {resin.name} gives {what}: corrections add light up before they ask what counts of it, and there that hangs on how "
                f"much there is; {WITHOUT}"
            )
    if cure.decay.tail > 0 and n_layers > MOST_TAILED:
        raise ExposureError(
            f"resin {resin.name} gives tail = {cure.decay.tail:g}: it reaches through all {n_layers} layers, and corrections with a tail "
            f"hold them all at once, {MOST_TAILED} at most; {WITHOUT}"
        )


def check_relief(law: Law, roof_layers: int, robust: bool = False, optimise: bool = False) -> None:
    """Refuse to share out the light of a face where layers do not add up, or may not, or where levels are solved one by one."""
    if optimise:
        raise ExposureError(
            f"roof_layers (relief_layers of the process) is {roof_layers}, but optimise solves levels one by one, "
            "which would undo the equal grays of a relief; correct edges and printthrough, or make it 0"
        )
    if robust:
        raise ExposureError(
            f"roof_layers (relief_layers of the process) is {roof_layers}, and a robust choice reckons with liquid whose layers do not add "
            "up; make it 0, or leave robust out"
        )
    if law.memory != "enclosed" or law.induction_mj_cm2 > 0:
        why = f"the resin's memory is {law.memory}: recoating replaces what one layer lit"
        if law.memory == "enclosed":
            why = "every layer pays the resin's induction dose"
        raise ExposureError(f"roof_layers (relief_layers of the process) is {roof_layers}, but {why}: layers do not add up; make it 0")
