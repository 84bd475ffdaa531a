"""Flat-field images: gray images of the device's shape, kept in a profile as ``data:`` addresses."""

from __future__ import annotations

import base64
import binascii
import contextlib
import io

import numpy as np

from pmsl.errors import ProfileError
from pmsl.files.file_kind import refusal_of_pointer
from pmsl.profiles.printer import Orientation, Printer

START = "data:application/octet-stream;base64,"
GRAY = ("L", "I;16", "I;16B", "I", "F")


def address_of(data: bytes) -> str:
    """Return the bytes of an image file as a ``data:`` address."""
    return START + base64.b64encode(data).decode("ascii")


def gray_of(address: str, shape: tuple[int, int], orientation: Orientation, where: str) -> np.ndarray:
    """Read a gray image that lies as the device's frames do.

    Parameters
    ----------
    address : str
        ``data:…;base64,…`` of a PNG or TIFF.
    shape : (int, int)
        (rows, cols) of the device.
    orientation : Orientation
        How frames lie.
    where : str
        For messages.

    Returns
    -------
    (rows, cols) float64
        Levels; row 0 at the smallest y, column 0 at the smallest x.

    Raises
    ------
    ProfileError
        No such address, no image, colours, another shape, or a level that is not above 0.
    """
    head, comma, body = address.partition(";base64,")
    if not (head.startswith("data:") and comma):
        raise ProfileError(f"{where} names a file ({address[:80]}); read the profile by its path, which puts the image in")
    frame = _decoded(body, shape if orientation.row[1] == "y" else shape[::-1], where)
    dark = ~(frame > 0) | ~np.isfinite(frame)
    if dark.any():
        row, col = (int(i[0]) for i in np.nonzero(dark))
        raise ProfileError(f"{where}: level {frame[row, col]:g} at row {row}, column {col}; expected light, above 0, everywhere")
    return upright(frame, orientation)


def check_image(printer: Printer, where: str) -> None:
    """Read the flat-field image of a printer that has one, for what it refuses; raises like `gray_of`."""
    flat = printer.optics.flat_field
    if flat is not None and flat.image is not None:
        gray_of(flat.image.value, printer.dmd.shape.value, printer.orientation, f"{where}: optics.flat_field.image")


def upright(frame: np.ndarray, orientation: Orientation) -> np.ndarray:
    """Turn an image that lies as a frame does into rows toward +y and columns toward +x; a view."""
    turned = frame[:: -1 if orientation.row[0] == "-" else 1, :: -1 if orientation.col[0] == "-" else 1]
    return turned if orientation.row[1] == "y" else turned.T


def _decoded(body: str, frame_shape: tuple[int, ...], where: str) -> np.ndarray:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(base64.b64decode(body, validate=True)), formats=("PNG", "TIFF")) as image:
            if image.mode not in GRAY:
                raise ProfileError(f"{where}: the image is of mode {image.mode}; expected gray, one number a pixel")
            if image.size != frame_shape[::-1]:
                found, wanted = (f"{cols}x{rows}" for cols, rows in (image.size, frame_shape[::-1]))
                raise ProfileError(f"{where}: the image is {found} px; the device's frames are {wanted}")
            return np.asarray(image).astype(np.float64)
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError, SyntaxError) as err:
        with contextlib.suppress(ValueError):
            if (other := refusal_of_pointer(where, base64.b64decode(body))) is not None:
                raise ProfileError(other) from err
        raise ProfileError(f"{where}: no PNG or TIFF that can be read: {err}") from err


def gray_picture(data: bytes, where: str) -> np.ndarray:
    """Read a gray image of any shape, as a camera took it.

    Parameters
    ----------
    data : bytes
        A PNG or TIFF.
    where : str
        For messages.

    Returns
    -------
    (rows, cols) float64
        As the image has them.

    Raises
    ------
    ProfileError
        No image, or colours.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "TIFF")) as image:
            if image.mode not in GRAY:
                raise ProfileError(f"{where}: the image is of mode {image.mode}; expected gray, one number a pixel")
            return np.asarray(image).astype(np.float64)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as err:
        raise ProfileError(f"{where}: no PNG or TIFF that can be read: {err}") from err
