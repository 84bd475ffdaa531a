"""Deflated frames of which the size is known beforehand: inflated a band of rows at a time, and never further than their last pixel."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from isal import igzip_lib

from pmsl.core.runs import BAND, Runs, joined, runs_of_band
from pmsl.errors import JobError
from pmsl.formats.container import read_limits

PIECE = 1 << 16  # compressed bytes handed over at a time: what is not inflated yet is copied


def bands(data: bytes, shape: tuple[int, int], kind: np.dtype, where: str, gzip: bool = False) -> Iterator[np.ndarray]:
    """Inflate a zlib or gzip stream of pixels; its check sum is held against them.

    Parameters
    ----------
    data : bytes
    shape : (int, int)
        (rows, cols)
    kind : dtype
    where : str
        For messages.
    gzip : bool

    Yields
    ------
    (many, cols) ndarray of kind
        Some rows at a time, in order; valid until the next is asked for.

    Raises
    ------
    JobError
        Damaged, or of another number of bytes.
    """
    rows, cols = shape
    many = max(1, min(rows, BAND // (4 * cols)))  # the same rows for any kind
    band = np.empty((many, cols), kind)
    flag = igzip_lib.DECOMP_GZIP if gzip else igzip_lib.DECOMP_ZLIB
    stream = _Stream(data, igzip_lib.IgzipDecompressor(flag=flag), where)
    for first in range(0, rows, many):
        part = band[: min(many, rows - first)]
        stream.fill(part.reshape(-1).view(np.uint8).data)
        yield part
    stream.finish()


class _Stream:
    """Gives the inflated bytes one after another."""

    def __init__(self, data: bytes, inflate: igzip_lib.IgzipDecompressor, where: str) -> None:
        self._data, self._inflate, self._where = data, inflate, where
        self._at = 0

    def fill(self, out: memoryview) -> None:
        """Fill `out` with the next bytes."""
        done = 0
        while done < len(out):
            if self._inflate.eof:
                raise self._wrong("end before the last pixel")
            made = self._more(len(out) - done)
            out[done : done + len(made)] = made
            done += len(made)

    def finish(self) -> None:
        """See that nothing is left but the end of the stream."""
        while not self._inflate.eof:
            if self._more(1):
                raise self._wrong("go on after the last pixel")

    def _more(self, limit: int) -> bytes:
        piece = b""
        if self._inflate.needs_input:
            piece = self._data[self._at : self._at + PIECE]
            self._at += len(piece)
            if not piece:
                raise self._wrong("stop in the middle")
        try:
            made: bytes = self._inflate.decompress(piece, limit)
        except igzip_lib.error as err:  # type: ignore[misc]
            raise self._wrong(f"are damaged ({err})") from err
        return made

    def _wrong(self, how: str) -> JobError:
        return JobError(f"{self._where}: its compressed data {how}; the file is damaged, copy or slice it again")


def runs_of_deflated(data: bytes, shape: tuple[int, int], where: str, gzip: bool = False) -> Runs:
    """Return the maximal runs of a deflated uint8 frame, rows and columns as in the file; errors as `bands`."""
    buffer = np.zeros((0, shape[1] + 1), np.uint8)
    found, many = [], 0
    for part in bands(data, shape, np.dtype(np.uint8), where, gzip):
        if len(buffer) < len(part):
            buffer = np.zeros((len(part), shape[1] + 1), np.uint8)
        buffer[: len(part), 1:] = part
        found.append(runs_of_band(buffer[: len(part)]))
        many += len(found[-1].col)
        read_limits.check_runs(many, where)
    return joined(found)


def doses_wrong(doses: Iterator[np.ndarray], masks: Iterator[np.ndarray]) -> bool:
    """Tell whether doses, band by band beside the mask's, are negative, not finite, or not 0 where the mask is black."""
    wrong = False
    for dose, mask in zip(doses, masks, strict=True):
        wrong |= not (np.isfinite(dose).all() and (dose >= 0).all() and not dose[mask == 0].any())
    return wrong
