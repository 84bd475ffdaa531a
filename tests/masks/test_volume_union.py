"""Volume coverage of bodies that overlap, exact where manifold3d unites them; the volume of what is printed."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from solids import box, cone, grid, hull, icosphere, moved, prism
from tiers import examples

from pmsl import Grid, Part, Solid
from pmsl.masks import coverage, masks_of, union_check
from pmsl.masks.union_check import union_of
from pmsl.pipeline.plates.union_volume import united_volume_um3
from pmsl.slicing.plane_index import _copies


def joined(*solids):
    counts = np.cumsum([0, *(len(s.vertices_um) for s in solids)])
    return Solid.from_arrays(
        np.vstack([s.vertices_um for s in solids]), np.vstack([s.faces + n for s, n in zip(solids, counts, strict=False)])
    )


def flipped(solid):
    return Solid.from_arrays(solid.vertices_um, solid.faces[:, ::-1])


def total(parts, g, mode="volume"):
    return sum(coverage(parts, g, k, mode).sum() * g.thickness_um[k] for k in range(g.n_layers)) * g.pixel_um2


BIG = Grid(origin_um=(-2, -2), pitch_um=0.9, shape=(22, 26), z_edges_um=np.linspace(-4, 10, 12))


@settings(max_examples=examples(4), deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_volume_of_hulls_that_cross_is_by_inclusion_and_exclusion(seed):
    from scipy.spatial import ConvexHull, HalfspaceIntersection

    rng = np.random.default_rng(seed)
    a, b = (hull(rng.uniform((0, 0, 0), (14, 13, 6), (9, 3))) for _ in range(2))
    planes = np.concatenate([ConvexHull(s.vertices_um).equations for s in (a, b)])
    inside = _inner_point(planes)
    both = 0.0 if inside is None else ConvexHull(HalfspaceIntersection(planes, inside).intersections).volume
    wanted = a.health.volume_um3 + b.health.volume_um3 - both
    for parts in ([a, b], [joined(a, b)]):
        assert total(parts, BIG) == pytest.approx(wanted, rel=1e-9)
    assert united_volume_um3(joined(a, b)) == pytest.approx(wanted, rel=1e-9)


def _inner_point(planes):
    from scipy.optimize import linprog

    found = linprog(
        [0, 0, 0, -1], A_ub=np.c_[planes[:, :3], np.ones(len(planes))], b_ub=-planes[:, 3], bounds=[(None, None)] * 3 + [(0, None)]
    )
    return found.x[:3] if found.success and found.x[3] > 1e-6 else None


def test_slabs_of_the_union():
    """Every slab by a fine grid of unions of areas."""
    a, b = cone(40, 4, 9, (6, 6, 0)), cone(40, 4, 9, (8.5, 6.3, 0))
    g = grid(rows=12, cols=16, edges=(0.0, 1.0, 2.0))
    fine = Grid(origin_um=(0, 0), pitch_um=1, shape=(12, 16), z_edges_um=np.linspace(1, 2, 65))
    by_area = np.mean([coverage([a, b], fine, k) for k in range(64)], axis=0)
    mask, defects = masks_of([a, b], g, "volume").mask_and_defects(1)
    assert np.abs(coverage([a, b], g, 1, "volume") - by_area).max() < 2e-4
    assert np.abs(mask.dense(np.float64) - coverage([a, b], g, 1, "volume")).max() <= 1 / 65535
    assert (defects.shared, defects.excess_px) == (0, 0) and defects.overlap > 0


def test_which_slab_asks_first_does_not_matter():
    parts = [icosphere(3, 4, (5, 6, 2)), icosphere(3, 4, (8, 6, 2)), box((11, 1, 0), (13, 3, 1))]
    makers = [masks_of(parts, grid(), "volume") for _ in range(2)]
    forth = [makers[0].mask(k).sha256() for k in range(3)]
    back = [makers[1].mask(k).sha256() for k in (2, 1, 0)][::-1]
    assert forth == back


@pytest.mark.parametrize("turned", [False, True])
def test_a_cavity_stays_one(turned):
    outer, inner, other = icosphere(3, 5, (7, 6, 2)), icosphere(2, 2, (7, 6, 2)), icosphere(3, 3, (12.5, 6, 2))
    mesh = joined(outer, flipped(inner), other)
    whole = union_of([Part(solid=flipped(mesh) if turned else mesh)])
    assert whole.health.volume_um3 == pytest.approx(
        union_of([Part(solid=joined(outer, other))]).health.volume_um3 - inner.health.volume_um3, rel=1e-9
    )


def test_one_solid_twice_has_its_volume_once():
    a = icosphere(3, 4, (7, 6, 2))
    assert united_volume_um3(joined(a, a)) == pytest.approx(a.health.volume_um3, rel=1e-12)
    assert np.abs(coverage([joined(a, a)], grid(), 1, "volume") - coverage([a], grid(), 1, "volume")).max() <= 1e-12


def test_without_the_library_the_volume_is_an_integral(monkeypatch):
    a, b = icosphere(3, 4, (5, 6, 2)), icosphere(3, 4, (8, 6.2, 2.3))
    for mesh in (joined(a, b), joined(box((0, 0, 0), (20, 20, 20)), box((10, 10, 10), (30, 30, 30)))):
        exact = united_volume_um3(mesh)
        monkeypatch.setattr("pmsl.masks.union_check.united", lambda parts: None)
        assert united_volume_um3(mesh) == pytest.approx(exact, rel=2e-5)
        monkeypatch.undo()


def knot(height=3.0):
    """A prism over a curve that goes round twice and crosses itself once."""
    angle = np.linspace(0, 4 * np.pi, 40, endpoint=False)
    radius = 4 + 1.2 * np.cos(angle / 2)
    return prism(np.c_[7 + radius * np.cos(angle), 6 + radius * np.sin(angle)], 0.0, height)


def test_what_passes_through_itself_counts_once():
    mask, defects = masks_of([knot()], grid(), "volume").mask_and_defects(1)
    exact = coverage([knot()], grid(), 1)
    assert np.abs(coverage([knot()], grid(), 1, "volume") - exact).max() < 1e-9
    assert abs(mask.sum_px() - exact.sum()) < 0.01 and defects.shared == 0 and defects.overlap > 0
    assert united_volume_um3(knot()) == pytest.approx(3 * exact.sum(), rel=1e-9)


def by_planes(parts, g, k, planes=200):
    fine = Grid(origin_um=g.origin_um, pitch_um=g.pitch_um, shape=g.shape, z_edges_um=np.linspace(*g.z_edges_um[k : k + 2], planes + 1))
    maker = masks_of(parts, fine)
    return np.mean([maker.coverage(i) for i in range(planes)], axis=0)


def random_tangle(rng):
    """Bars that share corners, or a tube of one surface that crosses itself: turned, so that nothing lies along an axis."""
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn[0] *= np.linalg.det(turn)
    if rng.random() < 0.5:
        low = rng.integers(0, 4, (4, 3)).astype(float)
        bars = [box(p, p + rng.integers(1, 5, 3)) for p in low]
        mesh = joined(*bars)
    else:
        n, sides = 24, 6
        t = np.linspace(0, 2 * np.pi, n, endpoint=False)
        path = np.c_[np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -rng.uniform(0, 0.3) * np.sin(3 * t)] * 1.6
        along = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
        side = np.cross(along, [0.1, 0.2, 1.0])
        side /= np.linalg.norm(side, axis=1)[:, None]
        up = np.cross(along, side)
        up /= np.linalg.norm(up, axis=1)[:, None]
        phi = 2 * np.pi * np.arange(sides) / sides
        rings = path[:, None] + rng.uniform(0.4, 0.9) * (
            np.cos(phi)[None, :, None] * side[:, None] + np.sin(phi)[None, :, None] * up[:, None]
        )
        i, j = np.meshgrid(np.arange(n), np.arange(sides), indexing="ij")
        a, b = i * sides + j, i * sides + (j + 1) % sides
        c, d = (i + 1) % n * sides + j, (i + 1) % n * sides + (j + 1) % sides
        faces = np.concatenate([np.stack([a, c, b], axis=-1).reshape(-1, 3), np.stack([b, c, d], axis=-1).reshape(-1, 3)])
        mesh = Solid.from_arrays(rings.reshape(-1, 3), faces)
    points = mesh.vertices_um @ turn.T
    return Solid.from_arrays(points - points.mean(axis=0) + (8, 8, 4), mesh.faces)


TANGLE_GRID = Grid(origin_um=(0, 0), pitch_um=0.77, shape=(22, 22), z_edges_um=(0, 1.3, 2.6, 4.4, 5.0, 8.1))


@settings(max_examples=examples(4), deadline=None)
@given(st.integers(0, 2**32 - 1))
@example(28358)  # over 200 planes the rule is off by 2.6e-4
def test_bodies_that_touch_or_cross_themselves_are_exact(seed):
    """The midpoint rule over 400 planes is itself off by some 1e-4 a pixel."""
    mesh = random_tangle(np.random.default_rng(seed))
    maker = masks_of([mesh], TANGLE_GRID, "volume")
    for k in range(TANGLE_GRID.n_layers):
        off, defects = np.abs(maker.coverage(k) - by_planes([mesh], TANGLE_GRID, k, 400)), maker.mask_and_defects(k)[1]
        if defects.shared == 0:
            assert off.max() < 2e-4
        else:  # a tube folds over: no mesh of its union is believed
            assert off.max() < 8e-3 and off.sum() <= defects.excess_px + 1e-2


@settings(max_examples=examples(3), deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_where_no_mesh_unites_them_the_bound_holds(seed):
    mesh = random_tangle(np.random.default_rng(seed))
    exact = masks_of([mesh], TANGLE_GRID, "volume")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pmsl.masks.union_check.united", lambda parts: None)
        planes = masks_of([mesh], TANGLE_GRID, "volume")
        for k in range(TANGLE_GRID.n_layers):
            mask, defects = planes.mask_and_defects(k)
            off = np.abs(mask.dense(np.float64) - exact.coverage(k)).sum()
            assert off <= defects.excess_px + exact.mask_and_defects(k)[1].excess_px + 22 * 22 / 65535
            assert off < 0.02 * max(exact.coverage(k).sum(), 1.0)


@pytest.mark.parametrize("mode", ["area", "volume"])
def test_a_needle_twice_is_one_needle_where_it_is_thinner_than_a_pixel(mode):
    needle = cone(12, 0.4, 9, (6.5, 6.5, 0))
    for parts in ([joined(needle, needle)], [needle, Solid.from_arrays(needle.vertices_um, needle.faces)]):
        for k in range(3):
            assert np.abs(coverage(parts, grid(), k, mode) - coverage([needle], grid(), k, mode)).max() < 1e-4


def test_slabs_without_overlap_ask_for_no_union():
    parts = [icosphere(2, 2, (4, 6, 2)), moved(icosphere(2, 2, (4, 6, 2)), (6, 0, 0))]
    maker = masks_of(parts, grid(), "volume")
    maker.mask(1)
    assert maker._made_union is None


def test_a_solid_twice_is_one_solid_in_every_slab():
    """Also where no voxel is filled by more than half: there no winding shows that it is there twice."""
    a = icosphere(2, 4, (5, 6, 3))
    rng = np.random.default_rng(0)
    both = np.concatenate([a.faces, np.roll(a.faces, 1, axis=1)])[rng.permutation(2 * len(a.faces))]
    slabs = Grid(origin_um=(-2, -2), pitch_um=0.9, shape=(22, 26), z_edges_um=(-3, -0.7, 0.5, 3, 6.5, 9))
    for twice in (joined(a, a), Solid.from_arrays(a.vertices_um, both)):
        for k in range(5):
            assert np.abs(coverage([twice], slabs, k, "volume") - coverage([a], slabs, k, "volume")).max() <= 1e-12


def test_more_triangles_than_are_united_are_counted_and_bounded(monkeypatch):
    monkeypatch.setattr("pmsl.mesh.shells.boolean.MOST", 700)
    a, b = icosphere(2, 3, (5, 6, 3)), icosphere(2, 3, (8, 6.2, 3))
    united = [masks_of([joined(a, b)], BIG, "volume").mask_and_defects(k)[1] for k in range(BIG.n_layers)]
    assert not any(d.shared for d in united) and any(d.overlap for d in united)
    monkeypatch.setattr("pmsl.mesh.shells.boolean.MOST", 600)
    assert any(masks_of([joined(a, b)], BIG, "volume").mask_and_defects(k)[1].shared for k in range(BIG.n_layers))


def test_copies_of_triangles_are_told_from_triangles_of_equal_sums():
    """A grid of points has many triangles whose corners add up to the same."""
    rng = np.random.default_rng(2)
    t = np.concatenate([rng.integers(-1, 2, (2000, 3, 3)).astype(float), -np.zeros((2, 3, 3))])
    found = np.zeros(len(t), bool)
    found[_copies(t.reshape(-1, 9))] = True
    seen, wanted = set(), []
    for triangle in t + 0.0:
        key = tuple(sorted(map(tuple, triangle.tolist())))
        wanted.append(key in seen)
        seen.add(key)
    assert 100 < sum(wanted) < 1900 and found.tolist() == wanted


def test_a_union_that_has_not_the_area_of_one_is_not_believed(monkeypatch):
    parts = [Part(solid=cube) for cube in (box((0, 0, 0), (10, 10, 10)), box((5, 5, 2), (15, 12, 8)))]
    assert union_check.union_of(parts) is not None
    monkeypatch.setattr(union_check, "united", lambda some: some[0].solid)  # a library that leaves one out
    assert union_check.union_of(parts) is None


@pytest.mark.parametrize("z", [3.7, 3.83, 4.02])
def test_a_union_without_a_small_cavity_is_not_believed(monkeypatch, z):
    """However low it is: none of the heights that lie evenly need cut it."""
    block, pocket, other = box((0, 0, 0), (10, 10, 10)), flipped(box((4, 4, z), (4.1, 4.1, z + 0.01))), box((5, 5, 2), (15, 12, 8))
    parts = [Part(solid=joined(block, pocket)), Part(solid=other)]
    assert union_check.union_of(parts) is not None
    filled = union_check.united([Part(solid=block), Part(solid=other)])
    monkeypatch.setattr(union_check, "united", lambda some: filled)
    assert union_check.union_of(parts) is None


@pytest.mark.parametrize("size", [0.1, 0.5, 5.0])
def test_a_pocket_a_nanometre_behind_a_wall_is_no_body(size):
    """In single precision a pocket that was flush with a wall may end inside it: it is one all the same where slabs share its voxels."""
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    mesh = joined(box((0, 0, 0), (20, 20, 20)), flipped(box((20 - size, 8, 8), (20, 8 + size, 8 + size))))
    points = np.float32((mesh.vertices_um + 50) @ (turn * np.linalg.det(turn)).T).astype(np.float64)
    solid = Solid.from_arrays(points, mesh.faces)
    low, high = solid.bounds_um
    pitch = float((high - low)[:2].max()) / 30
    g = Grid(origin_um=low[:2] - pitch, pitch_um=pitch, shape=(33, 33), z_edges_um=np.linspace(low[2], high[2], 8))
    maker = masks_of([solid], g, "volume")
    assert total([solid], g) == pytest.approx(solid.repaired().health.volume_um3, rel=1e-10)
    assert not any(maker.mask_and_defects(k)[1].shared for k in range(7))


def test_what_looks_inward_is_a_cavity_or_a_fold():
    """A manifold's pieces wind other than 0 times: less what lies in one of them, more what lies in none or in two."""
    from manifold3d import Manifold, Mesh64

    from pmsl.mesh.shells.manifolds import _enclosed

    def manifold(low, high):
        solid = box(low, high)
        return Manifold(Mesh64(solid.vertices_um.copy(), solid.faces.astype(np.uint64)))

    bodies = [manifold((0, 0, 0), (6, 4, 4)), manifold((4, 0, 0), (10, 4, 4))]
    across = manifold((3, 1, 1), (13, 2, 2))  # 1 in one, 2 in both, 4 in the other, 3 in none
    assert _enclosed(bodies, [across]).volume() == pytest.approx(160 - 1 - 4 + 3, rel=1e-12)
    assert _enclosed(bodies, []).volume() == pytest.approx(160, rel=1e-12)
    assert _enclosed(bodies, [across, across]) is None
