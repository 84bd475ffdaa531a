"""LayerPlan → DoseMap at the mirror: time × irradiance × response × flat field."""

from __future__ import annotations

import numpy as np

from pmsl.core.dose import DoseMap
from pmsl.core.job import PrintJob
from pmsl.core.mask import EMPTY, Window
from pmsl.core.plan import LayerPlan
from pmsl.exposure.grayscale import response
from pmsl.optics.field import flat_field, lit
from pmsl.profiles import Printer


def irradiance_mw_cm2(printer: Printer, power: float) -> float:
    """Return the irradiance of a white pixel at that light setting [mW/cm²]."""
    return next(s.irradiance_mw_cm2.value for s in printer.optics.settings if s.power == power)


def dose_map(job: PrintJob, plan: LayerPlan) -> DoseMap:
    """Return the dose every pixel receives from the layer's own exposures, before the optics blur it.

    Parameters
    ----------
    job : PrintJob
        Its printer gives irradiance, gray response and flat field.
    plan : LayerPlan

    Returns
    -------
    DoseMap
        ``at="mirror"``: Σ over exposures of time × irradiance × response of the 8-bit level × flat field [mJ/cm²].

    Raises
    ------
    ProfileError
        A flat-field image that cannot be used.
    """
    shape = job.grid.shape
    window = _around([e.mask.window for e in plan.exposures])
    row0, col0, rows, cols = window
    total = np.zeros((rows, cols))
    relative = response(job.printer)
    for exposure in plan.exposures:
        white = exposure.time_s * exposure.repeat * irradiance_mw_cm2(job.printer, exposure.power)
        levels = exposure.mask.dense(np.uint8)[row0 : row0 + rows, col0 : col0 + cols]
        total += (white * relative)[levels]
    total = lit(total, window, flat_field(job.printer))
    return DoseMap(plan.index, shape, window, total.astype(np.float32), "mirror")


def _around(windows: list[Window]) -> Window:
    """Smallest window that holds all of them."""
    lit = [w for w in windows if w.rows]
    if not lit:
        return EMPTY
    row0, col0 = min(w.row0 for w in lit), min(w.col0 for w in lit)
    return Window(row0, col0, max(w.row0 + w.rows for w in lit) - row0, max(w.col0 + w.cols for w in lit) - col0)
