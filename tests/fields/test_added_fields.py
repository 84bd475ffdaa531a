"""Fields of a plate added up: each place has the light of all fields that show it, once."""

import numpy as np
import pytest
from field_plates import measured, moving_printer
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from msgspec.structs import replace

from pmsl.core.mask import LayerMask
from pmsl.fields.added_fields import added, fields_added, layer_added
from pmsl.fields.on_plate import on_plate
from pmsl.profiles.printer import Response
from tests.fields.test_field_jobs import plate_coverage, plate_job
from tests.host_doubles import small_job

LINEAR = np.arange(256) / 255
GAMMA = LINEAR**2.2
SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 8))
STACKS = SHAPES.flatmap(
    lambda shape: st.lists(arrays.arrays(np.uint8, shape, elements=st.sampled_from([0, 0, 1, 60, 127, 128, 255])), min_size=1, max_size=4)
)


@given(STACKS, st.sampled_from([LINEAR, GAMMA]))
def test_light_adds_up_and_white_is_the_most(images, light):
    shape = images[0].shape
    found = added([LayerMask.from_dense(3, image) for image in images], 3, shape, light)
    total = np.minimum(sum(light[image] for image in images), 1.0)
    dense = found.dense(np.uint8)
    assert dense.shape == shape and found.index == 3
    nearest = np.abs(light[None, :] - total.ravel()[:, None])
    assert (np.abs(light[dense].ravel() - total.ravel()) <= nearest.min(axis=1) + 1e-9).all()
    assert np.array_equal(dense > 0, total > 0)


@given(STACKS.map(lambda images: images[:1]))
def test_one_mask_comes_back_as_it_is(images):
    (image,) = images
    assert np.array_equal(added([LayerMask.from_dense(0, image)], 0, image.shape, LINEAR).dense(np.uint8), image)


@given(STACKS)
def test_runs_are_maximal_and_in_any_order_the_same(images):
    masks = [LayerMask.from_dense(0, image) for image in images]
    found, other = (added(each, 0, images[0].shape, LINEAR) for each in (masks, masks[::-1]))
    assert found.sha256() == other.sha256()
    again = LayerMask.from_dense(0, found.dense(np.uint8))
    for a, b in zip(found.runs_8bit(), again.runs_8bit(), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("light", [LINEAR, GAMMA], ids=["linear", "gamma"])
def test_ramps_that_share_a_place_give_white(light):
    share = np.linspace(0.0, 1.0, 40)
    up, down = (np.abs(light[:, None] - s).argmin(axis=0).astype(np.uint8)[None, :] for s in (share, 1.0 - share))
    dense = added([LayerMask.from_dense(0, up), LayerMask.from_dense(0, down)], 0, up.shape, light).dense(np.uint8)
    assert light[dense].min() > 1 - 1 / 64


@pytest.mark.parametrize("gamma", [1.0, 2.2])
def test_a_plate_added_up_is_the_plate_in_one_picture(gamma):
    """Within two levels: each field's are rounded. Away from the seams nothing changes."""
    printer = moving_printer((60, 80), 10.0)
    if gamma != 1.0:
        printer = replace(printer, response=Response(kind="gamma", gamma=measured(gamma)))
    job, solids = plate_job(printer=printer)
    together = on_plate(job)
    whole = fields_added(together)
    light = LINEAR**gamma
    for k in (0, 1, job.n_layers - 1):
        (exposure,) = whole[k].exposures
        wanted = plate_coverage(job, solids, k) ** gamma  # masks are not corrected: levels are coverage
        assert np.abs(light[exposure.mask.dense(np.uint8)] - wanted).max() < 3 / 255
        assert len(together[k].exposures) > 1
        assert layer_added(whole, whole[k]).exposures[0].mask.sha256() == exposure.mask.sha256()


def test_jobs_of_one_field_are_as_they_are():
    job = small_job(2)
    assert fields_added(job) is job
    plan = job[0]
    assert layer_added(job, plan) is plan
