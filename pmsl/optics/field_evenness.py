"""Flat field: how even a white frame is over the field, relative to the irradiance of the light setting."""

from __future__ import annotations

import numpy as np

from pmsl.core.mask import Window
from pmsl.profiles import Printer
from pmsl.profiles.tables.flat_field_image import gray_of


def flat_field(printer: Printer) -> np.ndarray | None:
    """Return the irradiance of a white frame relative to that of the light setting.

    Parameters
    ----------
    printer : Printer
        Its `optics.flat_field`: a measured grid, a gray image or a vignetting.

    Returns
    -------
    (rows, cols) float64 or None
        Row 0 at the smallest y; multiplied by `irradiance_mw_cm2` it is the irradiance at each pixel. None where the
        profile has none: the field counts as even.

    Raises
    ------
    ProfileError
        An image of another shape than the device, with black pixels, or that cannot be read.
    """
    flat = printer.optics.flat_field
    if flat is None:
        return None
    shape = printer.field_px
    if flat.grid is not None:
        field = _between(np.array(flat.grid.value, dtype=np.float64), shape)
    elif flat.image is not None:
        field = gray_of(flat.image.value, shape, printer.orientation, f"printer {printer.name}: optics.flat_field.image")
    else:
        assert flat.vignetting is not None
        field = vignetted(flat.vignetting.value, shape)
    rows, cols = shape
    center = field[(rows - 1) // 2 : rows // 2 + 1, (cols - 1) // 2 : cols // 2 + 1]
    over = {"mean": field, "maximum": field.max(), "center": center}[flat.reference]
    return np.asarray(field / np.mean(over))


def vignetted(loss: float, shape: tuple[int, int]) -> np.ndarray:
    """Return ``1 - loss (r / r_corner)²`` in the middle of every pixel; r from the field's center to the corner pixels' middles.

    Distances are in pixels: a corner pixel has ``1 - loss``.
    """
    rows, cols = shape
    y, x = np.arange(rows) - 0.5 * (rows - 1), np.arange(cols) - 0.5 * (cols - 1)
    squared = (y * y)[:, None] + (x * x)[None, :]
    return np.asarray(1.0 - loss * squared / max(float(squared[0, 0]), 1.0))


def lit(relative: np.ndarray, window: Window, flat: np.ndarray | None) -> np.ndarray:
    """Multiply the light of a window's pixels by the flat field there."""
    return relative if flat is None else relative * _cut(flat, window)


def lit_adjoint(light: np.ndarray, window: Window, flat: np.ndarray | None) -> np.ndarray:
    """Apply the adjoint of `lit`, which is its own."""
    return lit(light, window, flat)


def _between(grid: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Read a grid from corner pixel to corner pixel, linear between its points along both axes."""
    for axis in (0, 1):
        n = grid.shape[axis]
        place = np.linspace(0.0, n - 1.0, shape[axis])
        low = np.minimum(place.astype(np.int64), n - 2)
        part = (place - low).reshape((-1, 1) if axis == 0 else (1, -1))
        grid = (1.0 - part) * grid.take(low, axis) + part * grid.take(low + 1, axis)
    return grid


def _cut(flat: np.ndarray, window: Window) -> np.ndarray:
    row0, col0, rows, cols = window
    return flat[row0 : row0 + rows, col0 : col0 + cols]
