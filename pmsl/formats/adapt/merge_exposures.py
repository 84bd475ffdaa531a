"""Doses folded into gray: several exposures into one, a time of its own into the time of all."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.formats.frames.device_frame import levels_of_light
from pmsl.job.layer_plan import Exposure, LayerPlan


def folded(plan: LayerPlan, response: np.ndarray) -> Exposure:
    """Return one exposure that gives every pixel the dose of all, within half a gray level.

    Parameters
    ----------
    plan : LayerPlan
        With one exposure or more.
    response : (256,) float64
        Irradiance of every level relative to white.

    Returns
    -------
    Exposure
        At the light setting of the first: as long as the pixel that gets most needs, the others in gray.
    """
    first = plan.exposures[0]
    dose: Any = 0.0
    for e in plan.exposures:
        dose = dose + (e.dose_mj_cm2 * e.repeat * response)[e.mask.dense(np.uint8)]
    most = float(dose.max())
    if most <= 0.0:
        return first
    levels = levels_of_light(dose / most, response)
    time_s = first.time_s * (most / first.dose_mj_cm2)
    mask = LayerMask.from_dense(plan.index, levels)
    return dataclasses.replace(
        first, mask=mask, time_s=time_s, dose_mj_cm2=most, repeat=1, focus_um=0.0, wait_before_s=0.0, wait_after_s=0.0
    )


def scaled(e: Exposure, time_s: float, response: np.ndarray) -> Exposure:
    """Return an exposure of `time_s`, no shorter than its own, whose grays give the same doses, within half a level."""
    if time_s == e.time_s:
        return e
    table = levels_of_light(response * (e.time_s / time_s), response)
    mask = LayerMask.from_dense(e.mask.index, table[e.mask.dense(np.uint8)])
    return dataclasses.replace(e, mask=mask, time_s=time_s, dose_mj_cm2=e.dose_mj_cm2 * (time_s / e.time_s))
