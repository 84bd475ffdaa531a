"""Histograms around 0, and which of their bins are used."""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel


@helper
def put(bins, used, value, weight, step):
    """Add a weight to the bin of a value; the middle bin is 0, the outer ones hold what is beyond. `used`: the first bin and the last."""
    middle = bins.size // 2
    at = middle + np.int64(np.floor(min(max(value / step, -middle), middle) + 0.5))
    bins[at] += weight
    used[0], used[1] = min(used[0], at), max(used[1], at)


@kernel
def count(values, step, bins, used, missed):
    """Count values in a histogram, each with weight 1.

    Parameters
    ----------
    values : (P,) float64
    step : float
        Width of a bin.
    bins : (B,) float64
        Added into; the middle bin is 0, the outer ones hold what is beyond.
    used : (2,) int64
        First and last bin that are used; changed.
    missed : (2,) int64
        Added into: negative and positive infinite ones.
    """
    for i in range(values.size):
        if np.isfinite(values[i]):
            put(bins, used, values[i], 1.0, step)
        else:
            missed[1 if values[i] > 0.0 else 0] += 1
