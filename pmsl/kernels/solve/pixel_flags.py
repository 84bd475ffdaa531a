"""Notes of a byte a pixel, of three rows at a time, by which blocks of pixels where nothing happens are told at one look."""

import numpy as np

from pmsl.kernels._compiler.jit import helper

RECALLED = 32  # pixels that are recalled together, a multiple of 16; of 64 fewer are, of 16 each costs too much; see `blur_reuse`
THROUGH, DARK, CHANGED = 0, 1, 2  # noted of every pixel: cured through; not even gelled; of another dose than the one before
EVERY = np.uint64(0x0101010101010101)  # eight pixels of which something holds
BUT_FIRST = np.uint64(0xFFFFFFFFFFFFFF00)


@helper
def _note_stretch(r, begin, end, front, half, shift, bits, held, states):
    """Note of the pixels [begin, end) of a row."""
    solid, dark, other = states[r % 3, THROUGH, begin:end], states[r % 3, DARK, begin:end], states[r % 3, CHANGED, begin:end]
    line, doses = front[held[r], begin:end], bits[held[r], begin:end]
    field = half[held[r], begin:end] if half.size else line
    limit = np.float32(0.0 if half.size else -shift)
    for c in range(line.size):
        solid[c] = line[c] >= np.float32(1.0)
    for c in range(line.size):
        dark[c] = field[c] <= limit
    other[0] = doses[0] != bits[held[r], max(begin - 1, 0)]
    before = doses[: doses.size - 1]
    after, changed = doses[1:], other[1:]
    for c in range(before.size):
        changed[c] = after[c] != before[c]


@helper
def note(r, front, half, shift, bits, held, states, recalled, steady):
    """Note of every pixel of a row what `beyond` and `one_dose` ask for, a byte each; blocks that are recalled have the row above's.

    `steady` (B,) counts in how many rows up to the one above a block was recalled: from three on its notes are there already.
    """
    cols, begin = front.shape[1], 0
    kept_beside = False
    for b in range(recalled.shape[1]):
        kept = recalled[r, b] and steady[b] > 1
        if recalled[r, b]:
            end = b * RECALLED
            if end > begin:
                _note_stretch(r, begin, end, front, half, shift, bits, held, states)
            begin = min(end + RECALLED, cols)
            if not kept:
                for kind in range(3):
                    here, above = states[r % 3, kind, end:begin], states[(r + 2) % 3, kind, end:begin]
                    for c in range(here.size):
                        here[c] = above[c]
            if not (kept and kept_beside):
                states[r % 3, CHANGED, end] = bits[held[r], end] != bits[held[r], max(end - 1, 0)]  # the one may be recalled, the other not
        kept_beside = kept
    if cols > begin:
        _note_stretch(r, begin, cols, front, half, shift, bits, held, states)


@helper
def beyond(eight, states, below, row, above, c, kind, room):
    """Tell in how many pixels from column c on, 16, 8 or none, a kind holds, and in all around them; `room` for 16."""
    e = c // 8
    a, b, d = eight[below % 3, kind], eight[row % 3, kind], eight[above % 3, kind]
    if a[e] & b[e] & d[e] != EVERY:
        return 0
    i, j, k = states[below % 3, kind], states[row % 3, kind], states[above % 3, kind]
    if i[c - 1] & j[c - 1] & k[c - 1] == 0:
        return 0
    if room and a[e + 1] & b[e + 1] & d[e + 1] == EVERY and i[c + 16] & j[c + 16] & k[c + 16] != 0:
        return 16
    return 8 if i[c + 8] & j[c + 8] & k[c + 8] != 0 else 0


@helper
def one_dose(eight, row, c, width):
    """Tell whether 8 or 16 pixels from column c on have one dose."""
    changed, e = eight[row % 3, CHANGED], c // 8
    return changed[e] & BUT_FIRST == 0 and (width == 8 or changed[e + 1] == 0)


@helper
def calm_blocks(r, rows, bits, held, states, eight, recalled, steady, calm, dose):
    """Tell of which blocks of row r all is known at one look; rows up to r + 1 are noted.

    `calm` (B,) becomes 1 + the kind that holds in and around every pixel of a block of one dose, 0 elsewhere; `dose` (B,) the bits of that
    dose. What held in the row above holds again where three rows, the blocks beside included, are recalled: `steady` (B,) counts them.
    """
    blocks, cols = steady.size, bits.shape[1]
    for b in range(blocks):
        steady[b] = steady[b] + 1 if r + 1 < rows and recalled.size > 0 and recalled[r + 1, b] else 0
    for b in range(1, blocks - 1):
        if steady[b - 1] > 2 and steady[b] > 2 and steady[b + 1] > 2:
            continue
        c = b * RECALLED
        calm[b], dose[b] = 0, bits[held[r], c]
        if r == 0 or r + 1 >= rows or c + RECALLED >= cols or eight[r % 3, CHANGED, c // 8] & BUT_FIRST:
            continue
        kind = THROUGH if states[r % 3, THROUGH, c] else DARK
        whole = True
        for at in range(c, c + RECALLED, 16):
            whole &= beyond(eight, states, r - 1, r, r + 1, at, kind, True) == 16 and one_dose(eight, r, at, 16)
            whole &= at == c or states[r % 3, CHANGED, at] == 0
        if whole:
            calm[b] = 1 + kind
