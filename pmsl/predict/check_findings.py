"""What ``pmsl check --predict`` adds to the checks of a job: features that are not made, and channels that are filled.

Of a resin that states when liquid is too thick to be flushed, channels that cannot be are said, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from pmsl.core.finding import Finding
from pmsl.cure import CureModel
from pmsl.job.print_job import PrintJob
from pmsl.predict.findings import low_doses, of_lost, of_openings
from pmsl.predict.remedies import remedies_of
from pmsl.predict.simulation import simulate

VOIDS = ("gap", "hole")
LEAST_PX = 1.0  # a filled void that is narrower is the rim of a wider one; gaps so narrow are found by design


def predicted_findings(job: PrintJob, threads: int, progress: Callable[[int, int], None] | None = None) -> tuple[Finding, ...]:
    """Predict a job and say what of its design is lost, and which channels are blocked.

    As `lost-feature`, `blocked-channel`, and `clogged-channel` where the resin states flush_share.

    Parameters
    ----------
    job : PrintJob
        With its design, its doses and its resin.
    threads : int
    progress : callable, optional
        Called with (layers done, layers in all).

    Returns
    -------
    tuple of Finding

    Raises
    ------
    JobError
        No design; exposures that are not predicted so far.
    """
    prediction = simulate(job, threads=threads, progress=progress)
    least_um = LEAST_PX * float(job.grid.pitch_um.min())
    lost = [feature for feature in prediction.lost if feature["kind"] not in VOIDS or _is_gap(feature, least_um)]
    share = CureModel.of(job.resin).flush_share
    codes = ("blocked-channel", "clogged-channel") if job.resin.resin.flush_share is not UNSET else ("blocked-channel",)
    blocked = (finding for finding in of_openings(prediction.openings, job.grid, remedies_of(job), share) if finding.code in codes)
    return (*of_lost(lost, job.grid, remedies_of(job), low_doses(job)), *blocked)


def _is_gap(feature: dict[str, Any], least_um: float) -> bool:
    """Tell whether a filled void is a gap of its own: not the rim of a wider one, nor the layer in which the roof of a channel lands."""
    first, last = feature["layers"]
    return bool(feature["size_um"] >= least_um and first < last)
