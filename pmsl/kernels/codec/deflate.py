"""Deflate symbols → bytes: dynamic Huffman blocks (RFC 1951), and Adler-32 of runs in closed form (RFC 1950)."""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel, routine

BLOCK = 40_000  # symbols a block
WORK = (16, 640)  # shape of the working array; a row for each table
END = 256
FULL = 257 + 28  # code of the longest copy; at distance 1 most of a plain mask
ORDER = np.array([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15], np.int64)
LENGTH_BASE = np.array(
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258], np.int64
)
LENGTH_EXTRA = np.array([0] * 8 + [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4 + [5] * 4 + [0], np.int64)
DISTANCE_EXTRA = np.array([0, 0, 0, 0, *(e for n in range(1, 14) for e in (n, n))], np.int64)
DISTANCE_BASE = np.cumsum(np.concatenate([np.ones(1, np.int64), 1 << DISTANCE_EXTRA[:-1]]))
LENGTH_CODE = np.searchsorted(LENGTH_BASE, np.arange(259), side="right") - 1
NEAR_CODE = np.searchsorted(DISTANCE_BASE, np.arange(257), side="right") - 1


@helper
def _distance_code(distance):
    if distance <= 256:
        return NEAR_CODE[distance]
    code = 16
    while code < 29 and distance >= DISTANCE_BASE[code + 1]:
        code += 1
    return code


@helper
def _ascending(keys, n):
    """Sort the first n keys, a Shell sort; np.sort compiles for seconds."""
    gap = 1
    while gap < n // 3:
        gap = 3 * gap + 1
    while gap > 0:
        for i in range(gap, n):
            key = keys[i]
            k = i
            while k >= gap and keys[k - gap] > key:
                keys[k] = keys[k - gap]
                k -= gap
            keys[k] = key
        gap //= 3


@routine
def _lengths(weights, limit, bits, work):
    """Huffman code lengths of at most `limit` for the weights above 0 (two-queue tree, then Kraft repair)."""
    order, weight, parent, depth = work[7], work[8], work[9], work[10]
    n = 0
    for symbol in range(weights.size):
        bits[symbol] = 0
        if weights[symbol] > 0:
            order[n] = weights[symbol] << 9 | symbol
            n += 1
    _ascending(order, n)
    for k in range(n):
        weight[k] = order[k] >> 9
        order[k] &= 511
    if n == 0:
        return
    if n == 1:
        bits[order[0]] = 1
        return
    leaf, inner = 0, n
    for made in range(n, 2 * n - 1):
        weight[made] = 0
        for _ in range(2):
            if leaf < n and (inner >= made or weight[leaf] <= weight[inner]):
                child = leaf
                leaf += 1
            else:
                child = inner
                inner += 1
            weight[made] += weight[child]
            parent[child] = made
    depth[2 * n - 2] = 0
    for k in range(2 * n - 3, -1, -1):
        depth[k] = depth[parent[k]] + 1
    kraft = 0
    for k in range(n):
        depth[k] = min(depth[k], limit)
        kraft += 1 << (limit - depth[k])
    k = 0
    while kraft > 1 << limit:  # too many short codes: lengthen the rarest that still can be
        if depth[k] < limit:
            kraft -= 1 << (limit - depth[k] - 1)
            depth[k] += 1
        else:
            k += 1
    for k in range(n - 1, -1, -1):  # spend what is left on the most frequent
        while depth[k] > 1 and kraft + (1 << (limit - depth[k])) <= 1 << limit:
            kraft += 1 << (limit - depth[k])
            depth[k] -= 1
    for k in range(n):
        bits[order[k]] = depth[k]


@routine
def _codes(bits, codes, work):
    """Canonical codes, bit-reversed so that they can be written from the lowest bit."""
    counts, next_code = work[7], work[8]
    for b in range(17):
        counts[b] = 0
    for k in range(bits.size):
        counts[bits[k]] += 1
    counts[0] = 0
    code = 0
    for b in range(1, 17):
        code = (code + counts[b - 1]) << 1
        next_code[b] = code
    for k in range(bits.size):
        b = bits[k]
        if b:
            code = next_code[b]
            next_code[b] += 1
            turned = 0
            for _ in range(b):
                turned = (turned << 1) | (code & 1)
                code >>= 1
            codes[k] = turned


@helper
def _put(out, size, held, n_held, value, bits):
    """Append at most 32 bits, lowest first; return bytes written, the bits held back and their number, less than 32."""
    held |= np.uint64(value) << np.uint64(n_held)
    n_held += bits
    if n_held >= 32:
        if size + 4 <= out.size:
            for k in range(4):
                out[size + k] = (held >> np.uint64(8 * k)) & np.uint64(255)
            size += 4
            held >>= np.uint64(32)
            n_held -= 32
        else:
            size, held, n_held = _flush(out, size, held, n_held)
    return size, held, n_held


@helper
def _flush(out, size, held, n_held):
    """Write the whole bytes among the bits held back, those there is room for."""
    while n_held >= 8:
        if size < out.size:
            out[size] = held & np.uint64(255)
        size += 1
        held >>= np.uint64(8)
        n_held -= 8
    return size, held, n_held


@routine
def _header(out, size, held, n_held, bits, n_literals, n_distances, work):
    """Write the two code tables, run-length coded, themselves Huffman coded; return as `_put`."""
    total = n_literals + n_distances
    code, extra = work[11], work[12]
    weights, lengths, codes = work[13, :19], work[14, :19], work[15, :19]
    weights[:] = 0
    n = 0
    k = 0
    while k < total:
        b = bits[k]
        same = 1
        while k + same < total and bits[k + same] == b:
            same += 1
        if b == 0 and same >= 3:
            same = min(same, 138)
            code[n], extra[n] = (17, same - 3) if same <= 10 else (18, same - 11)
        elif k > 0 and bits[k - 1] == b and same >= 3:
            same = min(same, 6)
            code[n], extra[n] = 16, same - 3
        else:
            same = 1
            code[n], extra[n] = b, 0
        weights[code[n]] += 1
        n += 1
        k += same
    _lengths(weights, 7, lengths, work)
    _codes(lengths, codes, work)
    n_lengths = 19
    while n_lengths > 4 and lengths[ORDER[n_lengths - 1]] == 0:
        n_lengths -= 1
    size, held, n_held = _put(out, size, held, n_held, (n_literals - 257) | (n_distances - 1) << 5 | (n_lengths - 4) << 10, 14)
    for k in range(n_lengths + n):
        if k < n_lengths:
            value, many = lengths[ORDER[k]], 3
        else:
            c = code[k - n_lengths]
            value, many = codes[c] | extra[k - n_lengths] << lengths[c], lengths[c]
            many += 2 if c == 16 else 3 if c == 17 else 7 if c == 18 else 0
        size, held, n_held = _put(out, size, held, n_held, value, many)
    return size, held, n_held


@routine
def _block(symbols, first, last, final, out, size, held, n_held, work):
    """Write one dynamic Huffman block; return as `_put`."""
    weights, bits, codes = work[0, :286], work[1, :286], work[2, :286]
    far, far_bits, far_codes, table = work[3, :30], work[4, :30], work[5, :30], work[6]
    weights[:] = 0
    far[:] = 0
    weights[END] = 1
    copies = full = 0
    for k in range(first, last):
        s = symbols[k]
        if s < 0:
            full -= s
        elif s < 256:
            weights[s] += 1
        else:
            weights[257 + LENGTH_CODE[s >> 16]] += 1
            far[_distance_code(s & 0xFFFF)] += 1
            copies += 1
    weights[FULL] += full
    far[0] += full
    copies += full
    _lengths(weights, 15, bits, work)
    _lengths(far, 15, far_bits, work)
    if copies == 0:
        far_bits[0] = 1  # a table must hold one code
    _codes(bits, codes, work)
    _codes(far_bits, far_codes, work)
    n_literals, n_distances = 286, 30
    while n_literals > 257 and bits[n_literals - 1] == 0:
        n_literals -= 1
    while n_distances > 1 and far_bits[n_distances - 1] == 0:
        n_distances -= 1
    size, held, n_held = _put(out, size, held, n_held, 5 if final else 4, 3)
    for k in range(n_literals):
        table[k] = bits[k]
    for k in range(n_distances):
        table[n_literals + k] = far_bits[k]
    size, held, n_held = _header(out, size, held, n_held, table, n_literals, n_distances, work)
    full_value, full_bits = codes[FULL] | far_codes[0] << bits[FULL], max(bits[FULL] + far_bits[0], 1)
    together, many_value = 32 // full_bits, np.int64(0)
    for k in range(together):
        many_value |= np.int64(full_value) << (k * full_bits)
    for k in range(first, last):
        s = symbols[k]
        if s < 0:
            for _ in range(-s // together):
                size, held, n_held = _put(out, size, held, n_held, many_value, together * full_bits)
            for _ in range(-s % together):
                size, held, n_held = _put(out, size, held, n_held, full_value, full_bits)
            continue
        if s < 256:
            size, held, n_held = _put(out, size, held, n_held, codes[s], bits[s])
            continue
        length, distance = np.int64(s >> 16), np.int64(s & 0xFFFF)
        c = 257 + LENGTH_CODE[length]  # code and extra bits of the length: 20 bits at most; of the distance: 28
        value = codes[c] | (length - LENGTH_BASE[c - 257]) << bits[c]
        size, held, n_held = _put(out, size, held, n_held, value, bits[c] + LENGTH_EXTRA[c - 257])
        d = _distance_code(distance)
        value = far_codes[d] | (distance - DISTANCE_BASE[d]) << far_bits[d]
        size, held, n_held = _put(out, size, held, n_held, value, far_bits[d] + DISTANCE_EXTRA[d])
    return _put(out, size, held, n_held, codes[END], bits[END])


@kernel
def zlib_stream(symbols, n, adler, work, out):
    """Write a whole zlib stream.

    Parameters
    ----------
    symbols : (S,) int32
        As `copies` describes them.
    n : int
        How many of them count.
    adler : int
        Adler-32 of the bytes they stand for.
    work : (16, 640) int64, `WORK`
        Scratch.
    out : (B,) uint8
        Overwritten.

    Returns
    -------
    int
        Number of bytes; where it exceeds B only the first B were written.
    """
    size, held, n_held = _put(out, 0, np.uint64(0), 0, 0x5E78, 16)
    first = 0
    while True:
        last = min(first + BLOCK, n)
        size, held, n_held = _block(symbols, first, last, last == n, out, size, held, n_held, work)
        first = last
        if first == n:
            break
    size, held, n_held = _flush(out, size, held, (n_held + 7) & ~7)
    for shift in (24, 16, 8, 0):
        size, held, n_held = _put(out, size, held, n_held, (adler >> shift) & 255, 8)
    return _flush(out, size, held, n_held)[0]


@kernel
def adler32(value, length, count):
    """Adler-32 of a byte stream given as runs: (R,) uint8 values, (R,) int64 lengths, `count` of them."""
    a, b = 1, 0
    for i in range(count):
        v, n = np.int64(value[i]), length[i]
        if n < 65536:  # the usual case: sums stay far below 2**63 and are reduced now and then
            b += n * a + v * (n * (n + 1) // 2)
            a += n * v
            if a >= 1 << 32:
                a %= 65521
            if b >= 1 << 61:
                b %= 65521
        else:
            a %= 65521
            b = (b % 65521 + n % 65521 * a + v * ((n * (n + 1) // 2) % 65521)) % 65521
            a = (a + n % 65521 * v) % 65521
    return (b % 65521 << 16) | a % 65521
