"""``--repair none``: gaps of contours are closed by the shortest way, no bar lies across the part, and what is a guess is counted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from solids import box, icosphere, soup
from tiers import thinned

import pmsl
from pmsl import Grid, Solid
from pmsl.errors import FindingsError
from pmsl.masks import masks_of
from pmsl.masks.contour_gaps import bridges, rows_across
from pmsl.profiles import find_process

FINE = Grid(origin_um=(0, 0), pitch_um=0.05, shape=(240, 280), z_edges_um=np.linspace(0, 10, 11))


def ball(subdivisions):
    """A sphere without symmetry."""
    sphere = icosphere(subdivisions, 4.5, (0, 0, 0))
    q, _ = np.linalg.qr(np.random.default_rng(7).normal(size=(3, 3)))
    return Solid.from_arrays(sphere.vertices_um @ (q * np.sign(np.linalg.det(q))) * (1, 0.93, 1) + (7, 6, 5), sphere.faces)


def lacking(solid, share, seed=0):
    gone = np.random.default_rng(seed).choice(len(solid.faces), round(share * len(solid.faces)), replace=False)
    return Solid.from_arrays(solid.vertices_um, np.delete(solid.faces, gone, axis=0))


def wide_open(solid):
    """Without all that looks along +x."""
    a, b, c = np.moveaxis(solid.vertices_um[solid.faces], 1, 0)
    normal = np.cross(b - a, c - a)
    return Solid.from_arrays(solid.vertices_um, solid.faces[normal[:, 0] < 0.5 * np.linalg.norm(normal, axis=1)])


# --- contours ---------------------------------------------------------------------------------------------------------


def ring(n, radius=50.0, centre=(60, 60)):
    angle = 2 * np.pi * np.arange(n + 1) / n
    points = np.c_[np.cos(angle), np.sin(angle)] * radius + centre
    points[-1] = points[0]
    return np.concatenate([points[:-1], points[1:]], axis=1)


def area(segments):
    return 0.5 * float(np.sum(segments[:, 0] * segments[:, 3] - segments[:, 2] * segments[:, 1]))


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.7), st.integers(1, 4))
def test_bridges_close_every_contour_and_do_not_depend_on_the_order(seed, share, rings):
    rng = np.random.default_rng(seed)
    whole = np.concatenate([ring(40, 20, (60 + 50 * i, 60)) for i in range(rings)])
    left = whole[rng.random(len(whole)) >= share]
    made = bridges(left)
    closed = np.concatenate([left, made])
    points, at = np.unique(closed.reshape(-1, 2), axis=0, return_inverse=True)
    tail, head = at.reshape(-1, 2).T
    assert np.array_equal(np.bincount(tail, minlength=len(points)), np.bincount(head, minlength=len(points)))
    assert np.array_equal(made, bridges(left[rng.permutation(len(left))]))
    if share <= 0.3:
        assert area(closed) == pytest.approx(area(whole), rel=0.15)


def test_a_turned_segment_is_turned_back():
    whole = ring(24)
    whole[5] = whole[5, [2, 3, 0, 1]]
    assert area(np.concatenate([whole, bridges(whole)])) == pytest.approx(area(ring(24)))


def test_opposite_walls_are_put_back_and_not_folded_onto_those_that_are_left():
    """Rows in which two walls lack sum up to nothing: they looked closed, and dark."""
    for size in ((8.0, 3.0), (3.0, 8.0)):
        block = box((2, 2, 0), (2 + size[0], 2 + size[1], 9))
        corners = block.vertices_um[block.faces]
        rest = ~((corners[:, :, 0] == 2).all(axis=1) | (corners[:, :, 0] == 2 + size[0]).all(axis=1))
        for mode in ("area", "volume"):
            maker = masks_of([Solid.from_arrays(block.vertices_um, block.faces[rest])], FINE, mode, "none")
            mask, defects = maker.mask_and_defects(3)
            assert defects.rows > 0 and defects.doubtful > 0.1
            if size[0] > size[1]:
                assert mask.sum_px() == pytest.approx(size[0] * size[1] / 0.05**2, rel=1e-6)


def test_rows_across_bridges():
    made = np.array([[0, 1.5, 3, 4.2], [5, 7.0, 9, 7.0], [1, 8.5, 1, 8.6]])
    assert np.flatnonzero(rows_across(made, 10)).tolist() == [1, 2, 3, 4, 7, 8]
    assert np.flatnonzero(rows_across(made, 10, 1.0)).tolist() == [1, 2, 3, 4, 7]


# --- masks --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "share"), thinned(2, ["area", "volume"], [0.01, 0.05, 0.1, 0.3]))
def test_a_sphere_that_lacks_faces_is_neither_dark_nor_barred(mode, share):
    whole = ball(3)
    good, bad = masks_of([whole], FINE, mode), masks_of([lacking(whole, share)], FINE, mode, "none")
    for k in range(1, 9):
        wanted, (mask, defects) = good.mask(k).dense(np.float64), bad.mask_and_defects(k)
        got = mask.dense(np.float64)
        assert got.sum() == pytest.approx(wanted.sum(), rel=0.005)
        assert (np.abs(got - wanted) > 0.5).sum() <= 0.005 * wanted.sum()
        long = wanted.sum(axis=1) > 20
        ratio = got.sum(axis=1)[long] / wanted.sum(axis=1)[long]
        assert ratio.min() > 0.85 and ratio.max() < 1.15
        assert defects.rows > 0 or np.array_equal(got, wanted) or np.abs(got - wanted).max() < 1e-3
        assert abs(got.sum() / wanted.sum() - 1) <= defects.doubtful + (1e-9 if mode == "area" else 2e-4)  # sections are few
        assert np.abs(bad.coverage(k) - got).max() <= 1 / 65535


@pytest.mark.parametrize("mode", ["area", "volume"])
def test_cracks_close_in_place_and_are_no_guess(mode):
    whole = soup(ball(3))
    v = whole.vertices_um + np.random.default_rng(0).normal(size=whole.vertices_um.shape) * 5e-4
    bad = masks_of([Solid.from_arrays(v, whole.faces)], FINE, mode, "none")
    good = masks_of([whole], FINE, mode)
    for k in range(1, 9):
        mask, defects = bad.mask_and_defects(k)
        assert np.abs(mask.dense(np.float64) - good.mask(k).dense(np.float64)).max() < 0.06
        assert defects.rows > 0 and defects.doubtful == 0


@pytest.mark.parametrize("mode", ["area", "volume"])
def test_a_closed_mesh_has_the_bytes_of_auto(mode):
    for solid in (ball(2), soup(ball(2))):
        one, other = (masks_of([Solid.from_arrays(solid.vertices_um, solid.faces)], FINE, mode, way) for way in ("auto", "none"))
        for k in range(10):
            (a, da), (b, db) = one.mask_and_defects(k), other.mask_and_defects(k)
            assert a.sha256() == b.sha256() and da == db


@pytest.mark.parametrize("coverage", ["area", "volume"])
def test_a_guess_above_the_limit_is_an_error_and_nothing_is_written(tmp_path, coverage):
    process = replace(find_process("default"), coverage=coverage, layer_um=80.0)
    whole = icosphere(2, 400, (5000, 5000, 400))
    for bad, written in ((lacking(whole, 0.02), True), (wide_open(whole), False)):
        job = pmsl.prepare([bad], "pmsl-25um", "pr48-405", process, repair="none")
        target = tmp_path / f"{coverage}{written}.zip"
        if written:
            found = [f for f in pmsl.write(job, target).findings if f.code == "open-rows"]
            assert found and all(f.severity == "warning" and "% of the layer's area" in f.message for f in found)
            continue
        with pytest.raises(FindingsError) as stopped:
            pmsl.write(job, target)
        assert {f.severity for f in stopped.value.findings if f.code == "open-rows"} >= {"error"} and not target.exists()


def test_a_soup_of_triangles_is_an_error(tmp_path):
    rng = np.random.default_rng(5)
    mesh = Solid.from_arrays(rng.uniform(0, 1000, (300, 3)) + (4000, 4000, 0), np.arange(300).reshape(-1, 3))
    with pytest.raises(FindingsError) as stopped:
        pmsl.write(pmsl.prepare([mesh], "pmsl-25um", "pr48-405", repair="none"), tmp_path / "job.zip")
    assert ("open-rows", "error") in {(f.code, f.severity) for f in stopped.value.findings}
    assert not (tmp_path / "job.zip").exists()


def test_light_never_leaves_the_box_of_the_part():
    for seed in range(5):
        mesh = lacking(ball(2), 0.6, seed)
        (x0, y0, _), (x1, y1, _) = mesh.bounds_um / 0.05
        for mode in ("area", "volume"):
            maker = masks_of([mesh], FINE, mode, "none")
            for k in range(10):
                rows, cols = np.nonzero(maker.mask(k).dense(np.uint16))
                assert len(rows) == 0 or (
                    rows.min() >= np.floor(y0) and rows.max() < np.ceil(y1) and cols.min() >= np.floor(x0) and cols.max() < np.ceil(x1)
                )
