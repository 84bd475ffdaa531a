"""What levels are chosen by: points on either side of a contour, distances along normals, which of two lights is better."""

import numpy as np
import pytest
import shapely
from forward_model import grid_of, printer_of, resin_of, white_of
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from solids import prism

from pmsl.core.mask import LayerMask, Window
from pmsl.correct import Corrector
from pmsl.correct.optimise import optimiser
from pmsl.correct.optimise.contour_error import LOST_PX, PLACES_PX, ContourError, crossing
from pmsl.correct.optimise.level_choice import Quality
from pmsl.correct.optimise.neighbourhoods import Neighbourhoods, off_or_bent
from pmsl.correct.optimise.sides import INSIDE, OUTSIDE, PER_PX, SidePoints, inside_of, well
from pmsl.correct.optimise.wall_level_problem import contour_of
from pmsl.correct.solver.influence_rows import Pixels, Spot
from pmsl.correct.solver.target_surfaces import Walls
from pmsl.optics import psf_of


@given(st.integers(0, 10**6), st.integers(5, 9))
def test_points_of_a_raster_are_inside_as_another_library_has_it(seed, corners):
    rng = np.random.default_rng(seed)
    turn = (np.arange(corners) + rng.random(corners)) * (2 * np.pi / corners)
    ring = np.array([7.3, 4.6]) + rng.uniform(1.0, 6.0, corners)[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    window = Window(1, 3, 8, 9)  # rows from 1, columns from 3: the ring leaves it on all sides
    found = inside_of(np.concatenate([ring, np.roll(ring, -1, axis=0)], axis=1), window)
    y, x = (np.arange(n * PER_PX) + 0.5 for n in (window.rows, window.cols))
    yy, xx = np.meshgrid(window.row0 + y / PER_PX, window.col0 + x / PER_PX, indexing="ij")
    assert np.array_equal(found, shapely.contains_xy(shapely.Polygon(ring), xx, yy))
    assert not inside_of(np.concatenate([np.roll(ring, -1, axis=0), ring], axis=1), window).any(), "solid lies on the left"


def test_well_inside_is_where_all_neighbours_are():
    inside = np.zeros((6, 7), bool)
    inside[1:5, 1:5] = True
    row, col = (a.ravel() for a in np.indices(inside.shape))
    deep, out = (a.reshape(inside.shape) for a in well(inside, row, col))
    assert np.argwhere(deep).tolist() == [[2, 2], [2, 3], [3, 2], [3, 3]]
    assert np.argwhere(out).tolist() == [[r, 6] for r in range(6)]


def test_distances_along_normals():
    """A dose that falls as Φ: where it is the threshold; nearest of several crossings; none."""
    offset = np.array([-0.31, -0.05, 0.0, 0.17, 0.44])
    relative = np.exp(-4.0 * (PLACES_PX - offset[:, None]))
    assert crossing(relative) == pytest.approx(offset, abs=1e-9)
    two = np.where(PLACES_PX < -0.5, 2.0, np.where(PLACES_PX < 0.05, 0.5, np.where(PLACES_PX < 0.25, 2.0, 0.5)))
    assert 0.2 < crossing(two[None])[0] < 0.35
    errors = ContourError(crossing(np.full((1, len(PLACES_PX)), 0.1)), *np.zeros((2, 1)))
    assert np.isnan(errors.error_px).all() and errors.off_px.tolist() == [LOST_PX]
    sigma = 0.36
    edge = np.array([ndtri(1 - 1 / ratio) * sigma for ratio in (1.5, 2.0, 3.0)])
    doses = np.array([ratio * ndtr(-PLACES_PX / sigma) for ratio in (1.5, 2.0, 3.0)])
    assert crossing(doses) == pytest.approx(edge, abs=0.01)


def quality(walls, others=0.0, lost=0.0, stray=0.0, length=8.0):
    none = np.zeros(0)
    return Quality(*(np.array([v], float) for v in (walls, others, lost, stray, length)), ContourError(none, none, none))


@pytest.mark.parametrize(
    ("one", "other", "better"),
    [
        (quality(1.0), quality(2.0), True),
        (quality(2.0), quality(2.0), False),
        (quality(1.0, lost=0.1), quality(2.0), False),
        (quality(1.0, stray=1), quality(2.0), False),
        (quality(1.0, others=1.1), quality(2.0), False),
        (quality(1.0, others=0.9), quality(2.0), True),
        (quality(2.01), quality(2.0, others=1.0), False),
        (quality(2.01), quality(2.0, stray=1), True),
        (quality(2.5), quality(2.0, stray=1), False),
        (quality(2.019), quality(2.0, stray=9), True),
        (quality(2.021), quality(2.0, stray=9), False),
    ],
)
def test_which_of_two_is_better(one, other, better):
    """Not if more is lost, or cures beside the design, or faces are worse by more than walls gain."""
    assert one.better_than(other).tolist() == [better]


def test_what_is_near_corners_and_other_walls_is_solved_again():
    n = 40
    straight = np.arange(0.25, 20, 0.5)
    at = [(12.0, x) for x in straight] + [(y, 20.0) for y in 12.0 + straight] + [(2.0, x) for x in straight] + [(3.5, x) for x in straight]
    outward = [(-1, 0)] * n + [(0, 1)] * n + [(-1, 0)] * n + [(1, 0)] * n
    walls = Walls(np.array(at), np.array(outward, float), np.zeros(4 * n), np.arange(4 * n))
    marks = np.zeros((44, 44), bool)
    marks[2:38, 2:30] = True
    pixels = Pixels.around(marks, Window(-2, -2, 44, 44), 2, (60, 60))
    none = np.zeros(4 * n)
    chosen, bent = off_or_bent(walls, none, none > 0, pixels)
    places = set(map(tuple, chosen))
    assert (12.0, 19.25) in places and (13.25, 20.0) in places, "where it turns"
    assert (12.0, 10.25) not in places and (24.25, 20.0) not in places, "straight walls"
    assert (2.0, 10.25) in places and (3.5, 10.25) in places, "a bar of a pixel and a half"
    missed = none.copy()
    missed[20] = 0.1
    again, _ = off_or_bent(walls, missed, none > 0, pixels)
    assert len(again) == len(chosen) + 1 and at[20] in set(map(tuple, again))
    settled, _ = off_or_bent(walls, missed, missed > 0, pixels)
    assert len(settled) == len(chosen), "what the layers above cure stays"
    spot = Spot.of(psf_of(printer_of((60, 60))))
    found = Neighbourhoods.around(chosen, np.append(np.ones(len(pixels.row)), 0.0), pixels, spot)
    group = found.group[found.number]
    corner, bar = (group[(pixels.row[found.number] > 8) == away] for away in (True, False))
    assert found.n >= 2 and not set(corner.tolist()) & set(bar.tolist()) and (group >= 0).all()
    assert bent.shape == (44, 44)


def test_points_on_the_last_border_of_the_field_are_left_out():
    """Put together, points just inside of it may come to lie on it."""
    pixels = Pixels.around(np.ones((12, 12), bool), Window(-2, -2, 12, 12), 2, (8, 8))
    places = Neighbourhoods.around(np.array([(4.0, 7.5)]), np.append(np.ones(64), 0.0), pixels, Spot.of(psf_of(printer_of((8, 8)))))
    mask = LayerMask.from_dense(0, np.zeros((8, 8), np.uint16))
    for seed in range(40):
        y = np.sort(np.random.default_rng(seed).uniform(2, 6, 60))
        x = np.full(59, np.nextafter(8.0, 0))
        contour = contour_of(np.stack([x, y[:-1], x, y[1:]], axis=1), np.zeros(59), mask, np.ones((12, 12), bool), places, pixels)
        assert (contour.group >= 0).all()


@settings(max_examples=5)
@given(st.integers(0, 10**6))
def test_points_that_are_left_out_cannot_be_on_the_wrong_side(seed):
    """Whatever the light of free pixels: the points that were not looked at stay where they are, those that are never ask in vain."""
    rng = np.random.default_rng(seed)
    turn = rng.uniform(0, np.pi / 2) + np.pi / 2 * np.arange(4)
    part = prism(90 + rng.uniform(-5, 5, 2) + 11 * np.stack([np.cos(turn), np.sin(turn)], axis=1), 0, 40)
    grid, got = grid_of(24, 24, 4), []
    of = SidePoints.of.__func__

    def spy(cls, k, segments, wanted, start, *scene):
        everything = type(start)(np.zeros_like(start.least), np.full_like(start.most, 1e9))
        found = of(cls, k, segments, wanted, start, *scene)
        got.append((k, start, scene[1], found, of(cls, k, segments, wanted, everything, *scene)))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(optimiser.SidePoints, "of", classmethod(spy))
        Corrector([part], grid, printer_of((24, 24)), resin_of(20.0), white_of(grid, 20.0), ("optimise",)).images(1)
    k, start, law, found, all_points = got[-1]
    free = start.most > start.least
    assert len(found.cell) < len(all_points.cell)
    for _ in range(20):
        light = np.where(free & (rng.random(len(free)) < rng.random()), start.most, start.least)
        wrong = all_points.stray(k, light, law)
        known = {(*w, c) for w, c in zip(found.weights, found.cell, strict=True)}
        constant = (all_points.weights * free[all_points.index]).sum(axis=1) < 1e-12
        assert all((*all_points.weights[i], all_points.cell[i]) in known for i in np.flatnonzero(wrong & ~constant))
    assert INSIDE > 1 > OUTSIDE
