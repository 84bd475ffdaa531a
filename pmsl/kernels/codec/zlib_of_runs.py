"""Runs of a mask → the zlib stream of its PNG in one call: `png_symbols` and `deflate` in a row, no interpreter in between."""

from pmsl.kernels._compiler.jit import inner, kernel
from pmsl.kernels.codec import deflate, png_symbols

_stream, _symbols_of, _adler32, _zlib_stream = (
    inner(k) for k in (png_symbols.stream, png_symbols.symbols_of, deflate.adler32, deflate.zlib_stream)
)


@kernel
def zlib_of_runs(row_start, row0, col, run, level, rows, cols, flip_rows, flip_cols, lead, value, length, start, head, symbols, work, out):
    """Compress a frame given as runs.

    Parameters
    ----------
    row_start, row0, col, run, level, rows, cols, flip_rows, flip_cols, lead
        As in ``png_symbols.stream``.
    value : (N,) uint8; length : (N,) int64; start : (N + 1,) int64
        Scratch, N at least ``2 R + rows + 2``.
    head : (2**14,) int32; symbols : (S,) int32; work : ``deflate.WORK`` int64
        Scratch; S is at least ``4 N + rows (cols + lead) // 255 + 16``.
    out : (B,) uint8
        Overwritten.

    Returns
    -------
    int
        Number of bytes; where it exceeds B only the first B were written: call again with more room.
    """
    count = _stream(row_start, row0, col, run, level, rows, cols, flip_rows, flip_cols, lead, value, length)
    n = _symbols_of(value, length, count, start, head, symbols)
    return _zlib_stream(symbols, n, _adler32(value, length, count), work, out)
