"""Runs of pixels and dense images, one made of the other by plain means."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pmsl.kernels.light import run_dose

SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 9))
IMAGES = arrays.arrays(bool, SHAPES)
DOSE = np.linspace(0.0, 2.0, 256) ** 1.5  # of every level
LEVELS = st.sampled_from([0, 0, 0, 40, 40, 128, 255])


def stacks(layers=5, rows=6, cols=8):
    """Return a strategy of (layers, rows, cols) images, some full or empty, as parts are."""
    shape = st.tuples(st.integers(1, layers), st.integers(1, rows), st.integers(1, cols))
    return st.one_of(
        arrays.arrays(bool, shape),
        shape.flatmap(lambda s: arrays.arrays(np.uint8, s, elements=st.integers(0, 5)).map(lambda a: a > 0)),  # mostly solid
    )


def runs(image):
    """Return the maximal runs of an image: (rows + 1,) int64, first columns and those past the last, (N,) int32 each."""
    padded = np.pad(image.astype(np.int8), ((0, 0), (1, 1)))
    change = np.diff(padded, axis=1)
    row, col = np.nonzero(change == 1)
    end = np.nonzero(change == -1)[1]
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(image)))])
    return start.astype(np.int64), col.astype(np.int32), end.astype(np.int32)


def dense(start, col, end, shape, values=None):
    """Paint runs into an image of bool, or the values of runs into one of int64 that is -1 elsewhere."""
    image = np.zeros(shape, bool) if values is None else np.full(shape, -1, np.int64)
    for r in range(len(start) - 1):
        for i in range(start[r], start[r + 1]):
            image[r, col[i] : end[i]] = True if values is None else values[i]
    return image


def partition(labels, where):
    """Return which pixels hang together: label arrays that differ only in numbers give the same."""
    _, first, inverse = np.unique(labels[where], return_index=True, return_inverse=True)
    return first[inverse].tolist()


def level_runs(image, dtype=None):
    """Return the maximal runs of equal levels that are not black: rows, first columns, lengths, levels."""
    start, col, length, level = [0], [], [], []
    for row in image:
        edges = np.flatnonzero(np.diff(row.astype(int), prepend=-1, append=-1))
        for a, b in zip(edges[:-1], edges[1:], strict=True):
            if row[a]:
                col.append(a)
                length.append(b - a)
                level.append(row[a])
        start.append(len(col))
    return np.array(start, np.int64), np.array(col, np.int32), np.array(length, np.int32), np.array(level, dtype or image.dtype)


def masks(rows=5, cols=7):
    """Masks of a stack of layers, rows often alike."""
    image = arrays.arrays(np.uint8, (rows, cols), elements=LEVELS)
    alike = arrays.arrays(np.uint8, (1, cols), elements=LEVELS).map(lambda row: np.repeat(row, rows, axis=0))
    return st.lists(st.one_of(image, alike), min_size=1, max_size=4)


def painted(begin, stop, col, value, shape):
    """Steps as a dense map (T, rows, cols)."""
    out = np.zeros((len(value), *shape))
    for r in range(shape[0]):
        for i in range(begin[r], stop[r]):
            out[:, r, col[i] :] = value[:, i, None]
    return out


def advanced(layers, factor, weight, row0=0, rows=None, least=0.0, near=0.0, highest=0):
    """Add layers up by the kernel; return the steps after each."""
    rows = rows or len(layers[0])
    begin, stop = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    col, value = np.zeros(0, np.int32), np.zeros((factor.size, 0))
    for image in layers:
        most = col.size + 2 * image.size + 2 * rows
        out = np.zeros(rows, np.int64), np.zeros(rows, np.int64), np.zeros(most, np.int32), np.zeros((factor.size, most))
        n = run_dose.advance(begin, stop, col, value, factor, *level_runs(image), row0, DOSE, weight, least, near, highest, *out)
        assert n >= 0
        begin, stop, col, value = out[0], out[1], out[2][:n].copy(), np.ascontiguousarray(out[3][:, :n])
        yield begin, stop, col, value
