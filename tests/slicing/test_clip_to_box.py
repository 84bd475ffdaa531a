"""Lines and outlines cut to a rectangle, against shapely."""

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

from pmsl.slicing.hatching.clip_to_box import clip_lines, clip_rings

PLACES = st.integers(-6, 6).map(lambda v: 0.5 * v)  # many on the edges of the box, many equal
POINTS = st.tuples(PLACES, PLACES)
LOW, HIGH = np.array([-1.0, -1.5]), np.array([2.0, 1.0])
BOX = shapely.box(*LOW, *HIGH)


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(st.tuples(POINTS, POINTS), min_size=1, max_size=12))
def test_lines_are_what_lies_inside(pairs):
    lines = np.array(pairs)
    cut, which = clip_lines(lines, LOW, HIGH)
    assert (np.diff(which) > 0).all() and ((cut >= LOW) & (cut <= HIGH)).all()
    lengths = np.zeros(len(lines))
    lengths[which] = np.linalg.norm(cut[:, 1] - cut[:, 0], axis=1)
    wanted = shapely.length(shapely.intersection(shapely.linestrings(lines), BOX))
    assert np.allclose(lengths, wanted, atol=1e-12)
    way, cut_way = lines[which, 1] - lines[which, 0], cut[:, 1] - cut[:, 0]
    assert (np.einsum("ij,ij->i", way, cut_way) > 0).all()  # in the direction it had
    inside = ((lines[which] >= LOW) & (lines[which] <= HIGH)).all(axis=2)
    assert (cut[inside] == lines[which][inside]).all()


@settings(max_examples=examples(60), deadline=None)
@given(st.lists(POINTS, min_size=3, max_size=12))
def test_outlines_are_their_pieces_inside(points):
    ring = np.array([*points, points[0]])
    pieces = clip_rings([ring], LOW, HIGH)
    segments = shapely.linestrings(np.stack([ring[:-1], ring[1:]], axis=1))
    wanted = shapely.length(shapely.intersection(segments, BOX)).sum()
    assert np.isclose(sum(np.linalg.norm(np.diff(piece, axis=0), axis=1).sum() for piece in pieces), wanted, atol=1e-9)
    for piece in pieces:
        assert len(piece) >= 2 and ((piece >= LOW) & (piece <= HIGH)).all()


def test_an_outline_that_begins_inside_is_not_cut_where_it_begins():
    ring = np.array([(0.0, 0.0), (5.0, 0.0), (5.0, 0.5), (0.0, 0.5), (0.0, 0.0)])
    (piece,) = clip_rings([ring], LOW, HIGH)
    assert piece.tolist() == [[2.0, 0.5], [0.0, 0.5], [0.0, 0.0], [2.0, 0.0]]
    (whole,) = clip_rings([ring / 10], LOW, HIGH)
    assert (whole == ring / 10).all() and clip_rings([ring + 50], LOW, HIGH) == []
