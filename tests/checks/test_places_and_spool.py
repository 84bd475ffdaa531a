"""Which extents touch one another, and what passes over layers leave for the next ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsl.checks.light.row_runs import RowRuns
from pmsl.checks.light.spool import LayerSpool
from pmsl.checks.places import Extents
from pmsl.core.mask import LayerMask


@st.composite
def extents(draw):
    low, size = (draw(st.tuples(*[st.integers(a, 6)] * 3)) for a in (0, 1))
    return (low[0], low[1], low[0] + size[0], low[1] + size[1], low[2], low[2] + size[2] - 1)


def boxes_meet(a, b):
    """Whether closed boxes share a point: slab k reaches from k to k + 1."""
    axes = ((a[0], a[2], b[0], b[2]), (a[1], a[3], b[1], b[3]), (a[4], a[5] + 1, b[4], b[5] + 1))
    return all(max(low, other_low) <= min(high, other_high) for low, high, other_low, other_high in axes)


@given(extents(), st.lists(extents(), max_size=8))
def test_extents_meet_where_boxes_share_a_point(one, others):
    assert Extents(others).meet(one).tolist() == [boxes_meet(one, other) for other in others]


@pytest.mark.parametrize("in_memory", [0, 300, 1 << 20])
def test_a_spool_returns_what_was_put_wherever_it_is(in_memory):
    rng, shape, solids = np.random.default_rng(3), (6, 9), {}
    masks = [rng.integers(0, 256, shape, dtype=np.uint8) for _ in range(4)]
    with LayerSpool(4, shape, in_memory) as spool:
        for k, frame in enumerate(masks):
            mask = LayerMask.from_dense(k, frame)
            spool.put_shown(k, [(mask, np.arange(256.0) * (k + 1), k + 2)] * (k % 3))
        for _ in range(3):  # passes
            for k in reversed(range(4)):
                solids[k] = rng.random(shape) < 0.5
                spool.put_solid(k, RowRuns.of_dense(solids[k]))
            for k, frame in enumerate(masks):
                assert np.array_equal(spool.solid(k).dense(shape[1]), solids[k])
                shown = spool.shown(k)
                assert len(shown) == k % 3
                for mask, dose, times in shown:
                    assert np.array_equal(mask.dense(np.uint8), frame) and times == k + 2
                    assert np.array_equal(dose, np.arange(256.0) * (k + 1))


def test_what_a_pass_puts_takes_the_room_of_the_pass_before():
    solid = RowRuns.of_dense(np.eye(8, dtype=bool))
    with LayerSpool(2, (8, 8), sum(a.nbytes for a in solid)) as spool:
        for _ in range(5):
            spool.put_solid(0, solid)
        assert spool._file is None
        spool.put_solid(1, solid)
        assert spool._file is not None
