"""Flat-field compensation: even doses through the whole house, once, baked or left to the host."""

import json

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from printer_resin_pairs import printer_for
from solids import box

import pmsl
from pmsl.core.mask import LayerMask
from pmsl.correct import flat_field as flatfield
from pmsl.cure import cure_depth_um
from pmsl.errors import ExposureError, JobError, UsageError
from pmsl.optics import flat_field
from pmsl.optics.grayscale import fine_levels_of, levels_of, light_of_levels, response
from pmsl.profiles.printer import FlatField, Response
from pmsl.profiles.tables.strict_struct import Value

RESIN, PROCESS = pmsl.find_resin("pr48-405"), pmsl.find_process("default")
PRINTER = printer_for(RESIN)
SHAPE, P = (48, 64), 27.0
replace = msgspec.structs.replace


def value(v):
    return Value(value=v, class_="measured", source="test")


def printer_of(flat=None, **changes):
    return replace(PRINTER, dmd=replace(PRINTER.dmd, shape=value(SHAPE)), optics=replace(PRINTER.optics, flat_field=flat), **changes)


def vignetted(reference="mean", loss=0.3, **changes):
    return printer_of(FlatField(vignetting=value(loss), reference=reference), **changes)


def job_of(printer, how, high=(64 * P, 48 * P, 30)):
    return prepare([box((0, 0, 0), high)], printer, RESIN, how)


def prepare(parts, printer, resin, how):
    evened = {"corrections": ("flatfield",), "flat_field": how} if how != "none" else {}
    return pmsl.prepare(parts, printer, resin, replace(PROCESS, **evened), accept_uncalibrated=True)


@pytest.mark.parametrize("reference", ["mean", "maximum", "center"])
def test_a_vignette_of_30_percent_is_evened_to_1_percent_of_the_planned_dose(reference):
    printer = vignetted(reference)
    plain, baked = job_of(printer, "none"), job_of(printer, "baked")
    for k in range(3):
        planned = plain[k].exposures[0].dose_mj_cm2
        uneven, even = (pmsl.dose_map(job, job[k]).dense() for job in (plain, baked))
        assert uneven.max() / uneven.min() > 1.4
        assert even.max() / even.min() <= 1.01
        assert even == pytest.approx(planned, rel=0.5 / 255 / 0.7 + 1e-6)
        (exposure,) = baked[k].exposures
        assert exposure.dose_mj_cm2 == pytest.approx(planned / flat_field(printer).min(), rel=1e-12)
        assert exposure.time_s * 20.5 == pytest.approx(exposure.dose_mj_cm2)


@pytest.mark.parametrize("levels", [Response(), Response(kind="gamma", gamma=value(2.153))], ids=["linear", "gamma"])
def test_gray_pixels_keep_their_share(levels):
    printer = vignetted(response=levels)
    high = (40.5 * P, 30.25 * P, 30)
    plain, baked = job_of(printer, "none", high), job_of(printer, "baked", high)
    share = flat_field(printer)
    before = pmsl.dose_map(plain, plain[1]).dense() / share
    after = pmsl.dose_map(baked, baked[1]).dense()
    light, white = response(printer), baked[1].exposures[0].dose_mj_cm2
    grid = light_of_levels(light)[plain[1].exposures[0].mask.dense(np.uint16)] * plain[1].exposures[0].dose_mj_cm2
    half_level = 0.5 * np.diff(light).max() * white * share
    assert (np.abs(after - grid) <= half_level * 1.001).all() and set(np.unique(np.round(before / before.max(), 2))) > {0.0, 1.0}
    assert ((after > 0) == (before > 0)).all()


def test_it_is_applied_once():
    printer = vignetted()
    mask = LayerMask.from_dense(3, np.full(SHAPE, 255, np.uint8))
    once, factor = flatfield.bake(mask, printer)
    assert factor == pytest.approx(1 / flat_field(printer).min())
    with pytest.raises(UsageError, match="layer 3 holds it already"):
        flatfield.bake(once, printer)
    baked = job_of(printer, "baked")
    with pytest.raises(UsageError, match="holds it already"):
        flatfield.FlatFieldCompensation.of(printer).apply([(e.mask, e.dose_mj_cm2) for e in baked[0].exposures])


def test_the_job_says_who_does_it_and_a_host_may_not_do_it_again(tmp_path):
    printer = vignetted()
    for how in ("none", "baked", "delegated"):
        job = job_of(printer, how)
        pmsl.write(job, tmp_path / how, dose=True)
        doc = json.loads((tmp_path / how / "job.json").read_text())
        assert doc["process"]["corrections"] == ([] if how == "none" else ["flatfield"])
        assert doc["process"]["flat_field"] == ("delegated" if how == "delegated" else "baked")
        assert doc["requires"] == (["flat-field-by-host"] if how == "delegated" else [])
        assert pmsl.verify(tmp_path / how) == []
        read = pmsl.read(tmp_path / how)
        assert np.array_equal(pmsl.dose_map(read, read[2]).dense(), pmsl.dose_map(job, job[2]).dense())
        if how == "delegated":
            assert flatfield.for_host(read).dose_factor == pytest.approx(1 / flat_field(printer).min())
        else:
            with pytest.raises(UsageError, match="already" if how == "baked" else "prepared without"):
                flatfield.for_host(read)


def test_left_to_the_host_frames_stay_and_doses_count_as_even():
    printer = vignetted()
    job, plain = job_of(printer, "delegated"), job_of(printer, "none")
    for k in range(3):
        (ours,), (theirs,) = job[k].exposures, plain[k].exposures
        assert (ours.mask.sha256(), ours.time_s, ours.dose_mj_cm2) == (theirs.mask.sha256(), theirs.time_s, theirs.dose_mj_cm2)
        assert pmsl.dose_map(job, job[k]).dense() == pytest.approx(ours.dose_mj_cm2, rel=1e-6)


def test_a_job_that_is_not_clear_about_the_host_is_refused(tmp_path):
    pmsl.write(job_of(vignetted(), "delegated"), tmp_path / "job")
    path = tmp_path / "job" / "job.json"
    path.write_text(path.read_text().replace('"flat-field-by-host"', ""))
    with pytest.raises(JobError, match="whether the host evens out the field is not clear"):
        pmsl.read(tmp_path / "job")


def test_what_cannot_be_evened_out_is_refused_before_any_layer():
    with pytest.raises(UsageError, match=r"dlp-27um has no optics\.flat_field"):
        job_of(printer_of(), "baked")
    dark = [[1.0, 1.0], [1.0, 1e-4]]
    with pytest.raises(ExposureError, match="layer 0: exposure time .* above the limit"):
        job_of(printer_of(FlatField(grid=value(dark))), "baked")
    assert job_of(printer_of(), "delegated")[1].exposures[0].time_s > 0  # the host knows its field


def test_frame_locked_engines_round_the_longer_time_up():
    locked = replace(PRINTER.dmd, shape=value(SHAPE), frame_locked=True, frame_s=value(0.3))
    printer = replace(vignetted(), dmd=locked)
    e = job_of(printer, "baked")[2].exposures[0]
    assert e.time_s / 0.3 == pytest.approx(round(e.time_s / 0.3)) and e.dose_mj_cm2 == pytest.approx(e.time_s * 20.5)
    assert e.dose_mj_cm2 >= job_of(printer, "none")[2].exposures[0].dose_mj_cm2 / flat_field(printer).min() * (1 - 1e-9)


@given(st.integers(0, 1 << 30), st.sampled_from(["linear", "gamma", "table"]))
def test_fine_levels_are_nearest_at_the_devices_depth(seed, kind):
    rng = np.random.default_rng(seed)
    if kind == "linear":
        light = np.arange(256) / 255
    elif kind == "gamma":
        light = (np.arange(256) / 255) ** rng.uniform(0.4, 3)
    else:
        light = np.concatenate([[0.0], np.cumsum(rng.random(255) * (rng.random(255) < 0.6)) + 1e-9])
        light /= light[-1]
    wanted = np.concatenate([rng.random(200), light[rng.integers(0, 256, 50)], [0.0, 1.0]])
    fine = fine_levels_of(wanted, light)
    eight = (fine.astype(np.uint32) + 128) // 257
    best = np.abs(light[levels_of(wanted, light)] - wanted)
    step = np.diff(np.unique(light)).max()
    assert (np.abs(light[eight] - wanted) <= best + step / 257).all()
    assert light_of_levels(light)[fine] == pytest.approx(wanted, abs=step / 257)
    assert np.array_equal(light_of_levels(light)[::257], light)


def test_light_that_no_level_gives_is_refused():
    for bad in (-0.1, 1.1, np.nan):
        with pytest.raises(ExposureError, match="given by no gray level"):
            fine_levels_of([0.5, bad], np.arange(256) / 255)


def test_an_uneven_field_in_micrometres_of_depth():
    """A field that is 5 % brighter on one side: 1.952 µm of depth at Dp 40 before, less than a tenth of it after."""
    resin = replace(RESIN, resin=replace(RESIN.resin, dp_um=value(40.0)))
    printer = printer_of(FlatField(grid=value([[1.0, 1.05], [1.0, 1.05]])))
    depths = {}
    for how in ("none", "baked"):
        job = prepare([box((0, 0, 0), (64 * P, 48 * P, 50))], printer, resin, how)
        dose = pmsl.dose_map(job, job[4]).dense()[24]
        depths[how] = [cure_depth_um(float(dose[c]), 40.0, 17.9) for c in range(64)]
    assert depths["none"][-1] - depths["none"][0] == pytest.approx(1.952, abs=1e-3)
    assert max(depths["baked"]) - min(depths["baked"]) <= 40 * 1.05 / 255 * 1.01
