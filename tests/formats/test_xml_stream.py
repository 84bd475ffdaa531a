"""XML of contours: no entities, no half of a file, no ring or layer that is none; names come without their name space."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsl.core.contours import Contours, stacked
from pmsl.errors import GridError, JobError
from pmsl.formats.contourfiles.xml_stream import Collector, parse

SQUARE = np.array([[0, 0], [2, 0], [2, 1], [0, 1]], float)


def events_of(xml):
    events = []
    parse(xml, lambda name, attributes: events.append((name, attributes)), lambda name: events.append(name), "c.svg")
    return events


def test_elements_come_in_order_without_their_name_space():
    xml = b'<a xmlns="urn:x" xmlns:p="urn:y"><p:b p:one="1" two="2"/>text<c/></a>'
    first, b, b_end, c, *ends = events_of(xml)
    assert first[0] == "a" and b == ("b", {"urn:y one": "1", "two": "2"}) and b_end == "b"
    assert c == ("c", {}) and ends == ["c", "a"]


@pytest.mark.parametrize(
    ("xml", "why"),
    [
        (b"", "no element found"),
        (b"<a><b></a>", "mismatched tag"),
        (b"<a>", "no element found"),
        (b"<a/><b/>", "junk after document element"),
        (b"<a>\xff</a>", "not well-formed"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "it declares a document type or entities"),
        (b'<!DOCTYPE a SYSTEM "http://somewhere/a.dtd"><a/>', "it declares a document type or entities"),
        (b"<a>&x;</a>", "undefined entity"),
    ],
)
def test_what_is_no_plain_xml_is_refused_with_the_reason(xml, why):
    with pytest.raises(JobError, match=f"^c.svg: its contours cannot be read .*{why}.*; the file is damaged, copy or write it again"):
        events_of(xml)


@pytest.mark.parametrize("wrong", [ValueError("no such path"), OverflowError("too large"), LookupError("no x")])
def test_what_a_reader_does_not_take_has_the_name_of_the_file(wrong):
    def start(name, attributes):
        raise wrong

    with pytest.raises(JobError, match=f"^c.svg: its contours cannot be read \\({wrong}\\)"):
        parse(b"<a/>", start, lambda name: None, "c.svg")


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(xml):
    try:
        events = events_of(xml)
    except JobError:
        return
    assert sum(isinstance(e, tuple) for e in events) == sum(isinstance(e, str) for e in events) > 0


layers = st.lists(st.tuples(st.lists(st.integers(3, 6), max_size=3), st.floats(0.5, 50)), min_size=1, max_size=5)


@given(layers)
def test_rings_come_back_layer_by_layer_in_the_middle_of_their_slabs(many):
    rng, collector, top, wanted = np.random.default_rng(0), Collector(), 0.0, []
    for sizes, height in many:
        rings = [rng.normal(size=(n, 2)) for n in sizes]
        wanted.append((rings, top + height / 2))
        top += height
        collector.layer(rings, top)
    found = collector.contours("c.svg")
    assert found.n_layers == len(many) and found.z_um == pytest.approx([z for _, z in wanted])
    for k, (rings, _) in enumerate(wanted):
        assert all(np.array_equal(a, b) for a, b in zip(found.rings(k), rings, strict=True))
    other = stacked([rings for rings, _ in wanted], found.z_um)
    for name in ("xy_um", "ring_start", "layer_start", "z_um"):
        assert np.array_equal(getattr(found, name), getattr(other, name))


@pytest.mark.parametrize("ring", [SQUARE[:2], SQUARE[:0], np.where(SQUARE > 1, np.nan, SQUARE), np.where(SQUARE > 1, np.inf, SQUARE)])
def test_a_ring_that_is_none_is_refused(ring):
    collector = Collector()
    collector.layer([SQUARE], 1.0)
    with pytest.raises(ValueError, match=f"^a ring of layer 1 has {len(ring)} points, or points that are not finite"):
        collector.layer([SQUARE, ring], 2.0)


@pytest.mark.parametrize("top", [1.0, 0.5, -3.0, float("nan"), float("inf")])
def test_a_layer_that_does_not_rise_is_refused(top):
    collector = Collector()
    collector.layer([], 1.0)
    with pytest.raises(ValueError, match=f"^the top of layer 1 is {top:g} µm, below it 1 µm"):
        collector.layer([], top)


def test_a_file_without_slices_is_none():
    with pytest.raises(JobError, match="^c.svg: holds no slices"):
        Collector().contours("c.svg")


def test_edges_of_a_layer_close_every_ring():
    found = stacked([[SQUARE, SQUARE[::-1] + 5], []], [0.5, 1.5])
    edges = found.segments_um(0)
    assert edges.shape == (8, 4) and found.segments_um(1).shape == (0, 4)
    assert np.array_equal(edges[:4], [[0, 0, 2, 0], [2, 0, 2, 1], [2, 1, 0, 1], [0, 1, 0, 0]])
    doubled = (edges[:, 0] * edges[:, 3] - edges[:, 2] * edges[:, 1]).reshape(2, 4).sum(axis=1)
    assert doubled.tolist() == [4.0, -4.0], "the second ring runs the other way"


@pytest.mark.parametrize(
    "change",
    [
        {"ring_start": [1, 4]},
        {"ring_start": [0, 3]},
        {"ring_start": [0, 5, 4], "layer_start": [0, 2]},
        {"layer_start": [0, 2]},
        {"layer_start": [1, 1]},
        {"layer_start": [0, 1, 1]},
        {"z_um": [0.5, 1.5]},
        {"xy_um": np.zeros((4, 3))},
    ],
)
def test_offsets_that_do_not_fit_are_refused(change):
    sound = {"xy_um": SQUARE, "ring_start": [0, 4], "layer_start": [0, 1], "z_um": [0.5]}
    assert Contours(**{name: np.array(v) for name, v in sound.items()}).n_layers == 1
    with pytest.raises(GridError, match="contours: offsets do not fit"):
        Contours(**{name: np.array(v) for name, v in (sound | change).items()})
