"""Array habits shared by the nouns."""

from __future__ import annotations

import numpy as np


def frozen(array: np.ndarray) -> np.ndarray:
    """Mark `array` read-only and return it."""
    array.setflags(write=False)
    return array
