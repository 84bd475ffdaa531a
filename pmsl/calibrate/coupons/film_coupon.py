"""Coupons of one layer on glass or film: square tiles that are measured for what cured in their middle."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pmsl.calibrate.coupons.coupon_job import (
    Coupon,
    Rectangle,
    Row,
    TileExposure,
    check_dose,
    coupon_grid,
    coupon_job,
    digest_of,
    most_dose_mj_cm2,
    numbers_mask,
    prism_of,
    prism_part,
)
from pmsl.calibrate.coupons.tile_layout import TileLayout, tile_layout
from pmsl.cure import CureModel
from pmsl.profiles import Printer, Process, Resin

ROOM, LEAST_UM = 1.3, 10.0  # of the thickest tile: height of the layer
LABEL = 4.0  # dose of the numbers, in Ec


def tiles_of(count: int, printer: Printer, tile_um: float | None = None, long: int = 0) -> TileLayout:
    """Lay square tiles out over the field of a printer.

    Parameters
    ----------
    count : int
    printer : Printer
    tile_um : float, optional
        Side [µm]; left out: what there is room for.
    long : int
        How many of them, the last ones, are as long as a row of tiles.
    """
    pitch = printer.optics.pitch_um.value
    return tile_layout(count, printer.field_px, pitch, printer.optics.psf.width_px(pitch), tile_um, long)


def film_height_um(thickest_um: float) -> int:
    """Return the height of the one layer of a coupon whose thickest film is so thick [µm]."""
    return math.ceil(ROOM * max(thickest_um, LEAST_UM))


def label_dose_mj_cm2(printer: Printer, resin: Resin) -> float:
    """Return the dose of numbers that have an exposure of their own [mJ/cm²]."""
    return min(LABEL * CureModel.of(resin).ec_mj_cm2, most_dose_mj_cm2(printer))


def film_coupon(
    kind: str,
    profiles: tuple[Printer, Resin, Process],
    layout: TileLayout,
    columns: Sequence[str],
    rows: Sequence[Row],
    notes: Sequence[str],
    highest_mj_cm2: float,
    shots: Callable[[], Sequence[TileExposure]],
    words: Sequence[str] = (),
    drawn: Callable[[int], Sequence[Rectangle]] | None = None,
) -> Coupon:
    """Return a coupon of one layer, its numbers with an exposure of their own.

    Parameters
    ----------
    kind : str
    profiles : (Printer, Resin, Process)
    layout : TileLayout
    columns, rows, notes
        Of the sheet.
    highest_mj_cm2 : float
        Strongest dose: what the tallest tile has.
    shots : callable
        Gives the exposures of the tiles.
    words : sequence of str
        Beside the marks of the tiles, on the drawing.
    drawn : callable, optional
        Tile, from 0 → the rectangles it is of; left out: a square.
    """
    printer, resin, _ = profiles
    check_dose(highest_mj_cm2, printer, kind)
    model = CureModel.of(resin)
    label = label_dose_mj_cm2(printer, resin)
    tallest = model.decay.lengths_um[0] * math.log(max(highest_mj_cm2, label) / model.ec_mj_cm2)
    height = film_height_um(tallest)
    grid = coupon_grid(printer, [height])

    def all_shots(_: int) -> list[TileExposure]:
        return [TileExposure(numbers_mask(layout, range(layout.count)), label), *shots()]

    parts = []
    for i in range(layout.count):
        square, *number = layout.rectangles(i)
        boxes = [square] if drawn is None else drawn(i)
        parts.append(prism_part([prism_of(grid, r, 0.0, height) for r in (*boxes, *number)], f"tile {i + 1}"))
    job = coupon_job(kind, digest_of(columns, rows), profiles, grid, all_shots, parts)
    middles = [(t.col0 + t.cols / 2, t.row0 + t.rows / 2) for t in map(layout.tile, range(layout.count))]
    marks = tuple((x, y, words[i] if i < len(words) else "") for i, (x, y) in enumerate(middles))
    return Coupon(kind, job, layout, tuple(columns), tuple(rows), tuple(notes), marks)
