"""The far-face rule: the white dose that cures a slab through, and what is left of it there."""

from __future__ import annotations

import math

import numpy as np

from pmsl.cure import CureModel, Decay, dose_for_depth_mj_cm2
from pmsl.cure.curve import MARGIN_FACTOR, MAX_EXPONENT
from pmsl.errors import ExposureError


def far_face_dose_mj_cm2(height_um: float, margin_um: float | None, cure: CureModel) -> float:
    """Return the white dose of a layer by the far-face rule [mJ/cm²]."""
    decay, ec = cure.decay, cure.ec_mj_cm2
    if cure.bleaching is not None:
        _check_depth(height_um + (margin_um or 0.0), decay)
        factor = MARGIN_FACTOR if margin_um is None else 1.0
        return cure.dose_reaching_mj_cm2(factor * ec, height_um + (margin_um or 0.0))
    if len(decay.weights) == 1:
        dp = decay.lengths_um[0]
        return dose_for_depth_mj_cm2(height_um + (dp * math.log(MARGIN_FACTOR) if margin_um is None else margin_um), dp, ec)
    _check_depth(height_um + (margin_um or 0.0), decay)
    return MARGIN_FACTOR * ec / decay.fraction(height_um) if margin_um is None else ec / decay.fraction(height_um + margin_um)


def _check_depth(depth_um: float, decay: Decay) -> None:
    left = decay.fraction(depth_um)
    if left < math.exp(-MAX_EXPONENT):
        raise ExposureError(f"curing {depth_um:g} µm deep takes {1 / max(left, 1e-300):.3g} times Ec or more; make the layer thinner")


def left_at_far_face(heights: np.ndarray, cure: CureModel) -> np.ndarray:
    """Return the share of light that is left below slabs, of a dose that leaves Ec there: (n,) float64."""
    decay = cure.decay
    if cure.bleaching is not None:
        return np.array([cure.ec_mj_cm2 / cure.dose_reaching_mj_cm2(cure.ec_mj_cm2, float(h)) for h in heights])
    if len(decay.weights) == 1:
        return np.asarray(np.exp(-heights / decay.lengths_um[0]))
    return np.array([decay.fraction(float(h)) for h in heights])
