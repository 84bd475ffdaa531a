"""Holes of large files are closed in blocks: the same surface as the whole repair makes, or left to that."""

import numpy as np
import pytest
from solids import box, icosphere, moved

import pmsl
from pmsl import Solid
from pmsl.mesh.repair import fill_holes_large
from pmsl.mesh.triangle_soup import Soup

BALL = icosphere(3, 5, (7, 6, 5))


@pytest.fixture(autouse=True)
def large(monkeypatch):
    """Any mesh of more than a hundred triangles is a large one, and blocks are small."""
    for module in ("repair.repair", "repair.repair_steps", "shells.shells"):
        monkeypatch.setattr(f"pmsl.mesh.{module}.FEW", 100)
    monkeypatch.setattr(fill_holes_large, "BLOCK", 37)


def of_file(*solids, drop=(), turn=(), double=(), factor=1.0):
    t = np.concatenate([s.vertices_um[s.faces] for s in solids]).astype(np.float32)
    t[list(turn)] = t[list(turn), ::-1]
    t = np.concatenate([np.delete(t, list(drop), axis=0), t[list(double)]])
    return Solid.of_soup(Soup(t.reshape(-1, 3), factor), source="a.stl", sha256="0", unit="um")


def rebuilt(solid):
    """The same triangles as arrays are repaired whole."""
    return Solid.from_arrays(solid.points_um(slice(None)), solid.faces_of(slice(0, solid.n_faces))).repaired()


def areas(solid):
    g = pmsl.Grid(origin_um=(0, 0), pitch_um=0.5, shape=(24, 60), z_edges_um=np.linspace(0, 10, 8))
    maker = pmsl.masks.masks_of([solid], g, "area", "none")
    assert not any(maker.mask_and_defects(k)[1].rows for k in range(7))
    return [maker.coverage(k) for k in range(7)]


@pytest.mark.parametrize("factor", [1.0, 1000.0])
@pytest.mark.parametrize("drop", [[5], [5, 6, 700, 1279], list(range(300, 312))])
def test_holes_are_closed_as_the_whole_repair_closes_them(drop, factor):
    broken = of_file(BALL, drop=drop, factor=factor)
    mended = broken.repaired()
    assert mended.of_file and mended.n_faces == broken.n_faces + len(drop)
    assert mended.sha256 == "0" and [f.code for f in mended.findings] == ["repaired-holes"]
    other = rebuilt(broken)
    assert mended.repairs == other.repairs and np.allclose(mended.findings[0].box_um, other.findings[0].box_um)
    assert mended.health.watertight and mended.health.winding_consistent
    if factor == 1:
        assert all(np.abs(a - b).max() < 1e-9 for a, b in zip(areas(mended), areas(other), strict=True))
    with pytest.raises(pmsl.errors.MeshError, match="strict allows none.*holes of"):
        broken.repaired("strict")


def test_a_hole_at_zero_and_minus_zero():
    b = of_file(icosphere(2, 5, (0, 0, 0)), drop=[9])
    corners = b.triangles()[0].copy()
    zero = np.flatnonzero(corners == 0)
    corners.ravel()[zero[::2]] = -0.0
    assert len(zero) > 10
    mended = Solid.of_soup(Soup(corners, 1.0), source="a.stl", sha256="0", unit="um").repaired()
    assert mended.of_file and mended.repairs[0].startswith("1 holes of 3 edges closed with 1 faces")


def test_bodies_beside_one_another_and_one_that_looks_inward():
    far = moved(BALL, (15, 0, 0))
    mended = of_file(far, BALL, drop=[1290]).repaired()
    assert mended.of_file and [f.code for f in mended.findings] == ["repaired-holes"]
    wrong = Solid.from_arrays(far.vertices_um, far.faces[:, ::-1])
    mended = of_file(BALL, wrong, BALL.__class__.from_arrays(BALL.vertices_um + (30, 0, 0), BALL.faces), drop=[2600]).repaired()
    assert [f.code for f in mended.findings] == ["repaired-holes", "repaired-shells"] and len(mended.repairs) == 2
    assert mended.health.watertight and mended.health.volume_um3 == pytest.approx(3 * BALL.health.volume_um3, rel=1e-5)


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (of_file(BALL, turn=[7]), "repaired-winding"),
        (of_file(BALL, double=[7]), "repaired-duplicate-faces"),
        (of_file(BALL, drop=np.flatnonzero(BALL.vertices_um[BALL.faces][:, :, 2].min(axis=1) > 9)), "repaired-holes"),
        (of_file(BALL, drop=[3], turn=[900]), "repaired-winding"),
    ],
    ids=["winding", "copies", "a large hole", "hole and winding"],
)
def test_what_is_more_than_a_few_holes_is_left_to_the_whole_repair(broken, code):
    assert fill_holes_large.patched(broken, 0.0) is None
    mended = broken.repaired()
    assert not mended.of_file and code in [f.code for f in mended.findings] and mended.repairs == rebuilt(broken).repairs


def test_too_many_open_edges_are_left_to_the_whole_repair(monkeypatch):
    monkeypatch.setattr(fill_holes_large, "MOST_OPEN", 5)
    assert (
        fill_holes_large.patched(of_file(BALL, drop=[5]), 0.0) is not None
        and fill_holes_large.patched(of_file(BALL, drop=[5, 700]), 0.0) is None
    )


def test_a_long_rim_gets_a_point_in_its_middle(monkeypatch):
    monkeypatch.setattr("pmsl.mesh.repair.fill_holes.LONGEST", 5)
    monkeypatch.setattr(fill_holes_large, "MOST_AREA", 1.0)
    b = of_file(BALL, drop=range(300, 312))
    mended = b.repaired()
    assert mended.of_file and mended.health.watertight and mended.n_faces > b.n_faces


def test_a_box_of_a_few_triangles_is_not_large():
    assert not of_file(box((0, 0, 0), (3, 3, 3)), drop=[0]).repaired().of_file
