"""24-bit pattern images of the DLPC900 ("splash images"): patterns into bits, the file with its header, and back."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Literal

import numpy as np

from pmsl.errors import JobError, UsageError

MAGIC = b"Spld"
HEADER = struct.Struct("<4sHHI8s4sBBB21s")  # 48 bytes
RAW, ERLE = 0, 2  # compression, as the header says it
BITS = 24
BAND = 16  # rows
WIDEST = (1 << 15) - 1  # pixels a row: numbers of the code have 15 bits


def merged(patterns: Iterable[tuple[np.ndarray, int]], shape: tuple[int, int]) -> np.ndarray:
    """Put patterns into the bits of one image, the first one into the lowest.

    Parameters
    ----------
    patterns : iterable of ((rows, cols) uint8, int)
        Levels and depth; depths sum to 24 at most.
    shape : (int, int)

    Returns
    -------
    (rows, cols) uint32
        Bits 0-7 are the third byte of a pixel, 8-15 the second, 16-23 the first.

    Raises
    ------
    UsageError
        Another shape, levels beyond their depth, or more than 24 bits.
    """
    from pmsl.kernels.codec import bits

    taken, position = [], 0
    for levels, depth in patterns:
        if levels.shape != tuple(shape) or levels.dtype != np.uint8:
            raise UsageError(f"pattern: {levels.dtype} of shape {levels.shape}; expected uint8 of shape {tuple(shape)}")
        if not 1 <= depth <= 8 or position + depth > BITS:
            raise UsageError(f"pattern of {depth} bits at bit {position}; an image has {BITS} bits, a pattern 1 to 8")
        if levels.size and int(levels.max()) >> depth:
            raise UsageError(f"pattern of {depth} bits holds level {levels.max()}; the highest it can show is {(1 << depth) - 1}")
        taken.append((levels, depth, position))
        position += depth
    image = np.zeros(shape, np.uint32)
    for top in range(0, shape[0], BAND):  # a band stays in the processor's cache while every pattern is put into it
        for levels, depth, position in taken:
            bits.merge(levels[top : top + BAND], depth, position, image[top : top + BAND])
    return image


def halves(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the left and the right half of an image, for devices with two controllers.

    Raises
    ------
    UsageError
        An odd number of columns.
    """
    if image.shape[1] % 2:
        raise UsageError(f"image of {image.shape[1]} columns; two controllers share an even number")
    middle = image.shape[1] // 2
    return np.ascontiguousarray(image[:, :middle]), np.ascontiguousarray(image[:, middle:])


def encode_splash(image: np.ndarray, compression: Literal["erle", "raw", "smaller"] = "smaller", line_ends: bool = True) -> bytes:
    """Return an image as the controller takes it, header first, padded to 4 bytes.

    Parameters
    ----------
    image : (rows, cols) uint32
        24 bits a pixel (`merged`), the top row first.
    compression : {"erle", "raw", "smaller"}
        Enhanced run lengths, three bytes a pixel, or whichever is shorter.
    line_ends : bool
        Mark the end of every row, as the format is written down. Some readers do without, and are led astray by them.

    Returns
    -------
    bytes

    Raises
    ------
    UsageError
        Not 24 bits in a uint32, or wider than the code allows.
    """
    if image.ndim != 2 or image.dtype != np.uint32 or image.shape[1] > WIDEST or not all(image.shape):
        raise UsageError(f"image: {image.dtype} of shape {image.shape}; expected (rows, cols) uint32, at most {WIDEST} columns")
    if int(image.max()) >> BITS:
        raise UsageError(f"image: holds {int(image.max()):#x}; a pixel has {BITS} bits")
    raw = 3 * image.size
    body = b"" if compression == "raw" else _erle(image, line_ends)
    kind = ERLE
    if compression == "raw" or (compression == "smaller" and raw < len(body)):
        planes = [(image >> np.uint32(shift)).astype(np.uint8) for shift in (16, 8, 0)]
        body, kind = np.stack(planes, axis=-1).tobytes(), RAW
    rows, cols = image.shape
    head = HEADER.pack(MAGIC, cols, rows, len(body), b"\xff" * 8, bytes(4), 1, kind, 1, bytes(21))
    return head + body + bytes(-(len(head) + len(body)) % 4)


def decode_splash(data: bytes, where: str = "splash image") -> np.ndarray:
    """Return the image of a splash file: (rows, cols) uint32.

    Parameters
    ----------
    data : bytes
        With or without ends of rows; the byte count of its header may be that of the body, or of header and body.
    where : str
        For messages.

    Raises
    ------
    JobError
        Not a splash image, cut off, or damaged. What the header says is held against the length before memory is taken.
    """
    if len(data) < HEADER.size:
        raise JobError(f"{where}: {len(data)} bytes; a splash image has a header of {HEADER.size}")
    magic, cols, rows, size, _, _, _, kind, _, _ = HEADER.unpack_from(data)
    body = np.frombuffer(data, np.uint8)[HEADER.size :]
    if magic != MAGIC or kind not in (RAW, ERLE) or not rows or not cols:
        raise JobError(
            f"{where}: no splash image (begins with {magic!r}, {cols}x{rows} px, compression {kind}); expected {MAGIC!r}, 0 or 2"
        )
    if size > len(body) + HEADER.size:
        raise JobError(f"{where}: holds {len(body)} bytes of {size}; it is cut off, copy it again")
    if kind == RAW:
        if len(body) < 3 * rows * cols:
            raise JobError(f"{where}: {len(body)} bytes for {cols}x{rows} px of 3; it is cut off, copy it again")
        pixels = body[: 3 * rows * cols].reshape(rows, cols, 3).astype(np.uint32)
        return np.asarray((pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2])
    if len(body) < 3 * rows:  # no row takes less
        raise JobError(f"{where}: {len(body)} bytes cannot hold {rows} rows; the header lies, or the file is cut off")
    from pmsl.kernels.codec import dlpc900_erle

    image = np.zeros((rows, cols), np.uint32)
    read = dlpc900_erle.decode(body, image)
    if read < 0:
        reasons = {
            dlpc900_erle.TOO_SHORT: "ends in the middle",
            dlpc900_erle.NO_PIXEL_ABOVE: "copies from above the first row",
            dlpc900_erle.ROW_OVERRUN: "goes beyond the end of a row",
            dlpc900_erle.PIXELS_MISSING: "ends before its last pixel",
            dlpc900_erle.TOO_MANY_ROWS: "holds more rows than its header says",
        }
        raise JobError(f"{where}: its code {reasons[read]}; it is damaged, copy it again")
    return image


def _erle(image: np.ndarray, line_ends: bool) -> bytes:
    from pmsl.kernels.codec import dlpc900_erle

    rows, cols = image.shape
    out = np.zeros(rows * (3 * cols + 5) + 3, np.uint8)
    size = dlpc900_erle.encode(np.ascontiguousarray(image), int(line_ends), np.zeros((5, cols + 1), np.int32), out)
    return out[:size].tobytes()
