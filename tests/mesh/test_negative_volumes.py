"""Subtracting from real meshes, which pass through themselves by what rounding left of their corners."""

from pathlib import Path

import numpy as np
import pytest
from solids import box, moved

import pmsl
from pmsl.errors import MeshError
from pmsl.masks import coverage
from pmsl.mesh import load_solid
from pmsl.mesh.shells.manifolds import ROUNDING, crossing_depth_um
from pmsl.mesh.shells.shells import shells_of
from pmsl.mesh.threemf.negative_volumes import Body, subtracted

FOLDER = Path(__file__).parents[3] / "shared" / "meshes"
skip = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no shared meshes at {FOLDER}")


def shells(solid):
    label = shells_of(solid.vertices_um, solid.faces, solid.n_faces).label
    return [solid.faces[label == i] for i in range(label.max() + 1)]


@skip
def test_gears_that_cross_themselves_by_rounding_lose_what_a_box_covers():
    gears = load_solid(FOLDER / "production_ext_cube_gears.3mf")
    low, high = gears.bounds_um
    assert 0.0 < max(crossing_depth_um(gears.vertices_um, own) for own in shells(gears)) <= ROUNDING * (high - low).max()
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
@pytest.mark.parametrize(
    "name",
    [
        "self_intersecting_bent_tube_A.obj",
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("3dbenchy_single_part.3mf", "cam_part_130k_triangles.3mf")),
    ],
)
def test_what_crosses_itself_by_more_loses_what_a_box_covers(name):
    """Or is refused by name, where no cut takes it apart."""
    solid = load_solid(FOLDER / name)
    low, high = solid.bounds_um
    hole = box(tuple((low + high) / 2), tuple(high + 1))
    try:
        left = subtracted([Body(name, solid.vertices_um, solid.faces)], [Body("hole", hole.vertices_um, hole.faces)])
    except MeshError as error:
        assert f"{name}: encloses no volume, or passes through itself" in str(error) and not name.startswith("self")
        return
    pitch = (high - low)[:2].max() / 50
    grid = pmsl.Grid(origin_um=low[:2] - pitch, pitch_um=pitch, shape=(54, 54), z_edges_um=np.linspace(low[2], high[2], 8))
    cut = pmsl.Solid.from_arrays(left.vertices_um, left.faces)
    for k in range(7):
        wanted = coverage([solid, hole], grid, k) - coverage([hole], grid, k)
        assert np.abs(coverage([cut], grid, k) - wanted).max() < 1e-3


def test_bodies_that_cross_one_another_do_not_cross_themselves():
    one = box((0, 0, 0), (10, 10, 10))
    other = moved(one, (5.0, 4.0, 3.0))
    both = pmsl.Solid.from_arrays(
        np.concatenate([one.vertices_um, other.vertices_um]), np.concatenate([one.faces, other.faces + len(one.vertices_um)])
    )
    assert [crossing_depth_um(both.vertices_um, own) for own in shells(both)] == [0.0, 0.0]
    left = subtracted([Body("both", both.vertices_um, both.faces)], [Body("hole", other.vertices_um, other.faces)])
    assert left.after_um3 == pytest.approx(1000 - 5 * 6 * 7) and left.before_um3 == pytest.approx(2000 - 5 * 6 * 7)


def test_too_many_triangles_are_refused_by_name(monkeypatch):
    monkeypatch.setattr("pmsl.mesh.threemf.negative_volumes.MOST", 20)
    one, two = (Body(n, box((0, 0, 0), s).vertices_um, box((0, 0, 0), s).faces) for n, s in (("a", (9, 9, 9)), ("b", (2, 2, 2))))
    assert subtracted([one], [two]).after_um3 == pytest.approx(729 - 8)
    with pytest.raises(MeshError, match="b: 32 triangles; at most 20 can be subtracted"):
        subtracted([one], [two, two])
