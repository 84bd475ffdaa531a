"""A contact sheet: masks of evenly spaced layers, and the part seen from the side."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from pmsl.core.arrays import evenly
from pmsl.core.mask import LayerMask
from pmsl.errors import OutputError
from pmsl.formats.frames.device_frame import turn
from pmsl.job.print_job import PrintJob
from pmsl.profiles.printer import Orientation

PAPER, INK, EDGE = 32, 220, 90
TILE_PX = 480
SIDE_PX = (2 * TILE_PX, 300)
GAP = 14
LABEL = 22


def contact_sheet(job: PrintJob, path: str | Path, layers: int = 8) -> None:
    """Write a PNG of evenly spaced masks, as frames are seen from the light side, over a side view.

    Parameters
    ----------
    job : PrintJob
    path : str or Path
    layers : int
        How many masks are shown (fewer where the job has fewer).

    Raises
    ------
    OutputError
        The picture cannot be written.
    """
    chosen = np.unique(
        np.linspace(0, job.n_layers - 1, layers + 2).round().astype(int)[1:-1]
        if job.n_layers > layers + 2
        else np.arange(job.n_layers)[:layers]
    )
    box = _box_px(job)
    tiles = [_tile(job, int(k), box) for k in chosen]
    width = 4 * (TILE_PX + GAP) + GAP
    rows = [tiles[i : i + 4] for i in range(0, len(tiles), 4)]
    heights = [max(t.height for t in row) + GAP for row in rows]
    side = _side_view(job)
    sheet = Image.new("L", (width, GAP + LABEL + GAP + sum(heights) + side.height + GAP), PAPER)
    _write(sheet, GAP, GAP, _title(job))
    y = GAP + LABEL + GAP
    for row, height in zip(rows, heights, strict=True):
        for i, tile in enumerate(row):
            sheet.paste(tile, (GAP + i * (TILE_PX + GAP), y))
        y += height
    sheet.paste(side, (GAP, y))
    draft = Path(path).with_name(f".{Path(path).name[:32]}.{os.getpid()}.partial")
    try:
        sheet.save(draft, "PNG")
        os.replace(draft, path)
    except OSError as err:
        raise OutputError(f"{path}: the preview cannot be written ({err.strerror or err})") from err
    finally:
        draft.unlink(missing_ok=True)


def _title(job: PrintJob) -> str:
    rows, cols = job.grid.shape
    px, py = job.grid.pitch_um
    labels = ", ".join(p.label for p in job.parts)
    pixels = f"{cols} x {rows} px of {px:g} x {py:g} um"
    return f"{labels}   {job.printer.name}, {pixels}, {job.n_layers} layers, seen from the light side"


def _box_px(job: PrintJob) -> tuple[int, int, int, int]:
    """Rectangle of the grid around all parts, with a margin: row0, col0, row1, col1."""
    low = np.min([p.bounds_um[0] for p in job.parts], axis=0)
    high = np.max([p.bounds_um[1] for p in job.parts], axis=0)
    a = (low[:2] - job.grid.origin_um) / job.grid.pitch_um
    b = (high[:2] - job.grid.origin_um) / job.grid.pitch_um
    margin = 0.03 * (b - a).max() + 2
    rows, cols = job.grid.shape
    col0, row0 = np.maximum(np.floor(a - margin), 0).astype(int)
    col1, row1 = np.minimum(np.ceil(b + margin), (cols, rows)).astype(int)
    return int(row0), int(col0), int(row1), int(col1)


def _bins(first: int, last: int, size: int, mirrored: bool) -> tuple[np.ndarray, np.ndarray]:
    """Share the pixels first..last out to `size` pixels of a picture: (size,) int64 begins and ends, in ascending order.

    Whole pixels, so that edges stay sharp; where there are fewer pixels than `size`, each is shown several times.
    `mirrored`: round as from the other end, for an axis that is turned afterwards.
    """
    n = last - first
    step = n / size
    centre, reach = (np.arange(size) + 0.5) * step, 0.5 * max(step, 1.0)  # as Pillow's box filter does
    low, high = np.floor(centre - reach + 0.5).astype(np.int64), np.floor(centre + reach + 0.5).astype(np.int64)
    return (first + n - high[::-1], first + n - low[::-1]) if mirrored else (first + low, first + high)


def _shrunk(mask: LayerMask, box: tuple[int, int, int, int], shape: tuple[int, int], orientation: Orientation) -> np.ndarray:
    """Mean levels of a mask inside `box`, (rows, cols) uint8 of `shape`, not turned yet; made from runs."""
    from pmsl.kernels.raster import run_ops

    out = np.zeros(shape, np.uint8)
    along_x, along_y = sorted((orientation.row, orientation.col), key=lambda axis: axis[1])
    rows = _bins(box[0], box[2], shape[0], along_y[0] == "-")
    cols = _bins(box[1], box[3], shape[1], along_x[0] == "-")
    run_ops.shrink(*mask.runs_8bit(), mask.window.row0, *rows, *cols, np.zeros((2, int(cols[1][-1]) + 1), np.int64), out)
    return out


def _tile(job: PrintJob, k: int, box: tuple[int, int, int, int]) -> Image.Image:
    """One mask, cropped to the parts, turned as the frame is, with its label."""
    row0, col0, row1, col1 = box
    exposures, orientation = job.bare(k).exposures, job.engines[0].orientation.plain
    width_um, height_um = np.array([col1 - col0, row1 - row0]) * job.grid.pitch_um
    scale = min(TILE_PX / width_um, TILE_PX / height_um)
    shape = max(1, round(height_um * scale)), max(1, round(width_um * scale))
    shown = [_shrunk(e.mask, box, shape, orientation) for e in exposures]
    levels = np.maximum.reduce(shown) if shown else np.zeros(shape, np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(turn(levels, orientation)))
    tile = Image.new("L", (TILE_PX, picture.height + LABEL), PAPER)
    edges = job.grid.z_edges_um
    _write(tile, 0, 0, f"layer {k}   z {edges[k]:g}..{edges[k + 1]:g} um" + ("" if exposures else "   empty"))
    tile.paste(picture, (0, LABEL))
    ImageDraw.Draw(tile).rectangle((0, LABEL, picture.width - 1, LABEL + picture.height - 1), outline=EDGE)
    return tile


def _side_view(job: PrintJob) -> Image.Image:
    """The part seen through along y, as on an X-ray, plate at the bottom, x to the right; up to SIDE_PX[1] layers."""
    _, col0, _, col1 = _box_px(job)
    top, width_um = float(job.grid.z_edges_um[-1]), (col1 - col0) * float(job.grid.pitch_um[0])
    scale = min(SIDE_PX[0] / width_um, SIDE_PX[1] / top)
    size = max(1, round(width_um * scale)), max(1, round(top * scale))
    low, high = _bins(0, col1 - col0, size[0], mirrored=False)
    layers = evenly(job.n_layers, SIDE_PX[1])
    view, deepest = np.zeros((len(layers), size[0])), 1e-9
    for i, k in enumerate(layers):
        depth = np.zeros(col1 - col0)
        for exposure in job.bare(int(k)).exposures:
            depth = np.maximum(depth, exposure.mask.column_sums_px()[col0:col1])
        deepest = max(deepest, depth.max())
        total = np.concatenate([[0.0], np.cumsum(np.sqrt(depth))])
        view[i] = (total[high] - total[low]) / (high - low)
    view = np.round(255 * view / np.sqrt(deepest)).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(view[::-1])).resize(size, Image.Resampling.BOX)
    out = Image.new("L", (SIDE_PX[0], picture.height + LABEL), PAPER)
    _write(out, 0, 0, f"seen through along y: x to the right, plate below, {top:g} um high")
    out.paste(picture, (0, LABEL))
    ImageDraw.Draw(out).rectangle((0, LABEL, picture.width - 1, LABEL + picture.height - 1), outline=EDGE)
    return out


def _write(image: Image.Image, x: int, y: int, text: str) -> None:
    ImageDraw.Draw(image).text((x, y), text, fill=INK, font=ImageFont.load_default(size=14))
