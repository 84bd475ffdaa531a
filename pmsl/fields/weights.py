"""What light each field gives where several shine, so that effective doses add up in the middle of the slab; and what that does elsewhere.

Every exposure event spends the induction dose again: with ``f = E_ind / E`` in the plane where dose is kept, a field with the share u of
the dose gives ``w = f + (1 - f) u`` of the light, and ``Σ (w - f) = 1 - f`` of n fields wherever all ``u > 0``. At the exposure plane
that is too much, at the far face too little; f of the middle halves both.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pmsl.cure import CureModel
from pmsl.errors import ExposureError

ROOF_LAYERS = 400  # light of so many layers reaches a roof
ROOF_SHARES = np.linspace(0.02, 0.5, 13)  # of the dose, across half a band
FAR_UM = 1e5


def induction_share(cure: CureModel, dose_mj_cm2: float, height_um: float, evenness: float = 1.0) -> float:
    """Return f, the share of a layer's white light that the induction dose is in the middle of its slab.

    Parameters
    ----------
    cure : CureModel
        Of doses at the irradiance they are made with.
    dose_mj_cm2 : float
        White dose at the exposure plane [mJ/cm²].
    height_um : float
        Of the slab [µm].
    evenness : float
        What the darkest place of the field gets of it.

    Returns
    -------
    float
        0 without induction.

    Raises
    ------
    ExposureError
        The induction dose takes all that is left at the far face; reciprocity other than 1.
    """
    if cure.reciprocity != 1:
        raise ExposureError(
            f"fields that overlap: reciprocity is {cure.reciprocity:g}, and doses of several fainter exposures do not add up as one; "
            "overlap_px = 0, or leave reciprocity out"
        )
    share = cure.induction_mj_cm2 / (dose_mj_cm2 * evenness)
    left = cure.decay.fraction(height_um)
    if share >= left:
        raise ExposureError(
            f"fields that overlap: the induction dose is {share:.4g} of the white dose, limit {left:.4g}, what is left of light at the far "
            f"face of {height_um:g} µm: no weights keep the dose there; give more dose, or thinner layers"
        )
    return share / cure.decay.fraction(0.5 * height_um)


def light_weights(share: Any, f: Any) -> np.ndarray:
    """Return w, the light of a field relative to white, from its share of the dose: ``f + (1 - f) u``, 0 without a share.

    Parameters
    ----------
    share : array_like of float
        u, 0 to 1.
    f : array_like of float
        As of `induction_share`; below 1.
    """
    u, f = np.asarray(share, np.float64), np.asarray(f, np.float64)
    return np.where(u >= 1.0, 1.0, np.where(u > 0.0, f + (1.0 - f) * u, 0.0))


def light_shares(light: Any, share: Any, f: Any) -> np.ndarray:
    """Return what of the light of a place each field gives: ``f + u (L - f)``, of white its `light_weights`; ``u L`` of less than f.

    Parameters
    ----------
    light : array_like of float
        L, relative to white where the field is 1.
    share : array_like of float
        u, 0 to 1.
    f : array_like of float
        As of `induction_share`.

    Notes
    -----
    So ``Σ max(0, light - f)`` over fields is ``max(0, L - f)`` of any gray, not of white alone.
    """
    light, u, f = (np.asarray(a, np.float64) for a in (light, share, f))
    split = np.where(light > f, f + u * (light - f), u * light)
    return np.where(u >= 1.0, light, np.where(u > 0.0, split, 0.0))


def effective_ratio(cure: CureModel, dose_mj_cm2: float, f: float, depth_um: float, fields: int = 2) -> float:
    """Return the effective dose at a depth where `fields` share it, over that of one.

    Parameters
    ----------
    cure : CureModel
    dose_mj_cm2, f : float
        White dose of the layer, and its `induction_share`.
    depth_um : float
        Below the exposure plane [µm].
    fields : int
        That share it evenly.
    """
    left, induction = dose_mj_cm2 * cure.decay.fraction(depth_um), cure.induction_mj_cm2
    each = max(float(light_weights(1.0 / fields, f)) * left - induction, 0.0)
    return fields * each / (left - induction)


def roof_shift_um(cure: CureModel, dose_mj_cm2: float, height_um: float, f: float, cycle: int = 1) -> float:
    """Return how far a roof at most moves across a band, deeper above 0 [µm].

    Parameters
    ----------
    cure : CureModel
    dose_mj_cm2, height_um, f : float
        Of ordinary layers.
    cycle : int
        Layers from one that has a band at a place to the next: 1 where seams stay, else 4.

    Notes
    -----
    Of a thick part over a roof: the events of all layers add up, ``Σ max(0, w E A(z) - E_ind)``, and its face is where they reach
    ``Ec - E_ind``.
    """
    plain = _roof_um(cure, dose_mj_cm2, height_um, f, None, cycle, 0)
    moved = [_roof_um(cure, dose_mj_cm2, height_um, f, float(u), cycle, phase) - plain for u in ROOF_SHARES for phase in range(cycle)]
    return max(moved, key=abs)


def _roof_um(cure: CureModel, dose_mj_cm2: float, height_um: float, f: float, share: float | None, cycle: int, phase: int) -> float:
    """Return how deep the face of a roof lies below its lowest layer's exposure plane, where one share of two is `share`."""
    weights, lengths = np.array(cure.decay.weights), np.array(cure.decay.lengths_um)
    planes_um = height_um * np.arange(ROOF_LAYERS)
    both = np.ones(1) if share is None else light_weights([share, 1.0 - share], f)
    given = np.zeros((ROOF_LAYERS, 2))
    given[:, 0] = 1.0
    given[phase::cycle, : len(both)] = both

    def over(depth_um: float) -> float:
        white = dose_mj_cm2 * np.exp(-(depth_um + planes_um)[:, None] / lengths) @ weights
        return float(np.maximum(given * white[:, None] - cure.induction_mj_cm2, 0.0).sum()) - cure.threshold_mj_cm2

    low, high = 0.0, height_um
    while over(high) > 0 and high < FAR_UM:
        high *= 2.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if over(middle) > 0 else (low, middle)
    return low
