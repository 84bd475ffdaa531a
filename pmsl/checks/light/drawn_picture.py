"""What a laser draws in a layer, as a picture of its dose: what checks look at in place of a frame."""

from __future__ import annotations

import numpy as np

from pmsl.checks.light.final_light import Shown
from pmsl.core.mask import LayerMask
from pmsl.cure import CureModel
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.optics.drawn_dose import drawn_dose_map

LEVELS = 255  # steps of dose, the last of them the most there is


def drawn_picture(job: PrintJob, plan: LayerPlan, model: CureModel) -> Shown:
    """Return what is drawn in a layer as masks with the effective dose of each level.

    Parameters
    ----------
    job : PrintJob
        One that a laser draws.
    plan : LayerPlan
    model : CureModel
    """
    shown = []
    for e in plan.exposures:
        assert e.drawing is not None
        dose = drawn_dose_map(plan.index, [e.drawing], job.grid.shape, job.printer.optics.pitch_um.value)
        most = float(dose.dose.max(initial=0.0))
        if most > 0:
            levels = np.round(dose.dose.astype(np.float64) * (LEVELS / most)).astype(np.uint8)
            mask = LayerMask.from_window(plan.index, dose.shape, dose.window, levels)
            shown.append((mask, model.effective_mj_cm2(np.arange(LEVELS + 1) * (most / LEVELS), e.time_s), 1))
    return shown
