"""Seams where a part is empty, or beside a region such as a lens; and never over one of the three layers below, wherever they lie."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from pmsl.fields.seam_places import crossed_px, quietest_px
from pmsl.fields.tiles import FieldLayout, axis_of
from pmsl.pipeline.slice_jobs import prepare_job
from pmsl.pipeline.slice_request import SliceRequest
from pmsl.profiles.process import Fields
from tests.solids import box


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4), st.integers(0, 8), st.sampled_from(["linear", "none"]))
def test_the_place_is_the_best_of_all(seed, count, overlap, blend):
    """Against a sum over every pixel of every band at every place."""
    rng = np.random.default_rng(seed)
    axis = axis_of(count, 60, 10.0, 0.1, Fields(overlap_px=overlap, blend=blend, stagger_px=max(overlap, 2)), "x")
    area = np.where(rng.random(int(rng.integers(5, axis.plate_px + 1))) < 0.4, 0.0, 1.0)
    slow = []
    for place in range(axis.plate_px - len(area) + 1):
        on_plate = np.zeros(axis.plate_px)
        on_plate[place : place + len(area)] = area
        bands = [b for layer in range(4) for b in axis.bands_px(layer)]
        slow.append(sum(on_plate[max(a - (a == b), 0) : max(b + (a == b), 0)].sum() for a, b in bands))
    assert crossed_px(area, axis) == pytest.approx(slow)
    now = float(rng.integers(0, len(slow)))
    best = quietest_px(area, axis, now, edge_px=0)
    assert min(slow) == pytest.approx(slow[int(now)] if best is None else slow[best])


def job_of(tmp_path, solids, **more):
    meshes = []
    for i, solid in enumerate(solids):
        meshes.append(str(tmp_path / f"{i}.stl"))
        trimesh.Trimesh(solid.vertices_um / 1000, solid.faces, process=False).export(meshes[-1])
    request = SliceRequest(
        meshes=meshes,
        out=str(tmp_path / "job"),
        printer="pmsl-25um",
        field="200x150",
        resin="pr48-405",
        fields="2x1",
        **more,
    )
    return prepare_job(request).job


def crossed_by_seams(job, x_um):
    """Layers of which a band along x holds a place."""
    layout = FieldLayout.of(job.printer, job.process, job.tiles)
    px = x_um / layout.pitch_um[0]
    return [k for k in range(4) for a, b in layout.x.bands_px(k) if a <= px < b]


def test_seams_lie_in_the_gap_between_parts(tmp_path):
    """Two blocks with a gap wide enough for the seams of four layers, which in the middle of the plate would cross one of them."""
    solids = [box((0, 0, 0), (2600.0, 2000.0, 50.0)), box((5200.0, 0, 0), (6400.0, 2000.0, 50.0))]
    job = job_of(tmp_path, solids)
    low = min(part.bounds_um[0][0] for part in job.parts)
    high = max(part.bounds_um[1][0] for part in job.parts)
    assert high - low == pytest.approx(6400.0)
    assert low >= 8 * 25.0 - 1e-6  # and not at the edge of the plate
    for x in np.arange(low + 10, low + 2600.0, 100).tolist() + np.arange(low + 5210.0, high, 100).tolist():
        assert not crossed_by_seams(job, x)
    assert all(len(plan.exposures) == 2 for plan in job.layers())


def test_parts_that_are_told_where_to_stand_stay(tmp_path):
    solids = [box((0, 0, 0), (2600.0, 2000.0, 50.0)), box((5200.0, 0, 0), (6400.0, 2000.0, 50.0))]
    job = job_of(tmp_path, solids, at="100,100")
    assert job.parts[0].bounds_um[0][:2] == pytest.approx((100.0, 100.0))


def test_seams_keep_away_from_a_lens(tmp_path):
    """A block that is as long everywhere: without a region it stays in the middle, where seams cross what is to be a lens."""
    block, lens = box((0, 0, 0), (6000.0, 2000.0, 50.0)), box((2300.0, 500.0, -10.0), (2800.0, 1500.0, 60.0))
    mesh = tmp_path / "lens.stl"
    trimesh.Trimesh(lens.vertices_um / 1000, lens.faces, process=False).export(mesh)
    for more, crosses in (({}, True), ({"region": [f"{mesh}=0.9"]}, False)):
        job = job_of(tmp_path, [block], **more)
        low = job.parts[0].bounds_um[0][0]
        assert any(crossed_by_seams(job, low + x) for x in range(2310, 2800, 25)) == crosses
