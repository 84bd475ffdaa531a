"""8-bit gray PNG: our own framing around one deflate call; reading through Pillow's PNG plugin."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np

from pmsl.errors import JobError

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def encode(frame: np.ndarray) -> bytes:
    """Encode a frame as an ordinary PNG.

    Parameters
    ----------
    frame : (rows, cols) uint8

    Returns
    -------
    bytes
        8-bit gray, no filter, not interlaced, no time stamp: equal frames give equal bytes.
    """
    from isal import isal_zlib

    rows, cols = frame.shape
    raw = np.zeros((rows, cols + 1), np.uint8)  # a filter byte (0, none) before every row
    raw[:, 1:] = frame
    header = struct.pack(">IIBBBBB", cols, rows, 8, 0, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", isal_zlib.compress(raw, 1)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def decode(data: bytes, shape: tuple[int, int], where: str) -> np.ndarray:
    """Decode an 8-bit gray PNG that must have `shape`.

    Parameters
    ----------
    data : bytes
    shape : (int, int)
        (rows, cols) the job's grid gives; checked before anything is decoded, so it is the only size limit.
    where : str
        File name for messages.

    Returns
    -------
    (rows, cols) uint8

    Raises
    ------
    JobError
        Not a PNG, not 8-bit gray, another size, or damaged.
    """
    from PIL.PngImagePlugin import PngImageFile

    try:
        image = PngImageFile(io.BytesIO(data))
        if image.mode != "L":
            raise JobError(f"{where}: PNG mode is {image.mode}; expected 8-bit gray (L)")
        if image.size != (shape[1], shape[0]):
            raise JobError(f"{where}: frame is {image.size[0]} × {image.size[1]} px; the job's grid is {shape[1]} × {shape[0]}")
        return np.array(image)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as err:
        raise JobError(f"{where}: not a whole PNG ({err}); the file is damaged, copy or slice it again") from err
