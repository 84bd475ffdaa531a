"""Notes of a byte a pixel, of three rows at a time, by which blocks of pixels where nothing happens are told at one look."""

import numpy as np

from pmsl.kernels._jit import helper

BLOCK = 16  # pixels looked at together where nothing happens
THROUGH, DARK, CHANGED = 0, 1, 2  # noted of every pixel: cured through; not even gelled; of another dose than the one before
EVERY = np.uint64(0x0101010101010101)  # eight pixels of which something holds
BUT_FIRST = np.uint64(0xFFFFFFFFFFFFFF00)


@helper
def note(r, front, half, shift, bits, states):
    """Note of every pixel of a row what `beyond` and `one_dose` ask for, a byte each."""
    solid, dark, other = states[r % 3, THROUGH], states[r % 3, DARK], states[r % 3, CHANGED]
    line, doses = front[r], bits[r]
    field = half[r] if half.size else line
    limit = np.float32(0.0 if half.size else -shift)
    for c in range(line.size):
        solid[c] = line[c] >= np.float32(1.0)
    for c in range(line.size):
        dark[c] = field[c] <= limit
    before = doses[: doses.size - 1]
    after, changed = doses[1:], other[1:]
    for c in range(before.size):
        changed[c] = after[c] != before[c]


@helper
def beyond(eight, states, below, row, above, c, kind):
    """Tell whether a kind holds in a block of pixels from column c on, and in all around it."""
    e = c // 8
    a, b, d = eight[below % 3, kind], eight[row % 3, kind], eight[above % 3, kind]
    if a[e] & a[e + 1] & b[e] & b[e + 1] & d[e] & d[e + 1] != EVERY:
        return False
    i, j, k = states[below % 3, kind], states[row % 3, kind], states[above % 3, kind]
    return i[c - 1] & i[c + BLOCK] & j[c - 1] & j[c + BLOCK] & k[c - 1] & k[c + BLOCK] != 0


@helper
def one_dose(eight, row, c):
    """Tell whether a block of pixels from column c on has one dose."""
    changed, e = eight[row % 3, CHANGED], c // 8
    return (changed[e] & BUT_FIRST) | changed[e + 1] == 0
