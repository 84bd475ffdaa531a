"""Sliced meshes through the public path against closed forms: roofs, walls, tails, ideal and grown prints."""

import dataclasses
import math

import manifold3d
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from predictions import DP, PX, H, job_of, printer, process, resin, tunnel
from scipy.special import ndtr, ndtri
from solids import box
from tiers import examples

import pmsl
from pmsl.profiles.resin import ExtraDecay


@pytest.mark.parametrize(("n", "through"), [(1, 10.0), (2, 33.038), (5, 56.845), (20, 70.077)])
def test_a_roof_cures_below_its_face_as_the_closed_form_says(n, through):
    found = pmsl.simulate(job_of([tunnel(n * H)]))
    down, up = found.z_error_um["down"], found.z_error_um["up"]
    assert down["median"] == pytest.approx(-through, abs=0.01) and down["p95_abs"] == pytest.approx(through, abs=0.01)
    assert up["median"] == 0 and up["p95_abs"] == 0
    assert down["merged_um2"] == 0 and down["lost_um2"] == 0
    (channel,) = found.openings
    assert channel["design_um"] == pytest.approx({"height": 200.0, "width": 200.0}, abs=1e-3)
    assert channel["printed_um"]["height"] == pytest.approx(200 - through, abs=0.01)
    gelled = through + DP * math.log(2)
    assert channel["flushable_um"]["height"] == pytest.approx(200 - gelled, abs=0.01)
    assert not channel["blocked"] and not channel["flush_blocked"]
    assert found.lost == []


@pytest.mark.parametrize(("dp", "h", "cd", "n", "through"), [(9.5, 10, 20, 3, 13.665), (100, 50, 75, 3, 93.027)])
def test_roofs_of_other_resins_and_layers(dp, h, cd, n, through):
    found = pmsl.simulate(job_of([tunnel(n * h, floor_um=2 * h)], cd, dp, layer_um=h))
    assert found.z_error_um["down"]["median"] == pytest.approx(-through, abs=0.01)


def test_the_wall_of_a_bulk_stands_outside_by_the_closed_form():
    sigma = 0.36
    found = pmsl.simulate(job_of([box((150, 150, 0), (350, 330, 600))], sigma_px=sigma))
    q = math.exp(-H / DP)
    bulk = math.exp(20 / DP) / (1 - q)  # dose at the exposure plane, in Ec
    at = [sigma * PX * ndtri(1 - math.exp(s / DP) / bulk) for s in (0.0, H / 2, H)]
    assert (at[0], at[2]) == pytest.approx((1.1069 * sigma * PX, 0.9452 * sigma * PX), rel=1e-4)
    assert found.epe_um["median"] == pytest.approx(at[1], abs=5e-3)  # the upper layers lie lower
    assert found.epe_um["lost"] == found.epe_um["merged"] == 0
    assert found.epe_um["probes"] == 60 * 2 * (20 + 18)


def isofocal_um(height_um=H):
    """Cure depth whose dose is twice the threshold half way down a single layer."""
    return DP * math.log(2) + 0.5 * height_um


@pytest.mark.parametrize(("tau", "widths"), [(0.5, (0.9950, 2.0, 3.0, 4.0)), (0.4, (1.1801, 2.1824, 3.1824, 4.1824))])
def test_lines_print_as_wide_as_the_closed_form_says(tau, widths):
    """PHYSICS.md 11.14 on a sliced layer: lines of 1 to 4 pixels along x, each twice its walls' error wider."""
    depth = DP * math.log(1 / tau) + 0.5 * H
    for px, width in enumerate(widths, 1):
        walls = pmsl.simulate(job_of([box((100, 200, 0), (460, 200 + px * PX, H))], depth)).epe_um
        assert walls["lost"] <= 2 and px + 2 * walls["median"] / PX == pytest.approx(width, abs=1e-3)


def test_a_lone_pixel_prints_where_its_peak_passes_the_threshold():
    """PHYSICS.md 11.13: peaks of 0.6974 and 0.4661 against half."""
    for sigma, prints in ((0.36, True), (0.5, False)):
        fronts = []
        pmsl.simulate(
            job_of([box((200, 200, 0), (210, 210, H))], isofocal_um(), sigma_px=sigma),
            watch=[lambda s, f=fronts: f.append(s.lit.front.max())],
        )
        assert (fronts[0] > 0.5) == prints  # half way down the slab the threshold is half of white


@pytest.mark.parametrize(("dp", "level"), [(50.0, 231), (40.0, 225)])
def test_gray_raises_a_face_that_looks_at_the_plate(dp, level):
    """PHYSICS.md 11.19: by 5 µm; white reaches the far face of the slab and no further."""
    parts = [box((100, 100, 0), (160, 400, 60)), box((340, 100, 0), (400, 400, 60)), box((130, 100, 45), (370, 400, 60))]
    how = process(0.0, 20.0, corrections=("printthrough",))
    job = pmsl.prepare(parts, printer(), resin(dp, memory="enclosed"), how, accept_uncalibrated=True)
    (exposure,) = job[2].exposures
    assert abs(int(exposure.mask.dense(np.uint8)[25, 25]) - level) <= 1  # a checker of quarters of a level evens out rounding
    assert exposure.mask.dense(np.uint8)[22:28, 22:28].mean() == pytest.approx(255 * math.exp(-5 / dp), abs=0.3)
    assert pmsl.simulate(job).z_error_um["down"]["median"] == pytest.approx(0.0, abs=0.5 * dp / level)


def test_a_ramp_of_grays_over_one_pixel():
    """PHYSICS.md 11.20: 32 layers of 25 µm over a pixel of 50 µm step by 1.5625 µm, a draft of 3.576°."""
    steps, pitch, height = 32, 50.0, 25.0
    assert pitch / steps == 1.5625 and math.degrees(math.atan(pitch / (steps * height))) == pytest.approx(3.576, abs=1e-3)
    ring = [
        (500, 500, 0),
        (1000, 500, 0),
        (500, 800, 0),
        (1000, 800, 0),
        (500, 500, 800),
        (950, 500, 800),
        (500, 800, 800),
        (950, 800, 800),
    ]
    hull = manifold3d.Manifold.hull_points(ring).to_mesh()
    grid = pmsl.Grid(origin_um=(0, 0), pitch_um=pitch, shape=(20, 24), z_edges_um=height * np.arange(steps + 1))
    solid = pmsl.Solid.from_arrays(hull.vert_properties[:, :3], hull.tri_verts)
    edge = [mask.dense(np.float32)[13, 19] for mask in pmsl.layer_masks([solid], grid)]
    assert edge == pytest.approx([1 - (k + 0.5) / steps for k in range(steps)], abs=1e-4)


@pytest.mark.parametrize(("grown", "iou"), [(0.0, 1.0), (5.0, 0.8264), (10.0, 0.6944)])
def test_an_isofocal_layer_larger_than_its_design_by_so_much_says_so(grown, iou):
    made, wanted = box((150, 150, 0), (250 + 2 * grown, 250 + 2 * grown, H)), box((150 + grown,) * 2 + (0,), (250 + grown,) * 2 + (H,))
    found = pmsl.simulate(job_of([made], isofocal_um(), sigma_px=0.2), [wanted])
    assert found.epe_um["median"] == pytest.approx(grown, abs=1e-3) and found.epe_um["median_abs"] == pytest.approx(grown, abs=1e-3)
    assert found.epe_um["probes"] == 40
    assert found.iou == pytest.approx(iou, abs=0.015)  # corners are rounded, walls lean
    up = found.z_error_um["up"]
    assert (up["median"], up["p95_abs"], up["merged_um2"], up["lost_um2"]) == (0, 0, 0, 0)
    assert up["area_um2"] == pytest.approx(8 * 8 * 100 if grown != 5 else 7 * 7 * 100)


def test_a_constant_tail_closes_a_channel_at_twelve_layers():
    for n, closed in ((11, False), (12, True)):
        job = job_of([tunnel(n * H)], 9.5 * math.log(5.0), 9.5)
        tailed = dataclasses.replace(job, resin=resin(9.5, tail=0.017))
        found = pmsl.simulate(tailed)
        (channel,) = found.openings
        down = found.z_error_um["down"]
        assert channel["blocked"] is closed and found.model["decay"][1] == {"share": 0.017, "length_um": None}
        if closed:
            assert channel["printed_um"]["height"] == 0 and down["median"] is None and down["merged_um2"] > 0
        else:
            assert down["median"] == pytest.approx(-35.17, abs=0.01)
    assert pmsl.simulate(job).z_error_um["down"]["median"] == pytest.approx(-9.37, abs=0.01)


def test_decays_of_equal_length_are_one_decay():
    solid = tunnel(50.0)
    job = job_of([solid])
    two = dataclasses.replace(job, resin=resin(extra_decays=(ExtraDecay(share=0.3, length_um=DP),)))
    one, other = pmsl.simulate(job).as_dict(), pmsl.simulate(two).as_dict()
    assert other["epe_um"]["median"] == pytest.approx(one["epe_um"]["median"], abs=2e-3)
    assert other["z_error_um"]["down"]["median"] == pytest.approx(one["z_error_um"]["down"]["median"], abs=5e-3)
    assert other["iou"] == pytest.approx(one["iou"], abs=1e-5)


def test_a_sharp_bright_print_is_the_design():
    found = pmsl.simulate(job_of([box((100, 100, 0), (300, 280, 50))], sigma_px=0.01))
    assert found.iou == pytest.approx(1.0, abs=0.015)
    assert found.epe_um["p95_abs"] < 0.03 * PX
    assert found.design_um3 == pytest.approx(200 * 180 * 50, rel=1e-6) and found.printed_um3 == pytest.approx(found.design_um3, rel=0.015)
    assert found.z_error_um["down"]["median"] is None and found.z_error_um["up"]["p95_abs"] == 0


def test_a_membrane_that_gets_no_light_is_lost():
    """The mesh has a membrane, the job was made without it."""
    floor, posts = box((100, 100, 0), (400, 400, 20)), [box((x, 100, 0), (x + 60, 400, 120)) for x in (100, 340)]
    job = job_of([floor, *posts], 10.5)
    found = pmsl.simulate(job, [floor, *posts, box((140, 200, 100), (360, 300, 110))])
    (feature,) = found.lost
    assert feature["kind"] == "membrane" and feature["layers"] == [10, 10]
    low, high = feature["box_um"]
    assert np.allclose(low, (170, 200, 100), atol=PX + 1e-6) and np.allclose(high, (330, 300, 110), atol=PX + 1e-6)
    assert found.z_error_um["down"]["lost_um2"] > 0 and found.z_error_um["up"]["lost_um2"] > 0


def test_a_wall_thinner_than_the_light_can_make_is_lost():
    found = pmsl.simulate(job_of([box((100, 100, 0), (400, 180, 30)), box((100, 250, 0), (400, 255.5, 30))], 10.5, sigma_px=1.0))
    assert [f["kind"] for f in found.lost] == ["wall"] and found.lost[0]["layers"] == [0, 2]
    assert found.lost[0]["box_um"][0][1] == pytest.approx(250) and found.epe_um["lost"] > 0


def test_a_narrow_channel_closes_from_its_sides():
    wide, narrow = (pmsl.simulate(job_of([tunnel(50.0, width_um=w)], sigma_px=1.0)).openings[0] for w in (200.0, 20.0))
    assert not wide["blocked"] and narrow["blocked"]
    assert narrow["design_um"] == pytest.approx({"height": 200.0, "width": 20.0}, abs=1e-3)


@pytest.mark.parametrize(("layers", "factor"), [(0, None), (8, 0.0427), (12, 0.1289), (15, 0.1523)])
def test_the_roof_dose_factor_as_an_option_of_the_process(layers, factor):
    """PHYSICS.md 11.7 on a sliced job: the gray over a thick roof; but for 8-bit levels the designed face is the printed one."""
    how = process(10.0, corrections=("printthrough",), relief_layers=layers)
    job = pmsl.prepare([tunnel(300.0, 60.0)], printer(), resin(memory="enclosed"), how, accept_uncalibrated=True)
    levels = np.array([e.mask.dense(np.uint8)[20:28, 20:28].mean() / 255 for k in range(8, 38) for e in job[k].exposures[:1]])
    if layers:
        assert levels[:layers].mean() == pytest.approx(factor, abs=2e-3) and (levels[layers:] == 1).all()
    else:
        assert (levels[:7] == 0).all() and 0 < levels[7] < 1 and (levels[8:] == 1).all()
    down = pmsl.simulate(job).z_error_um["down"]
    assert down["median_abs"] <= 0.05 and down["p95_abs"] <= 0.4


def test_first_layers_of_a_deep_dose_are_drawn_smaller_as_much_as_it_fades():
    """Elephant's foot: a part of four layers, ten times, five times and twice and a half the ordinary dose in the first three."""
    solid = box((150.3, 150.7, 0), (352.9, 331.1, 40.0))
    found, areas = {}, {}
    for corrections in ((), ("edges",)):
        how = replace(process(10.0, corrections=corrections), bottom_dose_factors=(10.0, 5.0, 2.5))
        job = pmsl.prepare([solid], printer(), resin(20.0, memory="enclosed"), how, accept_uncalibrated=True)
        found[corrections] = pmsl.simulate(job).epe_um
        areas[corrections] = [sum(e.mask.dense(np.uint8).sum() / 255 for e in job[k].exposures) for k in range(4)]
    plain, corrected = found.values()
    assert plain["median_abs"] > 0.5 * PX and plain["probes"] == corrected["probes"] > 250
    assert corrected["median_abs"] <= 0.02 * PX and corrected["p95_abs"] <= 0.2 * PX  # a corner takes three probes of nineteen
    assert corrected["lost"] == corrected["merged"] == 0
    eroded = -np.diff([areas[()], areas[("edges",)]], axis=0)[0] / (2 * (20.26 + 18.04))  # px, all around
    assert (np.diff(eroded) < -0.03).all() and eroded[0] > 0.5 and abs(eroded[3]) < 0.3


@pytest.mark.parametrize("coverage", ["area", "volume"])
def test_a_slope_to_the_light_is_steps_of_whole_layers_right_in_the_mean(coverage):
    """What cannot be placed is told beforehand, and the prediction agrees, with the 29 columns it has."""
    hull = manifold3d.Manifold.hull_points(
        [(x, y, z) for x, top in ((100, 60), (410, 160)) for y in (100, 400) for z in (0, top)]
    ).to_mesh()
    how = process(10.0, corrections=("edges", "printthrough"), coverage=coverage)
    solid = pmsl.Solid.from_arrays(hull.vert_properties[:, :3], hull.tri_verts)
    job = pmsl.prepare([solid], printer(), resin(20.0, memory="enclosed"), how, accept_uncalibrated=True)
    (told,) = (f for f in job.findings if f.code == "slopes-to-light")
    up = pmsl.simulate(job).z_error_um["up"]
    assert "+0.00 µm off in the mean" in told.message and told.value == pytest.approx(4.75, abs=0.05) and told.layers == (6, 15)
    assert abs(up["median"]) < 1.0 and up["p95_abs"] == pytest.approx(told.value, abs=0.3)
    assert up["area_um2"] > 75_000 and up["merged_um2"] == up["lost_um2"] == 0


@pytest.mark.parametrize(("slope", "median"), [(0.3, 0.1), (0.7, 0.1), (1.0, 0.2)])
def test_a_sloping_roof_is_compared_whole_though_it_crosses_slabs_inside_pixels(slope, median):
    """Corrected for, it lands everywhere; its area is that of the tunnel without the pixels at its walls. At 45° pixels share light."""
    below = manifold3d.CrossSection([[(0, 40), (170, 40), (170, 60 + 170 * slope), (0, 60)]])
    tunnel = below.extrude(600).rotate([90, 0, 0]).translate([150, 500, 0])
    mesh = (manifold3d.Manifold.cube([300, 320, 260]).translate([100, 80, 0]) - tunnel).to_mesh()
    solid = pmsl.Solid.from_arrays(mesh.vert_properties[:, :3], mesh.tri_verts)
    how = process(10.0, corrections=("edges", "printthrough"))
    job = pmsl.prepare([solid], printer(), resin(20.0, memory="enclosed"), how, accept_uncalibrated=True)
    found = pmsl.simulate(job)
    down = found.z_error_um["down"]
    assert down["area_um2"] == pytest.approx(300 * 150) and down["merged_um2"] == down["lost_um2"] == 0
    assert down["median_abs"] <= median and down["p95_abs"] <= 1.0
    assert [o["printed_um"]["width"] for o in found.openings] == [pytest.approx(170.0, abs=0.5)]


def tops_um(surface_um, layers, cd_um, sigma_px):
    """Printed tops of what is below ``surface_um(x)`` in pixels 1 to 30: coverage of the middle planes as light, blurred by box ⊛
    Gaussian, decaying from each exposure plane down. The top is the highest plane at which what is cured below it reaches the surface.
    """
    columns = np.arange(32)
    within = surface_um(columns[:, None] + (np.arange(1000) + 0.5) / 1000)
    within[[0, 31]] = 0.0
    middle = surface_um(columns + 0.5)
    apart = columns[:, None] - columns
    blur = ndtr((apart + 0.5) / sigma_px) - ndtr((apart - 0.5) / sigma_px)
    dose, top = np.zeros(32), np.zeros(32)
    for k in range(layers - 1, -1, -1):
        level = np.floor((within > (k + 0.5) * H).mean(axis=1) * 255 + 0.5) / 255
        dose = dose * np.exp(-H / DP) + blur @ level * np.exp(cd_um / DP)
        cured = np.minimum(DP * np.log(np.maximum(dose, 1e-9)), H)
        reaches = (cured > 0) & ((cured >= H) | ((k + 1) * H - cured <= middle) | ((k + 1) * H <= middle))
        top = np.maximum(top, np.where(reaches, (k + 1) * H, 0.0))
    return top


@pytest.mark.parametrize("slope", [0.03, 0.1, 0.3, 0.7, 1.0, 1.3, 1.7])
def test_a_slope_that_faces_the_light_is_one_face_in_every_column(slope):
    """Shallow and steep, though it crosses up to three slabs inside a pixel: the parts in them have no errors of their own."""
    low = 37.0
    side = manifold3d.CrossSection([[(0, 0), (300, 0), (300, low + 300 * slope), (0, low)]])
    mesh = side.extrude(320).rotate([90, 0, 0]).translate([100, 400, 0]).to_mesh()
    job = job_of([pmsl.Solid.from_arrays(mesh.vert_properties[:, :3], mesh.tri_verts)], cd_um=20.0)
    up = pmsl.simulate(job).z_error_um["up"]
    tops = tops_um(lambda x: low + slope * PX * (x - 1), job.n_layers, 20.0, 0.36)
    error = (tops - (low + slope * PX * (np.arange(32) - 0.5)))[2:30]  # beyond a pixel from the walls
    signed, absolute = np.sort(error), np.sort(abs(error))
    assert (up["area_um2"], up["merged_um2"], up["lost_um2"]) == (pytest.approx(28 * 30 * 100), 0, 0)
    assert (up["median"], up["median_abs"]) == pytest.approx((signed[13], absolute[13]), abs=2.0**-8)
    assert up["p95_abs"] == pytest.approx(absolute[26], abs=2.0**-8)


@settings(max_examples=examples(6), deadline=None)
@given(st.integers(3, 6), st.integers(5, 9), st.integers(1, 3), st.integers(0, 5), st.sampled_from([0.0, 2.5, 7.0]))
def test_every_top_counts_once_whether_it_is_known_at_once_or_waits(wide, deep, high, over, lift):
    """A block on a larger one, its tops on slab planes or between them; what is within a pixel of a wall is left out."""
    whole, long = wide + over + 6, deep + 8  # pixels
    base = manifold3d.Manifold.cube((whole * PX, long * PX, H * high + lift))
    block = manifold3d.Manifold.cube((wide * PX, deep * PX, H * 3 + lift)).translate((3 * PX, 4 * PX, H * high))
    made = (base + block).translate((10 * PX, 10 * PX, 0)).to_mesh64()
    solid = pmsl.Solid.from_arrays(made.vert_properties[:, :3], made.tri_verts)
    up = pmsl.simulate(job_of([solid], isofocal_um(), sigma_px=0.2)).z_error_um["up"]
    counted = up["area_um2"] + up["merged_um2"] + up["lost_um2"]
    wanted = (wide - 2) * (deep - 2) + (whole - 2) * (long - 2) - (wide + 2) * (deep + 2)
    assert counted / PX**2 == pytest.approx(wanted)
