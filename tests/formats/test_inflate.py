"""zlib stream → runs: what zlib makes of it, in every kind of block; what zlib refuses is not taken; PNG either way the same."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from png_files import chunk, file_of, filtered, ihdr

from pmsl.core.runs import painted
from pmsl.errors import JobError
from pmsl.formats.frames import png_read
from pmsl.formats.frames.png_write import SIGNATURE, encode
from pmsl.kernels.codec import inflate_runs

STRATEGIES = (zlib.Z_DEFAULT_STRATEGY, zlib.Z_FILTERED, zlib.Z_HUFFMAN_ONLY, zlib.Z_RLE, zlib.Z_FIXED)
FLUSHES = (zlib.Z_NO_FLUSH, zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH)
piece = st.tuples(st.integers(0, 255) | st.sampled_from([0, 255]), st.integers(1, 3) | st.integers(1, 3000))
pieces = st.lists(piece, min_size=1, max_size=60)
packings = st.tuples(st.integers(0, 9), st.sampled_from(STRATEGIES), st.lists(st.sampled_from(FLUSHES), min_size=1, max_size=4))


def bytes_of(parts, repeats=1):
    return b"".join(bytes([v]) * n for v, n in parts) * repeats


def packed(raw, packing):
    level, strategy, flushes = packing
    maker = zlib.compressobj(level, zlib.DEFLATED, 15, 8, strategy)
    cuts = np.linspace(0, len(raw), len(flushes) + 1).astype(int)
    out = [maker.compress(raw[a:b]) + maker.flush(f) for a, b, f in zip(cuts[:-1], cuts[1:], flushes, strict=True)]
    return b"".join(out) + maker.flush()


def inflated(data, total, room=100_000):
    """What the kernel makes of a stream: its bytes, or None where it is not taken."""
    value, start, length = np.zeros(room, np.uint8), np.zeros(room, np.int64), np.zeros(room, np.int64)
    n = inflate_runs.runs_of_zlib(np.frombuffer(data, np.uint8), total, np.zeros(inflate_runs.WORK, np.int64), value, start, length)
    if n == inflate_runs.NOT_TAKEN:
        return None
    value, start, length = value[:n], start[:n], length[:n]
    assert (value[1:] != value[:-1]).all() and (length > 0).all()
    assert (start == np.cumsum(length) - length).all()
    return np.repeat(value, length).tobytes()


@given(pieces, st.integers(1, 8), packings)
def test_every_kind_of_block_gives_the_bytes_of_zlib(parts, repeats, packing):
    raw = bytes_of(parts, repeats)
    assert inflated(packed(raw, packing), len(raw)) == raw


@pytest.mark.parametrize("packing", [(0, 0, [0]), (1, 0, [0]), (9, 0, [0]), (9, zlib.Z_FIXED, [0]), (9, zlib.Z_HUFFMAN_ONLY, [0])])
def test_noise_and_long_codes(packing):
    rng = np.random.default_rng(3)
    fibonacci = [1, 1]
    while sum(fibonacci) < 300_000:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    steep = rng.permutation(np.repeat(np.arange(len(fibonacci), dtype=np.uint8), fibonacci)).tobytes()  # codes of up to 15 bits
    for raw in (rng.bytes(70_000), steep, b"", b"\0", bytes(2_000_000)):
        assert inflated(packed(raw, packing), len(raw), 400_000) == raw


@given(pieces, packings, st.data())
def test_what_is_taken_after_damage_is_what_zlib_makes_of_it(parts, packing, data):
    raw = bytes_of(parts, 2)
    stream = bytearray(packed(raw, packing))
    for _ in range(data.draw(st.integers(1, 3))):
        stream[data.draw(st.integers(0, len(stream) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    total = data.draw(st.sampled_from([len(raw), len(raw) - 1, len(raw) + 1]))
    taken = inflated(bytes(stream), total)
    if taken is not None:
        again = zlib.decompressobj()
        assert taken == again.decompress(bytes(stream)) and again.eof and not again.unused_data and len(taken) == total


@given(st.binary(max_size=80), st.integers(0, 400))
def test_random_blocks_are_taken_as_zlib_takes_them(body, total):
    """Without the check sum, which nothing random has: it is put behind what zlib makes of the blocks."""
    again = zlib.decompressobj(-15)
    try:
        raw = again.decompress(body, 100_000)
        whole = again.eof
    except zlib.error:
        raw, whole = b"", False
    used = body[: len(body) - len(again.unused_data)] if whole else body
    stream = b"\x78\x9c" + used + zlib.adler32(raw).to_bytes(4, "big")
    for size in {total, len(raw)}:
        assert inflated(stream, size) in (None, raw if whole and size == len(raw) else None)


@given(pieces, packings)
def test_no_cut_and_nothing_after_the_end_is_taken(parts, packing):
    raw = bytes_of(parts)
    stream = packed(raw, packing)
    for n in {*range(max(0, len(stream) - 40), len(stream)), *range(0, len(stream), 1 + len(stream) // 40)}:
        assert inflated(stream[:n], len(raw)) is None
    assert inflated(stream + b"\0", len(raw)) is None
    assert inflated(stream, len(raw) - 1) is None and inflated(stream, len(raw) + 1) is None


def test_more_runs_than_there_is_room_for_are_not_taken():
    raw = bytes(range(256)) * 4
    for packing in ((0, 0, [0]), (6, 0, [0]), (6, zlib.Z_HUFFMAN_ONLY, [0])):
        assert inflated(packed(raw, packing), 1024, 1024) == raw
        for room in (0, 1, 255, 256, 1023):
            assert inflated(packed(raw, packing), 1024, room) is None


levels = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.sampled_from([0, 0, 0, 255, 255, 3]))


@given(levels, st.data())
def test_a_png_is_read_alike_with_and_without_kernels(frame, data):
    kinds = data.draw(st.none() | st.lists(st.integers(0, 4), min_size=len(frame), max_size=len(frame)))
    cuts = data.draw(st.lists(st.integers(0, 999), max_size=3))
    png = file_of(frame, kinds, cuts, data.draw(st.sampled_from([0, 1, 9])))
    read = [png_read.runs_of_png(png, frame.shape, "x.png", large) for large in (0, png_read.LARGE)]
    for a, b in zip(*read, strict=True):
        assert np.array_equal(a, b) and a.dtype == b.dtype


def test_our_own_frames_are_taken(monkeypatch):
    """They are what this is for: no pixel is inflated."""
    frame = np.zeros((300, 700), np.uint8)
    frame[40:200, 90:500], frame[60:90, 200:260], frame[200, 90:500] = 255, 0, 130
    monkeypatch.setattr(png_read, "_Stream", lambda *_: pytest.fail("inflated to pixels"))
    runs = png_read.runs_of_png(encode(frame), frame.shape, "x.png", large=0)
    assert np.array_equal(painted(runs, runs.value, 0, frame.shape), frame)


def test_what_is_wrong_is_said_as_without_kernels():
    frame = np.zeros((20, 30), np.uint8)
    z = zlib.compress(filtered(frame, np.zeros(20, int)))
    for stream, words in ((z[:-1], "stop in the middle"), (z + b"x", "bytes follow"), (zlib.compress(bytes(620 + 31)), "go on after")):
        with pytest.raises(JobError, match=words):
            png_read.runs_of_png(SIGNATURE + ihdr(20, 30) + chunk(b"IDAT", stream) + chunk(b"IEND"), (20, 30), "x.png", large=0)


def test_which_way_a_frame_goes_depends_on_its_size_alone(monkeypatch):
    """Not on what happens to be loaded: kernels are in use here, and a frame of a projector does not ask them."""
    frame = np.zeros((30, 70), np.uint8)
    frame[4:20, 9:50] = 255
    png, asked = encode(frame), []
    monkeypatch.setattr(png_read, "_runs_inflated", lambda *_: asked.append(1))
    for large, times in ((png_read.LARGE, 0), (2101, 0), (2100, 1), (0, 2)):
        png_read.runs_of_png(png, frame.shape, "x.png", large)
        assert len(asked) == times
    assert 8192 * 4320 < png_read.LARGE < 25_000**2
