"""Frames of projector controllers: bits in their places, the shortest run-length code, times that add up, packed rows."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tiers import examples

from pmsl.errors import ExposureError, JobError, UsageError
from pmsl.formats import device
from pmsl.formats.device.bitplanes import MAX_EXPOSURE_US, MIN_EXPOSURE_US
from pmsl.formats.device.dlpc900_splash import HEADER, WIDEST

RNG = np.random.default_rng(1)
LINEAR = np.arange(256) / 255

# --- slow and obvious --------------------------------------------------------------------------------------------


def slow_decode(body, rows, cols):
    """Read the code byte by byte, as it is written down."""
    image, row, at = [], [], 0

    def number(at):
        n = body[at]
        return (n, at + 1) if n < 128 else ((n & 127) | body[at + 1] << 7, at + 2)

    while True:
        if body[at] == 0 and body[at + 1] == 0:
            assert row == []
            at += 2
        elif body[at] == 0 and body[at + 1] == 1:
            n, at = number(at + 2)
            if n == 0:
                break
            row += image[-1][len(row) : len(row) + n]
        elif body[at] == 0:
            n, at = number(at + 1)
            for _ in range(n):
                row.append(int.from_bytes(body[at : at + 3], "big"))
                at += 3
        else:
            n, at = number(at)
            row += [int.from_bytes(body[at : at + 3], "big")] * n
            at += 3
        assert len(row) <= cols
        if len(row) == cols:
            image.append(row)
            row = []
    assert len(image) == rows and not any(body[at:])
    return np.array(image, np.uint32)


def shortest(line, above):
    """Fewest bytes of a row, tried in full."""
    best, line = [0] * (len(line) + 1), line.tolist()
    above = [None] * len(line) if above is None else above.tolist()
    for c in range(len(line) - 1, -1, -1):
        tried, same, alike = [], True, True
        for n in range(1, len(line) - c + 1):
            digits = 1 if n < 128 else 2
            same, alike = same and line[c + n - 1] == line[c], alike and line[c + n - 1] == above[c + n - 1]
            if same:
                tried.append(digits + 3 + best[c + n])
            if alike:
                tried.append(2 + digits + best[c + n])
            if n > 1:
                tried.append(1 + digits + 3 * n + best[c + n])
        best[c] = min(tried)
    return best[0]


def greedy(line, above):
    """Bytes of a row as the open drivers code it: copy if the pixel above is the same, else repeat, else pixels."""
    n, c, size = len(line), 0, 0
    alike = [above is not None and line[i] == above[i] for i in range(n)]
    same = [i + 1 < n and line[i] == line[i + 1] for i in range(n)]

    def digits(k):
        return 1 if k < 128 else 2

    while c < n:
        end = c
        if alike[c]:
            while end < n and alike[end]:
                end += 1
            size += 2 + digits(end - c)
        elif same[c]:
            while same[end]:
                end += 1
            end += 1
            size += digits(end - c) + 3
        else:
            while end < n and not alike[end] and not same[end]:
                end += 1
            size += 4 if end - c == 1 else 1 + digits(end - c) + 3 * (end - c)
        c = end
    return size


IMAGES = st.tuples(st.integers(1, 6), st.integers(1, 24)).flatmap(
    lambda shape: arrays(np.uint32, shape, elements=st.sampled_from([0, 0, 0, 1, 0x10203, 0xFFFFFF]))
)


@given(image=IMAGES, line_ends=st.booleans())
def test_the_code_is_read_back_and_no_row_could_be_shorter(image, line_ends):
    data = device.encode_splash(image, "erle", line_ends)
    rows, cols = image.shape
    assert np.array_equal(slow_decode(data[48:], rows, cols), image) and np.array_equal(device.decode_splash(data), image)
    wanted = sum(shortest(image[r], image[r - 1] if r else None) + 2 * line_ends for r in range(rows)) + 3
    assert HEADER.unpack_from(data)[3] == wanted and len(data) == -(-(48 + wanted) // 4) * 4


def named_images():
    noise = RNG.integers(0, 1 << 24, (3, 300), dtype=np.uint32)
    ramp = np.tile(np.arange(300, dtype=np.uint32), (4, 1))
    part = ramp.copy()
    part[1:, 130:] = 5  # copies and repeats of more than 127
    last = np.zeros((3, 300), np.uint32)
    last[-1, -1] = 1
    return {
        "noise": noise,
        "ramp": ramp,
        "part": part,
        "black": np.zeros((4, 300), np.uint32),
        "last pixel": last,
        "one": noise[:1, :1].copy(),
        "columns": np.tile(np.array([0, 0xFFFFFF], np.uint32), (3, 150)),
    }


SWEPT = ("noise", "columns", "last pixel")  # also in small among the random ones


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow if n in SWEPT else ()) for n in named_images()])
def test_named_images(name):
    image = named_images()[name]
    for compression in ("erle", "raw", "smaller"):
        data = device.encode_splash(image, compression)
        assert np.array_equal(device.decode_splash(data), image) and len(data) % 4 == 0
    assert len(device.encode_splash(image, "smaller")) <= min(len(device.encode_splash(image, c)) for c in ("erle", "raw"))
    body = HEADER.unpack_from(device.encode_splash(image, "erle"))[3] - 3 - 2 * len(image)
    rows = [(image[r], image[r - 1] if r else None) for r in range(len(image))]
    assert body == sum(shortest(*row) for row in rows) <= sum(greedy(*row) for row in rows)


@pytest.mark.parametrize("cols", [1920, 1280, 1358])
@pytest.mark.parametrize("kind", ["planes", "noise", "gradient"])
def test_full_widths_with_24_planes(cols, kind):
    y, x = np.mgrid[:60, :cols]
    if kind == "planes":
        planes = [(((x - 300) ** 2 + (y - 30) ** 2 < (200 + 9 * i) ** 2) ^ (x // 97 % 5 == i % 5)).astype(np.uint8) for i in range(24)]
    elif kind == "noise":
        planes = list(RNG.integers(0, 2, (24, 60, cols), dtype=np.uint8))
    else:
        planes = [((x * 255 // cols) >> (i % 8) & 1).astype(np.uint8) for i in range(24)]
    image = device.merged([(p, 1) for p in planes], (60, cols))
    data = device.encode_splash(image, "erle")
    assert np.array_equal(slow_decode(data[48:], 60, cols), image)
    assert HEADER.unpack_from(data)[3] <= sum(greedy(image[r], image[r - 1] if r else None) + 2 for r in range(60)) + 3
    for i, plane in enumerate(planes):
        assert np.array_equal(image >> i & 1, plane)


def test_a_pixel_has_bits_0_to_7_last():
    levels = np.array([[0x5A]], np.uint8)
    raw = device.encode_splash(device.merged([(levels, 8)], (1, 1)), "raw")
    assert raw[48:51] == bytes([0, 0, 0x5A]) and raw[:12] == b"Spld\x01\x00\x01\x00\x03\x00\x00\x00"
    assert raw[12:24] == b"\xff" * 8 + bytes(4) and raw[24:27] == bytes([1, 0, 1])
    three = device.merged([(levels, 8), (levels // 2, 8), (levels // 3, 8)], (1, 1))
    assert device.encode_splash(three, "raw")[48:51] == bytes([0x5A // 3, 0x5A // 2, 0x5A])


@given(data=st.binary(max_size=80), at=st.integers(0, 200), cut=st.integers(0, 200))
@settings(max_examples=examples(30))
def test_damaged_images_are_refused_or_read(data, at, cut):
    sound = bytearray(device.encode_splash(named_images()["part"][:, 100:160].copy(), "erle"))
    for broken in (data, HEADER.pack(b"Spld", 9, 3, len(data), b"", b"", 1, 2, 1, b"") + data, bytes(sound[:cut])):
        try:
            device.decode_splash(broken)
        except JobError:
            continue
    sound[at % len(sound)] ^= 0x41
    try:
        device.decode_splash(bytes(sound))
    except JobError as err:
        assert "splash image" in str(err)


def test_a_header_that_lies_takes_no_memory():
    lie = HEADER.pack(b"Spld", 65535, 65535, 8, b"", b"", 1, 2, 1, b"") + bytes(8)
    with pytest.raises(JobError, match="cannot hold 65535 rows"):
        device.decode_splash(lie)


def test_images_that_do_not_fit():
    one = np.zeros((2, 2), np.uint8)
    for patterns in ([(one, 9)], [(one, 0)], [(one, 8)] * 4, [(one + 2, 1)], [(np.zeros((2, 3), np.uint8), 1)], [(one.astype(int), 1)]):
        with pytest.raises(UsageError):
            device.merged(patterns, (2, 2))
    for image in (one, np.full((1, 1), 1 << 24, np.uint32), np.zeros((1, WIDEST + 1), np.uint32), np.zeros((0, 4), np.uint32)):
        with pytest.raises(UsageError):
            device.encode_splash(image)
    with pytest.raises(UsageError, match="odd|even"):
        device.halves(np.zeros((2, 3), np.uint32))


# --- gray in time ------------------------------------------------------------------------------------------------


def ramp():
    return np.arange(256, dtype=np.uint8).reshape(16, 16)


@given(time_us=st.integers(4046, 60_000_000))
def test_split_gray_gives_every_level_its_share_of_the_time(time_us):
    frame = ramp()
    split = device.split_gray(frame, time_us / 1e6, LINEAR)
    lit = np.zeros(frame.shape)
    for pattern in split.patterns:
        assert all(MIN_EXPOSURE_US[pattern.depth - 1] <= t <= MAX_EXPOSURE_US for t in pattern.times_us)
        assert int(pattern.levels.max()) < 1 << pattern.depth
        lit += pattern.levels / ((1 << pattern.depth) - 1) * sum(pattern.times_us)
    error = np.abs(lit - frame / 255 * time_us).max()
    assert error == pytest.approx(split.error_us, abs=1e-6 * time_us / 1e6 + 1e-9) and error <= 4.0
    assert sum(p.depth for p in split.patterns) == 8


def test_split_gray_uses_as_few_bits_of_the_controllers_own_as_it_can():
    assert [p.depth for p in device.split_gray(ramp(), 1.0, LINEAR).patterns] == [1] * 8
    assert [p.depth for p in device.split_gray(ramp(), 0.026, LINEAR).patterns] == [1] * 6 + [2]  # bit 0 would take 102 µs
    assert [p.depth for p in device.split_gray(ramp(), 0.0041, LINEAR).patterns] == [1, 7]
    device.split_gray(ramp(), 0.004011, LINEAR)
    with pytest.raises(ExposureError, match="at least 4011 µs"):
        device.split_gray(ramp(), 0.00401, LINEAR)
    with pytest.raises(ExposureError, match="at least 4046 µs"):
        device.whole_gray(ramp(), 0.0041 * 0.98, LINEAR)
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ExposureError):
            device.split_gray(ramp(), wrong, LINEAR)
        with pytest.raises(ExposureError):
            device.whole_gray(ramp(), wrong, LINEAR)


@given(time_us=st.integers(4046, 20_000_000), gamma=st.floats(0.3, 3.0))
def test_grays_of_a_bent_response_get_the_dose_they_had(time_us, gamma):
    """A job made for video with a gamma, shown as timed patterns: each level is lit for its share of the light."""
    response, frame = LINEAR**gamma, ramp()
    for split in (device.split_gray(frame, time_us / 1e6, response), device.whole_gray(frame, time_us / 1e6, response)):
        lit = sum(p.levels / ((1 << p.depth) - 1) * sum(p.times_us) for p in split.patterns)
        error = np.abs(lit - response[frame] * time_us).max()
        assert error == pytest.approx(split.error_us, rel=1e-9, abs=1e-6) and error <= time_us / 510 + 4.0


@pytest.mark.parametrize("wrong", [LINEAR[1:], LINEAR * 0.9, LINEAR[::-1], LINEAR * np.nan, np.r_[LINEAR[:-1], np.inf]])
def test_what_is_no_response_is_refused(wrong):
    for call in (device.split_gray, device.whole_gray):
        with pytest.raises(UsageError, match="response"):
            call(ramp(), 1.0, wrong)


def test_whole_gray_is_one_pattern_in_as_many_parts_as_needed():
    (pattern,) = device.whole_gray(ramp(), 40.0, LINEAR).patterns
    assert pattern.depth == 8 and sum(pattern.times_us) == 40_000_000 and len(pattern.times_us) == 3
    assert max(pattern.times_us) - min(pattern.times_us) <= 1


def test_bitplanes_are_the_frame_most_significant_first():
    planes = device.bitplanes(ramp())
    assert planes.shape == (8, 16, 16) and np.array_equal(sum(p.astype(int) << (7 - i) for i, p in enumerate(planes)), ramp())
    with pytest.raises(UsageError):
        device.bitplanes(ramp().astype(np.uint16))


# --- look-up table and upload ------------------------------------------------------------------------------------


def test_a_known_entry():
    entry = device.lut_entry(0, 550_000, 8, 0, 0, wait_for_trigger=True)
    assert entry.hex() == "0000706408cf000000000000"
    assert device.lut_entry(3, 105, 1, 17, 23, dark_us=0x010203, clear=False, leds=7).hex() == "0300690000700302010011b8"


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_us": 4045},
        {"time_us": 1 << 24},
        {"depth": 0},
        {"depth": 9},
        {"position": 17},
        {"image": 2048},
        {"index": -1},
        {"dark_us": 1 << 24},
        {"leds": 8},
    ],
)
def test_entries_that_do_not_fit(wrong):
    fields = {"index": 0, "time_us": 5000, "depth": 8, "image": 0, "position": 0} | wrong
    with pytest.raises((ExposureError, UsageError)):
        device.lut_entry(**fields)


def unpacked(entry):
    where = int.from_bytes(entry[10:12], "little")
    return int.from_bytes(entry[:2], "little"), int.from_bytes(entry[2:5], "little"), (entry[5] >> 1 & 7) + 1, where & 0x7FF, where >> 11


@pytest.mark.parametrize("two", [False, True])
def test_batches_show_every_pattern_in_order_and_within_the_memory(two):
    controller = device.Controller((4, 6), two, 60)
    patterns = [
        device.Pattern(RNG.integers(0, 1 << d, (4, 6), dtype=np.uint8), d, (5000,) * (1 + i % 2))
        for i, d in enumerate([8, 1, 1, 3, 8, 7] * 9)
    ]
    made = list(device.batches(patterns, controller, dark_us=10))
    shown = []
    for batch in made:
        assert [n for n, _ in batch.images] == list(range(len(batch.images)))[::-1]
        images = {n: np.hstack([device.decode_splash(part) for part in parts]) for n, parts in batch.images}
        assert all(len(parts) == 1 + two for _, parts in batch.images)
        stored = {(unpacked(e)[3], unpacked(e)[4]): unpacked(e)[2] for e in batch.entries}
        assert sum(stored.values()) <= 60 and len(batch.entries) <= 60
        assert batch.time_us == len(batch.entries) * 5010
        for i, (index, time_us, depth, image, position) in enumerate(map(unpacked, batch.entries)):
            assert index == i
            shown.append((images[image] >> position & ((1 << depth) - 1), depth, time_us))
    wanted = [(p.levels, p.depth, t) for p in patterns for t in p.times_us]
    assert len(made) > 1 and len(shown) == len(wanted)
    for (levels, depth, t), (frame, d, time_us) in zip(wanted, shown, strict=True):
        assert (depth, t) == (d, time_us) and np.array_equal(levels, frame)


def test_controllers_take_what_their_makers_say():
    frame = np.zeros((1, 8), np.uint8)
    for name, planes in (("dlp6500", 400), ("dlp9000", 480), ("dlp500yx", 800)):
        known = device.CONTROLLERS[name]
        assert known.planes == planes
        small = dataclasses.replace(known, shape=(1, 8))
        batches = list(device.batches([device.Pattern(frame, 8, (5000,))] * 60, small))
        assert len(batches[0].entries) == min(planes // 8, 18 * 3)  # 50 patterns of 8 bits on a DLP6500


def test_commands_of_an_upload():
    controller = device.Controller((30, 40), True, 400)
    split = device.split_gray(RNG.integers(0, 256, (30, 40), dtype=np.uint8), 0.5, LINEAR)
    (batch,) = device.batches([*split.patterns, *split.patterns, *split.patterns, *split.patterns], controller)
    sent = list(device.commands(batch))
    codes = [c for c, _ in sent]
    assert sent[0] == (0x1A24, b"\0") and sent[1] == (0x1A1B, b"\3") and sent[-1] == (0x1A24, b"\2")
    assert codes.count(0x1A34) == 32 and codes.count(0x1A31) == 2 and sent[-2] == (0x1A31, bytes([32, 0, 1, 0, 0, 0]))
    assert [p[0] for c, p in sent if c == 0x1A2A] == [1, 0] == [p[0] for c, p in sent if c == 0x1A2C]
    for side, (init, load) in enumerate(((0x1A2A, 0x1A2B), (0x1A2C, 0x1A2D))):
        sizes = [int.from_bytes(p[2:], "little") for c, p in sent if c == init]
        body = b"".join(p[2:] for c, p in sent if c == load)
        assert all(int.from_bytes(p[:2], "little") == len(p) - 2 <= 504 for c, p in sent if c == load)
        assert body == b"".join(parts[side] for _, parts in batch.images) and sizes == [len(parts[side]) for _, parts in batch.images]
    with pytest.raises(UsageError, match="for ever"):
        list(device.commands(batch, repeats=0))


def test_usb_reports():
    (report,) = device.usb_reports(0x1A24, b"\2", sequence=8)
    assert report[:7].hex() == "40080300241a02" and len(report) == 64 and not any(report[7:])
    payload = bytes(range(200))
    reports = device.usb_reports(0x1A2B, payload, read=True)
    assert {len(r) for r in reports} == {64} and b"".join(reports)[6:206] == payload and reports[0][0] == 0xC0


# --- ALP ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "stride", "skip"),
    [((1080, 1920), 256, 0), ((1200, 1920), 256, 0), ((768, 1024), 128, 0), ((1050, 1400), 176, 1), ((2, 9), 2, 0)],
)
def test_alp_rows_have_the_stride_of_the_device(shape, stride, skip):
    plane = RNG.integers(0, 2, shape, dtype=np.uint8)
    rows = device.alp_rows(plane * 255).reshape(shape[0], stride)
    bits = np.unpackbits(rows[:, skip:], axis=1)
    assert np.array_equal(bits[:, : shape[1]], plane) and not bits[:, shape[1] :].any() and not rows[:, :skip].any()


def test_alp_rows_that_do_not_fit():
    with pytest.raises(UsageError, match="takes 2"):
        device.alp_rows(np.zeros((2, 9), np.uint8), stride=1)
    with pytest.raises(UsageError):
        device.alp_rows(np.zeros((2, 9), float))
    assert device.alp_rows(np.ones((1, 9), bool), stride=4, skip=1).tolist() == [0, 255, 128, 0]


def test_alp_sequences():
    frames = [np.array([[0, 1], [2, 3]], np.uint8)] * 3
    assert device.alp_sequence(frames, 2).tolist() == [0, 64, 128, 192] * 3
    assert device.alp_sequence([ramp()]).tolist() == list(range(256)) and device.alp_sequence(frames, 2).flags.c_contiguous
    for wrong, depth in (([], 8), (frames, 1), (frames, 9), ([frames[0], ramp()], 8), ([frames[0].astype(float)], 8)):
        with pytest.raises(UsageError):
            device.alp_sequence(wrong, depth)


@given(time_us=st.integers(1, 100_000_000))
def test_alp_picture_times_add_up(time_us):
    times = device.picture_times_us(time_us / 1e6)
    assert sum(times) == time_us and max(times) <= 10_000_000 and max(times) - min(times) <= 1
    assert len(times) == -(-time_us // 10_000_000)


def test_alp_takes_our_arrays():
    ALP4 = pytest.importorskip("ALP4", reason="ALP4lib is not installed (extra `hosts`)")
    import ctypes

    taken = []

    class Library:
        """What of the maker's library a sequence needs."""

        def AlpSeqPut(self, device, sequence, offset, load, pointer):
            taken.append(np.frombuffer(ctypes.string_at(pointer, size), np.uint8))
            return 0

    alp = ALP4.ALP4.__new__(ALP4.ALP4)
    alp._ALPLib, alp.ALP_ID, alp._lastDDRseq = Library(), ctypes.c_ulong(0), ctypes.c_long(1)
    alp.Seqs = {}
    gray = device.alp_sequence([ramp(), ramp()])
    packed = device.alp_rows(RNG.integers(0, 2, (1080, 1920), dtype=np.uint8))
    for data in (gray, packed):
        size = data.nbytes
        alp.SeqPut(data)
        assert np.array_equal(taken.pop(), data)
