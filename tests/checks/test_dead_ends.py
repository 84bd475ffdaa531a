"""Channels with one opening: by name, and against dense volumes."""

import checks_oracle as oracle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsl.checks import CheckedLayer, CheckLimits
from pmsl.checks.light.row_runs import RowRuns
from pmsl.checks.shapes.dead_ends import DeadEndCheck


def dead_ends(final):
    """The findings of a (layers, rows, cols) bool solid, and the volume of a voxel [µm³]."""
    job = oracle.job_of_levels(np.where(final, 255, 0).astype(np.uint8))
    check = DeadEndCheck(job.grid, CheckLimits.of(job))
    for k, solid in enumerate(final):
        runs = RowRuns.of_dense(solid)
        check.add(CheckedLayer(k, runs, ((k, runs),)))
    return check.findings(), job.grid.pixel_um2 * job.grid.thickness_um[0]


def block(*hollows):
    """A block in which boxes of voxels, (z, y, x) slices, are hollow."""
    final = np.zeros((15, 20, 34), bool)
    final[:, 2:18, 2:32] = True
    for hollow in hollows:
        final[hollow] = False
    return final


CHANNEL = np.s_[5:8, 8:12, 6:28]
ONE, TWO = np.s_[8:15, 9:11, 7:9], np.s_[8:15, 9:11, 25:27]


def test_a_channel_with_one_port_is_a_dead_end_with_its_box():
    [end], voxel = dead_ends(block(CHANNEL, ONE))
    assert (end.severity, end.layers) == ("info", (5, 14))
    low, high = np.array(end.box_um)
    assert high - low == pytest.approx([220.0, 40.0, 100.0])
    assert end.value == pytest.approx((3 * 4 * 22 + 7 * 4) * voxel)
    assert "one opening only" in end.message


@pytest.mark.parametrize("hollows", [
    (CHANNEL, ONE, TWO),
    (CHANNEL, ONE, np.s_[0:5, 9:11, 25:27]),
    (np.s_[5:15, 8:12, 6:28],),
    (np.s_[0:8, 8:12, 6:28],),
    (CHANNEL, np.s_[0:5, 9:11, 7:9]),
    (CHANNEL,),
    (CHANNEL, ONE, np.s_[5:8, 9:11, 28:34]),
], ids=["two ports", "a port to the plate", "a trench", "a pocket", "drains when taken off", "shut: a trap", "a side port"])  # fmt: skip
def test_what_can_be_flushed_or_is_open_wide_is_none(hollows):
    assert dead_ends(block(*hollows))[0] == []


def test_a_well_may_widen_below_its_mouth_by_half():
    mouth = np.s_[10:15, 6:10, 6:10]
    assert dead_ends(block(mouth, np.s_[5:10, 6:10, 6:14]))[0] == []  # half as wide as its largest section
    assert len(dead_ends(block(mouth, np.s_[5:10, 6:10, 6:15]))[0]) == 1


def random_block(rng):
    """A block with boxes cut out, some of them out to its faces, and a little noise."""
    final = np.zeros((9, 10, 12), bool)
    final[:, 1:9, 1:11] = True
    for _ in range(rng.integers(2, 9)):
        low = rng.integers((0, 1, 1), (8, 8, 10))
        high = np.minimum(low + rng.integers(1, 5, 3), (9, 10, 12))
        final[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = False
    return final ^ (rng.random(final.shape) < rng.choice([0.0, 0.02]))


@given(st.integers(0, 2**32 - 1))
def test_dead_ends_are_those_of_labels_in_three_dimensions(seed):
    final = random_block(np.random.default_rng(seed))
    found, voxel = dead_ends(final)
    assert sorted(f.value / voxel for f in found) == pytest.approx(oracle.dead_ends(final))
