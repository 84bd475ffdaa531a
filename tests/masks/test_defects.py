"""Open rows are mended where the defect is, and said; voxels of two shells are counted and their error is bounded."""

import numpy as np
import pytest
from solids import box, cone, grid, icosphere, moved

import pmsl
from pmsl import Grid, Solid
from pmsl.masks import masks_of

FINE = Grid(origin_um=(0, 0), pitch_um=0.05, shape=(240, 280), z_edges_um=np.linspace(0, 10, 21))


def without(solid, faces):
    return Solid.from_arrays(solid.vertices_um, np.delete(solid.faces, faces, axis=0))


def turned(solid, faces):
    f = solid.faces.copy()
    f[faces] = f[faces][:, ::-1]
    return Solid.from_arrays(solid.vertices_um, f)


def joined(*solids):
    counts = np.cumsum([0, *(len(s.vertices_um) for s in solids)])
    return Solid.from_arrays(
        np.vstack([s.vertices_um for s in solids]), np.vstack([s.faces + n for s, n in zip(solids, counts, strict=False)])
    )


def ball(subdivisions):
    """A sphere without symmetry: two equal defects opposite one another would cancel in a row's sum."""
    sphere = icosphere(subdivisions, 4.5, (0, 0, 0))
    q, _ = np.linalg.qr(np.random.default_rng(7).normal(size=(3, 3)))
    return Solid.from_arrays(sphere.vertices_um @ (q * np.sign(np.linalg.det(q))) * (1, 0.93, 1) + (7, 6, 5), sphere.faces)


@pytest.mark.parametrize("mode", ["area", "volume"])
@pytest.mark.parametrize("damage", [without, turned], ids=["missing", "turned"])
def test_a_damaged_sphere_keeps_its_area(mode, damage):
    whole = ball(4)
    faces = np.random.default_rng(1).choice(len(whole.faces), len(whole.faces) // (100 if damage is without else 50), replace=False)
    good, bad = masks_of([whole], FINE, mode), masks_of([damage(whole, faces)], FINE, mode, "none")
    reported = 0
    for k in range(2, 18):
        (wanted, none), (got, defects) = good.mask_and_defects(k), bad.mask_and_defects(k)
        assert none.rows == 0
        reported += defects.rows
        assert got.sum_px() == pytest.approx(wanted.sum_px(), rel=1e-2 if damage is without else 2.5e-2)
        off = np.abs(got.dense(np.float64) - wanted.dense(np.float64))
        outside = wanted.window.col0 + wanted.window.cols + 20
        assert off[:, outside:].max() == 0 and off[:, : wanted.window.col0 - 20].max() == 0  # no streak
        assert (off > 0.5).sum() <= (1e-2 if damage is without else 2.5e-2) * wanted.sum_px()
    assert reported > 0


@pytest.mark.parametrize("mode", ["area", "volume"])
def test_sound_rows_of_a_damaged_layer_are_exact(mode):
    whole = ball(3)
    good, bad = masks_of([whole], FINE, mode), masks_of([without(whole, [100, 700])], FINE, mode, "none")
    touched = 0
    for k in range(20):
        got, defects = bad.mask_and_defects(k)
        rows = np.flatnonzero((got.dense(np.uint16) != good.mask(k).dense(np.uint16)).any(axis=1))
        touched += defects.rows
        if defects.rows == 0:
            assert len(rows) == 0
        else:  # across a flat face that lacks the way is the shortest, so that all rows may be right
            assert len(rows) == 0 or (rows.min() >= defects.first_row and rows.max() <= defects.last_row)
            assert defects.first_col <= defects.last_col < FINE.shape[1]
    assert touched > 0


@pytest.mark.parametrize("mode", ["area", "volume"])
def test_a_missing_wall_goes_where_the_next_sound_row_has_it(mode):
    """A box with a hole in one side wall: the wall's column is known from the rows above and below."""
    g = Grid(origin_um=(0, 0), pitch_um=1, shape=(12, 14), z_edges_um=[0, 1, 2, 3])
    vertices = [(3, 2, 0), (9, 2, 0), (9, 4, 0), (9, 6, 0), (9, 8, 0), (3, 8, 0)]
    vertices += [(x, y, 3) for x, y, _ in vertices]
    walls = [(i, (i + 1) % 6) for i in range(6)]
    faces = [t for a, b in walls for t in ((a, b, b + 6), (a, b + 6, a + 6))]
    faces += [t for i in range(1, 5) for t in ((0, i + 1, i), (6, 6 + i, 7 + i))]
    whole = Solid.from_arrays(np.array(vertices, float), np.array(faces))
    hole = [i for i, f in enumerate(whole.faces) if set(f) <= {2, 3, 8, 9}]
    assert whole.health.watertight and len(hole) == 2
    mask, defects = masks_of([without(whole, hole)], g, mode, "none").mask_and_defects(1)
    assert np.array_equal(mask.dense(np.uint16), masks_of([whole], g, mode).mask(1).dense(np.uint16))
    assert (defects.rows, defects.first_row, defects.last_row, defects.first_col, defects.last_col) == (2, 4, 5, 9, 9)


def test_open_rows_are_a_finding_with_a_place(tmp_path):
    whole = icosphere(3, 400, (5000, 5000, 400))
    job = pmsl.prepare([without(whole, [100])], "pmsl-25um", "pr48-405", repair="none")
    found = [f for f in pmsl.write(job, tmp_path / "job.zip").findings if f.code == "open-rows"]
    assert found
    a, b, c = whole.vertices_um[whole.faces[100]]
    for f in found:
        (x0, y0, z0), (x1, y1, z1) = f.box_um
        low, high = np.min([a, b, c], axis=0), np.max([a, b, c], axis=0)
        assert x0 <= high[0] + 25 and x1 >= low[0] - 25 and y0 <= high[1] + 25 and y1 >= low[1] - 25 and z0 <= high[2] and z1 >= low[2]


# --- overlapping shells, where no library unites them -----------------------------------------------------------------


@pytest.fixture
def no_union(monkeypatch):
    monkeypatch.setattr("pmsl.masks.union_check.united", lambda parts: None)


def test_crossing_shells_are_counted_and_bounded(no_union):
    """The union of two cones, exactly: a fine grid of the union of runs gives what the coarse gray should be."""
    a, b = cone(40, 4, 9, (6, 6, 0)), cone(40, 4, 9, (8.5, 6.3, 0))
    g = grid(rows=12, cols=16, edges=(0.0, 1.0, 2.0))
    for pair in ([a, b], [joined(a, b)]):
        maker = masks_of(pair, g, "volume")
        mask, defects = maker.mask_and_defects(1)
        assert defects.shared > 0 and defects.rows == 0
        alone = [masks_of([s], g, "volume").coverage(1) for s in (a, b)]
        both = (alone[0] > 0) & (alone[0] < 1) & (alone[1] > 0) & (alone[1] < 1)
        assert both.sum() <= defects.shared <= both.sum() + 30
        fine = Grid(origin_um=(0, 0), pitch_um=1 / 16, shape=(192, 256), z_edges_um=np.linspace(1, 2, 17))
        union = np.mean(
            [np.maximum(*(m.dense(np.float64) for m in pair)) for pair in zip(*(pmsl.layer_masks([s], fine) for s in (a, b)), strict=True)],
            axis=0,
        )
        union = union.reshape(12, 16, 16, 16).mean(axis=(1, 3))
        assert np.abs(maker.coverage(1) - union).max() <= 2e-3
        assert 0 < defects.excess_px < 1 and np.abs(mask.dense(np.float64) - union).sum() <= defects.excess_px


def test_shells_that_do_not_overlap_share_nothing():
    a, b = icosphere(2, 2, (4, 6, 2)), icosphere(2, 2, (8.4, 6, 2))
    for parts in (
        [a, b],
        [joined(a, b)],
        [joined(icosphere(2, 4, (7, 6, 2)), turned(moved(icosphere(2, 2, (0, 0, 0)), (7, 6, 2)), slice(None)))],
    ):
        for k in range(3):
            _, defects = masks_of(parts, grid(), "volume").mask_and_defects(k)
            assert (defects.shared, defects.excess_px) == (0, 0)


def test_a_solid_twice_is_said(no_union):
    a = icosphere(3, 4, (7, 6, 2))
    alone = masks_of([a], grid(), "volume").coverage(1)
    maker = masks_of([joined(a, a)], grid(), "volume")
    _, defects = maker.mask_and_defects(1)
    assert defects.shared >= ((alone > 0) & (alone < 1)).sum() / 2
    assert np.abs(maker.coverage(1) - alone).sum() <= defects.excess_px < 0.01 * alone.sum()
    _, inside = masks_of([box((1, 1, 0), (13, 11, 3)), a], grid(), "volume").mask_and_defects(1)
    assert inside.shared == 0


def test_a_solid_twice_is_bounded_in_every_slab(no_union):
    a = icosphere(2, 4, (7, 6, 2))
    for k in range(3):
        maker = masks_of([joined(a, a)], grid(edges=(-2.2, -1.9, -1.2, 5.0)), "volume")
        alone = masks_of([a], maker.grid, "volume").coverage(k)
        _, defects = maker.mask_and_defects(k)
        assert np.abs(maker.coverage(k) - alone).sum() <= defects.excess_px + 1e-9
        assert defects.shared >= ((alone > 0) & (alone < 1)).sum() / 2


def test_defects_do_not_depend_on_the_order_of_layers(no_union):
    """Walls along x have no area seen along x: what they mark must not outlive their layer."""
    g = Grid(origin_um=(0, 0), pitch_um=1.0, shape=(16, 40), z_edges_um=[0, 1.0, 2.0])
    parts = [box((1.5, 5.5, 0), (30.5, 10.5, 1)), box((3.5, 3.5, 0), (10.5, 8.5, 1))]
    parts += [box((15.5, 2.5, 1), (20.5, 14.5, 2)), box((16.5, 3.5, 1), (22.5, 12.5, 2))]
    alone = masks_of(parts, g, "volume").mask_and_defects(1)[1]
    maker = masks_of(parts, g, "volume")
    first = maker.mask_and_defects(0)[1]
    assert maker.mask_and_defects(1)[1] == alone and maker.mask_and_defects(0)[1] == first
    assert alone.shared == 2


@pytest.mark.parametrize("low", [(2.5, 2.5, 0.2), (2, 2, 0)])
def test_tops_over_one_another_in_a_slab_are_counted_and_bounded(no_union, low):
    a, b = box((1, 1, 0), (9, 9, 1.3)), box(low, (8, 8, 1.6))
    g = Grid(origin_um=(0, 0), pitch_um=1.0, shape=(10, 10), z_edges_um=[0, 1.0, 2.0])
    mask, defects = masks_of([a, b], g, "volume").mask_and_defects(1)
    inner = (8 - low[0]) * (8 - low[1])
    off = abs(mask.sum_px() - (64 * 0.3 + inner * 0.3))
    assert off <= defects.excess_px < 2 and defects.shared >= inner
