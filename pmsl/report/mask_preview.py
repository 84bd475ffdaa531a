"""A contact sheet: masks of the layers that differ most, and the part seen from the side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from pmsl.core.arrays import evenly
from pmsl.fields.added_fields import fields_added
from pmsl.fields.on_plate import corners_of, on_plate
from pmsl.files.output_file import whole_file
from pmsl.formats.frames.device_frame import turn
from pmsl.job.print_job import PrintJob
from pmsl.report.distinct_layers import distinct_layers
from pmsl.report.drawing import AXES_PX, LINE_PX, draw_axes, draw_directions, draw_legend, draw_scale_bar, wrapped, write_lines
from pmsl.report.layer_crops import bins, box_px, shrunk

PAPER, INK, EDGE = 32, 220, 90
TILE_PX = 480
SIDE_PX = (2 * TILE_PX, 300)
GAP = 14
IN_A_ROW = 4
GRAYS = ((0, "no light"), (128, "half a pixel"), (255, "whole pixel"))


def contact_sheet(job: PrintJob, path: str | Path, layers: int = 8) -> None:
    """Write a PNG of masks, as frames are seen from the light side, over a side view; of a drawn job its lines (`line_sheet`).

    Parameters
    ----------
    job : PrintJob
    path : str or Path
    layers : int
        How many masks are shown (fewer where the job has fewer): those that differ most, each the first that looks as it does.

    Raises
    ------
    OutputError
        The picture cannot be written.
    JobError
        As `on_plate`, of a job of several fields.
    """
    if job.drawn:
        from pmsl.report.line_picture import line_sheet  # few jobs are drawn

        return line_sheet(job, path)
    job = fields_added(on_plate(job))
    box = box_px(job)
    tiles = [_tile(job, k, box) for k in distinct_layers(job, box, layers)]
    width = IN_A_ROW * (TILE_PX + GAP) + GAP
    rows = [tiles[i : i + IN_A_ROW] for i in range(0, len(tiles), IN_A_ROW)]
    heights = [max(t.height for t in row) + GAP for row in rows]
    side, title = _side_view(job, box), wrapped(_title(job), width - 2 * GAP)
    y = GAP + LINE_PX * (len(title) + 1) + GAP
    sheet = Image.new("L", (width, y + sum(heights) + side.height + GAP), PAPER)
    write_lines(sheet, GAP, GAP, title, INK)
    draw_legend(sheet, GAP, GAP + LINE_PX * len(title), GRAYS, INK, EDGE)
    for row, height in zip(rows, heights, strict=True):
        for i, tile in enumerate(row):
            sheet.paste(tile, (GAP + i * (TILE_PX + GAP), y))
        y += height
    sheet.paste(side, (GAP, y))
    _save(sheet, Path(path))


def _save(sheet: Image.Image, path: Path) -> None:
    """Write a picture whole or not at all; raises `OutputError`."""
    with whole_file(path, "the preview ") as draft:
        sheet.save(draft, "PNG")


def _title(job: PrintJob) -> str:
    rows, cols = job.grid.shape
    px, py = job.grid.pitch_um
    labels = ", ".join(p.label for p in job.parts)
    return f"{labels}   {job.printer.name}, {cols} x {rows} px of {px:g} x {py:g} µm, {job.n_layers} layers, seen from the light side"


def _tile(job: PrintJob, k: int, box: tuple[int, int, int, int]) -> Image.Image:
    """One mask, cropped to the parts, turned as the frame is, over its layer and z, a scale bar and the directions."""
    row0, col0, row1, col1 = box
    exposures, orientation = job.bare(k).exposures, job.engines[0].orientation.plain
    width_um, height_um = np.array([col1 - col0, row1 - row0]) * job.grid.pitch_um
    scale = min(TILE_PX / width_um, TILE_PX / height_um)
    shape = max(1, round(height_um * scale)), max(1, round(width_um * scale))
    shown = [shrunk(e.mask, box, shape, orientation) for e in exposures]
    levels = np.maximum.reduce(shown) if shown else np.zeros(shape, np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(turn(levels, orientation)))
    tile = Image.new("L", (TILE_PX, picture.height + 2 * LINE_PX), PAPER)
    edges = job.grid.z_edges_um
    fields = len(set(corners_of(job, k) or ()))
    many = "   empty" if not exposures else f"   {len(exposures)} exposures" if len(exposures) > 1 else ""
    many += f"   {fields} fields" if exposures and fields else ""
    write_lines(tile, 0, 0, [f"layer {k}   z {edges[k]:g}..{edges[k + 1]:g} µm{many}"], INK)
    tile.paste(picture, (0, LINE_PX))
    ImageDraw.Draw(tile).rectangle((0, LINE_PX, picture.width - 1, LINE_PX + picture.height - 1), outline=EDGE)
    below = LINE_PX + picture.height
    draw_directions(tile, 0, below, orientation, INK)
    draw_scale_bar(tile, AXES_PX + GAP, below, 1 / scale, TILE_PX // 3, INK)
    return tile


def _side_view(job: PrintJob, box: tuple[int, int, int, int]) -> Image.Image:
    """The part seen through along y, as on an X-ray, plate at the bottom, x to the right; up to SIDE_PX[1] layers."""
    _, col0, _, col1 = box
    top, width_um = float(job.grid.z_edges_um[-1]), (col1 - col0) * float(job.grid.pitch_um[0])
    scale = min(SIDE_PX[0] / width_um, SIDE_PX[1] / top)
    size = max(1, round(width_um * scale)), max(1, round(top * scale))
    low, high = bins(0, col1 - col0, size[0], mirrored=False)
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
    out = Image.new("L", (SIDE_PX[0], picture.height + 2 * LINE_PX), PAPER)
    write_lines(out, 0, 0, [f"seen through along y, the brighter the more of it is solid; plate below, {top:g} µm high"], INK)
    out.paste(picture, (0, LINE_PX))
    ImageDraw.Draw(out).rectangle((0, LINE_PX, picture.width - 1, LINE_PX + picture.height - 1), outline=EDGE)
    draw_axes(out, 0, LINE_PX + picture.height, "+x", "-z", INK)
    draw_scale_bar(out, AXES_PX + GAP, LINE_PX + picture.height, 1 / scale, TILE_PX // 3, INK)
    return out
