"""Deflated bytes of which the length is known beforehand: never inflated further than that."""

from __future__ import annotations

import numpy as np
from isal import igzip_lib

from pmsl.errors import JobError

PIECE = 1 << 16  # compressed bytes handed over at a time: what is not inflated yet is copied


def inflated(data: bytes, size: int, where: str, gzip: bool = False) -> np.ndarray:
    """Inflate a zlib or gzip stream; its check sum is held against the data.

    Parameters
    ----------
    data : bytes
    size : int
        Bytes it must inflate to; room for them is made as they come.
    where : str
        For messages.
    gzip : bool

    Returns
    -------
    (size,) uint8

    Raises
    ------
    JobError
        Damaged, or of another length.
    """
    inflate = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP if gzip else igzip_lib.DECOMP_ZLIB)
    out = bytearray()
    at = 0
    try:
        while not inflate.eof:
            piece = b""
            if inflate.needs_input:
                piece = data[at : at + PIECE]
                at += len(piece)
                if not piece:
                    raise JobError(f"{where}: its compressed data stop in the middle; the file is damaged, copy or slice it again")
            out += inflate.decompress(piece, min(size - len(out) + 1, 16 * PIECE))
            if len(out) > size:
                break
    except igzip_lib.error as err:  # type: ignore[misc]
        raise JobError(f"{where}: its compressed data are damaged ({err}); copy or slice it again") from err
    if len(out) != size:
        much = "more" if len(out) > size else f"only {len(out)}"
        raise JobError(f"{where}: its data hold {much} bytes where {size} belong; the file is damaged, copy or slice it again")
    return np.frombuffer(out, np.uint8)
