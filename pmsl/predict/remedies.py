"""What helps against what a prediction finds, besides another design."""

from __future__ import annotations

from typing import NamedTuple

from pmsl.job.print_job import PrintJob


class Remedies(NamedTuple):
    """Words of what helps: corrections of masks, or other lines where a laser draws.

    Attributes
    ----------
    thin, wide : str
        For what is not printed, and for what is filled; with a place for the least size [µm].
    filled, gelled : str
        For channels.
    wall, down, up : str
        For walls, faces that look at the plate, and at the light.
    """

    thin: str
    wide: str
    filled: str
    gelled: str
    wall: str
    down: str
    up: str


OF_MASKS = Remedies(
    thin="make it at least {least:.4g} µm, or give it more light (corrections = edges, a region with a dose of its own)",
    wide="make it at least {least:.4g} µm wide, or give the walls beside it less light (corrections = edges)",
    filled=", its roof thicker in fewer layers, or correct the masks (corrections = edges, printthrough)",
    gelled=", or correct the masks (corrections = printthrough)",
    wall="correct the masks (corrections = edges) or change the dose",
    down="correct the masks (corrections = printthrough) or change the dose",
    up="correct the masks (thinner layers) or change the dose",
)
OF_LINES = Remedies(
    thin="make it at least {least:.4g} µm, or draw its borders with more light or less inset (inset_um of [hatch])",
    wide="make it at least {least:.4g} µm wide, or draw the borders beside it with more inset (inset_um of [hatch])",
    filled=", its roof thicker in fewer layers, or draw with less light",
    gelled=", or draw with less light",
    wall="change the inset of the borders (inset_um of [hatch]) or the dose",
    down="change the dose, or choose thinner layers",
    up="change the dose, or choose thinner layers",
)


def remedies_of(job: PrintJob) -> Remedies:
    """Return what helps a job.

    Parameters
    ----------
    job : PrintJob
    """
    return OF_LINES if job.drawn else OF_MASKS
