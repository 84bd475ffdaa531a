"""Dose of layers as runs of equal pixels: its cost grows with the boundaries of what is lit, not with the field.

A map of doses is *steps*: of each row the columns at which the dose becomes another one, ascending; the last of a row is 0. A row without
steps is dark. Rows that are alike share their steps, as those of boxes and of straight walls do.
"""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel
from pmsl.kernels.compare.row_dedup import same_runs


@kernel
def advance(
    begin, stop, col, value, factor, mask_start, mask_col, mask_length, level, row0, dose, weight, least, near, highest, out_begin,
    out_stop, out_col, out_value,
):  # fmt: skip
    """Let light fall to the next exposure plane and add an exposure: ``factor · value + weight · dose[level]``.

    Parameters
    ----------
    begin, stop : (rows,) int64; col : (N,) int32; value : (T, N) float64
        Steps of the light before, one value a decay; rows that are alike may share theirs.
    factor, weight : (T,) float64
        What is left of each decay; its share of the exposure.
    mask_start : (m + 1,) int64; mask_col, mask_length : (R,) int32; level : (R,) uint8
        Maximal runs of the mask; its first row is row `row0`.
    dose : (256,) float64
        Of every level.
    least, near : float
        A sum of less becomes 0; a step by less than this share of a dose is none.
    highest : int
        1 where the larger of the two counts, not the sum.
    out_begin, out_stop : (rows,) int64; out_col : (M,) int32; out_value : (T, M) float64
        Overwritten.

    Returns
    -------
    int
        Number of steps; -1 where there are more than M.
    """
    terms, n, shown = factor.size, 0, mask_start.size - 1
    for r in range(begin.size):
        at_mask = r - row0
        m, m_end = (mask_start[at_mask], mask_start[at_mask + 1]) if 0 <= at_mask < shown else (0, 0)
        shared = r > 0 and begin[r] == begin[r - 1] and stop[r] == stop[r - 1]
        if 0 < at_mask < shown:
            shared = shared and same_runs(mask_start, mask_col, mask_length, level, at_mask)
        elif at_mask == 0 or at_mask == shown:
            shared = False
        if shared:
            out_begin[r], out_stop[r] = out_begin[r - 1], out_stop[r - 1]
            continue
        out_begin[r] = n
        if n + stop[r] - begin[r] + 2 * (m_end - m) > out_col.size:
            return -1
        if terms == 1:
            n = _advance_one(begin[r], stop[r], col, value[0], factor[0], m, m_end, mask_col, mask_length, level, dose, weight[0], least,
                             near, highest, n, out_col, out_value[0])  # fmt: skip
        else:
            n = _advance_some(begin[r], stop[r], col, value, factor, m, m_end, mask_col, mask_length, level, dose, weight, least, near,
                              highest, n, out_col, out_value)  # fmt: skip
        out_stop[r] = n
    return n


@helper
def _advance_one(i, i_end, col, value, factor, m, m_end, mask_col, mask_length, level, dose, weight, least, near, highest, n, out_col, out):
    """Make a row of steps of one decay from step n on; return how many there are then."""
    first, old, added, last = n, 0.0, 0.0, 0.0
    lit = False
    none = np.int64(1 << 40)
    at_step = np.int64(col[i]) if i < i_end else none
    at_mask = np.int64(mask_col[m]) if m < m_end else none
    while at_step < none or at_mask < none:
        at = min(at_step, at_mask)
        if at_step == at:
            old = value[i] * factor
            i += 1
            at_step = np.int64(col[i]) if i < i_end else none
        if at_mask == at:
            if lit:
                m += 1
                lit = m < m_end and mask_col[m] == at
            else:
                lit = True
            if lit:
                added = weight * dose[level[m]]
                at_mask = np.int64(mask_col[m]) + mask_length[m]
            else:
                added = 0.0
                at_mask = np.int64(mask_col[m]) if m < m_end else none
        new = max(old, added) if highest else old + added
        if new < least:
            new = 0.0
        if (n == first and new == 0.0) or (n > first and abs(new - last) <= near * last):
            continue
        out_col[n] = at
        out[n] = new
        last = new
        n += 1
    return n


@helper
def _advance_some(
    i, i_end, col, value, factor, m, m_end, mask_col, mask_length, level, dose, weight, least, near, highest, n, out_col, out_value
):
    """Make a row of steps of several decays from step n on; return how many there are then."""
    first, begin, lit, terms = i, n, False, factor.size
    while i < i_end or m < m_end:
        at = np.int64(1 << 40)
        if i < i_end:
            at = np.int64(col[i])
        if m < m_end:
            at = min(at, np.int64(mask_col[m]) + (mask_length[m] if lit else 0))
        if i < i_end and col[i] == at:
            i += 1
        if m < m_end and lit and mask_col[m] + mask_length[m] == at:
            m += 1
            lit = False
        if m < m_end and not lit and mask_col[m] == at:
            lit = True
        added = dose[level[m]] if lit else 0.0
        same, total = n > begin, 0.0
        for t in range(terms):
            old = factor[t] * value[t, i - 1] if i > first else 0.0
            new = weight[t] * added
            new = max(old, new) if highest else old + new
            out_value[t, n] = new
            total += new
        if total < least:
            for t in range(terms):
                out_value[t, n] = 0.0
        for t in range(terms):
            before = out_value[t, n - 1] if same else 0.0
            same = same and abs(out_value[t, n] - before) <= near * before
        if same or (n == begin and total < least):
            continue
        out_col[n] = at
        n += 1
    return n


@kernel
def above(begin, stop, col, value, share, limit, out_start, out_col, out_end):
    """Find the runs of pixels whose dose ``Σ share · value`` reaches a limit.

    Parameters
    ----------
    begin, stop, col, value
        Steps, see `advance`.
    share : (T,) float64
    limit : float
    out_start : (rows + 1,) int64; out_col, out_end : (N,) int32
        Overwritten: maximal runs, first column and one past the last.

    Returns
    -------
    int
        Number of runs; -1 where there are more than N.
    """
    n = 0
    for r in range(begin.size):
        out_start[r] = n
        if n + (stop[r] - begin[r]) // 2 + 1 > out_col.size and begin[r] < stop[r]:
            return -1
        inside = False
        for i in range(begin[r], stop[r]):
            dose = 0.0
            for t in range(share.size):
                dose += share[t] * value[t, i]
            if dose >= limit:
                if not inside:
                    out_col[n] = col[i]
                    inside = True
            elif inside:
                out_end[n] = col[i]
                n += 1
                inside = False
    out_start[begin.size] = n
    return n


@kernel
def runs_enough(mask_start, mask_col, mask_length, level, row0, enough, out_start, out_col, out_end):
    """Find the runs of pixels of some levels.

    Parameters
    ----------
    mask_start : (m + 1,) int64; mask_col, mask_length : (R,) int32; level : (R,) uint8
        Maximal runs of a mask; its first row is row `row0`.
    row0 : int
    enough : (256,) uint8
        1 for each level that is looked for.
    out_start : (rows + 1,) int64; out_col, out_end : (R,) int32
        Overwritten: maximal runs, first column and one past the last.

    Returns
    -------
    int
        Number of runs.
    """
    n, shown = 0, mask_start.size - 1
    for r in range(out_start.size - 1):
        out_start[r] = n
        begin, at = n, r - row0
        if at < 0 or at >= shown:
            continue
        for i in range(mask_start[at], mask_start[at + 1]):
            if not enough[level[i]]:
                continue
            if n > begin and out_end[n - 1] == mask_col[i]:
                out_end[n - 1] = mask_col[i] + mask_length[i]
            else:
                out_col[n], out_end[n] = mask_col[i], mask_col[i] + mask_length[i]
                n += 1
    out_start[out_start.size - 1] = n
    return n
