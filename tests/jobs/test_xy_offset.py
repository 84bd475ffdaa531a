"""An XY offset in jobs: from the process to the frames, with everything that looks at masks."""

import json
import math

import msgspec
import numpy as np
import pytest
import shapely
from oracles import polygon_coverage, section
from solids import box, icosphere, moved, soup

import pmsl
from pmsl.errors import MeshError, ProfileError, UsageError
from pmsl.masks import masks_of
from pmsl.masks.mask_source import RecentMasks
from pmsl.mesh.part import Part
from pmsl.pipeline.setup.job_setup import offset_of
from pmsl.profiles import Process, library_text
from pmsl.profiles.process import Regions
from pmsl.profiles.tables.schema import parse
from pmsl.profiles.tables.strict_struct import Value
from pmsl.slicing.offset import ContourOffset

replace = msgspec.structs.replace
RESIN, DEFAULT = pmsl.find_resin("pr48-405"), pmsl.find_process("default")
PITCH = 2.0


def printer(shape=(60, 80)):
    p = pmsl.find_printer("pmsl-2um")
    return replace(p, dmd=replace(p.dmd, shape=Value(value=shape, class_="measured", source="test")))


def process(**changes):
    return replace(DEFAULT, **{"bottom_dose_factors": (4.0, 1.0, 2.0), **changes})


def job_of(solids, shape=(60, 80), **changes):
    return pmsl.prepare(solids, printer(shape), RESIN, process(**changes))


def areas_um2(job):
    return [sum(e.mask.sum_px() for e in plan.exposures) * PITCH**2 for plan in job.layers()]


def frames(job):
    return [[e.mask.sha256() for e in plan.exposures] for plan in job.layers()]


BLOCK = box((40.3, 30.1, 0), (80.3, 60.1, 50))  # 40 × 30 µm, 5 layers


def test_all_layers_or_bottom_layers_grow_or_shrink_by_the_closed_form():
    def grown(d):
        return 1200 + 140 * d + math.pi * d * d if d > 0 else (40 + 2 * d) * (30 + 2 * d)

    for ordinary, bottom in ((3.0, None), (-3.0, None), (3.0, -4.0), (0.0, -4.0), (3.0, 0.0), (None, 2.0)):
        given = {"xy_offset_um": ordinary, "bottom_xy_offset_um": bottom}
        job = job_of([BLOCK], **{name: d for name, d in given.items() if d is not None})
        base = ordinary or 0.0
        first = base if bottom is None else bottom
        expected = [grown(d) if d else 1200.0 for d in (first, base, first, base, base)]  # layer 1 has a bottom factor of 1
        assert areas_um2(job) == pytest.approx(expected, rel=2e-4)
        assert job.process.schema == "pmsl.process/2"


def test_no_offset_is_no_byte_and_an_offset_of_nothing_is_none(tmp_path):
    plain = job_of([BLOCK])
    for zero in ({"xy_offset_um": 0.0}, {"bottom_xy_offset_um": 0.0}, {"xy_offset_um": 0.0, "bottom_xy_offset_um": -0.0}):
        job = job_of([BLOCK], **zero)
        pmsl.write(job, tmp_path / "a", force=True)
        pmsl.write(plain, tmp_path / "b", force=True)
        files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
        assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files) and len(files) > 5


def test_layers_without_an_offset_of_their_own_keep_their_bytes():
    plain, bottom = job_of([BLOCK]), job_of([BLOCK], bottom_xy_offset_um=-2.0)
    same = [a == b for a, b in zip(frames(plain), frames(bottom), strict=True)]
    assert same == [False, True, False, True, True]


@pytest.mark.parametrize("solid", [BLOCK, soup(icosphere(2, 20, (60.3, 45.7, 20)))])
@pytest.mark.parametrize("d", [-2.5, 3.3])
def test_whole_pixels_move_frames_and_nothing_else(solid, d):
    near, far = job_of([solid], (120, 160), xy_offset_um=d), job_of([moved(solid, (64 * PITCH, 32 * PITCH, 0))], (120, 160), xy_offset_um=d)
    for a, b in zip(near.layers(), far.layers(), strict=True):
        here, there = (plan.exposures[0].mask.dense(np.uint16) for plan in (a, b))
        assert np.array_equal(np.roll(here, (32, 64), (0, 1)), there)


def test_any_order_any_thread_the_same_bytes(tmp_path):
    job = job_of([soup(icosphere(2, 20, (60.3, 45.7, 20))), BLOCK], xy_offset_um=1.7)
    backwards = [[e.mask.sha256() for e in job[k].exposures] for k in reversed(range(job.n_layers))][::-1]
    assert backwards == frames(job_of([soup(icosphere(2, 20, (60.3, 45.7, 20))), BLOCK], xy_offset_um=1.7))
    for threads in (1, 3):
        pmsl.write(job, tmp_path / f"{threads}", threads=threads)
        assert frames(pmsl.read(tmp_path / f"{threads}")) == backwards  # what is written ahead, some layers at a time, too
    assert (tmp_path / "1" / "job.json").read_bytes() == (tmp_path / "3" / "job.json").read_bytes()


def test_other_processes_make_the_same_job(tmp_path):
    job = job_of([BLOCK], xy_offset_um=-1.0)
    pmsl.write(job, tmp_path / "a")
    pmsl.write(job, tmp_path / "b", processes=2)
    assert (tmp_path / "a" / "job.json").read_bytes() == (tmp_path / "b" / "job.json").read_bytes()


def test_copies_are_moved_as_parts_of_their_own_are():
    small = box((10.3, 10.1, 0), (30.3, 26.1, 20))
    shifts = ((0.0, 0.0), (50.0, 0.0), (22.0, 40.0), (23.0, 20.0))  # the last two near enough to unite
    copies = [Part(solid=small, transform=np.array([[1, 0, 0, x], [0, 1, 0, y], [0, 0, 1, 0], [0, 0, 0, 1.0]])) for x, y in shifts]
    own = [moved(small, (x, y, 0)) for x, y in shifts]
    for d in (3.0, -3.0):
        assert areas_um2(job_of(copies, xy_offset_um=d)) == pytest.approx(areas_um2(job_of(own, xy_offset_um=d)), abs=1e-2)


def test_the_job_says_it_and_the_design_stays_the_design(tmp_path):
    job = job_of([BLOCK], xy_offset_um=4.0, bottom_xy_offset_um=-1.0)
    pmsl.write(job, tmp_path / "job")
    doc = json.loads((tmp_path / "job" / "job.json").read_text())
    assert (doc["process"]["xy_offset_um"], doc["process"]["bottom_xy_offset_um"], doc["schema"]) == (4.0, -1.0, "pmsl.job/2")
    assert doc["parts"][0]["bounds_um"][0] == [40.3, 30.1, 0.0]
    again = pmsl.read(tmp_path / "job")
    assert pmsl.verify(tmp_path / "job") == [] and again.process == job.process
    assert np.array_equal(again.design[0].bounds_um(), job.design[0].bounds_um())
    found = pmsl.simulate(again)
    plain = pmsl.simulate(job_of([BLOCK]))
    assert found.design_um3 == pytest.approx(plain.design_um3) and found.printed_um3 > plain.printed_um3 * 1.1


def test_estimates_count_what_is_printed():
    job = job_of([BLOCK], xy_offset_um=-5.0)
    assert job.estimate().resin_ml == pytest.approx(30 * 20 * 50 * 1e-12, rel=1e-3)


def test_lost_walls_and_closed_gaps_are_findings_with_their_place():
    thin = [BLOCK, box((100.3, 30.1, 0), (103.3, 70.1, 50))]  # a plate 3 µm thick
    found = [f for plan in job_of(thin, xy_offset_um=-2.0).layers() for f in plan.findings if f.code == "wall-vanished"]
    assert [f.layers for f in found] == [(k, k) for k in range(5)]
    (x0, y0, z0), (x1, y1, z1) = found[3].box_um
    assert (x0, y0, x1, y1) == pytest.approx((100.3, 30.1, 103.3, 70.1), abs=0.01) and (z0, z1) == (30, 40)
    assert found[3].value == pytest.approx(120, rel=1e-3) and "around x 101.8, y 50.1 µm" in found[3].message
    near = [BLOCK, box((83.3, 30.1, 0), (110.3, 60.1, 50))]
    (gap, *_) = [f for f in job_of(near, xy_offset_um=2.0)[0].findings if f.code == "gap-closed"]
    assert gap.box_um[0][0] == pytest.approx(80.3, abs=0.2) and gap.severity == "warning"
    assert not [f for f in job_of([BLOCK], xy_offset_um=-2.0)[0].findings if f.code == "wall-vanished"]


def test_a_part_that_vanishes_leaves_dark_layers_and_says_so():
    thin = [box((40.3, 30.1, 0), (43.3, 60.1, 30)), box((40.3, 30.1, 30), (60.3, 60.1, 50))]
    plan = job_of(thin, xy_offset_um=-2.0)[2]
    assert plan.exposures == () and {"wall-vanished", "empty-layer"} <= {f.code for f in plan.findings}
    on_top = job_of([box((40.3, 30.1, 0), (60.3, 60.1, 30)), box((40.3, 30.1, 30), (43.3, 60.1, 50))], xy_offset_um=-2.0)
    assert on_top.n_layers == 3 and "wall-vanished" in {f.code for f in on_top.findings}  # no dark layer on top
    with pytest.raises(MeshError, match="moved inward by 2 µm .* walls up to 4 µm thick"):
        job_of([box((40.3, 30.1, 0), (43.3, 60.1, 50))], xy_offset_um=-2.0)


def test_parts_that_would_grow_out_of_the_field_are_refused():
    at_the_edge = box((2.0, 30, 0), (40, 60, 50))
    job_of([at_the_edge], xy_offset_um=1.9)
    with pytest.raises(MeshError, match="grow by 2.5 µm .*place them further inside"):
        job_of([at_the_edge], xy_offset_um=2.5)
    with pytest.raises(MeshError, match="grow by 3 µm"):
        job_of([at_the_edge], xy_offset_um=-1.0, bottom_xy_offset_um=3.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"coverage": "volume"}, "coverage 'volume' has none"),
        ({"corrections": ("edges",)}, "corrections .edges. place as designed"),
        ({"corrections": ("printthrough", "flatfield")}, "corrections .printthrough. place"),
        ({"bottom_dose_factors": (), "bottom_xy_offset_um": 1.0}, "bottom_dose_factors has none"),
        ({"bottom_dose_factors": (1.0, 0.9), "bottom_xy_offset_um": 1.0}, "bottom_dose_factors has none"),
    ],
)
def test_what_does_not_go_together_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        process(xy_offset_um=2.0, **changes)
    with pytest.raises(ValueError, match=words):
        process(**{"bottom_xy_offset_um": 2.0, **changes})


def test_the_field_is_evened_out_after_the_offset():
    lit = replace(printer(), optics=replace(printer().optics, flat_field=pmsl.profiles.printer.FlatField(vignetting=value(0.2))))
    made = pmsl.prepare([BLOCK], lit, RESIN, process(xy_offset_um=3.0, corrections=("flatfield",)))
    assert made[3].covered_px * PITCH**2 == pytest.approx(1200 + 140 * 3 + math.pi * 9, rel=1e-3)


def value(v):
    return Value(value=v, class_="measured", source="test")


@pytest.mark.parametrize("bad", ["1e5", "-20000", "nan", "'2'"])
def test_offsets_that_are_none(bad):
    text = library_text("default").replace("process/1", "process/2").replace("layer_um = 10.0", f"xy_offset_um = {bad}")
    with pytest.raises(ProfileError, match="xy_offset_um"):
        parse(text, Process, "a.toml")


def test_masks_of_volumes_take_no_offset():
    grid = job_of([BLOCK]).grid
    with pytest.raises(UsageError, match="moves contours"):
        masks_of([BLOCK], grid, "volume", offset=ContourOffset(np.full(grid.n_layers, 1.0), grid.pitch_um))


def test_coverage_not_quantised_is_that_of_the_moved_contours_too():
    grid = job_of([BLOCK]).grid
    maker = masks_of([BLOCK, moved(BLOCK, (10, 10, 0))], grid, offset=ContourOffset(np.full(grid.n_layers, -3.0), grid.pitch_um))
    dense = maker.coverage(2)
    assert np.abs(dense - maker.mask(2).dense(np.float64)).max() <= 0.5 / 65535 + 1e-12
    union = 2 * 34 * 24 - 24 * 14 + 2 * (6 * 4)  # less what only the union's inner corners keep
    assert dense.sum() * PITCH**2 == pytest.approx(union, rel=0.05)


@pytest.mark.parametrize("d", [-3.0, 4.0])
def test_every_pixel_is_covered_as_the_moved_section_covers_it(d):
    """Mesh to coverage: against sections, strips and discs of shapely, pixel by pixel."""
    solid = soup(icosphere(2, 20, (60.3, 45.7, 20)))
    grid = job_of([solid]).grid
    maker = masks_of([solid], grid, offset=ContourOffset(np.full(grid.n_layers, d), grid.pitch_um))
    edges = section(solid, float(grid.mid_planes_um[1])).reshape(-1, 2, 2)
    (polygon,) = shapely.get_parts(shapely.polygonize(list(shapely.linestrings(edges))))
    outline = shapely.buffer(polygon.boundary, abs(d), quad_segs=600)
    wanted = shapely.union(polygon, outline) if d > 0 else shapely.difference(polygon, outline)
    assert np.abs(maker.coverage(1) - polygon_coverage(wanted, grid)).max() < 1e-3


def test_open_meshes_as_they_are_have_their_gaps_closed_before_contours_move():
    open_box = pmsl.Solid.from_arrays(BLOCK.vertices_um, BLOCK.faces[1:])
    job = pmsl.prepare([open_box], printer(), RESIN, process(xy_offset_um=-2.0, bottom_xy_offset_um=0.0), repair="none")
    assert areas_um2(job) == pytest.approx([1200.0, 36 * 26, 1200.0, 36 * 26, 36 * 26], rel=2e-4)
    assert "open-rows" in {f.code for f in job[3].findings}


def test_what_one_layer_lost_is_not_said_of_the_next():
    low, high = box((40.3, 30.1, 0), (43.3, 60.1, 20)), box((40.3, 30.1, 20), (80.3, 60.1, 50))
    fin = pmsl.Solid.from_arrays(
        np.vstack([low.vertices_um, high.vertices_um]), np.vstack([low.faces, high.faces[1:] + len(low.vertices_um)])
    )
    job = pmsl.prepare([fin, moved(BLOCK, (0, 60, 0))], printer((120, 80)), RESIN, process(bottom_xy_offset_um=-2.0), repair="none")
    for layers in (range(5), reversed(range(5))):
        lost = {k for k in layers if "wall-vanished" in {f.code for f in job[k].findings}}
        assert lost == {0}


def test_parts_with_doses_of_their_own_stay_whole_where_they_meet():
    left, right = box((20, 20, 0), (50, 60, 30)), box((50, 20, 0), (90, 60, 30))
    parts = [Part(solid=left, dose_scale=1.0), Part(solid=right, dose_scale=1.5)]
    for d in (-3.0, 3.0):
        plan = job_of(parts, xy_offset_um=d)[2]
        lit = sum((e.mask.dense(np.float64) > 0) for e in plan.exposures) > 0
        rows, cols = np.nonzero(lit)
        assert (cols.min(), cols.max() + 1) == ((20 - d) // 2, -(-(90 + d) // 2)) and lit[
            rows.min() + 1 : rows.max(), cols.min() + 1 : cols.max()
        ].all()


def test_parts_that_meet_keep_their_doses_up_to_the_joint_though_each_would_shrink_from_it():
    left, right = box((14, 14, 0), (70, 100, 30)), box((70, 14, 0), (140, 100, 30))
    ordinary = job_of([left])[1].exposures[0].dose_mj_cm2
    parts = [Part(solid=left, dose_scale=1.5), Part(solid=right, dose_scale=2.0)]
    for d in (-10.0, 0.0):
        plan = job_of(parts, xy_offset_um=d)[1]
        dose = sum(e.dose_mj_cm2 * e.mask.dense(np.float64) for e in plan.exposures)[12:45, 14:58] / ordinary
        assert dose[:, : 35 - 14] == pytest.approx(1.5, rel=0.01) and dose[:, 35 - 14 :] == pytest.approx(2.0, rel=0.01)


def test_regions_of_the_process_see_the_moved_masks():
    edge = Regions(edge=0.5, edge_erode_px=2)
    plan = job_of([BLOCK], xy_offset_um=4.0, regions=edge)[3]
    assert plan.covered_px * PITCH**2 == pytest.approx(1200 + 140 * 4 + math.pi * 16, rel=1e-3)
    assert max(e.dose_mj_cm2 for e in plan.exposures) > 0


def test_tiles_over_which_contours_grow_reach_as_high():
    grid = job_of([BLOCK]).grid
    plain = RecentMasks(masks_of([BLOCK], grid), 4).tops_um(8)
    offset = ContourOffset(np.full(grid.n_layers, 5 * PITCH), grid.pitch_um)
    tops = RecentMasks(masks_of([BLOCK], grid, offset=offset), 4).tops_um(8)
    lit = masks_of([BLOCK], grid, offset=offset).mask(4).dense(np.uint16) > 0
    tiles = np.add.reduceat(np.add.reduceat(lit, range(0, 60, 8), 0), range(0, 80, 8), 1) > 0
    assert np.isfinite(tops[tiles]).all() and not np.isfinite(plain[tiles]).all() and (tops >= plain).all()


def test_files_of_contours_hold_the_moved_ones(tmp_path):
    job = job_of([BLOCK], xy_offset_um=3.0, bottom_xy_offset_um=-1.0)
    pmsl.write(job, tmp_path / "a.svg")
    from pmsl.formats import registry

    found = registry.find("svg").contours(tmp_path / "a.svg")
    sizes = [np.ptp(np.concatenate(found.rings(k)), axis=0) for k in range(5)]
    assert np.array(sizes) == pytest.approx(np.array([[40 + 2 * d, 30 + 2 * d] for d in (-1, 3, -1, 3, 3)]), abs=0.01)


def test_bottom_layers_are_those_with_a_factor_above_1():
    grid = job_of([BLOCK]).grid
    offset = offset_of(process(xy_offset_um=1.0, bottom_xy_offset_um=-2.0, bottom_dose_factors=(3.0,) * 9), grid)
    assert offset.distance_um.tolist() == [-2.0] * 5
    assert offset_of(process(), grid) is None and offset.grown().distance_um.tolist() == [0.0] * 5
