"""Gray response of a printer: 8-bit level → irradiance relative to white."""

from __future__ import annotations

import numpy as np

from pmsl.profiles.optics import LEVELS
from pmsl.profiles.printer import Printer

WHITE = LEVELS - 1


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
