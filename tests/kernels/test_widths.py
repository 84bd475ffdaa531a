"""Widths along lines, and ridges with a wider one near them: walked pixel by pixel, and compared pair by pair."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pmsl.kernels.runs import distance_and_width

DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
shares = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9), elements=st.sampled_from([0.0, 0.25, 1.0, 1.0, 1.0])
)


def widths_of(share, places, pitch=1.0):
    """Least widths through pixels of a map, which gets its rim here."""
    rimmed = np.pad(share, 1)
    place = np.array([(r + 1) * rimmed.shape[1] + c + 1 for r, c in places], np.int64)
    step = np.array([r * rimmed.shape[1] + c for r, c in DIRECTIONS], np.int64)
    unit = np.array([pitch * math.hypot(r, c) for r, c in DIRECTIONS])
    least = np.full(len(place), np.nan)
    scratch = np.zeros(len(step)), np.zeros(len(step), np.int64), np.zeros(len(step), np.int64)
    distance_and_width.widths(rimmed.reshape(-1), place, step, unit, *scratch, least)
    return least


def walked(share, at, direction):
    """Sum of the shares of a line through a pixel, to both sides until there is none."""
    total = share[at]
    for sign in (1, -1):
        r, c = at
        while True:
            r, c = r + sign * direction[0], c + sign * direction[1]
            if not (0 <= r < share.shape[0] and 0 <= c < share.shape[1]) or share[r, c] == 0.0:
                break
            total += share[r, c]
    return total * math.hypot(*direction)


@given(shares, st.sampled_from([0.25, 1.0, 3.0]))
def test_the_least_of_four_lines(share, pitch):
    places = list(np.ndindex(share.shape))
    wanted = [pitch * min(walked(share, at, d) for d in DIRECTIONS) if share[at] > 0 else 0.0 for at in places]
    assert widths_of(share, places, pitch) == pytest.approx(wanted)


@pytest.mark.parametrize("wide", [1, 2, 5])
@pytest.mark.parametrize("pitch", [1.0, 0.5])
def test_a_channel_is_as_wide_as_it_is(wide, pitch):
    share = np.zeros((20, 20))
    share[:, 4 : 4 + wide] = 1.0
    assert widths_of(share, [(10, 4)], pitch) == pytest.approx([wide * pitch])
    assert widths_of(share.T.copy(), [(4, 10)], pitch) == pytest.approx([wide * pitch])


def test_partly_void_pixels_count_their_share():
    share = np.zeros((9, 9))
    share[:, 3:6] = 1.0
    share[:, 2] = share[:, 6] = 0.25
    assert widths_of(share, [(4, 4)]) == pytest.approx([3.5])


ridge = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.floats(0.5, 20)), min_size=1, max_size=12)


@given(ridge, st.sampled_from([1.25, 1.5, 2.0]), st.sampled_from([0.5, 1.0]))
def test_kept_are_those_without_a_much_wider_one_near_them(found, wider, near):
    found = sorted(found, key=lambda place: place[2])
    row, col = (np.array([place[i] for place in found], np.int64) for i in (0, 1))
    width = np.array([place[2] for place in found])
    size = 2.0 ** (np.floor(2 * np.log2(width)) / 2)
    kept = np.full(len(found), 9, np.uint8)
    distance_and_width.near_wider(row, col, width, size, wider, near, kept)
    for i in range(len(found)):
        beaten = any(
            size[j] > wider * width[i] and math.hypot(row[j] - row[i], col[j] - col[i]) < near * size[j] for j in range(len(found))
        )
        assert kept[i] == (not beaten)
