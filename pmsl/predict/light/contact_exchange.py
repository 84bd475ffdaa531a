"""What recoats exchange of the liquid of a job: its exposures as they are seen, from the plate up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pmsl.core.mask import Window
from pmsl.cure import CureModel
from pmsl.cure.contact_pass import ContactShares, Events, contact_shares
from pmsl.job.print_job import PrintJob
from pmsl.optics import Psf, spread
from pmsl.predict.light.job_light import Mirrors
from pmsl.predict.measure.row_dedup import DedupRows

PREPARED = "contact_shares"  # in `PrintJob.prepared`


def shares_of(job: PrintJob, model: CureModel, mirrors: Mirrors, psf: Psf) -> ContactShares:
    """Return what recoats exchange, found once for the job and a window: the exposures are made one more time for it.

    Parameters
    ----------
    job : PrintJob
    model : CureModel
        By contact.
    mirrors : Mirrors
        Of the window that holds all light.
    psf : Psf
    """
    window = mirrors.window
    found: dict[tuple[Window, CureModel], ContactShares] = job.prepared.setdefault(PREPARED, {})
    if (window, model) not in found:
        px, py = job.grid.pitch_um.tolist()
        shape, heights = (window.rows, window.cols), job.grid.thickness_um
        found[window, model] = contact_shares(model, shape, (px, py), heights, lambda: _exposed(job, model, mirrors, psf))
    return found[window, model]


def _exposed(job: PrintJob, model: CureModel, mirrors: Mirrors, psf: Psf) -> Iterator[Events]:
    """Yield the events of every layer from the plate up, in the middles of pixels."""
    window = mirrors.window
    for k in range(job.n_layers):
        plan, events = job.bare(k), []
        for exposure in plan.exposures:
            light = np.zeros((window.rows, window.cols), np.float32)
            mirrors.add(DedupRows.whole(light), 1.0, plan, exposure)
            seen = np.maximum(spread(light, window, window, psf, (0.0, 0.0)), 0.0)
            events.append((model.effective_mj_cm2(seen, exposure.time_s), exposure.repeat))
        yield events
