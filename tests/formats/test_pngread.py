"""PNG → runs: what Pillow reads, read the same; what is damaged, refused with a reason; never more inflated than the grid allows."""

import io
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from png_files import chunk, file_of, filtered, ihdr

from pmsl.core.mask import LayerMask
from pmsl.core.runs import painted, runs_of
from pmsl.errors import JobError
from pmsl.formats.frames import png_read
from pmsl.formats.frames.device_frame import mask_of_runs, turn_back
from pmsl.formats.frames.png_read import SIGNATURE, runs_of_png
from pmsl.profiles.printer import Orientation

levels = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=30), elements=st.sampled_from([0, 0, 255, 255, 3, 254]))


def frame_of(data, shape):
    runs = runs_of_png(data, shape, "x.png")
    assert len(runs.row_start) == shape[0] + 1 and runs.value.dtype == np.uint8
    return painted(runs, runs.value, 0, shape)


def refused(data, shape, words=""):
    with pytest.raises(JobError, match=r"x\.png: .*" + words):
        runs_of_png(data, shape, "x.png")


@given(levels, st.data())
def test_any_frame_any_filter_any_split(frame, data):
    kinds = data.draw(st.lists(st.integers(0, 4), min_size=len(frame), max_size=len(frame)))
    cuts = data.draw(st.lists(st.integers(0, 999), max_size=5))
    png = file_of(frame, kinds, cuts, data.draw(st.sampled_from([0, 1, 9])))
    assert np.array_equal(np.array(Image.open(io.BytesIO(png))), frame)
    assert np.array_equal(frame_of(png, frame.shape), frame)


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)), st.integers(0, 4))
def test_noise_under_every_filter(frame, kind):
    assert np.array_equal(frame_of(file_of(frame, np.full(len(frame), kind)), frame.shape), frame)


@pytest.mark.parametrize("shape", [(1, 1), (1, 30_000), (700, 1), (60, 30_000), (1100, 1000)])
@pytest.mark.parametrize("kind", [0, 2, 4])
def test_frames_of_many_bands(shape, kind):
    rng = np.random.default_rng(shape[0])
    n = shape[0] * shape[1] // 300 + 2
    frame = np.resize(np.repeat(rng.choice([0, 255, 77], n), rng.geometric(1 / 300, n)), shape).astype(np.uint8)
    png = file_of(frame, np.full(shape[0], kind), cuts=[2, 2, 3, 500])
    assert np.array_equal(frame_of(png, shape), frame)
    runs, whole = runs_of_png(png, shape, "x.png"), runs_of(frame, (0, 0, *shape))
    assert all(np.array_equal(a, b) for a, b in zip(runs, whole, strict=True))


def test_compressed_data_of_many_pieces():
    frame = np.random.default_rng(4).integers(0, 256, (700, 900), np.uint8)
    assert np.array_equal(frame_of(file_of(frame, cuts=range(0, 600_000, 7001)), frame.shape), frame)


def test_as_pillow_writes_it():
    frame = (np.add.outer(np.arange(90), np.arange(130)) // 3).astype(np.uint8)
    for options in ({}, {"optimize": True}, {"compress_level": 0}, {"dpi": (300, 300)}, {"transparency": 7}):
        out = io.BytesIO()
        Image.fromarray(frame).save(out, "PNG", **options)
        assert np.array_equal(frame_of(out.getvalue(), frame.shape), frame)


@pytest.mark.parametrize("row", ["-y", "+y", "-x", "+x"])
@pytest.mark.parametrize("flip", ["-", "+"])
@given(frame=levels)
def test_turned_as_runs_is_turned_as_pixels(row, flip, frame):
    orientation = Orientation(row=row, col=flip + ("x" if row[1] == "y" else "y"))
    mask = mask_of_runs(runs_of_png(file_of(frame), frame.shape, "x.png"), 3, frame.shape, orientation)
    plain = LayerMask.from_dense(3, np.ascontiguousarray(turn_back(frame, orientation)))
    assert (mask.index, mask.shape, mask.window, mask.sha256()) == (3, plain.shape, plain.window, plain.sha256())
    assert mask.sum_px() == plain.sum_px() and mask.black_at_8_bit == plain.black_at_8_bit
    assert np.array_equal(mask.column_sums_px(), plain.column_sums_px())
    for dtype in (np.uint8, np.uint16, np.float32, np.float64):
        assert np.array_equal(mask.dense(dtype), plain.dense(dtype)) and mask.dense(dtype).dtype == dtype
    for a, b in zip((*mask.runs(), *mask.runs_8bit()), (*plain.runs(), *plain.runs_8bit()), strict=True):
        assert np.array_equal(a, b) and a.dtype == b.dtype


# --- refusals --------------------------------------------------------------------------------------------------

FRAME = np.resize(np.repeat([0, 255, 90, 0, 7], [9, 30, 2, 41, 1]), (40, 61)).astype(np.uint8)
RAW = filtered(FRAME, np.zeros(40, int))
Z = zlib.compress(RAW)


def around(z, before=b"", after=b""):
    return SIGNATURE + ihdr(40, 61) + before + chunk(b"IDAT", z) + after + chunk(b"IEND")


def test_every_cut_and_every_flipped_bit_is_refused_or_harmless():
    whole = file_of(FRAME, cuts=[10, 10, 40])
    for n in range(len(whole)):
        refused(whole[:n], FRAME.shape)
    for n in range(8 * len(whole)):
        bad = bytearray(whole)
        bad[n // 8] ^= 1 << n % 8
        refused(bytes(bad), FRAME.shape)


@given(st.data())
def test_a_damaged_stream_under_a_right_check_sum_never_crashes(data):
    z = bytearray(Z)
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(z) - 1), st.integers(0, 255)), min_size=1, max_size=4)):
        z[at] = value
    z = bytes(z[: data.draw(st.integers(0, len(z)))]) + data.draw(st.binary(max_size=5))
    try:
        plain = zlib.decompress(z) == RAW
    except zlib.error:
        plain = False
    if plain:
        assert np.array_equal(frame_of(around(z), FRAME.shape), FRAME)
    else:
        refused(around(z), FRAME.shape)


def test_a_stream_of_the_wrong_length_is_refused():
    for raw, words in ((RAW[:-1], "end before the last row"), (b"", "end before"), (RAW + b"\0", "go on after"), (RAW * 9, "go on after")):
        refused(around(zlib.compress(raw)), FRAME.shape, words)
    refused(around(Z + b"!"), FRAME.shape, "bytes follow")
    refused(around(Z, after=chunk(b"IDAT", b"!")), FRAME.shape, "bytes follow")
    assert np.array_equal(frame_of(around(Z, chunk(b"IDAT"), chunk(b"IDAT")), FRAME.shape), FRAME)
    for z in (Z[:-4], Z[:-1], Z[:2], Z[:1], b""):
        refused(around(z), FRAME.shape, "stop in the middle")
    refused(around(Z[:-4] + bytes(4)), FRAME.shape)
    deflate = zlib.compressobj(zdict=b"\0" * 40)
    refused(around(deflate.compress(RAW) + deflate.flush()), FRAME.shape)
    refused(around(zlib.compress(RAW, wbits=31)), FRAME.shape)  # gzip
    refused(around(zlib.compress(RAW, wbits=-15)), FRAME.shape)  # no header


def test_a_bomb_goes_off_by_a_byte(monkeypatch):
    inflated = 0
    more = png_read._Stream._more

    def counted(self, limit):
        nonlocal inflated
        made = more(self, limit)
        inflated += len(made)
        return made

    monkeypatch.setattr(png_read._Stream, "_more", counted)
    refused(around(zlib.compress(bytes(50_000_000), 9)), FRAME.shape, "go on after")
    assert inflated == len(RAW) + 1


def test_the_header_is_checked_before_anything_is_inflated(monkeypatch):
    monkeypatch.setattr(png_read, "_Stream", lambda pieces: list(pieces) and pytest.fail("inflated"))
    refused(SIGNATURE + ihdr(1 << 30, 1 << 30) + chunk(b"IDAT", Z) + chunk(b"IEND"), FRAME.shape, "the job's frames are 61x40")


@pytest.mark.parametrize(
    ("depth", "colour", "mode"), [(16, 0, "I;16"), (8, 2, "RGB"), (8, 3, "P"), (8, 4, "LA"), (8, 6, "RGBA"), (1, 0, "1"), (9, 5, "unknown")]
)
def test_other_modes_are_named(depth, colour, mode):
    refused(SIGNATURE + ihdr(40, 61, depth, colour) + chunk(b"IDAT", Z) + chunk(b"IEND"), FRAME.shape, f"PNG mode is {mode}")


@pytest.mark.parametrize("mode", ["RGB", "P", "I;16", "LA", "1"])
def test_other_modes_as_pillow_writes_them_are_named(mode):
    out = io.BytesIO()
    Image.new(mode, (61, 40)).save(out, "PNG")
    refused(out.getvalue(), FRAME.shape, f"PNG mode is {mode}; expected 8-bit gray")


def test_other_layouts_are_refused():
    head, idat, end = ihdr(40, 61), chunk(b"IDAT", Z), chunk(b"IEND")
    refused(SIGNATURE + ihdr(40, 61, tail=(0, 0, 1)) + idat + end, FRAME.shape, "interlaced")
    for tail in ((1, 0, 0), (0, 1, 0), (0, 0, 2)):
        refused(SIGNATURE + ihdr(40, 61, tail=tail) + idat + end, FRAME.shape, "must be 0")
    for body, words in {
        b"": "IHDR",
        idat + head + end: "first chunk",
        chunk(b"IHDR", bytes(12)) + idat + end: "12 bytes",
        head + head + idat + end: "IHDR does not belong",
        head + end: "no IDAT",
        head + idat: "IEND",
        head + idat + end + end: "IEND",
        head + idat + chunk(b"IEND", b"x"): "IEND",
        head + idat + end + b"more": "inside a chunk",
        head + idat + chunk(b"tEXt", b"a") + idat + end: "do not follow",
        head + chunk(b"PLTE", bytes(3)) + idat + end: "PLTE does not belong",
        head + chunk(b"NEWS") + idat + end: "NEWS does not belong",
        head + chunk(b"\xc4b c") + idat + end: "no chunk",
    }.items():
        refused(SIGNATURE + body, FRAME.shape, words)
    refused(b"", FRAME.shape, "does not begin")
    refused(around(zlib.compress(b"\5" + RAW[1:])), FRAME.shape, "row 0 has filter 5")
    many = around(Z, chunk(b"tIME", bytes(7)), chunk(b"tEXt", b"Comment\0x"))
    assert np.array_equal(frame_of(many, FRAME.shape), FRAME)
