"""TI's DLPC900 (DLP6500, DLP9000, DLP670S, DLP500YX, DLP5500): patterns in its memory, shown by a look-up table.

Bytes are as the programmer's guide has them (DLPU018), and as the open drivers send them. In video pattern mode none of
this is needed: the frame itself, a native-size gray image, is one 8-bit pattern.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from pmsl.errors import ExposureError, UsageError
from pmsl.formats.device.bitplanes import MAX_EXPOSURE_US, MIN_EXPOSURE_US, Pattern
from pmsl.formats.device.dlpc900_splash import BITS, encode_splash, halves, merged

BLUE, WHITE = 4, 7  # bits of the LEDs: red 1, green 2, blue 4
IMAGES = 18  # numbers 0..17 in its memory
BLOCK = 504  # image bytes in one command
REPORT = 64  # bytes of a USB report
START_STOP, MODE, LUT_CONFIG, LUT_ENTRY = 0x1A24, 0x1A1B, 0x1A31, 0x1A34
INIT, LOAD = (0x1A2A, 0x1A2C), (0x1A2B, 0x1A2D)  # of the first, and of the second, controller
ON_THE_FLY = 3


@dataclass(frozen=True, slots=True)
class Controller:
    """A device behind one DLPC900, or two.

    Attributes
    ----------
    shape : (int, int)
        (rows, cols) of its mirrors.
    two : bool
        Two controllers share it, half the columns each.
    planes : int
        One-bit planes its memory takes, and entries its look-up table takes.
    """

    shape: tuple[int, int]
    two: bool
    planes: int


CONTROLLERS = {
    "dlp6500": Controller((1080, 1920), False, 400),
    "dlp9000": Controller((1600, 2560), True, 480),
    "dlp670s": Controller((1600, 2716), True, 400),
    "dlp500yx": Controller((1200, 2048), True, 800),
    "dlp5500": Controller((768, 1024), False, 1024),
}


@dataclass(frozen=True, slots=True)
class PatternBatch:
    """What fits into the controller at a time.

    Attributes
    ----------
    images : tuple of (int, tuple of bytes)
        Number of the image, and one splash image for each controller; in the order they are uploaded: the last one first.
    entries : tuple of bytes
        The look-up table, 12 bytes each, in the order they are shown.
    time_us : int
        How long all of it takes, dark times included.
    """

    images: tuple[tuple[int, tuple[bytes, ...]], ...]
    entries: tuple[bytes, ...]
    time_us: int


def lut_entry(
    index: int,
    time_us: int,
    depth: int,
    image: int,
    position: int,
    *,
    dark_us: int = 0,
    leds: int = BLUE,
    wait_for_trigger: bool = False,
    clear: bool = True,
) -> bytes:
    """Return one entry of the look-up table: 12 bytes, little-endian (command 0x1A34).

    Parameters
    ----------
    index : int
        Number of the entry.
    time_us, dark_us : int
        How long the pattern is lit, and dark after it.
    depth : int
        1 to 8 bits.
    image, position : int
        Which image, and the pattern's lowest bit in it.
    leds : int
        Which light: red 1, green 2, blue 4, and sums.
    wait_for_trigger : bool
        Wait for the trigger input before it is lit.
    clear : bool
        Clear the mirrors after it.

    Raises
    ------
    ExposureError
        Shorter than a pattern of that depth can be, or longer than 24 bits of µs.
    UsageError
        A number beyond its bits.
    """
    _check_entry(index, time_us, depth, image=image, position=position, dark_us=dark_us, leds=leds)
    flags = int(clear) | (depth - 1) << 1 | leds << 4 | int(wait_for_trigger) << 7
    where = image | position << 11
    return (
        index.to_bytes(2, "little")
        + time_us.to_bytes(3, "little")
        + bytes([flags])
        + dark_us.to_bytes(3, "little")
        + bytes(1)
        + where.to_bytes(2, "little")
    )


def _check_entry(index: int, time_us: int, depth: int, *, image: int, position: int, dark_us: int, leds: int) -> None:
    """Refuse numbers that an entry cannot have; raises `ExposureError`, `UsageError`."""
    if not 1 <= depth <= 8:
        raise UsageError(f"pattern of {depth} bits; expected 1 to 8")
    if not MIN_EXPOSURE_US[depth - 1] <= time_us <= MAX_EXPOSURE_US:
        raise ExposureError(
            f"entry {index}: {time_us} µs; a pattern of {depth} bits takes {MIN_EXPOSURE_US[depth - 1]} to {MAX_EXPOSURE_US} µs"
        )
    for name, value, limit in (
        ("index", index, 0xFFFF),
        ("dark_us", dark_us, MAX_EXPOSURE_US),
        ("leds", leds, 7),
        ("image", image, 0x7FF),
        ("position", position, BITS - depth),
    ):
        if not 0 <= value <= limit:
            raise UsageError(f"entry {index}: {name} is {value}; expected 0 to {limit}")


def batches(
    patterns: Iterable[Pattern], controller: Controller, *, dark_us: int = 0, leds: int = BLUE, wait_for_trigger: bool = False
) -> Iterator[PatternBatch]:
    """Pack patterns into as many uploads as they need, each as large as the controller takes.

    Parameters
    ----------
    patterns : iterable of Pattern
        In the order they are shown (`split_gray`, `whole_gray`).
    controller : Controller
    dark_us, leds, wait_for_trigger
        As of `lut_entry`, for every entry.

    Yields
    ------
    PatternBatch
        Patterns keep their order; a pattern that is shown several times is stored once.
    """
    entry = partial(lut_entry, dark_us=dark_us, leds=leds, wait_for_trigger=wait_for_trigger)
    images: list[list[tuple[np.ndarray, int]]] = []
    entries: list[bytes] = []
    used = stored = time_us = 0
    for pattern in patterns:
        new_image = not images or used + pattern.depth > BITS
        full = len(images) + new_image > IMAGES or stored + pattern.depth > controller.planes
        if full or len(entries) + len(pattern.times_us) > controller.planes:
            yield _batch(images, entries, time_us, controller)
            images, entries, stored, time_us, new_image = [], [], 0, 0, True
        if new_image:
            images.append([])
            used = 0
        for t in pattern.times_us:
            entries.append(entry(len(entries), t, pattern.depth, len(images) - 1, used))
            time_us += t + dark_us
        images[-1].append((pattern.levels, pattern.depth))
        used, stored = used + pattern.depth, stored + pattern.depth
    if images:
        yield _batch(images, entries, time_us, controller)


def _batch(images: Sequence[list[tuple[np.ndarray, int]]], entries: list[bytes], time_us: int, controller: Controller) -> PatternBatch:
    stored = []
    for number in reversed(range(len(images))):
        image = merged(images[number], controller.shape)
        parts = halves(image) if controller.two else (image,)
        stored.append((number, tuple(encode_splash(part, "erle") for part in parts)))
    return PatternBatch(tuple(stored), tuple(entries), time_us)


def commands(batch: PatternBatch, repeats: int = 1) -> Iterator[tuple[int, bytes]]:
    """Yield what uploads and shows a batch, (command, payload) in order.

    Parameters
    ----------
    batch : PatternBatch
    repeats : int
        How many times the table is shown; 0, for ever, is refused: a light with no end is not ours to ask for.
    """
    if repeats < 1:
        raise UsageError(f"repeats is {repeats}; expected 1 or more: a table that is shown for ever never goes dark")
    config = len(batch.entries).to_bytes(2, "little") + repeats.to_bytes(4, "little")
    yield START_STOP, bytes([0])
    yield MODE, bytes([ON_THE_FLY])
    for entry in batch.entries:
        yield LUT_ENTRY, entry
    yield LUT_CONFIG, config
    for number, parts in batch.images:
        for data, init, load in zip(parts, INIT, LOAD, strict=False):
            yield init, number.to_bytes(2, "little") + len(data).to_bytes(4, "little")
            for at in range(0, len(data), BLOCK):
                block = data[at : at + BLOCK]
                yield load, len(block).to_bytes(2, "little") + block
    yield LUT_CONFIG, config
    yield START_STOP, bytes([2])


def usb_reports(command: int, payload: bytes, sequence: int = 0, read: bool = False) -> list[bytes]:
    """Return a command as USB HID reports of 64 bytes: flag, sequence, length, command, payload, padded."""
    head = bytes([0xC0 if read else 0x40, sequence & 0xFF]) + (len(payload) + 2).to_bytes(2, "little") + command.to_bytes(2, "little")
    data = head + payload
    return [data[at : at + REPORT].ljust(REPORT, b"\0") for at in range(0, len(data), REPORT)]
