"""Segments cut to one row of pixels, and the events of a sweep along it: where a piece begins, ends, or leaves through the lower edge."""

import numpy as np

from pmsl.kernels._compiler.jit import helper

START, STOP, FOOT = range(3)  # events: a piece begins, ends, leaves through the lower edge of the row
X0, Y0, X1, Y1, SIGN, DROP = range(6)  # a piece: its left and its right end, +1 where it runs toward +x, what its foot adds
GAPS = np.array([9841, 3280, 1093, 364, 121, 40, 13, 4, 1])


@helper
def sort_events(x, what, n):
    """Sort the first n events by x, in place (shell sort: rows hold few)."""
    for g in range(GAPS.size):
        gap = GAPS[g]
        for i in range(gap, n):
            a, b = x[i], what[i]
            j = i
            while j >= gap and x[j - gap] > a:
                x[j], what[j] = x[j - gap], what[j - gap]
                j -= gap
            x[j], what[j] = a, b


@helper
def pieces_of_row(segments, live, n_live, r, piece, x, what):
    """Cut the live segments to row r; write the pieces and their events, and return the number of events."""
    n = 0
    m = 0
    for j in range(n_live):
        s = segments[live[j]]
        x0, y0, x1, y1, up = s[0], s[1], s[2], s[3], 1.0
        if y0 > y1:
            x0, y0, x1, y1, up = x1, y1, x0, y0, -1.0
        if y1 <= r or y0 >= r + 1 or (y0 == y1 and y0 == r):
            continue
        slope = (x1 - x0) / (y1 - y0) if y1 > y0 else 0.0
        low, high = max(y0, float(r)), min(y1, r + 1.0)
        xa = x0 + (low - y0) * slope if low > y0 else x0
        xb = x0 + (high - y0) * slope if high < y1 else x1
        if y0 <= r:
            x[n], what[n] = xa, 4 * m + FOOT
            n += 1
        elif xa == xb:
            continue
        p = piece[m]
        if xa != xb:
            x[n], what[n] = min(xa, xb), 4 * m + START
            x[n + 1], what[n + 1] = max(xa, xb), 4 * m + STOP
            n += 2
        if xa <= xb:
            p[X0], p[Y0], p[X1], p[Y1], p[SIGN] = xa, low - r, xb, high - r, up
        else:
            p[X0], p[Y0], p[X1], p[Y1], p[SIGN] = xb, high - r, xa, low - r, -up
        p[DROP] = -up
        m += 1
    return n
