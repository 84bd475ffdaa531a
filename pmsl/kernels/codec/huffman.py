"""Huffman codes of a deflate stream read back: the tables of a block, and bits from its input (RFC 1951, section 3.2).

Codes of up to `LOOK` bits are looked up, longer ones are read bit by bit. Input is not trusted: no place that comes from it is
read or written before it is held against the array, and what lies outside is no code.
"""

import numpy as np

from pmsl.kernels._compiler.jit import helper, routine
from pmsl.kernels.codec.deflate import END, ORDER

LOOK = 10
LONGEST = 15  # bits of a code
WORK = (8, 1 << LOOK)  # shape of the scratch array; a row for each table
DISTANCES = 30  # distance codes there are


@helper
def fill(data, at, held, bits):
    """Hold at least 49 bits where there are so many."""
    while bits <= 48 and at < data.size:
        held |= np.int64(data[at]) << bits
        at += 1
        bits += 8
    return at, held, bits


@routine
def tables(lengths, n, look, count, ordered, fewest):
    """Make the tables of a canonical Huffman code; False where its lengths make none, or (but for one code of one bit) an incomplete one.

    `look` gets ``symbol << 4 | length`` at every start of bits, 0 where the code is longer; `count` how many codes have each length,
    `ordered` the symbols by code. No code at all is taken where `fewest` is 0.
    """
    for b in range(LONGEST + 1):
        count[b] = 0
    if n > lengths.size or n > ordered.size:
        return False
    for s in range(n):
        if lengths[s] < 0 or lengths[s] > LONGEST:
            return False
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
def symbol(held, look, count, ordered):
    """Read one code: ``symbol << 4 | length``, or 0 where it is none."""
    found = look[held & ((1 << LOOK) - 1)]
    if found == 0:
        code, first, index = 0, 0, 0
        for b in range(1, LONGEST + 1):
            code |= held >> (b - 1) & 1
            if code - count[b] < first:
                place = index + code - first
                return ordered[place] << 4 | b if 0 <= place < ordered.size else 0
            index += count[b]
            first = (first + count[b]) << 1
            code <<= 1
    return found


@routine
def block_codes(data, at, held, bits, work):
    """Read the two codes of a dynamic block (RFC 1951, 3.2.7); `bits` is negative where they are none."""
    lengths, look, count, ordered = work[6], work[0], work[1], work[2]
    at, held, bits = fill(data, at, held, bits)
    n, n_far, n_order = 257 + (held & 31), 1 + (held >> 5 & 31), 4 + (held >> 10 & 15)
    held >>= 14
    bits -= 14
    if bits < 0 or n > 286 or n_far > DISTANCES:
        return at, held, -1
    for i in range(ORDER.size):
        lengths[i] = 0
    for i in range(n_order):
        at, held, bits = fill(data, at, held, bits)
        lengths[ORDER[i]] = held & 7
        held >>= 3
        bits -= 3
    if bits < 0 or not tables(lengths, ORDER.size, look, count, ordered, 2):
        return at, held, -1
    i = 0
    while i < n + n_far:
        at, held, bits = fill(data, at, held, bits)
        found = symbol(held, look, count, ordered)
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
    if not tables(far, n_far, work[3], work[4], work[5], 0) or not tables(lengths, n, look, count, ordered, 2):
        return at, held, -1
    return at, held, bits


@routine
def fixed_codes(work):
    """Make the tables of the codes that a fixed block has (RFC 1951, 3.2.6)."""
    lengths = work[6]
    for s in range(288):
        lengths[s] = 8 if s < 144 else 9 if s < 256 else 7 if s < 280 else 8
    tables(lengths, 288, work[0], work[1], work[2], 2)
    for s in range(32):
        lengths[s] = 5
    tables(lengths, 32, work[3], work[4], work[5], 2)
