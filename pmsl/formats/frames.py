"""LayerMask ↔ device frame: the one place where images are turned and quantised."""

from __future__ import annotations

import numpy as np

from pmsl.core.mask import LayerMask
from pmsl.profiles.printer import Orientation


def turn(levels: np.ndarray, orientation: Orientation) -> np.ndarray:
    """Turn an array of the river (row ↔ +y, col ↔ +x) into frame orientation; a view.

    Parameters
    ----------
    levels : (rows, cols) ndarray
    orientation : Orientation
        Axis along which frame rows and columns grow.

    Returns
    -------
    ndarray
        Transposed where frame rows run along x.
    """
    out = levels if orientation.row[1] == "y" else levels.T
    rows = slice(None, None, -1 if orientation.row[0] == "-" else 1)
    cols = slice(None, None, -1 if orientation.col[0] == "-" else 1)
    return out[rows, cols]


def turn_back(frame: np.ndarray, orientation: Orientation) -> np.ndarray:
    """Undo `turn`."""
    rows = slice(None, None, -1 if orientation.row[0] == "-" else 1)
    cols = slice(None, None, -1 if orientation.col[0] == "-" else 1)
    out = frame[rows, cols]
    return out if orientation.row[1] == "y" else out.T


def device_frame(mask: LayerMask, orientation: Orientation) -> np.ndarray:
    """Return the 8-bit frame as the device shows it: (rows, cols) uint8, turned once, ``u8 = (u16 + 128) // 257``."""
    return turn(mask.dense(np.uint8), orientation)


def frame_shape(shape: tuple[int, int], orientation: Orientation) -> tuple[int, int]:
    """Return (rows, cols) of a frame of a grid of `shape`."""
    return shape if orientation.row[1] == "y" else (shape[1], shape[0])


def mask_from_frame(frame: np.ndarray, index: int, orientation: Orientation) -> LayerMask:
    """Return the mask a device frame shows."""
    return LayerMask.from_dense(index, np.ascontiguousarray(turn_back(frame, orientation)))
