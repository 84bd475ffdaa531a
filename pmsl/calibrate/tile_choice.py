"""Which tiles make a wanted value surest: by the information they add, one by one, then by exchange.

A tile whose measurement has the slopes g, over its error, adds ``g gᵀ`` to the information M of the parameters; the variance of a value of
slopes c is ``cᵀ M⁻¹ c`` (Atkinson, Donev and Tobias, Optimum Experimental Designs, 2007, chapters 10 and 12). An exchange of single tiles
ends at a choice that none of them makes better, which need not be the best: every candidate is tried as the first.
"""

from __future__ import annotations

import math

import numpy as np

LEAST_GAIN = 1e-9  # of the variance: an exchange that is worth less is rounding
MOST_ROUNDS = 10_000


def chosen_tiles(known: np.ndarray, slopes: np.ndarray, wanted: np.ndarray, tiles: int) -> np.ndarray:
    """Choose tiles, any of them more than once, that make the variance of what is wanted small.

    Parameters
    ----------
    known : (P, P) float64
        Information of the measurements so far: the inverse of their covariance.
    slopes : (K, P) float64
        Of what each candidate measures by each parameter, over its error.
    wanted : (P,) float64
        Slopes of what is wanted.
    tiles : int

    Returns
    -------
    (tiles,) int64
        Indices of candidates, ascending.
    """
    ends = [_exchanged(known, slopes, wanted, _one_by_one(known, slopes, wanted, tiles, first)) for first in range(len(slopes))]
    counts = min(ends, key=lambda counts: sd_of(_with(known, slopes, counts), wanted))
    return np.repeat(np.arange(len(slopes)), counts)


def _one_by_one(known: np.ndarray, slopes: np.ndarray, wanted: np.ndarray, tiles: int, first: int) -> np.ndarray:
    """Return how many of each candidate, each the best to add to those before it: (K,) int64."""
    counts = np.zeros(len(slopes), np.int64)
    counts[first] = 1
    for _ in range(1, tiles):
        counts[_best(_with(known, slopes, counts), slopes, wanted)[0]] += 1
    return counts


def _exchanged(known: np.ndarray, slopes: np.ndarray, wanted: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return counts that no exchange of one tile makes better."""
    for _ in range(MOST_ROUNDS):
        variance = sd_of(_with(known, slopes, counts), wanted) ** 2
        for out in np.flatnonzero(counts).tolist():
            less = counts.copy()
            less[out] -= 1
            better, left = _best(_with(known, slopes, less), slopes, wanted)
            if left < variance * (1 - LEAST_GAIN):
                less[better] += 1
                counts = less
                break
        else:
            break
    return counts


def _with(known: np.ndarray, slopes: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the information with so many tiles of each candidate."""
    return np.asarray(known + (slopes * counts[:, None]).T @ slopes)


def sd_of(information: np.ndarray, wanted: np.ndarray) -> float:
    """Return the standard deviation of what is wanted.

    Parameters
    ----------
    information : (P, P) float64
        Inverse of the covariance of the parameters.
    wanted : (P,) float64
        Its slopes by the parameters.
    """
    return math.sqrt(float(wanted @ np.linalg.solve(information, wanted)))


def _best(information: np.ndarray, slopes: np.ndarray, wanted: np.ndarray) -> tuple[int, float]:
    """Return the candidate that makes the variance of what is wanted smallest, and that variance (Sherman and Morrison 1950)."""
    inverse = np.linalg.inv(information)
    turned = slopes @ inverse
    left = float(wanted @ inverse @ wanted) - (turned @ wanted) ** 2 / (1 + np.einsum("ij,ij->i", turned, slopes))
    best = int(np.argmin(left))
    return best, float(left[best])
