"""Regions that meshes draw: what every pixel receives, against polygons clipped one by one; and what must not matter."""

import dataclasses
import random

import msgspec
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import polygon_coverage
from printer_resin_pairs import printer_for
from solids import box, icosphere, moved, prism
from tiers import examples

import pmsl
from pmsl.core.grid import Grid
from pmsl.core.mask import FULL
from pmsl.correct.modifiers import RegionShares
from pmsl.errors import ExposureError, MeshError, UsageError
from pmsl.exposure.images import Merger
from pmsl.masks.mask_source import masks_of
from pmsl.masks.shape_shares import ShapeShares
from pmsl.mesh.part import Part
from pmsl.mesh.region import ORDINARY, ImageSetting, Region, RegionImage
from pmsl.profiles.printer import FlatField, Response
from pmsl.profiles.process import Regions
from pmsl.profiles.tables.strict_struct import Value

RESIN, PROCESS = pmsl.find_resin("pr48-405"), pmsl.find_process("default")
PRINTER = printer_for(RESIN)
SHAPE, P = (24, 30), 27.0
replace = msgspec.structs.replace
ORDINARY_DOSE = 1.5 * 17.9 * np.exp(10 / 69.3)


def value(v):
    return Value(value=v, class_="measured", source="test")


SMALL = replace(PRINTER, dmd=replace(PRINTER.dmd, shape=value(SHAPE)))
EVEN = replace(PROCESS, bottom_dose_factors=())
GRID = Grid(origin_um=(0.0, 0.0), pitch_um=(P, P), shape=SHAPE, z_edges_um=np.arange(4) * 10.0)


def px(low, high):
    """Box from pixel corners (x, y) and heights in µm."""
    return box((low[0] * P, low[1] * P, low[2]), (high[0] * P, high[1] * P, high[2]))


def region(solid, dose_scale=None, **said):
    return Region(solid=solid, dose_scale=dose_scale, **said)


def job_of(parts, process=EVEN, printer=SMALL, resin=RESIN, **more):
    return pmsl.prepare(parts, printer, resin, process, **more)


def one_part(*regions, solid=None, process=EVEN, printer=SMALL, **more):
    return job_of([Part(solid=solid or px((4, 4, 0), (26, 20, 30)), label="part", regions=regions, **more)], process, printer)


def factors_of(job, k):
    """Dose of every pixel of layer k over the ordinary white dose."""
    return pmsl.dose_map(job, job[k]).dense() / ORDINARY_DOSE


def near(found, wanted, largest):
    assert found == pytest.approx(wanted, abs=0.5 / 255 * largest * 1.001)


def same_frames(a, b):
    for k in range(a.n_layers):
        one, other = a[k].exposures, b[k].exposures
        assert [(e.mask.sha256(), e.time_s, e.dose_mj_cm2, e.power, e.focus_um) for e in one] == [
            (e.mask.sha256(), e.time_s, e.dose_mj_cm2, e.power, e.focus_um) for e in other
        ]


def codes(job):
    return [f.code for f in job.findings]


# --- against polygons ------------------------------------------------------------------------------------------


def turned_rectangle(rng, size=(3.0, 14.0)):
    """A turned rectangle somewhere in the field, in µm; one in three lies on pixel corners."""
    w, h = rng.uniform(*size), rng.uniform(*size)
    x, y, angle = rng.uniform(-2, 26), rng.uniform(-2, 20), rng.uniform(0, np.pi)
    if rng.random() < 1 / 3:
        x, y, w, h, angle = round(x), round(y), round(w), round(h), 0.0
    corners = np.array([(0, 0), (w, 0), (w, h), (0, h)]) @ np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    return (corners + (x, y)) * P


def slow_shares(part, shapes):
    """What each shape has of the part, the last one first to claim, and what is left: coverages by clipping."""
    claimed, out = shapely.Polygon(), []
    for shape in reversed(shapes):
        out.insert(0, polygon_coverage(part.intersection(shape).difference(claimed), GRID))
        claimed = claimed.union(shape)
    return out, polygon_coverage(part.difference(claimed), GRID)


@settings(max_examples=examples(12))
@given(st.integers(0, 1 << 30), st.integers(1, 3))
def test_every_pixel_gets_the_factor_of_its_region_by_covered_share(seed, many):
    rng = np.random.default_rng(seed)
    field, part = shapely.box(0, 0, SHAPE[1] * P, SHAPE[0] * P), shapely.Polygon()
    while part.area < 9 * P * P:
        part = shapely.Polygon(turned_rectangle(rng, (8.0, 18.0))).intersection(field)
    solid = prism(np.array(shapely.geometry.polygon.orient(part).exterior.coords)[:-1], 0, 30)
    rings = [turned_rectangle(rng) for _ in range(many)]
    scales = [float(rng.choice([0.0, 0.3, 0.6, 1.0, 1.7, 2.5])) for _ in range(many)]
    regions = tuple(region(prism(r, -5, 20), scale) for r, scale in zip(rings, scales, strict=True))
    placed = [Part(solid=solid, label="part", regions=regions)]
    shares = RegionShares(placed, GRID, "area", 1.0)
    recent = masks_of(placed, GRID)
    wanted, rest = slow_shares(part, [shapely.Polygon(r) for r in rings])
    expected = rest + sum(scale * share for scale, share in zip(scales, wanted, strict=True))
    for k, right in ((0, expected), (1, expected), (2, polygon_coverage(part, GRID))):
        mask = recent.mask(k)
        pieces = shares.split(k, [(mask, 1.0)], mask, recent.mask)
        found = sum(piece.factor * piece.mask.dense(np.float64) for piece in pieces)
        assert np.abs(found - right).max() <= 8 / FULL * max(scales + [1.0])
        levels = sum(piece.mask.dense(np.uint16).astype(np.int64) for piece in pieces)
        assert np.array_equal(levels, mask.dense(np.uint16))  # nothing is lost, nothing is added
        assert len({(piece.factor, piece.setting) for piece in pieces}) == len(pieces)


@pytest.mark.parametrize("mode", ["area", "volume"])
def test_the_intersection_is_exact_where_both_boundaries_pass_through_a_pixel(mode):
    """Slanted solids in volume mode too: a sphere cut by a box, whose parts on both sides make the whole."""
    ball = icosphere(3, 7.3 * P, (12.2 * P, 11.9 * P, 14.0))
    flat = pmsl.Solid.from_arrays(ball.vertices_um * (1, 1, 0.06) + (0, 0, 14.0), ball.faces)
    cut = 13.37 * P
    left, right = box((-100, -100, -50), (cut, 2000, 90)), box((cut, -100, -50), (3000, 2000, 90))
    maker = masks_of([flat], GRID, mode)
    for k in range(3):
        mask = maker.mask(k)
        if mask.empty:
            continue
        halves = [ShapeShares([Part(solid=flat)], [Part(solid=s)], GRID, mode).levels(k, mask, mask.window) for s in (left, right)]
        sums = halves[0].astype(np.int64) + halves[1]
        assert np.abs(sums - mask.within(mask.window, np.uint16)).max() <= 3
        assert (halves[0] > 0).any() and (halves[1] > 0).any()


def box_overlap(grid, k, mode, low, high):
    """Exact coverage of a box: (rows, cols); all 0 where it is inside out."""
    z0, z1 = grid.z_edges_um[k : k + 2]
    depth = float(low[2] < (z0 + z1) / 2 <= high[2]) if mode == "area" else max(min(z1, high[2]) - max(z0, low[2]), 0.0) / (z1 - z0)
    x, y = ((P * np.arange(n)) for n in SHAPE[::-1])
    wide, long = (np.clip(np.minimum(at + P, high[i]) - np.maximum(at, low[i]), 0, None) / P for i, at in enumerate((x, y)))
    return depth * np.outer(long, wide)


@pytest.mark.parametrize("mode", ["area", "volume"])
@settings(max_examples=examples(6), deadline=None)
@given(st.lists(st.integers(1, 53), min_size=4, max_size=4), st.integers(-40, 40), st.integers(1, 29), st.integers(0, 1))
def test_boxes_that_share_pixels_with_a_region_give_what_lies_inside_it_and_no_more(mode, x, gap, top, axis):
    """Two boxes one behind the other, up to a gap below a pixel, and a region that ends before, in or behind the first; in z too."""
    a, b = 4 * P + x[0], 4 * P + x[0] + 60 + x[1]
    c = b + 1 + x[2]
    turn = [0, 1] if axis == 0 else [1, 0]

    def corners(low, high, z0, z1):
        sides = [(low, high), (3.3 * P, 9.6 * P)]
        (x0, x1), (y0, y1) = (sides[i] for i in turn)
        return (x0, y0, z0), (x1, y1, z1)

    boxes = [corners(a, b, 0.0, 30.0), corners(c, c + 40 + x[3], 0.0, float(top))]
    edge = a + gap
    for region_box in (corners(-50.0, edge, -5.0, 50.0), corners(edge + 100, 900.0, -5.0, 50.0), corners(-50.0, 900.0, top + 0.5, 50.0)):
        parts, shape = [Part(solid=box(*one)) for one in boxes], Part(solid=box(*region_box))
        for some, corner in ((parts, boxes), (parts[1:], boxes[1:])):
            maker, inside = masks_of(some, GRID, mode, "none"), ShapeShares(some, [shape], GRID, mode)
            for k in range(3):
                mask = maker.mask(k)
                if mask.empty:
                    continue
                cuts = [(np.maximum(low, region_box[0]), np.minimum(high, region_box[1])) for low, high in corner]
                wanted = [box_overlap(GRID, k, mode, *cut) if (cut[0] < cut[1]).all() else np.zeros(SHAPE) for cut in cuts]
                found = inside.levels(k, mask, mask.window)
                right = sum(wanted)[mask.window.row0 :, mask.window.col0 :][: mask.window.rows, : mask.window.cols]
                assert np.abs(found / FULL - right).max() <= 4 / FULL
                if all(np.any(np.less(high, region_box[0]) | np.greater(low, region_box[1])) for low, high in corner):
                    assert not found.any()


@pytest.mark.parametrize("coverage", ["area", "volume"])
@pytest.mark.parametrize("end", [4.0, 4.05, 4.29])
def test_a_region_that_ends_before_the_part_in_the_same_pixel_changes_nothing(coverage, end):
    part = px((4.3, 4, 0), (26, 20, 30))
    process = replace(EVEN, coverage=coverage)
    beside = one_part(region(px((0, 0, 0), (end, 24, 30)), 0.5), solid=part, process=process)
    same_frames(beside, one_part(solid=part, process=process))


# --- what must not matter --------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [0.4, 1.0, 1.6])
def test_a_region_around_the_whole_part_is_its_dose_scale(scale):
    around = region(px((-3, -3, -10), (40, 40, 90)), scale)
    same_frames(one_part(around), one_part(dose_scale=scale))


def test_a_region_of_factor_1_changes_no_byte(tmp_path):
    pmsl.write(one_part(region(px((7.3, 2, -5), (20, 13.5, 15)), 1.0)), tmp_path / "a")
    pmsl.write(one_part(), tmp_path / "b")
    a, b = ({p.relative_to(t): p.read_bytes() for p in sorted(t.rglob("*")) if p.is_file()} for t in (tmp_path / "a", tmp_path / "b"))
    assert a == b


def test_factor_1_last_takes_an_earlier_factor_back():
    half, back = region(px((7.3, 2, -5), (20, 13.5, 50)), 0.5), region(px((5, 1, -5), (22, 14, 50)), 1.0)
    same_frames(one_part(half, back), one_part())


def test_the_order_in_which_regions_are_named_decides_and_nothing_else_does():
    a, b = region(px((6, 6, 0), (16, 16, 30)), 0.5), region(px((12, 10, 0), (24, 18, 30)), 2.0)
    wanted = np.zeros(SHAPE)
    wanted[4:20, 4:26] = 1.0
    first, last = wanted.copy(), wanted.copy()
    first[6:16, 6:16], last[10:18, 12:24] = 0.5, 2.0
    first[10:18, 12:24], last[6:16, 6:16] = 2.0, 0.5
    near(factors_of(one_part(a, b), 1), first, 2.0)
    near(factors_of(one_part(b, a), 1), last, 2.0)
    (found,) = [f for f in one_part(a, b).findings if f.code == "regions-overlap"]
    assert found.severity == "info" and found.layers == (0, 2) and "named last" in found.message
    apart = region(px((16, 6, 0), (20, 10, 30)), 2.0)  # touches a
    assert "regions-overlap" not in codes(one_part(a, apart))
    same_frames(one_part(a, apart), one_part(apart, a))


@pytest.mark.parametrize("x", [11.0, 11.43])
def test_a_region_cut_in_two_is_the_region(x):
    whole = [region(px((6.2, 6.7, 0), (16.4, 15.1, 20)), 0.55)]
    halves = [region(px((6.2, 6.7, 0), (x, 15.1, 20)), 0.55), region(px((x, 6.7, 0), (16.4, 15.1, 20)), 0.55)]
    a, b = one_part(*whole), one_part(*halves)
    for k in range(3):
        assert np.abs(pmsl.dose_map(a, a[k]).dense() - pmsl.dose_map(b, b[k]).dense()).max() <= ORDINARY_DOSE / 255
    same_frames(a, b)


def test_layers_in_any_order_and_again_are_the_same():
    regions = (region(px((6.2, 6.7, 0), (16.4, 15.1, 20)), 0.55), region(px((10, 3, -5), (30, 9.4, 15)), 1.4, focus_um=20.0))
    a, b = one_part(*regions), one_part(*regions)
    order = [2, 0, 1, 0, 2]
    random.Random(1).shuffle(order)
    for k in order:
        assert [e.mask.sha256() for e in b[k].exposures] == [e.mask.sha256() for e in a[k].exposures]


def test_factors_multiply_those_of_the_part_and_of_the_process():
    inner = region(px((8, 8, 0), (18, 16, 30)), 0.5)
    job = one_part(inner, process=replace(EVEN, regions=Regions(bulk=1.5, edge=0.8, edge_erode_px=1)), dose_scale=1.2)
    wanted = np.zeros(SHAPE)
    wanted[4:20, 4:26] = 0.8 * 1.2
    wanted[5:19, 5:25] = 1.5 * 1.2
    wanted[8:16, 8:18] = 1.5 * 1.2 * 0.5
    near(factors_of(job, 1), wanted, 1.8)


def test_a_part_inside_a_part_does_not_undo_a_region():
    outer = Part(solid=px((4, 4, 0), (26, 20, 30)), label="outer", regions=(inner := region(px((8, 8, 0), (18, 16, 30)), 0.5),))
    core = Part(solid=px((10, 10, 0), (12, 12, 30)), label="core")
    alone = one_part(inner)
    for k in range(3):
        same = pmsl.dose_map(job := job_of([outer, core]), job[k]).dense(), pmsl.dose_map(alone, alone[k]).dense()
        assert np.array_equal(*same)


# --- whose it is -----------------------------------------------------------------------------------------------


def test_a_region_reaches_no_part_but_its_own():
    mine = Part(solid=px((3, 3, 0), (10, 20, 20)), label="mine", regions=(region(px((6, 0, -5), (28, 30, 50)), 0.5),))
    other = Part(solid=px((14, 3, 0), (24, 20, 20)), label="other")
    job = job_of([mine, other])
    wanted = np.zeros(SHAPE)
    wanted[3:20, 3:10], wanted[3:20, 14:24] = 1.0, 1.0
    wanted[3:20, 6:10] = 0.5
    near(factors_of(job, 0), wanted, 1.0)
    assert job.regions[0].parts == (0,)


def test_copies_take_their_regions_along():
    part = Part(solid=px((0, 0, 0), (6, 6, 20)), label="chip", regions=(region(px((2.5, 2.25, -5), (4, 9, 10)), 0.5),))
    copies = pmsl.place_copies([part], SMALL, RESIN, (2, 2), spacing_um=(4 * P, 5 * P))
    job = pmsl.prepare(copies, SMALL, RESIN, EVEN)
    factors = factors_of(job, 0)
    corners = [tuple(np.round(p.bounds_um()[0, :2] / P).astype(int)) for p in job.design]
    single = factors_of(job_of([Part(solid=part.solid, regions=part.regions)]), 0)[:6, :6]
    for col, row in corners:
        assert np.array_equal(factors[row : row + 6, col : col + 6], single)
    assert job.regions[0].parts == (0, 1, 2, 3) and len(job.regions) == 1
    assert (factors_of(job, 1) > 0.99).sum() == 4 * 36


def test_packed_parts_take_their_doses_and_regions_along():
    pytest.importorskip("rectpack")
    a = Part(solid=px((0, 0, 0), (6, 6, 20)), label="a", regions=(region(px((2, 2, -5), (40, 9, 10)), 0.5),))
    b = Part(solid=px((0, 0, 0), (5, 7, 20)), label="b", dose_scale=1.5)
    (placed,) = pmsl.pack([a, b], SMALL, RESIN, 2 * P)
    assert [(p.label, p.dose_scale, len(p.regions)) for p in placed.parts] == [("a", 1.0, 1), ("b", 1.5, 0)]
    job = pmsl.prepare(placed, SMALL, RESIN, EVEN)
    found = {round(float(f), 2): int(n) for f, n in zip(*np.unique(factors_of(job, 0).round(2), return_counts=True), strict=True)}
    assert found == {0.0: SHAPE[0] * SHAPE[1] - 71, 0.5: 16, 1.0: 20, 1.5: 35}


def test_a_region_goes_where_its_part_goes_and_is_no_part_of_its_box():
    part = Part(solid=box((0, 0, 0), (8 * P, 5 * P, 20)), label="p", regions=(region(box((2 * P, -99, -99), (4 * P, 5000, 99)), 0.5),))
    placed = pmsl.place([part], SMALL, RESIN, rotate_deg=(0, 0, 90), scale=(1, 2, 1), at_um=(6 * P, 7 * P))
    factors = factors_of(pmsl.prepare(placed, SMALL, RESIN, EVEN), 1)
    wanted = np.zeros(SHAPE)
    wanted[7:15, 6:16] = 1.0
    wanted[9:11, 6:16] = 0.5
    near(factors, wanted, 1.0)


def test_a_part_with_a_place_is_not_placed_again():
    stands = Part(solid=px((0, 0, 0), (2, 2, 20)), transform=np.diag([2.0, 1, 1, 1]), label="stands")
    with pytest.raises(UsageError, match="stands: it has a place already"):
        pmsl.place([stands], SMALL, RESIN)


# --- focus, power, waits, dilation -----------------------------------------------------------------------------


def test_what_is_shown_otherwise_is_an_exposure_of_its_own():
    inner = region(px((8, 8, 0), (18.5, 16, 20)), 0.5, focus_um=50.0, wait_before_s=0.25, wait_after_s=2.0)
    job = one_part(inner)
    plain, own = job[0].exposures
    assert (plain.focus_um, plain.wait_before_s, plain.wait_after_s) == (0.0, 0.0, 0.0)
    assert (own.focus_um, own.wait_before_s, own.wait_after_s) == (50.0, 0.25, 2.0)
    assert own.dose_mj_cm2 == pytest.approx(0.5 * plain.dose_mj_cm2, rel=1e-12)
    assert own.time_s == pytest.approx(0.5 * plain.time_s, rel=1e-12)
    assert np.array_equal(own.mask.dense(np.uint16)[10, 16:20], [FULL, FULL, 32768, 0])
    assert np.array_equal(plain.mask.dense(np.uint16)[10, 16:20], [0, 0, 32767, FULL])
    assert len(job[2].exposures) == 1
    assert job.estimate().print_time_s == pytest.approx(sum(plan.duration_s for plan in job.layers()))
    assert job.estimate().resin_ml == one_part().estimate().resin_ml


def test_power_is_another_setting_with_the_same_dose():
    settings_of = [msgspec.structs.replace(PRINTER.optics.settings[0], power=p) for p in (50.0, 100.0)]
    settings_of[1] = replace(settings_of[1], irradiance_mw_cm2=value(settings_of[0].irradiance_mw_cm2.value * 4))
    limits = replace(SMALL.limits, max_power=value(100.0))
    printer = replace(SMALL, optics=replace(SMALL.optics, settings=settings_of), limits=limits)
    job = one_part(region(px((8, 8, 0), (18, 16, 20)), 2.0, power=100.0), printer=printer)
    plain, own = job[0].exposures
    assert (plain.power, own.power) == (50.0, 100.0)
    assert own.dose_mj_cm2 == pytest.approx(2 * plain.dose_mj_cm2) and own.time_s == pytest.approx(plain.time_s / 2)
    same_frames(
        one_part(region(px((8, 8, 0), (18, 16, 20)), 2.0, power=50.0), printer=printer),
        one_part(region(px((8, 8, 0), (18, 16, 20)), 2.0), printer=printer),
    )
    with pytest.raises(UsageError, match="power 70 is no light setting of printer .*; it has 50, 100"):
        one_part(region(px((8, 8, 0), (18, 16, 20)), 2.0, power=70.0), printer=printer)


@pytest.mark.parametrize(("focus", "reach"), [(30.0, 2.0), (30.0, 2.5), (None, 1.75)])
def test_a_collar_is_lit_beside_its_region_as_far_as_the_part_reaches(focus, reach):
    """The region stands 1.5 px from the upper wall of the part: the collar ends there. Round joins at the corners, by polygons."""
    shape, part = shapely.box(8 * P, 8.3 * P, 18 * P, 18.5 * P), shapely.box(4 * P, 4 * P, 26 * P, 20 * P)
    job = one_part(region(px((8, 8.3, 0), (18, 18.5, 20)), 0.5, focus_um=focus, dilate_um=reach * P))
    ring = part.intersection(shape.buffer(reach * P, quad_segs=256)).difference(shape)
    wanted = polygon_coverage(part.difference(shape), GRID) + 0.5 * polygon_coverage(shape, GRID) + 0.5 * polygon_coverage(ring, GRID)
    near(factors_of(job, 0), wanted, 1.5 + 0.5 * (focus is not None))
    near(factors_of(job, 2), polygon_coverage(part, GRID), 1.0)
    assert len(job[0].exposures) == (1 if focus is None else 2)
    if focus is not None:
        own = job[0].exposures[1].mask.dense(np.float64)
        assert np.abs(own - polygon_coverage(shape, GRID) - polygon_coverage(ring, GRID)).max() < 2e-3


def test_dilation_is_refused_where_slabs_have_no_outline():
    with pytest.raises(UsageError, match="dilate_um 20 moves outlines.*coverage 'volume'"):
        one_part(region(px((8, 8, 0), (18, 16, 20)), 0.5, dilate_um=20.0), process=replace(EVEN, coverage="volume"))


def test_volume_coverage_shares_a_slab_by_what_is_inside():
    """A region that ends in the middle of a slab has half of it."""
    job = one_part(region(px((8, 8, -5), (18, 16, 15)), 0.5), process=replace(EVEN, coverage="volume"))
    wanted = np.zeros(SHAPE)
    wanted[4:20, 4:26] = 1.0
    for k, factor in ((0, 0.5), (1, 0.75), (2, 1.0)):
        wanted[8:16, 8:18] = factor
        near(factors_of(job, k), wanted, 1.0)


# --- factors of the process ------------------------------------------------------------------------------------


def test_edge_factors_hold_only_inside_regions_that_name_them():
    process = replace(EVEN, regions=Regions(edge=0.5, edge_erode_px=1, edge_dilate_px=1))
    job = one_part(region(px((1, 1, -5), (10, 10, 15)), factors=("edge",)), process=process)
    wanted = np.zeros(SHAPE)
    wanted[3:21, 3:27] = 0.5
    wanted[3, 3] = 0.0  # a disc
    wanted[:, 10:], wanted[10:] = 0.0, 0.0
    wanted[5:20, 5:26], wanted[10:20, 4:26], wanted[4:20, 10:26] = 1.0, 1.0, 1.0
    near(factors_of(job, 1), wanted, 1.0)
    plain = np.zeros(SHAPE)
    plain[4:20, 4:26] = 1.0
    near(factors_of(job, 2), plain, 1.0)


def test_roof_factors_hold_only_inside_regions_that_name_them():
    table = [px((6, 6, 0), (12, 18, 40)), px((6, 6, 40), (26, 18, 80))]
    named = region(px((18, 0, 0), (30, 30, 100)), factors=("roof",))
    parts = [Part(solid=solid, label=str(i), regions=(named,)) for i, solid in enumerate(table)]
    job = job_of(parts, replace(EVEN, regions=Regions(roof=0.6, roof_layers=3)))
    wanted = np.zeros(SHAPE)
    wanted[6:18, 6:26] = 1.0
    wanted[6:18, 18:26] = 0.6
    near(factors_of(job, 5), wanted, 1.0)


def test_regions_that_name_factors_do_not_take_light_from_others():
    process = replace(EVEN, regions=Regions(edge=0.5, edge_erode_px=1))
    own, named = region(px((4, 4, 0), (14, 14, 30)), 2.0), region(px((4, 4, 0), (9, 20, 30)), factors=("edge",))
    wanted = np.zeros(SHAPE)
    wanted[4:20, 4:26] = 1.0
    wanted[4:14, 4:14] = 2.0
    wanted[4:20, 4] /= 2
    wanted[4, 5:9] /= 2
    wanted[19, 5:9] /= 2
    near(factors_of(one_part(own, named, process=process), 1), wanted, 2.0)


def test_a_factor_that_the_process_does_not_have():
    with pytest.raises(UsageError, match="factors names 'edge', but process default has no edge in its"):
        one_part(region(px((1, 1, 0), (9, 9, 9)), factors=("edge",)))


# --- induction, response ---------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, FULL), min_size=2, max_size=4), st.floats(0.5, 6.0))
def test_shared_pixels_pay_the_induction_dose_for_what_they_cover_together(levels, induction):
    total = max(sum(levels), FULL)
    shares = [level * FULL // total for level in levels]
    merger = Merger.of(np.arange(256) / 255, induction)
    masks = [pmsl.LayerMask.from_dense(0, np.full((2, 2), level, np.uint16)) for level in shares]
    merged = merger.images([(mask, 1.0) for mask in masks], 20.0, shared=True)
    found = sum(mask.dense(np.float64) * dose for mask, dose in merged)
    assert found == pytest.approx(20.0 * sum(shares) / FULL, abs=20.0 * (0.5 / 255 + 1e-3))


def test_a_curved_response_splits_what_one_image_cannot_show():
    curved = replace(SMALL, response=Response(kind="gamma", gamma=value(2.2)))
    job = one_part(region(px((8, 8, 0), (18, 16, 20)), 0.5), printer=curved)
    wanted = np.zeros(SHAPE)
    wanted[4:20, 4:26] = 1.0
    wanted[8:16, 8:18] = 0.5
    assert factors_of(job, 0) == pytest.approx(wanted, abs=0.006)


# --- with what else there is -----------------------------------------------------------------------------------


def test_an_uneven_field_is_evened_out_in_every_image():
    """Each pixel gets its region's dose whatever the field gives it; exposures of their own too."""
    flat = FlatField(vignetting=value(0.3), reference="mean")
    printer = replace(SMALL, optics=replace(SMALL.optics, flat_field=flat))
    job = one_part(
        region(px((8, 8, 0), (18, 16, 20)), 0.5, focus_um=20.0), process=replace(EVEN, corrections=("flatfield",)), printer=printer
    )
    wanted = np.zeros(SHAPE)
    wanted[4:20, 4:26] = 1.0
    wanted[8:16, 8:18] = 0.5
    assert [e.focus_um for e in job[0].exposures] == [0.0, 20.0]
    assert factors_of(job, 0) == pytest.approx(wanted, abs=0.5 / 255 * 1.5)


@pytest.mark.parametrize(("do", "dose"), [("keep", 0.1), ("lift", 0.5), ("drop", 0.0)])
def test_grays_that_never_cure_are_held_against_the_dose_of_their_region(do, dose):
    """A wall of a fifth of a pixel: half of the ordinary dose is the most that its region gives it."""
    wall = prism([(6 * P, 4 * P), (6.2 * P, 4 * P), (6.2 * P, 20 * P), (6 * P, 20 * P)], 0, 30)
    half = (region(px((1, 1, -5), (15, 12, 50)), 0.5),)
    block = px((12, 4, 0), (26, 20, 30))
    job = job_of([Part(solid=solid, regions=half) for solid in (block, wall)], replace(EVEN, unreachable=do))
    factors = factors_of(job, 2)
    assert factors[6, 6] == pytest.approx(dose, abs=0.01) and factors[6, 13] == pytest.approx(0.5, abs=0.005)
    assert [f.code for f in job[2].findings] == ["unreachable-gray"]


# --- what is said ----------------------------------------------------------------------------------------------


def test_regions_that_change_nothing_are_said():
    beside = one_part(region(px((27, 4, 0), (29, 9, 30)), 0.5))
    (found,) = [f for f in beside.findings if f.code == "region-beside-part"]
    assert found.severity == "warning" and "no part of it lies inside" in found.message
    assert found.box_um == ((27 * P, 4 * P, 0.0), (29 * P, 9 * P, 30.0))
    in_void = one_part(region(px((9, 9, 0), (11, 11, 30)), 0.5), solid=tube())
    assert "region-beside-part" in codes(in_void)
    for low, high in (((40, 4, 0), (50, 9, 30)), ((5, 5, 31), (9, 9, 60)), ((5, 5, -60), (9, 9, 0))):
        outside = one_part(region(px(low, high), 0.5))
        assert "region-outside-field" in codes(outside) and "region-beside-part" not in codes(outside)
        same_frames(outside, one_part())
    touching = one_part(region(px((-9, 4, 0), (4.02, 9, 30)), 0.5))
    assert not {"region-beside-part", "region-outside-field"} & set(codes(touching))


def tube():
    """A wall around a square hole, of four overlapping boxes."""
    walls = [px((4, 4, 0), (26, 8, 30)), px((4, 16, 0), (26, 20, 30)), px((4, 4, 0), (8, 20, 30)), px((22, 4, 0), (26, 20, 30))]
    count, vertices, faces = 0, [], []
    for wall in walls:
        vertices.append(wall.vertices_um)
        faces.append(wall.faces + count)
        count += len(wall.vertices_um)
    return pmsl.Solid.from_arrays(np.concatenate(vertices), np.concatenate(faces), source="tube")


def test_doses_above_the_limits_are_refused_before_any_layer():
    low = replace(SMALL, limits=replace(SMALL.limits, max_dose_mj_cm2=value(ORDINARY_DOSE * 1.9)))
    with pytest.raises(ExposureError, match=r"layer 0: white dose .* is above the limit"):
        one_part(region(px((8, 8, 0), (18, 16, 20)), 2.0), printer=low)
    one_part(region(px((8, 8, 0), (18, 16, 20)), 1.8), printer=low)
    bottoms = replace(EVEN, bottom_dose_factors=(1.2,))
    with pytest.raises(ExposureError, match=r"layer 0: white dose"):
        one_part(region(px((8, 8, 0), (18, 16, 20)), 1.7), printer=low, process=bottoms)


def test_regions_without_light_end_the_job_or_are_refused():
    job = one_part(region(px((-9, -9, 15), (90, 90, 90)), 0.0))
    assert job.n_layers == 2 and "layers-left-out" in codes(job) and "layer-without-dose" not in codes(job)
    with pytest.raises(MeshError, match="dose factors of 0 leave no light for it"):
        one_part(region(px((-9, -9, -9), (90, 90, 90)), 0.0))


def test_one_mesh_named_twice_is_said():
    mesh = px((8, 8, 0), (18, 16, 20))
    job = one_part(region(mesh, 0.5), region(mesh, 2.0))
    assert "regions-overlap" in codes(job)
    same_frames(job, one_part(region(mesh, 2.0)))


def test_weak_regions_are_said():
    job = one_part(region(px((8, 8, 0), (18, 16, 20)), 0.5))
    (found,) = [f for f in job.findings if f.code == "weak-layers"]
    assert found.layers == (0, 1) and found.value == 0.5
    assert "raise the dose_scale of region" in found.message and "bulk" not in found.message
    strong = region(px((20, 8, 0), (24, 16, 20)), 1.5, label="strong")
    job = one_part(region(px((8, 8, 0), (18, 16, 20)), 0.5, label="faint"), strong)
    (found,) = [f for f in job.findings if f.code == "weak-layers"]
    assert "raise the dose_scale of region faint, or margin_um" in found.message
    (found,) = [f for f in one_part(strong, dose_scale=0.5).findings if f.code == "weak-layers"]
    assert "dose scale of the part" in found.message and "strong" not in found.message


def test_open_and_turned_region_meshes_are_repaired_and_said():
    whole = px((8, 8, 0), (18, 16, 20))
    turned = pmsl.Solid.from_arrays(whole.vertices_um, whole.faces[:, ::-1], source="turned.stl")
    same_frames(one_part(region(turned, 0.5)), one_part(region(whole, 0.5)))
    opened = pmsl.Solid.from_arrays(whole.vertices_um, whole.faces[1:], source="opened.stl")
    job = one_part(region(opened, 0.5))
    same_frames(job, one_part(region(whole, 0.5)))
    assert job.regions[0].repairs and any("opened.stl" in f.message or "close" in f.message for f in job.findings)
    with pytest.raises(MeshError):
        job_of([Part(solid=px((4, 4, 0), (26, 20, 30)), regions=(region(opened, 0.5),))], repair="strict")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"dose_scale": -0.1}, "dose_scale is -0.1; it must be 0 to 10"),
        ({"dose_scale": float("nan")}, "dose_scale is nan"),
        ({"dose_scale": 10.5}, "dose_scale is 10.5"),
        ({"focus_um": float("inf")}, "focus_um is inf"),
        ({"wait_after_s": -1.0}, "wait_after_s is -1"),
        ({"dose_scale": 1.0, "dilate_um": -2.0}, "dilate_um is -2"),
        ({"factors": ("rim",)}, "factors: 'rim'; name each of edge, roof, membrane"),
        ({"factors": ("edge", "edge")}, "factors: 'edge'; name each"),
        ({"factors": ("edge",), "dilate_um": 3.0}, "says how far light reaches"),
        ({}, "says nothing"),
    ],
)
def test_regions_that_are_none(said, words):
    with pytest.raises(UsageError, match=words):
        Region(solid=px((0, 0, 0), (1, 1, 1)), **said)


def test_corrections_do_not_keep_regions():
    process = replace(EVEN, corrections=("edges",))
    part = Part(solid=px((4, 4, 0), (26, 20, 30)), label="part")
    with pytest.raises(ExposureError, match="cannot keep regions of a part"):
        job_of([dataclasses.replace(part, regions=(region(px((8, 8, 0), (18, 16, 20)), 0.5),))], process, accept_uncalibrated=True)
    job_of([dataclasses.replace(part, regions=(region(px((8, 8, 0), (18, 16, 20)), 1.0),))], process, accept_uncalibrated=True)


def test_pieces_of_settings_stay_apart():
    assert RegionImage(None, 1.0).setting == ORDINARY == ImageSetting()
    assert region(px((0, 0, 0), (1, 1, 1)), 0.5, power=50.0).setting(50.0) == ORDINARY
    assert region(moved(px((0, 0, 0), (1, 1, 1)), (1, 2, 3)), 0.5, power=50.0).setting(100.0).power == 50.0


@pytest.mark.parametrize("distance", [0.6, -0.45])
def test_contours_that_are_moved_are_shared_out_where_they_are_then(distance):
    """The part grows or shrinks, the region stays."""
    process = msgspec.structs.replace(EVEN, xy_offset_um=distance * P)
    part, shape = shapely.box(4 * P, 4 * P, 26 * P, 20 * P), shapely.box(1.3 * P, 2.2 * P, 9.4 * P, 19.9 * P)
    moved_part = part.buffer(distance * P, quad_segs=256)
    job = one_part(region(prism(np.array(shape.exterior.coords)[-2::-1], 0, 20), 0.5), process=process)
    wanted = polygon_coverage(moved_part, GRID) - 0.5 * polygon_coverage(moved_part.intersection(shape), GRID)
    near(factors_of(job, 1), wanted, 1.0)
    near(factors_of(job, 2), polygon_coverage(moved_part, GRID), 1.0)
    same_frames(one_part(region(px((-9, -9, -9), (50, 50, 90)), 0.7), process=process), one_part(dose_scale=0.7, process=process))


# --- predictions -----------------------------------------------------------------------------------------------


def test_predictions_see_the_light_of_regions_and_say_what_is_out_of_focus():
    """Less light, lower surface: a plate whose last layers get a third in one half is thinner there, in the prediction as by the sum."""
    inside = px((4, 4, 10), (14, 20, 30))
    plain, weak = one_part(), one_part(region(inside, 0.4))
    assert pmsl.simulate(weak).iou < pmsl.simulate(plain).iou
    assert pmsl.simulate(one_part(region(inside, 1.0))).iou == pmsl.simulate(plain).iou
    defocused = pmsl.simulate(one_part(region(inside, 0.4, focus_um=-50.0)))
    (found,) = [f for f in defocused.findings if f.code == "out-of-focus"]
    assert found.severity == "warning" and found.layers == (1, 2) and found.value == -50.0
    assert "out-of-focus" not in [f.code for f in pmsl.simulate(weak).findings]
    assert defocused.iou == pytest.approx(pmsl.simulate(weak).iou, abs=2e-3)
