"""Shapes of runs against the same of dense images: pieces, edges, unions, what lies outside."""

import numpy as np
from dense_runs import IMAGES, dense, level_runs, runs
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from pmsl.kernels.runs import run_facts
from pmsl.kernels.runs.run_facts import ACROSS, ALONG, COL0, COL1, FACTS, FALLING, LARGEST, PIECES, PIXELS, RISING, ROW0, ROW1, SMALLEST

LEVELS = arrays.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 9)), elements=st.sampled_from([0, 0, 1, 2, 127, 128, 255]))


@given(LEVELS)
def test_solid_pixels_are_half_as_light_as_the_lightest(image):
    start, col, length, level = level_runs(image)
    out = np.full(start.size, -1, np.int64), np.zeros(col.size, np.int32), np.zeros(col.size, np.int32)
    n = run_facts.solid_runs(start, col, length, level, *out)
    solid = (image > 0) & (2 * image.astype(int) >= image.max())
    assert np.array_equal(dense(out[0], out[1][:n], out[2][:n], image.shape), solid)
    for found, wanted in zip((out[0], out[1][:n], out[2][:n]), runs(solid), strict=True):
        assert np.array_equal(found, wanted), "runs are maximal"


def measured(image, row0=0):
    start, col, end = runs(image)
    facts, scratch = np.full(FACTS, -7, np.int64), np.zeros((2, col.size), np.int64)
    run_facts.measure(start, col, end, row0, scratch[0], scratch[1], facts)
    return facts


@given(IMAGES, st.integers(0, 1000))
def test_pieces_their_sizes_and_box(image, row0):
    facts = measured(image, row0)
    label, many = ndimage.label(image, np.ones((3, 3)))
    assert facts[PIECES] == many and facts[PIXELS] == image.sum()
    if many:
        sizes = np.bincount(label.ravel())[1:]
        assert (facts[LARGEST], facts[SMALLEST]) == (sizes.max(), sizes.min())
        rows, cols = ndimage.find_objects(image.astype(int))[0]
        assert (facts[ROW0], facts[COL0], facts[ROW1], facts[COL1]) == (rows.start + row0, cols.start, rows.stop + row0, cols.stop)
    else:
        assert not facts.any()


@given(IMAGES)
def test_lines_through_pixels_pass_edges_as_often_as_pixels_differ(image):
    facts, padded = measured(image), np.pad(image, 1).astype(int)
    assert facts[ALONG] == np.abs(np.diff(padded, axis=1)).sum()
    assert facts[ACROSS] == np.abs(np.diff(padded, axis=0)).sum()
    assert facts[RISING] == np.abs(padded[1:, 1:] - padded[:-1, :-1]).sum()
    assert facts[FALLING] == np.abs(padded[1:, :-1] - padded[:-1, 1:]).sum()


@given(IMAGES)
def test_shapes_turned_over_have_the_same_facts(image):
    facts, turned, mirrored = measured(image), measured(image[::-1, ::-1]), measured(image[:, ::-1])
    same = [PIECES, PIXELS, LARGEST, SMALLEST, ALONG, ACROSS]
    assert np.array_equal(facts[same], turned[same]) and np.array_equal(facts[same], mirrored[same])
    assert np.array_equal(facts[[RISING, FALLING]], turned[[RISING, FALLING]])
    assert np.array_equal(facts[[RISING, FALLING]], mirrored[[FALLING, RISING]])


def test_rows_that_repeat_are_as_those_that_do_not():
    """Equal rows in a row are not looked at one by one."""
    image = np.repeat(np.array([[1, 1, 0, 1, 0, 0, 1], [0, 1, 1, 0, 0, 1, 1]], bool), 40, axis=0)
    facts, label = measured(image), ndimage.label(image, np.ones((3, 3)))[0]
    assert facts[PIXELS] == image.sum() and facts[PIECES] == label.max()
    assert sorted(np.bincount(label.ravel())[1:])[-1] == facts[LARGEST]


@given(IMAGES, IMAGES, st.integers(-3, 3))
def test_unions_and_what_lies_outside(a, b, shift):
    """Of sets whose rows begin anywhere in the grid."""
    rows, cols = max(len(a), len(b) + abs(shift)) + 3, max(a.shape[1], b.shape[1])
    both = np.zeros((2, rows + 3, cols), bool)
    row_a, row_b = 3, 3 + shift
    both[0, row_a : row_a + len(a), : a.shape[1]] = a
    both[1, row_b : row_b + len(b), : b.shape[1]] = b
    of_a, of_b = runs(a), runs(b)
    n = of_a[1].size + of_b[1].size
    out = np.zeros(both.shape[1] + 1, np.int64), np.zeros(n, np.int32), np.zeros(n, np.int32)
    n = run_facts.unite(*of_a, row_a, *of_b, row_b, *out, 0)
    found, wanted = (out[0], out[1][:n], out[2][:n]), runs(both.any(axis=0))
    assert all(np.array_equal(x, y) for x, y in zip(found, wanted, strict=True))
    assert run_facts.pixels_outside(*of_a, row_a, *of_b, row_b) == (both[0] & ~both[1]).sum()
    assert run_facts.pixels_outside(*of_b, row_b, *of_a, row_a) == (both[1] & ~both[0]).sum()
