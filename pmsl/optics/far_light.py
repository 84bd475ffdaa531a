"""Light of a spread without an end, from beyond where single pixels are told apart: it changes so little that pixels' middles say all."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from pmsl.core.mask import Window
from pmsl.optics.psf import Lorentzian

NEAR_PX, FAR_PX = 2.5, 5.5  # of a pixel's light all is told apart as far as the first, nothing beyond the second


def near_share(down_px: np.ndarray, across_px: np.ndarray) -> np.ndarray:
    """Return the share of pixels' light that is told apart, by their distance: 1 near, 0 far, smooth between: (…, A, B) float64.

    Parameters
    ----------
    down_px, across_px : (…, A) and (…, B) float64
        Distances of the pixels' middles from a point, along y and along x.
    """
    distance = np.hypot(down_px[..., :, None], across_px[..., None, :])
    t = np.clip((distance - NEAR_PX) / (FAR_PX - NEAR_PX), 0.0, 1.0)
    return np.asarray(1.0 - t * t * t * (10.0 - 15.0 * t + 6.0 * t * t))


def far_light(light: np.ndarray, source: Window, target: Window, psf: Lorentzian) -> np.ndarray:
    """Return what the middles of pixels see of the rest: (target.rows, target.cols) float64.

    Parameters
    ----------
    light : (source.rows, source.cols) float64
    source, target : Window
        Where light is, and where it is seen; the target may reach beyond the field.
    psf : Lorentzian
    """
    from scipy import fft

    first = tuple(target[axis] - (source[axis] + source[axis + 2] - 1) for axis in (0, 1))
    factor, size = _transformed(psf, first, (target.rows + source.rows - 1, target.cols + source.cols - 1))
    seen = fft.irfft2(fft.rfft2(np.ascontiguousarray(light, np.float64), size) * factor, size)
    return np.ascontiguousarray(seen[source.rows - 1 :, source.cols - 1 :][: target.rows, : target.cols])


@lru_cache(maxsize=2)  # one for each of two blocks that are solved at a time
def _transformed(psf: Lorentzian, first: tuple[int, int], shape: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the transform of the kernel of far light at distances from `first` on, and its size."""
    from scipy import fft

    down, across = (np.arange(a, a + n, dtype=np.float64) for a, n in zip(first, shape, strict=True))
    kernel = psf.kernel(down, across, mean=False)
    near = [np.flatnonzero(np.abs(distance) <= FAR_PX + 1.0) for distance in (down, across)]
    if len(near[0]) and len(near[1]):
        kernel[np.ix_(*near)] *= 1.0 - near_share(down[near[0]], across[near[1]])
    size = fft.next_fast_len(shape[0], real=True), fft.next_fast_len(shape[1], real=True)
    return fft.rfft2(kernel, size), size
