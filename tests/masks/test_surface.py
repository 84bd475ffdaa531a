"""Surface heights: against exact clipping, the divergence theorem, flat faces on slab planes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import surface_in
from solids import box, cone, grid, hull, icosphere, prism
from tiers import examples

import pmsl
from pmsl import Grid, Solid
from pmsl.errors import GridError, UsageError
from pmsl.masks import mask_and_surface, masks_of, surface_heights

SMALL = Grid(origin_um=(0, 0), pitch_um=(1.25, 0.75), shape=(4, 3), z_edges_um=[0, 0.5, 1.75, 3])
seeds = st.integers(0, 2**32 - 1)


def images(h, shape):
    """Shares and moments of z as images: down share, down moment, up share, up moment."""
    out = np.zeros((4, *shape))
    for i, (share, height) in enumerate(((h.down_share, h.down_um), (h.up_share, h.up_um))):
        out[2 * i, h.row, h.col] = share
        out[2 * i + 1, h.row, h.col] = np.where(share > 0, share * np.nan_to_num(height), 0)
    return out


@settings(max_examples=examples(5))
@given(seeds)
def test_heights_agree_with_exact_clipping(seed):
    solid = hull(np.random.default_rng(seed).uniform((-1, -1, -1), (5, 4, 4), (6, 3)))
    for k in range(3):
        got = images(surface_heights([solid], SMALL, k), SMALL.shape)
        for r in range(4):
            for c in range(3):
                low, high = (c * 1.25, r * 0.75, SMALL.z_edges_um[k]), (c * 1.25 + 1.25, r * 0.75 + 0.75, SMALL.z_edges_um[k + 1])
                wanted = np.array(surface_in(solid, (low, high))) / SMALL.pixel_um2
                assert np.abs(got[:, r, c] - wanted).max() <= 1e-9


@pytest.mark.parametrize(
    "solid",
    [icosphere(3, 9, (21, 22, 10)), cone(30, 8, 17, (20.3, 21.1, 0)), prism([(10, 9), (30, 12), (25, 31)], 2.5, 11.25)],
    ids=["sphere", "cone", "prism"],
)
def test_up_less_down_is_the_volume(solid):
    """Divergence theorem: ∮ z n_z dA is the volume, ∮ n_z dA is 0."""
    g = Grid(origin_um=(0.3, 0.7), pitch_um=(0.9, 1.3), shape=(40, 50), z_edges_um=[0, 1, 2.5, 3, 7, 11.25, 12, 25])
    maker = masks_of([solid], g, "volume")
    sums = sum(images(surface_heights(maker, g, k), g.shape) for k in range(g.n_layers)).sum(axis=(1, 2)) * g.pixel_um2
    assert sums[2] == pytest.approx(sums[0], rel=1e-11)
    assert sums[3] - sums[1] == pytest.approx(solid.health.volume_um3, rel=1e-11)


def test_a_gray_of_one_half_is_told_apart():
    """A floor, a roof and a side wall that give the same gray."""
    g = grid(rows=1, cols=1, edges=(0.0, 1.0))
    floor, roof, wall = box((0, 0, 0.5), (1, 1, 2)), box((0, 0, -1), (1, 1, 0.5)), box((0, 0, -1), (0.5, 1, 2))
    for solid in (floor, roof, wall):
        assert masks_of([solid], g, "volume").coverage(0) == pytest.approx(0.5, abs=1e-15)
    down, up, none = (surface_heights([s], g, 0) for s in (floor, roof, wall))
    assert (down.down_share, down.down_um, down.up_share) == (1, 0.5, 0) and np.isnan(down.up_um)
    assert (up.up_share, up.up_um, up.down_share) == (1, 0.5, 0)
    assert len(none.row) == 0


def test_flat_faces_on_slab_planes_belong_to_their_solid():
    g = grid(rows=8, cols=8, edges=(0.0, 1.0, 2.0, 3.0))
    solid = box((1, 1, 1), (4.5, 3, 2))
    below, inside, above = (surface_heights([solid], g, k) for k in range(3))
    assert len(below.row) == len(above.row) == 0
    assert len(inside.row) == 8
    assert set(inside.down_um) == {1.0} and set(inside.up_um) == {2.0}
    assert inside.up_share.sum() == inside.down_share.sum() == pytest.approx(7)
    stacked = surface_heights([box((1, 1, 1), (4.5, 3, 2)), box((1, 1, 2), (4.5, 3, 3))], g, 1)
    assert set(stacked.up_um) == {2.0} and set(stacked.down_um) == {1.0}


def test_surfaces_over_one_another_add_up_and_window_edges_cut():
    g = grid(rows=4, cols=4, edges=(0.0, 3.0))
    plates = [box((-5, -5, z), (2.5, 9, z + 0.25)) for z in (0.5, 1.5)]
    h = surface_heights(plates, g, 0)
    assert h.up_share[h.col < 2] == pytest.approx(2) and h.up_um[h.col < 2] == pytest.approx(1.25)
    assert h.up_share[h.col == 2] == pytest.approx(1) and h.down_um[0] == pytest.approx(1)
    assert h.col.max() == 2


def area_of(a, b, c):
    return (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])


corner = st.tuples(st.floats(-4, 24), st.floats(-4, 19))


@settings(max_examples=examples(12), deadline=None)
@given(st.lists(st.tuples(corner, corner, corner, st.floats(-1, 2), st.floats(0.01, 2)), min_size=1, max_size=4), st.booleans())
def test_flat_faces_are_those_of_faces_almost_flat(prisms, sloped):
    """Of flat faces only the boundary is looked at: beside, over and under one another, beyond the window, below a slope."""
    g = grid(rows=15, cols=20, edges=(0.0, 1.0))
    solids = [prism([a, b, c], z, z + h) for a, b, c, z, h in prisms if abs(area_of(a, b, c)) > 1e-3]
    if sloped:
        solids.append(hull(np.array([(4.0, 4.0, 0.1), (16.0, 5.0, 0.4), (9.0, 13.0, 0.2), (9.0, 8.0, 0.9)])))
    tilt = np.array([1e-7, 2e-7])
    leaning = [Solid.from_arrays(s.vertices_um + np.outer(s.vertices_um[:, :2] @ tilt, (0, 0, 1)), s.faces) for s in solids]
    edges = np.concatenate([s.vertices_um[:, 2] for s in solids]) if solids else np.zeros(0)
    if (np.abs(edges[:, None] - (0.0, 1.0)) < 1e-5).any():  # a slab plane: the slope is cut by it
        return
    flat, other = (images(surface_heights(s, g, 0), g.shape) for s in (solids, leaning)) if solids else np.zeros((2, 1))
    assert np.allclose(flat, other, rtol=0, atol=3e-5)


def test_a_large_flat_face_takes_an_entry_a_row():
    g = grid(rows=60, cols=200, edges=(0.0, 1.0, 2.0))
    _, surface = mask_and_surface(masks_of([box((10.5, 5.25, 0), (190.25, 55, 1.5))], g, "volume"), 1)
    assert len(surface.col) <= 50 * 4 + 2 * 181 and surface.length.sum() == 50 * 181  # walls; edges of its triangles cancel
    h = surface.heights(1)
    assert len(h.row) == 50 * 181 and set(h.up_um) == {1.5} and not h.down_share.any()
    assert h.up_share.sum() == pytest.approx(179.75 * 49.75, rel=1e-14)
    assert h.up_share.max() <= 1 + 1e-14


def test_masks_do_not_change_when_heights_are_asked_for_in_between():
    solid, g = icosphere(3, 5.3, (7, 6, 5)), grid(edges=np.linspace(-1, 11, 30))
    maker, other = masks_of([solid], g, "volume"), masks_of([solid], g, "volume")
    for k in (17, 3, 28, 0):
        surface_heights(maker, g, k)
        assert maker.mask(k).sha256() == other.mask(k).sha256()


def test_bad_questions_are_refused():
    part = box((2, 2, 0), (6, 6, 3))
    with pytest.raises(GridError, match="layer 3"):
        surface_heights([part], grid(), 3)
    with pytest.raises(UsageError, match="area"):
        maker = masks_of([part], grid())
        surface_heights(maker, maker.grid, 0)


def test_a_lens_has_the_height_of_its_formula(samples):
    """Closed form: a paraboloid-like cap of many triangles has the mean height of its facets in every pixel."""
    n = 60
    x, y = np.meshgrid(np.linspace(0, 12, n), np.linspace(0, 12, n))
    z = 2 + 0.8 * np.sin(x / 3) * np.cos(y / 4)
    top = np.c_[x.ravel(), y.ravel(), z.ravel()]
    i = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    faces = np.concatenate([np.c_[i, i + 1, i + n + 1], np.c_[i, i + n + 1, i + n]])
    sheet = Solid.from_arrays(top, faces)
    h = surface_heights([sheet], grid(rows=12, cols=12, edges=(0.0, 4.0)), 0)
    facing = h.up_share if h.up_share.sum() > 0 else h.down_share
    height = h.up_um if h.up_share.sum() > 0 else h.down_um
    assert len(facing) == 144 and np.abs(facing - 1).max() <= 1e-12
    a, b = h.col, h.row
    exact = 2 + 0.8 * 3 * (np.cos(a / 3) - np.cos((a + 1) / 3)) * 4 * (np.sin((b + 1) / 4) - np.sin(b / 4))
    assert np.abs(height - exact).max() <= 2e-3
    assert pmsl.masks.SurfaceHeights is type(h)


def test_a_flat_face_is_in_one_slab_however_its_edges_round():
    g = Grid(origin_um=(0, 0), pitch_um=1.0, shape=(6, 6), z_edges_um=[-1.39, 2.0, 3.0])
    solid = box((1, 1, 2.0), (5, 5, 2.5))
    below, above = (surface_heights([solid], g, k) for k in range(2))
    assert len(below.row) == 0 and above.down_share.sum() == pytest.approx(16)


def test_a_maker_answers_for_its_own_grid_only():
    maker = masks_of([box((2, 2, 0), (6, 6, 3))], grid(), "volume")
    with pytest.raises(GridError, match="maker"):
        surface_heights(maker, grid(), 0)
