"""The coupon of walls: lines and gaps of rising width in four directions, dots and holes, at three doses, on glass."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pmsl.calibrate.coupons.coupon_job import (
    Coupon,
    Prism,
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
from pmsl.calibrate.coupons.film_coupon import film_height_um, label_dose_mj_cm2, tiles_of
from pmsl.calibrate.coupons.tile_layout import TileLayout
from pmsl.core.grid import Grid
from pmsl.core.mask import LayerMask
from pmsl.cure import CureModel
from pmsl.errors import UsageError
from pmsl.exposure.planning import whole_frames
from pmsl.masks import layer_masks
from pmsl.mesh.part import Part
from pmsl.profiles import Printer, Process, Resin

COLUMNS = ("tile", "time_s", "irradiance_mw_cm2", "feature", "angle_deg", "width_px", "width_um")
WIDTHS, SQUARES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0), (1.0, 2.0, 3.0, 4.0, 6.0, 8.0)
ANGLES = (0.0, 90.0, math.degrees(math.atan(0.5)), 45.0)
TAUS = (0.5, 0.25, 0.125)  # Ec over the dose of white: at ½ edges stand where they are designed, whatever the blur
APART_PX, LENGTH_PX, BAR_PX, TILE_PX = 10, 60, 10, 190
NOTES = (
    "Each tile has lines (left) and gaps (right) in one direction, from 0.5 to 8 px wide, or dots and holes, at one dose. Measure width_um "
    "in the middle of each, with one microscope and one way of finding edges; 0 is what did not cure, or a gap that closed. angle_deg "
    "is the direction a line runs along: 0 along x. Widths rise from the tile's lower edge up, before it is turned.",
)
Box = tuple[float, float, float, float]  # along, across, length, width, from the tile's middle [px]


def walls_coupon(
    printer: Printer,
    resin: Resin,
    process: Process,
    dose_range_mj_cm2: tuple[float, float] | None = None,
    chosen_mj_cm2: Sequence[float] | None = None,
    notes: Sequence[str] = NOTES,
) -> Coupon:
    """Make the coupon of walls.

    Parameters
    ----------
    printer, resin, process : Printer, Resin, Process
    dose_range_mj_cm2 : (float, float), optional
        Lowest and highest of the three doses [mJ/cm²]; left out: 2 to 8 Ec.
    chosen_mj_cm2 : sequence of float, optional
        The doses, in their place; any of them more than once.
    notes : sequence of str
        For the sheet.

    Raises
    ------
    UsageError
        No room on the field, doses beyond the printer's limits.
    """
    ec, light = CureModel.of(resin).ec_mj_cm2, printer.optics.settings[0].irradiance_mw_cm2.value
    low, high = dose_range_mj_cm2 or (ec / max(TAUS), min(ec / min(TAUS), most_dose_mj_cm2(printer)))
    if chosen_mj_cm2 is not None:
        low, high = 0.999 * min(chosen_mj_cm2), max(chosen_mj_cm2)
    if not 0 < low < high:
        raise UsageError(f"coupon walls: doses from {low:g} to {high:g} mJ/cm²: expected a lower and a higher one")
    check_dose(high, printer, "walls")
    doses, times = whole_frames(np.geomspace(low, high, len(TAUS)) if chosen_mj_cm2 is None else np.sort(chosen_mj_cm2), light, printer)
    kinds: list[float | None] = [*ANGLES, None]  # None: dots and holes
    layout = tiles_of(len(kinds) * len(doses), printer, TILE_PX * max(printer.optics.pitch_um.value))
    tallest = CureModel.of(resin).decay.lengths_um[0] * math.log(max(float(doses[-1]) / ec, 2.0))
    height = film_height_um(tallest)
    grid = coupon_grid(printer, [height])
    rows: list[Row] = []
    marks: list[tuple[float, float, str]] = []
    groups: list[list[Part]] = [[] for _ in doses]
    for i in range(layout.count):
        which, angle = i // len(kinds), kinds[i % len(kinds)]
        boxes, features = _squares() if angle is None else _walls()
        prisms = [_turned(grid, layout, i, box, angle or 0.0, height) for box in boxes]
        groups[which].append(prism_part(prisms, f"tile {i + 1}"))
        tile = layout.tile(i)
        marks.append((tile.col0 + tile.cols / 2, tile.row0 + tile.rows / 2, "dots, holes" if angle is None else f"{angle:.1f}°"))
        known = {"tile": i + 1, "time_s": float(times[which]), "irradiance_mw_cm2": light, "angle_deg": round(angle or 0.0, 3)}
        rows += [{**known, "feature": feature, "width_px": width} for feature, width in features]
    label = label_dose_mj_cm2(printer, resin)
    masks: dict[int, LayerMask] = {}

    def exposures(_: int) -> list[TileExposure]:
        for d, parts in enumerate(groups):
            if d not in masks:
                masks[d] = next(iter(layer_masks(parts, grid)))
        lit = [TileExposure(masks[d], float(dose)) for d, dose in enumerate(doses)]
        return [TileExposure(numbers_mask(layout, range(layout.count)), label), *lit]

    numbers = [prism_of(grid, r, 0.0, height) for i in range(layout.count) for r in layout.rectangles(i)[1:]]
    parts = [*(part for group in groups for part in group), prism_part(numbers, "numbers")]
    job = coupon_job("walls", digest_of(COLUMNS, rows), (printer, resin, process), grid, exposures, parts)
    return Coupon("walls", job, layout, COLUMNS, tuple(rows), tuple(notes), tuple(marks))


def _walls() -> tuple[list[Box], list[tuple[str, float]]]:
    """Return lines and bars with gaps between them, as boxes; and what is measured."""
    boxes: list[Box] = []
    at = -math.ceil(sum(WIDTHS) + APART_PX * len(WIDTHS)) // 2
    for width in WIDTHS:
        boxes.append((-LENGTH_PX - 5, at, LENGTH_PX, width))
        at += math.ceil(width) + APART_PX
    low: float = -math.ceil(sum(WIDTHS) + BAR_PX * (len(WIDTHS) + 1)) // 2
    for width in (*WIDTHS, 0.0):
        top = low + BAR_PX if low == math.floor(low) else math.ceil(low) + BAR_PX
        boxes.append((5, low, LENGTH_PX, top - low))
        low = top + width
    return boxes, [(feature, width) for feature in ("line", "gap") for width in WIDTHS]


def _squares() -> tuple[list[Box], list[tuple[str, float]]]:
    """Return dots, and a plate with holes in boxes around them."""
    boxes: list[Box] = []
    step = max(SQUARES) + 2 * APART_PX
    for i, width in enumerate(SQUARES):
        at = math.floor((i - len(SQUARES) / 2) * step)
        boxes.append((-40, at, width, width))
        low, left, side = at - APART_PX, 20, 30
        boxes += [
            (left, low, side, APART_PX),
            (left, at, 11, width),
            (left + 11 + width, at, side - 11 - width, width),
            (left, at + width, side, step - APART_PX - width),
        ]
    return boxes, [(feature, width) for feature in ("dot", "hole") for width in SQUARES]


def _turned(grid: Grid, layout: TileLayout, i: int, box: Box, angle_deg: float, height_um: float) -> Prism:
    """Return a box of a tile, turned about the tile's middle pixel corner."""
    tile = layout.tile(i)
    middle = np.array([tile.col0 + tile.cols // 2, tile.row0 + tile.rows // 2], np.float64)
    along, across, length, width = box
    corners = np.array([(along, across), (along + length, across), (along + length, across + width), (along, across + width)])
    turn = math.radians(angle_deg)
    cos, sin = (round(v, 12) for v in (math.cos(turn), math.sin(turn)))
    turned = corners @ np.array([[cos, sin], [-sin, cos]]) + middle
    xy = turned * grid.pitch_um + grid.origin_um
    return Prism([(float(x), float(y)) for x, y in xy], 0.0, height_um)
