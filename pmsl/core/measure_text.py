"""Durations and sizes as people say them."""

from __future__ import annotations

import math
from collections.abc import Iterable


def clock(seconds: float) -> str:
    """Write a duration: 41 s, 12 min 05 s, 3 h 07 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size_mm(low: Iterable[float], high: Iterable[float]) -> str:
    """Write the size of a box given in µm as mm."""
    return " × ".join(f"{(b - a) / 1000:.6g}" for a, b in zip(low, high, strict=True)) + " mm"


def plus_minus(value: float, sd: float) -> str:
    """Return a value with its standard deviation, to two digits of that.

    Parameters
    ----------
    value, sd : float
        In one unit.
    """
    digits = max(0, 1 - math.floor(math.log10(sd))) if sd > 0 else 3
    return f"{value:.{digits}f} ± {sd:.{digits}f}"
