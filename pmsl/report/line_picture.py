"""What a laser draws, as a picture: borders, hatches, skins and the dark ways between, in the order they are drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from pmsl.files.output_file import whole_file
from pmsl.job.drawing import Kind
from pmsl.job.print_job import PrintJob
from pmsl.report.drawing import LINE_PX, Colour, draw_legend, draw_scale_bar, wrapped, write_lines

PAPER, INK = (255, 255, 255), (30, 30, 30)
INKS: dict[Kind, Colour] = {"border": (200, 30, 30), "hatch": (30, 90, 200), "skin": (20, 140, 60)}
WAY = (205, 205, 205)
TILE_PX, GAP, FINER = 620, 14, 2


def line_sheet(job: PrintJob, path: str | Path, layers: int = 4) -> None:
    """Write `line_picture` as a PNG, whole or not at all.

    Parameters
    ----------
    job : PrintJob
    path : str or Path
    layers : int

    Raises
    ------
    OutputError
        The picture cannot be written.
    """
    with whole_file(Path(path), "the preview ") as draft:
        line_picture(job, layers).save(draft, "PNG")


def line_picture(job: PrintJob, layers: int = 4) -> Image.Image:
    """Return what is drawn in some layers, seen from the light side, y upward.

    Parameters
    ----------
    job : PrintJob
        One that a laser draws.
    layers : int
        How many layers are shown, evenly from the first to the last.
    """
    chosen = np.unique(np.linspace(0, job.n_layers - 1, layers).round().astype(int)).tolist()
    tiles = [_tile(job, k) for k in chosen]
    cols = min(2, len(tiles))
    rows = [tiles[i : i + cols] for i in range(0, len(tiles), cols)]
    width = cols * (TILE_PX + GAP) + GAP
    title = wrapped(f"{', '.join(p.label for p in job.parts)}   {job.printer.name}, {job.n_layers} layers, seen from the light side", width)
    top = GAP + LINE_PX * (len(title) + 1) + GAP
    sheet = Image.new("RGB", (width, top + sum(max(t.height for t in row) + GAP for row in rows)), PAPER)
    write_lines(sheet, GAP, GAP, title, INK)
    draw_legend(sheet, GAP, GAP + LINE_PX * len(title), [*((ink, kind) for kind, ink in INKS.items()), (WAY, "dark")], INK, INK)
    for row in rows:
        for i, tile in enumerate(row):
            sheet.paste(tile, (GAP + i * (TILE_PX + GAP), top))
        top += max(t.height for t in row) + GAP
    return sheet


def _tile(job: PrintJob, k: int) -> Image.Image:
    """One layer: its lines over its number, height and a scale bar."""
    low, high = (np.array([p.bounds_um[end][:2] for p in job.parts]) for end in (0, 1))
    low, high = low.min(axis=0), high.max(axis=0)
    scale = FINER * (TILE_PX - 2) / float((high - low).max())
    size = np.ceil((high - low) * scale).astype(int) + 2 * FINER
    picture = Image.new("RGB", (int(size[0]), int(size[1])), PAPER)
    pen, last = ImageDraw.Draw(picture), None
    groups = [group for e in job.bare(k).exposures if e.drawing is not None for group in e.drawing.groups]
    for group in groups:
        for line in group.polylines():
            at = (line.points_um - low) * scale + FINER
            at[:, 1] = size[1] - at[:, 1]
            points = [(float(x), float(y)) for x, y in at]
            if last is not None:
                pen.line([last, points[0]], fill=WAY, width=1)
            pen.line(points, fill=INKS[group.kind], width=FINER)
            last = points[-1]
    small = picture.resize((-(-picture.width // FINER), -(-picture.height // FINER)), Image.Resampling.BOX)
    tile = Image.new("RGB", (TILE_PX, small.height + 3 * LINE_PX), PAPER)
    edges = job.grid.z_edges_um
    many = f"{sum(map(len, groups))} lines, {sum(g.length_um for g in groups) * 1e-3:.4g} mm"
    write_lines(tile, 0, 0, [f"layer {k}   z {edges[k]:g}..{edges[k + 1]:g} µm   {many}"], INK)
    tile.paste(small, (0, LINE_PX))
    draw_scale_bar(tile, 0, LINE_PX + small.height + 4, FINER / scale, TILE_PX // 3, INK)
    return tile
