"""Runs of a frame → deflate symbols, without touching pixels.

The byte stream of a PNG (a zero filter byte before every row) is a sequence of runs. A run costs a literal and copies
at distance 1. Where the sequence of runs repeats an earlier one inside deflate's 32 KiB window (the row above, a period
of a lattice) a far copy takes its place when it is the cheaper of the two by a fixed estimate of bits; long runs stay
copies at distance 1, whose distance costs nothing. Earlier places are found by hashing neighbouring runs, the last one only.
Rejected: the last four places instead of one (1.2..1.7 times as slow on a chip, a boat and a gyroid of 100 Mpx, 0.4 % smaller
at most); copies that cover a single edge (a far distance costs as many bits as it saves); the longest match (zlib's choice)
instead of the cheapest.
"""

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.codec.deflate_matches import LONGEST, SHORTEST, WINDOW, copy, key_of, run

FAR_BITS = 22  # what a far copy costs, about
EDGE_BITS = 4  # a literal 0 or 255
GRAY_BITS = 9  # any other literal
COPY_BITS = 8  # a copy at distance 1 that ends a run


@helper
def _match(i, rest, j, count, value, length):
    """Compare run i (its last `rest` bytes) and what follows with run j and what follows.

    Returns bytes that agree, the run and the offset in it where agreement ends, and the bits the plain way would cost.
    """
    if value[j] != value[i] or length[j] < rest:
        return 0, i, 0, 0
    total, bits = rest, COPY_BITS if rest >= SHORTEST else 0
    a, b = i + 1, j + 1
    while a < count and value[a] == value[b]:
        bits += EDGE_BITS if value[a] == 0 or value[a] == 255 else GRAY_BITS
        same = min(length[a], length[b])
        total += same
        if length[a] != length[b]:
            if length[a] < length[b]:
                bits += COPY_BITS if length[a] > SHORTEST else 0
                return total, a + 1, 0, bits
            return total, a, same, bits
        bits += COPY_BITS if same > SHORTEST else 0
        a += 1
        b += 1
        if total > 8 * LONGEST:
            break
    return total, a, 0, bits


@helper
def _append(n, v, count, value, length):
    """Append `count` bytes of `v`, joined to the run before where that is the same; return the number of runs."""
    if count <= 0:
        return n
    if n > 0 and value[n - 1] == v:
        length[n - 1] += count
        return n
    value[n] = v
    length[n] = count
    return n + 1


@kernel
def stream(row_start, row0, col, run, level, rows, cols, flip_rows, flip_cols, lead, value, length):
    """Turn the 8-bit runs of a mask into the runs of a frame's byte stream: `lead` zeros, then the pixels, row by row.

    Parameters
    ----------
    row_start : (n_rows + 1,) int64; row0 : int
        Runs of each row of the mask's window, and the window's first row.
    col, run : (R,) int32; level : (R,) uint8
        First column, length and level of each run.
    rows, cols : int
        Size of the frame.
    flip_rows, flip_cols : bool
        Write the last row, the last column first.
    lead : int
        Zeros before every row: 1 is the filter byte of a PNG.
    value : (2 R + rows + 2,) uint8; length : (2 R + rows + 2,) int64
        Overwritten: runs whose neighbours differ.

    Returns
    -------
    int
        Number of runs.
    """
    n = 0
    window = row_start.size - 1
    for step in range(rows):
        r = (rows - 1 - step if flip_rows else step) - row0
        n = _append(n, 0, lead, value, length)
        done = 0
        if 0 <= r < window:
            begin, end = row_start[r], row_start[r + 1]
            for k in range(end - begin):
                i = end - 1 - k if flip_cols else begin + k
                first = cols - col[i] - run[i] if flip_cols else col[i]
                n = _append(n, 0, first - done, value, length)
                n = _append(n, level[i], run[i], value, length)
                done = first + run[i]
        n = _append(n, 0, cols - done, value, length)
    return n


@kernel
def symbols_of(value, length, count, start, head, symbols):
    """Turn the runs of a byte stream into deflate symbols.

    Parameters
    ----------
    value : (R,) uint8; length : (R,) int64
        Runs; neighbours differ in value.
    count : int
        How many of them count.
    start : (R + 1,) int64
        Overwritten: where each run begins in the stream.
    head : (2**14,) int32
        Scratch.
    symbols : (S,) int32
        Overwritten, as `copies` describes them.

    Returns
    -------
    int
        Number of symbols; where it exceeds S only the first S were written.
    """
    for i in range(head.size):
        head[i] = -1
    start[0] = 0
    for i in range(count):
        start[i + 1] = start[i] + length[i]
    n = 0
    i = 0
    offset = 0  # bytes of run i that are written
    hashed = 0  # runs that can be found
    while i < count:
        rest = length[i] - offset
        fresh = offset == 0
        whole = rest - fresh
        if whole >= LONGEST + SHORTEST:  # the bulk of a long run: copies at distance 1 are the cheapest there are
            bulk = whole // LONGEST * LONGEST
            if 0 < whole - bulk < SHORTEST:
                bulk -= SHORTEST
            n = run(n, value[i], bulk + fresh, fresh, symbols)
            offset += bulk + fresh
            rest -= bulk + fresh
            fresh = False
        best, best_i, best_offset, distance = 0, i, 0, WINDOW + 1
        if i + 2 < count and rest <= LONGEST:
            position = start[i] + offset
            while hashed < i:  # runs before this one become findable
                if hashed + 2 < count:
                    head[key_of(hashed, value, length)] = hashed
                hashed += 1
            j = head[key_of(i, value, length)]
            if j >= 0:
                distance = position - (start[j + 1] - rest)
            if distance <= WINDOW:
                total, end, end_offset, bits = _match(i, rest, j, count, value, length)
                gain = bits - FAR_BITS * ((total + LONGEST - 1) // LONGEST)
                if fresh and total > 0:
                    gain += EDGE_BITS if value[i] == 0 or value[i] == 255 else GRAY_BITS
                if gain > 0 and total >= SHORTEST:
                    best, best_i, best_offset = total, end, end_offset
        if best > 0:
            n = copy(n, best, distance, symbols)
            i, offset = best_i, best_offset
        else:
            n = run(n, value[i], rest, fresh, symbols)
            i += 1
            offset = 0
    return n
