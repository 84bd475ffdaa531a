"""Readers of run-length codes as the specifications word them: slow and plain."""

import numpy as np


def slow_goo(data):
    """Pixels of GOO layer data, one chunk at a time, as the specification words it."""
    assert data[0] == 0x55 and (sum(data[1:-1]) + data[-1]) % 256 == 255
    pixels, gray, i = [], 0, 1
    while i < len(data) - 1:
        kind, extra, low = data[i] >> 6, data[i] >> 4 & 3, data[i] & 15
        i += 1
        if kind == 2:
            gray = (gray + (-low if extra & 2 else low)) % 256
            run = 1
            if extra & 1:
                run = data[i]
                i += 1
        else:
            gray = {0: 0, 1: data[i], 3: 255}[kind]
            i += kind == 1
            run = (int.from_bytes(data[i : i + extra], "big") << 4) + low
            i += extra
        pixels += [gray] * run
    return pixels


def slow_ctb(data):
    """Pixels of CTB layer data, one run at a time."""
    pixels, i = [], 0
    while i < len(data):
        gray, run = data[i] & 127, 1
        i += 1
        if data[i - 1] & 128:
            many = 1 + sum(data[i] >= limit for limit in (128, 192, 224))
            run = int.from_bytes(data[i : i + many], "big") - {1: 0, 2: 0x8000, 3: 0xC00000, 4: 0xE0000000}[many]
            i += many
        pixels += [2 * gray + 1 if gray else 0] * run
    return pixels


def seven_bit(levels):
    return np.where(levels < 2, 0, 2 * (levels >> 1) + 1).astype(np.uint8)


def slow_cipher(data, key, layer):
    step = (key * 0x2D83CDAC + 0xD8A83423) % 2**32
    word, out = (layer * 0x1E1530CD + 0xEC3D47CD) * step % 2**32, []
    for i, byte in enumerate(data):
        out.append(byte ^ word >> 8 * (i % 4) & 255)
        word = (word + step) % 2**32 if i % 4 == 3 else word
    return out
