"""Bodies of runs against the connected pixels of dense stacks of images."""

import numpy as np
import pytest
from dense_runs import dense, partition, runs, stacks
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from pmsl.kernels.runs import run_bodies
from pmsl.kernels.runs.run_bodies import BORN, BORN_PX, COL0, COL1, CORNER, FIELDS, FIRST, HELD, LAST, PARENT, ROW0, ROW1

TINY = CORNER / 2
NONE = np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64)


def nothing(rows):
    return np.zeros(rows + 1, np.int64), *NONE


def grown(stack, least=TINY):
    """Grow bodies layer by layer, each solid from its own light; return the body of every pixel and the table."""
    rows, most = stack.shape[1], stack.size + 1
    bodies, count = np.zeros((FIELDS, most), np.int64), np.ones(1, np.int64)
    labels, below, numbers = np.full(stack.shape, -1, np.int64), nothing(rows), []
    for k, image in enumerate(stack):
        start, col, end = runs(image)
        n = col.size
        of, contact, body, out = np.zeros(n, np.int64), np.zeros(n), np.zeros(n, np.int64), np.zeros(n, np.int64)
        run_bodies.grow(
            start, col, end, of, *nothing(rows), *below, *nothing(rows), k, k, 1.0, 1.0, least, contact, body, bodies, count, out
        )
        below = start, col, end, out
        numbers.append((start, col, end, out))
    roots = bodies[PARENT].copy()
    for _ in range(most):
        roots = roots[roots]
    for k, (start, col, end, out) in enumerate(numbers):
        labels[k] = dense(start, col, end, stack.shape[1:], roots[out])
    return labels, bodies, int(count[0])


def in_plane(image):
    return ndimage.label(image, np.ones((3, 3)))[0]


def slow(stack, least):
    """Unite pieces that touch enough of what lies below, piece by piece."""
    parent, labels, n = {0: 0}, np.full(stack.shape, -1, np.int64), 1

    def root(i):
        while parent[i] != i:
            i = parent[i]
        return i

    for k, image in enumerate(stack):
        pieces = in_plane(image)
        for piece in range(1, pieces.max() + 1):
            here = pieces == piece
            own = n
            n += 1
            parent[own] = own if k else 0
            if k:
                under = labels[k - 1][here]
                touched = under[under >= 0]
                # every pair of runs that overlap counts a corner's contact too: far less than a pixel
                if touched.size and touched.size >= min(least, 0.5 * here.sum()) - 0.1:
                    for other in {root(int(t)) for t in touched} | {root(own)}:
                        a, b = root(own), root(other)
                        parent[max(a, b)] = min(a, b)
            labels[k][here] = own
    final = np.array([root(i) for i in range(n)])
    return np.where(labels >= 0, final[labels], -1)


@given(stacks())
def test_without_a_least_contact_they_are_what_hangs_together(stack):
    """Edges and corners join pixels of a layer, faces those of two; all that stands on the plate is body 0."""
    labels, _, _ = grown(stack)
    plate = np.concatenate([np.ones((1, *stack.shape[1:]), bool), stack])
    structure = np.zeros((3, 3, 3))
    structure[1], structure[:, 1, 1] = 1, 1
    wanted = ndimage.label(plate, structure)[0][1:]
    assert partition(labels, stack) == partition(wanted, stack)
    assert np.array_equal(labels[stack] == 0, wanted[stack] == 1)


@given(stacks(), st.sampled_from([1.0, 2.0, 3.0, 5.0]))
def test_a_contact_joins_that_is_long_enough_or_half_of_what_touches(stack, least):
    labels, _, _ = grown(stack, least)
    wanted = slow(stack, least)
    assert partition(labels, stack) == partition(wanted, stack)


@given(stacks())
def test_the_table_says_where_bodies_are_and_since_when(stack):
    labels, bodies, count = grown(stack)
    for b in sorted(set(labels[stack].tolist()) - {0}):
        layer, row, col = np.nonzero(labels == b)
        assert (bodies[FIRST, b], bodies[LAST, b]) == (layer.min(), layer.max())
        assert bodies[ROW0, b] <= row.min() and bodies[ROW1, b] == row.max() + 1
        assert bodies[COL0, b] <= col.min() and bodies[COL1, b] == col.max() + 1
        assert bodies[BORN, b] == layer.min(), "the older body names the union"
        assert 0 < bodies[BORN_PX, b] <= (layer == layer.min()).sum()
        assert not bodies[HELD, b], "nothing held it when it began"
        assert 0 < b < count


@given(stacks(layers=4))
def test_mirrored_parts_have_mirrored_bodies(stack):
    labels, _, _ = grown(stack)
    mirrored, _, _ = grown(stack[:, ::-1, ::-1])
    assert partition(labels, stack) == partition(mirrored[:, ::-1, ::-1], stack)


@pytest.mark.parametrize("pixels", [[(0, 0), (1, 1)], [(0, 1), (1, 0)], [(1, 2), (0, 1)], [(0, 2), (1, 1), (2, 0)]])
def test_pixels_that_share_a_corner_are_one_body(pixels):
    stack = np.zeros((2, 3, 4), bool)
    stack[1][tuple(np.transpose(pixels))] = True
    labels, _, count = grown(stack)
    assert set(labels[stack].tolist()) == {1} and count == 2


@pytest.mark.parametrize(("touching", "joined"), [(2, False), (3, True)])
def test_a_thin_contact_of_a_wide_piece_does_not_hold_it(touching, joined):
    stack = np.zeros((2, 5, 12), bool)
    stack[0, 0, :touching] = True
    stack[1] = True
    labels, bodies, _ = grown(stack, least=3.0)
    assert (labels[1, 0, 0] == 0) == joined
    if not joined:
        assert bodies[HELD, labels[1, 0, 0]], "it is touched, but by less than asked"


def test_what_became_solid_later_joins_what_was_there():
    """A ring of one layer whose gap is lit from the layer above: pixels beside, below and above all count."""
    ring, rows = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool), 3
    bodies, count = np.zeros((FIELDS, 20), np.int64), np.ones(1, np.int64)

    def grow(image, same, below, above, layer, k, least=0.5):
        start, col, end = runs(image)
        n = col.size
        out = np.zeros(n, np.int64)
        scratch = np.zeros(n, np.int64), np.zeros(n), np.zeros(n, np.int64)
        run_bodies.grow(
            start, col, end, scratch[0], *same, *below, *above, layer, k, 1.0, 1.0, least, scratch[1], scratch[2], bodies, count, out
        )
        return start, col, end, out

    floating = grow(ring, nothing(rows), nothing(rows), nothing(rows), 3, 3)
    assert set(floating[3]) == {1} and count[0] == 2
    middle = grow(~ring, floating, nothing(rows), nothing(rows), 3, 5)
    assert set(middle[3]) == {1} and count[0] == 2, "four edges hold it"
    over = grow(~ring, nothing(rows), nothing(rows), nothing(rows), 4, 4)
    assert set(over[3]) == {2}
    between = grow(~ring, floating, nothing(rows), over, 3, 5)
    assert set(between[3]) == {1} and bodies[PARENT, 2] == 1, "and joins what is above with what is beside"


@given(stacks(layers=1))
def test_lists_of_runs_laid_together(stack):
    (image,) = stack
    halves = [image.copy(), image.copy()]
    halves[0][:, 1::2] = False
    halves[1][:, ::2] = False
    lists = [(*of, np.arange(of[1].size, dtype=np.int64) + 100 * i) for i, of in enumerate(map(runs, halves))]
    n = sum(of[1].size for of in lists)
    out = np.zeros(len(image) + 1, np.int64), np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int64)
    run_bodies.merge(*lists[0], *lists[1], *out)
    painted = [dense(*of[:3], image.shape, of[3]) for of in lists]
    assert np.array_equal(dense(*out[:3], image.shape, out[3]), np.where(painted[0] >= 0, painted[0], painted[1]))
    assert all((np.diff(out[1][a:b]) > 0).all() for a, b in zip(out[0][:-1], out[0][1:], strict=True))
