"""Ordered work on threads: every result once, in order, no more in flight than allowed, whatever the items cost."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pmsl.core import parallel
from pmsl.core.parallel import default_threads, in_blocks, keep_to, one_ahead, ordered_map


@pytest.fixture
def always_threads(monkeypatch):
    """Hand items over from the third on, one at a time."""
    monkeypatch.setattr(parallel, "SHORT_S", 0.0)
    monkeypatch.setattr(parallel, "SHORTEST_S", 0.0)
    monkeypatch.setattr(parallel, "BLOCK_S", 0.0)


@given(st.integers(0, 40), st.integers(1, 4))
def test_results_come_in_the_order_of_items(n, threads):
    assert list(ordered_map(lambda i: i * i, range(n), threads)) == [i * i for i in range(n)]


@pytest.mark.parametrize("threads", [2, 3])
def test_results_come_in_order_though_later_ones_are_ready_first(always_threads, threads):
    ready, gate = [], threading.Event()

    def work(i):
        if i == 2:
            gate.wait(5)
        elif i == 3:
            gate.set()
        ready.append(i)
        return i

    assert list(ordered_map(work, range(12), threads)) == list(range(12))
    assert ready.index(3) < ready.index(2)


@pytest.mark.parametrize("threads", [2, 3])
def test_no_more_is_begun_than_the_window_holds(always_threads, threads):
    begun = []

    def work(i):
        begun.append(i)
        return i

    found = ordered_map(work, range(100), threads)
    for used in range(20):
        assert next(found) == used
        assert len(begun) <= used + 1 + 2 * threads + 2
    found.close()
    many = len(begun)
    time.sleep(0.01)
    assert len(begun) == many and not [t for t in threading.enumerate() if t.name.startswith("pmsl-layer")]


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_comes_at_its_item_and_the_rest_is_dropped(always_threads, threads):
    def work(i):
        if i == 5:
            raise ValueError("item 5")
        return i

    out = []
    with pytest.raises(ValueError, match="item 5"):
        for found in ordered_map(work, range(1000), threads):
            out.append(found)
    assert out == [0, 1, 2, 3, 4]
    assert not [t for t in threading.enumerate() if t.name.startswith("pmsl-layer")]


def test_with_one_thread_or_short_items_the_caller_does_it(always_threads, monkeypatch):
    here = threading.get_ident()
    assert set(ordered_map(lambda _: threading.get_ident(), range(30), 1)) == {here}
    assert len(set(ordered_map(lambda _: threading.get_ident(), range(30), 2))) > 1
    monkeypatch.setattr(parallel, "SHORT_S", 1e9)
    assert set(ordered_map(lambda _: threading.get_ident(), range(30), 4)) == {here}


def test_items_are_made_together_in_blocks_of_a_bounded_size(monkeypatch):
    monkeypatch.setattr(parallel, "SHORTEST_S", 0.0)
    monkeypatch.setattr(parallel, "TOGETHER_S", 1e9)
    blocks = []

    def together(block):
        blocks.append(block)
        return [-i for i in block]

    assert list(ordered_map(lambda i: -i, range(100), 2, together)) == [-i for i in range(100)]
    assert max(map(len, blocks)) == parallel.LONGEST_BLOCK
    assert [i for block in sorted(blocks) for i in block] == list(range(100 - sum(map(len, blocks)), 100))


@given(st.integers(0, 50), st.integers(1, 9))
def test_blocks_are_the_whole_each_thing_once(n, size):
    before, parallel.THINGS = parallel.THINGS, size
    try:
        found = in_blocks(lambda block: list(range(n))[block], n)
    finally:
        parallel.THINGS = before
    assert [i for block in found for i in block] == list(range(n)) and all(0 < len(block) <= size for block in found)


def test_the_next_item_is_made_while_one_is_used():
    made, second = [], threading.Event()

    def source():
        for i in range(3):
            made.append(i)
            if i == 1:
                second.set()
            yield i

    found = one_ahead(source())
    assert next(found) == 0 and second.wait(5) and made[:2] == [0, 1]
    assert list(found) == [1, 2]
    assert list(one_ahead([])) == []


def test_an_error_of_a_source_comes_in_its_place():
    def source():
        yield 1
        raise OSError("gone")

    found = one_ahead(source())
    assert next(found) == 1
    with pytest.raises(OSError, match="gone"):
        next(found)


def test_a_process_among_several_keeps_to_its_share(monkeypatch):
    monkeypatch.setattr(parallel, "_most", [])
    assert default_threads() >= 1
    keep_to(3)
    assert default_threads() == 3
    keep_to(1)
    assert default_threads() == 1
    assert np.array_equal(np.concatenate(in_blocks(lambda block: np.arange(9)[block], 9)), np.arange(9))
