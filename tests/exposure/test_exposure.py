"""Working curve, dose ladder and dose maps: closed forms and refusals."""

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solids import box

import pmsl
from pmsl import Grid
from pmsl.cure import cure_depth_um, dose_for_depth_mj_cm2
from pmsl.errors import ExposureError, UsageError
from pmsl.exposure import dose_ladder, planning
from pmsl.profiles.motion import Motion, move_time_s
from pmsl.profiles.printer import LightSetting
from pmsl.profiles.tables.strict_struct import Value

PRINTER, RESIN, PROCESS = pmsl.find_printer("dlp-27um"), pmsl.find_resin("pr48-385"), pmsl.find_process("default")
replace = msgspec.structs.replace


def value(v):
    return Value(value=v, class_="measured", source="test")


def slabs(*heights):
    return Grid(origin_um=(0, 0), pitch_um=27, shape=(4, 4), z_edges_um=np.concatenate([[0], np.cumsum(heights)]))


def frame_locked(frame_s):
    return replace(PRINTER, dmd=replace(PRINTER.dmd, frame_locked=True, frame_s=value(frame_s)))


@pytest.mark.parametrize(
    ("dp", "ec", "dose", "depth"),
    [(69.3, 17.9, 50, 71.187), (39.2, 12.3, 50, 54.975), (42, 18.3, 50, 42.215), (100, 10, 10 * math.e, 100), (50, 9, 9, 0), (50, 9, 1, 0)],
)
def test_jacobs(dp, ec, dose, depth):
    assert cure_depth_um(dose, dp, ec) == pytest.approx(depth, abs=1e-3)


def test_the_inverse_curve():
    assert dose_for_depth_mj_cm2(50, 69.3, 17.9) == pytest.approx(36.8296, abs=1e-4)
    assert dose_for_depth_mj_cm2(20, 39.2, 12.3) == pytest.approx(20.4873, abs=1e-4)


@given(st.floats(0.1, 300), st.floats(1, 300), st.floats(0.1, 100))
def test_dose_and_depth_are_inverse(depth, dp, ec):
    if depth / dp < 50:
        assert cure_depth_um(dose_for_depth_mj_cm2(depth, dp, ec), dp, ec) == pytest.approx(depth, rel=1e-9, abs=1e-9)


def test_values_that_make_no_curve_are_refused():
    for bad in ((-1.0, 10, 10), (5, 0.0, 10), (5, 10, -2)):
        with pytest.raises(ExposureError):
            cure_depth_um(*bad)


def test_white_leaves_one_and_a_half_ec_at_the_far_face_of_every_layer():
    grid = slabs(10, 10, 10, 10, 25, 5)
    ladder = dose_ladder(grid, PRINTER, RESIN, PROCESS)
    at_far_face = ladder.dose_mj_cm2 * np.exp(-grid.thickness_um / 39.2) / 12.3
    assert at_far_face == pytest.approx([15, 7.5, 3.75, 1.5, 1.5, 1.5])
    assert ladder.time_s * 20.5 == pytest.approx(ladder.dose_mj_cm2)


def test_the_margin_overrides():
    ladder = dose_ladder(slabs(10), PRINTER, RESIN, replace(PROCESS, margin_um=20.0, bottom_dose_factors=()))
    assert cure_depth_um(ladder.dose_mj_cm2[0], 39.2, 12.3) == pytest.approx(30)


def test_frame_locked_times_are_whole_frames_rounded_up_never_zero():
    free = dose_ladder(slabs(10, 10, 10, 10), PRINTER, RESIN, PROCESS)
    for frame_s in (1 / 120, 0.4, 100.0):
        locked = dose_ladder(slabs(10, 10, 10, 10), frame_locked(frame_s), RESIN, replace(PROCESS, bottom_dose_factors=(1.0,)))
        frames = locked.time_s / frame_s
        assert np.allclose(frames, np.round(frames)) and frames.min() >= 1
        assert (locked.time_s >= free.time_s[-1] - 1e-12).all() and (locked.time_s < free.time_s[-1] + frame_s).all()
        assert locked.dose_mj_cm2 == pytest.approx(locked.time_s * 20.5)


def test_exact_multiples_of_a_frame_stay():
    time_s = dose_ladder(slabs(10), PRINTER, RESIN, replace(PROCESS, bottom_dose_factors=())).time_s[0]
    assert dose_ladder(slabs(10), frame_locked(time_s / 7), RESIN, replace(PROCESS, bottom_dose_factors=())).time_s[0] == pytest.approx(
        time_s, rel=1e-12
    )


def test_a_layer_that_would_not_stick_is_refused():
    with pytest.raises(ExposureError, match=r"layer 1 .*far face, below Ec"):
        dose_ladder(slabs(10, 10), PRINTER, RESIN, replace(PROCESS, bottom_dose_factors=(1.0, 0.6)))


@pytest.mark.parametrize(
    ("limit", "amount", "words"),
    [("max_exposure_s", 1.0, "exposure time"), ("max_dose_mj_cm2", 100.0, "white dose"), ("max_power", 0.5, "power")],
)
def test_limits_of_the_printer_are_kept(limit, amount, words):
    printer = replace(PRINTER, limits=replace(PRINTER.limits, **{limit: value(amount)}))
    with pytest.raises(ExposureError, match=f"layer 0: {words}.*limit {amount:g}"):
        dose_ladder(slabs(10), printer, RESIN, PROCESS)


@pytest.mark.parametrize(("factors", "words"), [((), "lower exposure_s$"), ((2.0,), "lower exposure_s or its bottom dose factor$")])
def test_a_time_above_the_limit_names_what_it_was_asked_for_by(factors, words):
    process = replace(PROCESS, exposure_s=1e5, margin_um=None, bottom_dose_factors=factors)
    with pytest.raises(ExposureError, match=words):
        dose_ladder(slabs(10), PRINTER, RESIN, process)


def test_power_picks_a_light_setting():
    settings = [*PRINTER.optics.settings, LightSetting(power=0.5, irradiance_mw_cm2=value(9.0))]
    printer = replace(PRINTER, optics=replace(PRINTER.optics, settings=settings))
    ladder = dose_ladder(slabs(10), printer, RESIN, replace(PROCESS, power=0.5))
    assert ladder.power == 0.5 and ladder.time_s * 9 == pytest.approx(ladder.dose_mj_cm2)
    with pytest.raises(UsageError, match="0.7 is no light setting.*1, 0.5"):
        dose_ladder(slabs(10), printer, RESIN, replace(PROCESS, power=0.7))


def test_dose_maps_are_time_times_irradiance_times_gray():
    job = pmsl.prepare([box((54, 54, 0), (54 + 27 * 3.5, 54 + 27 * 2.25, 30))], PRINTER, RESIN, PROCESS)
    for k in range(3):
        plan = job[k]
        dose = pmsl.dose_map(job, plan)
        gray = plan.exposures[0].mask.dense(np.uint8) / 255
        assert dose.at == "mirror" and dose.dose.dtype == np.float32
        assert np.allclose(dose.dense(), gray * plan.exposures[0].dose_mj_cm2, rtol=1e-6)
        assert dose.dense().max() == np.float32(plan.exposures[0].dose_mj_cm2)
        assert dose.dense()[dose.dense() > 0].size == 4 * 3


def test_empty_layers_have_motion_and_no_light():
    gap = [box((54, 54, 0), (108, 108, 10)), box((54, 54, 30), (108, 108, 40))]
    job = pmsl.prepare(gap, PRINTER, RESIN, PROCESS)
    assert [len(plan.exposures) for plan in job.layers()] == [1, 0, 0, 1]
    assert pmsl.dose_map(job, job[1]).dense().max() == 0


def test_a_layer_too_faint_for_the_device_is_not_a_lit_black_frame():
    faint, wide = box((54, 54, 0), (54.02, 108, 10)), box((54, 54, 10), (108, 108, 30))
    vertices = np.concatenate([faint.vertices_um, wide.vertices_um])
    job = pmsl.prepare([pmsl.Solid.from_arrays(vertices, np.concatenate([faint.faces, wide.faces + 10]))], PRINTER, RESIN, PROCESS)
    assert job[0].exposures == () and len(job) == 3
    assert [f.code for f in job[0].findings] == ["layer-too-faint"] and "would float" in job[0].findings[0].message


def test_move_time():
    assert move_time_s(1000, 100, 1000) == pytest.approx(10.1)  # 0.1 s up to speed and down again
    assert move_time_s(4, 1000, 1) == pytest.approx(4)  # never reaches the speed: 2·sqrt(d/a)
    assert move_time_s(0, 10, 10) == 0
    motion = Motion(
        lift_um=1000, lift_um_s=100, lift_um_s2=1000, retract_um_s=50, retract_um_s2=1e12, wait_before_lift_s=1, wait_top_s=2, settle_s=3
    )
    assert motion.duration_s == pytest.approx(10.1 + 20 + 6)


def test_estimate_counts_motion_exposures_and_resin():
    job = pmsl.prepare([box((54, 54, 0), (108, 108, 40))], PRINTER, RESIN, PROCESS)
    estimate = job.estimate()
    times = sum(e.time_s for plan in job.layers() for e in plan.exposures)
    assert estimate.print_time_s == pytest.approx(times + PROCESS.motion.duration_s(4))
    assert estimate.resin_ml == pytest.approx(54 * 54 * 40e-12)


def test_doses_beyond_reason_are_refused():
    with pytest.raises(ExposureError, match="make the layer thinner"):
        dose_ladder(slabs(50_000), PRINTER, RESIN, PROCESS)
    with pytest.raises(ExposureError, match="make the layer thinner"):
        dose_for_depth_mj_cm2(10, 1e-3, 5)


@pytest.mark.parametrize(
    "wish", [{"dose_scale": 0.0}, {"dose_scale": -1.0}, {"dose_scale": math.nan}, {"dose_scale": 11.0}, {"region": "membrane"}]
)
def test_doses_of_single_parts_that_are_none_are_refused(wish):
    with pytest.raises(UsageError, match=next(iter(wish))):
        pmsl.prepare([pmsl.Part(solid=box((54, 54, 0), (108, 108, 40)), **wish)], PRINTER, RESIN, PROCESS)


@pytest.mark.parametrize("frame_s", [1 / 60, 0.0137, 1 / 240])
@pytest.mark.parametrize("irradiance", [20.5, 0.3, 7.7])
def test_a_dose_of_whole_frames_takes_no_frame_more_whatever_rounding_leaves(frame_s, irradiance):
    frames = np.arange(1, 5000)
    doses, times = planning.whole_frames(frames * frame_s * irradiance, irradiance, frame_locked(frame_s))
    assert (np.rint(times / frame_s) == frames).all() and doses == pytest.approx(times * irradiance, rel=1e-15)
    plainly = np.ceil(frames * frame_s * irradiance / irradiance / frame_s)
    assert (plainly > frames).any()  # some would
