"""Jobs of printers whose optics distort: what is drawn, what the job says of it, and what is told of the plate."""

import json

import msgspec
import numpy as np
import pytest
import shapely
from distortion_oracle import Formulas, distorted, value
from solids import box, prism

import pmsl
from pmsl.errors import JobError, MeshError, UsageError
from pmsl.job.printer_optics import FIELD_DISTORTION
from pmsl.mesh.part import Part
from pmsl.optics import flat_field
from pmsl.pipeline.setup.drawn_geometry import offset_of
from pmsl.predict import simulate
from pmsl.profiles.printer import FlatField, XyStage

replace = msgspec.structs.replace
RESIN = pmsl.find_resin("pr48-405")
SHAPE, PITCH = (160, 240), 2.0
SIZE = (SHAPE[1] * PITCH, SHAPE[0] * PITCH)
STATED = {"keystone": (1.0, 0.01, 0.0, 0.0, 1.0, 0.0, 0.02, 0.01), "radial": (4e-3, 0.0)}
RIGHT = Formulas(SIZE, **STATED)
PROCESS = replace(pmsl.find_process("default"), layer_um=10.0, bottom_dose_factors=())
BLOCK = box((60.3, 40.1, 0), (430.7, 270.9, 30))


def printer(**stated):
    return distorted(pmsl.find_printer("pmsl-2um"), SHAPE, **stated)


def plain():
    p = printer(skew=0.1)
    return replace(p, optics=replace(p.optics, distortion=msgspec.UNSET))


def job_of(parts, process=PROCESS, **stated):
    return pmsl.prepare(parts, printer(**(stated or STATED)), RESIN, process)


def landed_um2(mask):
    """Area that a mask covers on the plate."""
    levels = mask.dense()
    rows, cols = np.nonzero(levels)
    at = (np.column_stack([cols, rows]) + 0.5) * PITCH
    return float((levels[rows, cols] * RIGHT.area_scale(at)).sum()) * PITCH**2


def test_what_lands_is_the_part():
    job = job_of([BLOCK])
    assert landed_um2(job[1].exposures[0].mask) == pytest.approx((430.7 - 60.3) * (270.9 - 40.1), rel=1e-5)
    assert job.parts[0].bounds_um == ((60.3, 40.1, 0.0), (430.7, 270.9, 30.0))
    assert job.design[0].solid is BLOCK


def test_an_offset_is_a_length_on_the_plate():
    job = job_of([BLOCK], replace(PROCESS, xy_offset_um=3.7))
    grown = shapely.box(60.3, 40.1, 430.7, 270.9).buffer(3.7, quad_segs=64)
    assert landed_um2(job[1].exposures[0].mask) == pytest.approx(grown.area, rel=1e-5)
    offset = offset_of(job.process, job.grid, job.printer)
    assert offset.grown().distance_um.tolist() == [3.7] * 3 and (np.array(offset.reach_px) >= 3.7 / PITCH).all()
    volume = replace(PROCESS, coverage="volume")
    assert landed_um2(job_of([BLOCK], volume)[1].exposures[0].mask) == pytest.approx((430.7 - 60.3) * (270.9 - 40.1), rel=1e-5)


def test_regions_and_doses_of_parts_lie_where_their_parts_lie():
    inner = box((200.0, 100.0, 0), (300.0, 200.0, 30))
    region = pmsl.Region(solid=inner, dose_scale=0.5, label="inner")
    job = job_of([Part(solid=BLOCK, regions=(region,))])
    assert job.regions[0].bounds_um == ((200.0, 100.0, 0.0), (300.0, 200.0, 30.0))
    doses = np.zeros(SHAPE)
    for e in job[1].exposures:
        doses += e.dose_mj_cm2 * e.mask.dense()
    light = doses / doses.max()
    rows, cols = np.nonzero(light > 0)
    at = (np.column_stack([cols, rows]) + 0.5) * PITCH
    total = float((light[rows, cols] * RIGHT.area_scale(at)).sum()) * PITCH**2
    assert total == pytest.approx((430.7 - 60.3) * (270.9 - 40.1) - 0.5 * 100 * 100, rel=2e-3)


def test_the_job_says_so_and_is_damaged_where_it_does_not(tmp_path):
    job = job_of([BLOCK])
    pmsl.write(job, tmp_path / "j")
    doc = json.loads((tmp_path / "j/job.json").read_text("utf-8"))
    assert (doc["schema"], doc["requires"], doc["printer"]["schema"]) == ("pmsl.job/2", [FIELD_DISTORTION], "pmsl.printer/2")
    back = pmsl.read(tmp_path / "j")
    assert back.printer.optics == job.printer.optics and back.requires == (FIELD_DISTORTION,)
    assert [e.mask.sha256() for e in back[1].exposures] == [e.mask.sha256() for e in job[1].exposures]
    (tmp_path / "j/job.json").write_text(json.dumps(doc | {"requires": []}), "utf-8")
    with pytest.raises(JobError, match="optics.distortion says otherwise: whether frames are warped is not clear; the job is damaged"):
        pmsl.read(tmp_path / "j")


def test_other_formats_take_the_frames_as_they_are(tmp_path):
    job = job_of([BLOCK])
    pmsl.write(job, tmp_path / "j.ome.tif", format="ome-tiff")
    assert pmsl.read(tmp_path / "j.ome.tif")[1].exposures[0].mask.sum_px() == pytest.approx(job[1].exposures[0].mask.sum_px(), rel=1e-3)


def test_predictions_are_of_the_part_and_tell_places_on_the_plate():
    turn = 2 * np.pi * np.arange(80) / 80
    circle = np.column_stack([150 + 90 * np.cos(turn), 150 + 90 * np.sin(turn)])
    walls = [prism(circle, 0.0, 30.0), box((430.0, 250.0, 0), (430.5, 290.0, 30))]  # one is far too thin
    bent, straight = simulate(job_of(walls)), simulate(pmsl.prepare(walls, plain(), RESIN, PROCESS))
    assert abs(bent.epe_um["median"] - straight.epe_um["median"]) < 0.05
    assert bent.iou == pytest.approx(straight.iou, abs=0.01)
    (lost,) = (f for f in bent.findings if f.code == "lost-feature")
    middle = np.mean(lost.box_um, axis=0)[:2]
    assert np.hypot(*(middle - (430.25, 270.0))) < 1.0 < np.hypot(*(RIGHT.picture(middle[None])[0] - (430.25, 270.0)))


def test_parts_must_lie_in_what_the_picture_reaches():
    corner = box((0.5, 0.5, 0), (50.0, 50.0, 30))
    right = Formulas(SIZE, scale=(0.98, 0.98))
    assert right.plate(np.zeros((1, 2))).min() > 1.0
    with pytest.raises(MeshError, match=r"µm of the picture that makes up for the optics' distortion, the field of printer .* place them"):
        job_of([corner], scale=(0.98, 0.98))
    wider = box((-1.0, -1.0, 0), (50.0, 50.0, 30))
    assert job_of([wider], scale=(1.02, 1.02))[0].exposures
    with pytest.raises(MeshError, match="place them"):
        job_of([box((0.0, 50.0, 0), (50.0, 90.0, 30))], replace(PROCESS, xy_offset_um=2.0), scale=(1.001, 1.001))


def test_denser_light_is_reckoned_where_nobody_measured_it():
    assert flat_field(printer(**STATED)) is None
    flat = flat_field(printer(**STATED, flat_field="ideal"))
    y, x = np.mgrid[0 : SHAPE[0], 0 : SHAPE[1]]
    denser = 1 / RIGHT.area_scale((np.stack([x, y], axis=-1) + 0.5) * PITCH)
    assert np.abs(flat / (denser / denser.mean()) - 1).max() < 1e-6
    loss = printer(**STATED, flat_field="ideal")
    given = FlatField(vignetting=value(0.2), reference="maximum")
    both = flat_field(replace(loss, optics=replace(loss.optics, flat_field=given)))
    alone = flat_field(replace(plain(), optics=replace(plain().optics, flat_field=given)))
    assert np.abs(both / (alone * denser / (alone * denser).max()) - 1).max() < 1e-5


def test_fields_are_refused_by_name_where_optics_distort():
    p = printer(**STATED)
    moving = replace(p, stage=replace(p.stage, xy=XyStage(travel_um=value((1e4, 1e4)), step_um=value(2.0))))
    with pytest.raises(UsageError, match="--fields: not offered with optics.distortion of the printer"):
        pmsl.prepare([BLOCK], moving, RESIN, PROCESS, fields=(2, 1))
