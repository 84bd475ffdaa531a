"""Two jobs held against each other: alike is alike, and what was changed is found where it was changed, by how much."""

import dataclasses

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jobs_of_arrays import MOTION, f_job, job_of
from page_jobs import job_with_exposures
from PIL import Image

import pmsl
from pmsl.core.mask import LayerMask
from pmsl.errors import UsageError
from pmsl.job.layer_source import MappedLayers
from pmsl.report.difference.diff_pictures import LESS, MORE, diff_picture, picture_names
from pmsl.report.difference.light_difference import LightComparison


def kinds(found):
    return sorted({one.kind for one in found.differences})


def changed(job, k, **exposure):
    """The job with other values of the first exposure of a layer."""

    def change(plan):
        first, *rest = plan.exposures
        return dataclasses.replace(plan, exposures=(dataclasses.replace(first, **exposure), *rest)) if plan.index == k else plan

    return dataclasses.replace(job, plan_layer=MappedLayers(job.layer_source, change))


@pytest.fixture(scope="module")
def job():
    return job_with_exposures("grid")


def test_a_job_is_like_itself_in_memory_and_written(job, tmp_path):
    pmsl.write(job, tmp_path / "a.zip")
    pmsl.write(job, tmp_path / "folder")
    for other in (job, tmp_path / "a.zip", tmp_path / "folder"):
        found = pmsl.diff(job, other, threads=2)
        assert found.alike and found.differences == found.light == found.notes == () and found.light_unit == "mJ/cm²"


@given(st.integers(0, 9), st.integers(-254, 254), st.integers(0, 47), st.integers(0, 55))
def test_light_that_differs_is_found_where_it_does(k, by, row, col):
    """Against dose maps made whole; any pixel, of any layer, brighter or darker, inside the part or beside it."""
    job = JOB
    levels = job[k].exposures[0].mask.dense(np.uint8)
    levels[row, col] = np.clip(int(levels[row, col]) + by, 0, 255)
    other = changed(job, k, mask=LayerMask.from_dense(k, levels))
    a, b = pmsl.dose_map(job, job[k]).dense().astype(float), pmsl.dose_map(other, other[k]).dense().astype(float)
    found = pmsl.diff(job, other, kinds=["light"])
    if a[row, col] == b[row, col]:
        assert found.alike
        return
    (one,) = found.light
    white = sum(e.time_s * e.repeat for e in job[k].exposures) * job.printer.optics.settings[0].irradiance_mw_cm2.value
    assert (
        (one.layer, one.n_px) == (k, 1) and one.a == pytest.approx(a[row, col], rel=1e-6) and one.b == pytest.approx(b[row, col], rel=1e-6)
    )
    assert one.largest == pytest.approx(abs(a - b)[row, col], rel=1e-4, abs=1e-6) and one.share == pytest.approx(one.largest / white)
    assert one.at_um == pytest.approx(job.grid.origin_um + job.grid.pitch_um * (col + 0.5, row + 0.5))
    assert pmsl.diff(job, other, kinds=["light"], tolerance_dose=one.share * 1.001).alike
    assert not pmsl.diff(job, other, kinds=["light"], tolerance_dose=one.share * 0.999).alike


JOB = job_with_exposures("grid")


def test_light_of_equal_masks_differs_by_time_field_and_response(job):
    longer = pmsl.diff(job, changed(job, 3, time_s=job[3].exposures[0].time_s * 1.5))
    assert kinds(longer) == ["light", "times"] and [one.layer for one in longer.light] == [3]
    assert longer.light[0].share == pytest.approx(1 / 3, abs=0.05)
    assert pmsl.diff(job, changed(job, 3, time_s=job[3].exposures[0].time_s * 1.5), tolerance_dose=0.4).alike
    even = dataclasses.replace(job, printer=job_with_exposures("even").printer)
    found = pmsl.diff(job, even)
    assert kinds(found) == ["light", "profiles"] and len(found.light) == job.n_layers


def test_light_split_over_two_exposures_is_the_same_light(job):
    def split(plan):
        first, *rest = plan.exposures
        half = dataclasses.replace(first, time_s=0.5 * first.time_s)
        return dataclasses.replace(plan, exposures=(half, half, *rest))

    other = dataclasses.replace(job, plan_layer=MappedLayers(job.layer_source, split))
    found = pmsl.diff(job, other)
    assert kinds(found) == ["times"] and found.light == ()
    apart = changed(job, 2, offset_um=(100.0, 0.0))  # light elsewhere on the plate is other light
    assert kinds(pmsl.diff(job, apart)) == ["light", "times"]


@pytest.mark.parametrize(
    ("change", "kind", "key"),
    [
        (lambda j: dataclasses.replace(j, resin=msgspec.structs.replace(j.resin, name="other")), "profiles", "resin.name"),
        (lambda j: changed(j, 1, wait_after_s=2.0), "times", "exposure 0.wait_after_s"),
        (lambda j: changed(j, 0, repeat=2), "times", "exposure.repeat"),
        (lambda j: dataclasses.replace(j, parts=()), "design", "parts"),
        (lambda j: dataclasses.replace(j, n_layers=j.n_layers - 1), "heights", "layers"),
    ],
)
def test_what_is_changed_is_named(job, change, kind, key):
    found = pmsl.diff(job, change(job))
    assert (kind, key) in {(one.kind, one.key) for one in found.differences}
    assert pmsl.diff(job, change(job), kinds={"motion"}).alike


def test_moves_and_heights_differ_within_a_length():
    levels = np.full((4, 6, 8), 255, np.uint8)
    motions = [MOTION, MOTION, msgspec.structs.replace(MOTION, lift_um=2503.0), MOTION]
    a = job_of(levels, [1.0] * 4, motions=[MOTION] * 4)
    (moved,) = pmsl.diff(a, job_of(levels, [1.0] * 4, motions=motions)).differences
    assert (moved.kind, moved.key, moved.layers, moved.a, moved.b) == ("motion", "motion.lift_um", (2, 2), 2500.0, 2503.0)
    assert pmsl.diff(a, job_of(levels, [1.0] * 4, motions=motions), tolerance_um=3.0).alike
    higher = job_of(levels, [1.0] * 4, edges_um=[0, 10, 20, 31, 41.0], motions=[MOTION] * 4)
    found = pmsl.diff(a, higher, kinds=["heights"])
    assert {one.key: one.layers for one in found.differences} == {"z_top_um": (2, 3), "thickness_um": (2, 2)}
    assert pmsl.diff(a, higher, kinds=["heights"], tolerance_um=1.0).alike


def test_fields_of_other_sizes_are_laid_on_each_other():
    levels = np.zeros((2, 12, 16), np.uint8)
    levels[:, 3:9, 4:11] = np.arange(42).reshape(6, 7) + 100
    wide = np.zeros((2, 20, 30), np.uint8)
    wide[:, 5:17, 9:25] = levels
    found = pmsl.diff(job_of(levels, [1.0, 2.0]), job_of(wide, [1.0, 2.0]))
    assert kinds(found) == ["grid", "profiles"] and "5 rows and 9 columns" in found.notes[-1] and found.light == ()
    wide[1, 10, 15] += 50
    (one,) = pmsl.diff(job_of(levels, [1.0, 2.0]), job_of(wide, [1.0, 2.0])).light
    assert one.layer == 1 and one.n_px == 1 and one.largest == pytest.approx(2.0 * 50 / 255)
    coarse = pmsl.diff(job_of(levels, [1.0, 2.0]), job_of(levels, [1.0, 2.0], pitch_um=(15.0, 10.0)), kinds=["light"])
    assert len(coarse.light) == 2 and coarse.light[0].unit == "µm²" and coarse.light[0].b == pytest.approx(4 * coarse.light[0].a)


KEPT = {  # what a conversion keeps, within a percent, beside the light
    "nanodlp": {"heights", "times"},
    "sl1": {"heights"},
    "goo": {"heights", "times"},
    "ctb": {"heights", "times"},
    "ome-tiff": {"heights", "times"},
}


@pytest.mark.parametrize("format", KEPT)
def test_what_a_conversion_lost_is_said(samples, tmp_path, format):
    job = f_job(samples)
    pmsl.write(job, tmp_path / "out", format=format, lossy=True)
    found = pmsl.diff(job, tmp_path / "out", tolerance_dose=0.01)
    assert {"profiles", "design"} <= set(kinds(found)), found
    assert not (KEPT[format] | {"light"}) & set(kinds(found)), found.differences
    assert found.notes and found.light_unit == "s of white"


def test_pictures_show_what_is_more_and_what_is_less(job, tmp_path):
    levels = job[4].exposures[0].mask.dense(np.uint8)
    levels[10:14, 12:16] = 0
    levels[2:4, 30:33] = 255
    other = changed(job, 4, mask=LayerMask.from_dense(4, levels))
    found = pmsl.diff(job, other)
    ((one, name),) = picture_names(found.light, 8)
    assert name == "diff-layer-00004.png"
    diff_picture(LightComparison.of(job, other), one, ("a" * 300, "b"), tmp_path / name)
    with Image.open(tmp_path / name) as picture:
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 20)}
    assert MORE in colours and LESS in colours


def test_what_cannot_be_compared_is_refused(job):
    with pytest.raises(UsageError, match="below 0"):
        pmsl.diff(job, job, tolerance_dose=-0.1)
    with pytest.raises(UsageError, match="no kind of difference"):
        pmsl.diff(job, job, kinds=["colour"])
