"""PNG from runs: ordinary files that three decoders read bit for bit, as small as zlib makes them."""

import io
import zlib

import imagecodecs
import numpy as np
import png as pypng
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import pmsl
from pmsl.core.mask import LayerMask
from pmsl.core.runs import painted
from pmsl.formats.frames import png_write
from pmsl.formats.frames.device_frame import device_frame, mask_of_runs
from pmsl.formats.frames.png_read import runs_of_png
from pmsl.kernels.codec import deflate
from pmsl.profiles.printer import Orientation

VIEWER = Orientation()
WORK = np.zeros(deflate.WORK, np.int64)


def decoded_by_all(data):
    """Pixels by Pillow, by pypng and by libpng (imagecodecs); all must agree."""
    pillow = np.array(Image.open(io.BytesIO(data)))
    width, height, rows, info = pypng.Reader(bytes=data).read()
    plain = np.array([list(row) for row in rows], np.uint8)
    assert (width, height, info["bitdepth"], info["greyscale"]) == (*pillow.shape[::-1], 8, True)
    assert np.array_equal(plain, pillow)
    assert np.array_equal(imagecodecs.png_decode(data), pillow)
    return pillow


def check(frame, orientation=VIEWER):
    """Encode both ways; every decoder must agree; small is the shorter of ours and Pillow's. Return the fast file."""
    mask = LayerMask.from_dense(0, frame)
    wanted = device_frame(mask, orientation)
    fast, small = (png_write.encode_mask(mask, orientation, small) for small in (False, True))
    for data in (fast, small):
        assert np.array_equal(decoded_by_all(data), wanted)
        runs = runs_of_png(data, wanted.shape, "x.png")
        assert np.array_equal(painted(runs, runs.value, 0, wanted.shape), wanted)
        assert mask_of_runs(runs, 0, wanted.shape, orientation).sha256() == mask.sha256()
    theirs = io.BytesIO()
    Image.fromarray(wanted).save(theirs, "png", optimize=True)
    assert small == min(fast, theirs.getvalue(), key=len)
    return fast


def zlib_6(frame):
    """Bytes of the frame as an unfiltered PNG, compressed by zlib at level 6."""
    return len(zlib.compress(np.pad(frame, ((0, 0), (1, 0))).tobytes(), 6)) + 57


def in_runs(rng, rows, cols, mean, values):
    """A frame of random runs."""
    n = rows * cols // mean + 2
    lengths = rng.geometric(1 / mean, n)
    flat = np.repeat(rng.choice(values, n), lengths)
    return np.resize(flat, (rows, cols)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (1, 30_000), (3, 30_000), (300, 2), (64, 64)])
@pytest.mark.parametrize("fill", [0, 255, 7])
def test_plain_frames(shape, fill):
    check(np.full(shape, fill, np.uint8))


@pytest.mark.parametrize("seed", range(6))
def test_random_runs(seed):
    rng = np.random.default_rng(seed)
    for mean in (1, 3, 40, 700):
        check(in_runs(rng, 90, 130, mean, [0, 255, 255, 0, *rng.integers(0, 256, 5)]))
    check(in_runs(rng, 2, 30_000, 900, [0, 255, 9]))


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=st.sampled_from([0, 0, 255, 255, 3, 254])))
def test_any_frame(frame):
    check(frame)


@pytest.mark.parametrize("row", ["-y", "+y", "-x", "+x"])
@pytest.mark.parametrize("flip", ["-", "+"])
def test_every_orientation(row, flip):
    frame = in_runs(np.random.default_rng(3), 33, 57, 9, [0, 255, 100])
    check(frame, Orientation(row=row, col=flip + ("x" if row[1] == "y" else "y")))


def test_repeated_rows_become_copies_within_the_window():
    row = in_runs(np.random.default_rng(0), 1, 5000, 40, [0, 255, 31, 77])
    for width in (5000, 30_000):
        frame = np.tile(np.resize(row, (1, width)), (40, 1))
        raw = np.concatenate([np.zeros((40, 1), np.uint8), frame], axis=1)
        assert len(check(frame)) < 1.1 * len(zlib.compress(raw.tobytes(), 6)) + 100


def test_both_ways_of_writing_agree_and_the_form_of_the_mask_does_not_matter():
    frame = in_runs(np.random.default_rng(1), 60, 80, 30, [0, 255, 90])
    mask = LayerMask.from_dense(0, frame)
    assert np.array_equal(decoded_by_all(png_write.encode(frame)), frame)
    as_runs = LayerMask.from_runs(0, mask.shape, mask.window.row0, mask.runs())
    assert png_write.encode_mask(as_runs, VIEWER) == png_write.encode_mask(mask, VIEWER)


@pytest.mark.parametrize("small", [False, True])
def test_frames_encoded_together_are_those_encoded_one_by_one(small):
    """Plain ones, blank ones, one that grows the working arrays, dense ones, each way round."""
    rng = np.random.default_rng(5)
    frames = [in_runs(rng, 40, 200, mean, (0, 90, 255)) for mean in (60, 9, 200, 2)] + [np.zeros((40, 200), np.uint8)]
    frames += [rng.integers(0, 256, (40, 200)).astype(np.uint8), in_runs(rng, 700, 900, 14, (0, *range(1, 256)))]
    ways = [VIEWER, Orientation(row="+x", col="+y"), VIEWER, VIEWER, VIEWER, VIEWER, VIEWER]
    masks = [(LayerMask.from_dense(i, frame), way) for i, (frame, way) in enumerate(zip(frames, ways, strict=True))]
    wanted = [png_write.encode_mask(*each, small) for each in masks]
    assert png_write.encode_masks(masks, small) == wanted and png_write.encode_masks(masks[::-1], small) == wanted[::-1]
    assert png_write.encode_masks([], small) == [] and png_write.encode_masks(masks[:1], small) == wanted[:1]


def test_dense_frames_are_written_as_pixels():
    for shape in ((200, 300), (700, 3000)):
        noise = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
        assert len(check(noise)) < 1.01 * noise.size + 200


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=60)), st.integers(1, 40), st.booleans())
def test_small_files_are_small_for_anything(frame, wide, upright):
    check(np.repeat(frame, wide, axis=1), Orientation(row="-y" if upright else "+x", col="+x" if upright else "-y"))


def test_small_files_of_many_bands():
    rng = np.random.default_rng(7)
    ramp = np.cumsum(rng.integers(0, 2, (300, 1)), axis=0) + np.arange(4000)
    check(np.clip(np.abs((ramp // 13) % 90 - 45) * 12 - 100, 0, 255).astype(np.uint8))
    check(np.pad(in_runs(rng, 900, 300, 25, [0, 255, 80, 160]), ((0, 0), (2000, 0))))
    check(np.zeros((900, 3000), np.uint8))


def test_rows_that_repeat_need_no_odd_lengths():
    frame = np.zeros((400, 1920), np.uint8)
    frame[:, 120:1790], frame[:, 119], frame[:, 1790] = 255, 70, 200
    mask = LayerMask.from_dense(0, frame)
    assert len(png_write.encode_mask(mask, VIEWER, small=True)) < 0.75 * len(png_write.encode_mask(mask, VIEWER))


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(1, 200_000)), min_size=1, max_size=20))
def test_adler_of_runs_is_adler_of_bytes(runs):
    value, length = np.array([v for v, _ in runs], np.uint8), np.array([n for _, n in runs], np.int64)
    assert deflate.adler32(value, length, len(runs)) == zlib.adler32(np.repeat(value, length).tobytes())


def test_masks_of_a_real_part_are_no_larger_than_zlib_makes_them(samples):
    printer, resin = pmsl.find_printer("microfluidics-7.6um"), pmsl.find_resin("pegda-nps-1.0-385")
    ours = theirs = small = 0
    for name in ("microfluidic_chip", "microneedle_array", "gyroid_lattice", "spinneret", "f_orientation"):
        job = pmsl.prepare(pmsl.place([pmsl.load_solid(samples / f"{name}.stl")], printer, resin), printer, resin)
        mask = job[job.n_layers * 3 // 5 if name != "f_orientation" else 4].exposures[0].mask
        frame = device_frame(mask, VIEWER)
        ours += len(png_write.encode_mask(mask, VIEWER))
        small += len(png_write.encode_mask(mask, VIEWER, small=True))
        theirs += zlib_6(frame)
    assert ours <= 1.1 * theirs and small < 0.99 * ours
