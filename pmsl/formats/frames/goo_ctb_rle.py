"""Frames ↔ the run-length codes of GOO and CTB files, as bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pmsl.core.grid import size_text
from pmsl.core.runs import Runs
from pmsl.errors import JobError
from pmsl.formats.container import read_limits
from pmsl.formats.frames.frame_runs import Stream, runs_of_stream

GOO_MARK = 0x55
BYTES_A_RUN = 5


def encode_goo(stream: Stream) -> bytes:
    """Return the layer data of a GOO file: mark, chunks, check sum (ones' complement of the sum of the chunks' bytes)."""
    from pmsl.kernels.codec import goo_ctb_rle

    chunks = _encoded(goo_ctb_rle.goo, stream)
    return bytes([GOO_MARK]) + chunks.tobytes() + bytes([~int(chunks.sum(dtype=np.uint64)) & 255])


def encode_ctb(stream: Stream) -> np.ndarray:
    """Return the layer data of a CTB file, not enciphered: (n,) uint8; the lowest bit of the grays is left out."""
    from pmsl.kernels.codec import goo_ctb_rle

    return _encoded(goo_ctb_rle.ctb, stream)


def _encoded(kernel: Callable[..., int], stream: Stream) -> np.ndarray:
    from pmsl.kernels.codec.goo_ctb_rle import LONGEST

    pixels = int(stream.length[: stream.n_runs].sum())
    out = np.empty(BYTES_A_RUN * (stream.n_runs + pixels // LONGEST), np.uint8)
    return out[: kernel(*stream, out)]


def decode_goo(data: bytes, shape: tuple[int, int], where: str) -> Runs:
    """Return the runs of the frame of `shape` (rows, cols) that the layer data of a GOO file make up.

    Raises
    ------
    JobError
        Mark or check sum is wrong, or the data make up another number of pixels.
    """
    from pmsl.kernels.codec import goo_ctb_rle

    if len(data) < 2 or data[0] != GOO_MARK:
        raise JobError(f"{where}: its layer data do not begin with byte 0x55; the file is damaged, copy or slice it again")
    chunks = np.frombuffer(data, np.uint8)[1:-1]
    if ~int(chunks.sum(dtype=np.uint64)) & 255 != data[-1]:
        raise JobError(f"{where}: the check sum of its layer data is wrong; the file is damaged, copy or slice it again")
    return _decoded(goo_ctb_rle.goo_runs, chunks, shape, where)


def decode_ctb(data: np.ndarray, shape: tuple[int, int], where: str) -> Runs:
    """Return the runs of the frame that (n,) uint8 deciphered layer data of a CTB file make up; errors as `decode_goo`."""
    from pmsl.kernels.codec import goo_ctb_rle

    return _decoded(goo_ctb_rle.ctb_runs, data, shape, where)


def _decoded(kernel: Callable[..., Any], data: np.ndarray, shape: tuple[int, int], where: str) -> Runs:
    from pmsl.kernels.codec import goo_ctb_rle

    pixels = shape[0] * shape[1]
    read_limits.check_runs(len(data) // BYTES_A_RUN, where)
    value, length = np.empty(len(data), np.uint8), np.empty(len(data), np.int64)  # only what is written takes memory
    count, status = kernel(np.ascontiguousarray(data), pixels, value, length)
    if status != goo_ctb_rle.WHOLE:
        wrong = {
            goo_ctb_rle.CUT: "end in the middle of a run",
            goo_ctb_rle.MORE: "hold more pixels",
            goo_ctb_rle.FEWER: "end before the last pixel",
            goo_ctb_rle.UNKNOWN: "hold a length that is none",
        }[status]
        raise JobError(
            f"{where}: its layer data {wrong} (the frame has {size_text(shape)} px); the file is damaged, copy or slice it again"
        )
    read_limits.check_runs(count, where)
    return runs_of_stream(Stream(value, length, count), shape)


def ctb_cipher(data: np.ndarray, key: int, layer: int) -> np.ndarray:
    """Encipher or decipher the layer data of a CTB file: exclusive or with a sequence of 32-bit words.

    Parameters
    ----------
    data : (n,) uint8
    key : int
        Of the file; 0 is none.
    layer : int
        Number of the layer; equal layers are enciphered differently.

    Returns
    -------
    (n,) uint8
    """
    if key == 0:
        return data
    mask = 0xFFFFFFFF
    step = key * 0x2D83CDAC + 0xD8A83423 & mask
    first = (layer * 0x1E1530CD + 0xEC3D47CD) * step & mask
    words = (np.arange(-(-len(data) // 4), dtype=np.uint64) * np.uint64(step) + np.uint64(first)).astype("<u4")  # modulo 2^32
    return np.asarray(data ^ words.view(np.uint8)[: len(data)])
