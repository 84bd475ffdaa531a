"""How long does a 24-plane image for a DLPC900 take, and how large is it?

1920 x 1080, one thread: the eight bit planes of each of three masks of a part, and 24 planes of noise. Size is of the code
beside three bytes a pixel, and beside the code of the usual order of choice (copy if the pixel above is the same, else repeat,
else pixels), counted from the same image. The error counts pixels that the decoder gives back differently.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from area_coverage import PARTS, SHAPE, grid_of, placed
from measure import in_turn

from pmsl.formats import device
from pmsl.formats.frames.device_frame import device_frame
from pmsl.masks import masks_of
from pmsl.profiles.printer import Orientation


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a part, then noise."""
    for mesh in PARTS[:2] if quick else PARTS:
        if mesh().path is None:
            yield {"skipped": f"{mesh().name}: {mesh().skipped}"}
            continue
        part = placed(mesh())
        grid = grid_of(part)
        maker = masks_of(part.parts, grid)
        layers = np.linspace(1, grid.n_layers - 2, 3).astype(int)
        yield _cost(mesh().name, [device_frame(maker.mask(int(k)), Orientation()) for k in layers])
    yield _cost("noise", list(np.random.default_rng(1).integers(0, 256, (3, *SHAPE), dtype=np.uint8)))


def _cost(name: str, frames: list[np.ndarray]) -> dict[str, Any]:
    patterns = [(plane, 1) for frame in frames for plane in device.bitplanes(frame)]
    image = device.merged(patterns, SHAPE)
    data = device.encode_splash(image, "erle")
    calls = (
        lambda: device.merged(patterns, SHAPE),
        lambda: device.encode_splash(image, "erle"),
        lambda: device.decode_splash(data),
    )
    merge, encode, decode = (1000 * t for t in in_turn(calls, 5))
    return {
        "table": "24 planes in one image",
        "part": name,
        "merge ms": merge,
        "encode ms": encode,
        "decode ms": decode,
        "bytes": len(data),
        "bytes/raw": len(data) / (3 * image.size),
        "bytes/usual": len(data) / (48 + sum(_usual(image[r], image[r - 1] if r else None) + 2 for r in range(SHAPE[0])) + 3),
        "ERROR pixels": int((device.decode_splash(data) != image).sum()),
    }


def _usual(line: np.ndarray, above: np.ndarray | None) -> int:
    """Bytes of a row in the usual order of choice."""
    n, c, size = len(line), 0, 0
    alike = np.zeros(n, bool) if above is None else line == above
    same = np.append(line[1:] == line[:-1], False)
    while c < n:
        if alike[c]:
            end = c + int(np.argmin(np.append(alike[c:], False)))
            size += 3 + (end - c > 127)
        elif same[c]:
            end = c + int(np.argmin(same[c:])) + 1
            size += 4 + (end - c > 127)
        else:
            end = c + int(np.argmax(np.append((alike | same)[c:], True)))
            size += 4 if end - c == 1 else 2 + (end - c > 127) + 3 * (end - c)
        c = end
    return size
