"""What a laser draws in a layer of a job, line by line."""

from __future__ import annotations

from pmsl.errors import JobError
from pmsl.job.drawing import Polyline
from pmsl.job.print_job import PrintJob


def vectors(job: PrintJob, k: int) -> tuple[Polyline, ...]:
    """Return what a laser draws in a layer, in the order it is drawn.

    Parameters
    ----------
    job : PrintJob
        Of a printer with a laser and a process with hatches.
    k : int
        The layer, counted from 0; negative numbers count from the top.

    Returns
    -------
    tuple of Polyline
        Borders, hatches, skins [µm]; none of a layer without material.

    Raises
    ------
    JobError
        The job is shown, not drawn.
    IndexError
        No such layer.
    """
    plan = job.bare(k)
    if not job.drawn:
        raise JobError(
            f"layer {plan.index}: printer {job.printer.name} shows pictures, so nothing is drawn; take a printer with [laser] and a "
            "process with [hatch]"
        )
    return tuple(line for e in plan.exposures if e.drawing is not None for line in e.drawing.polylines())
