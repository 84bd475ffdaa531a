"""Gray response: 8-bit level → relative irradiance."""

from __future__ import annotations

import numpy as np


def linear_response() -> np.ndarray:
    """Return the response of a pulse-width modulated pattern sequence, ``L(g) = g / 255``: (256,) float64, 0..1."""
    return np.arange(256) / 255.0
