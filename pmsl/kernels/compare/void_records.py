"""Records of the voids below roofs, one for each column that is open: closed at a floor, or at the plate."""

from typing import NamedTuple

import numpy as np

from pmsl.kernels._compiler.jit import kernel, routine
from pmsl.kernels.compare.compare_voxels import BOTTOM, CURED, GELLED, LOOSE, OPEN, ROOF, SEEN, SHARE, WEIGHT
from pmsl.kernels.compare.histogram import put

FREE, WAITING, DONE = 0, 1, 2  # counts
UP_MERGED, UP_LOST, DOWN_MERGED, DOWN_LOST = 0, 1, 2, 3  # tallies


@routine
def close_record(r, c, floor, slack, slot, opened, free, counts, records, down, down_used, step, tallies, done):
    """Close the record of a column at a floor: count its roof, note the void."""
    rec = records[slot[r, c]]
    if rec[WEIGHT] > 0.0:
        if rec[BOTTOM] <= floor + slack:
            tallies[DOWN_MERGED] += rec[WEIGHT]
        else:
            put(down, down_used, rec[BOTTOM] - rec[ROOF], rec[WEIGHT], step)
    depth = rec[ROOF] - floor
    unseen = rec[SEEN] < depth - slack  # somewhere in it no light came: there it is as wide as designed
    if depth > slack:
        out = done[counts[DONE]]
        out[0], out[1], out[2], out[3] = r, c, floor, rec[ROOF]
        out[4], out[5] = max(depth - rec[CURED], 0.0), max(depth - max(rec[GELLED], rec[CURED]), 0.0)
        out[6] = rec[SHARE]
        out[7] = rec[SHARE] if unseen else min(rec[OPEN], rec[SHARE])
        out[8] = rec[SHARE] if unseen else min(rec[LOOSE], rec[SHARE])
        counts[DONE] += 1
    free[counts[FREE]] = slot[r, c]
    counts[FREE] += 1
    slot[r, c] = -1
    opened[r] -= 1


class VoidRecordArrays(NamedTuple):
    """The arguments of `rest` by name, in its order: shapes and kinds stand there."""

    plate: float
    slack: float
    slot: np.ndarray
    opened: np.ndarray
    free: np.ndarray
    counts: np.ndarray
    records: np.ndarray
    down: np.ndarray
    down_used: np.ndarray
    step: float
    tallies: np.ndarray
    done: np.ndarray


@kernel
def rest(plate, slack, slot, opened, free, counts, records, down, down_used, step, tallies, done):
    """Close the records that reach the plate; parameters as of `face_matching.faces`."""
    for r in range(slot.shape[0]):
        for c in range(slot.shape[1] if opened[r] > 0 else 0):
            if slot[r, c] >= 0:
                close_record(r, c, plate, slack, slot, opened, free, counts, records, down, down_used, step, tallies, done)
