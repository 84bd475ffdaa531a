"""Light of a spread without an end, from beyond where single pixels are told apart: it changes so little that pixels' middles say all."""

from __future__ import annotations

import numpy as np

from pmsl.core.mask import Window
from pmsl.optics.convolution import product
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
    apart = []
    for axis in (0, 1):
        first = target[axis] - (source[axis] + source[axis + 2] - 1)
        apart.append(np.arange(first, first + target[axis + 2] + source[axis + 2] - 1, dtype=np.float64))
    kernel = psf.kernel(apart[0], apart[1], mean=False) * (1.0 - near_share(apart[0], apart[1]))
    seen = product(np.ascontiguousarray(light, np.float64), kernel)
    return np.ascontiguousarray(seen[source.rows - 1 :, source.cols - 1 :][: target.rows, : target.cols])
