"""Gray response: 8-bit level → irradiance relative to white, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from pmsl.core.mask import FULL
from pmsl.errors import ExposureError
from pmsl.profiles.optics import LEVELS
from pmsl.profiles.response import WHITE as WHITE
from pmsl.profiles.response import response as response

FINE = FULL // WHITE  # 16-bit levels from one level of the device to the next
SLACK = 1e-9  # of white: what sums of rounded numbers may pass it by


def levels_of(relative: Any, response: np.ndarray) -> np.ndarray:
    """Return the gray levels whose light is nearest: the inverse of `response`.

    Parameters
    ----------
    relative : array_like of float
        Irradiance relative to white, 0..1.
    response : (256,) float64
        Irradiance of every level, never falling (`response`).

    Returns
    -------
    ndarray of uint8
        Of the shape of `relative`. A value that a level gives comes back as that level (the lowest, where several give
        the same); half way between two the brighter one is taken.

    Raises
    ------
    ExposureError
        A value below 0, above 1, or not finite: no level gives it.
    """
    wanted = np.asarray(relative, dtype=np.float64)
    _check_given(wanted)
    light, lowest = np.unique(response, return_index=True)
    above = np.searchsorted(light[:-1], wanted)
    below = np.maximum(above - 1, 0)
    nearest = np.where(np.abs(light[above] - wanted) <= np.abs(wanted - light[below]), above, below)
    return np.asarray(lowest[nearest].astype(np.uint8))


def light_of_levels(response: np.ndarray) -> np.ndarray:
    """Return the light of every 16-bit level of a mask: (65536,) float64, on the line between the device's levels next to it.

    Multiples of 257 are the device's levels and have exactly their light.
    """
    part = np.arange(FINE) / FINE
    between = response[:-1, None] + part * np.diff(response)[:, None]  # (255, 257): from each of the device's levels up to the next
    return np.append(between, response[WHITE])


def fine_levels_of(relative: Any, response: np.ndarray) -> np.ndarray:
    """Return the 16-bit levels that stand for some light: the inverse of `light_of_levels`.

    Masks that are worked out from light stay fine until they are written at the device's depth, so that nothing is rounded
    to 8 bit twice; the 8-bit level of the result is the one whose light is nearest.

    Parameters
    ----------
    relative : array_like of float
        Irradiance relative to white, 0..1.
    response : (256,) float64

    Returns
    -------
    ndarray of uint16
        Of the shape of `relative`.

    Raises
    ------
    ExposureError
        A value below 0, above 1, or not finite.
    """
    wanted = np.asarray(relative, dtype=np.float64)
    _check_given(wanted)
    if np.array_equal(response, np.arange(LEVELS) / WHITE):
        return np.asarray(np.rint(np.clip(wanted, 0.0, 1.0) * FULL).astype(np.uint16))
    light, lowest, count = np.unique(response, return_index=True, return_counts=True)
    above = np.clip(np.searchsorted(light, wanted), 1, len(light) - 1)
    low = light[above - 1]
    part = np.clip((wanted - low) / (light[above] - low), 0.0, 1.0)
    return np.asarray(((lowest + count - 1)[above - 1] * FINE + np.rint(part * FINE)).astype(np.uint16))


def _check_given(wanted: np.ndarray) -> None:
    bad = ~((wanted >= -SLACK) & (wanted <= 1 + SLACK))
    if bad.any():
        raise ExposureError(f"relative irradiance {wanted[bad].flat[0]:g} is given by no gray level; expected 0 to 1")
