"""Runs of pixels whose dose, blurred by the projection, reaches a limit; doses are steps of `run_dose`."""

from pmsl.kernels._compiler.jit import helper, kernel


@helper
def _union(low, high, n, col, end, begin, stop, more, cols, out_low, out_high):
    """Unite n intervals with runs widened by `more`."""
    i, j, m = 0, begin, 0
    while i < n or j < stop:
        if j == stop or (i < n and low[i] <= col[j] - more):
            a, b = low[i], high[i]
            i += 1
        else:
            a, b = max(col[j] - more, 0), min(end[j] + more, cols)
            j += 1
        if m > 0 and a <= out_high[m - 1]:
            out_high[m - 1] = max(out_high[m - 1], b)
        else:
            out_low[m] = a
            out_high[m] = b
            m += 1
    return m


@helper
def _common(low, high, n, col, end, begin, stop, less, out_low, out_high):
    """Cut n intervals with runs narrowed by `less`."""
    i, j, m = 0, begin, 0
    while i < n and j < stop:
        a, b = max(low[i], col[j] + less), min(high[i], end[j] - less)
        if a < b:
            out_low[m] = a
            out_high[m] = b
            m += 1
        if high[i] < end[j] - less:
            i += 1
        else:
            j += 1
    return m


@helper
def _light(end, col, value, share, first, last, weight, pointer, line):
    """Add ``weight`` times the dose of columns [first, last) of a row to `line`; return where in its steps they begin."""
    i = pointer
    while i + 1 < end and col[i + 1] <= first:
        i += 1
    j = i
    while j < end and col[j] < last:
        a, b = max(col[j], first), (min(col[j + 1], last) if j + 1 < end else last)
        dose = 0.0
        for t in range(share.size):
            dose += share[t] * value[t, j]
        for c in range(a, b):
            line[c - first] += weight * dose
        j += 1
    return i


@kernel
def seen_above(
    begin, stop, col, value, share, limit, raw_start, raw_col, raw_end, down, across, cols, low, high, line, pointer, out_start, out_col,
    out_end,
):  # fmt: skip
    """Find the runs of pixels whose dose, blurred by a separable spread, reaches a limit.

    Only pixels near others on the other side of the limit are blurred: no mean of equal sides is on the other one.

    Parameters
    ----------
    begin, stop, col, value, share, limit
        As of `above`.
    raw_start, raw_col, raw_end
        What `above` returned.
    down, across : (1 + n,) float64
        Weights along y and x from the middle outward.
    cols : int
        Of the field.
    low, high : (4, W) int64
        Scratch: W is at least ``(2 n + 1) (runs of a row + 1)``.
    line : (cols + 2 n + 2,) float64; pointer : (2 n + 1,) int64
        Scratch.
    out_start : (rows + 1,) int64; out_col, out_end : (M,) int32
        Overwritten.

    Returns
    -------
    int
        Number of runs; -1 where there are more than M.
    """
    rows, n, reach = begin.size, 0, down.size - 1
    alike = 0  # rows up to r + reach that are each as the one before
    for r in range(rows):
        out_start[r] = n
        ahead = r + reach
        if r == 0:
            for q in range(1, min(reach, rows - 1) + 1):
                alike = alike + 1 if begin[q] == begin[q - 1] and stop[q] == stop[q - 1] else 0
        elif ahead < rows:
            alike = alike + 1 if begin[ahead] == begin[ahead - 1] and stop[ahead] == stop[ahead - 1] else 0
        else:
            alike = 0
        first, last = max(r - reach, 0), min(r + reach + 1, rows)
        if raw_start[first] == raw_start[last]:
            continue
        if r > 0 and alike >= 2 * reach + 1:
            more = n - out_start[r - 1]
            if n + more > out_col.size:
                return -1
            for i in range(more):
                out_col[n + i] = out_col[out_start[r - 1] + i]
                out_end[n + i] = out_end[out_start[r - 1] + i]
            n += more
            continue
        n_out = _seen_row(begin, stop, col, value, share, limit, raw_start, raw_col, raw_end, down, across, cols, low, high, line, pointer,
                          r, n, out_col, out_end)  # fmt: skip
        if n_out < 0:
            return -1
        n = n_out
    out_start[rows] = n
    return n


@helper
def _seen_row(
    begin, stop, col, value, share, limit, raw_start, raw_col, raw_end, down, across, cols, low, high, line, pointer, r, n, out_col, out_end
):
    """Find the runs of one row from run n on; return how many there are then, -1 where there is no room."""
    rows = begin.size
    reach, wide = down.size - 1, across.size - 1
    u, c = 0, 0  # rows of `low` and `high` that hold the union of widened rows; 2 + c: what narrowed rows have in common
    n_u, n_c = 0, 1
    low[2, 0] = 0
    high[2, 0] = cols
    for q in range(r - reach, r + reach + 1):
        if q < 0 or q >= rows:
            n_c = 0
            continue
        a, b = raw_start[q], raw_start[q + 1]
        n_u = _union(low[u], high[u], n_u, raw_col, raw_end, a, b, wide, cols, low[1 - u], high[1 - u])
        u = 1 - u
        n_c = _common(low[2 + c], high[2 + c], n_c, raw_col, raw_end, a, b, wide, low[3 - c], high[3 - c])
        c = 1 - c
        pointer[q - r + reach] = begin[q]
    n_first, k = n, 0
    for i in range(n_u):
        at = low[u, i]
        while at < high[u, i]:
            while k < n_c and high[2 + c, k] <= at:
                k += 1
            if k < n_c and low[2 + c, k] <= at:  # no pixel around is below the limit
                until = high[2 + c, k]
                n = _joined(n_first, n, at, until, out_col, out_end)
                if n < 0:
                    return -1
                at = until
                continue
            until = min(high[u, i], low[2 + c, k]) if k < n_c else high[u, i]
            first, last = at - wide, until + wide
            for x in range(last - first):
                line[x] = 0.0
            for q in range(max(r - reach, 0), min(r + reach + 1, rows)):
                if begin[q] < stop[q]:
                    w = down[abs(q - r)]
                    pointer[q - r + reach] = _light(stop[q], col, value, share, first, last, w, pointer[q - r + reach], line)
            for x in range(at, until):
                dose = across[0] * line[x - first]
                for t in range(1, wide + 1):
                    dose += across[t] * (line[x - first - t] + line[x - first + t])
                if dose >= limit:
                    n = _joined(n_first, n, x, x + 1, out_col, out_end)
                    if n < 0:
                        return -1
            at = until
    return n


@helper
def _joined(begin, n, first, last, col, end):
    """Add a run to those of a row; return how many there are then, -1 where there is no room."""
    if n > begin and end[n - 1] == first:
        end[n - 1] = last
        return n
    if n == col.size:
        return -1
    col[n] = first
    end[n] = last
    return n + 1
