"""Contours of the plate as the picture must have them: rings stay closed, edges are split where they bend and nowhere else."""

import msgspec
import numpy as np
import pytest
import shapely
from distortion_oracle import KEYSTONE, Formulas, dense, distorted, value
from formats.conformance import PROCESS, RESIN, printer_of
from solids import prism

import pmsl
from pmsl.core.contours import stacked
from pmsl.profiles.distortion.distortion_map import field_map
from pmsl.profiles.distortion.field_map import CHORD_PX
from pmsl.profiles.orientation import Orientation
from pmsl.profiles.printer import Distortion
from pmsl.slicing import warped
from pmsl.slicing.warp import split_segments

SIZE, PITCH = (9600.0, 5400.0), (5.0, 5.0)
STATED = {"keystone": KEYSTONE, "radial": (1e-3, 0.0)}
RIGHT = Formulas(SIZE, **STATED)
OUTER = np.array([[100.0, 100.0], [9500.0, 100.0], [9500.0, 5300.0], [100.0, 5300.0]])
HOLE = np.array([[4000.0, 2000.0], [4000.0, 3000.0], [5000.0, 3000.0], [5000.0, 2000.0]])


def bent(**stated):
    return field_map(Distortion(**{name: value(number) for name, number in (stated or STATED).items()}), SIZE, PITCH)


def test_rings_are_warped_within_the_bound_and_keep_their_corners():
    contours = stacked([[OUTER, HOLE], [], [HOLE]], [10.0, 30.0, 50.0])
    made = warped(contours, bent())
    assert [len(made.rings(k)) for k in range(3)] == [2, 0, 1] and np.array_equal(made.z_um, contours.z_um)
    assert np.array_equal(made.rings(0)[1], made.rings(2)[0])
    for drawn, ring in zip(made.rings(0), (OUTER, HOLE), strict=True):
        corners = RIGHT.picture(ring)
        assert np.abs(drawn[None] - corners[:, None]).max(axis=2).min(axis=1).max() < 1e-7
        true = shapely.LinearRing(RIGHT.picture(dense(ring, 2.0)))
        far = shapely.distance(true, shapely.points(0.5 * (drawn + np.roll(drawn, -1, axis=0))))  # chords are off most in their middle
        assert far.max() / PITCH[0] < CHORD_PX
        assert len(ring) < len(drawn) < 2000 and shapely.LinearRing(drawn).is_ccw == shapely.LinearRing(ring).is_ccw


def test_an_edge_and_its_opposite_get_the_same_points_and_pieces_join():
    rng = np.random.default_rng(4)
    edges = np.hstack([rng.uniform(0, SIZE, (50, 2)), rng.uniform(0, SIZE, (50, 2))])
    pieces, place = split_segments(edges, bent())
    back, _ = split_segments(edges[:, [2, 3, 0, 1]], bent())
    assert len(pieces) > 1000
    assert np.array_equal(np.unique(pieces, axis=0), np.unique(back[:, [2, 3, 0, 1]], axis=0))
    in_order = pieces[np.argsort(place)]
    joined = np.floor(np.sort(place))[1:] == np.floor(np.sort(place))[:-1]
    assert np.array_equal(in_order[:-1, 2:][joined], in_order[1:, :2][joined])


def test_a_straight_map_splits_nothing():
    made = warped(stacked([[OUTER]], [0.0]), bent(scale=(1.01, 0.99), skew=0.002))
    assert len(made.rings(0)[0]) == 4


@pytest.mark.parametrize("turn", [("-y", "+x"), ("+y", "-x")])
def test_mirrors_on_their_corners_are_covered_by_what_is_warped(turn):
    printer = printer_of((22, 13), (7.6, 7.6), Orientation(row=turn[0], col=turn[1]))
    printer = msgspec.structs.replace(printer, dmd=msgspec.structs.replace(printer.dmd, lattice="diamond"))
    rows, cols = printer.field_px
    size = (cols * 7.6, rows * 7.6)
    stated = {"keystone": (1.0, 0.02, 0.0, 0.0, 1.0, 0.0, 0.03, 0.02), "radial": (5e-3, 0.0)}
    right, middle = Formulas(size, **stated), 0.5 * np.array(size)
    ring = middle + 30.0 * np.array([[np.cos(a), np.sin(a)] for a in 0.3 + 2 * np.pi * np.arange(5) / 5])
    process = msgspec.structs.replace(PROCESS, layer_um=20.0)
    job = pmsl.prepare([prism(ring, 0.0, 40.0)], distorted(printer, **stated), RESIN, process)
    area = shapely.Polygon(right.picture(dense(ring, 0.2)) / 7.6)
    levels = job[0].exposures[0].mask.dense()
    y, x = np.mgrid[0:rows, 0:cols]
    truth = shapely.area(shapely.intersection(shapely.box(x, y, x + 1, y + 1), area))
    assert np.abs(levels - truth).max() < 1e-3 and truth.sum() > 30
    assert job.engines[0].orientation.lattice == "diamond"
