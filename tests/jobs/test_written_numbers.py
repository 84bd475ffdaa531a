"""What `write` writes `read` reads: numbers no reader takes are refused when the job is made; `verify` returns what is wrong."""

import json
import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from host_doubles import doubled, small_job, small_printer, with_exposures

import pmsl
from pmsl.errors import ExposureError, JobError, PmslError

NAN, FAR = float("nan"), 1e300


@pytest.fixture(scope="module")
def job():
    return small_job(3)


def with_light(job, **changes):
    return with_exposures(job, lambda k, es: [replace(e, **changes) for e in es] if k == 1 else es)


def with_plan(job, **changes):
    def plan_layer(k):
        plan = job.plan_layer(k)
        return replace(plan, **changes) if k == 1 else plan

    return replace(job, plan_layer=plan_layer)


def with_motion(job, **changes):
    return with_plan(job, motion=msgspec.structs.replace(job[1].motion, **changes))


def with_irradiance(job, value):
    (setting,) = job.printer.optics.settings
    setting = msgspec.structs.replace(setting, irradiance_mw_cm2=msgspec.structs.replace(setting.irradiance_mw_cm2, value=value))
    return replace(
        job, printer=msgspec.structs.replace(job.printer, optics=msgspec.structs.replace(job.printer.optics, settings=[setting]))
    )


def with_ec(job, value):
    material = job.resin.resin
    changed = msgspec.structs.replace(material, ec_mj_cm2=msgspec.structs.replace(material.ec_mj_cm2, value=value))
    return replace(job, resin=msgspec.structs.replace(job.resin, resin=changed))


WRONG = {
    "a power the printer does not list": (lambda j: with_light(j, power=0.3), "layer 1: power 0.3 is no light setting of printer pmsl-2um"),
    "an engine that is not there": (lambda j: with_light(j, engine=1), "layer 1: names engine 1"),
    "a time that is no number": (lambda j: with_light(j, time_s=NAN), "layer 1: time_s is nan"),
    "a time that is none": (lambda j: with_light(j, time_s=0.0), "layer 1: time_s is 0"),
    "a time beyond all": (lambda j: with_light(j, time_s=FAR), "layer 1: time_s is 1e.300, the limit of printer pmsl-2um 120"),
    "a dose that is no number": (lambda j: with_light(j, dose_mj_cm2=NAN), "layer 1: dose_mj_cm2 is nan"),
    "a dose that is not the time's": (lambda j: with_light(j, dose_mj_cm2=1.0), "layer 1: dose_mj_cm2 1 is not time_s"),
    "repeats beyond the limit": (lambda j: with_light(j, repeat=200), "layer 1: time_s is .*, shown 200 times"),
    "no repeat": (lambda j: with_light(j, repeat=0), "layer 1: repeat is 0"),
    "a wait that is no number": (lambda j: with_light(j, wait_after_s=NAN), "layer 1: wait_after_s is nan"),
    "an offset that is no number": (lambda j: with_light(j, offset_um=(0.0, NAN)), "layer 1: offset_um is nan"),
    "a focus beyond all": (lambda j: with_light(j, focus_um=FAR), "layer 1: focus_um is 1e.300"),
    "a plane that is no number": (lambda j: with_plan(j, z_top_um=NAN), "layer 1: z_top_um nan"),
    "a lift that is no number": (lambda j: with_motion(j, lift_um=NAN), "layer 1: motion"),
    "a speed of none": (lambda j: with_motion(j, retract_um_s=0.0), "layer 1: motion: .*retract_um_s"),
    "a wait of years in the motion": (lambda j: with_motion(j, settle_s=1e9), "layer 1: motion: .*settle_s"),
    "a wavelength that is no number": (lambda j: replace(j, engines=(replace(j.engines[0], wavelength_nm=NAN),)), "wavelength_nm is nan"),
    "an irradiance that is no number": (lambda j: with_irradiance(j, NAN), "irradiance_mw_cm2"),
    "an Ec that is no number": (lambda j: with_ec(j, NAN), "ec_mj_cm2"),
    "calibrated beside placeholders": (lambda j: replace(j, placeholders=()), "a placeholder, and the job says it is calibrated"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_no_reader_takes_is_refused_when_it_is_written(job, tmp_path, name):
    change, words = WRONG[name]
    for target in (tmp_path / "job", tmp_path / "job.zip"):
        with pytest.raises(PmslError, match=words):
            pmsl.write(change(job), target)
    assert list(tmp_path.iterdir()) == []


def test_what_is_sound_is_written_read_and_sound(job, tmp_path):
    pmsl.write(doubled(job), tmp_path / "job")
    assert pmsl.verify(tmp_path / "job") == [] and len(pmsl.read(tmp_path / "job")) == 3


def test_a_power_nobody_measured_is_an_error_with_words(job):
    wrong = with_light(job, power=0.3)
    with pytest.raises(ExposureError, match="power 0.3 is no light setting of printer pmsl-2um, so its irradiance is not known; it has 1"):
        pmsl.dose_map(wrong, wrong[1])


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d["layers"][1]["exposures"][0].update(time_s=5000.0),
        lambda d: d["layers"][1]["exposures"][0].update(power=0.3),
        lambda d: d["layers"][1]["exposures"][0].update(engine=7),
        lambda d: d["layers"][1]["exposures"][0].update(time_s=-1),
        lambda d: d["layers"].pop(),
        lambda d: d.update(schema="pmsl.job/9"),
        lambda d: d.pop("layers"),
        lambda d: d.update(requires=["more"]),
    ],
)
def test_verify_returns_what_is_wrong_and_does_not_raise(job, tmp_path, edit):
    pmsl.write(job, tmp_path / "job")
    doc = json.loads((tmp_path / "job" / "job.json").read_text())
    edit(doc)
    (tmp_path / "job" / "job.json").write_text(json.dumps(doc))
    problems = pmsl.verify(tmp_path / "job")
    assert problems and all("job.json" in p or "layer" in p for p in problems[:1])
    with pytest.raises(JobError):
        pmsl.read(tmp_path / "job")


# --- light of several exposures of a layer adds up ---------------------------------------------------------------


def overlapping(job, n, share=1.0):
    """A job whose middle layer has the same light `n` times, each on its own `share` of the columns."""

    def change(k, exposures):
        if k != 1:
            return exposures
        (e,) = exposures
        cols = e.mask.shape[1]
        out = []
        for i in range(n):
            pixels = e.mask.dense(np.uint8)
            first = int(i * cols / n) if share < 1 else 0
            pixels[:, :first], pixels[:, first + math.ceil(share * cols) :] = 0, 0
            out.append(replace(e, mask=pmsl.LayerMask.from_dense(k, pixels)))
        return out

    return with_exposures(job, change)


def test_light_that_adds_up_in_a_pixel_is_held_to_the_limit_and_light_side_by_side_is_not(job, tmp_path):
    e = job[1].exposures[0]
    most = job.printer.limits.max_exposure_s.value
    n = int(most / e.time_s)
    assert n > 8 and n * e.dose_mj_cm2 < job.printer.limits.max_dose_mj_cm2.value
    pmsl.write(overlapping(job, n), tmp_path / "as many as may be")
    assert pmsl.verify(tmp_path / "as many as may be") == []
    with pytest.raises(
        ExposureError, match=f"layer 1: its {n + 1} exposures together give a pixel .* s of white, the limit .* in time is 120"
    ):
        pmsl.write(overlapping(job, n + 1), tmp_path / "one more")
    beside = overlapping(job, 2 * n, 1 / (2 * n))
    pmsl.write(beside, tmp_path / "side by side")
    assert len(pmsl.read(tmp_path / "side by side")[1].exposures) > n and pmsl.verify(tmp_path / "side by side") == []


@pytest.mark.parametrize("gray", [0.25, 0.5, 1.0])
def test_a_gray_pixel_counts_by_its_light(job, gray):
    """Closed form: n exposures of time t at the light of a level are n t L(level) of white light."""
    from pmsl.job.consistency import sum_problem
    from pmsl.profiles.response import response

    e, printer = job[1].exposures[0], small_printer()
    light = response(printer) ** 2
    level = round(255 * gray)
    mask = pmsl.LayerMask.from_dense(1, np.full((24, 40), level, np.uint8))
    most = printer.limits.max_exposure_s.value
    n = int(most / (e.time_s * light[level]))
    of = [replace(e, mask=mask, dose_mj_cm2=1e-9)] * n
    assert sum_problem(of, printer, light) is None
    assert "in time is 120" in sum_problem([*of, *of[:1]], printer, light)
    apart = [replace(x, engine=i % 2) for i, x in enumerate([*of, *of])]  # another engine's light is another's
    assert sum_problem(apart, printer, light) is None


def test_light_of_a_layer_that_adds_up_is_refused_when_it_is_planned(job):
    """Two images of one place, each within the limits, shown with different focus: not merged into one."""
    from pmsl.exposure import dose_ladder
    from pmsl.mesh.region import ORDINARY

    ladder = dose_ladder(job.grid, job.printer, job.resin, job.process)
    mask, motion = pmsl.LayerMask.from_dense(1, np.full((24, 40), 255, np.uint8)), job.process.motion.at(1)
    most = job.printer.limits.max_exposure_s.value / float(ladder.time_s[1])  # factor at the limit
    settings = [ORDINARY, ORDINARY._replace(focus_um=5.0)]
    sound = ladder.plan([(mask, 0.49 * most), (mask, 0.49 * most)], job.grid, motion, settings=settings)
    assert [e.focus_um for e in sound.exposures] == [0.0, 5.0]
    with pytest.raises(ExposureError, match="layer 1: its 2 exposures together give a pixel .* lower the dose factors"):
        ladder.plan([(mask, 0.6 * most), (mask, 0.6 * most)], job.grid, motion, settings=settings)
