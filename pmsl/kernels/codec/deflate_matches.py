"""Deflate symbols of runs and far copies. Helpers of `png_symbols`.

A symbol is an int32: a literal 0..255; a copy ``length << 16 | distance``; -n stands for n copies of 258 bytes at distance 1,
which most of a plain frame is made of.
"""

import numpy as np

from pmsl.kernels._compiler.jit import helper

WINDOW = 32768
LONGEST = 258
SHORTEST = 3
HASH_BITS = 14


@helper
def literal(n, value, symbols):
    """Write symbol n, a literal; return n + 1."""
    if n < symbols.size:
        symbols[n] = value
    return n + 1


@helper
def copy(n, length, distance, symbols):
    """Write a copy of any length >= 3 as copies of 3..258 bytes, those of 258 at distance 1 as one symbol; return the number of symbols."""
    if distance == 1 and length >= LONGEST:
        rest = length % LONGEST
        many = length // LONGEST - (0 < rest < SHORTEST)
        if many > 0:
            if n < symbols.size:
                symbols[n] = -many
            n += 1
            length -= many * LONGEST
    while length > 0:
        part = min(length, LONGEST)
        if 0 < length - part < SHORTEST:
            part = length - SHORTEST
        if n < symbols.size:
            symbols[n] = (part << 16) | distance
        n += 1
        length -= part
    return n


@helper
def run(n, value, length, fresh, symbols):
    """Write `length` bytes of `value`; not `fresh`: the byte before is the same value already; return the number of symbols."""
    if fresh and length > 0:
        n = literal(n, value, symbols)
        length -= 1
    if length >= SHORTEST:
        return copy(n, length, 1, symbols)
    for _ in range(length):
        n = literal(n, value, symbols)
    return n


@helper
def key_of(i, value, length):
    """Hash of the runs that follow run i: the value and length of the next, the values of i and of the one after."""
    key = np.uint64(value[i]) | np.uint64(value[i + 1]) << np.uint64(8) | np.uint64(value[i + 2]) << np.uint64(16)
    key |= np.uint64(length[i + 1]) << np.uint64(24)
    return np.int64((key * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(64 - HASH_BITS))
