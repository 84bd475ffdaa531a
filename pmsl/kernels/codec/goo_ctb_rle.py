"""Runs of a frame ↔ the run-length codes of two families of print files; runs go on from row to row.

goo   chunks of 1 to 5 bytes: bits 7-6 what (00 black, 01 the gray that follows, 10 a difference to the pixel before, 11
      white), bits 5-4 how many length bytes follow, bits 3-0 the low end of the length. Vendor's specification, V1.2.
ctb   a 7-bit gray, bit 7 set where a length follows: 7, 14, 21 or 28 bits, told by 0, 10, 110, 1110 before them.

What other software writes is read too; nothing beyond the arrays is touched whatever the bytes say.
"""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel

LONGEST = 0x0FFFFFFF  # of both codes; longer runs are split
WHOLE, CUT, MORE, FEWER, UNKNOWN = range(5)  # how decoding ended


@kernel
def goo(value, length, count, out):
    """Write runs as chunks; differences are never used, for not every reader knows them.

    Parameters
    ----------
    value : (R,) uint8; length : (R,) int64
        Runs, of which `count` count.
    count : int
    out : (N,) uint8
        Overwritten; five bytes for each run and for each `LONGEST` pixels are enough.

    Returns
    -------
    int
        Number of bytes.
    """
    n = 0
    for i in range(count):
        rest = length[i]
        while rest > 0:
            run = min(rest, LONGEST)
            rest -= run
            more = 0 if run < 1 << 4 else 1 if run < 1 << 12 else 2 if run < 1 << 20 else 3
            kind = 0 if value[i] == 0 else 3 if value[i] == 255 else 1
            out[n] = kind << 6 | more << 4 | run & 15
            n += 1
            if kind == 1:
                out[n] = value[i]
                n += 1
            for shift in range(4 + 8 * (more - 1), 3, -8):
                out[n] = run >> shift & 255
                n += 1
    return n


@kernel
def ctb(value, length, count, out):
    """Write runs of 7-bit grays.

    Parameters
    ----------
    value : (R,) uint8; length : (R,) int64
        Runs of 8-bit grays, of which `count` count; ``gray >> 1`` is written, runs that become equal are joined.
    count : int
    out : (N,) uint8
        Overwritten; five bytes for each run and for each `LONGEST` pixels are enough.

    Returns
    -------
    int
        Number of bytes.
    """
    n = 0
    i = 0
    while i < count:
        gray = value[i] >> 1
        rest = length[i]
        i += 1
        while i < count and value[i] >> 1 == gray:
            rest += length[i]
            i += 1
        while rest > 0:
            run = min(rest, LONGEST)
            rest -= run
            if run == 1:
                out[n] = gray
                n += 1
                continue
            more = 0 if run < 1 << 7 else 1 if run < 1 << 14 else 2 if run < 1 << 21 else 3
            out[n] = gray | 128
            out[n + 1] = (0, 128, 192, 224)[more] | run >> 8 * more
            n += 2
            for shift in range(8 * (more - 1), -1, -8):
                out[n] = run >> shift & 255
                n += 1
    return n


@helper
def _join(n, gray, run, value, length):
    """Append a run, joined to the one before where the gray is the same; return the number of runs."""
    if run == 0:
        return n
    if n > 0 and value[n - 1] == gray:
        length[n - 1] += run
        return n
    value[n] = gray
    length[n] = run
    return n + 1


@kernel
def goo_runs(data, pixels, value, length):
    """Read chunks.

    Parameters
    ----------
    data : (N,) uint8
        The chunks alone, without mark and check sum.
    pixels : int
        How many there must be.
    value : (N,) uint8; length : (N,) int64
        Overwritten: runs whose neighbours differ.

    Returns
    -------
    count, status : int
        Number of runs, and `WHOLE`, `CUT` (the data end in a chunk), `MORE` or `FEWER` pixels than there must be.
    """
    n = 0
    i = 0
    done = 0
    gray = np.int64(0)
    while i < data.size:
        head = np.int64(data[i])
        kind, more = head >> 6, head >> 4 & 3
        i += 1
        if kind == 2:  # bits 5 and 4: the difference is negative, a length follows
            gray = (gray - (head & 15) if more > 1 else gray + (head & 15)) & 255
            run = np.int64(1)
            if more & 1:
                if i >= data.size:
                    return n, CUT
                run = np.int64(data[i])
                i += 1
        else:
            if i + more + (kind == 1) > data.size:
                return n, CUT
            gray = np.int64(0) if kind == 0 else np.int64(255)
            if kind == 1:
                gray = np.int64(data[i])
                i += 1
            run = np.int64(0)
            for _ in range(more):
                run = run << 8 | data[i]
                i += 1
            run = run << 4 | head & 15
        done += run
        if done > pixels:
            return n, MORE
        n = _join(n, gray, run, value, length)
    return n, WHOLE if done == pixels else FEWER


@kernel
def ctb_runs(data, pixels, value, length):
    """Read runs of 7-bit grays; gray c becomes 0 or ``2 c + 1``, as all readers have it.

    Parameters
    ----------
    data : (N,) uint8
    pixels : int
        How many there must be.
    value : (N,) uint8; length : (N,) int64
        Overwritten: runs whose neighbours differ.

    Returns
    -------
    count, status : int
        Number of runs, and `WHOLE`, `CUT` (the data end in a run), `MORE` or `FEWER` pixels than there must be, or
        `UNKNOWN` (a length that is marked in no known way).
    """
    n = 0
    i = 0
    done = 0
    while i < data.size:
        gray = np.int64(data[i] & 127)
        run = np.int64(1)
        i += 1
        if data[i - 1] & 128:
            if i >= data.size:
                return n, CUT
            first = np.int64(data[i])
            i += 1
            if first >= 240:
                return n, UNKNOWN
            more = 0 if first < 128 else 1 if first < 192 else 2 if first < 224 else 3
            if i + more > data.size:
                return n, CUT
            run = first & (127 >> more)
            for _ in range(more):
                run = run << 8 | data[i]
                i += 1
        done += run
        if done > pixels:
            return n, MORE
        n = _join(n, 2 * gray + 1 if gray else 0, run, value, length)
    return n, WHOLE if done == pixels else FEWER


@kernel
def rows_of(value, length, count, cols, row_start, col, run, level):
    """Cut the runs of a whole frame at the ends of its rows, and leave out the black ones.

    Parameters
    ----------
    value : (R,) uint8; length : (R,) int64
        Runs whose neighbours differ, of which `count` count; their lengths sum to ``cols`` times the number of rows.
    count, cols : int
    row_start : (rows + 1,) int64; col, run : (M,) int32; level : (M,) uint8
        Overwritten: maximal runs that are not black. `count` + rows of them are enough.

    Returns
    -------
    int
        Number of runs.
    """
    n = 0
    row = 0
    at = 0  # column
    row_start[0] = 0
    for i in range(count):
        rest = length[i]
        while rest > 0:
            here = min(rest, cols - at)
            if value[i] != 0:
                col[n] = at
                run[n] = here
                level[n] = value[i]
                n += 1
            at += here
            rest -= here
            if at == cols:
                at = 0
                row += 1
                row_start[row] = n
    return n
