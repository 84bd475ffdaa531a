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

from pmsl.core.runs import painted, runs_of_band
from pmsl.kernels import areas, dose
from pmsl.optics import psf


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=40))
def test_links_make_the_groups_of_a_graph(n, links):
    ends = np.array([(a % n, b % n) for a, b in links], np.int64).reshape(-1, 2).T.copy()
    parent, label = np.zeros(n, np.int64), np.zeros(n, np.int64)
    count = areas.linked(ends[0], ends[1], parent, label)
    graph = coo_array((np.ones(ends.shape[1], np.int8), (ends[0], ends[1])), shape=(n, n))
    wanted = connected_components(graph, directed=False)
    assert count == wanted[0]
    assert len(np.unique(np.stack([label, wanted[1]]), axis=1).T) == count
    assert (np.diff(np.unique(label, return_index=True)[1]) > 0).all()


@settings(max_examples=40, deadline=None)
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
    dose.inside(light, rows, cols, down, across, np.zeros((3, 10)), out)
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
from pmsl.core.part import Solid
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
