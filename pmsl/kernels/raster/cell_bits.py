"""Which cells of a row are touched: a bit each, taken out lowest first."""

import numpy as np

from pmsl.kernels._compiler.jit import helper

DEBRUIJN = np.uint64(0x03F79D71B4CB0A89)
LOWEST_BIT = np.zeros(64, dtype=np.int64)
for _bit in range(64):
    LOWEST_BIT[(int(DEBRUIJN) << _bit & 0xFFFFFFFFFFFFFFFF) >> 58] = _bit
ONE, ALL = np.uint64(1), np.uint64(0xFFFFFFFFFFFFFFFF)
COVER, AREA = 0, 1  # the two sums of a cell


@helper
def touch(bits, row, c):
    """Set the bit of cell c; `bits` is (rows, words) uint64."""
    bits[row, c >> 6] |= ONE << np.uint64(c & 63)


@helper
def lowest(word):
    """Return the number of the lowest bit set in `word`, which is not 0."""
    return LOWEST_BIT[((word & (~word + ONE)) * DEBRUIJN) >> np.uint64(58)]


@helper
def mark(bits, begin, end):
    """Set the bits [begin, end), at least one, of a row of words."""
    first, last = begin >> 6, (end - 1) >> 6
    head, tail = ALL << np.uint64(begin & 63), ALL >> np.uint64(63 - ((end - 1) & 63))
    if first == last:
        bits[first] |= head & tail
        return
    bits[first] |= head
    for w in range(first + 1, last):
        bits[w] = ALL
    bits[last] |= tail
