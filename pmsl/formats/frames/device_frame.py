"""LayerMask ↔ device frame: the one place where images are turned and quantised."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.core.runs import Runs, painted, runs_of
from pmsl.errors import UsageError
from pmsl.formats.frames import diamond_lattice
from pmsl.profiles.printer import Diamond, Orientation


def turn(levels: np.ndarray, orientation: Orientation) -> np.ndarray:
    """Turn an array in axes of the part (row ↔ +y, col ↔ +x) into frame orientation; a view.

    Parameters
    ----------
    levels : (rows, cols) ndarray
    orientation : Orientation
        Axis along which frame rows and columns grow.

    Returns
    -------
    ndarray
        Transposed where frame rows run along x; of a diamond lattice its mirrors, a copy.
    """
    if isinstance(orientation, Diamond):
        return diamond_lattice.gathered(levels, orientation)
    out = levels if orientation.row[1] == "y" else levels.T
    rows = slice(None, None, -1 if orientation.row[0] == "-" else 1)
    cols = slice(None, None, -1 if orientation.col[0] == "-" else 1)
    return out[rows, cols]


def turn_back(frame: np.ndarray, orientation: Orientation) -> np.ndarray:
    """Undo `turn`; 0 where a diamond lattice has no mirror."""
    if isinstance(orientation, Diamond):
        return diamond_lattice.scattered(frame, orientation)
    rows = slice(None, None, -1 if orientation.row[0] == "-" else 1)
    cols = slice(None, None, -1 if orientation.col[0] == "-" else 1)
    out = frame[rows, cols]
    return out if orientation.row[1] == "y" else out.T


def device_frame(mask: LayerMask, orientation: Orientation) -> np.ndarray:
    """Return the 8-bit frame as the device shows it: (rows, cols) uint8, turned once, ``u8 = (u16 + 128) // 257``.

    Raises
    ------
    TargetError
        It lights what a diamond lattice has no mirror for.
    """
    if isinstance(orientation, Diamond):
        diamond_lattice.check_lit(mask, orientation)
    return turn(mask.dense(np.uint8), orientation)


def painted_frame(mask: LayerMask, orientation: Orientation, out: np.ndarray | None = None) -> np.ndarray:
    """Return the 8-bit frame of `device_frame`, C-contiguous, as devices take it.

    Parameters
    ----------
    mask : LayerMask
    orientation : Orientation
    out : (rows, cols) uint8, optional
        Overwritten and returned; C-contiguous, of the frame's shape. Left out, a new array is made.

    Returns
    -------
    (rows, cols) uint8 ndarray

    Raises
    ------
    UsageError
        `out` is of another shape, depth or layout.
    TargetError
        As `device_frame`.
    """
    shape = frame_shape(mask.shape, orientation)
    if out is not None and (out.shape != shape or out.dtype != np.uint8 or not out.flags.c_contiguous or not out.flags.writeable):
        raise UsageError(f"out: an array {out.shape} of {out.dtype}; a frame needs a writable, C-contiguous uint8 array of shape {shape}")
    if by_runs(orientation):
        runs, row0 = mask.runs_8bit(), mask.window.row0
        if orientation.col[0] == "-":
            runs = _rows_mirrored(runs, shape[1])
        if orientation.row[0] == "-":
            runs, row0 = _rows_reversed(runs), shape[0] - row0 - mask.window.rows
        frame = painted(runs, runs.value, row0, shape)
    else:
        frame = np.ascontiguousarray(device_frame(mask, orientation))
    if out is None:
        return frame
    out[...] = frame
    return out


def by_runs(orientation: Orientation) -> bool:
    """Tell whether rows of a frame are rows of the field, in some direction: their runs are its runs."""
    return orientation.row[1] == "y" and orientation.lattice == "orthogonal"


def frame_shape(shape: tuple[int, int], orientation: Orientation) -> tuple[int, int]:
    """Return (rows, cols) of a frame of a grid of `shape`."""
    if isinstance(orientation, Diamond):
        return orientation.frame
    return shape if orientation.row[1] == "y" else (shape[1], shape[0])


def mask_of_runs(runs: Runs, index: int, shape: tuple[int, int], orientation: Orientation) -> LayerMask:
    """Return the mask a device frame shows.

    Parameters
    ----------
    runs : Runs
        uint8, of all rows of the frame.
    index : int
    shape : (int, int)
        (rows, cols) of the frame.
    orientation : Orientation
        Flips reorder the runs. A frame whose rows run along x, or of a diamond lattice, is painted first: this takes a byte a pixel.

    Returns
    -------
    LayerMask
    """
    if not by_runs(orientation):
        levels = turn_back(painted(runs, runs.value, 0, shape), orientation)
        rows, cols = levels.shape
        return LayerMask.from_runs(index, (rows, cols), 0, runs_of(levels, (0, 0, rows, cols)))
    if orientation.col[0] == "-":
        runs = _rows_mirrored(runs, shape[1])
    if orientation.row[0] == "-":
        runs = _rows_reversed(runs)
    return LayerMask.from_runs(index, shape, 0, runs)


def _rows_mirrored(runs: Runs, cols: int) -> Runs:
    """Make the last column the first."""
    turned = _rows_reversed(runs)  # all runs backwards are the rows backwards, each of them mirrored
    col = cols - turned.col - turned.length
    return Runs(runs.row_start, col[::-1].copy(), turned.length[::-1].copy(), turned.value[::-1].copy())


def _rows_reversed(runs: Runs) -> Runs:
    """Make the last row the first; runs of a row keep their order."""
    counts = np.diff(runs.row_start)[::-1]
    row_start = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    order = np.arange(len(runs.col)) + np.repeat(runs.row_start[:-1][::-1] - row_start[:-1], counts)
    return Runs(row_start, runs.col[order], runs.length[order], runs.value[order])


def depth_levels(bits: int) -> tuple[int, ...]:
    """Return the 8-bit levels nearest to the evenly spaced codes of a device with `bits` bits: 0, …, 255.

    Of 7 bits those that print files with seven bits are read as (CTB), 0 and ``2 code + 1``, one level beside them at most.
    """
    if bits == 7:
        return (0, *range(3, 256, 2))
    top = (1 << bits) - 1
    return tuple((code * 255 + top // 2) // top for code in range(top + 1))


def quantised(levels: np.ndarray, kept: Sequence[int], response: np.ndarray, dithered: bool = False) -> np.ndarray:
    """Take 8-bit levels to those a device has, in light: the one that gives the nearest irradiance, or a dithered mix of two.

    Parameters
    ----------
    levels : (rows, cols) uint8
        Not turned yet.
    kept : sequence of int
        Levels the device has, ascending, from 0 to 255.
    response : (256,) float64
        Irradiance of every level relative to white, never falling.
    dithered : bool
        Every pixel takes the kept level below or above it, in a fixed 8 × 8 pattern that gives, over an even area, their mean
        light within 1/128 of the step between the two.

    Returns
    -------
    (rows, cols) uint8

    Notes
    -----
    The pattern is Bayer's (1973, "An optimum method for two-level rendition of continuous-tone pictures", IEEE ICC), fixed to the
    grid's pixel (0, 0), so that it depends neither on the frame's neighbours nor on the order of layers.
    """
    have = np.asarray(kept, np.uint8)
    light = response[have]
    above = np.searchsorted(light, response).clip(1, len(have) - 1)
    step = light[above] - light[above - 1]
    share = np.divide(response - light[above - 1], step, out=np.zeros(len(response)), where=step > 0)
    low, high = have[above - 1], have[above]
    low[have] = high[have] = have
    if not dithered:
        return np.asarray(np.where(share >= 0.5 - 1e-9, high, low)[levels])
    rows, cols = levels.shape
    limit = np.tile(_bayer(), (-(-rows // 8), -(-cols // 8)))[:rows, :cols]
    return np.asarray(np.where(share[levels] > limit, high[levels], low[levels]))


def levels_of_light(relative: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Return the 8-bit levels whose irradiance is nearest to `relative` (of white, 0..1), uint8 of its shape; ties go to the darker."""
    return np.searchsorted(0.5 * (response[1:] + response[:-1]), relative).astype(np.uint8)


def _bayer() -> np.ndarray:
    """Return the thresholds of ordered dithering: (8, 8) float64, each of (i + ½) / 64 once."""
    pattern = np.zeros((1, 1), np.int64)
    for _ in range(3):
        pattern = np.block([[4 * pattern, 4 * pattern + 2], [4 * pattern + 3, 4 * pattern + 1]])
    return (pattern + 0.5) / 64
