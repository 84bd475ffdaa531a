"""Doses of parts and regions, contours that are moved, fewer grays and other processes on a plate of fields: as of one large field."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import pmsl
from pmsl.fields.on_plate import on_plate, with_field
from pmsl.fields.tiles import FieldLayout
from pmsl.mesh.part import Part
from pmsl.mesh.region import Region
from pmsl.pipeline.setup.bit_depth import with_depth
from pmsl.pipeline.slice_jobs import slice_job
from pmsl.pipeline.slice_request import SliceRequest
from pmsl.profiles.process import Regions
from tests.field_plates import moving_printer, process_with, replace, resin_with
from tests.fields.test_field_jobs import PITCH
from tests.fields.test_fields_through_doors import write_slab
from tests.solids import box, cone

SHAPE = (60, 80)
SLAB, HAT = box((123.0, 87.0, 0), (1190.0, 790.0, 20)), cone(350, 200, 60, (777.0, 431.0, 20))


def plate_of(parts, induction=0.0, **more):
    process = replace(process_with(overlap_px=10), **more)
    return pmsl.prepare(parts, moving_printer(SHAPE, PITCH), resin_with(induction), process, fields="auto")


def single_of(job, parts):
    plate = with_field(job.printer, FieldLayout.of(job.printer, job.process, job.tiles).plate_px)
    return pmsl.prepare(parts, plate, job.resin, job.process)


def dose_of(job, k, spent=0.0):
    """Σ max(0, dose - spent) of all exposures at the mirrors of the plate [mJ/cm²]."""
    rows, cols = FieldLayout.of(job.printer, job.process, job.tiles).plate_px if job.tiles else job.grid.shape
    out = np.zeros((rows + 400, cols + 400))
    for e in job[k].exposures:
        x, y = np.rint(np.array(e.offset_um) / PITCH).astype(int) + 200
        light = e.mask.dense(np.uint8) / 255 * e.dose_mj_cm2
        out[y : y + light.shape[0], x : x + light.shape[1]] += np.maximum(light - spent, 0)
    return out[200 : 200 + rows, 200 : 200 + cols]


CASES = {
    "edge": ([SLAB, HAT], {"regions": Regions(edge=0.8, edge_erode_px=3.0, edge_dilate_px=1.0)}),
    "roof": ([SLAB, HAT], {"regions": Regions(roof=0.6, roof_layers=2, roof_erode_px=2.0, membrane=1.2, membrane_um=20.0)}),
    "dose_scale": ([Part(solid=SLAB), Part(solid=HAT, dose_scale=0.7)], {}),
    "offset": ([SLAB, HAT], {"xy_offset_um": 6.0}),
}
CASES["region"] = (
    [
        Part(solid=SLAB, regions=(Region(solid=box((500.0, 300.0, -5.0), (900.0, 600.0, 25.0)), label="lens", dose_scale=0.6),)),
        Part(solid=HAT),
    ],
    {},
)


@pytest.mark.parametrize("case", ["region", *(pytest.param(c, marks=pytest.mark.slow) for c in ("edge", "roof", "dose_scale", "offset"))])
def test_doses_of_a_plate_of_fields_are_those_of_one_large_field(case):
    """Everywhere to a level and a half of the strongest white, seams in or out of regions."""
    parts, more = CASES[case]
    job = plate_of(parts, **more)
    single = single_of(job, parts)
    assert job.n_layers == single.n_layers
    assert {f.code for f in job.findings} >= {f.code for f in single.findings}
    for k in range(job.n_layers):
        a, b = dose_of(job, k), dose_of(single, k)
        most = max(e.dose_mj_cm2 for e in (*job[k].exposures, *single[k].exposures))
        assert np.abs(a - b).max() <= 1.51 / 255 * most
        assert job[k].covered_px == pytest.approx(single[k].covered_px or single[k].exposures[0].mask.sum_px(), rel=1e-4)
    assert [r.label for r in job.regions] == [r.label for r in single.regions]


def test_of_a_fainter_region_the_overlap_keeps_its_own_effective_dose():
    """F is that of the region's white, at mid-slab: what is left over the induction dose is one dose in bands and beside them."""
    parts, induction = [Part(solid=SLAB, dose_scale=0.6)], 0.1
    job = plate_of(parts, induction)
    dose = job[0].exposures[0].dose_mj_cm2
    spent = induction * 15 * np.exp(0.5) * np.exp(0.25)
    for k in range(job.n_layers):
        inside = dose_of(job, k, spent)[12:75, 16:115]
        assert inside.max() - inside.min() <= dose / 255
    assert dose < 15 * np.exp(0.5)


@pytest.mark.parametrize("bits", [pytest.param(4, marks=pytest.mark.slow), 6])
def test_fewer_grays_of_frames_that_overlap_keep_the_mean_dose(bits):
    job = plate_of([SLAB])
    reduced = with_depth(job, bits)
    for k in range(job.n_layers):
        a, b = (dose_of(one, k) for one in (job, reduced))
        assert reduced[k].exposures[0].mask.dense(np.uint8).max() == 255
        shown = np.unique([v for e in reduced[k].exposures for v in np.unique(e.mask.dense(np.uint8))])
        assert len(shown) <= 2**bits
        assert abs(a.mean() / b.mean() - 1) <= 0.005
        assert reduced[k].covered_px == job[k].covered_px


def files(folder):
    return {p.relative_to(folder): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.slow
def test_other_processes_make_the_same_bytes(tmp_path):
    mesh = tmp_path / "slab.stl"
    write_slab(mesh, 60.0, 25.0, 0.06)
    more = {"meshes": [str(mesh)], "printer": "pmsl-25um", "resin": "pr48-405", "fields": "auto", "correct": "none"}
    for name, processes in (("a", None), ("b", 2)):
        done = slice_job(SliceRequest(out=str(tmp_path / name), processes=processes, **more))
    assert done.job.tiles == (2, 1)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_a_preview_shows_the_plate(tmp_path):
    from PIL import Image

    from pmsl.report import contact_sheet

    job = plate_of([SLAB, HAT])
    contact_sheet(job, tmp_path / "a.png")
    contact_sheet(on_plate(job), tmp_path / "b.png")
    a, b = (np.asarray(Image.open(tmp_path / name)) for name in ("a.png", "b.png"))
    assert (a == b).all() and a.max() == 255
