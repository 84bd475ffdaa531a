"""Weighted values, counted as they come: quantiles without keeping them."""

from __future__ import annotations

import numpy as np

DOSE_BINS = 16320  # finite positive float32


class CentredHistogram:
    """A histogram around 0.

    Parameters
    ----------
    step : float
        Width of a bin, the accuracy of every quantile.
    reach : float
        Largest value told apart, of either sign.

    Attributes
    ----------
    bins : (B,) float64
    used : (2,) int64
        The first bin and the last that are used; most of the many are empty, and their memory was never touched.
    missed : (2,) int64
        How many of the values added were negative and positive infinite.
    """

    def __init__(self, step: float, reach: float) -> None:
        self.step = step
        self.middle = round(reach / step)
        self.bins = np.zeros(2 * self.middle + 1)
        self.used = np.array([len(self.bins), -1])
        self.missed = np.zeros(2, np.int64)

    def add(self, values: np.ndarray) -> None:
        """Count values, each with weight 1; those that are not finite in `missed`."""
        from pmsl.kernels._compiler.jit import call
        from pmsl.kernels.compare import histogram

        call(histogram.count, len(values), values, self.step, self.bins, self.used, self.missed)

    @property
    def weight(self) -> float:
        """Sum of the weights."""
        first, last = self._used()
        return float(self.bins[first:last].sum())

    def median(self) -> float | None:
        """Return the median, None where nothing was counted."""
        first, last = self._used()
        at = _quantile(self.bins[first:last], 0.5)
        return None if at is None else (first + at - self.middle) * self.step

    def absolute(self, share: float) -> float | None:
        """Return what that share of the absolute values does not pass."""
        first, last = self._used()
        folded = np.zeros(max(self.middle - first, last - 1 - self.middle, 0) + 1)
        positive, negative = self.bins[self.middle : last], self.bins[first : self.middle][::-1]
        folded[: len(positive)] = positive
        folded[1 : 1 + len(negative)] += negative
        at = _quantile(folded, share)
        return None if at is None else at * self.step

    def lean(self, limit: float) -> float:
        """Return the weight of values above `limit` less that of values below ``-limit``."""
        first, last = self._used()
        far = int(limit / self.step) + 1
        above, below = max(self.middle + far, first), min(self.middle - far + 1, last)
        return float(self.bins[above:last].sum() - self.bins[first : max(below, first)].sum())

    def _used(self) -> tuple[int, int]:
        """Return the first bin that counts, and the one after the last."""
        first, last = self.used.tolist()
        return (first, last + 1) if last >= first else (self.middle, self.middle + 1)


def _quantile(bins: np.ndarray, share: float) -> int | None:
    """First bin at which the running sum reaches `share` of all."""
    total = np.cumsum(bins)
    return int(np.searchsorted(total, max(share * total[-1] * (1 - 1e-12), np.nextafter(0.0, 1.0)))) if total[-1] > 0 else None


def dose_edges() -> np.ndarray:
    """Return the lower edges of the bins that ``compare_voxels`` counts doses in: (16321,) float64 [mJ/cm²], the last is infinite."""
    from pmsl.kernels.compare.compare_voxels import BIN

    return (np.arange(DOSE_BINS + 1, dtype=np.int32) << BIN).view(np.float32).astype(np.float64)


def dose_quantiles(counts: np.ndarray, shares: tuple[float, ...]) -> list[float | None]:
    """Return quantiles of counted doses, the middle of their bins (within 0.8 %)."""
    edges = dose_edges()
    found = []
    for share in shares:
        at = _quantile(counts, share)
        found.append(None if at is None else float(0.5 * (edges[at] + edges[at + 1])))
    return found
