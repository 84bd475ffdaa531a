"""What makes predictions cheap gives the same as what it stands for."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.special import ndtr
from solids import box
from tiers import examples

import pmsl
from pmsl.core.runs import painted, runs_of_band
from pmsl.kernels.light import dose
from pmsl.kernels.runs import connected_components as areas
from pmsl.kernels.runs import distance_and_width
from pmsl.masks import mask_and_surface, masks_of
from pmsl.mesh.part import as_part
from pmsl.optics import psf
from pmsl.predict.features import channels
from pmsl.predict.measure.design_layers import DesignLayers


@settings(max_examples=examples(15), deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.data())
def test_voids_make_the_groups_of_a_graph(rows, cols, data):
    """Some columns with none, one or several; those at the ends of rows are no neighbours."""
    column, floor, roof = [], [], []
    for at in [r * (cols + 1) + c for r in range(rows) for c in range(cols)]:
        edges = sorted(data.draw(st.lists(st.integers(0, 9), max_size=6, unique=True)))
        for low, high in zip(edges[0::2], edges[1::2], strict=False):
            column.append(at), floor.append(float(low)), roof.append(float(high))
    if not column:
        return
    column, floor, roof = np.array(column), np.array(floor), np.array(roof)
    n, (row, col) = len(column), np.divmod(column, cols + 1)
    apart = np.abs(row[:, None] - row) + np.abs(col[:, None] - col)
    graph = (apart == 1) & (floor[:, None] < roof) & (floor < roof[:, None])
    parent, label = np.zeros(n, np.int64), np.zeros(n, np.int64)
    count = areas.voids(column, floor, roof, cols + 1, parent, label)
    wanted = connected_components(coo_array(graph), directed=False)
    assert count == wanted[0]
    assert len(np.unique(np.stack([label, wanted[1]]), axis=1).T) == count
    assert (np.diff(np.unique(label, return_index=True)[1]) > 0).all()


@settings(max_examples=examples(12), deadline=None)
@given(st.integers(1, 7), st.integers(1, 9), st.data())
def test_runs_of_a_band_paint_it_again(rows, cols, data):
    """Black bands, black rows above, between and below."""
    lit = data.draw(st.lists(st.booleans(), min_size=rows, max_size=rows))
    band = np.zeros((rows, cols + 1), np.uint8)
    values = data.draw(st.lists(st.sampled_from([0, 1, 7, 255]), min_size=rows * cols, max_size=rows * cols))
    band[:, 1:] = np.array(values).reshape(rows, cols) * np.array(lit)[:, None]
    runs = runs_of_band(band, 5)
    assert len(runs.row_start) == rows + 1 and runs.row_start[-1] == len(runs.col)
    assert np.array_equal(painted(runs, runs.value, 0, (rows, cols + 5))[:, 5:], band[:, 1:])


def test_pixels_of_a_row_share_columns_also_at_borders_and_beyond_the_scratch():
    rng = np.random.default_rng(5)
    light = rng.random((7, 9), np.float32)
    rows, cols = (a.reshape(-1).astype(np.int32) for a in np.meshgrid(np.arange(7), np.arange(9), indexing="ij"))
    kept = rng.random(rows.size) < 0.8
    rows, cols = rows[kept], cols[kept]
    spread = psf.Gaussian((0.36, 0.3))
    around = np.arange(3, -4.0, -1.0)
    down, across = (np.array([spread.line(around + at, axis, mean=False) for at in (-0.5, 0.0, 0.5)]) for axis in (0, 1))
    out = np.zeros((rows.size, 9), np.float32)
    dose.inside(light, np.arange(7, dtype=np.int32), rows, cols, down, across, np.zeros((3, 10)), out)
    wide = np.pad(light.astype(np.float64), 3)
    wanted = [np.einsum("ia,ab,jb->ij", down, wide[r : r + 7, c : c + 7], across).reshape(-1) for r, c in zip(rows, cols, strict=True)]
    assert np.allclose(out, wanted, rtol=0, atol=3e-7)


@pytest.mark.parametrize("sigma", [0.1, 0.36, 3.0])
def test_few_values_of_the_normal_distribution_are_those_of_scipy(sigma):
    x = np.linspace(-30, 3, 4001) / sigma
    assert np.allclose(psf._below(x), ndtr(x), rtol=1e-11, atol=1e-300)
    assert np.array_equal(psf._below(np.zeros((2, 0))), np.zeros((2, 0)))
    assert psf._below(np.array(0.0)) == 0.5 and math.isclose(float(psf._below(np.array(-37.0))), float(ndtr(-37.0)), rel_tol=1e-11)


def test_a_prediction_without_channels_loads_no_scipy():
    code = """
import sys, numpy as np, pmsl
from pmsl.mesh.solid import Solid
corners = [[0, 0, 0], [30, 0, 0], [30, 30, 0], [0, 30, 0], [15, 15, 20]]
solid = Solid.from_arrays(corners, np.array([[0, 2, 1], [0, 3, 2], [0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]]))
printer, resin = pmsl.find_printer("pmsl-2um"), pmsl.find_resin("pr48-405")
before = set(sys.modules)
found = pmsl.simulate(pmsl.prepare(pmsl.place([solid], printer, resin), printer, resin), threads=1)
assert found.iou > 0.2, found.iou
names = ("scipy.special", "scipy.ndimage", "scipy.sparse", "scipy.spatial")
print(found.lost == [] , [n for n in names if n in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "[]"], done.stdout


masks_of_walls = st.tuples(st.integers(1, 25), st.integers(1, 25)).flatmap(
    lambda shape: st.lists(st.integers(0, shape[0] * shape[1] - 1), max_size=12).map(lambda at: (shape, at))
)


@settings(max_examples=examples(15), deadline=None)
@given(masks_of_walls)
def test_distances_are_exact(walls):
    (rows, cols), at = walls
    solid = np.zeros((rows, cols), bool)
    solid.reshape(-1)[at] = True
    out = channels._distances(solid)
    y, x = np.mgrid[:rows, :cols]
    apart = np.array([np.hypot(y - r, x - c) for r, c in np.argwhere(solid)])
    assert np.allclose(out, apart.min(axis=0), rtol=1e-15) if at else np.isinf(out).all()


@settings(max_examples=examples(15), deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
def test_widths_are_the_least_sum_along_lines(seed, part):
    rng = np.random.default_rng(seed)
    share = np.pad(rng.random((9, 11)) * (rng.random((9, 11)) < part), 1)
    place = np.flatnonzero(share)
    directions, unit = ((0, 1), (1, 0), (1, 1), (1, -1)), np.array([1.0, 1.5, 1.8, 1.8])
    step = np.array([dr * share.shape[1] + dc for dr, dc in directions])
    least = np.zeros(len(place))
    distance_and_width.widths(share.reshape(-1), place, step, unit, np.zeros(4), *np.zeros((2, 4), np.int64), least)
    flat = share.reshape(-1)
    for at, found in zip(place, least, strict=True):
        sums = []
        for d, length in zip(step, unit, strict=True):
            ahead = next(i for i in range(1, 20) if flat[at + i * d] == 0)
            behind = next(i for i in range(1, 20) if flat[at - i * d] == 0)
            sums.append(length * sum(flat[at + i * d] for i in range(1 - behind, ahead)))
        assert found == pytest.approx(min(sums), rel=1e-12)


@settings(max_examples=examples(15), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.sampled_from([1.0, 2.0, 3.5, 5.0, 9.0])), min_size=1, max_size=30))
def test_ridges_are_left_out_near_much_wider_ones(points):
    row, col, width = (np.array(a) for a in zip(*sorted(points, key=lambda p: p[2]), strict=True))
    ladder = 2.0 * 1.25 ** np.arange(9)
    size = np.concatenate([[0.0], ladder])[np.searchsorted(ladder, width, "right")]
    kept = np.zeros(len(row), np.uint8)
    distance_and_width.near_wider(row, col, width, size, 1.25, 1.6, kept)
    wanted = np.ones(len(row), bool)
    for s in ladder[ladder <= width.max()]:
        near = np.hypot(row[:, None] - row[width >= s], col[:, None] - col[width >= s]).min(axis=1)
        wanted &= ~((width * 1.25 < s) & (near < 1.6 * s))
    assert (kept == wanted).all()


@settings(max_examples=examples(10), deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 6)] * 4, st.integers(0, 12), st.integers(1, 8)), min_size=1, max_size=3), st.booleans())
def test_slabs_said_to_be_alike_have_the_same_masks_and_no_faces(boxes, leaning):
    """Boxes that begin and end on slab planes and between them, over and beside one another; with a pyramid nothing is alike beside it."""
    solids = [box((x, y, 5.0 * z), (x + w + 0.5, y + d + 0.25, 5.0 * (z + h))) for x, y, w, d, z, h in boxes]
    if leaning:
        corners = np.array([[0, 0, 0], [4, 0, 0], [4, 4, 0], [0, 4, 0], [2, 2, 35]], float)
        solids.append(pmsl.Solid.from_arrays(corners, np.array([[0, 2, 1], [0, 3, 2], [0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])))
    grid = pmsl.Grid(origin_um=(-1, -1), pitch_um=(1, 1), shape=(16, 16), z_edges_um=np.arange(12) * 10.0)
    design = DesignLayers([as_part(s) for s in solids], grid)
    maker = masks_of(solids, grid, "volume")
    for k, like in enumerate(design._swept_as):
        mine, other = mask_and_surface(maker, k), mask_and_surface(maker, int(like))
        assert all(np.array_equal(a, b) for a, b in zip(mine[0].runs(), other[0].runs(), strict=True))
        assert mine[0].window == other[0].window and (like == k or not len(mine[1].heights(k).row) + len(other[1].heights(k).row))
        assert not leaning or k > 3 or like == k
    heights = sorted({5.0 * z for *_, z, h in boxes} | {5.0 * (z + h) for *_, z, h in boxes})
    if not leaning:  # and all that could be are
        same = [not any(10.0 * k <= z <= 10.0 * (k + 2) for z in heights) for k in range(10)]
        assert all(design._swept_as[k] == design._swept_as[k + 1] for k in range(10) if same[k])
