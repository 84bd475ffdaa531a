"""Volume coverage: against exact polyhedron clipping, conservation, partition of unity, invariance, agreement with area."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import clipped_volume, mesh_coverage
from solids import box, cone, grid, hull, icosphere, moved, prism, soup
from tiers import examples

import pmsl
from pmsl import Grid, Solid
from pmsl.masks import coverage, masks_of


def volume_of(solid):
    v = solid.vertices_um[solid.faces]
    return np.einsum("ij,ij->i", v[:, 0], np.cross(v[:, 1], v[:, 2])).sum() / 6


def covered(solid, g, mode="volume"):
    return np.array([coverage([solid], g, k, mode) for k in range(g.n_layers)])


def total(solid, g):
    return (covered(solid, g).sum(axis=(1, 2)) * g.thickness_um).sum() * g.pixel_um2


def points(n, low=(-1.0, -1.0, -1.0), high=(5.0, 4.0, 4.0)):
    return st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).uniform(low, high, (n, 3)))


SMALL = Grid(origin_um=(0, 0), pitch_um=(1.25, 0.75), shape=(4, 3), z_edges_um=[0, 0.5, 1.75, 3])


def tetrahedron(p):
    solid = Solid.from_arrays(p, np.array([(0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)]))
    return Solid.from_arrays(p, solid.faces[:, ::-1]) if solid.inside_out else solid


def test_the_oracle_knows_a_box_and_a_corner():
    corner = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert clipped_volume(corner, ((0, 0, 0), (1, 1, 1))) == pytest.approx(1 / 6, abs=1e-15)
    assert clipped_volume(corner, ((0, 0, 0), (0.5, 0.5, 0.5))) == pytest.approx(1 / 8 - 1 / 48, abs=1e-15)
    assert np.abs(mesh_coverage(box((0, 0, 0), (3.75, 3, 3)), SMALL, 1) - 1).max() <= 1e-14


@settings(max_examples=examples(4))
@given(points(4))
def test_tetrahedra_agree_with_exact_clipping(p):
    solid = tetrahedron(p)
    for k in range(3):
        assert np.abs(coverage([solid], SMALL, k, "volume") - mesh_coverage(solid, SMALL, k)).max() <= 1e-9


@settings(max_examples=examples(2))
@given(points(6))
def test_convex_meshes_agree_with_exact_clipping(p):
    solid = soup(hull(p))
    for k in range(3):
        assert np.abs(coverage([solid], SMALL, k, "volume") - mesh_coverage(solid, SMALL, k)).max() <= 1e-9


on_lines = st.integers(-2, 8).map(lambda n: n / 2)


@settings(max_examples=examples(8))
@given(st.lists(st.tuples(on_lines, on_lines, on_lines), min_size=4, max_size=4, unique=True))
def test_corners_on_pixel_edges_and_slab_planes_agree_with_exact_clipping(p):
    p = np.array(p)
    if abs(np.linalg.det(p[1:] - p[0])) == 0:
        return
    g = grid(rows=3, cols=3, edges=(0, 1, 2))
    for k in range(2):
        assert np.abs(coverage([tetrahedron(p)], g, k, "volume") - mesh_coverage(tetrahedron(p), g, k)).max() <= 1e-12


# --- conservation ----------------------------------------------------------------------------------------------

WIDE = Grid(origin_um=(-3, -2), pitch_um=(0.7, 1.1), shape=(30, 45), z_edges_um=[-1, 0.3, 1, 2.7, 4, 6.1, 9, 11, 30])


def torus(n, m, major, minor, centre):
    u, v = np.meshgrid(np.arange(n) * 2 * np.pi / n, np.arange(m) * 2 * np.pi / m, indexing="ij")
    w = major + minor * np.cos(v)
    vertices = np.stack([w * np.cos(u), w * np.sin(u), minor * np.sin(v)], axis=-1).reshape(-1, 3) + centre
    i, j = np.meshgrid(np.arange(n), np.arange(m), indexing="ij")
    a, b, c, d = (((i + p) % n * m + (j + q) % m).reshape(-1) for p, q in ((0, 0), (1, 0), (1, 1), (0, 1)))
    return Solid.from_arrays(vertices, np.vstack([np.c_[a, b, c], np.c_[a, c, d]]))


def rotated(solid, seed):
    q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q *= np.sign(np.linalg.det(q))
    v = solid.vertices_um - solid.vertices_um.mean(axis=0)
    return Solid.from_arrays(v @ q.T + (11, 13, 9), solid.faces)


@pytest.mark.parametrize(
    "solid",
    [
        icosphere(3, 6, (11, 13, 8)),
        icosphere(1, 8.5, (11, 13, 9)),
        torus(40, 24, 6, 2.5, (11, 13, 7.3)),
        rotated(torus(30, 18, 5, 2, (0, 0, 0)), 1),
        cone(36, 5, 9, (11, 13, 1)),
        rotated(box((0, 0, 0), (9, 5, 3)), 2),
        rotated(box((0, 0, 0), (14, 0.01, 6)), 3),
        rotated(cone(24, 1e-3, 15, (0, 0, 0)), 4),
        icosphere(3, 0.004, (11.111, 13.131, 2.7)),
    ],
    ids=["sphere", "coarse sphere", "torus", "tilted torus", "cone", "tilted box", "thin plate", "needle", "dust on a slab plane"],
)
def test_volume_is_conserved(solid):
    assert total(solid, WIDE) == pytest.approx(volume_of(solid), rel=1e-9)
    masks = sum(m.sum_px() * t for m, t in zip(pmsl.layer_masks([solid], WIDE, "volume"), WIDE.thickness_um, strict=True))
    assert masks * WIDE.pixel_um2 == pytest.approx(volume_of(solid), rel=1e-3, abs=5e-3)


@pytest.mark.parametrize("name", ["microlens_array", "gyroid_lattice", "spinneret", "horn_antenna"])
def test_samples_conserve_their_volume(samples, name):
    solid = pmsl.load_solid(samples / f"{name}.stl")
    low, high = solid.bounds_um
    edges = np.linspace(low[2] - 3, high[2] + 7, 9)
    g = Grid(
        origin_um=low[:2] - 11,
        pitch_um=(13.7, 17.9),
        shape=(int((high - low)[1] / 17.9) + 3, int((high - low)[0] / 13.7) + 3),
        z_edges_um=edges,
    )
    assert total(solid, g) == pytest.approx(solid.health.volume_um3, rel=1e-9)


# --- agreement, partition of unity, window -----------------------------------------------------------------------


@given(st.lists(st.floats(0.3, 5.0), min_size=3, max_size=8), st.floats(3, 11), st.floats(3, 9))
def test_a_vertical_prism_has_the_coverage_of_its_area(radii, x, y):
    angle = np.arange(len(radii)) * 2 * np.pi / len(radii)
    solid = prism(np.c_[x + radii * np.cos(angle), y + radii * np.sin(angle)], 0, 3)
    for k in range(3):
        assert np.abs(coverage([solid], grid(), k, "volume") - coverage([solid], grid(), k)).max() <= 1e-12


@given(points(7, (1, 1, 0.2), (13, 11, 2.8)))
def test_a_part_and_its_complement_fill_the_box(p):
    inner, outer = hull(p), box((0, 0, 0), (14, 12, 3))
    n = len(outer.vertices_um)
    rest = Solid.from_arrays(np.vstack([outer.vertices_um, inner.vertices_um]), np.vstack([outer.faces, inner.faces[:, ::-1] + n]))
    for k in range(3):
        assert np.abs(coverage([inner], grid(), k, "volume") + coverage([rest], grid(), k, "volume") - 1).max() <= 1e-12


@given(points(7, (-6, -6, -2), (20, 18, 5)))
def test_a_window_sees_what_the_whole_field_sees(p):
    far = Grid(origin_um=(-8, -8), pitch_um=1, shape=(28, 30), z_edges_um=[0, 1, 2, 3])
    assert np.abs(covered(hull(p), far)[:, 8:20, 8:22] - covered(hull(p), grid())).max() <= 1e-12


@given(points(9, (1, 1, 0), (13, 11, 3)))
def test_thin_slabs_tend_to_the_area(p):
    for thickness, bound in ((1e-3, 3e-2), (1e-5, 3e-4)):
        g = grid(edges=(1.5 - thickness / 2, 1.5 + thickness / 2))
        difference = np.abs(coverage([hull(p)], g, 0, "volume") - coverage([hull(p)], g, 0))
        assert np.median(difference) <= bound and difference.mean() <= bound


def test_uneven_slabs_add_up():
    solid = icosphere(2, 5, (7, 6, 5))
    fine = Grid(origin_um=(0, 0), pitch_um=1, shape=(12, 14), z_edges_um=[0, 0.5, 2, 2.25, 7, 10])
    coarse = Grid(origin_um=(0, 0), pitch_um=1, shape=(12, 14), z_edges_um=[0, 2.25, 10])
    parts = covered(solid, fine) * fine.thickness_um[:, None, None]
    whole = covered(solid, coarse) * coarse.thickness_um[:, None, None]
    assert np.abs(parts[:3].sum(axis=0) - whole[0]).max() <= 1e-12 and np.abs(parts[3:].sum(axis=0) - whole[1]).max() <= 1e-12


@pytest.mark.parametrize("z", [(0, 3), (1, 2), (0.25, 1), (1, 2.5), (1.25, 1.5), (-4, 9), (-3, 0), (3, 5)])
def test_faces_on_and_off_slab_planes_and_pixel_edges(z):
    for low, high in (((3, 2), (9, 7)), ((2.5, 2.25), (6.5, 6.75)), ((-5, -5), (3.5, 99)), ((12.5, -3), (40, 2.5))):
        solid = box((*low, z[0]), (*high, z[1]))
        across = coverage([box((*low, 0), (*high, 3))], grid(), 0)
        for k in range(3):
            share = max(0.0, min(z[1], k + 1) - max(z[0], k))
            assert np.abs(coverage([solid], grid(), k, "volume") - across * share).max() <= 1e-12


# --- invariance, union, damage -----------------------------------------------------------------------------------


def both(solid, g):
    return covered(solid, g), np.array([m.dense(np.uint16) for m in pmsl.layer_masks([solid], g, "volume")])


def assert_same(a, b):
    assert np.abs(a[0] - b[0]).max() <= 1e-12 and np.array_equal(a[1], b[1])


@settings(max_examples=examples(10))
@given(points(8, (1, 1, 0), (11, 11, 3)), st.randoms(use_true_random=False))
def test_invariances(p, random):
    g, solid = grid(rows=12, cols=12), hull(p)
    v, f = solid.vertices_um, solid.faces
    plain = both(solid, g)
    far = Grid(origin_um=(0, 0), pitch_um=1, shape=(60, 80), z_edges_um=g.z_edges_um)
    for down in (32, 9):  # 9: across the border of two bands of rows
        assert_same(plain, tuple(a[:, down : down + 12, 64:76] for a in both(moved(solid, (64, down, 0)), far)))
    assert_same(plain, tuple(a[:, :, ::-1] for a in both(Solid.from_arrays(v * (-1, 1, 1) + (12, 0, 0), f[:, ::-1]), g)))
    turned = both(Solid.from_arrays(np.c_[12 - v[:, 1], v[:, 0], v[:, 2]], f), g)
    assert_same(plain, tuple(np.array([layer[:, ::-1].T for layer in a]) for a in turned))
    order = random.sample(range(len(f)), len(f))
    assert_same(plain, both(Solid.from_arrays(v, f[order]), g))
    assert_same(plain, both(Solid.from_arrays(v, f[:, ::-1]), g))
    assert_same(plain, both(soup(solid), g))


def test_runs_are_the_dense_coverage_rounded_once_in_any_order():
    solid, g = icosphere(3, 5.3, (7, 6, 5)), grid(edges=np.linspace(-1, 11, 30))
    maker = masks_of([solid, cone(20, 4, 8, (3, 4, 0))], g, "volume")
    for k in (17, 3, 28, 0, 3):
        wanted = np.floor(65535 * np.round(maker.coverage(k) * 2**32) / 2**32 + 0.5)
        assert np.array_equal(maker.mask(k).dense(np.uint16), wanted.astype(np.uint16))


def test_overlaps_unite_and_cavities_stay():
    a, b = box((2, 2, 0), (7, 7, 1.5)), box((5, 5, 0), (10, 10, 1.5))
    united = covered(a, grid())[1].sum()
    assert united == 12.5
    assert coverage([a, b], grid(), 0, "volume").sum() == pytest.approx(46)
    outer, inner = box((2, 2, 0), (10, 10, 3)), box((4, 4, 0.5), (8, 8, 2.5))
    hollow = Solid.from_arrays(
        np.vstack([outer.vertices_um, inner.vertices_um]), np.vstack([outer.faces, inner.faces[:, ::-1] + len(outer.vertices_um)])
    )
    assert [coverage([hollow], grid(), k, "volume").sum() for k in range(3)] == pytest.approx([64 - 8, 64 - 16, 64 - 8])


def test_an_open_mesh_is_noticed_and_does_not_smear():
    whole = box((3, 2, 0), (9, 7, 3))
    open_side = whole.faces[[i for i, f in enumerate(whole.faces) if not np.all(whole.vertices_um[f, 0] == 9)]]
    mask, leaks = masks_of([Solid.from_arrays(whole.vertices_um, open_side)], grid(), "volume", "none").mask_and_defects(0)
    assert (leaks.rows, leaks.first_row, leaks.last_row) == (5, 2, 6)
    assert mask.dense(np.uint8)[:, 9:].max() == 0


@pytest.mark.parametrize("tiny", [1e-305, 5e-309, 1e-310, 5e-324])
def test_subnormal_coordinates_do_no_harm(tiny):
    v = np.array([(-tiny, 0, 0), (0, 1, 0), (1.5, 0.2, 0), (0.3, 0.4, 0.7)])
    g = Grid(origin_um=(0, 0), pitch_um=1, shape=(1, 2), z_edges_um=[0, 1])
    solid = tetrahedron(v)
    assert coverage([solid], g, 0, "volume").sum() == pytest.approx(abs(volume_of(solid)), rel=1e-12)
    assert masks_of([solid], g, "volume").mask_and_defects(0)[1].rows == 0


def test_mapped_vertices_are_as_good_as_others(tmp_path):
    solid = icosphere(1, 4, (7, 6, 2))
    mapped = np.memmap(tmp_path / "v", np.float64, "w+", shape=solid.vertices_um.shape)
    mapped[:] = solid.vertices_um
    assert np.array_equal(
        coverage([Solid(vertices_um=mapped, faces=solid.faces)], grid(), 1, "volume"), coverage([solid], grid(), 1, "volume")
    )
