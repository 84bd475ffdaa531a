"""Part height and process → slab boundaries."""

from __future__ import annotations

import math

import numpy as np

from pmsl.errors import ProfileError
from pmsl.profiles import Process

MAX_LAYERS = 1_000_000
SLACK = 1e-3  # of a layer: what counts as rounding noise of the file


def z_edges_um(height_um: float, process: Process) -> np.ndarray:
    """Return the slab boundaries of a part of that height, from the plate up.

    Parameters
    ----------
    height_um : float
        Height of the highest point above the plate [µm].
    process : Process
        `layer_um`, or `layers` ([count, um] from the plate up; the last height goes on to the top).

    Returns
    -------
    (L + 1,) float64
        [µm]; L is ``max(1, ceil(H / h - 1e-3))``, the last slab held to the same rule where heights vary.

    Raises
    ------
    ProfileError
        More than a million layers.
    """
    ladder = process.layers or [(1, process.layer_um)]
    edges: list[np.ndarray] = [np.zeros(1)]
    base = 0.0
    for i, (count, step) in enumerate(ladder):
        needed = max(0 if base > 0 else 1, math.ceil((height_um - base) / step - SLACK))
        n = needed if i == len(ladder) - 1 else min(count, needed)
        if n > MAX_LAYERS:
            raise ProfileError(
                f"layers of {step} µm make {n} layers of a part {height_um:.6g} µm high; limit {MAX_LAYERS}; is the unit right?"
            )
        edges.append(base + step * np.arange(1, n + 1))
        base = float(edges[-1][-1]) if n else base
    return np.concatenate(edges)
