"""zlib stream → runs of equal bytes, without the bytes: a copy at distance 1 only makes a run longer, any other copies runs.

For streams of long runs, as frames of masks are. Whatever is unusual, damaged or has shorter runs is given back untouched: the
caller inflates it the plain way, which also says what is wrong. So this takes no stream that zlib would not: lengths, codes,
distances and the check sum are held to RFC 1950 and 1951. Reading stops at the end of the input and at the last byte wanted,
writing at the end of the caller's arrays, and every place that comes from the data is held against its array first (compiled code
does not do that by itself); every turn of a loop consumes a bit of the input or makes a byte.
"""

import numpy as np

from pmsl.kernels._compiler.jit import helper, inner, kernel, routine
from pmsl.kernels.codec.deflate import DISTANCE_BASE, DISTANCE_EXTRA, END, LENGTH_BASE, LENGTH_EXTRA
from pmsl.kernels.codec.deflate import adler32 as _adler32
from pmsl.kernels.codec.huffman import DISTANCES, WORK, block_codes, fill, fixed_codes, symbol

__all__ = ["NOT_TAKEN", "WORK", "rows_of", "runs_of_zlib"]
NOT_TAKEN = -1
STEPS = 24  # runs looked at one by one before places are bisected
adler32 = inner(_adler32)


@helper
def _place(start, n, position, near):
    """Find which of n runs holds a position before their end; looked for from run `near` on."""
    low, high = 0, n - 1
    if near < n and start[near] <= position:
        low = near
        for _ in range(STEPS):
            if low == n - 1 or start[low + 1] > position:
                return low
            low += 1
    while low < high:
        middle = (low + high + 1) >> 1
        if start[middle] <= position:
            low = middle
        else:
            high = middle - 1
    return low


@routine
def _compressed(data, at, held, bits, position, n, total, work, value, start):
    """Turn the symbols of one block into runs; `bits` is negative where they cannot be taken."""
    look, count, ordered, far_look, far_count, far_ordered = work[0], work[1], work[2], work[3], work[4], work[5]
    near = 0
    while True:
        at, held, bits = fill(data, at, held, bits)  # a copy takes at most 48 bits
        found = symbol(held, look, count, ordered)
        s, size = found >> 4, found & 15
        held >>= size
        bits -= size
        if found == 0 or bits < 0:
            return at, held, -1, position, n
        if s == END:
            return at, held, bits, position, n
        if s < END:
            if position == total:
                return at, held, -1, position, n
            if n == 0 or value[n - 1] != s:
                if n == value.size:
                    return at, held, -1, position, n
                value[n], start[n] = s, position
                n += 1
            position += 1
            continue
        if s > 285:
            return at, held, -1, position, n
        more = LENGTH_EXTRA[s - 257]
        length = LENGTH_BASE[s - 257] + (held & ((1 << more) - 1))
        if s == 284 and length == 258:
            return at, held, -1, position, n  # this length has a code of its own; decoders differ
        held >>= more
        far = symbol(held, far_look, far_count, far_ordered)
        d, size = far >> 4, far & 15
        if far == 0 or d >= DISTANCES:
            return at, held, -1, position, n
        held >>= size
        bits -= more + size
        more = DISTANCE_EXTRA[d]
        distance = DISTANCE_BASE[d] + (held & ((1 << more) - 1))
        held >>= more
        bits -= more
        if bits < 0 or distance > position or length > total - position:
            return at, held, -1, position, n
        if distance == 1:
            position += length
            continue
        source = position - distance
        near = _place(start, n, source, near)
        while length > 0:
            end = start[near + 1] if near + 1 < n else position
            piece = min(end - source, length)
            if value[n - 1] != value[near]:
                if n == value.size:
                    return at, held, -1, position, n
                value[n], start[n] = value[near], position
                n += 1
            position += piece
            source += piece
            length -= piece
            if near + 1 < n and source >= start[near + 1]:
                near += 1


@helper
def _stored(data, at, held, bits, position, n, total, value, start):
    """Take the bytes of a stored block as they are; `bits` is negative where they cannot be taken."""
    at -= bits >> 3  # bytes held but not used
    if data.size - at < 4:
        return at, -1, position, n
    size = np.int64(data[at]) | np.int64(data[at + 1]) << 8
    if size != (np.int64(data[at + 2]) | np.int64(data[at + 3]) << 8) ^ 0xFFFF or size > data.size - at - 4 or size > total - position:
        return at, -1, position, n
    at += 4
    for i in range(at, at + size):
        if n == 0 or value[n - 1] != data[i]:
            if n == value.size:
                return at, -1, position, n
            value[n], start[n] = data[i], position
            n += 1
        position += 1
    return at + size, 0, position, n


@kernel
def runs_of_zlib(data, total, work, value, start, length):
    """Inflate a zlib stream of `total` bytes to runs.

    Parameters
    ----------
    data : (B,) uint8
        The whole stream and nothing else.
    total : int
        Bytes it stands for.
    work : (8, 1024) int64, `WORK`
        Scratch.
    value : (R,) uint8; start : (R,) int64; length : (R,) int64
        Overwritten: runs whose neighbours differ.

    Returns
    -------
    int
        Number of runs, or `NOT_TAKEN`: more than R, damaged, of another length, or with a header other than RFC 1950's usual one
        (deflate, window of 32 KiB, no dictionary).
    """
    if work.shape[0] < WORK[0] or work.shape[1] < WORK[1] or start.size < value.size or length.size < value.size:
        return NOT_TAKEN
    if data.size < 8 or data[0] != 0x78 or data[1] & 0x20 or (np.int64(data[0]) << 8 | np.int64(data[1])) % 31:
        return NOT_TAKEN
    at, held, bits, position, n = 2, 0, 0, 0, 0
    final = False
    while not final:
        at, held, bits = fill(data, at, held, bits)
        final, kind = held & 1 == 1, held >> 1 & 3
        held >>= 3
        bits -= 3
        if bits < 0 or kind == 3:
            return NOT_TAKEN
        if kind == 0:
            at, bits, position, n = _stored(data, at, held, bits, position, n, total, value, start)
            held = 0
        else:
            if kind == 1:
                fixed_codes(work)
            else:
                at, held, bits = block_codes(data, at, held, bits, work)
            if bits >= 0:
                at, held, bits, position, n = _compressed(data, at, held, bits, position, n, total, work, value, start)
        if bits < 0:
            return NOT_TAKEN
    at -= bits >> 3
    if position != total or data.size - at != 4:
        return NOT_TAKEN
    for i in range(n):
        length[i] = (start[i + 1] if i + 1 < n else position) - start[i]
    said = np.int64(data[at]) << 24 | np.int64(data[at + 1]) << 16 | np.int64(data[at + 2]) << 8 | np.int64(data[at + 3])
    return n if adler32(value, length, n) == said else NOT_TAKEN


@kernel
def rows_of(value, start, length, n, rows, stride, row_start, col, run, level):
    """Cut the runs of the bytes of a PNG into rows: each begins with a zero, its filter byte.

    Parameters
    ----------
    value : (R,) uint8; start, length : (R,) int64; n : int
        Runs of ``rows * stride`` bytes, and how many count.
    rows, stride : int
        `stride` is one more than the pixels of a row.
    row_start : (rows + 1,) int64; col, run : (R,) int32; level : (R,) uint8
        Overwritten: maximal runs of pixels that are not black.

    Returns
    -------
    int
        Number of runs, or `NOT_TAKEN` where a filter byte is not zero, or a run lies outside.
    """
    if n < 0 or n > min(value.size, start.size, length.size, col.size, run.size, level.size) or row_start.size <= rows:
        return NOT_TAKEN
    found, row = 0, -1  # the last row whose beginning is known
    for i in range(n):
        if value[i] == 0:
            continue
        r = start[i] // stride
        first = start[i] - r * stride - 1
        if r < row or r >= rows or first < 0 or first + length[i] > stride - 1:
            return NOT_TAKEN
        while row < r:
            row += 1
            row_start[row] = found
        col[found], run[found], level[found] = first, length[i], value[i]
        found += 1
    while row < rows:
        row += 1
        row_start[row] = found
    return found
