"""What a resin and a ladder of white doses make of light, layer by layer: thresholds, what is left below, how far a layer reaches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pmsl.core.grid import Grid
from pmsl.errors import ExposureError
from pmsl.profiles import Resin

LEFT = 1e-4  # share of a layer's light that may be left out at the far end of the halo


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """Pure absorption in every slab; exposure plane of layer k at ``z_edges_um[k + 1]``.

    Attributes
    ----------
    dp_um, ec_mj_cm2 : float
    memory : {"enclosed", "open"}
        Whether liquid keeps the dose of the layers above it.
    z_edges_um : (L + 1,) float64
    white_mj_cm2 : (L,) float64
        Dose of a white pixel.
    most_mj_cm2 : (L,) float64
        Dose at the exposure plane where all layers above are white too: none can have more.
    """

    dp_um: float
    ec_mj_cm2: float
    memory: Literal["enclosed", "open"]
    z_edges_um: np.ndarray
    white_mj_cm2: np.ndarray
    most_mj_cm2: np.ndarray

    @classmethod
    def of(cls, resin: Resin, grid: Grid, white_mj_cm2: np.ndarray, printthrough: bool) -> Law:
        """Read a resin; raises ExposureError where it gives what no correction reckons with, or not what one needs."""
        material = resin.resin
        given = {
            "induction_mj_cm2": material.induction_mj_cm2 is not None and material.induction_mj_cm2.value > 0,
            "extra_decays": material.extra_decays is not None and len(material.extra_decays.value) > 0,
            "tail": material.tail is not None,
            "scatter_um": material.scatter_um is not None and material.scatter_um.value > 0,
        }
        named = ", ".join(name for name, unplanned in given.items() if unplanned)
        if named:
            raise ExposureError(
                f"resin {resin.name} gives {named}: corrections reckon with dp_um and ec_mj_cm2 alone so far; "
                "leave it out of the profile, or print without --correct edges and printthrough"
            )
        if printthrough and material.memory is None:
            raise ExposureError(
                f"resin {resin.name} does not say its memory: printthrough needs resin.memory, "
                "'enclosed' where liquid keeps the dose of the layers above it, 'open' where recoating replaces it"
            )
        white = np.array(white_mj_cm2, dtype=np.float64)
        if white.shape != (grid.n_layers,) or not np.isfinite(white).all() or (white <= 0).any():
            raise ExposureError(
                f"white_dose_mj_cm2 has shape {white.shape}; expected ({grid.n_layers},), one dose above 0 mJ/cm² for every layer"
            )
        dp, ec = material.dp_um.value, material.ec_mj_cm2.value
        memory: Literal["enclosed", "open"] = "enclosed" if material.memory is None else material.memory.value
        most = white.copy()
        for k in range(len(white) - 2, -1, -1):
            from_above = most[k + 1] * math.exp(-(grid.z_edges_um[k + 2] - grid.z_edges_um[k + 1]) / dp)
            most[k] = white[k] + from_above if memory == "enclosed" else max(white[k], from_above)
        return cls(dp, ec, memory, grid.z_edges_um, white, most)

    def left(self, k: int, dp_um: float | None = None) -> float:
        """Return the share of the dose at the plane of layer `k + 1` that is left at that of layer `k`."""
        return math.exp(-(self.z_edges_um[k + 2] - self.z_edges_um[k + 1]) / (self.dp_um if dp_um is None else dp_um))

    def at_plane_mj_cm2(self, k: int, z_um: np.ndarray | float) -> np.ndarray:
        """Return the dose at the plane of layer `k` that is Ec at height `z_um` below it [mJ/cm²]."""
        return np.asarray(self.ec_mj_cm2 * np.exp((self.z_edges_um[k + 1] - z_um) / self.dp_um))

    def shares(self, k: int, slab: np.ndarray, roof_layers: int) -> np.ndarray:
        """Return what layers `slab` to `k` give a face in `slab` when they are equally gray, in the light of layer `k`: (N,) float64.

        1 where they are more than `roof_layers`. The equal gray is the roof dose factor, as `cure.relief_factor` has it for equal
        layers without end; light of several layers adds up only in enclosed memory.
        """
        out = np.ones(len(slab))
        if self.memory == "open":
            return out
        total = 0.0
        for j in range(k, max(k - roof_layers, -1), -1):
            total += self.white_mj_cm2[j] / self.white_mj_cm2[k] * math.exp((self.z_edges_um[k + 1] - self.z_edges_um[j + 1]) / self.dp_um)
            out[slab == j] = total
        return out

    def reach_um(self, k: int) -> float:
        """Return how far below its plane layer `k` and all above can still cure."""
        return self.dp_um * math.log(max(self.most_mj_cm2[k] / self.ec_mj_cm2, 1.0))

    def halo_top(self, k: int) -> int:
        """Return the first layer above `k` whose light does not matter to `k` any more: less than `LEFT` of it arrives; at most L."""
        far = self.z_edges_um[k + 1] - self.dp_um * math.log(LEFT)
        return max(k + 1, min(int(np.searchsorted(self.z_edges_um[1:], far, side="right")), len(self.white_mj_cm2)))
