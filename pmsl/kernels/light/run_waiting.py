"""Runs of pixels that wait for light: what an exposure sets of them, layer by layer from the plate up; doses are steps of `run_dose`."""

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel


@helper
def _step_at(low, high, col, at):
    """Return the step of [low, high) that holds a column; one less than the first where none does."""
    while low < high:
        middle = (low + high) // 2
        if col[middle] <= at:
            low = middle + 1
        else:
            high = middle
    return low - 1


@kernel
def expose(
    pool,
    dose,
    n,
    begin,
    stop,
    col,
    value,
    factor,
    spent,
    times,
    highest,
    limit,
    k,
    oldest,
    work,
    light,
    out_pool,
    out_dose,
    out_set,
    counts,
):
    """Add an exposure to runs that are still liquid; part those it cures from those that stay.

    Parameters
    ----------
    pool : (4, P) int64; dose : (P,) float64; n : int
        Layer, row, first column and one past the last of each of n runs, in this order, and its dose so far in mid-slab.
    begin, stop, col, value
        Steps of the exposure, of one value.
    factor : (D,) float64
        What reaches the middle of a slab so many layers below.
    spent, times : float
        What the exposure spends on dissolved oxygen at any place; how often it is shown.
    highest : int
        1 where the larger of the doses counts, not the sum.
    limit : float
        Dose from which on resin is solid.
    k, oldest : int
        The layer that is exposed; runs of `oldest` and below are cured, whatever their dose.
    work : (W,) int64; light : (W,) float64
        Scratch, as long as a run has pieces.
    out_pool : (4, Q) int64; out_dose : (Q,) float64; out_set : (4, Q) int64
        Overwritten: what stays, and what is cured.
    counts : (2,) int64
        Overwritten: how many of each; -1 where Q or W is too small.
    """
    stay, cured = 0, 0
    counts[0] = -1
    for i in range(n):
        layer, row, at, end = pool[0, i], pool[1, i], pool[2, i], pool[3, i]
        part, pieces = factor[k - layer], 0
        s = _step_at(begin[row], stop[row], col, at)
        while at < end:
            added = max(part * value[0, s] - spent, 0.0) * times if s >= begin[row] else 0.0
            until = min(np.int64(col[s + 1]), end) if s + 1 < stop[row] else end
            total = max(dose[i], added) if highest else dose[i] + added
            if pieces > 0 and light[pieces - 1] == total:
                work[pieces - 1] = until
            else:
                if pieces == work.size:
                    return
                work[pieces] = until
                light[pieces] = total
                pieces += 1
            at, s = until, s + 1
        first = pool[2, i]
        if stay + pieces > out_dose.size or cured + pieces > out_set.shape[1]:
            return
        for p in range(pieces):
            ready = light[p] >= limit or layer <= oldest
            if not ready:
                out_pool[0, stay], out_pool[1, stay], out_pool[2, stay], out_pool[3, stay] = layer, row, first, work[p]
                out_dose[stay] = light[p]
                stay += 1
            elif cured > 0 and out_set[3, cured - 1] == first and out_set[1, cured - 1] == row and out_set[0, cured - 1] == layer:
                out_set[3, cured - 1] = work[p]
            else:
                out_set[0, cured], out_set[1, cured], out_set[2, cured], out_set[3, cured] = layer, row, first, work[p]
                cured += 1
            first = work[p]
    counts[0] = stay
    counts[1] = cured


@kernel
def set_own(
    start, col, end, begin, stop, step_col, value, part, spent, times, limit, rim, own_start, own_col, own_end, row, pieces, dose,
    stay_row, stay, stay_dose, pointer, out_start, out_col, out_end,
):  # fmt: skip
    """Part the solid runs of a layer into what its own exposure sets and what waits for light of later ones.

    What lies beside pixels that are set, up to `rim` of them away, is set with them: walls land between pixels.

    Parameters
    ----------
    start : (rows + 1,) int64; col, end : (N,) int32
        Runs that all light makes solid.
    begin, stop, step_col, value
        Steps of the exposure, of one value.
    part, spent, times, limit : float
        What reaches the middle of the slab; what is spent on dissolved oxygen; how often it is shown; dose of solid resin.
    rim : int
    own_start : (rows + 1,) int64; own_col, own_end : (M,) int32; row : (M,) int64; pieces : (2, M) int32; dose : (M,) float64
        Scratch: what has the dose, and what has not.
    stay_row : (M,) int64; stay : (2, M) int32; stay_dose : (M,) float64
        Overwritten: row, first column and one past the last, and dose, of what waits.
    pointer : (2 rim + 1,) int64
        Scratch.
    out_start : (rows + 1,) int64; out_col, out_end : (M,) int32
        Overwritten: maximal runs that are set.

    Returns
    -------
    int
        How many runs wait; -1 where M is too small: N and twice the steps suffice, and as many as there are cuts.
    """
    rows, room = start.size - 1, dose.size
    n_own, n = 0, 0
    for r in range(rows):
        own_start[r] = n_own
        s, s_end, row_first = begin[r], stop[r], n_own
        for i in range(start[r], start[r + 1]):
            at, first = col[i], n
            while at < end[i]:
                while s < s_end and step_col[s] <= at:
                    s += 1
                light = max(part * value[0, s - 1] - spent, 0.0) * times if s > begin[r] else 0.0
                until = min(step_col[s], end[i]) if s < s_end else end[i]
                if n_own == room or n == room:
                    return -1
                if light >= limit:
                    if n_own > row_first and own_end[n_own - 1] == at:
                        own_end[n_own - 1] = until
                    else:
                        own_col[n_own], own_end[n_own] = at, until
                        n_own += 1
                elif n > first and pieces[1, n - 1] == at and dose[n - 1] == light:
                    pieces[1, n - 1] = until
                else:
                    row[n], pieces[0, n], pieces[1, n], dose[n] = r, at, until, light
                    n += 1
                at = until
    own_start[rows] = n_own
    stays = _away(own_start, own_col, own_end, rim, row, pieces, dose, n, pointer, stay_row, stay, stay_dose)
    if stays < 0:
        return -1
    i_stay, m = 0, 0
    for r in range(rows):
        out_start[r] = m
        for i in range(start[r], start[r + 1]):
            at = col[i]
            while i_stay < stays and stay_row[i_stay] == r and stay[0, i_stay] < end[i]:
                if stay[0, i_stay] > at:
                    if m == room:
                        return -1
                    out_col[m], out_end[m] = at, stay[0, i_stay]
                    m += 1
                at = stay[1, i_stay]
                i_stay += 1
            if at < end[i]:
                if m == room:
                    return -1
                out_col[m], out_end[m] = at, end[i]
                m += 1
    out_start[rows] = m
    return stays


@helper
def _away(own_start, own_col, own_end, rim, row, pieces, dose, n, pointer, stay_row, stay, stay_dose):
    """Leave out of runs what lies within `rim` pixels of others, each way; return how many are left, -1 where there is no room."""
    rows, many, stays, last = own_start.size - 1, 2 * rim + 1, 0, -1
    for i in range(n):
        r = row[i]
        if r != last:
            for q in range(many):
                pointer[q] = own_start[min(max(r + q - rim, 0), rows)]
            last = r
        at, stop = np.int64(pieces[0, i]), np.int64(pieces[1, i])
        while at < stop:
            covered, ahead = at, stop
            for q in range(max(rim - r, 0), min(many, rows - r + rim)):
                limit = own_start[r + q - rim + 1]
                j = pointer[q]
                while j < limit and own_end[j] + rim <= at:
                    j += 1
                pointer[q] = j
                if j < limit:
                    if own_col[j] - rim <= at:
                        covered = max(covered, np.int64(own_end[j]) + rim)
                    else:
                        ahead = min(ahead, np.int64(own_col[j]) - rim)
            if covered > at:
                at = covered
                continue
            if stays == stay_dose.size:
                return -1
            stay_row[stays], stay[0, stays], stay[1, stays], stay_dose[stays] = r, at, ahead, dose[i]
            stays += 1
            at = ahead
    return stays
