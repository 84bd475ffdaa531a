"""Gray pixels that no white pixel is near, and how high the part is above pixels."""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.raster.cell_bits import ONE, lowest, mark

LEFT = 64  # bits of the word left of column 0


@helper
def _widen(bits, wider):
    """Write a row of words into `wider` with the bits on both sides of those that are set."""
    for w in range(1, bits.size - 1):
        x = bits[w]
        wider[w] = x | x << ONE | x >> ONE | bits[w - 1] >> np.uint64(63) | bits[w + 1] << np.uint64(63)


@kernel
def far_from_white(row_start, col, length, value, row0, col0, half_width, white, gray, near, out):
    """Find gray pixels with no white pixel in the disc around each of them, a word of 64 pixels at a time.

    Parameters
    ----------
    row_start, col, length, value : (rows + 1,) int64, (n,) int32, (n,) int32, (n,) uint8
        Runs of an 8-bit mask; 255 is white.
    row0, col0 : int
        Row of the grid of the first row of runs, and the first column that holds any.
    half_width : (2 R + 1,) int64
        How far the disc reaches to both sides in the rows -R..R from its middle.
    white, gray, near : (2 R + 1, W), (2 R + 1, W), (2, W) uint64
        Working space, W words for the width of the runs and one on each side.
    out : (m, 2) int64
        Row and column of every such pixel, overwritten as far as they reach.

    Returns
    -------
    int
        How many they are; more than m where there was no room for all.

    Notes
    -----
    Rejected: comparing runs with the white runs of the rows around, three times as slow where most runs are single gray pixels.
    """
    span = half_width.size
    reach = span // 2
    rows = row_start.size - 1
    found = 0
    white[:] = np.uint64(0)
    near[:] = np.uint64(0)
    for s in range(rows + reach):
        here, grays = white[s % span], gray[s % span]
        here[:] = np.uint64(0)
        if s < rows:
            grays[:] = np.uint64(0)
            for i in range(row_start[s], row_start[s + 1]):
                begin = np.int64(col[i]) - col0 + LEFT
                mark(here if value[i] == 255 else grays, begin, begin + length[i])
        r = s - reach
        if r < 0:
            continue
        total, wider = near[0], near[1]
        total[:] = np.uint64(0)
        for width in range(half_width[reach], -1, -1):  # white rows join where they are to be widened as often as what is there
            for t in range(span):
                if half_width[t] == width:
                    row = white[(r + t - reach + span) % span]
                    for w in range(total.size):
                        total[w] |= row[w]
            if width:
                _widen(total, wider)
                total, wider = wider, total
        grays = gray[r % span]
        for w in range(1, total.size - 1):
            word = grays[w] & ~total[w]
            while word:
                if found < out.shape[0]:
                    out[found, 0], out[found, 1] = row0 + r, col0 + ((w - 1) << 6) + lowest(word)
                found += 1
                word &= word - ONE
    return found


@kernel
def tops(corners, tile, out):
    """Raise tiles of pixels to the highest triangle whose bounding box reaches over them.

    Parameters
    ----------
    corners : (M, 9) float64
        x and y in pixels, z.
    tile : int
        Pixels a side.
    out : (R, C) float64
        Raised.
    """
    for i in range(corners.shape[0]):
        t = corners[i]
        high = max(t[2], t[5], t[8])
        r0 = int(max(min(t[1], t[4], t[7]) // tile, 0.0))
        r1 = int(min(max(t[1], t[4], t[7]) // tile, out.shape[0] - 1.0))
        c0 = int(max(min(t[0], t[3], t[6]) // tile, 0.0))
        c1 = int(min(max(t[0], t[3], t[6]) // tile, out.shape[1] - 1.0))
        for r in range(r0, r1 + 1):
            for c in range(c0, c1 + 1):
                out[r, c] = max(out[r, c], high)
