"""Edges, roofs, membranes and parts with doses of their own, from meshes to the dose every pixel receives."""

import random

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from printer_resin_pairs import printer_for
from solids import box

import pmsl
from pmsl.core.mask import LayerMask, Window
from pmsl.correct.morphology import disc, grown, largest_within, shrunk
from pmsl.correct.regions import RegionDoses
from pmsl.cure import cure_depth_um
from pmsl.errors import ExposureError, ProfileError
from pmsl.exposure import DoseMaker
from pmsl.profiles import Process
from pmsl.profiles.printer import Response
from pmsl.profiles.process import Regions
from pmsl.profiles.tables.schema import parse
from pmsl.profiles.tables.strict_struct import Value

RESIN, PROCESS = pmsl.find_resin("pr48-405"), pmsl.find_process("default")
PRINTER = printer_for(RESIN)
SHAPE, P = (40, 60), 27.0
replace = msgspec.structs.replace


def value(v):
    return Value(value=v, class_="measured", source="test")


SMALL = replace(PRINTER, dmd=replace(PRINTER.dmd, shape=value(SHAPE)))
EVEN = replace(PROCESS, bottom_dose_factors=())


def px(low, high):
    """Box from pixel corners (x, y) and heights in µm."""
    return box((low[0] * P, low[1] * P, low[2]), (high[0] * P, high[1] * P, high[2]))


def job_of(parts, regions=None, resin=RESIN, printer=SMALL):
    return pmsl.prepare(parts, printer, resin, replace(EVEN, regions=regions))


def factors_of(job, k):
    """Dose of every pixel of layer k over the ordinary white dose."""
    ordinary = 1.5 * 17.9 * np.exp(10 / 69.3)
    return pmsl.dose_map(job, job[k]).dense() / ordinary


def near(found, wanted, largest):
    assert found == pytest.approx(wanted, abs=0.5 / 255 * largest * 1.001)


# --- shapes ----------------------------------------------------------------------------------------------------


@given(st.integers(0, 1 << 30), st.floats(0, 4.5), st.floats(0, 4.5))
def test_discs_are_those_of_every_pair_of_pixels(seed, down, across):
    rng = np.random.default_rng(seed)
    inside = rng.random((13, 17)) < rng.uniform(0.02, 0.95)
    row, col = np.indices(inside.shape)

    def within(r, c):
        y, x = row - r, col - c
        return (np.abs(y) <= down) & (np.abs(x) <= across) & ((y / max(down, 1e-9)) ** 2 + (x / max(across, 1e-9)) ** 2 <= 1 + 1e-9)

    half = disc((down, across))
    reached, kept, levels = np.zeros_like(inside), np.zeros_like(inside), rng.integers(0, 65536, inside.shape).astype(np.uint16)
    largest = np.zeros_like(levels)
    whole = (2 * half + 1).sum()
    for r in range(13):
        for c in range(17):
            around = within(r, c)
            reached[r, c] = inside[around].any()
            kept[r, c] = inside[around].all() and around.sum() == whole
            largest[r, c] = levels[around].max()
    assert np.array_equal(grown(inside, half), reached)
    assert np.array_equal(shrunk(inside, half), kept)
    assert np.array_equal(largest_within(levels, half), largest)


# --- regions ---------------------------------------------------------------------------------------------------


def test_an_edge_has_its_width_and_its_dose():
    """The published recipe: bulk 300 ms, edge 250 ms with 2 px of erosion."""
    job = job_of([px((10, 8, 0), (40, 30, 30))], Regions(edge=250 / 300, edge_erode_px=2))
    wanted = np.zeros(SHAPE)
    wanted[8:30, 10:40] = 250 / 300
    wanted[10:28, 12:38] = 1.0
    for k in range(3):
        assert len(job[k].exposures) == 1
        near(factors_of(job, k), wanted, 1.0)


def test_lengths_in_um_use_the_pitch_of_their_axis():
    printer = replace(SMALL, optics=replace(SMALL.optics, pitch_um=value((27.0, 13.5))))
    job = job_of([box((270, 108, 0), (810, 405, 30))], Regions(edge=0.5, edge_erode_um=54.0), printer=printer)
    dose = pmsl.dose_map(job, job[0]).dense()
    assert (dose[19, 10:30] == dose[19, 10]).sum() == 4 and (dose[8:30, 20] == dose[8, 20]).sum() == 8


def test_a_dilated_edge_reaches_out_with_its_gray_edge():
    solid = px((10, 8, 0), (39.5, 30, 30))
    job = job_of([solid], Regions(edge=0.5, edge_erode_px=1, edge_dilate_px=2))
    row = factors_of(job, 1)[19]
    near(row[8:13], [0.5, 0.5, 0.5, 1.0, 1.0], 1.0)
    near(row[36:43], [1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.0], 1.0)  # pixel 39 is half covered: material, one pixel of edge


def test_a_roof_is_what_the_layers_before_do_not_all_carry():
    """A table: foot of 40 µm, top of 80 µm that reaches over it. Look-back of 3 layers, 2 px of erosion: 200 of 300 ms."""
    table = [px((10, 10, 0), (20, 30, 40)), px((10, 10, 40), (50, 30, 120))]
    job = job_of(table, Regions(roof=200 / 300, roof_layers=3, roof_erode_px=2))
    plain = np.zeros(SHAPE)
    plain[10:30, 10:50] = 1.0
    roof = plain.copy()
    roof[12:28, 18:48] = 200 / 300
    near(factors_of(job, 2)[10:30, 10:20], 1.0, 1.0)
    for k in range(4, 12):
        near(factors_of(job, k), roof if k < 7 else plain, 1.0)


@pytest.mark.parametrize(("edge", "roof"), [(0.83, 0.67), (0.5, 0.67)])
def test_where_edge_and_roof_overlap_the_lower_dose_wins(edge, roof):
    table = [px((10, 10, 0), (20, 30, 40)), px((10, 10, 40), (50, 30, 120))]
    job = job_of(table, Regions(edge=edge, edge_erode_px=4, roof=roof, roof_layers=3, roof_erode_px=2))
    wanted = np.zeros(SHAPE)
    wanted[10:30, 10:50] = edge
    wanted[14:26, 14:46] = 1.0
    region = np.zeros(SHAPE, bool)
    region[12:28, 18:48] = True
    wanted[region] = np.where(wanted[region] == edge, min(edge, roof), roof)
    near(factors_of(job, 4), wanted, 1.0)


@pytest.mark.parametrize("limit", [20.0, 15.0])
def test_membranes_are_thin_along_z_and_not_on_the_plate(limit):
    """A block with two layers of membrane between a chamber and the open, and a foot of two layers on the plate."""
    valve = [
        px((5, 5, 0), (15, 35, 60)),
        px((45, 5, 0), (55, 35, 60)),
        px((15, 5, 40), (45, 35, 60)),
        px((15, 5, 0), (45, 35, 20)),
    ]
    job = job_of(valve, Regions(membrane=350 / 300, membrane_um=limit))
    wanted = np.zeros(SHAPE)
    wanted[5:35, 5:55] = 1.0
    near(factors_of(job, 0), wanted, 1.0)
    if limit == 20.0:
        wanted[5:35, 15:45] = 350 / 300
    for k in (4, 5):
        near(factors_of(job, k), wanted, 350 / 300)


def test_a_membrane_has_its_own_dose_and_is_no_roof():
    bridge = [px((5, 5, 0), (15, 35, 60)), px((45, 5, 0), (55, 35, 60)), px((15, 5, 40), (45, 35, 60))]
    job = job_of(bridge, Regions(membrane=1.2, membrane_um=20.0, roof=0.5, roof_layers=3, edge=0.7, edge_erode_px=1))
    assert factors_of(job, 4)[20, 30] == pytest.approx(1.2, rel=1e-6)


# --- parts -----------------------------------------------------------------------------------------------------


def scaled(solid, scale):
    return pmsl.Part(solid=solid, dose_scale=scale)


def test_parts_get_their_scales_and_the_larger_share_wins_a_shared_pixel():
    parts = [scaled(px((10, 10, 0), (20.25, 30, 40)), 0.8), scaled(px((20.25, 10, 0), (30, 30, 20)), 1.2)]
    job = job_of(parts)
    wanted = np.zeros(SHAPE)
    wanted[10:30, 10:20], wanted[10:30, 20:30] = 0.8, 1.2
    near(factors_of(job, 0), wanted, 1.2)
    wanted[10:30, 20], wanted[10:30, 21:] = 0.2, 0.0
    near(factors_of(job, 3), wanted, 1.2)
    assert [p.dose_scale for p in job.parts] == [0.8, 1.2]


def test_where_parts_overlap_the_higher_dose_wins():
    job = job_of([scaled(px((10, 10, 0), (30, 30, 20)), 1.5), scaled(px((20, 10, 0), (40, 30, 20)), 0.9)])
    assert factors_of(job, 1)[20, [15, 25, 35]] == pytest.approx([1.5, 1.5, 0.9], abs=1.5 / 510)


def test_one_scale_for_all_and_regions_multiply():
    parts = [scaled(px((10, 8, 0), (40, 30, 30)), 0.9)]
    near(factors_of(job_of(parts), 1)[8:30, 10:40], 0.9, 0.9)
    both = factors_of(job_of(parts, Regions(bulk=1.2, edge=0.5, edge_erode_px=2)), 1)
    assert both[19, [10, 25]] == pytest.approx([0.45, 1.08], abs=1.08 / 510)


def test_the_offset_of_the_printers_reaches_times_of_exposures():
    """Times are (t_bulk - t_off) m + t_off through the whole house: 450 ms with 50 ms of induction, m = 0.6 → 290 ms."""
    irradiance, white = 20.5, 20.5 * 0.45
    ec = white / 1.5 * np.exp(-10 / 69.3)
    material = replace(RESIN.resin, ec_mj_cm2=value(ec), induction_mj_cm2=value(irradiance * 0.05))
    resin = replace(RESIN, resin=material)
    solid = px((10, 8, 0), (40, 30, 30))
    assert job_of([solid], resin=resin)[1].exposures[0].time_s == pytest.approx(0.450)
    assert job_of([solid], Regions(bulk=0.6), resin=resin)[1].exposures[0].time_s == pytest.approx(0.290)
    assert job_of([scaled(solid, 0.6)], resin=resin)[1].exposures[0].time_s == pytest.approx(0.290)
    assert job_of([solid], Regions(bulk=0.0), resin=resin)[1].exposures[0].time_s == pytest.approx(0.050)


def test_layers_that_their_factor_leaves_weak_are_named():
    solid = px((10, 8, 0), (40, 30, 30))
    (weak,) = [f for f in job_of([scaled(solid, 0.6)]).findings if f.code == "weak-layers"]
    assert weak.layers == (0, 2) and weak.value == 0.6
    assert not [f for f in job_of([scaled(solid, 0.7)]).findings if f.code == "weak-layers"]


def test_limits_are_checked_before_any_layer():
    printer = replace(SMALL, limits=replace(PRINTER.limits, max_dose_mj_cm2=value(60.0)))
    solid = px((10, 8, 0), (40, 30, 30))
    assert len(job_of([solid], printer=printer)) == 3
    for parts, regions in (([scaled(solid, 2.0)], None), ([solid], Regions(bulk=2.0))):
        with pytest.raises(ExposureError, match="layer 0: white dose .* limit 60"):
            job_of(parts, regions, printer=printer)
    late = job_of([solid], Regions(edge=2.0, edge_erode_px=1), printer=printer)
    with pytest.raises(ExposureError, match="layer 2: white dose"):
        late[2]


# --- house rules -----------------------------------------------------------------------------------------------


def test_any_order_any_thread_the_same_and_nothing_where_all_is_plain():
    table = [px((10, 10, 0), (20, 30, 40)), px((10, 10, 40), (50, 30, 120)), px((30, 12, 40), (33, 20, 200))]
    regions = Regions(edge=0.83, edge_erode_px=2, roof=0.67, roof_layers=5, membrane=1.1, membrane_um=20.0)
    job = job_of(table, regions)
    first = [plan.exposures[0].mask.sha256() for plan in job.layers()]
    order = list(range(len(job)))
    random.Random(3).shuffle(order)
    fresh = job_of(table, regions)
    assert all(fresh[k].exposures[0].mask.sha256() == first[k] for k in order)
    plain, ones = job_of(table), job_of(table, Regions(edge=1.0, edge_erode_px=3, roof=1.0, membrane=1.0, membrane_um=10))
    for k in range(len(job)):
        (a,), (b,) = plain[k].exposures, ones[k].exposures
        assert (a.mask.sha256(), a.time_s, a.dose_mj_cm2) == (b.mask.sha256(), b.time_s, b.dose_mj_cm2)
    assert RegionDoses.of(Regions(), job.grid, [1.0, 1.0]) is None


def test_images_from_before_are_cut_not_lost():
    """Light beside the part keeps its factor; every pixel of every image comes out once."""
    rng = np.random.default_rng(2)
    grid = pmsl.Grid(origin_um=(0, 0), pitch_um=P, shape=SHAPE, z_edges_um=[0, 10, 20])
    levels = np.zeros(SHAPE, np.uint16)
    levels[10:30, 12:40] = 65535
    masks = [LayerMask.from_dense(k, levels.copy()) for k in range(2)]
    images = [(LayerMask.from_dense(1, rng.integers(0, 65536, SHAPE).astype(np.uint16)), f) for f in (1.0, 0.3)]
    doses = RegionDoses.of(Regions(bulk=1.1, edge=0.5, edge_erode_px=3), grid, [1.0])
    out = doses.apply(1, images, masks.__getitem__)
    for image, factor in images:
        parts = [(m, f) for m, f in out if round(f / factor, 6) in (1.1, 0.5)]
        assert np.array_equal(sum(m.dense(np.uint16).astype(int) for m, _ in parts), image.dense(np.uint16))
    factors = doses.factors(1, Window(0, 0, *SHAPE), masks.__getitem__)
    assert factors[20, 25] == 1.1 and factors[5, 5] == 0.5


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("edge = 0.8", "edge = 0.8 needs edge_erode_px or edge_erode_um"),
        ("membrane = 1.2", "membrane = 1.2 needs membrane_um"),
        ("edge = 0.8\nedge_erode_px = 2\nedge_erode_um = 9.0", "give edge_erode_px or edge_erode_um, one of the two"),
        ("rof = 0.8", "did you mean 'roof'"),
        ("roof = -0.1", r"regions\.roof"),
        ("roof = 0.5\nroof_layers = 0", r"regions\.roof_layers"),
    ],
)
def test_regions_that_are_none_are_refused(lines, words):
    text = 'schema = "pmsl.process/1"\nname = "x"\ndescription = "y"\n[regions]\n' + lines
    with pytest.raises(ProfileError, match=words):
        parse(text, Process, "x.toml")


def test_a_job_with_regions_comes_back_from_disk(tmp_path):
    job = job_of([px((10, 8, 0), (40, 30, 30))], Regions(edge=0.8, edge_erode_px=2))
    pmsl.write(job, tmp_path / "job", dose=True)
    assert pmsl.verify(tmp_path / "job") == []
    read = pmsl.read(tmp_path / "job")
    assert read.process == job.process
    assert np.array_equal(pmsl.dose_map(read, read[1]).dense(), pmsl.dose_map(job, job[1]).dense())


def test_resin_is_counted_by_what_is_covered_not_by_gray():
    solid = [px((10, 8, 0), (40, 30, 30))]
    plain, regions = job_of(solid), job_of(solid, Regions(edge=0.2, edge_erode_px=4, bulk=0.8))
    assert regions.estimate().resin_ml == pytest.approx(plain.estimate().resin_ml, rel=1e-12)
    assert regions.estimate().print_time_s < plain.estimate().print_time_s


@pytest.mark.parametrize(("dp", "level", "step_um"), [(50.0, 231, 0.1965), (40.0, 225, 0.1572), (10.0, 155, 0.0393)])
def test_gray_to_depth(dp, level, step_um):
    """A surface that faces the plate is raised by 5 µm with L = exp(-5 / Dp); one level below white moves it by Dp / 255."""
    resin = replace(RESIN, resin=replace(RESIN.resin, dp_um=value(dp)))
    parts = [px((10, 8, 0), (20, 30, 30)), scaled(px((20, 8, 0), (40, 30, 30)), float(np.exp(-5 / dp)))]
    job = job_of(parts, resin=resin)
    assert sorted(set(np.unique(job[1].exposures[0].mask.dense(np.uint8)).tolist())) == [0, level, 255]
    dose = pmsl.dose_map(job, job[1]).dense().astype(float)
    white, gray = (cure_depth_um(dose[19, c], dp, 17.9) for c in (15, 30))
    assert white - gray == pytest.approx(-dp * np.log(level / 255), abs=1e-4)
    assert white - gray == pytest.approx(5.0, abs=0.51 * step_um * 255 / level)
    assert cure_depth_um(dose[19, 15], dp, 17.9) - cure_depth_um(dose[19, 15] * 254 / 255, dp, 17.9) == pytest.approx(step_um, abs=1e-4)


def test_doses_that_one_image_cannot_give_take_several_on_disk_too(tmp_path):
    """Mirrors with three levels: black, half, white. An edge of 0.8 takes an exposure of its own."""
    table = Response(kind="table", table=value([0.0] * 100 + [0.5] * 100 + [1.0] * 56))
    job = job_of([px((10, 8, 0), (40, 30, 30))], Regions(edge=0.8, edge_erode_px=2), printer=replace(SMALL, response=table))
    pmsl.write(job, tmp_path / "job", dose=True)
    assert (tmp_path / "job" / "frames" / "00001-1.png").is_file() and pmsl.verify(tmp_path / "job") == []
    read = pmsl.read(tmp_path / "job")
    times = sorted(e.time_s for e in read[1].exposures)
    assert len(times) == 2 and times[0] / times[1] == pytest.approx(0.8)
    wanted = np.zeros(SHAPE)
    wanted[8:30, 10:40], wanted[10:28, 12:38] = 0.8, 1.0
    assert factors_of(read, 1) == pytest.approx(wanted, rel=1e-6)
    assert len(DoseMaker.of(read).events(read[1])) == 2
    assert read.estimate().print_time_s == pytest.approx(sum(times) * 3 + PROCESS.motion.duration_s(3))
