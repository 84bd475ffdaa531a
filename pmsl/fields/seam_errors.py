"""What a stage that is off does to a seam: closed forms, relative to the dose without it."""

from __future__ import annotations

import math


def butt_dip(shift_px: float, sigma_px: float) -> float:
    """Return how much dose is missing at most where fields that only touch lie apart: ``erf(δ / (2 √2 σ))``.

    Parameters
    ----------
    shift_px : float
        δ, how far they lie apart [px]; below 0 they lie over each other, and it is too much.
    sigma_px : float
        Of the blur, above 0 [px].
    """
    return math.erf(shift_px / (2.0 * math.sqrt(2.0) * sigma_px))


def ramp_error(shift_px: float, band_px: float) -> float:
    """Return by which share the dose inside a linear band is off: ``δ / W``.

    Parameters
    ----------
    shift_px : float
        δ, how far one of the fields is off [px].
    band_px : float
        W, width of the band, above 0 [px].
    """
    return shift_px / band_px


def seam_error(shift_px: float, band_px: float, sigma_px: float) -> float:
    """Return by which share the dose of a seam is off at most, of a band or of a cut.

    Parameters
    ----------
    shift_px, band_px, sigma_px : float
        As of `ramp_error` and `butt_dip`; 0 wide it is a cut.
    """
    return ramp_error(shift_px, band_px) if band_px > 0 else butt_dip(shift_px, sigma_px) if sigma_px > 0 else 1.0
