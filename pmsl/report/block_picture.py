"""A picture of one slice of a two-photon job: its blocks, where they share, and the lines drawn in each."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from pmsl.files.output_file import whole_file
from pmsl.job.two_photon_job import TwoPhotonJob, WrittenSlice
from pmsl.report.drawing import LINE_PX, draw_scale_bar, wrapped, write_lines

SIZE_PX = 900
GAP = 14
PAPER, INK, EDGE = (32, 32, 32), (225, 225, 225), (110, 110, 110)
SHARED = (70, 60, 40)  # what two blocks or more write
COLOURS = ((120, 190, 255), (255, 190, 110), (150, 230, 150), (240, 150, 220))  # of blocks, no two neighbours alike


def block_picture(job: TwoPhotonJob, path: str | Path, k: int | None = None, window_um: float | None = None) -> None:
    """Write a PNG of the lines of a slice, seen from above, each block's in a colour of its own, over the squares of the blocks.

    Parameters
    ----------
    job : TwoPhotonJob
    path : str or Path
    k : int, optional
        Which slice; left out, the one in the middle of the height.
    window_um : float, optional
        Side of the square around the middle of the part that is shown; left out, all of it.

    Raises
    ------
    OutputError
        The picture cannot be written.
    """
    number = job.n_layers // 2 if k is None else k
    drawn = next(islice(job.draw(), number, None))
    low, high = _box(job, window_um)
    scale = SIZE_PX / float((high - low).max())
    width, height = (max(1, round(float(v) * scale)) for v in high - low)
    title = wrapped(_title(job, drawn), max(width, SIZE_PX // 2))
    top = GAP + LINE_PX * len(title) + GAP
    sheet = Image.new("RGB", (max(width, SIZE_PX // 2) + 2 * GAP, top + height + 2 * LINE_PX + GAP), PAPER)
    write_lines(sheet, GAP, GAP, title, INK)
    sheet.paste(_lines(job, drawn, low, high, scale, (width, height)), (GAP, top))
    draw_scale_bar(sheet, GAP, top + height, 1 / scale, width // 3, INK)
    with whole_file(Path(path), "the preview ") as draft:
        sheet.save(draft, "PNG")


def _box(job: TwoPhotonJob, window_um: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the corners of what is shown [µm]."""
    low = job.grid.origin_um.copy()
    high = low + job.grid.size_um
    if window_um is None:
        margin = 0.02 * float((high - low).max())
        return low - margin, high + margin
    middle = 0.5 * (low + high)
    return middle - 0.5 * window_um, middle + 0.5 * window_um


def _lines(job: TwoPhotonJob, drawn: WrittenSlice, low: np.ndarray, high: np.ndarray, scale: float, size: tuple[int, int]) -> Image.Image:
    """Return the squares and lines; y upward."""
    picture = Image.new("RGB", size, PAPER)
    pen = ImageDraw.Draw(picture)

    def at(points: np.ndarray) -> list[tuple[float, float]]:
        return [(float(x), size[1] - 1 - float(y)) for x, y in (points - low) * scale]

    shared = np.zeros((size[1], size[0]), np.int32)
    moved = job.process.two_photon.seam_shift_um(drawn.number)
    corners = [[at(corner[None] + moved)[0] for corner in block.corners_um] for block in job.blocks]
    for (x0, y0), (x1, y1) in corners:
        shared[max(0, round(y1)) : max(0, round(y0) + 1), max(0, round(x0)) : max(0, round(x1) + 1)] += 1
    picture.paste(SHARED, (0, 0), Image.fromarray(np.where(shared > 1, 255, 0).astype(np.uint8)))
    for block, lines in zip(job.blocks, drawn.blocks, strict=True):
        colour = COLOURS[block.column % 2 + 2 * (block.row % 2)]
        points = lines.xy_um + np.array(block.centre_um)
        for i in range(len(lines.start) - 1):
            pen.line(at(points[lines.start[i] : lines.start[i + 1]]), fill=colour)
    for (x0, y0), (x1, y1) in corners:
        pen.rectangle((x0, y1, x1, y0), outline=EDGE)
    return picture


def _title(job: TwoPhotonJob, drawn: WrittenSlice) -> str:
    labels = ", ".join(part.label for part in job.parts)
    columns, rows = (1 + max(getattr(block, way) for block in job.blocks) for way in ("column", "row"))
    side, scan = job.blocks[0].side_um, job.process.two_photon
    return (
        f"{labels}   slice {drawn.number} of {job.n_layers}, z {drawn.z_um:g} µm, {drawn.power_mw:.3g} mW; hatch {scan.hatch_um:g} µm; "
        f"{columns} x {rows} blocks of {side:g} µm, {job.block_pitch_um[0]:g} x {job.block_pitch_um[1]:g} µm apart"
    )
