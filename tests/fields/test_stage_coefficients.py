"""Six coefficients of a stage as they are on the machine: how edges jog at seams where the profile states them, and where it does not."""

from __future__ import annotations

import numpy as np
import pytest

import pmsl
from pmsl.job.print_job import STAGE_ERROR
from tests.field_plates import moving_printer, process_with, resin_with
from tests.solids import box

PITCH = 10.0
ERROR = (0.8, -0.3, 0.5, 0.2, 1.1, -0.4)
WILD = np.array([[0.8, 0.2], [-0.3, 1.1]]) * 1e-3  # x and y for each µm along X and along Y: what the machine does
TOP, RIGHT = 5234.3, 8721.9


def edges_um(job, printer):
    """Where the part's upper and right edges land, in every field that shows some: (n,) each, with the fields' corners (n, 2)."""
    found: tuple[list, list] = [], []
    for e in job[1].exposures:
        sent = np.array(printer.stage.xy.sent_um(*e.offset_um)) if STAGE_ERROR in job.requires else np.array(e.offset_um)
        reached = sent + WILD @ sent
        levels = e.mask.dense()
        for axis, along in ((1, levels), (0, levels.T)):  # the edge along x, then that along y
            lit = along[:, (along > 0).any(axis=0)]
            column = lit[:, lit.shape[1] // 2]
            last = int(np.flatnonzero(column)[-1])
            if last < len(column) - 20:  # else it goes on in the next field
                first = last if column[last] < 1 else last + 1
                found[axis].append(reached[axis] + PITCH * (first + (column[first] if column[first] < 1 else 0.0)))
    return [np.array(places) for places in found]


def edges_of(error):
    printer = moving_printer((400, 600), PITCH, step_um=0.1, error=error)
    solid = box((55.5, 55.5, 0), (RIGHT, TOP, 30))
    job = pmsl.prepare([solid], printer, resin_with(0.0), process_with(overlap_px=10, blend="none", stagger_px=0), fields=(2, 2))
    return (*edges_um(job, printer), job)


def test_stated_coefficients_leave_no_jog():
    x, y, job = edges_of(ERROR)
    assert job.requires == (STAGE_ERROR,) and len(x) == len(y) == 2
    for places, true in ((x, RIGHT), (y, TOP)):
        assert np.ptp(places) <= 0.05 * PITCH
        assert np.abs(places - true).max() <= 0.05 * PITCH
    assert {e.focus_um for e in job[1].exposures} != {0.0}


def test_coefficients_that_nobody_stated_jog_by_as_much_as_they_are():
    x, y, job = edges_of(None)
    (left, low), (right, high) = (min(e.offset_um for e in job[1].exposures), max(e.offset_um for e in job[1].exposures))
    assert np.ptp(y) == pytest.approx(0.3e-3 * (right - left), abs=0.05) and np.ptp(y) > 0.1 * PITCH
    assert np.ptp(x) == pytest.approx(0.2e-3 * (high - low), abs=0.05)
