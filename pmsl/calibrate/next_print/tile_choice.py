"""Which tiles make a wanted value surest: by the information they add, one by one, then by exchange.

A tile whose measurements have the slopes G, over their error, adds ``Gᵀ G`` to the information M of the parameters; the variance of
values of slopes C is the trace of ``C M⁻¹ Cᵀ`` (Atkinson, Donev and Tobias, Optimum Experimental Designs, 2007, chapters 10 and 12). An
exchange of single tiles ends at a choice that none of them makes better, which need not be the best: every candidate is tried as the
first, of many those that say most by themselves.
"""

from __future__ import annotations

import math

import numpy as np

LEAST_GAIN = 1e-9  # of the variance: an exchange that is worth less is rounding
MOST_ROUNDS = 10_000
MOST_STARTS = 40


def chosen_tiles(known: np.ndarray, slopes: np.ndarray, wanted: np.ndarray, tiles: int) -> np.ndarray:
    """Choose tiles, any of them more than once, that make the variance of what is wanted small.

    Parameters
    ----------
    known : (P, P) float64
        Information of the measurements so far: the inverse of their covariance.
    slopes : (K, P) or (K, M, P) float64
        Of what each candidate measures, of one thing or of several, by each parameter, over its error.
    wanted : (P,) or (W, P) float64
        Slopes of what is wanted; of several values the sum of their variances counts.
    tiles : int

    Returns
    -------
    (tiles,) int64
        Indices of candidates, ascending.
    """
    adds = informations(slopes)
    firsts = np.argsort(_variances(known + adds, wanted), kind="stable")[:MOST_STARTS]
    ends = [_exchanged(known, adds, wanted, _one_by_one(known, adds, wanted, tiles, int(first))) for first in firsts]
    counts = min(ends, key=lambda counts: sd_of(_with(known, adds, counts), wanted))
    return np.repeat(np.arange(len(adds)), counts)


def informations(slopes: np.ndarray) -> np.ndarray:
    """Return what each candidate adds: (K, P, P) float64.

    Parameters
    ----------
    slopes : (K, P) or (K, M, P) float64
    """
    several = slopes[:, None, :] if slopes.ndim == 2 else slopes
    return np.asarray(np.einsum("kmi,kmj->kij", several, several))


def _one_by_one(known: np.ndarray, adds: np.ndarray, wanted: np.ndarray, tiles: int, first: int) -> np.ndarray:
    """Return how many of each candidate, each the best to add to those before it: (K,) int64."""
    counts = np.zeros(len(adds), np.int64)
    counts[first] = 1
    for _ in range(1, tiles):
        counts[_best(_with(known, adds, counts), adds, wanted)[0]] += 1
    return counts


def _exchanged(known: np.ndarray, adds: np.ndarray, wanted: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return counts that no exchange of one tile makes better."""
    for _ in range(MOST_ROUNDS):
        variance = sd_of(_with(known, adds, counts), wanted) ** 2
        for out in np.flatnonzero(counts).tolist():
            less = counts.copy()
            less[out] -= 1
            better, left = _best(_with(known, adds, less), adds, wanted)
            if left < variance * (1 - LEAST_GAIN):
                less[better] += 1
                counts = less
                break
        else:
            break
    return counts


def _with(known: np.ndarray, adds: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the information with so many tiles of each candidate."""
    return np.asarray(known + np.tensordot(counts, adds, axes=1))


def sd_of(information: np.ndarray, wanted: np.ndarray) -> float:
    """Return the standard deviation of what is wanted; of several values the root of the sum of their variances.

    Parameters
    ----------
    information : (P, P) float64
        Inverse of the covariance of the parameters.
    wanted : (P,) or (W, P) float64
        Slopes by the parameters.
    """
    return math.sqrt(float(_variances(information[None], wanted)[0]))


def _variances(informations: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the variance of what is wanted under each of some informations: (K,) float64."""
    several = np.atleast_2d(wanted)
    root = np.sqrt(np.maximum(np.einsum("kii->ki", informations), 1e-300))  # parameters have units of their own
    scaled = informations / root[:, :, None] / root[:, None, :]
    slopes = several[None] / root[:, None, :]
    solved = np.linalg.solve(scaled, np.swapaxes(slopes, 1, 2))
    return np.asarray(np.einsum("kwp,kpw->k", slopes, solved))


def _best(information: np.ndarray, adds: np.ndarray, wanted: np.ndarray) -> tuple[int, float]:
    """Return the candidate that makes the variance of what is wanted smallest, and that variance."""
    left = _variances(information + adds, wanted)
    best = int(np.argmin(left))
    return best, float(left[best])
