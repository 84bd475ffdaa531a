"""Shells that overlap, coincide, nest or touch: the mask is that of their union, pixels that two boundaries share included."""

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from oracles import polygon_coverage, section
from shapely.ops import polygonize, unary_union
from solids import box, grid, hull, icosphere, moved, prism
from tiers import examples

from pmsl import Grid, Solid
from pmsl.masks import coverage, masks_of
from pmsl.mesh.box_tree import BoxTree
from pmsl.mesh.part import Part
from pmsl.mesh.shells import shell_overlap
from pmsl.mesh.shells.shells import shells_of
from pmsl.mesh.triangle_soup import Soup


def joined(*solids):
    counts = np.cumsum([0, *(len(s.vertices_um) for s in solids)])
    return Solid.from_arrays(
        np.vstack([s.vertices_um for s in solids]), np.vstack([s.faces + n for s, n in zip(solids, counts, strict=False)])
    )


def flipped(solid):
    return Solid.from_arrays(solid.vertices_um, solid.faces[:, ::-1])


def cut(solid, z):
    """The filled section, by shapely."""
    return unary_union(list(polygonize(unary_union([shapely.LineString(s.reshape(2, 2)) for s in section(solid, z)]))))


@settings(max_examples=examples(6), deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.booleans())
@example(565, 2, False)  # two corners overlap within a pixel neither fills
def test_hulls_that_cross_give_their_union(seed, many, twice):
    rng = np.random.default_rng(seed)
    hulls = [hull(rng.uniform((-2, 1, -1), (17, 13, 4), (8, 3))) for _ in range(many)]  # some reach out of the field
    g = grid(edges=(0.5, 1.5))
    wanted = polygon_coverage(unary_union([cut(h, 1.0) for h in hulls]), g)
    for parts in (hulls, [joined(*hulls, *(hulls if twice else []))]):
        assert np.abs(coverage(parts, g, 0) - wanted).max() <= 1e-12
        mask, defects = masks_of(parts, g).mask_and_defects(0)
        assert np.array_equal(mask.dense(np.float64), np.floor(65535 * np.round(coverage(parts, g, 0) * 2**32) / 2**32 + 0.5) / 65535)
        assert (defects.rows, defects.shared) == (0, 0)


def test_one_solid_twice_is_one_solid():
    a = icosphere(3, 4, (7, 6, 2))
    mask, defects = masks_of([joined(a, a)], grid()).mask_and_defects(1)
    assert mask.sha256() == masks_of([a], grid()).mask(1).sha256() and defects.overlap > 0


def test_a_solid_nested_in_a_solid_adds_nothing():
    outer, inner = icosphere(3, 5, (7, 6, 2)), icosphere(2, 2.3, (7.2, 6.1, 2))
    for parts in ([outer, inner], [joined(outer, inner)]):
        mask, defects = masks_of(parts, grid()).mask_and_defects(1)
        assert mask.sha256() == masks_of([outer], grid()).mask(1).sha256() and defects.overlap > 0


def test_a_cavity_stays_a_cavity_and_pays_nothing():
    outer, inner = icosphere(3, 5, (7, 6, 2)), icosphere(2, 2.3, (7.2, 6.1, 2))
    g = grid()
    mask, defects = masks_of([joined(outer, flipped(inner))], g).mask_and_defects(1)
    assert np.allclose(coverage([joined(outer, flipped(inner))], g, 1), coverage([outer], g, 1) - coverage([inner], g, 1), atol=1e-12)
    assert defects.overlap == 0


def test_boxes_that_touch_are_one_box():
    halves = [box((1.3, 1, 0), (8.7, 9, 3)), box((8.7, 1, 0), (12.2, 9, 3))]
    assert np.abs(coverage([joined(*halves)], grid(), 1) - coverage([box((1.3, 1, 0), (12.2, 9, 3))], grid(), 1)).max() <= 1e-15
    assert masks_of(halves, grid()).mask_and_defects(1)[1].overlap == 0


@pytest.mark.parametrize("shift", [(0, 0), (0.5, 0), (0, 0.5), (0.31, 0.77)])
def test_axis_parallel_boxes_that_cross(shift):
    x, y = shift
    a, b = (1 + x, 2 + y, 9 + x, 8 + y), (5 + x, 4 + y, 12 + x, 11 + y)
    boxes = [box((*c[:2], 0), (*c[2:], 3)) for c in (a, b)]
    wanted = polygon_coverage(unary_union([shapely.box(*a), shapely.box(*b)]), grid())
    assert np.abs(coverage(boxes, grid(), 1) - wanted).max() <= 1e-14
    assert np.abs(coverage([joined(*boxes)], grid(), 1) - wanted).max() <= 1e-14


def test_a_shell_that_passes_through_itself_stays_solid():
    """A ring that winds twice around the middle: nonzero winding fills it."""
    angle = np.linspace(0, 4 * np.pi, 40, endpoint=False)
    radius = 4 + 1.2 * np.cos(angle / 2)
    ring = np.c_[7 + radius * np.cos(angle), 6 + radius * np.sin(angle)]
    solid = prism(ring, 0.0, 3.0)
    winding = unary_union([shapely.Polygon(p) for p in polygonize(unary_union(shapely.LinearRing(ring)))])
    assert not shapely.LinearRing(ring).is_simple
    assert np.abs(coverage([solid], grid(), 1) - polygon_coverage(winding, grid())).max() <= 1e-12


def test_the_window_may_cut_through_the_overlap():
    a, b = icosphere(3, 5, (7, 6, 2)), icosphere(3, 5, (9.3, 7.1, 2))
    whole = coverage([a, b], grid(), 1)
    for low, high in (((3, 2), (9, 11)), ((0, 0), (5, 6)), ((6, 7), (12, 14))):
        window = Grid(origin_um=(low[1], low[0]), pitch_um=1, shape=(high[0] - low[0], high[1] - low[1]), z_edges_um=(0, 1, 2, 3))
        part = coverage([a, b], window, 1)
        assert np.abs(part - whole[low[0] : high[0], low[1] : high[1]]).max() <= 1e-12


def test_a_union_moves_mirrors_and_turns_with_its_parts():
    a, b = icosphere(2, 4.2, (5, 6, 2)), icosphere(2, 3.3, (8.3, 6.4, 2.2))
    g = grid(rows=14, cols=14)
    plain = coverage([a, b], g, 1)

    def changed(matrix, shift):
        return [Solid.from_arrays(s.vertices_um @ np.array(matrix).T + shift, s.faces) for s in (a, b)]

    assert np.abs(coverage([moved(s, (1, 2, 0)) for s in (a, b)], g, 1)[2:, 1:] - plain[:-2, :-1]).max() <= 1e-12
    mirrored = [flipped(s) for s in changed(np.diag([-1.0, 1, 1]), (14, 0, 0))]
    assert np.abs(coverage(mirrored, g, 1) - plain[:, ::-1]).max() <= 1e-12
    turned = changed([[0, -1, 0], [1, 0, 0], [0, 0, 1]], (14, 0, 0))
    assert np.abs(coverage(turned, g, 1) - plain.T[:, ::-1]).max() <= 1e-12
    assert np.abs(coverage([joined(b, a)], g, 1) - plain).max() <= 1e-12


def test_overlap_in_a_row_that_also_has_a_hole_is_left_to_mending():
    a, b = icosphere(3, 4, (5, 6, 2)), icosphere(3, 4, (8, 6, 2))
    z = b.vertices_um[b.faces][:, :, 2]
    hole = np.flatnonzero((z.min(axis=1) < 1.4) & (z.max(axis=1) > 1.6))[::9]
    holed = Solid.from_arrays(b.vertices_um, np.delete(b.faces, hole, axis=0))
    found = [masks_of([a, holed], grid(), repair="none").mask_and_defects(k) for k in range(3)]
    assert sum(d.rows for _, d in found) > 0 and all(d.overlap > 0 for _, d in found)
    for k, (mask, defects) in enumerate(found):
        off = np.abs(mask.dense(np.float64) - coverage([a, b], grid(), k))
        rows = np.flatnonzero((off > 1e-4).any(axis=1))
        assert len(rows) <= defects.rows


@pytest.mark.parametrize("turn", [None, (20, 30, 40)], ids=["as it is", "turned"])
@pytest.mark.parametrize("few", [True, False])
def test_the_heights_of_crossings_are_those_of_all_triangles(monkeypatch, turn, few):
    """A coarse grid leaves out what is far from other shells; no pair that crosses may be among it."""
    monkeypatch.setattr(shell_overlap, "MANY", 10**9 if few else 0)
    monkeypatch.setattr(shell_overlap, "CELLS", 9)
    monkeypatch.setattr(shell_overlap, "BLOCK", 100)
    rng = np.random.default_rng(3)
    shells = [moved(hull(rng.normal(size=(60, 3)) * 2), rng.uniform(0, 9, 3)) for _ in range(12)] + [box((0, 0, 0), (9, 0.5, 9))]
    whole = joined(*shells)
    transform = np.eye(4)
    if turn is not None:
        transform[:3, :3] = np.linalg.qr(np.random.default_rng(turn[0]).normal(size=(3, 3)))[0]
        transform[:3, 3] = (100, 50, 3)
    of_file = Solid.of_soup(Soup(np.float32(whole.vertices_um[whole.faces].reshape(-1, 3)), 1.0), source="a", sha256="", unit="um")
    same = Solid.from_arrays(of_file.points_um(slice(None)), np.arange(3 * len(whole.faces)).reshape(-1, 3))
    parts = [Part(solid=of_file, transform=transform)]
    found = shell_overlap.crossing_heights(parts, 10**9)
    placed = Part(solid=same, transform=transform).placed_um()
    shells_of_all = shells_of(same.vertices_um, same.faces)
    every = np.arange(len(same.faces))
    pairs = BoxTree.of(placed, same.faces, every).crossed_by(every, shells_of_all.label, other=True, rim=True).pairs
    z = placed[same.faces[pairs], 2]
    wanted = np.stack([z.min(axis=2).max(axis=1), z.max(axis=2).min(axis=1)], axis=1)
    assert len(wanted) > 50 and np.array_equal(np.unique(found, axis=0), np.unique(wanted, axis=0))
