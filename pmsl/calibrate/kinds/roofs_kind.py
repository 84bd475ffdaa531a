"""The kind ``roofs``: channels under 1 to 40 layers at three doses, jointly with a working curve: Dp in depth, tail, induction."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pmsl.calibrate.coupons.coupon_job import (
    Coupon,
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
from pmsl.calibrate.coupons.tile_layout import well_spread
from pmsl.calibrate.fits.cure_fit import CureRows, fit_cure, read_cure_rows
from pmsl.calibrate.fits.fit_result import FitResult
from pmsl.calibrate.kinds.kind import CouponOptions, FitOptions, Kind
from pmsl.calibrate.profile_update import measured_resin
from pmsl.core.finding import Finding
from pmsl.cure import CureModel, print_through_um
from pmsl.errors import MeasurementError, UsageError
from pmsl.exposure.planning import whole_frames
from pmsl.profiles import Printer, Process, Resin

KNOWN = ("tile", "time_s", "irradiance_mw_cm2", "layer_um", "cover_layers", "channel_um")
COLUMNS = (*KNOWN, "gap_um", "reference_design_um", "reference_um")
COVERS, FACTORS = (1, 2, 3, 5, 8, 12, 20, 40), (0.7, 1.0, 2.0)
CAVITY, TERRACE = (10, 14, 40, 12), ((0, 40, 60, 10), (0, 50, 60, 10))  # first row, first column, rows, columns, in parts
NOTES = (
    "Each tile has a closed channel under cover_layers layers, and beside it two terraces: the lower as high as the channel's floor, the "
    "upper channel_um above it. Cut or grind the tile across the channel, or focus through it (then multiply by the refractive index); "
    "gap_um is from floor to roof in the middle of the channel, 0 where it closed; reference_um is from terrace to terrace with the same "
    "instrument. Fit it with the sheet of a working curve: pmsl calibrate fit roofs THIS.csv WORKING-CURVE.csv",
)


def _coupon(printer: Printer, resin: Resin, process: Process, options: CouponOptions) -> Coupon:
    model = CureModel.of(resin)
    covers = tuple(options.cover_layers or COVERS)
    height = options.layer_um or process.layer_um
    if min(covers) < 1 or max(covers) > 200 or not 0 < height < 500:
        raise UsageError(f"coupon roofs: cover layers {covers}, layers of {height:g} µm: expected 1 to 200 layers, above 0 µm")
    dp = model.decay.lengths_um[0]
    white = 1.5 * model.ec_mj_cm2 * math.exp(height / dp)
    low, high = options.dose_range_mj_cm2 or (FACTORS[0] * white, min(FACTORS[-1] * white, most_dose_mj_cm2(printer)))
    check_dose(high, printer, "roofs")
    heights = tuple(options.slab_heights or (0.0,))
    if not all(0 <= share < 1 for share in heights):
        raise UsageError(f"coupon roofs: roofs at {', '.join(f'{v:g}' for v in heights)} of a slab: expected shares from 0 to below 1")
    ladder = np.geomspace(low, high, len(FACTORS)).tolist()
    settings = list(itertools.starmap(RoofTile, itertools.product(ladder, covers, heights))) * (options.repeats or 1)
    return roofs_coupon((printer, resin, process), [settings[i] for i in well_spread(len(settings))], float(height))


class RoofTile(NamedTuple):
    """A tile: dose of its layers [mJ/cm²], layers over its channel, and where in a slab its roof lies, in layers."""

    dose_mj_cm2: float
    covers: int
    slab_height: float = 0.0


def roofs_coupon(
    profiles: tuple[Printer, Resin, Process], settings: Sequence[RoofTile], height: float, notes: Sequence[str] = NOTES
) -> Coupon:
    """Make a coupon of closed channels.

    Parameters
    ----------
    profiles : (Printer, Resin, Process)
    settings : sequence of RoofTile
    height : float
        Of a layer [µm].
    notes : sequence of str
        For the sheet.

    Raises
    ------
    UsageError
        No room on the field, doses that cure no layer.
    """
    printer, resin, _ = profiles
    model, light = CureModel.of(resin), printer.optics.settings[0].irradiance_mw_cm2.value
    dp, covers = model.decay.lengths_um[0], [tile.covers for tile in settings]
    doses, which = np.unique([tile.dose_mj_cm2 for tile in settings], return_inverse=True)
    doses, times = whole_frames(doses, light, printer)
    if not doses[0] > model.ec_mj_cm2 * math.exp(height / dp):
        raise UsageError(
            f"coupon roofs: {doses[0]:.4g} mJ/cm² does not cure layers of {height:g} µm; choose more (--range LO,HI), or --layer-um"
        )
    deepest = print_through_um(max(covers), height, dp, dp * math.log(float(doses[-1]) / model.ec_mj_cm2))
    channel = math.ceil((max(deepest, 0.0) + ROOM_UM) / height)
    tiles = list(zip(which.tolist(), covers, [tile.slab_height for tile in settings], strict=True))
    within = any(share > 0 for _, _, share in tiles)
    columns = (*COLUMNS, "roof_design_um") if within else COLUMNS
    pitch = max(printer.optics.pitch_um.value)
    part_px = max(1, math.ceil(LEAST_UM / (UNITS * pitch)))
    layout = tiles_of(len(tiles), printer, UNITS * part_px * pitch)
    grid = coupon_grid(printer, [height] * (BASE + channel + max(covers) + within))
    rows = tuple(
        {
            "tile": i + 1,
            "time_s": float(times[d]),
            "irradiance_mw_cm2": light,
            "layer_um": height,
            "cover_layers": n,
            "channel_um": (channel + (share > 0.5)) * height,
            "reference_design_um": (channel + (share > 0.5)) * height,
            **({"roof_design_um": (channel + share) * height} if within else {}),
        }
        for i, (d, n, share) in enumerate(tiles)
    )
    label = label_dose_mj_cm2(printer, resin)

    def exposures(k: int) -> list[TileExposure]:
        out = [TileExposure(numbers_mask(layout, range(layout.count), k), label)] if k < BASE else []
        for d, dose in enumerate(doses.tolist()):
            mine = [(layout.tile(i), n, share) for i, (own, n, share) in enumerate(tiles) if own == d]
            lit = [r for tile, n, share in mine for r in lit_rectangles(_boxes(channel + share, n), tile, part_px, k)]
            out.append(TileExposure(rectangles_mask(k, layout.shape, lit), dose))
        return out

    parts = []
    for i, (_, n, share) in enumerate(tiles):
        number = [prism_of(grid, r, 0.0, BASE * height) for r in layout.rectangles(i)[1:]]
        parts.append(prism_part([*number, *box_prisms(_boxes(channel + share, n), layout.tile(i), part_px, grid, height)], f"tile {i + 1}"))
    job = coupon_job("roofs", digest_of(columns, rows), profiles, grid, exposures, parts)
    marks = tuple(
        (t.col0 + 20 * part_px, t.row0 + 30 * part_px, f"{n} layers")
        for t, (_, n, _) in zip(map(layout.tile, range(layout.count)), tiles, strict=True)
    )
    return Coupon("roofs", job, layout, columns, rows, tuple(notes), marks)


def _boxes(channel: float, covers: int) -> list[Box]:
    """Return the boxes of a tile."""
    row, col, rows, cols = CAVITY
    top, end = BASE + channel, BASE + channel + covers
    around = [(0, 0, row, 40), (row + rows, 0, UNITS - row - rows, 40), (row, 0, rows, col), (row, col + cols, rows, 40 - col - cols)]
    walls = [Box(*box, BASE, top) for box in around]
    return [Box(0, 0, UNITS, UNITS, 0, BASE), *walls, Box(0, 0, UNITS, 40, top, end), Box(*TERRACE[1], BASE, top)]


def _fit(paths: Sequence[Path], options: FitOptions) -> FitResult:
    rows = read_cure_rows(paths, options, ("roofs", "working-curve", "induction"))
    if not (rows.cover_layers > 0).any():
        raise MeasurementError(f"{rows.source}: no row has a gap under cover_layers; add the sheet of a roofs coupon")
    if not (rows.cover_layers == 0).any():
        raise MeasurementError(
            f"{rows.source}: roofs alone part Dp, Ec and induction by far worse than with films of known dose; add the sheet of a working "
            "curve of the same resin and day"
        )
    return fit_cure("roofs", rows, ("induction_mj_cm2", "tail"), options).with_findings(*_from_design(rows))


def _from_design(rows: CureRows) -> list[Finding]:
    """Say how far roofs that lie within slabs are from where they were designed, plain: the middle of a slab says whether it is lit."""
    found = []
    where = np.mod(np.round(rows.design_um / rows.layer_um, 6), 1.0)
    for share in np.unique(where[~np.isnan(where)]).tolist():
        off = (rows.lit_um - rows.y_um - rows.design_um)[where == share]
        found.append(
            Finding(
                code="roofs-from-design",
                severity="info",
                message=f"{len(off)} roofs designed {share:g} of a layer into their slab lie {off.min():+.3g} to {off.max():+.3g} µm "
                f"from their design, {off.mean():+.3g} in the mean",
                value=float(off.mean()),
                unit="µm",
            )
        )
    return found


KIND = Kind(
    name="roofs",
    options=frozenset({"repeats", "dose_range_mj_cm2", "layer_um", "cover_layers", "slab_heights"}),
    coupon=_coupon,
    fit=_fit,
    resin=measured_resin,
)
