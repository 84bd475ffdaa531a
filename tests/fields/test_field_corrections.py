"""Corrections of a plate of fields: a seam is no edge, frames are those of a window around each field, and what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import pmsl
from pmsl.core.grid import Grid
from pmsl.correct import Corrector
from pmsl.correct.flat_field import FlatFieldCompensation
from pmsl.errors import UsageError
from pmsl.fields.on_plate import with_field
from pmsl.fields.shares import shares_of
from pmsl.fields.stage_error import StageError
from pmsl.fields.tiles import FieldLayout
from pmsl.optics.field_evenness import flat_field
from pmsl.profiles.optics import FlatField
from tests.field_plates import measured, moving_printer, process_with, replace, resin_with
from tests.fields.test_field_jobs import PITCH, summed
from tests.solids import box, cone

CHIP = [
    box((203.0, 207.0, 0), (1100.0, 705.0, 30)),
    box((203.0, 207.0, 30), (403.0, 705.0, 60)),
    box((900.0, 207.0, 30), (1100.0, 705.0, 60)),
    box((203.0, 207.0, 60), (1100.0, 705.0, 90)),  # the lid of a channel across the seams
    cone(220, 120, 40, (655.0, 445.0, 85)),
]
SHAPE = (60, 80)


def resin_of(induction=0.0, memory="enclosed"):
    plain = resin_with(induction)
    contact = {"renewal": measured(0.5), "reach_um": measured(100.0)} if memory == "contact" else {}
    return replace(plain, resin=replace(plain.resin, memory=measured(memory), **contact))


def corrected(corrections=("edges", "printthrough"), solids=None, printer=None, resin=None, fields="auto", **more):
    process = replace(process_with(overlap_px=10), corrections=corrections, **more)
    printer = printer or moving_printer(SHAPE, PITCH)
    return pmsl.prepare(solids or CHIP, printer, resin or resin_of(), process, accept_uncalibrated=True, fields=fields)


def single_of(job):
    """The same on a field as large as the plate."""
    plate = with_field(job.printer, FieldLayout.of(job.printer, job.process, job.tiles).plate_px)
    return pmsl.prepare(list(job.design), plate, job.resin, job.process, accept_uncalibrated=True)


@pytest.mark.parametrize(
    ("corrections", "more"),
    [
        (("edges", "printthrough"), {}),
        pytest.param(("edges",), {"coverage": "volume"}, marks=pytest.mark.slow),
        pytest.param(("edges", "printthrough"), {"relief_layers": 3}, marks=pytest.mark.slow),
        pytest.param(("edges", "printthrough", "robust"), {}, marks=pytest.mark.slow),
        pytest.param(("optimise",), {}, marks=pytest.mark.slow),
    ],
)
def test_a_corrected_plate_of_fields_is_that_of_one_large_field(corrections, more):
    """Light adds up to that of a field as large as the plate: half a level of the sum, a level where rows of a window differ in a sweep."""
    job = corrected(corrections, **more)
    single = single_of(job)
    assert job.n_layers == single.n_layers
    assert {f.code for f in job.findings} - {"overlap-united"} == {f.code for f in single.findings} - {"overlap-united"}
    off = np.concatenate([(summed(job, k) - single[k].exposures[0].mask.dense(np.float64)).ravel() for k in range(job.n_layers)]) * 255
    assert np.abs(off).max() <= 1.51
    assert np.mean(np.abs(off) > 0.51) <= 1e-4
    assert job.correction.names == corrections


@pytest.mark.parametrize(("induction", "more_px"), [(0.0, 0.001), pytest.param(0.1, 0.05, marks=pytest.mark.slow)])
def test_walls_of_a_corrected_chip_are_as_near_across_seams_as_without(induction, more_px):
    """Also where every event of an overlap pays induction: all within the tenth of a pixel from which on `wall-error` warns."""
    job = corrected(resin=resin_of(induction))
    a, b = (pmsl.simulate(one, threads=1).as_dict()["epe_um"] for one in (job, single_of(job)))
    assert a["probes"] == b["probes"] > 2000
    assert a["lost"] - b["lost"] <= (induction > 0)
    assert a["p95_abs"] <= min(b["p95_abs"] + more_px * PITCH, 0.1 * PITCH)
    assert a["median_abs"] <= b["median_abs"] + more_px * PITCH


@pytest.mark.slow
def test_a_corrected_chip_with_a_stage_that_is_off_by_a_micrometre_is_off_by_that_at_seams():
    job = corrected()
    off = pmsl.simulate(job, threads=2, stage_error=StageError(1.0))
    assert off.seams["jog_um"] == 1.0
    assert max(-off.seams["pixel_dose"]["least"], off.seams["pixel_dose"]["most"]) <= 2 * 0.1 / 10  # δ / W along x and along y
    assert off.epe_um["p95_abs"] <= pmsl.simulate(job, threads=2).epe_um["p95_abs"] + 1.05
    assert [f.code for f in off.findings if f.code == "stage-off"] == ["stage-off"]


def test_what_is_said_of_a_layer_is_said_once_and_as_of_one_large_field():
    job = corrected(("edges", "printthrough"))
    single = single_of(job)
    for k in range(job.n_layers):
        mine, theirs = (
            {f.code: f for f in one[k].findings if f.code in ("wall-error", "face-error", "missed-edges", "narrow-edges")}
            for one in (job, single)
        )
        codes = [f.code for f in job[k].findings if f.code in mine]
        assert len(codes) == len(set(codes)) and set(mine) == set(theirs)
        for code, f in mine.items():
            assert f.box_um == pytest.approx(np.array(theirs[code].box_um), abs=2 * PITCH)
        if "missed-edges" in mine:
            assert mine["missed-edges"].value == pytest.approx(theirs["missed-edges"].value, abs=0.01)


def test_frames_between_pixels_are_those_of_the_window_around_each_field():
    """Where a field is alone, bit for bit what a corrector of its window gives; any order, any threads."""
    job = corrected(("edges",), printer=moving_printer(SHAPE, PITCH, step_um=3.7), solids=CHIP[:2])
    planner = job.plan_layer
    layout, margin = planner.layout, planner.corrector.margin_px
    whole, seen = np.array(SHAPE) + 2 * margin, 0
    for k in (1, 4):
        tiles = {t.corner_um: t for t in layout.tiles(k)}
        for e in job[k].exposures:
            corner = tuple(um - margin * PITCH for um in e.offset_um)
            grid = Grid(origin_um=corner, pitch_um=PITCH, shape=tuple(whole.tolist()), z_edges_um=job.grid.z_edges_um)
            white = planner.setup.ladder.dose_mj_cm2
            window = Corrector(CHIP[:2], grid, with_field(job.printer, grid.shape), job.resin, white, ("edges",))
            direct = window.images(k)[0][0].dense(np.uint16)[margin:-margin, margin:-margin]
            x, y = shares_of(layout, tiles[e.offset_um], k)
            alone = np.outer(y.own, x.own) >= 1
            assert (e.mask.dense(np.uint16)[alone] == direct[alone]).all()
            seen += int(alone.sum())
    assert seen > 1000
    hashes = [[e.mask.sha256() for e in plan.exposures] for plan in job.layers()]
    again = corrected(("edges",), printer=moving_printer(SHAPE, PITCH, step_um=3.7), solids=CHIP[:2])
    with ThreadPoolExecutor(3) as pool:
        backward = list(pool.map(lambda k: [e.mask.sha256() for e in again[k].exposures], reversed(range(job.n_layers))))
    assert backward == hashes[::-1]


@pytest.mark.parametrize("induction", [0.0, 0.1])
def test_an_uneven_field_that_frames_even_out_gives_one_dose_across_seams(induction):
    """Its dose at the mirrors, field by field, is that of an even one: within a level of the sum."""
    plain, uneven = moving_printer(SHAPE, PITCH), moving_printer(SHAPE, PITCH, flat_field=FlatField(vignetting=measured(0.3)))
    slab = [box((203.0, 207.0, 0), (1100.0, 705.0, 20))]
    baked = corrected(("flatfield",), solids=slab, printer=uneven, resin=resin_of(induction))
    even = corrected((), solids=slab, printer=plain, resin=resin_of(induction))
    flat, gain = flat_field(uneven), FlatFieldCompensation.of(uneven).dose_factor
    for k in range(even.n_layers):
        sums = []
        for job, field in ((baked, flat), (even, np.ones(SHAPE))):
            total = np.zeros((400, 400))
            for e in job[k].exposures:
                x, y = np.rint(np.array(e.offset_um) / PITCH).astype(int) + 100
                total[y : y + 60, x : x + 80] += e.mask.dense(np.uint8) / 255 * field * e.dose_mj_cm2
            sums.append(total)
        assert np.abs(sums[0] - sums[1]).max() <= 1.5 / 255 * gain * even[k].exposures[0].dose_mj_cm2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"resin": resin_of(memory="contact")}, "memory 'contact'"),
        ({"printer": moving_printer(SHAPE, PITCH, flat_field=FlatField(vignetting=measured(0.1)))}, "nobody evens out"),
    ],
)
def test_corrections_that_a_window_does_not_hold_are_refused_by_name(change, words):
    with pytest.raises(UsageError, match=words):
        corrected(**change)
