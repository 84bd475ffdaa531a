"""Masks of a job, cropped to its parts and shrunk to a picture, straight from their runs."""

from __future__ import annotations

import numpy as np

from pmsl.core.mask import LayerMask, Window, around
from pmsl.job.print_job import PrintJob
from pmsl.profiles.printer import Orientation


def box_px(job: PrintJob) -> tuple[int, int, int, int]:
    """Return the rectangle of the grid around all parts, with a margin: row0, col0, row1, col1; of none around all light."""
    if job.parts:
        low = np.min([p.bounds_um[0] for p in job.parts], axis=0)
        high = np.max([p.bounds_um[1] for p in job.parts], axis=0)
        a, b = ((corner[:2] - job.grid.origin_um) / job.grid.pitch_um for corner in (low, high))
    else:
        row0, col0, lit_rows, lit_cols = _lit(job)
        a, b = np.array([col0, row0], float), np.array([col0 + lit_cols, row0 + lit_rows], float)
    margin = 0.03 * (b - a).max() + 2
    rows, cols = job.grid.shape
    col0, row0 = np.maximum(np.floor(a - margin), 0).astype(int)
    col1, row1 = np.minimum(np.ceil(b + margin), (cols, rows)).astype(int)
    return int(row0), int(col0), int(row1), int(col1)


def _lit(job: PrintJob) -> Window:
    """Return what is around all light of the first engine; the whole field where there is none."""
    lit = around(e.mask.window for k in range(job.n_layers) for e in job.bare(k).exposures if e.engine == 0)
    return lit if lit.rows else Window(0, 0, *job.grid.shape)


def bins(first: int, last: int, size: int, mirrored: bool) -> tuple[np.ndarray, np.ndarray]:
    """Share the pixels first..last out to `size` pixels of a picture: (size,) int64 begins and ends, in ascending order.

    Whole pixels, so that edges stay sharp; where there are fewer pixels than `size`, each is shown several times.
    `mirrored`: round as from the other end, for an axis that is turned afterwards.
    """
    n = last - first
    step = n / size
    centre, reach = (np.arange(size) + 0.5) * step, 0.5 * max(step, 1.0)  # as Pillow's box filter does
    low, high = np.floor(centre - reach + 0.5).astype(np.int64), np.floor(centre + reach + 0.5).astype(np.int64)
    return (first + n - high[::-1], first + n - low[::-1]) if mirrored else (first + low, first + high)


def shrunk(mask: LayerMask, box: tuple[int, int, int, int], shape: tuple[int, int], orientation: Orientation) -> np.ndarray:
    """Mean levels of a mask inside `box`, (rows, cols) uint8 of `shape`, not turned yet; made from runs."""
    from pmsl.kernels.runs import run_ops

    out = np.zeros(shape, np.uint8)
    along_x, along_y = sorted((orientation.row, orientation.col), key=lambda axis: axis[1])
    rows = bins(box[0], box[2], shape[0], along_y[0] == "-")
    cols = bins(box[1], box[3], shape[1], along_x[0] == "-")
    run_ops.shrink(*mask.runs_8bit(), mask.window.row0, *rows, *cols, np.zeros((2, int(cols[1][-1]) + 1), np.int64), out)
    return out
