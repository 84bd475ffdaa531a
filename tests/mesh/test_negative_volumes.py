"""Subtracting from real meshes, which pass through themselves by what rounding left of their corners."""

from pathlib import Path

import numpy as np
import pytest
from solids import box, moved

import pmsl
from pmsl.errors import MeshError
from pmsl.masks import coverage
from pmsl.mesh import load_solid
from pmsl.mesh.negative_volumes import ROUNDING, Body, _crossing_depth, subtracted

FOLDER = Path(__file__).parents[3] / "shared" / "meshes"
skip = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no shared meshes at {FOLDER}")


@skip
def test_gears_that_cross_themselves_by_rounding_lose_what_a_box_covers():
    gears = load_solid(FOLDER / "production_ext_cube_gears.3mf")
    assert 0.0 < _crossing_depth(gears) <= ROUNDING
    low, high = gears.bounds_um
    pitch, corner = 1000.0, np.floor(low / 1000) * 1000
    first, last = np.array([20, 30]), np.array([90, 80])  # pixels that the box covers
    hole = box((*(corner[:2] + first * pitch), low[2] - 1), (*(corner[:2] + last * pitch), low[2] + 20_000))
    left = subtracted([Body("gears", gears.vertices_um, gears.faces)], [Body("hole", hole.vertices_um, hole.faces)])
    cols, rows = np.ceil((high - corner)[:2] / pitch).astype(int)
    edges = low[2] + np.array([9000.0, 9100, 25000, 25100])
    grid = pmsl.Grid(origin_um=corner[:2], pitch_um=pitch, shape=(int(rows), int(cols)), z_edges_um=edges)
    solid = pmsl.Solid.from_arrays(left.vertices_um, left.faces)
    for k, below in ((0, True), (2, False)):
        wanted = coverage([gears], grid, k).copy()
        wanted[first[1] : last[1], first[0] : last[0]] *= not below
        assert np.allclose(coverage([solid], grid, k), wanted, atol=1e-4)


@skip
@pytest.mark.parametrize("name", ["3dbenchy_single_part.3mf", "self_intersecting_bent_tube_A.obj"])
def test_what_crosses_itself_by_more_is_refused_by_name(name):
    solid = load_solid(FOLDER / name)
    low, high = solid.bounds_um
    hole = box(tuple((low + high) / 2), tuple(high + 1))
    with pytest.raises(MeshError, match=f"{name}: encloses no volume, or passes through itself"):
        subtracted([Body(name, solid.vertices_um, solid.faces)], [Body("hole", hole.vertices_um, hole.faces)])


def test_bodies_that_cross_one_another_do_not_cross_themselves():
    one = box((0, 0, 0), (10, 10, 10))
    other = moved(one, (5.0, 4.0, 3.0))
    both = pmsl.Solid.from_arrays(
        np.concatenate([one.vertices_um, other.vertices_um]), np.concatenate([one.faces, other.faces + len(one.vertices_um)])
    )
    assert _crossing_depth(both) == 0.0
    left = subtracted([Body("both", both.vertices_um, both.faces)], [Body("hole", other.vertices_um, other.faces)])
    assert left.after_um3 == pytest.approx(1000 - 5 * 6 * 7) and left.before_um3 == pytest.approx(2000 - 5 * 6 * 7)


def test_too_many_triangles_are_refused_by_name(monkeypatch):
    monkeypatch.setattr("pmsl.mesh.negative_volumes.MOST", 20)
    one, two = (Body(n, box((0, 0, 0), s).vertices_um, box((0, 0, 0), s).faces) for n, s in (("a", (9, 9, 9)), ("b", (2, 2, 2))))
    assert subtracted([one], [two]).after_um3 == pytest.approx(729 - 8)
    with pytest.raises(MeshError, match="b: 32 triangles; at most 20 can be subtracted"):
        subtracted([one], [two, two])
