"""Far-face rule with everything a resin may give: decays, tail, induction; several exposures of a layer."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from printer_resin_pairs import printer_for

import pmsl
from pmsl import Grid
from pmsl.core.mask import LayerMask
from pmsl.cure import CureModel, EventSum, dose_for_depth_mj_cm2, effective_dose_mj_cm2
from pmsl.errors import ExposureError
from pmsl.exposure import dose_ladder
from pmsl.exposure.images import Merger
from pmsl.optics.grayscale import response
from pmsl.profiles.printer import Response
from pmsl.profiles.process import Motion
from pmsl.profiles.resin import ExtraDecay
from pmsl.profiles.tables.strict_struct import Value

PLAIN, PROCESS = pmsl.find_resin("pr48-405"), pmsl.find_process("default")
PRINTER = printer_for(PLAIN)
SHAPE = (6, 8)
replace = msgspec.structs.replace


def value(v):
    return Value(value=v, class_="measured", source="test")


def resin(**changes):
    return replace(PLAIN, resin=replace(PLAIN.resin, **{name: value(v) for name, v in changes.items()}))


def slabs(*heights, shape=SHAPE):
    return Grid(origin_um=(0, 0), pitch_um=27, shape=shape, z_edges_um=np.concatenate([[0], np.cumsum(heights)]))


RESINS = {
    "plain": {},
    "two decays": {"extra_decays": (ExtraDecay(share=0.3, length_um=20.0),)},
    "tail": {"tail": 0.02},
    "induction": {"induction_mj_cm2": 5.0},
    "scatter": {"scatter_um": 0.4},
    "all": {"extra_decays": (ExtraDecay(share=0.1, length_um=400.0),), "tail": 0.01, "induction_mj_cm2": 3.0, "memory": "open"},
}
resins = pytest.mark.parametrize("given_", RESINS.values(), ids=RESINS.keys())


@resins
@pytest.mark.parametrize("margin", [0.0, 12.5])
def test_one_exposure_cures_exactly_to_the_margin_beyond_the_far_face(given_, margin):
    r = resin(**{name: v for name, v in given_.items() if name != "scatter_um"})
    dose = dose_ladder(slabs(10), PRINTER, r, replace(PROCESS, margin_um=margin, bottom_dose_factors=())).dose_mj_cm2[0]
    layer = EventSum(CureModel.of(r), (1, 1)).add(0, 80.0, np.array([[dose]]))
    assert layer.cured_um[0, 0] == pytest.approx(10 + margin, abs=1e-6)


@resins
def test_without_a_margin_one_and_a_half_ec_is_left_at_the_far_face(given_):
    model = CureModel.of(resin(**given_))
    grid = slabs(10, 25, 5, 10)
    ladder = dose_ladder(grid, PRINTER, resin(**given_), replace(PROCESS, bottom_dose_factors=()))
    left = [model.decay.fraction(h) for h in grid.thickness_um]
    assert ladder.dose_mj_cm2 * left == pytest.approx(1.5 * model.ec_mj_cm2, rel=1e-12)


def test_what_does_not_change_the_light_of_one_exposure_changes_no_bit_of_the_ladder():
    plain = dose_ladder(slabs(10, 10, 5), PRINTER, PLAIN, PROCESS)
    expected = [10.0, 5.0, 2.5] * np.array([dose_for_depth_mj_cm2(h + 69.3 * np.log(1.5), 69.3, 17.9) for h in (10, 10, 5)])
    assert plain.dose_mj_cm2.tolist() == expected.tolist()
    scattered = dose_ladder(slabs(10, 10, 5), PRINTER, resin(scatter_um=0.4, memory="open"), PROCESS)
    assert scattered.dose_mj_cm2.tolist() == plain.dose_mj_cm2.tolist()


def test_bottom_factors_multiply_the_effective_dose():
    ladder = dose_ladder(slabs(*[10] * 5), PRINTER, resin(induction_mj_cm2=5.0), PROCESS)
    effective = ladder.dose_mj_cm2 - 5.0
    assert effective / effective[-1] == pytest.approx([10, 5, 2.5, 1, 1])


@resins
@pytest.mark.parametrize("frame_s", [None, 0.016])
def test_a_time_gives_every_ordinary_layer_the_same_light_whatever_its_height(given_, frame_s):
    printer = PRINTER if frame_s is None else replace(PRINTER, dmd=replace(PRINTER.dmd, frame_locked=True, frame_s=value(frame_s)))
    irradiance, induction = printer.optics.settings[0].irradiance_mw_cm2.value, CureModel.of(resin(**given_)).induction_mj_cm2
    process = replace(PROCESS, exposure_s=9.1, bottom_dose_factors=(4.0, 2.0))
    ladder = dose_ladder(slabs(10, 5, 10, 25, 5), printer, resin(**given_), process)
    effective = (9.1 * irradiance - induction) * np.array([4, 2, 1, 1, 1]) + induction
    if frame_s is None:
        assert ladder.time_s[2:].tolist() == [9.1] * 3  # to the bit
        assert ladder.dose_mj_cm2 == pytest.approx(effective, rel=1e-14)
    else:
        frames = np.ceil(effective / irradiance / frame_s - 1e-9)
        assert ladder.time_s == pytest.approx(frames * frame_s, rel=1e-14) and ladder.time_s[4] > 9.1
    assert ladder.dose_mj_cm2 == pytest.approx(ladder.time_s * irradiance, rel=1e-12)


@given(st.floats(1.0, 60.0), st.floats(0.05, 20.0), st.sampled_from([{}, {"induction_mj_cm2": 5.0}, {"tail": 0.02}]))
def test_a_time_is_refused_exactly_where_it_leaves_less_than_ec_at_the_far_face(height, seconds, given_):
    """And the margin that is the same light is: the two ways to say it have one rule."""
    model = CureModel.of(resin(**given_))
    left = seconds * PRINTER.optics.settings[0].irradiance_mw_cm2.value * model.decay.fraction(height) / model.ec_mj_cm2
    process = replace(PROCESS, exposure_s=seconds, bottom_dose_factors=())
    if abs(left - 1) < 1e-9:
        return
    if left < 1:
        with pytest.raises(ExposureError, match=r"far face.*raise its bottom dose factor or exposure_s"):
            dose_ladder(slabs(height), PRINTER, resin(**given_), process)
    else:
        assert dose_ladder(slabs(height), PRINTER, resin(**given_), process).time_s.tolist() == [seconds]


def test_a_time_above_the_printers_limit_is_refused_and_bottom_factors_count():
    limit = PRINTER.limits.max_exposure_s.value
    for seconds, factors in ((limit * 1.01, ()), (limit / 2, (3.0,))):
        with pytest.raises(ExposureError, match="above the limit"):
            dose_ladder(slabs(10), PRINTER, PLAIN, replace(PROCESS, exposure_s=seconds, bottom_dose_factors=factors))


def test_a_time_and_a_margin_exclude_each_other():
    with pytest.raises(ValueError, match="exposure_s is 2 and margin_um is 5: give one of the two"):
        replace(PROCESS, exposure_s=2.0, margin_um=5.0)


def test_depths_beyond_reason_are_refused_whatever_the_decay():
    with pytest.raises(ExposureError, match="make the layer thinner"):
        dose_ladder(slabs(90_000), PRINTER, resin(extra_decays=(ExtraDecay(share=0.3, length_um=20.0),)), PROCESS)


# --- several exposures -----------------------------------------------------------------------------------------


def mask_of(levels, k=0):
    return LayerMask.from_dense(k, np.asarray(levels, np.uint8))


def delivered(plan, grid, light, induction):
    """Effective dose of every pixel, exposure by exposure."""
    doses = [e.dose_mj_cm2 * light[e.mask.dense(np.uint8)] for e in plan.exposures]
    return np.array([[effective_dose_mj_cm2([float(d[r, c]) for d in doses], induction) for c in range(SHAPE[1])] for r in range(SHAPE[0])])


def planned(images, printer=PRINTER, induction=5.0):
    grid = slabs(10)
    ladder = dose_ladder(grid, printer, resin(induction_mj_cm2=induction), replace(PROCESS, bottom_dose_factors=()))
    return ladder, ladder.plan(images, grid, Motion()), grid


def halves():
    left, right = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    left[:, :4], right[:, 4:] = 255, 255
    right[:, 7] = 128
    return mask_of(left), mask_of(right)


def test_offset_of_the_pymfcad_printers():
    """(t_bulk - t_off) m + t_off: 450 ms, 50 ms, m = 0.6 → 290 ms; m = 0 → 50 ms, no effective dose."""
    merger = Merger.of(response(PRINTER), 50.0)
    full = mask_of(np.full(SHAPE, 255))
    assert merger.images([(full, 0.6)], 450.0) == [(full, pytest.approx(290.0))]
    ((_, dose),) = merger.images([(full, 0.0)], 450.0)
    assert dose == 50.0 and effective_dose_mj_cm2([dose], 50.0) == 0
    assert Merger.of(response(PRINTER), 0.0).images([(full, 0.0)], 450.0) == []


def test_two_halves_of_an_exposure_give_the_whole_effective_dose():
    """Plain halves would give (1 - 2f) / (1 - f) of it: 0.8889 at f = 0.1."""
    assert effective_dose_mj_cm2([50, 50], 10) / effective_dose_mj_cm2([100], 10) == pytest.approx(0.8889, abs=5e-5)
    full = mask_of(np.full(SHAPE, 255))
    one = Merger.of(response(PRINTER), 10.0).images([(full, 0.5), (full, 0.5)], 100.0)
    assert len(one) == 1 and one[0][1] == pytest.approx(100.0) and one[0][0].dense(np.uint8).min() == 255
    apart = [Merger.of(response(PRINTER), 10.0).white_mj_cm2(100.0, 0.5)] * 2
    assert effective_dose_mj_cm2(apart, 10) == pytest.approx(effective_dose_mj_cm2([100], 10))


@pytest.mark.parametrize("factors", [(1.0, 0.6), (0.67, 1.33), (1.0, 0.0), (2.0, 2.0)])
def test_regions_merge_into_one_gray_image_with_their_effective_doses(factors):
    left, right = halves()
    ladder, plan, _ = planned([(left, factors[0]), (right, factors[1])])
    (exposure,) = plan.exposures
    white = ladder.dose_mj_cm2[0]
    wanted = [(white - 5) * m + 5 for m in factors]
    assert exposure.dose_mj_cm2 == pytest.approx(max(wanted))
    dose = exposure.dose_mj_cm2 * exposure.mask.dense(np.uint8) / 255
    half_level = 0.5 / 255 * max(wanted) * 1.001
    assert dose[:, :4] == pytest.approx(wanted[0], abs=half_level)
    assert dose[:, 4:7] == pytest.approx(wanted[1], abs=half_level)
    assert dose[:, 7] == pytest.approx(wanted[1] * 128 / 255, abs=half_level)
    assert exposure.time_s == pytest.approx(exposure.dose_mj_cm2 / 20.5)


def test_a_response_too_coarse_for_half_a_level_gets_several_exposures():
    coarse = replace(PRINTER, response=Response(kind="table", table=value([0.0] * 100 + [0.5] * 100 + [1.0] * 56)))
    left, right = halves()
    right = mask_of((right.dense(np.uint8) > 0) * 255)
    ladder, plan, grid = planned([(left, 1.0), (right, 0.8)], coarse)
    assert len(plan.exposures) == 2
    white = ladder.dose_mj_cm2[0]
    found = delivered(plan, grid, response(coarse), 5.0)
    assert found[:, :4] == pytest.approx(white - 5) and found[:, 4:7] == pytest.approx(0.8 * (white - 5))
    assert len(planned([(left, 1.0), (right, 0.5)], coarse, induction=0.0)[1].exposures) == 1  # a level gives just that


@given(st.integers(0, 1 << 30), st.sampled_from([1.0, 2.153, 0.5]), st.floats(0, 12))
def test_whatever_the_images_every_full_pixel_gets_its_effective_dose(seed, gamma, induction):
    rng = np.random.default_rng(seed)
    printer = replace(PRINTER, response=Response(kind="gamma", gamma=value(gamma)))
    which = rng.integers(0, 4, SHAPE)
    factors = rng.choice([0.25, 0.5, 0.83, 1.0, 1.33], 3)
    images = [(mask_of((which == i + 1) * 255), float(m)) for i, m in enumerate(factors) if (which == i + 1).any()]
    ladder, plan, grid = planned(images, printer, induction)
    white, light = ladder.dose_mj_cm2[0], response(printer)
    wanted = np.where(which > 0, (white - induction) * np.array([0, *factors])[which], 0.0)
    largest = max(e.dose_mj_cm2 for e in plan.exposures)
    assert delivered(plan, grid, light, induction) == pytest.approx(wanted, abs=0.5 / 255 * largest * 1.001)


def test_exposures_that_share_a_layer_keep_the_printers_limits():
    left, right = halves()
    printer = replace(PRINTER, limits=replace(PRINTER.limits, max_dose_mj_cm2=value(50.0)))
    with pytest.raises(ExposureError, match="layer 0: white dose .* limit 50"):
        planned([(left, 1.0), (right, 2.0)], printer)


def test_frames_are_whole_for_every_exposure():
    locked = replace(PRINTER, dmd=replace(PRINTER.dmd, frame_locked=True, frame_s=value(0.25)))
    left, right = halves()
    ladder, plan, _ = planned([(left, 1.0), (right, 0.6)], locked)
    (e,) = plan.exposures
    assert e.time_s == ladder.time_s[0] and e.time_s / 0.25 == pytest.approx(round(e.time_s / 0.25))
    (alone,) = planned([(right, 0.6)], locked)[1].exposures
    assert alone.time_s / 0.25 == pytest.approx(round(alone.time_s / 0.25)) and alone.time_s < e.time_s


def test_a_layer_whose_factors_leave_no_light_says_so():
    left, right = halves()
    plan = planned([(left, 0.0), (right, 0.0)], induction=0.0)[1]
    assert plan.exposures == () and [f.code for f in plan.findings] == ["layer-without-dose"]
