"""Run-length codes of GOO and CTB against a slow decoder written from the specification, and hostile bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow_codes import seven_bit, slow_cipher, slow_ctb, slow_goo

from pmsl.core.mask import LayerMask
from pmsl.core.runs import painted
from pmsl.errors import JobError
from pmsl.formats.frames import goo_ctb_rle
from pmsl.formats.frames.device_frame import device_frame, mask_of_runs
from pmsl.formats.frames.frame_runs import Stream, laid, runs_of_stream, stream_of
from pmsl.profiles.printer import Orientation

ORIENTATIONS = [Orientation(row=r, col=c) for r, c in (("-y", "+x"), ("+y", "+x"), ("-y", "-x"), ("+y", "-x"), ("+x", "-y"), ("-x", "+y"))]


def frames():
    """Small frames: flat, noisy, or with long runs; lone rows and columns too."""
    flat = st.integers(0, 255).map(lambda v: np.full((7, 9), v, np.uint8))
    noise = st.tuples(st.integers(1, 12), st.integers(1, 40), st.integers(0, 2**32)).map(
        lambda t: np.random.default_rng(t[2]).choice(np.array([0, 0, 255, 255, 1, 2, 128, 254], np.uint8), t[:2])
    )
    long = st.lists(st.tuples(st.sampled_from([0, 1, 127, 255]), st.integers(1, 9000)), min_size=1, max_size=9).map(
        lambda runs: np.repeat(*np.array(runs).T).astype(np.uint8)[None]
    )
    return flat | noise | long


def stream(frame):
    return stream_of(laid(LayerMask.from_dense(0, frame), Orientation(row="+y", col="+x")))


@given(frames())
def test_goo_is_what_a_slow_reader_reads(frame):
    data = goo_ctb_rle.encode_goo(stream(frame))
    assert slow_goo(data) == frame.reshape(-1).tolist()
    runs = goo_ctb_rle.decode_goo(data, frame.shape, "t")
    assert np.array_equal(painted(runs, runs.value, 0, frame.shape), frame)
    assert not any(byte >> 6 == 2 for byte in heads(data))


def heads(data):
    i = 1
    while i < len(data) - 1:
        yield data[i]
        i += 1 + (data[i] >> 6 == 1) + (data[i] >> 4 & 3)


@given(frames(), st.integers(0, 2**32 - 1), st.integers(0, 10**6))
def test_ctb_is_what_a_slow_reader_reads(frame, key, layer):
    plain = goo_ctb_rle.encode_ctb(stream(frame))
    assert slow_ctb(plain.tobytes()) == seven_bit(frame).reshape(-1).tolist()
    hidden = goo_ctb_rle.ctb_cipher(plain, key, layer)
    runs = goo_ctb_rle.decode_ctb(goo_ctb_rle.ctb_cipher(hidden, key, layer), frame.shape, "t")
    assert np.array_equal(painted(runs, runs.value, 0, frame.shape), seven_bit(frame))


def test_every_gray_in_one_frame():
    frame = np.arange(256, dtype=np.uint8).reshape(2, 128)
    runs = goo_ctb_rle.decode_goo(goo_ctb_rle.encode_goo(stream(frame)), frame.shape, "t")
    assert np.array_equal(painted(runs, runs.value, 0, frame.shape), frame)
    runs = goo_ctb_rle.decode_ctb(goo_ctb_rle.encode_ctb(stream(frame)), frame.shape, "t")
    assert np.array_equal(painted(runs, runs.value, 0, frame.shape), seven_bit(frame))


@given(st.binary(max_size=50), st.integers(1, 2**32 - 1), st.integers(0, 2**20))
def test_the_cipher_is_the_slow_one(data, key, layer):
    assert goo_ctb_rle.ctb_cipher(np.frombuffer(data, np.uint8), key, layer).tolist() == slow_cipher(data, key, layer)


@pytest.mark.parametrize("length", [1, 15, 16, 127, 128, 4095, 4096, 16383, 16384, 0xFFFFF, 0x100000, 0x1FFFFF, 0x200000])
def test_lengths_at_the_borders_of_their_codes(length):
    for value in (0, 77, 255):
        one = Stream(np.array([value], np.uint8), np.array([length]), 1)
        for encode, decode in ((goo_ctb_rle.encode_goo, goo_ctb_rle.decode_goo), (goo_ctb_rle.encode_ctb, goo_ctb_rle.decode_ctb)):
            runs = decode(encode(one), (1, length), "t")
            assert (runs.length.tolist(), runs.value.tolist()) == (([length], [value]) if value else ([], []))


def test_runs_longer_than_a_length_can_say_are_split_and_joined_again():
    pixels = 3 * 0x0FFFFFFF + 5
    white = Stream(np.array([255, 0], np.uint8), np.array([pixels - 1, 1]), 2)
    for encode, decode in ((goo_ctb_rle.encode_goo, goo_ctb_rle.decode_goo), (goo_ctb_rle.encode_ctb, goo_ctb_rle.decode_ctb)):
        data = encode(white)
        assert len(data) < 30
        runs = decode(data, (2, pixels // 2), "t")
        assert runs.length.tolist() == [pixels // 2, pixels // 2 - 1] and set(runs.value.tolist()) == {255}


def test_differences_of_other_writers_are_read():
    chunks = bytes([0x41, 100, 0x85, 0x9F, 3, 0xAF, 0xB1, 2, 0xC1])  # 100; +5; +15 three times; -15; -1 twice; 255
    data = b"\x55" + chunks + bytes([~sum(chunks) & 255])
    assert slow_goo(data) == [100, 105, 120, 120, 120, 105, 104, 104, 255]
    runs = goo_ctb_rle.decode_goo(data, (1, 9), "t")
    assert painted(runs, runs.value, 0, (1, 9))[0].tolist() == slow_goo(data)


@pytest.mark.parametrize("orientation", ORIENTATIONS, ids=str)
def test_a_frame_is_written_turned_and_read_back(orientation):
    levels = np.zeros((5, 8), np.uint8)
    levels[1:4, 2] = levels[3, 2:6] = 255
    levels[2, 2:4] = 9
    mask = LayerMask.from_dense(3, levels)
    frame = device_frame(mask, orientation)
    data = goo_ctb_rle.encode_goo(stream_of(laid(mask, orientation)))
    assert slow_goo(data) == frame.reshape(-1).tolist()
    back = mask_of_runs(goo_ctb_rle.decode_goo(data, frame.shape, "t"), 3, frame.shape, orientation)
    assert np.array_equal(back.dense(np.uint8), levels)


def test_an_empty_mask_is_one_black_run():
    data = goo_ctb_rle.encode_goo(stream_of(laid(LayerMask.from_dense(0, np.zeros((1600, 2560), np.uint8)), Orientation())))
    assert len(data) == 6 and len(goo_ctb_rle.decode_goo(data, (1600, 2560), "t").col) == 0


@given(st.binary(max_size=40), st.integers(1, 30), st.integers(1, 30))
def test_any_bytes_are_read_or_refused(data, rows, cols):
    summed = b"\x55" + data + bytes([~sum(data) & 255])
    for decode, bytes_in in ((goo_ctb_rle.decode_goo, summed), (goo_ctb_rle.decode_ctb, np.frombuffer(data, np.uint8))):
        try:
            runs = decode(bytes_in, (rows, cols), "there")
        except JobError as err:
            assert str(err).startswith("there: ")
        else:
            frame = painted(runs, runs.value, 0, (rows, cols))
            assert frame.reshape(-1).tolist() == (slow_goo(summed) if decode is goo_ctb_rle.decode_goo else slow_ctb(data))


def test_each_damage_has_its_word():
    good = goo_ctb_rle.encode_goo(stream(np.full((3, 9), 255, np.uint8)))
    for data, shape, word in (
        (b"\x54" + good[1:], (3, 9), "0x55"),
        (b"", (3, 9), "0x55"),
        (good[:-1] + bytes([good[-1] ^ 1]), (3, 9), "check sum"),
        (good, (3, 8), "more pixels"),
        (good, (3, 10), "before the last pixel"),
        (b"\x55\xf0\x0f", (3, 9), "middle of a run"),
    ):
        with pytest.raises(JobError, match=word):
            goo_ctb_rle.decode_goo(data, shape, "t")
    with pytest.raises(JobError, match="length that is none"):
        goo_ctb_rle.decode_ctb(np.array([0x81, 0xF0, 0, 0, 0, 0], np.uint8), (3, 9), "t")


def test_a_stream_is_cut_at_rows():
    runs = runs_of_stream(Stream(np.array([5, 0, 6], np.uint8), np.array([7, 1, 4]), 3), (4, 3))
    assert runs.row_start.tolist() == [0, 1, 2, 4, 5] and runs.col.tolist() == [0, 0, 0, 2, 0]
    assert runs.length.tolist() == [3, 3, 1, 1, 3] and runs.value.tolist() == [5, 5, 5, 6, 6]
