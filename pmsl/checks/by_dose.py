"""The checks of a job by dose."""

from __future__ import annotations

from pmsl.checks.light.layer_stream import LayerCheck
from pmsl.checks.limits import CheckLimits
from pmsl.checks.shapes.bodies import BodyCheck
from pmsl.checks.shapes.dead_ends import DeadEndCheck
from pmsl.checks.shapes.suction import SuctionCheck
from pmsl.checks.shapes.voids import VoidCheck
from pmsl.job.print_job import PrintJob
from pmsl.profiles.release import release_of


def checks_of(job: PrintJob, *, channels: bool = False) -> list[LayerCheck]:
    """Return the checks of a job, in the order in which their findings are listed.

    Parameters
    ----------
    job : PrintJob
    channels : bool
        Whether channels are looked at that cannot be flushed.
    """
    limits, release = CheckLimits.of(job), release_of(job.printer)
    suction = [SuctionCheck(job.grid, limits, release)] if release in ("window", "film") else []
    return [BodyCheck(job.grid, limits), *suction, VoidCheck(job.grid, limits), *([DeadEndCheck(job.grid, limits)] if channels else [])]
