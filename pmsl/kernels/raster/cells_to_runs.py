"""Touched cells of a layer → coverage, as runs or dense; rows that do not close are mended here.

Walking a row to the right, the sum of the `cover` behind a cell plus its `area` is its winding-weighted coverage, for
pixels (`area`) and voxels (`volume`) alike; ``min(|w|, 1)`` unites overlapping shells. The sum starts anew in every row
and is set to the integer it is within 2**-40 of, so nothing creeps along a row.

Where faces are missing or turned the sum does not return to zero. It is right left of the defect, and counted from the
right end it is right to the right of it; in between lies a step by what the row ends with. The step is put where the row
then differs least from what the nearest rows that close, above and below, make of it: a missing wall goes where they have
it, a turned face is turned back. Where no row closes the step follows the last touched cell. So nothing is smeared over
the row. Rejected: taking a stretch that still differs from those rows (more wrong pixels on spheres, everywhere).
"""

from typing import NamedTuple

import numpy as np

from pmsl.kernels._compiler.jit import helper, kernel, routine
from pmsl.kernels.raster.cell_bits import AREA, COVER

SNAP = 2.0**-40  # a row sum nearer to an integer than this is that integer
LEAK = 2.0**-30  # a row that ends further from zero than this is not closed
OVER = 2.0**-20  # more winding than one by this: shells overlap


@helper
def _settle(total):
    nearest = np.floor(total + 0.5)
    return nearest if abs(total - nearest) < SNAP else total


@helper
def _level(coverage):
    """16-bit level of a coverage, by way of the grid of 2**-32 that keeps ties of rounding in place."""
    snapped = np.int64(min(abs(coverage), 1.0) * 4294967296.0 + 0.5)
    return np.uint16((snapped * 65535 + 2147483648) >> 32)


@helper
def _odd(value, total):
    """Tell whether the winding on a cell, or that behind it, is neither 0 nor 1 nor between."""
    return max(value, total) > 1.0 + OVER or min(value, total) < -OVER


@kernel
def overlaps(first, last, start, sums, beyond):
    """Count the cells in rows that close whose winding, or that behind them, is neither 0 nor 1; parameters as in `runs`."""
    count = 0
    for r in range(first, last):
        total = 0.0
        odd = 0
        for i in range(start[r], start[r + 1]):
            value = total + sums[i, AREA]
            total = _settle(total + sums[i, COVER])
            odd += _odd(value, total)
        if abs(total + beyond[r]) <= LEAK:
            count += odd
    return count


@helper
def _put(n, begin, end, value, run_begin, col, length, level):
    """Append [begin, end) at `value`, joined to the run before where that is the same; return the run count."""
    if value == 0 or end <= begin:
        return n
    if n > run_begin and n <= col.size and level[n - 1] == value and col[n - 1] + length[n - 1] == begin:
        length[n - 1] += end - begin
        return n
    if n < col.size:
        col[n] = begin
        length[n] = end - begin
        level[n] = value
    return n + 1


@helper
def _fill(r, cols, start, col, sums, line):
    """Write the winding-weighted coverage of row r into `line`; return the column behind its last touched cell."""
    total = 0.0
    done = 0
    for i in range(start[r], start[r + 1]):
        c = col[i]
        for k in range(done, c):
            line[k] = total
        line[c] = total + sums[i, AREA]
        total = _settle(total + sums[i, COVER])
        done = c + 1
    for k in range(done, cols):
        line[k] = total
    return done


@helper
def _balance(first, last, start, sums, beyond, ends):
    """Write what each row ends with, 0 where it closes, and return how many do."""
    sound = 0
    for r in range(first, last):
        total = 0.0
        for i in range(start[r], start[r + 1]):
            total = _settle(total + sums[i, COVER])
        total += beyond[r]
        ends[r] = total if abs(total) > LEAK else 0.0
        sound += ends[r] == 0.0
    return sound


@helper
def _sound(r, step, first, last, start, ends):
    """Return the next row in the direction of `step` that closes and is touched, or -1."""
    r += step
    while first <= r < last:
        if ends[r] == 0.0 and start[r + 1] > start[r]:
            return r
        r += step
    return -1


@helper
def _guess(r, first, last, cols, start, col, sums, ends, line, guide):
    """Write the winding row r should about have into `guide`: between the sound rows on both sides; return whether there is one."""
    below, above = _sound(r, -1, first, last, start, ends), _sound(r, 1, first, last, start, ends)
    if below < 0 and above < 0:
        return False
    _fill(below if below >= 0 else above, cols, start, col, sums, guide)
    _fill(above if above >= 0 else below, cols, start, col, sums, line)
    part = (r - below) / (above - below) if below >= 0 and above >= 0 else 0.0
    for c in range(cols):
        guide[c] = (1.0 - part) * guide[c] + part * line[c]
    return True


@routine
def _mend(r, first, last, sound, cols, start, col, sums, ends, line, guide):
    """Write row r, closed, into `line`; return the first and the last column that the defect may be in."""
    guided = sound > 0 and _guess(r, first, last, cols, start, col, sums, ends, line, guide)
    done = _fill(r, cols, start, col, sums, line)
    steps = max(1, np.int64(abs(ends[r]) + 0.5)) if abs(ends[r]) >= 1.5 else 1
    step = ends[r] / steps
    low, high = cols - 1, 0
    for _ in range(steps):
        at = done
        if guided:
            change, best, at = 0.0, 0.0, cols
            for c in range(cols - 1, -1, -1):
                change += abs(line[c] - step - guide[c]) - abs(line[c] - guide[c])
                if change < best:
                    best, at = change, c
            if at > 0:  # the pixel before may be cut by the step
                line[at - 1] -= step * min(max((line[at - 1] - guide[at - 1]) / step, 0.0), 1.0)
        for c in range(at, cols):
            line[c] -= step
        low, high = min(low, at), max(high, min(at, cols - 1))
    return low, high


class CellRunArrays(NamedTuple):
    """The arguments of `runs` by name, in its order: shapes and kinds stand there."""

    first: int
    last: int
    cols: int
    start: np.ndarray
    cell_col: np.ndarray
    sums: np.ndarray
    mixed: np.ndarray
    beyond: np.ndarray
    ends: np.ndarray
    line: np.ndarray
    guide: np.ndarray
    row_start: np.ndarray
    col: np.ndarray
    length: np.ndarray
    level: np.ndarray
    open_rows: np.ndarray
    shared: np.ndarray


@kernel
def runs(first, last, cols, start, cell_col, sums, mixed, beyond, ends, line, guide, row_start, col, length, level, open_rows, shared):
    """Turn the touched cells of one layer into runs of 16-bit coverage.

    Parameters
    ----------
    first, last : int
        Rows [first, last) that hold touched cells.
    cols : int
        Width of the window.
    start : (rows + 1,) int64; cell_col : (N,) int32; sums : (N, 2) float64
        Touched cells, as ``area.cells`` and ``volume.cells`` write them.
    mixed : (N,) uint8, or (0,)
        Whether the boundary of a second shell shares the cell (1), or of more (2), where that is known.
    beyond : (rows,) float64
        Cover right of the window.
    ends : (rows,) float64; line, guide : (cols,) float64
        Scratch.
    row_start : (rows + 1,) int64
        Overwritten for the given rows: first run of each, and one past the last.
    col, length : (R,) int32; level : (R,) uint16
        Overwritten: maximal runs that are not black.
    open_rows : (5,) int64
        Overwritten: number of rows that did not close, the first, the last, first and last column mended.
    shared : (3,) float64
        Overwritten: number of cells that boundaries of two shells share, as `mixed` or the winding on a cell and
        both its sides show; by how much they may be over-counted, in cells, at most; number of cells in rows that close
        whose winding, or that behind them, is neither 0 nor 1: shells overlap or look inward.

    Returns
    -------
    int
        Number of runs. Where it exceeds R the runs beyond R were not written: call again with more room.
    """
    open_rows[0], open_rows[1], open_rows[2], open_rows[3], open_rows[4] = 0, -1, -1, cols, -1
    shared[0], shared[1], shared[2] = 0.0, 0.0, 0.0
    count = 0
    sound = -1  # rows that close; not counted before one does not
    for r in range(first, last):
        row_start[r] = count
        begin = count
        total = 0.0
        done = 0
        behind = np.uint16(0)
        odd = 0
        for i in range(start[r], start[r + 1]):
            c = np.int64(cell_col[i])
            if behind != 0:
                count = _put(count, done, c, behind, begin, col, length, level)
            value = total + sums[i, AREA]
            count = _put(count, c, c + 1, _level(value), begin, col, length, level)
            before = total
            total = _settle(total + sums[i, COVER])
            behind = _level(total)
            done = c + 1
            odd += _odd(value, total)
            most, least = max(abs(value), max(abs(before), abs(total))), min(abs(value), min(abs(before), abs(total)))
            others = mixed[i] if mixed.size else 0
            if others or (most > 1.0 + OVER and least < 1.0 - OVER):
                shared[0] += 1.0
                shared[1] += min(abs(value), 1.0)
                if others < 2:  # of two shells the larger share alone is at least half of the sum
                    shared[1] -= abs(value) / np.ceil(max(most, 2.0))
        if abs(total + beyond[r]) <= LEAK:
            count = _put(count, done, cols, behind, begin, col, length, level)
            shared[2] += odd
            continue
        if sound < 0:
            sound = _balance(first, last, start, sums, beyond, ends)
        low, high = _mend(r, first, last, sound, cols, start, cell_col, sums, ends, line, guide)
        open_rows[0] += 1
        open_rows[1] = r if open_rows[1] < 0 else open_rows[1]
        open_rows[2] = r
        open_rows[3] = min(open_rows[3], low)
        open_rows[4] = max(open_rows[4], high)
        count = begin
        for c in range(cols):
            count = _put(count, c, c + 1, _level(line[c]), begin, col, length, level)
    row_start[last] = count
    return count


@kernel
def dense(first, last, start, col, sums, beyond, ends, guide, out):
    """Write the coverage of one layer, not quantised, into `out` (rows, cols) float64; rows outside [first, last) are left alone.

    The other parameters are those of `runs`.
    """
    cols = out.shape[1]
    sound = _balance(first, last, start, sums, beyond, ends)
    for r in range(first, last):
        line = out[r]
        if ends[r] == 0.0:
            _fill(r, cols, start, col, sums, line)
        else:
            _mend(r, first, last, sound, cols, start, col, sums, ends, line, guide)
        for c in range(cols):
            line[c] = min(abs(line[c]), 1.0)
