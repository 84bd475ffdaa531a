"""Jobs without a design: widths and overhangs by their masks, to one pixel."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from checks_parts import BRIDGE, LEDGE, job_at, of
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from solids import box

import pmsl
from pmsl.checks.by_design import design_findings
from pmsl.checks.by_pixels import SAID, pixel_findings
from pmsl.checks.pixel_sections import half_level_segments
from pmsl.profiles.checks import ProcessChecks
from pmsl.slicing.contours import link

WALLS = ProcessChecks(min_wall_um=50.0, min_gap_um=40.0)
NARROW = [box((0, 0, 0), (33, 300, 60)), box((100, 0, 0), (200, 200, 60)), box((226, 0, 0), (400, 200, 60))]


def bare(job, folder):
    pmsl.write(job, folder, design=False)
    return pmsl.read(folder)


def winding(x, y, segments):
    total = 0
    for x0, y0, x1, y1 in segments:
        if (y0 <= y) != (y1 <= y) and x0 + (y - y0) / (y1 - y0) * (x1 - x0) > x:
            total += 1 if y1 > y0 else -1
    return total


@settings(deadline=None)
@given(arrays(np.uint8, (5, 6), elements=st.sampled_from([0, 1, 60, 127, 128, 200, 255])))
@example(np.kron([[1, 0], [0, 1]], np.full((2, 2), 255)).astype(np.uint8))  # two squares that meet at a corner
def test_boundaries_close_and_hold_the_middles_of_lit_pixels(level):
    padded = np.pad(level, 1)
    segments = half_level_segments(padded, 127.5)
    link(segments, 0)  # or it says where one ends
    for row, col in np.ndindex(padded.shape):
        assert winding(col + 0.5, row + 0.5 + 1e-9, segments) == (padded[row, col] > 127.5), (row, col)


def test_gray_rims_put_a_boundary_where_the_edge_is():
    level = np.zeros((5, 9), np.uint8)
    level[1:4, 2:5], level[1:4, 5] = 255, 191  # three quarters of column 5
    x = half_level_segments(level, 127.5).reshape(-1, 2)[:, 0]
    assert x.max() == pytest.approx(5.75, abs=0.1) and x.min() == 2.0


@pytest.mark.parametrize("turn", [0.0, 26.6, 90.0])
def test_a_wall_and_a_gap_have_their_width_to_one_pixel(turn, tmp_path):
    job = job_at(NARROW, 10.0, turn, WALLS)
    exact, found = design_findings(job), pixel_findings(bare(job, tmp_path / "job"))
    for code, width in (("thin-wall", 33.0), ("thin-gap", 26.0)):
        (known,), (seen,) = of(exact, code), of(found, code)
        assert known.value == pytest.approx(width) and seen.value == pytest.approx(width, abs=10.0)
        assert seen.layers == known.layers and np.abs(np.array(seen.box_um) - known.box_um).max() <= 15.0
        assert seen.message.endswith(SAID)
    assert not of(found, "overhang")


@pytest.mark.parametrize("turn", [0.0, 30.0])
@pytest.mark.parametrize("solids", [LEDGE, BRIDGE])
def test_a_ledge_and_a_bridge_reach_as_far_to_one_pixel(solids, turn, tmp_path):
    (found,) = of(pixel_findings(bare(job_at(solids, 10.0, turn), tmp_path / "job"), threads=2), "overhang")
    assert found.value == pytest.approx(300, abs=10.0) and found.layers[0] == found.layers[1]


def test_a_sphere_has_nothing_narrow_and_light_near_the_edge_is_said(samples, tmp_path):
    job = bare(job_at([box((0, 0, 0), (300, 300, 60))], 10.0), tmp_path / "job")
    assert pixel_findings(job) == ()
    near = bare(job_at([box((-500, -490, 0), (300, 300, 60))], 10.0), tmp_path / "near")
    (found,) = pixel_findings(near)
    assert found.code == "near-edge" and found.value == 0.0 and found.layers == (0, 5)


def test_the_command_measures_a_file_of_other_programs(tmp_path):
    pmsl.write(job_at(NARROW, 10.0), tmp_path / "job.sl1", lossy=True)
    found = pmsl.check(tmp_path / "job.sl1", process=pmsl.find_process("default"))
    assert not [f for f in found if "widths" in f.message]


def test_grays_of_corrections_are_not_taken_for_walls(tmp_path):
    job = job_at(NARROW, 10.0)
    corrected = msgspec.structs.replace(job.process, corrections=("edges",))
    made = pmsl.prepare(job.design, job.printer, job.resin, corrected, accept_uncalibrated=True)
    (said,) = [f for f in pmsl.check(bare(made, tmp_path / "job")) if "widths" in f.message]
    assert said.code == "checks-left-out" and "corrections" in said.message


def test_light_elsewhere_is_left_out_by_name(tmp_path):
    job = job_at(NARROW, 10.0)
    shifted = replace(job, plan_layer=lambda k: moved_light(job[k]))
    pmsl.write(shifted, tmp_path / "job", design=False)
    assert [f for f in pmsl.check(pmsl.read(tmp_path / "job")) if f.code == "checks-left-out" and "widths" in f.message]


def moved_light(plan):
    return replace(plan, exposures=tuple(replace(e, offset_um=(5.0, 0.0)) for e in plan.exposures))
