"""Pictures of two jobs side by side: a layer of the first, of the second, and by how much they differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pmsl.core.grid import Grid
from pmsl.core.mask import Window
from pmsl.errors import OutputError
from pmsl.formats.frames.device_frame import turn
from pmsl.profiles.printer import Orientation
from pmsl.report.difference.alignment import PlacePair
from pmsl.report.difference.light_difference import BAND_PX, LightComparison
from pmsl.report.difference.records import AREA, LightDifference
from pmsl.report.drawing import AXES_PX, LINE_PX, draw_directions, draw_legend, draw_scale_bar, wrapped, write_lines

PANEL_PX, LEAST_PX = 520, 300
GAP = 14
ROOM = 0.15  # around what differs, of its size
PAPER, INK, EDGE = (40, 40, 44), (225, 225, 225), (110, 110, 116)
MORE, LESS, SAME = (240, 110, 30), (50, 130, 240), (24, 24, 28)
PICTURE = re.compile(r"diff-layer-\d{5,}\.png")
SEEN_FROM_LIGHT = Orientation(row="-y", col="+x")


def drawable(light: Iterable[LightDifference]) -> list[LightDifference]:
    """Return the differences that have pixels to draw: not of areas alone."""
    return [one for one in light if one.unit != AREA]


def picture_names(light: Sequence[LightDifference], most: int) -> list[tuple[LightDifference, str]]:
    """Return the layers that get a picture, those that differ most, from the plate up, and the names of their files."""
    chosen = sorted(sorted(drawable(light), key=lambda one: -one.share)[:most], key=lambda one: one.layer)
    return [(one, f"diff-layer-{one.layer:05d}.png") for one in chosen]


def remove_pictures(folder: Path) -> None:
    """Remove the pictures of an earlier comparison from a folder; nothing else.

    Raises
    ------
    OutputError
        One cannot be removed.
    """
    for path in sorted(folder.glob("diff-layer-*.png")):
        try:
            if PICTURE.fullmatch(path.name):
                path.unlink()
        except OSError as err:
            raise OutputError(f"{path}: the picture of an earlier comparison cannot be removed ({err.strerror or err})") from err


def diff_picture(comparison: LightComparison, found: LightDifference, labels: tuple[str, str], path: Path) -> None:
    """Write a PNG of a layer of both jobs around what differs: the light of the first, of the second, and the difference.

    It is drawn of the engine and at the offset of the pixel that differs most.

    Parameters
    ----------
    comparison : LightComparison
    found : LightDifference
        Of the layer; one that `drawable` has.
    labels : (str, str)
        What the jobs are called.
    path : Path

    Raises
    ------
    OutputError
        The picture cannot be written.
    """
    pairs = comparison.places(comparison.a.bare(found.layer), comparison.b.bare(found.layer))
    pair = next(one for one in pairs if (one.engine, one.offset_um) == (found.engine, found.offset_um))
    grid = comparison.grid(found.engine)
    window = _window(grid, found)
    step = max(1, -(-max(window.rows, window.cols) // PANEL_PX))
    a, b = _means(comparison, pair, window, step)
    white = max(float(a.max()), float(b.max()), 1e-12)
    gap = np.clip((b - a) / max(float(np.abs(b - a).max()), 1e-12), -1.0, 1.0)
    panels = [_gray(a / white), _gray(b / white), _signed(gap)]
    many = max(1, PANEL_PX // max(a.shape))
    pictures = [_panel(colours, many) for colours in panels]
    width = max(LEAST_PX, *(picture.width for picture in pictures))
    heads = [wrapped(name, width) for name in (f"a: {labels[0]}", f"b: {labels[1]}", "b less a")]
    edges = comparison.a.grid.z_edges_um
    k = found.layer
    unit = found.unit.replace("²", "2")
    title = f"layer {k}   z {edges[k]:g}..{edges[k + 1]:g} µm   up to {found.largest:.4g} {unit} ({found.share_words}){_place_words(found)}"
    lines, head = wrapped(title, 3 * width), max(len(h) for h in heads)
    height = max(p.height for p in pictures)
    top = GAP + LINE_PX * (len(lines) + head)
    sheet = Image.new("RGB", (3 * width + 4 * GAP, top + height + 2 * LINE_PX + GAP), PAPER)
    write_lines(sheet, GAP, GAP, lines, INK)
    for i, (picture, words) in enumerate(zip(pictures, heads, strict=True)):
        x = GAP + i * (width + GAP)
        write_lines(sheet, x, GAP + LINE_PX * len(lines), words, INK)
        sheet.paste(picture, (x, top))
    draw_directions(sheet, GAP, top + height, SEEN_FROM_LIGHT, INK)
    draw_scale_bar(sheet, GAP + AXES_PX + GAP, top + height, float(grid.pitch_um[0]) * step / many, width // 3, INK)
    entries = (((0, 0, 0), "no light"), ((255, 255, 255), f"{white:.4g} {unit}"))
    draw_legend(sheet, GAP, top + height + LINE_PX, entries, INK, EDGE)
    draw_legend(sheet, GAP + 2 * (width + GAP), top + height, ((MORE, "b has more"), (LESS, "b has less"), (SAME, "same")), INK, EDGE)
    try:
        sheet.save(path, "PNG")
    except OSError as err:
        raise OutputError(f"{path}: the picture cannot be written ({err.strerror or err})") from err


def _place_words(found: LightDifference) -> str:
    """Return the engine and the offset, where they are not the usual ones."""
    words = f"   engine {found.engine}" if found.engine else ""
    return words + ("   offset {:g}, {:g} µm".format(*found.offset_um) if any(found.offset_um) else "")


def _window(grid: Grid, found: LightDifference) -> Window:
    """Return the pixels around what differs, inside the field."""
    (x0, y0), (x1, y1) = found.box_um
    room = ROOM * max(x1 - x0, y1 - y0) + 8 * float(grid.pitch_um.max())
    low = (np.array([x0, y0]) - room - grid.origin_um) / grid.pitch_um
    high = (np.array([x1, y1]) + room - grid.origin_um) / grid.pitch_um
    rows, cols = grid.shape
    col0, row0 = np.maximum(np.floor(low), 0).astype(int).tolist()
    col1, row1 = np.minimum(np.ceil(high), (cols, rows)).astype(int).tolist()
    return Window(row0, col0, max(row1 - row0, 1), max(col1 - col0, 1))


def _means(comparison: LightComparison, pair: PlacePair, window: Window, step: int) -> np.ndarray:
    """Return mean light of squares of `step` pixels each way, of those there are at the end: (2, rows, cols), by bands of rows."""
    starts = np.arange(0, window.cols, step)
    rows = -(-window.rows // step)
    sums = np.zeros((2, rows, len(starts)))
    many = max(1, BAND_PX // window.cols)
    for row0 in range(0, window.rows, many):
        band = window._replace(row0=window.row0 + row0, rows=min(many, window.rows - row0))
        squares = np.arange(row0, row0 + band.rows) // step
        for total, values in zip(sums, comparison.maps(pair, band), strict=True):
            np.add.at(total, squares, np.add.reduceat(values, starts, axis=1))
    heights, widths = np.diff(np.arange(0, window.rows, step), append=window.rows), np.diff(starts, append=window.cols)
    return np.asarray(sums / (heights[:, None] * widths[None, :]))


def _gray(share: np.ndarray) -> np.ndarray:
    return np.repeat(np.rint(255 * share).astype(np.uint8)[:, :, None], 3, axis=2)


def _signed(gap: np.ndarray) -> np.ndarray:
    """Return colours of shares -1 to 1."""
    strength = np.sqrt(np.abs(gap))[:, :, None]  # what differs little is seen, too
    end = np.where(gap[:, :, None] > 0, np.array(MORE), np.array(LESS))
    return np.asarray(np.rint(np.array(SAME) + strength * (end - np.array(SAME))).astype(np.uint8))


def _panel(colours: np.ndarray, many: int) -> Image.Image:
    turned = np.dstack([turn(np.ascontiguousarray(colours[:, :, i]), SEEN_FROM_LIGHT) for i in range(3)])
    picture = Image.fromarray(np.ascontiguousarray(turned))
    return picture.resize((many * picture.width, many * picture.height), Image.Resampling.NEAREST)
