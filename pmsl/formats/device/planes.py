"""Gray frames → patterns a mirror device can show: whole, or as bit planes that are timed one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pmsl.errors import ExposureError, UsageError

WHITE = 255
MIN_EXPOSURE_US = (105, 304, 394, 823, 1215, 1487, 1998, 4046)  # DLPC900, of patterns of 1 … 8 bits
MAX_EXPOSURE_US = (1 << 24) - 1  # 24 bits in its look-up table


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """One pattern and how long it is shown.

    Attributes
    ----------
    levels : (rows, cols) uint8
        0 to ``2**depth - 1``; the highest is lit all the time.
    depth : int
        Bits a pixel, 1 to 8.
    times_us : tuple of int
        It is shown once for each, one after another [µs]: long exposures are several.
    """

    levels: np.ndarray
    depth: int
    times_us: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """A frame as timed patterns.

    Attributes
    ----------
    patterns : tuple of Pattern
        The most significant bit first.
    error_us : float
        By how much the time of any of the 256 levels differs from its share of the exposure, at most [µs]: times are whole µs.
    """

    patterns: tuple[Pattern, ...]
    error_us: float


def bitplanes(frame: np.ndarray) -> np.ndarray:
    """Return the bits of an 8-bit frame, the most significant first.

    Parameters
    ----------
    frame : (rows, cols) uint8

    Returns
    -------
    (8, rows, cols) uint8
        0 or 1; ``Σ plane[i] << (7 - i)`` is the frame.
    """
    check_frame(frame)
    return np.stack([(frame >> np.uint8(7 - i)) & np.uint8(1) for i in range(8)])


def whole_gray(frame: np.ndarray, time_s: float) -> Split:
    """Return a frame as one 8-bit pattern, whose grays the controller makes by itself.

    Raises
    ------
    ExposureError
        Shorter than a controller can show 8 bits.
    """
    check_frame(frame)
    total_us = _microseconds(time_s)
    if total_us < MIN_EXPOSURE_US[7]:
        raise ExposureError(
            f"exposure of {total_us} µs: a pattern of 8 bits takes at least {MIN_EXPOSURE_US[7]} µs; expose longer at a lower light setting"
        )
    return Split((Pattern(frame, 8, _in_parts(total_us)),), abs(total_us - 1e6 * time_s))


def split_gray(frame: np.ndarray, time_s: float) -> Split:
    """Split a frame into patterns, each of which is shown for the time its bits are worth.

    Parameters
    ----------
    frame : (rows, cols) uint8
    time_s : float
        How long white is lit [s].

    Returns
    -------
    Split
        Planes of one bit, as long as the shortest of them can be shown; the bits below are one pattern of several, whose
        grays the controller makes. Bit b of the frame is lit for ``time_s * 2**b / 255``.

    Raises
    ------
    ExposureError
        So short that its lowest bits cannot be shown, neither one by one nor together.
    """
    check_frame(frame)
    _microseconds(time_s)
    total_us = 1e6 * time_s
    low = _low_bits(total_us)
    share = [total_us * (1 << b) / WHITE for b in range(8)]
    patterns = [Pattern((frame >> np.uint8(b)) & np.uint8(1), 1, _in_parts(round(share[b]))) for b in range(7, low - 1, -1)]
    patterns.append(Pattern(frame & np.uint8((1 << low) - 1), low, _in_parts(round(sum(share[:low])))))
    return Split(tuple(patterns), _error_us(patterns, low, total_us))


def _low_bits(total_us: float) -> int:
    """Return how many of the lowest bits go into one pattern, 1 for none but the lowest."""
    for low in range(1, 9):
        part, plane = total_us * ((1 << low) - 1) / WHITE, total_us * (1 << low) / WHITE
        if round(part) >= MIN_EXPOSURE_US[low - 1] and (low == 8 or round(plane) >= MIN_EXPOSURE_US[0]):
            return low
    shortest = min(math.ceil((least - 0.5) * WHITE / ((1 << bits) - 1)) for bits, least in enumerate(MIN_EXPOSURE_US, 1))
    raise ExposureError(
        f"exposure of {total_us:g} µs: a frame of 8 bits takes at least {shortest} µs; expose longer at a lower light setting"
    )


def _in_parts(time_us: int) -> tuple[int, ...]:
    """Cut a time into as few parts as the controller's limit allows, as equal as they can be."""
    parts = max(1, math.ceil(time_us / MAX_EXPOSURE_US))
    return tuple((time_us + i) // parts for i in range(parts))


def _error_us(patterns: list[Pattern], low: int, total_us: float) -> float:
    level = np.arange(WHITE + 1)
    given = (level & ((1 << low) - 1)) / ((1 << low) - 1) * sum(patterns[-1].times_us)
    for b, pattern in zip(range(7, low - 1, -1), patterns, strict=False):
        given = given + ((level >> b) & 1) * sum(pattern.times_us)
    return float(np.abs(given - level * total_us / WHITE).max())


def _microseconds(time_s: float) -> int:
    if not (math.isfinite(time_s) and time_s > 0):
        raise ExposureError(f"exposure of {time_s} s; expected a time above 0")
    return round(1e6 * time_s)


def check_frame(frame: np.ndarray) -> None:
    """Refuse what is no 8-bit frame."""
    if frame.ndim != 2 or frame.dtype != np.uint8:
        raise UsageError(f"frame: {frame.dtype} of shape {frame.shape}; expected (rows, cols) uint8")
