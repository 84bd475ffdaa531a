"""Blocks of a field: every point of the box in one, exactly one away from seams, and places that the stage can go to."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

from pmsl.errors import ProfileError
from pmsl.fields.writing_blocks import writing_blocks


def owners(blocks, points, shrunk_um=0.0):
    """How many blocks hold each point."""
    corners = np.array([block.corners_um for block in blocks])
    low, high = corners[:, 0] + shrunk_um, corners[:, 1] - shrunk_um
    return ((points[:, None] >= low) & (points[:, None] <= high)).all(axis=2).sum(axis=1)


@settings(max_examples=examples(40), deadline=None)
@given(st.data())
def test_every_point_lies_in_a_block_and_away_from_seams_in_exactly_one(data):
    side = data.draw(st.floats(5.0, 200.0))
    overlap = data.draw(st.floats(0.0, 0.6)) * side
    step = data.draw(st.sampled_from([0.0, 0.1, 1.0]))
    low = np.array(data.draw(st.tuples(st.floats(-500, 500), st.floats(-500, 500))))
    size = np.array(data.draw(st.tuples(st.floats(0.1, 900), st.floats(0.1, 900))))
    blocks, pitch = writing_blocks(np.array([low, low + size]), side, overlap, step)
    points = low + size * np.random.default_rng(0).random((400, 2))
    points = np.concatenate([points, [low, low + size]])
    held = owners(blocks, points, -1e-6)
    assert (held >= 1).all()
    centres = np.array([block.centre_um for block in blocks])
    shared = side - np.array(pitch)
    assert (shared >= (overlap - 1e-6) * (np.array([len(set(c)) for c in centres.T]) > 1)).all()
    seams = [np.unique(np.round(centres[:, axis], 6))[:-1] + 0.5 * pitch[axis] for axis in (0, 1)]
    far = np.ones(len(points), bool)
    for axis, at in enumerate(seams):
        for seam in at:
            far &= np.abs(points[:, axis] - seam) > 0.5 * shared[axis] + 1e-5
    assert (held[far] == 1).all()
    moves = np.diff(centres, axis=0)
    assert (np.count_nonzero(np.abs(moves) > 1e-9, axis=1) == 1).all()  # to the block beside, always
    assert len({(block.column, block.row) for block in blocks}) == len(blocks)
    if step:
        assert np.allclose(moves / step, np.round(moves / step), atol=1e-6)


def test_few_blocks_stand_around_the_middle():
    blocks, pitch = writing_blocks(np.array([[0.0, 0.0], [250.0, 90.0]]), 100.0, 10.0)
    assert pitch == (90.0, 100.0) and [block.centre_um for block in blocks] == [(35.0, 45.0), (125.0, 45.0), (215.0, 45.0)]
    (one,), pitch = writing_blocks(np.array([[0.0, 0.0], [100.0, 100.0]]), 100.0, 10.0)
    assert one.centre_um == (50.0, 50.0) and pitch == (100.0, 100.0)


def test_a_stage_that_is_too_coarse_and_too_many_blocks_are_refused():
    with pytest.raises(ProfileError, match="less than a step of the stage"):
        writing_blocks(np.array([[0.0, 0.0], [50.0, 50.0]]), 10.0, 9.95, 0.1)
    with pytest.raises(ProfileError, match="at most 100000"):
        writing_blocks(np.array([[0.0, 0.0], [1e5, 1e5]]), 10.0, 1.0)
