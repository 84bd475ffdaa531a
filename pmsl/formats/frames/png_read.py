"""8-bit gray PNG → runs, a band of rows at a time: no dense frame, and no compiler unless rows are filtered.

Rows without a filter, as pmsl writes them, are compared in plain numpy (see `pmsl.core.runs`), for a host that plays a
job loads no compiler; filters 1 to 4 of other software are undone by a kernel. Frames that are larger than any projector's
(`LARGE`) are inflated straight to runs by a kernel, where the runs are long: of 25 000 × 25 000 pixels in 0.03 to 0.05 s, and
0.5 to 0.6 s the plain way, of which ISA-L alone takes 0.26 s. What it does not take goes the plain way.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from isal import igzip_lib, isal_zlib

from pmsl.core.grid import size_text
from pmsl.core.runs import BAND, Runs, joined, runs_of_band
from pmsl.errors import JobError
from pmsl.formats.container import read_limits
from pmsl.formats.frames.png_write import SIGNATURE

PIECE = 1 << 16  # compressed bytes handed over at a time: what is not inflated yet is copied
LARGE = 1 << 26  # pixels of a frame: twice those of an 8K display
SHORT = 16  # pixels; runs that are shorter, black ones included, are found faster in the pixels
OVERHEAD = 12  # bytes of a chunk beside its data
MODES = {  # by bit depth and colour type
    (1, 0): "1",
    (2, 0): "L;2",
    (4, 0): "L;4",
    (8, 0): "L",
    (16, 0): "I;16",
    (8, 2): "RGB",
    (16, 2): "RGB;16",
    (1, 3): "P",
    (2, 3): "P",
    (4, 3): "P",
    (8, 3): "P",
    (8, 4): "LA",
    (16, 4): "LA;16",
    (8, 6): "RGBA",
    (16, 6): "RGBA;16",
}


class _Broken(ValueError):
    """What breaks the rules of the PNG specification."""


def frame_size(data: bytes, where: str) -> tuple[int, int]:
    """Return (rows, cols) that a PNG states; raises `JobError` where it is none."""
    if data[:8] != SIGNATURE or data[12:16] != b"IHDR" or len(data) < 24:
        raise JobError(f"{where}: no PNG (begins with {data[:8]!r}); the file is damaged, copy or slice it again")
    return int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")


def runs_of_png(data: bytes, shape: tuple[int, int], where: str, large: int = LARGE) -> Runs:
    """Return the maximal runs of a frame.

    Parameters
    ----------
    data : bytes
        A PNG: 8-bit gray, not interlaced, any row filters.
    shape : (int, int)
        (rows, cols) the job's grid gives; held against the header before anything is inflated, so it is the only
        size limit. A stream that inflates to more is refused one byte after the last pixel.
    where : str
        File name for messages.
    large : int
        Pixels of a frame for which a kernel is loaded; the runs, and what is refused, do not depend on it.

    Returns
    -------
    Runs
        uint8, rows and columns as in the file; `row_start` has rows + 1 entries.

    Raises
    ------
    JobError
        Not a PNG, not 8-bit gray, interlaced, another size, or damaged.
    """
    try:
        parts = _compressed(memoryview(data), shape, where)
        found = _runs_inflated(parts, shape, where) if shape[0] * shape[1] >= large else None
        return _runs(_Stream(_pieces(parts)), shape, where) if found is None else found
    except (_Broken, igzip_lib.error) as err:  # type: ignore[misc]
        raise JobError(f"{where}: not a whole PNG ({err}); the file is damaged, copy or slice it again") from err


def shape_of_png(data: bytes, where: str) -> tuple[int, int]:
    """Return (rows, cols) that the header of a PNG states; raises `JobError` where there is no such header."""
    if data[:8] != SIGNATURE or data[12:16] != b"IHDR" or len(data) < 24:
        raise JobError(f"{where}: not a PNG; the file is damaged, copy or slice it again")
    return int.from_bytes(data[20:24], "big"), int.from_bytes(data[16:20], "big")


def _runs_inflated(parts: list[memoryview], shape: tuple[int, int], where: str) -> Runs | None:
    """Inflate straight to runs; None where rows are filtered, runs are short, or anything is wrong."""
    from pmsl.kernels.codec import inflate_runs

    rows, stride = shape[0], shape[1] + 1
    data = np.frombuffer(parts[0] if len(parts) == 1 else b"".join(parts), np.uint8)
    room = rows * stride // SHORT + rows + 64
    value, start, length = np.empty(room, np.uint8), np.empty(room, np.int64), np.empty(room, np.int64)
    n = inflate_runs.runs_of_zlib(data, rows * stride, np.empty(inflate_runs.WORK, np.int64), value, start, length)
    if n == inflate_runs.NOT_TAKEN:
        return None
    row_start = np.empty(rows + 1, np.int64)
    col, run, level = np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.uint8)
    lit = inflate_runs.rows_of(value, start, length, n, rows, stride, row_start, col, run, level)
    read_limits.check_runs(lit, where)
    return None if lit == inflate_runs.NOT_TAKEN else Runs(row_start, col[:lit].copy(), run[:lit].copy(), level[:lit].copy())


def _runs(stream: _Stream, shape: tuple[int, int], where: str) -> Runs:
    """Inflate and compare all rows."""
    rows, stride = shape[0], shape[1] + 1
    buffer = np.zeros((max(1, min(rows, BAND // stride)), stride), np.uint8)
    above = np.zeros(stride, np.uint8)
    found, many = [], 0
    for first in range(0, rows, len(buffer)):
        band = buffer[: min(len(buffer), rows - first)]
        stream.fill(band.reshape(-1).data)
        if band[:, 0].any():
            _unfilter(band, above, first)
        above[:] = band[-1]
        found.append(runs_of_band(band))
        many += len(found[-1].col)
        read_limits.check_runs(many, where)
    stream.finish()
    return joined(found)


def _unfilter(band: np.ndarray, above: np.ndarray, first: int) -> None:
    """Undo the row filters in place; `first` is the band's first row in the frame, for the message."""
    unknown = np.flatnonzero(band[:, 0] > 4)
    if unknown.size:
        raise _Broken(f"row {first + unknown[0]} has filter {band[unknown[0], 0]}, there are 0..4")
    from pmsl.kernels.codec import png_unfilter

    png_unfilter.undo(band, above)


class _Stream:
    """Inflates a zlib stream that lies in pieces, only as far as it is asked to; its check sum is held against the data."""

    def __init__(self, pieces: Iterator[memoryview]) -> None:
        self._pieces = pieces
        self._inflate = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_ZLIB)  # isal_zlib's own would keep other threads waiting

    def fill(self, out: memoryview) -> None:
        """Fill `out` with the next bytes."""
        done = 0
        while done < len(out):
            if self._inflate.eof:
                raise _Broken("its data end before the last row")
            made = self._more(len(out) - done)
            out[done : done + len(made)] = made
            done += len(made)

    def finish(self) -> None:
        """See that nothing is left but the end of the stream."""
        while not self._inflate.eof:
            if self._more(1):
                raise _Broken("its data go on after the last row")
        if self._inflate.unused_data or any(len(piece) for piece in self._pieces):
            raise _Broken("bytes follow the end of its compressed data")

    def _more(self, limit: int) -> bytes:
        """Inflate at most `limit` bytes; none may come although more follow."""
        piece: memoryview | bytes | None = next(self._pieces, None) if self._inflate.needs_input else b""
        if piece is None:
            raise _Broken("its compressed data stop in the middle")
        made: bytes = self._inflate.decompress(piece, limit)
        return made


def _pieces(parts: list[memoryview]) -> Iterator[memoryview]:
    return (part[i : i + PIECE] for part in parts for i in range(0, len(part), PIECE))


def _compressed(view: memoryview, shape: tuple[int, int], where: str) -> list[memoryview]:
    """Check all chunks, then return the compressed data."""
    if view[:8] != SIGNATURE:
        raise _Broken("it does not begin as a PNG does")
    chunks = list(_chunks(view))
    if not chunks or chunks[0][0] != b"IHDR":
        raise _Broken("its first chunk is not IHDR")
    _check_header(chunks[0][1], shape, where)
    kinds = [kind for kind, _ in chunks]
    for kind in kinds[1:]:
        if not kind[0] & 0x20 and kind not in (b"IDAT", b"IEND"):
            raise _Broken(f"chunk {kind.decode('ascii')} does not belong into a gray PNG")
    if kinds.count(b"IEND") != 1 or kinds[-1] != b"IEND" or len(chunks[-1][1]):
        raise _Broken("it does not end with one empty IEND chunk")
    at = [i for i, kind in enumerate(kinds) if kind == b"IDAT"]
    if not at or at[-1] - at[0] != len(at) - 1:
        raise _Broken("its IDAT chunks do not follow each other" if at else "it has no IDAT chunk")
    return [body for _, body in chunks[at[0] : at[-1] + 1]]


def _chunks(view: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Yield kind and data of every chunk, each held against its check sum."""
    at = len(SIGNATURE)
    while at < len(view):
        kind, size = bytes(view[at + 4 : at + 8]), int.from_bytes(view[at : at + 4], "big")
        if size > len(view) - at - OVERHEAD:
            raise _Broken("it ends inside a chunk")
        if not (kind.isalpha() and kind.isascii()):
            raise _Broken(f"{kind!r} is no chunk")
        body, end = view[at + 8 : at + 8 + size], at + OVERHEAD + size
        if isal_zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise _Broken(f"the check sum of a chunk {kind.decode('ascii')} is wrong")
        yield kind, body
        at = end


def _check_header(body: memoryview, shape: tuple[int, int], where: str) -> None:
    """Refuse what is not 8-bit gray in rows of the grid's size."""
    if len(body) != 13:
        raise _Broken(f"its IHDR chunk has {len(body)} bytes, not 13")
    cols, rows = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
    depth, colour, compression, filters, interlace = body[8:]
    if (depth, colour) != (8, 0):
        mode = MODES.get((depth, colour), f"unknown (bit depth {depth}, colour type {colour})")
        raise JobError(f"{where}: PNG mode is {mode}; expected 8-bit gray (L), save or slice it again")
    if (rows, cols) != shape:
        raise JobError(f"{where}: frame is {cols}x{rows} px; the job's frames are {size_text(shape)} px; slice it again")
    if interlace == 1:
        raise JobError(f"{where}: PNG is interlaced (Adam7); expected rows in order, save or slice it again")
    if compression or filters or interlace:
        raise _Broken(f"its IHDR chunk asks for compression {compression}, filter {filters}, interlace {interlace}; all must be 0")
