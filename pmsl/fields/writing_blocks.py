"""Square blocks that a part is written in without moving the stage, each with a share of its neighbours' edges.

Blocks stand in a lattice around the middle of the part's box. Their pitch is their side less what they share, rounded down to the stage's
step, so that every place is one the stage can go to and neighbours share at least what was asked for. A point that is farther from every
seam than half the overlap lies in exactly one block.
"""

from __future__ import annotations

import math

import numpy as np

from pmsl.errors import ProfileError
from pmsl.job.two_photon_job import WritingBlock

MOST_BLOCKS = 100_000
SLACK = 1e-9  # of a pitch


def writing_blocks(
    bounds_um: np.ndarray, side_um: float, overlap_um: float, step_um: float = 0.0
) -> tuple[tuple[WritingBlock, ...], tuple[float, float]]:
    """Return the blocks of a box, in the order they are written, and how far apart they are along x and y.

    Parameters
    ----------
    bounds_um : (2, 2) float64
        Lower and upper corner of what is written.
    side_um : float
        Side of a block.
    overlap_um : float
        What neighbours share at least; below the side.
    step_um : float
        What moves of the stage are multiples of; 0: anything.

    Returns
    -------
    tuple of WritingBlock
        Row by row from the lowest y, every other row backward, so that each but the first of a row lies beside the one before.
    (float, float)
        Pitch along x and y [µm]; the side where there is one block.

    Raises
    ------
    ProfileError
        The stage's step is coarser than the pitch; more than `MOST_BLOCKS` blocks.
    """
    low, high = np.asarray(bounds_um, np.float64)
    pitch = side_um - overlap_um if step_um == 0.0 else math.floor((side_um - overlap_um) / step_um + SLACK) * step_um
    if pitch <= 0:
        raise ProfileError(
            f"two_photon: blocks of {side_um:g} µm that share {overlap_um:g} µm lie less than a step of the stage ({step_um:g} µm) apart; "
            "make overlap_um smaller"
        )
    counts = [max(1, math.ceil((extent - side_um) / pitch - SLACK) + 1) for extent in (high - low).tolist()]
    if counts[0] * counts[1] > MOST_BLOCKS:
        raise ProfileError(
            f"two_photon: {counts[0]} × {counts[1]} blocks of {side_um:g} µm; at most {MOST_BLOCKS} are written: make block_um larger"
        )
    first = 0.5 * (low + high) - 0.5 * pitch * (np.array(counts) - 1)
    blocks = []
    for row in range(counts[1]):
        for i in range(counts[0]):
            column = i if row % 2 == 0 else counts[0] - 1 - i
            x, y = (first + pitch * np.array([column, row])).tolist()
            blocks.append(WritingBlock(column=column, row=row, centre_um=(x, y), side_um=side_um))
    return tuple(blocks), (pitch if counts[0] > 1 else side_um, pitch if counts[1] > 1 else side_um)
