"""The layers of a job that differ most from each other, for pictures: where something begins rather than at even distances."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from pmsl.core.arrays import evenly
from pmsl.job.print_job import PrintJob
from pmsl.profiles.printer import Orientation
from pmsl.report.layer_crops import shrunk

LOOKED_AT = 300
SIDE = 48


def distinct_layers(job: PrintJob, box: tuple[int, int, int, int], most: int) -> list[int]:
    """Choose layers that look different, the first of those that look alike.

    Each next one is that which differs most from all chosen ones, by the mean difference of levels on a coarse raster and by the number
    of exposures; of a job higher than `LOOKED_AT` layers some are looked at, and where one of these differs from the one looked at below
    it, the first layer like it is found by bisection. What is left where no others differ is spread evenly.

    Parameters
    ----------
    job : PrintJob
    box : tuple of int
        Pixels that are looked at: row0, col0, row1, col1.
    most : int
        How many are chosen, where the job has as many.

    Returns
    -------
    list of int
        Ascending.
    """
    if job.n_layers <= most:
        return list(range(job.n_layers))

    @lru_cache(maxsize=2 * LOOKED_AT)
    def look(k: int) -> np.ndarray:
        return _look(job, k, box)

    seen = evenly(job.n_layers, LOOKED_AT)
    looks = np.array([look(k) for k in seen])
    chosen, distance = [int(looks.sum(axis=1).argmax())], np.full(len(seen), np.inf)
    while len(chosen) < most:
        distance = np.minimum(distance, np.abs(looks - looks[chosen[-1]]).mean(axis=1))
        if distance.max() < 1e-9:
            break
        chosen.append(int(distance.argmax()))
    layers = {_first_alike(seen[i - 1] if i else -1, seen[i], look) for i in chosen}
    for k in evenly(job.n_layers, most + 2)[1:-1]:
        if len(layers) < most:
            layers.add(k)
    return sorted(layers)


def _first_alike(below: int, k: int, look: Callable[[int], np.ndarray]) -> int:
    """Return the first layer above `below` that looks rather like `k` than like `below`."""
    low, high = below, k
    while high - low > 1:
        middle = (low + high) // 2
        alike = np.abs(look(middle) - look(k)).sum() <= (np.abs(look(middle) - look(below)).sum() if below >= 0 else np.inf)
        low, high = (low, middle) if alike else (middle, high)
    return high


def _look(job: PrintJob, k: int, box: tuple[int, int, int, int]) -> np.ndarray:
    """Return what a layer looks like: mean levels 0 to 1 on a raster of `SIDE` × `SIDE`, and how many exposures it has."""
    exposures = job.bare(k).exposures
    plain = Orientation()
    levels = [shrunk(e.mask, box, (SIDE, SIDE), plain) / 255 for e in exposures]
    raster = np.maximum.reduce(levels).reshape(-1) if levels else np.zeros(SIDE * SIDE)
    return np.append(raster, 0.01 * SIDE * SIDE * len(exposures)).astype(np.float32)
