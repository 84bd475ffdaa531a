"""Gray frames → patterns a mirror device can show: whole, or as bit planes that are timed one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
        By how much the time of any of the 256 levels differs from its share of the exposure, at most [µs]: times are whole
        µs, and shares of a response that is not linear are whole 255ths.
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


def whole_gray(frame: np.ndarray, time_s: float, response: np.ndarray) -> Split:
    """Return a frame as one 8-bit pattern, whose grays the controller makes by itself.

    Parameters
    ----------
    frame, time_s, response
        As of `split_gray`.

    Raises
    ------
    ExposureError
        Shorter than a controller can show 8 bits.
    UsageError
        No 8-bit frame, or no response.
    """
    share = _shares(frame, response)
    total_us = _microseconds(time_s)
    if total_us < MIN_EXPOSURE_US[7]:
        raise ExposureError(
            f"exposure of {total_us} µs: a pattern of 8 bits takes at least {MIN_EXPOSURE_US[7]} µs; expose longer at a lower light setting"
        )
    patterns = (Pattern(share[frame], 8, _in_parts(total_us)),)
    return Split(patterns, _error_us(patterns, 8, share, response * 1e6 * time_s))


def split_gray(frame: np.ndarray, time_s: float, response: np.ndarray) -> Split:
    """Split a frame into patterns, each of which is shown for the time its bits are worth.

    Parameters
    ----------
    frame : (rows, cols) uint8
        Levels as the job has them.
    time_s : float
        How long white is lit [s].
    response : (256,) float64
        Irradiance of every level relative to white, 0 to 1, never falling (`pmsl.optics.grayscale.response`). Mirrors that
        are timed answer linearly whatever engine the job was made for, so a level is first taken to the whole 255th of
        white that is nearest to its irradiance; of a linear response that is the level itself.

    Returns
    -------
    Split
        Planes of one bit, as long as the shortest of them can be shown; the bits below are one pattern of several, whose
        grays the controller makes. Bit b of the 255ths is lit for ``time_s * 2**b / 255``.

    Raises
    ------
    ExposureError
        So short that its lowest bits cannot be shown, neither one by one nor together.
    UsageError
        No 8-bit frame, or no response.
    """
    share = _shares(frame, response)
    frame = share[frame]
    _microseconds(time_s)
    total_us = 1e6 * time_s
    low = _low_bits(total_us)
    bit_us = [total_us * (1 << b) / WHITE for b in range(8)]
    patterns = [Pattern((frame >> np.uint8(b)) & np.uint8(1), 1, _in_parts(round(bit_us[b]))) for b in range(7, low - 1, -1)]
    patterns.append(Pattern(frame & np.uint8((1 << low) - 1), low, _in_parts(round(sum(bit_us[:low])))))
    return Split(tuple(patterns), _error_us(patterns, low, share, response * total_us))


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


def _error_us(patterns: Sequence[Pattern], low: int, share: np.ndarray, wanted_us: np.ndarray) -> float:
    """Return by how much the time of a level differs from `wanted_us` of it, at most."""
    level = share.astype(np.int64)
    given = (level & ((1 << low) - 1)) / ((1 << low) - 1) * sum(patterns[-1].times_us)
    for b, pattern in zip(range(7, low - 1, -1), patterns, strict=False):
        given = given + ((level >> b) & 1) * sum(pattern.times_us)
    return float(np.abs(given - wanted_us).max())


def _shares(frame: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Return the 255ths of white that every level of an engine of `response` gives, (256,) uint8; refuse what is no frame or response."""
    check_frame(frame)
    light = np.asarray(response, np.float64)
    if light.shape != (WHITE + 1,) or light[0] != 0.0 or light[-1] != 1.0 or not (np.diff(light) >= 0).all():
        raise UsageError("response: expected (256,) numbers from 0 to 1 that never fall, as pmsl.optics.grayscale.response gives them")
    return np.rint(light * WHITE).astype(np.uint8)


def _microseconds(time_s: float) -> int:
    if not (math.isfinite(time_s) and time_s > 0):
        raise ExposureError(f"exposure of {time_s} s; expected a time above 0")
    return round(1e6 * time_s)


def check_frame(frame: np.ndarray) -> None:
    """Refuse what is no 8-bit frame."""
    if frame.ndim != 2 or frame.dtype != np.uint8:
        raise UsageError(f"frame: {frame.dtype} of shape {frame.shape}; expected (rows, cols) uint8")
