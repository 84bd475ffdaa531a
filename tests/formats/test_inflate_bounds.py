"""Inflating to runs and deflating runs stay within their arrays: the kernels as plain Python, on arrays that refuse the rest."""

import os
import subprocess
import sys
import zlib

import numpy as np
import pytest
from formats.test_inflate import bytes_of, packed, packings, pieces
from hypothesis import given, settings
from hypothesis import strategies as st
from tiers import examples

from pmsl.kernels.codec import deflate, deflate_matches, huffman, inflate_runs, png_symbols

PLAIN = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
plain = pytest.mark.skipif(not PLAIN, reason="run by the last test, in a process of its own")


class Bounded(np.ndarray):
    """An array that a kernel, run as plain Python, may only use within its bounds: numpy would take an index from the end."""

    def _check(self, key):
        for k, size in zip(key if isinstance(key, tuple) else (key,), self.shape, strict=False):
            if not isinstance(k, slice) and not 0 <= int(k) < size:
                raise IndexError(f"{k} of {size}")

    def __getitem__(self, key):
        self._check(key)
        found = super().__getitem__(key)
        return found if isinstance(found, np.ndarray) else int(found)

    def __setitem__(self, key, value):
        self._check(key)
        super().__setitem__(key, value)


def bounded(size, kind=np.int64):
    return np.zeros(size, kind).view(Bounded)


@plain
@settings(max_examples=examples(15), deadline=None)
@given(pieces, packings, st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 7)), max_size=6), st.integers(0, 300))
def test_no_index_leaves_its_array(parts, packing, flips, room):
    """The same functions as plain Python, whose arrays refuse what lies outside: no stream, damaged or whole, gets there."""
    raw = bytes_of(parts)[:1500]
    stream = bytearray(packed(raw, packing))
    for at, bit in flips:
        stream[at % len(stream)] ^= 1 << bit
    data = np.frombuffer(bytes(stream), np.uint8).view(Bounded)
    room = room if flips else 4000
    value, start, length = bounded(room, np.uint8), bounded(room), bounded(room)
    n = inflate_runs.runs_of_zlib(data, len(raw), bounded(inflate_runs.WORK), value, start, length)
    assert flips or n > 0
    rows, stride = 7, max(1, len(raw) // 7)
    if n != inflate_runs.NOT_TAKEN:
        out = bounded(room, np.int32), bounded(room, np.int32), bounded(room, np.uint8)
        inflate_runs.rows_of(value, start, length, n, rows, stride, bounded(rows + 1), *out)


def rows_of(n=1, start=0, length=2, rows=3, row_start=4, room=2, stride=5):
    """What `rows_of` says to runs of which some number is wrong."""
    value, starts, lengths = bounded(2, np.uint8), bounded(2), bounded(2)
    value[0], starts[0], lengths[0] = 9, start, length
    out = bounded(row_start), bounded(room, np.int32), bounded(room, np.int32), bounded(room, np.uint8)
    return inflate_runs.rows_of(value, starts, lengths, n, rows, stride, *out)


@plain
def test_tables_and_runs_that_do_not_fit_their_arrays_are_not_taken():
    """Nothing makes these today; whoever changes what does is held by the guards of those who read them."""
    work = bounded(inflate_runs.WORK)
    for wrong in (-1, huffman.LONGEST + 1, 1 << 40):
        lengths = bounded(4)
        lengths[:] = (1, 2, 2, wrong)
        assert not huffman.tables(lengths, 4, work[0], work[1], work[2], 2)
    lengths = bounded(4)
    lengths[:] = 2
    assert huffman.tables(lengths, 4, work[0], work[1], work[2], 2)
    assert not huffman.tables(lengths, 5, work[0], work[1], work[2], 2) and not huffman.tables(lengths, 4, work[0], work[1], bounded(3), 2)
    many = bounded(16)
    many[1] = 1000
    assert huffman.symbol(1, bounded(1024), many, bounded(1)) == 0
    assert rows_of(start=1) == 1
    for wrong in (
        {"start": 16},
        {"start": -9},
        {"start": 0},
        {"length": 5, "start": 1},
        {"n": 3},
        {"n": -1},
        {"row_start": 3},
        {"room": 0},
    ):
        assert rows_of(**({"start": 1} | wrong)) == inflate_runs.NOT_TAKEN, wrong
    data = np.frombuffer(zlib.compress(bytes(range(9))), np.uint8)
    for shape, sizes in (((7, 1024), (9, 9, 9)), ((8, 1000), (9, 9, 9)), ((8, 1024), (9, 8, 9)), ((8, 1024), (9, 9, 8))):
        arrays = [np.zeros(size, kind) for size, kind in zip(sizes, (np.uint8, np.int64, np.int64), strict=True)]
        assert inflate_runs.runs_of_zlib(data, 9, np.zeros(shape, np.int64), *arrays) == inflate_runs.NOT_TAKEN


@plain
@np.errstate(over="ignore")  # hashes wrap around
def test_too_little_room_for_what_is_deflated_is_told_not_overrun():
    value, length = np.array([0, 255, 0], np.uint8).view(Bounded), np.array([900, 40, 900]).view(Bounded)
    scratch, work = (bounded(4), bounded(1 << deflate_matches.HASH_BITS, np.int32)), bounded(deflate.WORK)
    few, many = bounded(2, np.int32), bounded(99, np.int32)
    n = png_symbols.symbols_of(value, length, 3, *scratch, many)
    assert png_symbols.symbols_of(value, length, 3, *scratch, few) == n > 2 and np.array_equal(few, many[:2])
    short, whole = bounded(5, np.uint8), bounded(999, np.uint8)
    size = deflate.zlib_stream(many, n, 1, work, whole)
    assert deflate.zlib_stream(many, n, 1, work, short) == size > 5 and np.array_equal(short, whole[:5])


@plain
@settings(max_examples=examples(8), deadline=None)
@given(st.lists(st.integers(0, 300), min_size=1, max_size=286), st.sampled_from([7, 15]))
def test_code_lengths_are_complete_and_within_the_limit(weights, limit):
    if limit == 7:
        weights = weights[:19]
    bits = bounded(len(weights))
    deflate._lengths(np.array(weights, np.int64), limit, bits, bounded(deflate.WORK))
    bits = np.asarray(bits)
    used = bits[bits > 0]
    assert np.array_equal(bits > 0, np.array(weights) > 0) and bits.max() <= limit
    assert len(used) < 2 or (2.0**-used).sum() == 1


@plain
def test_skewed_weights_stay_within_the_limit():
    bits = bounded(40)
    deflate._lengths(2 ** np.arange(40, dtype=np.int64), 15, bits, bounded(deflate.WORK))
    assert bits.max() == 15 and (2.0 ** -np.asarray(bits)).sum() == 1


@pytest.mark.skipif(PLAIN, reason="this is that process")
@pytest.mark.parametrize("profile", ["few", pytest.param("sweep", marks=pytest.mark.slow)])
def test_as_plain_python(profile):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", __file__, "-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--hypothesis-profile={profile}"],
        env=os.environ | {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
