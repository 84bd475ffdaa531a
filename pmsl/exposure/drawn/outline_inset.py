"""How far an outline is drawn inside of the part so that what cures ends on it: spot compensation by the cure model.

Walls are looked at half-way up their layer, as a prediction does. Light of the layers above comes through, so from the top down each
layer's own light is what is missing there to the threshold on the part's outline; how far from its border a layer leaves so much says how
far inside the border lies. Layers above are taken to have the same outline, which is long beside the spot and bent little: of a circle of
radius R the edge is about ``w0² / 8 R`` further in. Hatches count with the mean of their comb; scatter and exchange of resin do not.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from pmsl.core.grid import Grid
from pmsl.cure import CureModel
from pmsl.cure.drawn_line import outside_share
from pmsl.errors import ExposureError

LEAST = 1e-3  # of the threshold: what a layer's own light is at least, where layers above give all that is needed
STEPS = 60
FAINT = 1e-6  # of the threshold: light from further up is left out


class OutlineLight(msgspec.Struct, frozen=True, eq=False):
    """The light that a layer leaves outside of its outermost border.

    Attributes
    ----------
    w0_um : float
    border_mj_cm2 : (L,) float64
        Dose on one border by itself; 0 where there is none.
    border_um : list of float
        How far each border is inside of the outermost one.
    hatch_mj_cm2 : (L,) float64
        Mean dose of the hatches.
    hatch_um : float
        How far hatches end inside of the outermost border.
    """

    w0_um: float
    border_mj_cm2: np.ndarray
    border_um: list[float]
    hatch_mj_cm2: np.ndarray
    hatch_um: float

    def dose_mj_cm2(self, k: int, distance_um: float) -> float:
        """Return the dose at the exposure plane of layer k so far outside of its outermost border."""
        lines = math.fsum(math.exp(-2.0 * ((distance_um + inside) / self.w0_um) ** 2) for inside in self.border_um)
        hatched = outside_share(distance_um + self.hatch_um, self.w0_um)
        return float(self.border_mj_cm2[k]) * lines + float(self.hatch_mj_cm2[k]) * hatched


def insets_um(grid: Grid, model: CureModel, outline: OutlineLight) -> np.ndarray:
    """Return how far the outermost border of each layer is inside of the part: (L,) float64 [µm].

    Parameters
    ----------
    grid : Grid
        Its slabs.
    model : CureModel
    outline : OutlineLight

    Raises
    ------
    ExposureError
        A border whose light does not cure its own outline.
    """
    n = grid.n_layers
    own = _own_doses(grid, model)
    known: dict[tuple[float, float, float], float] = {}
    out = np.empty(n)
    for k in range(n):
        key = round(float(own[k]), 9), float(outline.border_mj_cm2[k]), float(outline.hatch_mj_cm2[k])
        if key not in known:
            known[key] = _distance_um(k, float(own[k]), outline)
        out[k] = known[key]
    return out


def _own_doses(grid: Grid, model: CureModel) -> np.ndarray:
    """Return what each layer's own light has to leave on the outline at its exposure plane: (L,) float64 [mJ/cm²]."""
    edges, middles, n = grid.z_edges_um, grid.mid_planes_um, grid.n_layers
    spent, threshold = model.induction_mj_cm2, model.threshold_mj_cm2
    out = np.empty(n)
    for k in range(n - 1, -1, -1):
        above, m = 0.0, k + 1
        while m < n and model.memory != "open":
            left = out[m] * model.decay.fraction(float(edges[m + 1] - middles[k]))
            if left < FAINT * threshold:
                break
            above += max(0.0, left - spent)
            m += 1
        missing = max(threshold - above, LEAST * threshold) + spent
        out[k] = missing / model.decay.fraction(float(edges[k + 1] - middles[k]))
    return out


def _distance_um(k: int, dose_mj_cm2: float, outline: OutlineLight) -> float:
    """Return how far outside of the outermost border its layer leaves a dose [µm]: it falls with the distance."""
    low, high = 0.0 if outline.border_um else -4.0 * outline.w0_um, 8.0 * outline.w0_um
    if outline.dose_mj_cm2(k, low) < dose_mj_cm2:
        raise ExposureError(
            f"layer {k}: on its outermost border there are {outline.dose_mj_cm2(k, low):.4g} mJ/cm², and the outline needs "
            f"{dose_mj_cm2:.4g}: it does not cure as far as it is drawn; draw borders slower or with more power, or give inset_um"
        )
    for _ in range(STEPS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if outline.dose_mj_cm2(k, middle) >= dose_mj_cm2 else (low, middle)
    return low
