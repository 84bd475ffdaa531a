"""Jobs made ones that a target can hold: what is refused, what is done with --lossy, and that it is always said."""

import dataclasses

import numpy as np
import pytest
from formats.conformance import RESIN, exposure, f_frame, job_of, printer_of
from hypothesis import given
from hypothesis import strategies as st

from pmsl.errors import TargetError, UsageError
from pmsl.formats.adapt.adapt import fit
from pmsl.formats.adapt.capability import Capability
from pmsl.formats.adapt.merge_exposures import folded, scaled
from pmsl.formats.frames.device_frame import depth_levels, levels_of_light, quantised
from pmsl.formats.protocol import WriteOptions
from pmsl.job.print_job import FLAT_FIELD_BY_HOST

LINEAR = np.arange(256) / 255
GAMMA = LINEAR**2.2
SHAPE = (24, 32)
FRAME = f_frame(SHAPE)


def job(*layers, layer_um=20.0, **more):
    return job_of(list(layers) or [FRAME], printer_of(SHAPE), layer_um, **more)


def fitted(job, target, lossy=False, **more):
    return fit(job, target, "x", WriteOptions(response=LINEAR, lossy=lossy, **more))


def codes(job):
    return {f.code for f in job.findings} | {f.code for plan in job.layers() for f in plan.findings}


def refused(job, target, field, lossy=False):
    with pytest.raises(TargetError) as caught:
        list(fitted(job, target, lossy).layers())
    assert caught.value.field == field and str(caught.value.value) in str(caught.value) and str(caught.value.limit) in str(caught.value)
    return str(caught.value)


def test_a_target_that_holds_everything_changes_nothing():
    one = job([exposure(FRAME, offset_um=(1, 2), focus_um=3, repeat=4, wait_before_s=5, wait_after_s=6), exposure(FRAME)], None)
    same = fitted(one, Capability())
    assert same.findings == one.findings and same.engines == one.engines
    for a, b in zip(one.layers(), same.layers(), strict=True):
        for e, f in zip(a.exposures, b.exposures, strict=True):
            assert dataclasses.replace(e, mask=None) == dataclasses.replace(f, mask=None) or e.time_s == f.time_s
            assert e.mask.sha256() == f.mask.sha256()


@pytest.mark.parametrize(("field", "value"), [("focus_um", 3.0), ("repeat", 2), ("wait_before_s", 0.5), ("wait_after_s", 0.5)])
def test_fields_without_a_place_are_refused_or_dropped_and_listed(field, value):
    one, target = job([exposure(FRAME, time_s=2.0, **{field: value})]), Capability(holds=frozenset())
    assert "--lossy" in refused(one, target, field)
    other = fitted(one, target, lossy=True)
    assert f"lossy-{field.replace('_', '-')}" in codes(other)
    (shown,) = other[0].exposures
    assert getattr(shown, field) == (1 if field == "repeat" else 0) and shown.time_s == (4.0 if field == "repeat" else 2.0)


def test_a_stage_offset_is_never_dropped():
    for lossy in (False, True):
        refused(job([exposure(FRAME, offset_um=(5.0, 0.0))]), Capability(holds=frozenset()), "offset_um", lossy)


def test_layer_heights_that_would_be_others_are_refused_even_lossy():
    uneven = job(FRAME, FRAME, FRAME, edges_um=[0, 10, 30, 50])
    for lossy in (False, True):
        assert "layer 0" in refused(uneven, Capability(min_layer_um=10.5), "layer height", lossy)
        assert "layer 1" in refused(uneven, Capability(variable_layers="none"), "layer height", lossy)
        refused(job(layer_um=12.5), Capability(layer_step_um=1.0), "layer height", lossy)
    fitted(uneven, Capability(variable_layers="first", layer_step_um=10.0))


def test_pitch_and_largest_size_are_refused_even_lossy():
    for lossy in (False, True):
        refused(job(), Capability(exact_pitch_um=(10, 10)), "pixel pitch", lossy)
        refused(job(), Capability(max_size=(20, 100)), "frame size", lossy)


@pytest.mark.parametrize("size", [(40, 50), (23, 31), (25, 33)])
def test_padding_and_cropping_keep_every_lit_pixel_at_its_place_in_um(size):
    small = np.zeros(SHAPE, np.uint8)
    small[3:20, 4:25] = f_frame((17, 21))
    one, target = job(small), Capability(exact_size=size)
    assert "--lossy" in refused(one, target, "frame size")
    other = fitted(one, target, lossy=True)
    assert other.grid.shape == size and "lossy-frame-size" in codes(other)
    for a, b in zip(lit_um(one), lit_um(other), strict=True):
        assert np.allclose(a, b)


def lit_um(one):
    rows, cols = np.nonzero(one[0].exposures[0].mask.dense(np.uint8))
    return one.grid.origin_um[0] + cols * one.grid.pitch_um[0], one.grid.origin_um[1] + rows * one.grid.pitch_um[1]


def test_light_that_would_be_cut_off_is_refused():
    frame = np.zeros(SHAPE, np.uint8)
    frame[0, 0] = 1
    refused(job(frame), Capability(exact_size=(20, 30)), "lit area", lossy=True)


def test_times_outside_the_bounds_and_off_the_step():
    target = Capability(exposure_min_s=1.0, exposure_max_s=10.0, exposure_step_s=0.25, holds=frozenset())
    for time_s in (0.5, 10.25):
        refused(job([exposure(FRAME, time_s=time_s)]), target, "time_s", lossy=True)
    refused(job([exposure(FRAME, time_s=2.1)]), target, "time_s")
    other = fitted(job([exposure(FRAME, time_s=2.1)]), target, lossy=True)
    assert other[0].exposures[0].time_s == 2.0 and "lossy-time-step-s" in codes(other)
    assert other[0].exposures[0].dose_mj_cm2 == pytest.approx(40.0)


def test_one_time_for_all_folds_doses_into_gray():
    one, target = job(*([exposure(FRAME, time_s=t)] for t in (8.0, 4.0, 2.0))), Capability(per_layer_exposure="none", holds=frozenset())
    other = fitted(one, target, lossy=True)
    assert [p.exposures[0].time_s for p in other.layers()] == [8.0] * 3
    assert [p.exposures[0].mask.dense(np.uint8).max() for p in other.layers()] == [255, 127, 64]
    assert "lossy-time-s" in codes(other)


def test_dose_maps_are_refused_where_there_is_no_place():
    with pytest.raises(UsageError, match="--dose"):
        fitted(job(), Capability(holds=frozenset()), dose_of=lambda *_: None)


def test_what_is_left_to_the_machine_is_said():
    assert "left-to-host" in codes(fitted(job(), Capability(holds=frozenset())))
    assert "left-to-host" not in codes(fitted(job(), Capability()))


# --- grays -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [8, 7, 4, 1])
@pytest.mark.parametrize("response", [LINEAR, GAMMA])
def test_the_nearest_level_in_light(bits, response):
    kept = depth_levels(bits)
    assert kept[0] == 0 and kept[-1] == 255 and len(kept) == 2**bits and list(kept) == sorted(set(kept))
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    out = quantised(levels, kept, response)
    assert set(out.ravel().tolist()) <= set(kept)
    light = response[list(kept)]
    assert np.allclose(
        np.abs(response[out] - response[levels]), np.abs(light[None] - response[levels].reshape(-1, 1)).min(1).reshape(16, 16)
    )
    assert np.array_equal(quantised(out, kept, response), out)


@given(st.integers(0, 255), st.sampled_from([1, 2, 4]), st.booleans())
def test_dithering_keeps_the_mean_light(level, bits, bent):
    kept, response = depth_levels(bits), GAMMA if bent else LINEAR
    out = quantised(np.full((16, 24), level, np.uint8), kept, response, dithered=True)
    assert set(out.ravel().tolist()) <= set(kept)
    step = np.diff(response[list(kept)]).max()
    assert abs(response[out].mean() - response[level]) <= step / 128 + 1e-12
    if level in kept:
        assert (out == level).all()


def test_dithering_is_fixed_to_the_grid():
    levels = np.full((32, 32), 77, np.uint8)
    whole = quantised(levels, depth_levels(1), LINEAR, True)
    levels[:, 16:] = 200
    assert np.array_equal(quantised(levels, depth_levels(1), LINEAR, True)[:, :16], whole[:, :16])


def test_grays_a_target_has_not_are_refused_or_taken_to_the_nearest():
    coarse = Capability(gray_levels=128, gray_map=(0, *range(3, 256, 2)))
    assert "128 levels" in refused(job(np.full(SHAPE, 100, np.uint8)), coarse, "gray")
    other = fitted(job(np.full(SHAPE, 100, np.uint8)), coarse, lossy=True)
    assert set(np.unique(other[0].exposures[0].mask.dense(np.uint8))) <= {99, 101} and "lossy-gray" in codes(other)
    fine = fitted(job(FRAME), coarse)
    assert np.array_equal(fine[0].exposures[0].mask.dense(np.uint8), FRAME)
    binary = fitted(job(np.full(SHAPE, 64, np.uint8)), Capability(gray_levels=2, gray_map=(0, 255)), lossy=True)
    assert 0.2 < (binary[0].exposures[0].mask.dense(np.uint8) > 0).mean() < 0.3


# --- folding -----------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0.1, 20), st.integers(1, 3), st.integers(0, 2**32)), min_size=1, max_size=4), st.booleans())
def test_folding_keeps_every_pixels_dose(shown, bent):
    response = GAMMA if bent else LINEAR
    exposures = []
    for time_s, repeat, seed in shown:
        frame = np.random.default_rng(seed).integers(0, 256, SHAPE).astype(np.uint8)
        exposures.append(exposure(frame, time_s=time_s, repeat=repeat))
    plan = dataclasses.replace(job()[0], exposures=tuple(exposures))
    one = folded(plan, response)
    wanted = sum(e.dose_mj_cm2 * e.repeat * response[e.mask.dense(np.uint8)] for e in exposures)
    given_dose = one.dose_mj_cm2 * response[one.mask.dense(np.uint8)]
    assert np.abs(given_dose - wanted).max() <= one.dose_mj_cm2 * np.diff(response).max() / 2 + 1e-9
    assert one.dose_mj_cm2 / one.time_s == pytest.approx(exposures[0].dose_mj_cm2 / exposures[0].time_s)
    assert one.repeat == 1


def test_scaling_keeps_dose_and_levels():
    e = exposure(np.arange(256, dtype=np.uint8).reshape(16, 16), time_s=2.0)
    assert scaled(e, 2.0, LINEAR) is e
    twice = scaled(e, 4.0, GAMMA)
    light = GAMMA[twice.mask.dense(np.uint8)] * twice.dose_mj_cm2
    assert np.abs(light - GAMMA[e.mask.dense(np.uint8)] * e.dose_mj_cm2).max() <= twice.dose_mj_cm2 * np.diff(GAMMA).max() / 2
    assert np.array_equal(levels_of_light(LINEAR, LINEAR), np.arange(256)) and RESIN.name == "pr48-405"


def test_what_the_host_must_do_is_refused_where_the_file_cannot_ask_for_it():
    evened = job(requires=(FLAT_FIELD_BY_HOST,))
    for lossy in (False, True):
        refused(evened, Capability(holds=frozenset({"power"})), "requires", lossy)
    assert fitted(evened, Capability()).requires == (FLAT_FIELD_BY_HOST,)
