"""zlib stream → runs of equal bytes, without the bytes: a copy at distance 1 only makes a run longer, any other copies runs.

For streams of long runs, as frames of masks are. Whatever is unusual, damaged or has shorter runs is given back untouched: the
caller inflates it the plain way, which also says what is wrong. So this takes no stream that zlib would not: lengths, codes,
distances and the check sum are held to RFC 1950 and 1951. Reading stops at the end of the input and at the last byte wanted,
writing at the end of the caller's arrays; every turn of a loop consumes a bit of the input or makes a byte.
Codes of up to `LOOK` bits are looked up, longer ones are read bit by bit.
"""

import numpy as np

from pmsl.kernels._jit import helper, inner, kernel, routine
from pmsl.kernels.deflate import DISTANCE_BASE, DISTANCE_EXTRA, END, LENGTH_BASE, LENGTH_EXTRA, ORDER
from pmsl.kernels.deflate import adler32 as _adler32

LOOK = 10
LONGEST = 15  # bits of a code
WORK = (8, 1 << LOOK)  # shape of the scratch array; a row for each table
NOT_TAKEN = -1
DISTANCES, STEPS = 30, 24  # distance codes there are; runs looked at one by one before places are bisected
adler32 = inner(_adler32)


@helper
def _fill(data, at, held, bits):
    """Hold at least 49 bits where there are so many."""
    while bits <= 48 and at < data.size:
        held |= np.int64(data[at]) << bits
        at += 1
        bits += 8
    return at, held, bits


@routine
def _tables(lengths, n, look, count, ordered, fewest):
    """Make the tables of a canonical Huffman code; False where its lengths make none, or (but for one code of one bit) an incomplete one.

    `look` gets ``symbol << 4 | length`` at every start of bits, 0 where the code is longer; `count` how many codes have each length,
    `ordered` the symbols by code. No code at all is taken where `fewest` is 0.
    """
    for b in range(LONGEST + 1):
        count[b] = 0
    for s in range(n):
        count[lengths[s]] += 1
    used = n - count[0]
    count[0] = 0
    left = 1
    for b in range(1, LONGEST + 1):
        left = 2 * left - count[b]
        if left < 0:
            return False
    if left > 0 and (used > 1 or used < fewest or (used == 1 and (fewest > 0 or count[1] == 0))):
        return False
    for i in range(look.size):
        look[i] = 0
    code, done = 0, 0
    for b in range(1, LONGEST + 1):
        code <<= 1
        if count[b] == 0:
            continue
        for s in range(n):
            if lengths[s] != b:
                continue
            ordered[done] = s
            done += 1
            if b <= LOOK:
                turned = 0
                for i in range(b):
                    turned |= (code >> i & 1) << (b - 1 - i)
                for i in range(turned, 1 << LOOK, 1 << b):
                    look[i] = s << 4 | b
            code += 1
    return True


@helper
def _symbol(held, look, count, ordered):
    """Read one code: ``symbol << 4 | length``, or 0 where it is none."""
    found = look[held & ((1 << LOOK) - 1)]
    if found == 0:
        code, first, index = 0, 0, 0
        for b in range(1, LONGEST + 1):
            code |= held >> (b - 1) & 1
            if code - count[b] < first:
                return ordered[index + code - first] << 4 | b
            index += count[b]
            first = (first + count[b]) << 1
            code <<= 1
    return found


@routine
def _block_codes(data, at, held, bits, work):
    """Read the two codes of a dynamic block (RFC 1951, 3.2.7); `bits` is negative where they are none."""
    lengths, look, count, ordered = work[6], work[0], work[1], work[2]
    at, held, bits = _fill(data, at, held, bits)
    n, n_far, n_order = 257 + (held & 31), 1 + (held >> 5 & 31), 4 + (held >> 10 & 15)
    held >>= 14
    bits -= 14
    if bits < 0 or n > 286 or n_far > DISTANCES:
        return at, held, -1
    for i in range(ORDER.size):
        lengths[i] = 0
    for i in range(n_order):
        at, held, bits = _fill(data, at, held, bits)
        lengths[ORDER[i]] = held & 7
        held >>= 3
        bits -= 3
    if bits < 0 or not _tables(lengths, ORDER.size, look, count, ordered, 2):
        return at, held, -1
    i = 0
    while i < n + n_far:
        at, held, bits = _fill(data, at, held, bits)
        found = _symbol(held, look, count, ordered)
        s, size = found >> 4, found & 15
        held >>= size
        bits -= size
        if found == 0 or bits < 0:
            return at, held, -1
        if s < 16:
            lengths[i] = s
            i += 1
            continue
        more = 2 if s == 16 else 3 if s == 17 else 7
        times = (3 if s < 18 else 11) + (held & ((1 << more) - 1))
        held >>= more
        bits -= more
        if bits < 0 or i + times > n + n_far or (s == 16 and i == 0):
            return at, held, -1
        again = lengths[i - 1] if s == 16 else 0
        for _ in range(times):
            lengths[i] = again
            i += 1
    if lengths[END] == 0:
        return at, held, -1
    far = lengths[n : n + n_far]
    if not _tables(far, n_far, work[3], work[4], work[5], 0) or not _tables(lengths, n, look, count, ordered, 2):
        return at, held, -1
    return at, held, bits


@routine
def _fixed_codes(work):
    """Make the tables of the codes that a fixed block has (RFC 1951, 3.2.6)."""
    lengths = work[6]
    for s in range(288):
        lengths[s] = 8 if s < 144 else 9 if s < 256 else 7 if s < 280 else 8
    _tables(lengths, 288, work[0], work[1], work[2], 2)
    for s in range(32):
        lengths[s] = 5
    _tables(lengths, 32, work[3], work[4], work[5], 2)


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
        at, held, bits = _fill(data, at, held, bits)  # a copy takes at most 48 bits
        found = _symbol(held, look, count, ordered)
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
        far = _symbol(held, far_look, far_count, far_ordered)
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
    if data.size < 8 or data[0] != 0x78 or data[1] & 0x20 or (np.int64(data[0]) << 8 | np.int64(data[1])) % 31:
        return NOT_TAKEN
    at, held, bits, position, n = 2, 0, 0, 0, 0
    final = False
    while not final:
        at, held, bits = _fill(data, at, held, bits)
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
                _fixed_codes(work)
            else:
                at, held, bits = _block_codes(data, at, held, bits, work)
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
        Number of runs, or `NOT_TAKEN` where a filter byte is not zero.
    """
    found, row = 0, -1  # the last row whose beginning is known
    for i in range(n):
        if value[i] == 0:
            continue
        r = start[i] // stride
        first = start[i] - r * stride - 1
        if first < 0 or first + length[i] > stride - 1:
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
