"""Volume coverage of bodies that overlap, exact where manifold3d unites them; the volume of what is printed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from solids import box, cone, grid, hull, icosphere, moved, prism

from pmsl import Grid, Part, Solid
from pmsl.masks import MaskMaker, coverage
from pmsl.masks.united import union_of
from pmsl.pipeline.volume import united_volume_um3

pytest.importorskip("manifold3d")


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


@settings(max_examples=8, deadline=None)
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
    mask, defects = MaskMaker([a, b], g, "volume").mask_and_defects(1)
    assert np.abs(coverage([a, b], g, 1, "volume") - by_area).max() < 2e-4
    assert np.abs(mask.dense(np.float64) - coverage([a, b], g, 1, "volume")).max() <= 1 / 65535
    assert (defects.shared, defects.excess_px) == (0, 0) and defects.overlap > 0


def test_which_slab_asks_first_does_not_matter():
    parts = [icosphere(3, 4, (5, 6, 2)), icosphere(3, 4, (8, 6, 2)), box((11, 1, 0), (13, 3, 1))]
    makers = [MaskMaker(parts, grid(), "volume") for _ in range(2)]
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
        monkeypatch.setattr("pmsl.masks.united.united", lambda parts: None)
        assert united_volume_um3(mesh) == pytest.approx(exact, rel=2e-5)
        monkeypatch.undo()


def test_what_passes_through_itself_is_counted_and_bounded():
    angle = np.linspace(0, 4 * np.pi, 40, endpoint=False)
    radius = 4 + 1.2 * np.cos(angle / 2)
    knot = prism(np.c_[7 + radius * np.cos(angle), 6 + radius * np.sin(angle)], 0.0, 3.0)
    assert union_of([Part(solid=knot)]) is None
    mask, defects = MaskMaker([knot], grid(), "volume").mask_and_defects(1)
    exact = coverage([knot], grid(), 1)
    assert 0 < mask.sum_px() - exact.sum() <= defects.excess_px + 1e-3 and defects.shared > 0
    assert united_volume_um3(knot) == pytest.approx(3 * exact.sum(), rel=1e-9)


def test_parts_far_apart_are_left_alone():
    parts = [icosphere(2, 2, (4, 6, 2)), moved(icosphere(2, 2, (4, 6, 2)), (6, 0, 0))]
    maker = MaskMaker(parts, grid(), "volume")
    maker.mask(1)
    assert maker._made_union is not None and not isinstance(maker._made_union, MaskMaker)


def test_more_triangles_than_are_united_are_counted_and_bounded(monkeypatch):
    monkeypatch.setattr("pmsl.mesh.boolean.MOST", 700)
    a, b = icosphere(2, 3, (5, 6, 3)), icosphere(2, 3, (8, 6.2, 3))
    united = [MaskMaker([joined(a, b)], BIG, "volume").mask_and_defects(k)[1] for k in range(BIG.n_layers)]
    assert not any(d.shared for d in united) and any(d.overlap for d in united)
    monkeypatch.setattr("pmsl.mesh.boolean.MOST", 600)
    assert any(MaskMaker([joined(a, b)], BIG, "volume").mask_and_defects(k)[1].shared for k in range(BIG.n_layers))
