"""Gray response: 8-bit level → irradiance relative to white, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from pmsl.errors import ExposureError
from pmsl.profiles import Printer
from pmsl.profiles.printer import LEVELS

WHITE = LEVELS - 1
SLACK = 1e-9  # of white: what sums of rounded numbers may pass it by


def response(printer: Printer) -> np.ndarray:
    """Return what a printer's gray levels give.

    Parameters
    ----------
    printer : Printer
        Its `response`: linear ``L(g) = g / 255``, gamma ``L(g) = (g / 255)^γ``, or a measured table. Entries of a table
        are evenly spaced from black to white; of more than 256 the ones between are found on the line between neighbours.

    Returns
    -------
    (256,) float64
        Irradiance relative to white of every 8-bit level: never falling, 0 at black, exactly 1 at white.

    Notes
    -----
    Mirrors that switch by pulse width answer linearly in pattern sequences; the same engine fed by video applies a gamma.
    """
    of = printer.response
    part = np.arange(LEVELS) / WHITE
    if of.gamma is not None:
        return np.asarray(part**of.gamma.value)
    if of.table is not None:
        table = np.array(of.table.value)
        return np.asarray(np.interp(part * (len(table) - 1), np.arange(len(table)), table) / table[-1])
    return part


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
    bad = ~((wanted >= -SLACK) & (wanted <= 1 + SLACK))
    if bad.any():
        raise ExposureError(f"relative irradiance {wanted[bad].flat[0]:g} is given by no gray level; expected 0 to 1")
    light, lowest = np.unique(response, return_index=True)
    above = np.searchsorted(light[:-1], wanted)
    below = np.maximum(above - 1, 0)
    nearest = np.where(np.abs(light[above] - wanted) <= np.abs(wanted - light[below]), above, below)
    return np.asarray(lowest[nearest].astype(np.uint8))
