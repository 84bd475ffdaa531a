"""ViALUX ALP (DLP7000, DLP9500, V-9001 …): sequences of pictures in its memory, gray or packed by rows."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from pmsl.errors import ExposureError, UsageError
from pmsl.formats.device.bitplanes import check_frame

MAX_PICTURE_US = 10_000_000
STRIDES = {  # bytes a packed row takes, and how many of them come before the first pixel; by (rows, cols)
    (768, 1024): (128, 0),
    (1050, 1400): (176, 1),
    (1080, 1920): (256, 0),
    (1200, 1920): (256, 0),
}


def alp_rows(plane: np.ndarray, stride: int | None = None, skip: int | None = None) -> np.ndarray:
    """Pack a black and white picture by rows, as ``ALP_DATA_BINARY_TOPDOWN`` takes it.

    Parameters
    ----------
    plane : (rows, cols) uint8 or bool
        What is not 0 is lit; the top row first.
    stride : int, optional
        Bytes a row takes. Left out, what the device of that size wants, else the fewest.
    skip : int, optional
        Bytes of a row before its first pixel.

    Returns
    -------
    (rows * stride,) uint8
        Bit 7 of a byte is its leftmost pixel; what is beyond the last one is 0.

    Raises
    ------
    UsageError
        Not two-dimensional, or rows longer than the stride.
    """
    if plane.ndim != 2 or plane.dtype not in (np.uint8, np.bool_):
        raise UsageError(f"plane: {plane.dtype} of shape {plane.shape}; expected (rows, cols) uint8 or bool")
    rows, cols = plane.shape
    least = -(-cols // 8)
    known_stride, known_skip = STRIDES.get((rows, cols), (least, 0)) if stride is None else (stride, 0)
    before = known_skip if skip is None else skip
    if before < 0 or known_stride < before + least:
        raise UsageError(f"stride of {known_stride} bytes, {before} of them skipped: a row of {cols} px takes {least}")
    out = np.zeros((rows, known_stride), np.uint8)
    out[:, before : before + least] = np.packbits(plane != 0, axis=1)
    return out.reshape(-1)


def alp_sequence(frames: Iterable[np.ndarray], depth: int = 8) -> np.ndarray:
    """Lay gray pictures one after another, as ``AlpSeqPut`` takes them.

    Parameters
    ----------
    frames : iterable of (rows, cols) uint8
        Levels 0 to ``2**depth - 1``, all of one shape.
    depth : int
        Bits a pixel of the sequence, 1 to 8.

    Returns
    -------
    (n * rows * cols,) uint8
        C-contiguous; levels are moved to the high bits, where ALP looks for them by default.

    Raises
    ------
    UsageError
        No frame, frames of several shapes, or levels beyond the depth.
    """
    if not 1 <= depth <= 8:
        raise UsageError(f"sequence of {depth} bits; expected 1 to 8")
    taken = list(frames)
    for i, frame in enumerate(taken):
        check_frame(frame)
        if frame.shape != taken[0].shape:
            raise UsageError(f"picture {i} is {frame.shape}, picture 0 {taken[0].shape}; a sequence has one shape")
        if frame.size and int(frame.max()) >> depth:
            raise UsageError(f"picture {i} holds level {frame.max()}; {depth} bits show {(1 << depth) - 1} at most")
    if not taken:
        raise UsageError("a sequence needs at least one picture")
    return np.concatenate([(frame << np.uint8(8 - depth)).reshape(-1) for frame in taken])


def picture_times_us(time_s: float) -> tuple[int, ...]:
    """Return the illumination times that add up to an exposure, each within what ALP allows for a picture [µs].

    Raises
    ------
    ExposureError
        Not above 0, not finite, or less than half a microsecond.
    """
    total = round(1e6 * time_s) if math.isfinite(time_s) else 0
    if total < 1:
        raise ExposureError(f"exposure of {time_s} s; expected at least a microsecond")
    parts = -(-total // MAX_PICTURE_US)
    return tuple((total + i) // parts for i in range(parts))
