"""Lateral blur whose variance adds up exactly, layer after layer."""

from __future__ import annotations

import math

import numpy as np

from pmsl.errors import ExposureError

TAP_FLOOR = 1e-18


class Scatter:
    """Blur by a Gaussian whose variance is κ times the thickness passed.

    Parameters
    ----------
    scatter_um : float
        κ [µm² per µm].
    pitch_um : (float, float) or None
        Pixel pitch in x and y [µm]; needed where κ is above 0.

    Raises
    ------
    ExposureError
        κ above 0 without a pitch, or a pitch not above 0.

    Notes
    -----
    The kernel is the discrete Gaussian ``e^-t I_n(t)`` (Lindeberg 1990), t the variance in pixels²: its variance is t for any t,
    and two of them in a row make the one of the summed variance. A Gaussian sampled at pixel centres does neither below one pixel.
    What leaves the field is lost (zero padding).
    """

    def __init__(self, scatter_um: float, pitch_um: tuple[float, float] | None) -> None:
        if scatter_um > 0 and (pitch_um is None or not min(pitch_um) > 0):
            raise ExposureError(f"scatter of {scatter_um} µm² per µm needs the pixel pitch; it is {pitch_um}, expected (x, y) above 0 µm")
        self._scatter_um = scatter_um
        self._pitch_um = pitch_um or (1.0, 1.0)

    def __call__(self, dose: np.ndarray, thickness_um: float) -> np.ndarray:
        """Return the (rows, cols) dose blurred by the way through `thickness_um`; self-adjoint."""
        if self._scatter_um == 0:
            return dose
        variance_um2 = self._scatter_um * thickness_um
        across = _blur_rows(dose, taps(variance_um2 / self._pitch_um[0] ** 2))
        return np.ascontiguousarray(_blur_rows(across.T, taps(variance_um2 / self._pitch_um[1] ** 2)).T)


def taps(variance_px2: float) -> np.ndarray:
    """Return the discrete Gaussian of that variance from its middle outward: (radius + 1,) float64, ``t[0] + 2 Σ t[1:] = 1``."""
    length = 1 << math.ceil(math.log2(64 + 24 * math.sqrt(variance_px2)))
    turns = 2 * np.pi * np.arange(length // 2 + 1) / length
    whole = np.maximum(np.fft.irfft(np.exp(variance_px2 * (np.cos(turns) - 1)), length)[: length // 2], 0.0)
    reach = int(np.flatnonzero(whole > TAP_FLOOR).max())
    half = whole[: reach + 1]
    return np.asarray(half / (half[0] + 2 * half[1:].sum()))


def _blur_rows(dose: np.ndarray, half: np.ndarray) -> np.ndarray:
    """Convolve along the last axis with a symmetric kernel, zeros outside."""
    out = dose * half[0]
    for n in range(1, min(len(half), dose.shape[1])):
        out[:, n:] += half[n] * dose[:, :-n]
        out[:, :-n] += half[n] * dose[:, n:]
    return np.asarray(out)
