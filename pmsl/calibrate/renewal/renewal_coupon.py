"""The coupon of renewal: tiles with a sealed cavity and a side-open ledge under the same layers, long bars with a channel to one port."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pmsl.calibrate.coupons.coupon_job import (
    Coupon,
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
    rectangles_mask,
)
from pmsl.calibrate.coupons.film_coupon import label_dose_mj_cm2, tiles_of
from pmsl.calibrate.coupons.tile_boxes import BASE, LEAST_UM, ROOM_UM, UNITS, Box, box_prisms, lit_rectangles
from pmsl.calibrate.coupons.tile_layout import TileLayout, well_spread
from pmsl.calibrate.kinds.kind import CouponOptions
from pmsl.cure import CureModel, print_through_um
from pmsl.errors import UsageError
from pmsl.exposure.planning import whole_frames
from pmsl.profiles import Printer, Process, Resin

COLUMNS = (
    *("tile", "time_s", "irradiance_mw_cm2", "layer_um", "cover_layers", "port_um", "channel_um"),
    *("gap_um", "reference_design_um", "reference_um"),
)
COVERS, FACTORS = (1, 2, 3, 5, 8, 12, 20, 40), (1.0, 2.0)
NEAR_UM, FAR_UM, PLACES = 100.0, 10_000.0, 8  # of a channel: first and last place from its port, and how many
WALL, CAVITY, LEDGE, LEDGE_AT = 6, 12, 24, 12  # parts: thickness, width, depth of a ledge, and where it is measured, from its edge
NOTES = (
    "Square tiles have a sealed cavity and, to the right of it, a ledge that is open at its edge; long ones have a channel with one port, "
    "at their right end. port_um is how far from the edge or port to measure gap_um, from floor to roof; where it is blank, in the middle "
    "of the cavity. reference_um is from terrace to terrace of the same tile, channel_um apart, with the same instrument. Cut or grind "
    "across, or focus through (then multiply by the refractive index); 0 is what closed. Print it with the recoating of your jobs: that is "
    "what is measured. Fit with the sheet of a working curve: pmsl calibrate fit renewal THIS.csv WORKING-CURVE.csv",
)


class RenewalTile(NamedTuple):
    """A tile: dose of its layers [mJ/cm²], layers over it, whether it is a bar with one port."""

    dose_mj_cm2: float
    covers: int
    bar: bool


class _Tile(NamedTuple):
    """A tile: its dose, cover layers, whether it is a bar."""

    dose: int
    covers: int
    bar: bool


def renewal_coupon(
    printer: Printer,
    resin: Resin,
    process: Process,
    options: CouponOptions,
    chosen: Sequence[RenewalTile] = (),
    notes: Sequence[str] = NOTES,
) -> Coupon:
    """Make the coupon of renewal.

    Parameters
    ----------
    printer, resin, process : Printer, Resin, Process
    options : CouponOptions
        ``repeats, dose_range_mj_cm2, layer_um, cover_layers``.
    chosen : sequence of RenewalTile
        Its very tiles; left out: all covers at two doses, and a bar of each dose.
    notes : sequence of str
        For the sheet.

    Raises
    ------
    UsageError
        No room on the field, doses beyond the printer's limits or that do not cure a layer.
    """
    model, light = CureModel.of(resin), printer.optics.settings[0].irradiance_mw_cm2.value
    covers = tuple(tile.covers for tile in chosen) or tuple(options.cover_layers or COVERS)
    height = options.layer_um or process.layer_um
    if min(covers) < 1 or max(covers) > 200 or not 0 < height < 500:
        raise UsageError(f"coupon renewal: cover layers {covers}, layers of {height:g} µm: expected 1 to 200 layers, above 0 µm")
    dp = model.decay.lengths_um[0]
    white = 1.5 * model.ec_mj_cm2 * math.exp(height / dp)
    low, high = options.dose_range_mj_cm2 or (FACTORS[0] * white, min(FACTORS[-1] * white, most_dose_mj_cm2(printer)))
    wanted, which = np.unique([tile.dose_mj_cm2 for tile in chosen] or [low, high], return_inverse=True)
    check_dose(float(wanted[-1]), printer, "renewal")
    doses, times = whole_frames(wanted, light, printer)
    if not doses[0] > model.ec_mj_cm2 * math.exp(height / dp):
        raise UsageError(
            f"coupon renewal: {doses[0]:.4g} mJ/cm² does not cure layers of {height:g} µm; choose more (--range LO,HI), or --layer-um"
        )
    deepest = print_through_um(max(covers), height, dp, dp * math.log(float(doses[-1]) / model.ec_mj_cm2))
    channel = math.ceil((max(deepest, 0.0) + ROOM_UM) / height)
    own = [_Tile(int(d), tile.covers, tile.bar) for d, tile in zip(which.tolist(), chosen, strict=False)]
    tiles, layout, part_px = _laid_out(printer, own or _ladder(covers, options.repeats or 1))
    grid = coupon_grid(printer, [height] * (BASE + channel + max(covers)))
    pitch = float(grid.pitch_um[0])
    boxes = [_boxes(tile, channel, layout.tile(i).cols // part_px) for i, tile in enumerate(tiles)]
    rows: list[Row] = []
    marks: list[tuple[float, float, str]] = []
    for i, tile in enumerate(tiles):
        known = {
            "tile": i + 1,
            "time_s": float(times[tile.dose]),
            "irradiance_mw_cm2": light,
            "layer_um": float(height),
            "cover_layers": tile.covers,
            "channel_um": channel * height,
            "reference_design_um": channel * height,
        }
        at = layout.tile(i)
        for part, way in _places(tile, at.cols // part_px, part_px * pitch):
            rows.append(known if way is None else {**known, "port_um": way * part_px * pitch})
            row = at.row0 + (18 if tile.bar else 30) * part_px
            marks.append((at.col0 + part * part_px, row, f"{tile.covers}" if way is None else f"{way * part_px * pitch:.4g}"))
    label = label_dose_mj_cm2(printer, resin)

    def exposures(k: int) -> list[TileExposure]:
        out = [TileExposure(numbers_mask(layout, range(layout.count), k), label)] if k < BASE else []
        for d, dose in enumerate(doses.tolist()):
            mine = [i for i, tile in enumerate(tiles) if tile.dose == d]
            lit = [r for i in mine for r in lit_rectangles(boxes[i], layout.tile(i), part_px, k)]
            out.append(TileExposure(rectangles_mask(k, layout.shape, lit), dose))
        return out

    parts = []
    for i in range(layout.count):
        number = [prism_of(grid, r, 0.0, BASE * height) for r in layout.rectangles(i)[1:]]
        parts.append(prism_part([*number, *box_prisms(boxes[i], layout.tile(i), part_px, grid, height)], f"tile {i + 1}"))
    job = coupon_job("renewal", digest_of(COLUMNS, rows), (printer, resin, process), grid, exposures, parts)
    return Coupon("renewal", job, layout, COLUMNS, tuple(rows), tuple(notes), tuple(marks))


def _ladder(covers: Sequence[int], repeats: int) -> list[_Tile]:
    """Return tiles of all covers at each dose, and bars under the most."""
    tiles = [_Tile(d, n, False) for d, n in itertools.product(range(len(FACTORS)), covers)] * repeats
    return [*tiles, *[_Tile(d, max(covers), True) for d in range(len(FACTORS))] * repeats]


def part_side_px(printer: Printer) -> int:
    """Return the side of a part of a tile [px].

    Parameters
    ----------
    printer : Printer
    """
    return max(1, math.ceil(LEAST_UM / (UNITS * max(printer.optics.pitch_um.value))))


def _laid_out(printer: Printer, tiles: Sequence[_Tile]) -> tuple[list[_Tile], TileLayout, int]:
    """Return the tiles, bars last, where they lie, and the side of a part [px]."""
    square, bars = [tile for tile in tiles if not tile.bar], [tile for tile in tiles if tile.bar]
    square = [square[i] for i in well_spread(len(square))]
    part_px = part_side_px(printer)
    side = UNITS * part_px * max(printer.optics.pitch_um.value)
    return [*square, *bars], tiles_of(len(tiles), printer, side, long=len(bars)), part_px


def _boxes(tile: _Tile, channel: int, length: int) -> list[Box]:
    """Return the boxes of a tile that is so many parts long."""
    top, end = BASE + channel, BASE + channel + tile.covers
    base = Box(0, 0, UNITS, length, 0, BASE)
    if tile.bar:
        low = (UNITS - LEDGE - CAVITY) // 2  # thickness of the walls beside the channel: rows 0 to 36 are the block
        walls = [Box(0, 0, low, length, BASE, top), Box(low + CAVITY, 0, low, length, BASE, top), Box(low, 0, CAVITY, WALL, BASE, top)]
        return [base, *walls, Box(0, 0, 2 * low + CAVITY, length, top, end), Box(UNITS - CAVITY, 0, CAVITY, length, BASE, top)]
    left, right = CAVITY, UNITS - LEDGE  # of the block: the terraces lie to its left, the ledge to its right
    walls = [
        Box(0, left, 10, right - left, BASE, top),
        Box(50, left, 10, right - left, BASE, top),
        Box(10, left, 40, WALL, BASE, top),
        Box(10, right - WALL, 40, WALL, BASE, top),
    ]
    return [base, *walls, Box(0, left, UNITS, UNITS - left, top, end), Box(50, 0, 10, left, BASE, top)]


def _places(tile: _Tile, length: int, part_um: float) -> list[tuple[float, int | None]]:
    """Return where a tile is measured: parts from its left edge, and from the port (None where it is sealed)."""
    if not tile.bar:
        return [(CAVITY + (UNITS - LEDGE - CAVITY) / 2, None), (UNITS - LEDGE_AT, LEDGE_AT)]
    near = max(math.ceil(NEAR_UM / part_um), LEDGE_AT)
    far = max(min(round(FAR_UM / part_um), length - 2 * WALL), near)
    ways = sorted({round(way) for way in np.geomspace(near, far, PLACES).tolist()})
    return [(length - way, way) for way in ways]
