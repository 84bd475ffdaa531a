"""Flat field: how even a white frame is over the field, relative to the irradiance of the light setting."""

from __future__ import annotations

import numpy as np

from pmsl.core.mask import Window
from pmsl.profiles import Printer
from pmsl.profiles.printer import Distortion, FlatField
from pmsl.profiles.tables.flat_field_image import gray_of


def flat_field(printer: Printer) -> np.ndarray | None:
    """Return the irradiance of a white frame relative to that of the light setting.

    Parameters
    ----------
    printer : Printer
        Its `optics.flat_field`: a measured grid, a gray image or a vignetting; and its `Distortion`, where that says that what it
        makes denser or thinner is not measured with it.

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
    denser = _denser(printer)
    if denser is not None:
        return _relative(denser if flat is None else denser * _stated(printer, flat), "mean" if flat is None else flat.reference)
    return None if flat is None else _relative(_stated(printer, flat), flat.reference)


def _stated(printer: Printer, flat: FlatField) -> np.ndarray:
    """Return the unevenness that a profile states, in any unit."""
    shape = printer.field_px
    if flat.grid is not None:
        field = _between(np.array(flat.grid.value, dtype=np.float64), shape)
    elif flat.image is not None:
        field = gray_of(flat.image.value, shape, printer.orientation, f"printer {printer.name}: optics.flat_field.image")
    else:
        assert flat.vignetting is not None
        field = vignetted(flat.vignetting.value, shape)
    return field


def distortion_counts(printer: Printer) -> bool:
    """Tell whether what distortion does to the light is reckoned, and not in the measured flat field."""
    distortion = printer.optics.distortion
    return isinstance(distortion, Distortion) and distortion.flat_field == "ideal"


def _denser(printer: Printer) -> np.ndarray | None:
    """Return by how much denser distortion makes the light of each pixel, (rows, cols); None where that is not to be reckoned."""
    field_map = printer.field_map
    if field_map is None or not distortion_counts(printer):
        return None
    (rows, cols), (px, py) = printer.field_px, printer.optics.pitch_um.value
    out = np.empty((rows, cols))
    x_um = (np.arange(cols) + 0.5) * px
    for row in range(rows):
        out[row] = 1.0 / field_map.area_scale(np.column_stack([x_um, np.full(cols, (row + 0.5) * py)]))
    return out


def _relative(field: np.ndarray, reference: str) -> np.ndarray:
    """Return a field over what the irradiance of the light settings was measured as: "mean", "maximum" or "center"."""
    rows, cols = field.shape
    center = field[(rows - 1) // 2 : rows // 2 + 1, (cols - 1) // 2 : cols // 2 + 1]
    over = {"mean": field, "maximum": field.max(), "center": center}[reference]
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
