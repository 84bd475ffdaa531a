"""PNG row filters undone (PNG specification, section 9): what other software writes; our own frames have none."""

import numpy as np

from pmsl.kernels._compiler.jit import kernel

NONE, SUB, UP, AVERAGE, PAETH = range(5)


@kernel
def undo(band, above):
    """Undo the filters of a few rows in place and set their filter bytes to 0.

    Parameters
    ----------
    band : (rows, 1 + cols) uint8
        A filter byte, 0..4, then a byte a pixel. Overwritten.
    above : (1 + cols,) uint8
        The row before the first, zero at the top of a frame.
    """
    for r in range(band.shape[0]):
        line = band[r]
        before = band[r - 1] if r > 0 else above
        kind = line[0]
        line[0] = 0  # so that the pixel left of the first column is 0, as the filters want it
        if kind == SUB:
            for c in range(1, line.size):
                line[c] += line[c - 1]
        elif kind == UP:
            for c in range(1, line.size):
                line[c] += before[c]
        elif kind == AVERAGE:
            for c in range(1, line.size):
                line[c] += np.uint8((np.int64(line[c - 1]) + np.int64(before[c])) >> 1)
        elif kind == PAETH:
            for c in range(1, line.size):
                left, up, corner = np.int64(line[c - 1]), np.int64(before[c]), np.int64(before[c - 1])
                to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
                if to_left <= to_up and to_left <= to_corner:
                    line[c] += np.uint8(left)
                elif to_up <= to_corner:
                    line[c] += np.uint8(up)
                else:
                    line[c] += np.uint8(corner)
