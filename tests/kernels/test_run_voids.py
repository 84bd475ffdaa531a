"""Enclosed areas and voids of runs against flood fills of dense images."""

import numpy as np
from dense_runs import IMAGES, dense, partition, runs, stacks
from hypothesis import given
from scipy import ndimage

from pmsl.kernels.runs import run_voids
from pmsl.kernels.runs.run_voids import COL0, COL1, FIELDS, FIRST, LAST, PARENT, PLATE, ROW0, ROW1, TOP


def gaps_of(image):
    """Return runs, gaps and labels of a layer as `enclosed` leaves them, and the areas with their boxes."""
    start, col, end = runs(image)
    n = col.size
    gap_start = np.zeros(start.size, np.int64)
    gap_col, gap_end, label, area = np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int64), np.zeros(n, np.int64)
    box = np.zeros((4, n), np.int64)
    gaps = run_voids.enclosed(start, col, end, gap_start, gap_col, gap_end, label, area, box)
    many = int(label[:gaps].max(initial=-1)) + 1
    return (start, col, end), (gap_start, gap_col[:gaps], gap_end[:gaps]), label[:gaps], area[:many], box[:, :many]


def flooded(empty):
    """Number what is empty, 0 for what hangs together with the outside, by faces."""
    padded = np.pad(empty, 1, constant_values=True)
    label = ndimage.label(padded)[0]
    label[label == label[(0,) * label.ndim]] = 0
    return label[(slice(1, -1),) * label.ndim]


@given(IMAGES)
def test_areas_are_what_a_flood_from_outside_does_not_reach(image):
    _, gaps, label, area, box = gaps_of(image)
    found, wanted = dense(*gaps, image.shape, label), flooded(~image)
    inside = (wanted > 0) & ~image
    assert np.array_equal(found >= 0, inside)
    assert partition(found, inside) == partition(wanted, inside)
    for a in range(area.size):
        row, col = np.nonzero(found == a)
        assert area[a] == row.size
        assert box[:, a].tolist() == [row.min(), col.min(), row.max() + 1, col.max() + 1]


@given(IMAGES)
def test_they_are_as_many_whichever_way_the_image_lies(image):
    sizes = [sorted(gaps_of(turned)[3].tolist()) for turned in (image, image[::-1], image[:, ::-1], image.T)]
    assert all(size == sizes[0] for size in sizes)


def filled(stack, height=2.5):
    """Follow voids through the layers from the plate up; return the void of every pixel, -1 for no gap, and the tables."""
    most = stack.size + 1
    voids, volume, count = np.zeros((FIELDS, most), np.int64), np.zeros(most), np.ones(1, np.int64)
    empty = np.zeros(0, np.int32)
    start = np.zeros(stack.shape[1] + 1, np.int64)
    last = (start, empty, empty, start, empty, empty, np.zeros(0, np.int64))
    painted = []
    for k, image in enumerate(stack):
        solid, gaps, label, area, _ = gaps_of(image)
        out, void = np.zeros(label.size, np.int64), np.zeros(area.size, np.int64)
        run_voids.fill(*solid, *gaps, label, void, *last, k, height, voids, volume, count, out)
        last = (*solid, *gaps, out)
        painted.append((gaps, out))
    root = voids[PARENT].copy()
    for _ in range(most):
        root = root[root]
    labels = np.stack([dense(*gaps, stack.shape[1:], root[out]) for gaps, out in painted])
    total = np.bincount(root[: count[0]], volume[: count[0]], minlength=most)
    return labels, voids, total


@given(stacks())
def test_voids_are_what_a_flood_from_the_sides_and_above_does_not_reach(stack):
    """The plate closes what lies on it; the layer over the last one is empty."""
    stack = np.concatenate([stack, np.zeros((1, *stack.shape[1:]), bool)])
    labels, voids, volume = filled(stack)
    on_plate = np.concatenate([np.ones((1, *stack.shape[1:]), bool), stack])
    padded = np.pad(~on_plate, ((0, 0), (1, 1), (1, 1)), constant_values=True)
    padded[0] = False
    wanted = ndimage.label(padded)[0]
    outside = wanted[-1, 0, 0]
    wanted = np.where(wanted == outside, 0, wanted)[1:, 1:-1, 1:-1]
    inside = wanted > 0
    assert np.array_equal(labels > 0, inside)
    assert partition(labels, inside) == partition(wanted, inside)
    for v in set(labels[inside].tolist()):
        layer, row, col = np.nonzero(labels == v)
        assert volume[v] == 2.5 * layer.size
        assert (voids[FIRST, v], voids[LAST, v]) == (layer.min(), layer.max())
        assert (voids[ROW0, v], voids[COL0, v], voids[ROW1, v], voids[COL1, v]) == (row.min(), col.min(), row.max() + 1, col.max() + 1)
        assert bool(voids[PLATE, v]) == (layer.min() == 0)
        assert np.bincount(layer).max() >= voids[TOP, v] >= 1


@given(stacks(layers=4))
def test_turned_over_about_the_axis_up_a_part_has_the_same_voids(stack):
    stack = np.concatenate([stack, np.zeros((1, *stack.shape[1:]), bool)])
    labels, turned = filled(stack)[0], filled(stack[:, ::-1, ::-1])[0][:, ::-1, ::-1]
    assert np.array_equal(labels > 0, turned > 0)
    assert partition(labels, labels > 0) == partition(turned, labels > 0)


def closed_cell(cells):
    """Cells of one pixel, one over the other, in a column of 3 × 3."""
    stack = np.ones((2 * cells + 1, 3, 3), bool)
    stack[1::2, 1, 1] = False
    return np.concatenate([stack, np.zeros((1, 3, 3), bool)])


def test_cells_one_over_the_other_are_as_many_voids():
    for cells in range(1, 6):
        labels, _, _ = filled(closed_cell(cells))
        assert len(set(labels[labels > 0].tolist())) == cells


def test_a_bore_makes_two_of_them_one_and_an_open_lid_none():
    stack = closed_cell(2)
    stack[2, 1, 1] = False
    labels, _, volume = filled(stack)
    (v,) = set(labels[labels > 0].tolist())
    assert volume[v] == 2.5 * 3
    stack[4, 1, 1] = False
    assert not (filled(stack)[0] > 0).any()


def test_edges_let_resin_through_and_corners_do_not():
    stack = np.ones((4, 5, 5), bool)
    stack[1, 1, 1], stack[1, 2, 2], stack[3] = False, False, False
    labels, _, _ = filled(stack)
    assert labels[1, 1, 1] != labels[1, 2, 2]
    stack[1, 1, 2] = False
    labels, _, _ = filled(stack)
    assert labels[1, 1, 1] == labels[1, 2, 2] == labels[1, 1, 2] > 0


@given(IMAGES, IMAGES)
def test_what_labelled_runs_share(a, b):
    rows, cols = min(len(a), len(b)), min(a.shape[1], b.shape[1])
    of_a, of_b = runs(a[:rows, :cols]), runs(b[:rows, :cols])
    label = np.arange(of_a[1].size, dtype=np.int64) % 3 - 1
    other = np.arange(of_b[1].size, dtype=np.int64) % 4
    out = np.zeros((3, label.size + other.size), np.int64)
    n = run_voids.overlaps(*of_a, label, *of_b, other, out)
    left, right = dense(*of_a, (rows, cols), label), dense(*of_b, (rows, cols), other)
    for i in range(3):
        for j in range(4):
            pairs = (out[0, :n] == i) & (out[1, :n] == j)
            assert out[2, :n][pairs].sum() == ((left == i) & (right == j)).sum()
    assert n == 0 or (out[2, :n].min() > 0 and out[0, :n].min() >= 0)


def test_a_slot_over_a_cell_that_leads_out_of_the_part_opens_it():
    """The slot lies between solid pixels of its rows and leaves through the part's side."""
    stack = np.ones((5, 5, 5), bool)
    stack[1, 2, 2], stack[2, 2:4, 2], stack[4] = False, False, False
    labels, _, _ = filled(stack)
    assert labels[1, 2, 2] == labels[2, 3, 2] > 0, "closed yet"
    stack[2, 4, 2] = False
    assert not (filled(stack)[0] > 0).any()
