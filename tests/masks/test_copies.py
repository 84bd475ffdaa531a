"""Copies of one solid share its index; their masks are those of as many solids, each cut by itself."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from solids import box, cone, icosphere
from tiers import examples

from pmsl import Grid, Part, Solid
from pmsl.masks import coverage, masks_of, surface_heights
from pmsl.masks.mask_source import RecentMasks
from pmsl.slicing.instances import CopyIndex, alike, index_parts
from pmsl.slicing.plane_index import CrossingIndex

GRID = Grid(origin_um=(0, 0), pitch_um=(1.0, 0.75), shape=(96, 80), z_edges_um=[0, 2, 4.5, 7])
SOLIDS = {"ball": icosphere(1, 6, (0, 0, 4)), "cone": cone(7, 5, 6.5, (1, 2, 0)), "box": box((-3, -4, 0), (3, 4, 6))}


def turned(degrees, x, y):
    """Rotation about z, then a shift."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    out = np.eye(4)
    out[:2, :2] = [[c, -s], [s, c]]
    out[:2, 3] = x, y
    return out


def apart(parts):
    """The same parts, each with a solid of its own."""
    return [replace(p, solid=Solid.from_arrays(p.solid.vertices_um, p.solid.faces)) for p in parts]


def hold_against(parts, mode):
    """Masks and coverage of copies against those of separate solids."""
    copies, slow = masks_of(parts, GRID, mode), masks_of(apart(parts), GRID, mode)
    assert isinstance(slow.index, CrossingIndex)
    assert isinstance(copies.index, CopyIndex) == (len(alike(parts)) < len(parts))
    assert np.array_equal(copies._crossing, slow._crossing)
    for k in range(GRID.n_layers):
        ours, theirs = copies.coverage(k), slow.coverage(k)
        assert np.abs(ours - theirs).max() < 1e-10
        (mask, defects), (wanted, other) = copies.mask_and_defects(k), slow.mask_and_defects(k)
        near_a_tie = np.abs((theirs * 65535 + 0.5) % 1.0 - 0.5) > 0.5 - 1e-4  # rounded one way or the other
        a, b = mask.dense(np.uint16).astype(int), wanted.dense(np.uint16).astype(int)
        assert np.array_equal(a[~near_a_tie], b[~near_a_tie]) and np.abs(a - b).max(initial=0) <= 1
        assert (defects.rows, defects.shared > 0, defects.overlap > 0) == (other.rows, other.shared > 0, other.overlap > 0)


# no wall on a pixel's edge: whether a body that ends there shares the pixel is left to rounding
along_x, along_y = (st.integers(-4 * 16, most * 16).map(lambda n: n / 16 + 0.0103) for most in (84, 76))
places = st.lists(
    st.tuples(st.sampled_from(sorted(SOLIDS)), st.sampled_from([0.0, 90.0, 33.0]), along_x, along_y),
    min_size=2,
    max_size=9,
)


@settings(max_examples=examples(20))
@given(places, st.sampled_from(["area", "volume"]))
@example([("box", 0.0, 20.0, 20.0), ("box", 0.0, 26.0, 20.0), ("box", 0.0, 20.0, 28.0)], "area")  # walls in common
@example([("ball", 0.0, 20.0, 20.0), ("ball", 0.0, 20.0, 20.0)], "area")  # twice the same
@example([("ball", 0.0, 0.1, 20.0), ("ball", 0.0, 79.3, 20.0), ("ball", 0.0, 40.0, 71.9)], "volume")  # half out of the field
def test_copies_are_separate_solids(chosen, mode):
    hold_against([Part(solid=SOLIDS[name], transform=turned(deg, x, y), label=str(i)) for i, (name, deg, x, y) in enumerate(chosen)], mode)


@pytest.mark.parametrize("name", sorted(SOLIDS))
@pytest.mark.parametrize("mode", ["area", "volume"])
def test_an_array_gives_the_bytes_of_separate_solids(name, mode):
    """A quarter of a pixel further from one to the next: grays of all kinds, none of them near a tie."""
    parts = [Part(solid=SOLIDS[name], transform=turned(0, 8.1 + 12.25 * i, 9.05 + 10.5 * j)) for i in range(5) for j in range(5)]
    copies, slow = masks_of(parts, GRID, mode), masks_of(apart(parts), GRID, mode)
    for k in range(GRID.n_layers):
        assert np.abs(copies.coverage(k) - slow.coverage(k)).max() < 1e-12
        assert copies.mask(k).sha256() == slow.mask(k).sha256()
        assert all(np.array_equal(a, b) for a, b in zip(copies.mask(k).runs(), slow.mask(k).runs(), strict=True))


def test_the_index_holds_the_triangles_of_one():
    one = index_parts([Part(solid=SOLIDS["ball"])], GRID)
    parts = [Part(solid=SOLIDS["ball"], transform=turned(90.0 * (i % 2), 10 + i, 12)) for i in range(50)]
    index = index_parts([*parts, Part(solid=SOLIDS["cone"])], GRID)
    assert isinstance(index, CopyIndex) and [g.many for g in index.groups] == [1, 25, 25]
    assert sum(len(g.index.corners) for g in index.groups[1:]) == 2 * len(one.corners)
    out, n = index.segments(1, np.zeros((4, 4)))
    assert n == index.whole().segments(1, np.zeros((4, 4)))[1] and len(out) >= n


def test_heights_differ_and_dose_scales_do_not_part_copies():
    up = turned(0, 5, 5)
    up[2, 3] = 0.5
    parts = [Part(solid=SOLIDS["box"], transform=turned(0, 5, 5)), Part(solid=SOLIDS["box"], transform=up), Part(solid=SOLIDS["box"])]
    assert alike(parts) == [[0, 2], [1]]
    assert alike([replace(parts[0], dose_scale=2.0), parts[2]]) == [[0, 1]]


def test_surface_heights_of_copies():
    parts = [Part(solid=SOLIDS["cone"], transform=turned(0, 10 + 14.5 * i, 20.25 + 3.5 * i)) for i in range(4)]
    for k in range(GRID.n_layers):
        ours, theirs = surface_heights(parts, GRID, k), surface_heights(apart(parts), GRID, k)
        assert np.array_equal(ours.row, theirs.row) and np.array_equal(ours.col, theirs.col)
        for name in ("down_share", "up_share", "down_um", "up_um"):
            assert np.allclose(getattr(ours, name), getattr(theirs, name), atol=1e-9, equal_nan=True)


@settings(max_examples=examples(10))
@given(st.lists(st.tuples(st.floats(-20, 90), st.floats(-20, 80)), min_size=2, max_size=6), st.sampled_from([1, 4, 7]))
def test_tiles_know_how_high_copies_reach(at, tile):
    """As high as the triangles of all of them, or a little further around."""
    parts = [Part(solid=SOLIDS["cone"], transform=turned(0, x, y)) for x, y in at]
    ours, exact = (RecentMasks(masks_of(p, GRID), 3).tops_um(tile) for p in (parts, apart(parts)))
    assert (ours >= exact).all()
    if min(min(place) for place in at) < 10 or max(x for x, _ in at) > 70 or max(y for _, y in at) > 60:
        return  # what lies outside may seem to reach inside
    around = np.pad(exact, 1, constant_values=-np.inf)
    around = np.max([around[i : i + exact.shape[0], j : j + exact.shape[1]] for i in range(3) for j in range(3)], axis=0)
    assert (ours <= around).all()


def test_many_copies_of_a_mesh_that_needs_repair_are_repaired_once():
    whole = SOLIDS["ball"]
    torn = Solid.from_arrays(whole.vertices_um, whole.faces[1:])
    parts = [Part(solid=torn, transform=turned(0, 10.0 + 13 * i, 10)) for i in range(4)]
    maker = masks_of(parts, GRID)
    assert len({id(p.solid) for p in maker.parts}) == 1 and maker.parts[0].solid.repairs
    sound = [replace(p, solid=whole) for p in parts]
    assert np.allclose(maker.coverage(1), coverage(sound, GRID, 1), atol=1e-12)


@pytest.mark.parametrize("mode", ["area", "volume"])
def test_an_open_mesh_that_is_left_open(mode):
    whole = SOLIDS["box"]
    torn = Solid.from_arrays(whole.vertices_um, whole.faces[4:])
    parts = [Part(solid=torn, transform=turned(0, 10.0 + 13 * i, 10 + 7.5 * i)) for i in range(4)]
    ours, theirs = masks_of(parts, GRID, mode, "none"), masks_of(apart(parts), GRID, mode, "none")
    for k in range(GRID.n_layers):
        assert ours.mask_and_defects(k)[1] == theirs.mask_and_defects(k)[1]
        assert ours.mask(k).sha256() == theirs.mask(k).sha256()
