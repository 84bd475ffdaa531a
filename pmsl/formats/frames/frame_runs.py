"""A mask as one sequence of runs of its frame, row after row, as run-length codes and PNG want it; and back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.core.runs import Runs, runs_of
from pmsl.formats.frames.device_frame import by_runs, device_frame, frame_shape
from pmsl.job.layer_plan import LayerPlan
from pmsl.job.print_job import PrintJob
from pmsl.profiles.printer import Orientation


class Stream(NamedTuple):
    """Runs of a frame: `value` (R,) uint8 and `length` (R,) int64, of which `n_runs` count; neighbours differ."""

    value: np.ndarray
    length: np.ndarray
    n_runs: int


class PlacedRuns(NamedTuple):
    """The 8-bit runs of a mask, of which the first row is frame row `row0` before any flip, and the `shape` of the frame."""

    runs: Runs
    row0: int
    shape: tuple[int, int]
    flip_rows: bool
    flip_cols: bool


def laid(mask: LayerMask, orientation: Orientation) -> PlacedRuns:
    """Return the runs of a mask as its frame has them; a frame is made only where its rows are none of the field's."""
    shape = frame_shape(mask.shape, orientation)
    if by_runs(orientation):
        return PlacedRuns(mask.runs_8bit(), mask.window.row0, shape, orientation.row[0] == "-", orientation.col[0] == "-")
    return PlacedRuns(runs_of(device_frame(mask, orientation), (0, 0, *shape)), 0, shape, False, False)


def stream_of(frame: PlacedRuns, lead: int = 0) -> Stream:
    """Return the runs of a frame as one sequence, with `lead` black pixels before every row (the filter byte of a PNG is one)."""
    from pmsl.kernels.codec import png_symbols

    runs, row0, (rows, cols), *flips = frame
    room = 2 * len(runs.col) + rows + 2
    value, length = np.empty(room, np.uint8), np.empty(room, np.int64)
    count = png_symbols.stream(runs.row_start, row0, runs.col, runs.length, runs.value, rows, cols, *flips, lead, value, length)
    return Stream(value, length, count)


def runs_of_stream(stream: Stream, shape: tuple[int, int]) -> Runs:
    """Return the maximal runs, row by row, of a frame of `shape` (rows, cols) that a stream without lead makes up."""
    from pmsl.kernels.codec import goo_ctb_rle

    room = stream.n_runs + shape[0]
    row_start = np.empty(shape[0] + 1, np.int64)
    col, length, level = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.uint8)
    n = goo_ctb_rle.rows_of(*stream, shape[1], row_start, col, length, level)
    return Runs(row_start, col[:n].copy(), length[:n].copy(), level[:n].copy())


def shown(plan: LayerPlan, job: PrintJob) -> LayerMask:
    """Return the mask of a layer's one exposure; of a layer without light, a black one."""
    if plan.exposures:
        return plan.exposures[0].mask
    none = np.zeros(0, np.int32)
    return LayerMask.from_runs(plan.index, job.grid.shape, 0, Runs(np.zeros(1, np.int64), none, none, np.zeros(0, np.uint8)))


def relevelled(mask: LayerMask, table: np.ndarray) -> LayerMask:
    """Return a mask whose 8-bit levels are those of ``table``, (256,) uint8; 0 stays 0. Made from runs."""
    from pmsl.kernels.runs import run_ops

    old = mask.runs_8bit()
    new = Runs(np.zeros_like(old.row_start), np.zeros_like(old.col), np.zeros_like(old.length), np.zeros(len(old.col), np.uint8))
    n = run_ops.to_8bit(old.row_start, old.col, old.length, table[old.value].astype(np.uint16) * np.uint16(257), *new)
    return LayerMask.from_runs(mask.index, mask.shape, mask.window.row0, Runs(new.row_start, new.col[:n], new.length[:n], new.value[:n]))
