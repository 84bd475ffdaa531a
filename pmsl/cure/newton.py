"""Newton's method from the light side, for a dose that falls and is convex in depth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

CLOSE = 1e-11  # of the layer
MAX_STEPS = 200  # each is a decay length at least where the dose is far above the threshold


def descend(step_um: Callable[[np.ndarray], np.ndarray], n: int, height_um: float) -> np.ndarray:
    """Return the depths of n columns where Newton's step vanishes, from depth 0 on, at most `height_um`: (n,) float64 [µm].

    `step_um` gives the steps at (n,) depths. Of a convex falling function they never pass the root, so no safeguard is needed but
    the clamp, for rounding.
    """
    depth = np.zeros(n)
    for _ in range(MAX_STEPS):
        step = step_um(depth)
        depth = np.clip(depth + step, 0.0, height_um)
        if float(np.abs(step).max()) <= CLOSE * height_um:
            break
    return depth
