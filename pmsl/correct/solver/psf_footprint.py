"""What a spread makes of single pixels: their light in the middles of those around, and how far that matters."""

from __future__ import annotations

import numpy as np

from pmsl.optics.psf import Gaussian, Lorentzian, Psf, Sampled

NEIGHBOUR_PX = 1.5  # pixels that touch, corners too
FAINT = 1e-9  # of white: what is left out of single pixels' light


def patch_of(psf: Gaussian | Sampled) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of pixels' light that get into the middle of one: first offset (row, column), and (A, B) float64."""
    down, across = (np.arange(-reach, reach + 1) for reach in psf.reach_px)
    if isinstance(psf, Gaussian):
        share = np.outer(psf.line(down, 0, False), psf.line(across, 1, False))
    else:
        share = psf.kernel(-down, -across, False)
    rows, cols = (np.flatnonzero((share > FAINT).any(axis=axis)) for axis in (1, 0))
    kept = share[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
    return np.array([down[rows[0]], across[cols[0]]], np.int64), np.ascontiguousarray(kept)


def guard_px(psf: Psf) -> tuple[float, float]:
    """Return how far from white (along y, along x) grays are left alone: 3 σ, at least what touches."""
    if isinstance(psf, Gaussian):
        sigma = psf.sigma_px
    elif isinstance(psf, Lorentzian):
        sigma = psf.gamma_px
    else:
        cells = [(np.arange(n) - n // 2) * step for n, step in zip(psf.samples.shape, psf.step_px, strict=True)]
        y, x = (float(psf.samples.sum(axis=1 - axis) @ cells[axis] ** 2) ** 0.5 for axis in (0, 1))
        sigma = (y, x)
    return max(NEIGHBOUR_PX, 3 * sigma[0]), max(NEIGHBOUR_PX, 3 * sigma[1])
