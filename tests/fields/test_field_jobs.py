"""Jobs of several fields: frames, sums, files, hosts, predictions, and what is refused."""

from __future__ import annotations

import dataclasses
import json

import msgspec
import numpy as np
import pytest

import pmsl
from pmsl.core.grid import Grid
from pmsl.errors import ExposureError, JobError, MeshError, UsageError
from pmsl.fields.on_plate import on_plate
from pmsl.fields.shares import shares_of
from pmsl.fields.tiles import FieldLayout
from pmsl.masks import coverage, layer_masks
from pmsl.profiles.printer import Response
from tests.field_plates import measured, moving_printer, process_with, replace, resin_with
from tests.solids import box, cone

PITCH = 10.0


def plate_job(shape=(60, 80), counts="auto", solids=None, resin=None, printer=None, process=None, **fields):
    """A cone on a slab across fields of 80 x 60 px."""
    fields = {"overlap_px": 10, **fields}
    solids = solids or [box((123.0, 87.0, 0), (1190.0, 790.0, 20)), cone(350, 200, 60, (777.0, 431.0, 0))]
    printer = printer or moving_printer(shape, PITCH)
    process = process or process_with(**fields)
    return pmsl.prepare(solids, printer, resin or resin_with(0.0), process, fields=counts), solids


@pytest.mark.parametrize("fields", ["x", (1.5, 2), (2,), (2, 2, 2), 5, True, ("2", "1")])
def test_fields_that_are_no_two_numbers_are_refused_by_value(fields):
    with pytest.raises(UsageError, match="expected 'auto' or numbers of fields along x and y"):
        plate_job(counts=fields)


def summed(job, k, response=None):
    """Σ light of the frames of a layer at every pixel of the plate, in shares of white."""
    layout = FieldLayout.of(job.printer, job.process, job.tiles)
    rows, cols = layout.plate_px
    out = np.zeros((rows + 400, cols + 400))
    for e in job[k].exposures:
        x, y = np.rint(np.array(e.offset_um) / PITCH).astype(int) + 200
        light = e.mask.dense(np.uint8) / 255 if response is None else response[e.mask.dense(np.uint8)]
        out[y : y + light.shape[0], x : x + light.shape[1]] += light
    beside = out.sum() - out[200 : 200 + rows, 200 : 200 + cols].sum()
    assert abs(beside) < 1e-6
    return out[200 : 200 + rows, 200 : 200 + cols]


def plate_coverage(job, solids, k):
    layout = FieldLayout.of(job.printer, job.process, job.tiles)
    grid = Grid(origin_um=(0, 0), pitch_um=PITCH, shape=layout.plate_px, z_edges_um=job.grid.z_edges_um)
    return coverage(solids, grid, k)


@pytest.mark.parametrize("blend", ["linear", "none"])
def test_frames_of_a_layer_add_up_to_the_coverage_of_the_plate(blend):
    job, solids = plate_job(blend=blend)
    assert job.tiles == (2, 2)
    for k in range(job.n_layers):
        exact = plate_coverage(job, solids, k)
        assert np.abs(summed(job, k) - exact).max() <= 1 / 255
        assert job[k].covered_px == pytest.approx(exact.sum(), rel=1e-5)
        assert {e.mask.shape for e in job[k].exposures} == {(60, 80)}


@pytest.mark.parametrize("step_um", [0.1, 3.7])
def test_every_frame_is_its_direct_slice_with_its_share(step_um):
    """Where a field is alone, bit for bit; dark where it has no share; in bands the share of its light."""
    job, solids = plate_job(printer=moving_printer((60, 80), PITCH, step_um=step_um))
    layout = FieldLayout.of(job.printer, job.process, job.tiles)
    seen = 0
    for k in range(job.n_layers):
        tiles = {t.corner_um: t for t in layout.tiles(k)}
        for e in job[k].exposures:
            grid = Grid(origin_um=e.offset_um, pitch_um=PITCH, shape=(60, 80), z_edges_um=job.grid.z_edges_um)
            direct = list(layer_masks(solids, grid))[k]
            x, y = shares_of(layout, tiles[e.offset_um], k)
            share = np.outer(y.own, x.own)
            alone, none = share >= 1, share <= 0
            assert (e.mask.dense(np.uint16)[alone] == direct.dense(np.uint16)[alone]).all()
            assert not e.mask.dense(np.uint16)[none].any()
            band = ~alone & ~none
            assert np.abs(e.mask.dense(np.uint8)[band] / 255.0 - (share * direct.dense(np.float64))[band]).max() <= 2.5 / 255
            seen += int(band.sum())
    assert seen > 1000


def test_areas_of_fields_between_pixels_add_up():
    """Of a slab whose walls lie outside the bands the area is exact, wherever the fields lie."""
    job, solids = plate_job(printer=moving_printer((60, 80), PITCH, step_um=3.7), solids=[box((103.0, 77.0, 0), (1163.0, 761.0, 40))])
    layout = FieldLayout.of(job.printer, job.process, job.tiles)
    assert not layout.on_one_grid
    for k in range(job.n_layers):
        area_px = 0.0
        for tile in layout.tiles(k):
            grid = Grid(origin_um=tile.corner_um, pitch_um=PITCH, shape=(60, 80), z_edges_um=job.grid.z_edges_um)
            x, y = shares_of(layout, tile, k)
            area_px += float(y.own @ coverage(solids, grid, k) @ x.own)
        assert area_px * PITCH**2 == pytest.approx(1060.0 * 684.0, rel=1e-9)
        assert job[k].covered_px == pytest.approx(area_px, rel=1e-6)  # of 16-bit levels


@pytest.mark.parametrize("gamma", [None, 2.2])
@pytest.mark.parametrize("induction", [0.0, 0.1])
def test_the_plate_of_the_peer_has_one_dose(gamma, induction):
    """2 x 2 fields with 4 px of overlap, of which a peer gives its seams two and the crossing four times the dose."""
    printer = moving_printer((100, 160), PITCH)
    if gamma is not None:
        printer = replace(printer, response=Response(kind="gamma", gamma=measured(gamma)))
    job, _ = plate_job(
        printer=printer, counts=(2, 2), overlap_px=4, resin=resin_with(induction), solids=[box((300, 300, 0), (2500, 1500, 40))]
    )
    response = np.linspace(0, 1, 256) ** (gamma or 1.0)
    for k in range(job.n_layers):
        f = induction * np.exp(0.25)  # in the middle of the slab
        layout = FieldLayout.of(job.printer, job.process, job.tiles)
        total = np.zeros(layout.plate_px)
        for e in job[k].exposures:
            one = dataclasses.replace(job[k], exposures=(e,))
            alone = summed(dataclasses.replace(job, plan_layer=lambda _, one=one: one), k, response)
            total += np.maximum(alone - f, 0)
        inside = total[31:149, 31:249]
        assert inside.max() / inside.min() <= 1 + 1 / 255
        assert len(job[k].exposures) == 4


def test_layers_do_not_depend_on_who_asks_when():
    job, _ = plate_job()
    hashes = [[(e.offset_um, e.mask.sha256()) for e in plan.exposures] for plan in job.layers()]
    again, _ = plate_job()
    assert [[(e.offset_um, e.mask.sha256()) for e in again[k].exposures] for k in reversed(range(again.n_layers))] == hashes[::-1]


def test_a_native_job_of_fields_is_written_read_and_sound(tmp_path):
    job, _ = plate_job(resin=resin_with(0.1))
    pmsl.write(job, tmp_path / "job")
    document = json.loads((tmp_path / "job/job.json").read_text())
    assert document["schema"] == "pmsl.job/2"
    assert document["tiles"] == [2, 2]
    back = pmsl.read(tmp_path / "job")
    assert back.tiles == (2, 2)
    for plan, mine in zip(back.layers(), job.layers(), strict=True):
        assert [e.offset_um for e in plan.exposures] == [e.offset_um for e in mine.exposures]
        assert [e.mask.sha256() for e in plan.exposures] == [e.mask.sha256() for e in mine.exposures]
    assert not pmsl.verify(tmp_path / "job")


def test_a_job_of_one_field_says_nothing_of_fields(tmp_path):
    """The same bytes as of a printer that does not move."""
    moving = moving_printer((60, 80), PITCH)
    still = replace(moving, stage=replace(moving.stage, xy=msgspec.UNSET))
    process = replace(process_with(), fields=msgspec.UNSET)
    for name, printer in (("a", moving), ("b", still)):
        pmsl.write(pmsl.prepare([box((100, 100, 0), (300, 300, 20))], printer, resin_with(0.0), process), tmp_path / name)
    assert (tmp_path / "a/job.json").read_bytes() == (tmp_path / "b/job.json").read_bytes()


def test_together_on_the_plate_it_is_the_job_of_a_large_field():
    """Predicted from its fields it prints what a field as large as the plate prints."""
    job, solids = plate_job(solids=[box((203.0, 207.0, 0), (1100.0, 705.0, 40))])
    whole = on_plate(job)
    plate = whole.printer
    single = pmsl.prepare(solids, plate, job.resin, job.process)
    assert whole.grid == single.grid
    a, b = (pmsl.simulate(one, threads=1).as_dict()["epe_um"] for one in (job, single))
    assert (a["probes"], a["lost"]) == (b["probes"], b["lost"])
    assert a["median"] == pytest.approx(b["median"], abs=0.05)
    assert a["p95_abs"] == pytest.approx(b["p95_abs"], abs=0.2)
    assert on_plate(single) is single


def test_what_has_no_common_grid_is_refused_by_name():
    job, _ = plate_job(printer=moving_printer((60, 80), PITCH, step_um=3.7))
    with pytest.raises(JobError, match="no common grid"):
        on_plate(job)
    assert [f.code for f in pmsl.check(job)] == ["checks-left-out"]
    assert "fields-between-pixels" in {f.code for f in job.findings}


def test_a_coarse_stage_says_how_far_edges_may_jog():
    job, _ = plate_job(printer=moving_printer((60, 80), PITCH, step_um=12.0))
    found = next(f for f in job.findings if f.code == "stage-step-coarse")
    assert (found.value, found.limit) == (12.0, 10.0)
    assert "6 µm" in found.message


def test_what_overlaps_do_to_roofs_is_said():
    job, _ = plate_job(resin=resin_with(0.1), stagger_px=0)
    found = next(f for f in job.findings if f.code == "fields-overlap")
    assert found.severity == "warning"
    assert 4 < found.value < 6
    assert "fields-overlap" not in {f.code for f in plate_job(resin=resin_with(0.1), blend="none")[0].findings}
    assert "fields-overlap" not in {f.code for f in plate_job()[0].findings}


def test_what_is_not_offered_with_fields_is_refused_by_name():
    with pytest.raises(UsageError, match="--fields: not offered with unreachable = 'drop'"):
        plate_job(process=replace(process_with(overlap_px=10), unreachable="drop"))


def test_parts_larger_than_the_plate_are_refused():
    with pytest.raises(MeshError, match="reach from"):
        plate_job(counts=(1, 1))


def test_limits_count_what_fields_give_together():
    """Four white frames that only overlap in bands are no four times the time; the same place four times is."""
    printer = moving_printer((60, 80), PITCH)
    job, _ = plate_job(printer=printer)
    time_s = job[0].exposures[0].time_s
    tight = replace(printer, limits=replace(printer.limits, max_exposure_s=measured(1.02 * time_s)))
    assert len(plate_job(printer=tight)[0][0].exposures) == 4
    from pmsl.job.consistency import sum_problem
    from pmsl.profiles.response import response

    exposures = job[0].exposures
    assert sum_problem(exposures, tight, response(tight)) is None
    same = tuple(dataclasses.replace(e, offset_um=(0.05 * i, 0.0)) for i, e in enumerate(exposures))
    assert "together give a pixel" in sum_problem(same, tight, response(tight))


def test_more_light_than_the_printer_allows_in_a_band_is_refused():
    printer = moving_printer((60, 80), PITCH)
    time_s = plate_job(printer=printer)[0][0].exposures[0].time_s
    tight = replace(printer, limits=replace(printer.limits, max_exposure_s=measured(1.05 * time_s)))
    job, _ = plate_job(printer=tight, resin=resin_with(0.1))  # bands need a tenth more
    with pytest.raises(ExposureError, match="overlap fields less"):
        list(job.layers())
