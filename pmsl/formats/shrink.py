"""Masks made small, from runs: for previews and for the pictures that print files carry."""

from __future__ import annotations

import numpy as np

from pmsl.core.job import PrintJob
from pmsl.core.mask import LayerMask
from pmsl.formats.frames import turn
from pmsl.profiles.printer import Orientation

UPRIGHT = Orientation(row="-y", col="+x")  # the part as seen from the light side
LAYERS = 32  # looked at for a picture
DARKEST = 70  # gray of the lowest layer; the highest is white


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
    from pmsl.kernels import spans

    out = np.zeros(shape, np.uint8)
    along_x, along_y = sorted((orientation.row, orientation.col), key=lambda axis: axis[1])
    rows = bins(box[0], box[2], shape[0], along_y[0] == "-")
    cols = bins(box[1], box[3], shape[1], along_x[0] == "-")
    spans.shrink(*mask.runs_8bit(), mask.window.row0, *rows, *cols, np.zeros((2, int(cols[1][-1]) + 1), np.int64), out)
    return out


def box_px(job: PrintJob) -> tuple[int, int, int, int]:
    """Rectangle of the grid around all parts, with a margin: row0, col0, row1, col1; the whole grid where no part is known."""
    rows, cols = job.grid.shape
    if not job.parts:
        return 0, 0, rows, cols
    low = np.min([p.bounds_um[0] for p in job.parts], axis=0)
    high = np.max([p.bounds_um[1] for p in job.parts], axis=0)
    a = (low[:2] - job.grid.origin_um) / job.grid.pitch_um
    b = (high[:2] - job.grid.origin_um) / job.grid.pitch_um
    margin = 0.03 * (b - a).max() + 2
    col0, row0 = np.clip(np.floor(a - margin), 0, (cols - 1, rows - 1)).astype(int)
    col1, row1 = np.clip(np.ceil(b + margin), (col0 + 1, row0 + 1), (cols, rows)).astype(int)
    return int(row0), int(col0), int(row1), int(col1)


def pictures(job: PrintJob, *sizes: tuple[int, int]) -> list[np.ndarray]:
    """Show the part as seen from the light side, higher layers lighter, in the middle of black pictures.

    Parameters
    ----------
    job : PrintJob
        Some of its layers, from the first to the last, are made for it.
    *sizes : (int, int)
        (width, height) of each [px].

    Returns
    -------
    list of (height, width) uint8
    """
    box = box_px(job)
    size_um = np.array([box[2] - box[0], box[3] - box[1]]) * job.grid.pitch_um[::-1]
    scales = [min(height / size_um[0], width / size_um[1]) for width, height in sizes]
    seen = [np.zeros(np.maximum(np.floor(size_um * scale + 1e-9), 1).astype(int), np.uint8) for scale in scales]
    for k in np.unique(np.linspace(0, job.n_layers - 1, min(job.n_layers, LAYERS)).round().astype(int)).tolist():
        gray = DARKEST + (255 - DARKEST) * (k + 1) / job.n_layers
        for exposure in job[k].exposures:
            for part in seen:
                levels = shrunk(exposure.mask, box, (part.shape[0], part.shape[1]), UPRIGHT)
                np.maximum(part, (levels * (gray / 255)).astype(np.uint8), out=part)
    return [_framed(turn(part, UPRIGHT), *size) for part, size in zip(seen, sizes, strict=True)]


def _framed(part: np.ndarray, width: int, height: int) -> np.ndarray:
    out = np.zeros((height, width), np.uint8)
    row0, col0 = (height - part.shape[0]) // 2, (width - part.shape[1]) // 2
    out[row0 : row0 + part.shape[0], col0 : col0 + part.shape[1]] = part
    return out
