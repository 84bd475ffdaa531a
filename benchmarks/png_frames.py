"""How long does a frame take from runs to PNG and back, and how large is it beside zlib and ISA-L?

Masks at 1920 x 1080, layers spread over the part, one thread. Ours goes from the runs of the mask, small (`--png small`) is the
shorter of it and Pillow's `optimize`; the others compress the same bytes (filter 0), from a dense frame made before the clock starts.
Reading goes from a PNG to the runs of a mask, beside Pillow's way to a dense frame. Sizes are of whole PNG files. The error counts
pixels that a decoder gives back differently.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from area_coverage import PARTS, SHAPE, grid_of, placed
from isal import isal_zlib
from measure import in_turn
from PIL import Image

from pmsl.core.mask import LayerMask
from pmsl.formats.frames import png_write
from pmsl.formats.frames.device_frame import mask_of_runs
from pmsl.formats.frames.png_read import runs_of_png
from pmsl.masks import masks_of
from pmsl.profiles.printer import Orientation

FRAMING = 57  # bytes of a PNG around its compressed data


def rows(quick: bool) -> Iterator[dict[str, Any]]:
    """Yield a row a part."""
    for mesh in PARTS:
        if mesh().path is None:
            yield {"skipped": f"{mesh().name}: {mesh().skipped}"}
        else:
            yield {"table": "PNG of one frame"} | _cost(mesh().name, placed(mesh()), 3 if quick else 12)


def _cost(name: str, part: Any, layers: int) -> dict[str, Any]:
    grid = grid_of(part)
    maker = masks_of(part.parts, grid)
    masks = [maker.mask(int(k)) for k in np.unique(np.linspace(0, grid.n_layers - 1, layers).astype(int))]
    raws = [np.concatenate([np.zeros((SHAPE[0], 1), np.uint8), m.dense(np.uint8)[::-1]], axis=1) for m in masks]
    ours = [png_write.encode_mask(m, Orientation()) for m in masks]
    wrong = sum(int((_pillow(data) != raw[:, 1:]).sum()) for data, raw in zip(ours, raws, strict=True))
    wrong += sum(int((_mask(data).dense(np.uint8)[::-1] != raw[:, 1:]).sum()) for data, raw in zip(ours, raws, strict=True))
    small = [png_write.encode_mask(m, Orientation(), small=True) for m in masks]
    wrong += sum(int((_pillow(data) != raw[:, 1:]).sum()) for data, raw in zip(small, raws, strict=True))
    calls = (
        lambda: [png_write.encode_mask(m, Orientation()) for m in masks],
        lambda: [png_write.encode_mask(m, Orientation(), small=True) for m in masks],
        lambda: [isal_zlib.compress(raw, 1) for raw in raws],
        lambda: [zlib.compress(raw, 6) for raw in raws],
        lambda: [_mask(data) for data in ours],
        lambda: [_pillow(data) for data in ours],
    )
    ms = [1000 * t / len(masks) for t in in_turn(calls, 3)]
    size, small_size = sum(map(len, ours)), sum(map(len, small))
    zlib_size = {level: sum(len(zlib.compress(raw, level)) + FRAMING for raw in raws) for level in (6, 9)}
    return {
        "part": name,
        "8-bit runs": int(np.mean([len(m.runs_8bit().col) for m in masks])),
        "ours ms": ms[0],
        "small ms": ms[1],
        "ISA-L 1 ms": ms[2],
        "zlib 6 ms": ms[3],
        "read ms": ms[4],
        "Pillow's read ms": ms[5],
        "ours bytes": size // len(masks),
        "size/zlib 6": size / zlib_size[6],
        "small/zlib 6": small_size / zlib_size[6],
        "zlib 9/zlib 6": zlib_size[9] / zlib_size[6],
        "size/ISA-L 1": size / sum(len(isal_zlib.compress(raw, 1)) + FRAMING for raw in raws),
        "ERROR pixels": wrong,
    }


def _mask(data: bytes) -> LayerMask:
    return mask_of_runs(runs_of_png(data, SHAPE, "frame"), 0, SHAPE, Orientation())


def _pillow(data: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(data)))
